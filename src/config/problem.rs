//! What is wrong with a setting: where it stands, its key and value, why, and what to do.

use std::fmt;
use std::path::PathBuf;

use crate::untrusted;

/// Where a setting was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; the line counts from 1, and is `None` where the file as a whole is meant.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
    },
    /// In the environment variable of this name.
    Environment(String),
    /// On the command line, at this option.
    CommandLine(&'static str),
}

/// One mistake in what was configured. Its `Display` is the whole message, on up to three lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}\n  {what}\n  Fix: {fix}", Setting(key, value))]
pub struct Problem {
    /// Where the setting was read.
    pub place: Place,
    /// The key, such as `issuer` or `request.url`; empty where no key is meant.
    pub key: String,
    /// The value as written, without what may be secret; empty where there is none.
    pub value: String,
    /// What is wrong, as a sentence.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line: Some(line) } => write!(f, "{}, line {line}", path.display()),
            Place::File { path, line: None } => write!(f, "{}", path.display()),
            Place::Environment(variable) => write!(f, "Environment variable {variable}"),
            Place::CommandLine(option) => write!(f, "Command line, {option}"),
        }
    }
}

/// A key and its value, as the first line of a message ends.
struct Setting<'a>(&'a str, &'a str);

impl fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting(key, value) = self;
        match (key.is_empty(), value.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => write!(f, ": {}", shown(value)),
            (false, true) => write!(f, ": {key}"),
            (false, false) => write!(f, ": {key} = {}", shown(value)),
        }
    }
}

/// The value for a message: on one line, of bounded length, with nothing that a terminal would obey.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    let mut shown = String::new();
    for (count, character) in value.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if untrusted::visible(character) == character {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Whether every character can be seen, and none changes the order of the others.
pub(super) fn is_visible(text: &str) -> bool {
    text.chars().all(|character| untrusted::visible(character) == character)
}

/// The known word that was probably meant, if one is close enough.
pub(super) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |other: &str| strsim::jaro(&word, &other.to_lowercase());
    known
        .into_iter()
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_on_one_line_and_obeyed_by_no_terminal() {
        assert_eq!(shown("a\n\u{1b}[31mb\u{202e}é"), "a\\n\\u{1b}[31mb\\u{202e}é");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 201);
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["name", "issuer", "client_id", "redirect_ports", "redirect_path"];
        assert_eq!(closest("clientId", known), Some("client_id"));
        assert_eq!(closest("redirect_port", known), Some("redirect_ports"));
        assert_eq!(closest("colour", known), None);
    }

    #[test]
    fn a_message_leaves_out_what_is_not_there() {
        let problem = |key: &str, value: &str| Problem {
            place: Place::File { path: "a.toml".into(), line: Some(3) },
            key: key.into(),
            value: value.into(),
            what: "Wrong.".into(),
            fix: "right.".into(),
        };
        assert_eq!(problem("api", "x").to_string(), "a.toml, line 3: api = x\n  Wrong.\n  Fix: right.");
        assert_eq!(problem("api", "").to_string(), "a.toml, line 3: api\n  Wrong.\n  Fix: right.");
        assert_eq!(problem("", "").to_string(), "a.toml, line 3\n  Wrong.\n  Fix: right.");
    }
}
