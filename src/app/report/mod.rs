//! The timeline as a file: a page for people, or HAR for other tools. Secrets are hidden in both.

mod har;
mod html;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

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

/// Writes a report where the person finds downloads, under a name that nothing has yet.
///
/// # Errors
/// Why it could not be written.
pub(super) fn write(report: &str, format: Format) -> Result<PathBuf, String> {
    let places = directories::UserDirs::new().ok_or("this account has no home directory")?;
    let folder = places.download_dir().filter(|folder| folder.is_dir()).unwrap_or(places.home_dir());
    let at = Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d-%H%M%S");
    let extension = match format {
        Format::Html => "html",
        Format::Har => "har",
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // It may tell of people.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for number in 1..100 {
        let path = folder.join(format!("hallpass-{at}-{number}.{extension}"));
        match options.open(&path).and_then(|mut file| file.write_all(report.as_bytes())) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{} could not be written: {error}", path.display())),
        }
    }
    Err(format!("{} is full of reports", folder.display()))
}
