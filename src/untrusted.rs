//! Text from the far side, made safe to show: nothing in it can move the cursor, reverse the reading order or hide.

/// `text` with every control and invisible formatting character replaced by `�`. Line breaks become spaces: what is
/// shown in one line stays in one line.
#[must_use]
pub fn line(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { visible(c) }).collect()
}

/// `c`, unless it would act on the text around it.
#[must_use]
pub fn visible(c: char) -> char {
    let acts = c.is_control()
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm; zero-width and line separators.
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
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
}
