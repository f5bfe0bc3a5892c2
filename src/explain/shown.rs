//! Evidence made fit to show: nothing of a secret in it, nothing that acts on the screen; and where two texts differ.

use std::borrow::Cow;
use std::ops::Range;

use crate::secret::HIDDEN;
use crate::untrusted;

/// The shortest part of a token that is hidden, in bytes: a shorter one is in many words.
const PART: usize = 12;

/// The most of a text that is looked at, in bytes: more than is shown of it.
const MOST: usize = 4 << 10;

/// `text` in one line, with nothing in it that looks like a token.
pub fn line(text: &str) -> String {
    let end = text.floor_char_boundary(MOST);
    untrusted::line(&masked(&text[..end], &[]))
}

/// `text` with [`HIDDEN`] in the place of everything that is part of one of the `tokens`, is a JWT, or follows the name
/// of a secret.
pub fn masked(text: &str, tokens: &[&str]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // Whether what was read last says that a secret follows.
    let mut announced = false;
    while !rest.is_empty() {
        let in_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/');
        let end = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        shown.push_str(&run_masked(run, tokens, announced));
        let end = after.find(in_token).unwrap_or(after.len());
        let (between, next) = after.split_at(end);
        announced = announces(run, between) || run.is_empty() && announced;
        shown.push_str(between);
        rest = next;
    }
    shown
}

/// Whether a word with what follows it says that a secret comes next: `Bearer …`, `access_token=…`, `"code": "…"`.
fn announces(word: &str, between: &str) -> bool {
    let word = word.rsplit('/').next().unwrap_or(word).to_ascii_lowercase();
    let assigned = between.contains(['=', ':']) && between.len() <= 6;
    matches!(word.as_str(), "bearer" | "dpop") && between == " "
        || assigned
            && matches!(
                word.as_str(),
                "access_token"
                    | "refresh_token"
                    | "id_token"
                    | "id_token_hint"
                    | "client_secret"
                    | "code_verifier"
                    | "password"
                    | "token"
                    | "jwt"
                    | "assertion"
                    | "mfa_token"
            )
}

fn run_masked<'a>(run: &'a str, tokens: &[&str], announced: bool) -> Cow<'a, str> {
    // A word of a sentence is no secret: `Bearer realm`, `token: invalid`.
    if announced && run.len() >= PART && (run.bytes().any(|b| b.is_ascii_digit()) || run.len() >= 32) {
        return HIDDEN.into();
    }
    // Every JSON object that base64url holds begins so.
    let jwt = run.find("eyJ").filter(|start| run.len() - start >= PART);
    let known = tokens.iter().filter_map(|token| {
        let token = *token;
        if run.len() >= PART && token.contains(run) {
            return Some(0);
        }
        let parts = std::iter::once(token).chain(token.split('.'));
        parts.filter_map(|part| run.find(part.get(..PART)?)).min()
    });
    match jwt.into_iter().chain(known).min() {
        Some(start) => format!("{}{HIDDEN}", &run[..start]).into(),
        None => run.into(),
    }
}

/// The bytes in which each of two texts differs from the other: from where they part to where they meet again.
pub fn difference(one: &str, other: &str) -> (Range<usize>, Range<usize>) {
    let same = |(a, b): &(char, char)| a == b;
    let start: usize = one.chars().zip(other.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (ones, others) = (&one[start..], &other[start..]);
    let end: usize =
        ones.chars().rev().zip(others.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    (start..one.len() - end, start..other.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_token_is_hidden_and_what_does_not_is_shown() {
        for (text, shown) in [
            ("jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.c2ln is bad", "jwt •••• is bad"),
            ("Authorization: Bearer abcdef123456789", "Authorization: Bearer ••••"),
            ("https://h/cb?access_token=0123456789abc&x=1", "https://h/cb?access_token=••••&x=1"),
            (r#"{"refresh_token":"v1.Mabcdefgh1234"}"#, r#"{"refresh_token":"••••"}"#),
            ("The Bearer authentication scheme is needed", "The Bearer authentication scheme is needed"),
            ("Invalid token: unrecognised", "Invalid token: unrecognised"),
            ("request 4bf92f3577b34da6a3ce929d0e0e4736", "request 4bf92f3577b34da6a3ce929d0e0e4736"),
            ("https://api.example.com/v1/", "https://api.example.com/v1/"),
        ] {
            assert_eq!(masked(text, &[]), shown);
        }
    }

    #[test]
    fn a_known_token_is_hidden_whole_cut_or_in_parts() {
        let token = "abcdefghijklmnop.qrstuvwxyz0123456789.ABCDEFGHIJKLMNOPQRST";
        for text in [token, &token[..30], &token[5..40], "qrstuvwxyz0123456789", "ABCDEFGHIJKLMNOPQRST"] {
            assert_eq!(masked(&format!("<{text}>"), &[token]), "<••••>", "{text}");
        }
        assert_eq!(masked("abc", &[token]), "abc");
        assert_eq!(masked("anything", &["a"]), "anything");
    }

    #[test]
    fn two_texts_differ_from_where_they_part_to_where_they_meet() {
        let parts = |one: &str, other: &str| {
            let (a, b) = difference(one, other);
            (one[a].to_owned(), other[b].to_owned())
        };
        assert_eq!(parts("https://api/", "https://api"), ("/".to_owned(), String::new()));
        assert_eq!(parts("http://x/ä", "https://x/ä"), (String::new(), "s".to_owned()));
        assert_eq!(parts("aéb", "aèb"), ("é".to_owned(), "è".to_owned()));
        assert_eq!(parts("same", "same"), (String::new(), String::new()));
        assert_eq!(parts("aa", "aaa"), (String::new(), "a".to_owned()));
    }
}
