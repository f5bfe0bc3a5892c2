//! Text from the far side, made safe to show: nothing in it can move the cursor, reverse the reading order or hide.

/// The most characters that are shown in one line; nobody reads more, and laying out a million freezes a window.
const LINE: usize = 500;

/// `text` with every control and invisible formatting character replaced by `�`, and cut where it is too long. Line
/// breaks become spaces: what is shown in one line stays in one line.
#[must_use]
pub fn line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(LINE)
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { visible(c) })
        .collect();
    if text.chars().nth(LINE).is_some() {
        line.push('…');
    }
    line
}

/// `c`, unless it would act on the text around it.
#[must_use]
pub fn visible(c: char) -> char {
    let acts = c.is_control()
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm; zero-width and soft characters,
        // separators of lines, annotations and tags.
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    if acts { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_overrides_and_line_breaks_cannot_act() {
        assert_eq!(line("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb c\u{fffd}d");
        assert_eq!(line("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        assert_eq!(line(&"é".repeat(LINE)).chars().count(), LINE);
        assert_eq!(line(&"é".repeat(LINE * 9)), "é".repeat(LINE) + "…");
    }
}
