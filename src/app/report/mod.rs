//! The timeline as a file: a page for people, or HAR for other tools. Secrets are hidden in both.

mod har;
mod html;

use super::history::Entry;

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A page that stands on its own.
    Html,
    /// HTTP Archive 1.2, of the exchanges only.
    Har,
}

/// The report of these entries.
#[must_use]
pub fn of<'a>(format: Format, entries: impl Iterator<Item = &'a Entry>) -> String {
    match format {
        Format::Html => html::of(entries),
        Format::Har => har::of(entries),
    }
}

impl Format {
    /// What its files end in.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Har => "har",
        }
    }
}
