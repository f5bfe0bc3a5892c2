//! A text whichever way it is spelled: percent-encoded as in URLs and forms, escaped as in JSON, in any case.

use std::ops::Range;

/// A text as it is meant, and where each part of it stands in the text as it is written.
pub(crate) struct Meaning {
    /// In lower case, without escapes.
    pub text: String,
    /// The same with a space for each `+`, which is how forms write one.
    words: String,
    /// Where in the written text each byte of it comes from, and where that ends.
    at: Vec<usize>,
}

impl Meaning {
    /// What is meant by `written`.
    pub fn of(written: &str) -> Self {
        let mut text = String::with_capacity(written.len());
        let mut at = Vec::with_capacity(written.len() + 1);
        for (c, start) in characters(written) {
            text.extend(c.to_lowercase());
            at.resize(text.len(), start);
        }
        at.push(written.len());
        Self { words: text.replace('+', " "), text, at }
    }

    /// What is looked for in other texts.
    pub fn into_word(self) -> String {
        self.words
    }

    /// Where `word` is written; `whole` where it must not be part of another word.
    pub fn find(&self, word: &str, whole: bool) -> impl Iterator<Item = Range<usize>> {
        let is_apart = move |at: usize| {
            let (before, after) = (&self.words[..at], &self.words[at + word.len()..]);
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
        };
        // Preparing to look for a long word takes longer than to see that it has no room here.
        let room = if word.len() <= self.words.len() { &*self.words } else { "" };
        let found =
            room.match_indices(word).filter(move |(at, word)| !word.is_empty() && (!whole || is_apart(*at)));
        found.map(|(at, word)| self.written(at..at + word.len()))
    }

    /// Whether this is nothing but a piece of `word`.
    pub fn is_piece_of(&self, word: &str) -> bool {
        word.contains(self.words.trim())
    }

    /// Where the part of [`Meaning::text`] at this place, which is not empty, is written.
    pub fn written(&self, at: Range<usize>) -> Range<usize> {
        let last = self.at[at.end - 1];
        // One character that is written may be several in lower case.
        let end = self.at[at.end..].iter().find(|end| **end > last);
        self.at[at.start]..end.copied().unwrap_or(last)
    }
}

/// `written` without its escapes.
pub(crate) fn meant(written: &str) -> String {
    characters(written).map(|(c, _)| c).collect()
}

/// The characters that are meant, each with the place where its spelling starts.
fn characters(written: &str) -> impl Iterator<Item = (char, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let (c, length) = next(&written[start..])?;
        start += length;
        Some((c, start - length))
    })
}

/// The first character that is meant, and how long its spelling is.
fn next(written: &str) -> Option<(char, usize)> {
    // A text that was escaped twice has several backslashes before one character.
    let rest = written.trim_start_matches('\\');
    let escapes = written.len() - rest.len();
    let first = rest.chars().next()?;
    let (c, length) = match first {
        'u' if escapes > 0 => code_point(rest),
        'n' | 'r' | 't' if escapes > 0 => Some((' ', 1)),
        '%' => percent(rest),
        _ => None,
    }
    .unwrap_or((first, first.len_utf8()));
    Some((if c.is_whitespace() { ' ' } else { c }, escapes + length))
}

/// `u00e9`, or two such that are one character (RFC 8259, section 7).
fn code_point(written: &str) -> Option<(char, usize)> {
    let unit = |text: &str| hex(text.strip_prefix('u')?.get(..4)?);
    let first = unit(written)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 5));
    }
    let rest = written[5..].trim_start_matches('\\');
    let second = unit(rest)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)?;
    Some((c, written.len() - rest.len() + 5))
}

/// `%C3%A9` (RFC 3986, section 2.1).
fn percent(written: &str) -> Option<(char, usize)> {
    let mut bytes = [0; 4];
    for count in 1..=bytes.len() {
        let byte = hex(written.get(3 * count - 3..3 * count)?.strip_prefix('%')?)?;
        bytes[count - 1] = u8::try_from(byte).ok()?;
        if let Ok(text) = std::str::from_utf8(&bytes[..count]) {
            return Some((text.chars().next()?, 3 * count));
        }
    }
    None
}

fn hex(digits: &str) -> Option<u32> {
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(word: &str, written: &str) -> Vec<String> {
        let word = Meaning::of(word).into_word();
        Meaning::of(written).find(&word, false).map(|at| written[at].to_owned()).collect()
    }

    #[test]
    fn a_word_is_found_in_every_spelling() {
        for written in ["Zoë Adams", "zoë%20adams", "Zo%C3%AB+Adams", r"Zo\u00eb Adams", r"ZO\\u00CB\nADAMS"]
        {
            assert_eq!(found("Zoë Adams", written), [written], "{written}");
        }
        assert_eq!(found("a+b@x.y", "to=a%2Bb%40x.y&z=1"), ["a%2Bb%40x.y"]);
        assert_eq!(found(r#"can"ary"#, r#"{"x":"{\"y\":\"can\\\"ary\"}"}"#), [r#"can\\\"ary"#]);
        assert_eq!(found("🎉", r"a \ud83c\udf89 b"), [r"\ud83c\udf89"]);
        assert_eq!(found("alice", "İ Alice"), ["Alice"]);
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for text in ["100% sure", "%zz %C3 %+1", r"\u12 \ud83c", "a%", "é"] {
            let expected = text.replace('\\', "");
            assert_eq!(meant(text), expected);
        }
        assert!(found("\\", "a\\").is_empty() && found("x", "").is_empty());
    }
}
