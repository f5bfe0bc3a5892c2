//! Files for the person: where downloads are, readable by nobody else, under a name that nothing has yet.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Saves what `write` writes.
///
/// # Errors
/// Why it could not be saved.
pub(super) fn save(
    extension: &str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<PathBuf, String> {
    let places = directories::UserDirs::new().ok_or("this account has no home directory")?;
    let folder = places.download_dir().filter(|folder| folder.is_dir()).unwrap_or(places.home_dir());
    let at = Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d-%H%M%S");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // It may tell of people.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for number in 1..100 {
        let path = folder.join(format!("hallpass-{at}-{number}.{extension}"));
        match options.open(&path) {
            Ok(mut file) => {
                return match write(&mut file) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        // Half a file would pass for a whole one.
                        let _ = std::fs::remove_file(&path);
                        Err(format!("{} could not be written: {error}", path.display()))
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{} could not be written: {error}", path.display())),
        }
    }
    Err(format!("{} has too many files of this second", folder.display()))
}
