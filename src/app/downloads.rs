//! Files for the person: where downloads are, readable by nobody else, under a name that nothing has yet.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::NamedTempFile;

/// Saves what `write` writes. The file has its name once it is whole.
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
    let problem = |error: io::Error| format!("{} could not be written to: {error}", folder.display());
    let mut file = NamedTempFile::new_in(folder).map_err(problem)?;
    write(file.as_file_mut()).map_err(problem)?;
    for number in 1..100 {
        let path = folder.join(format!("hallpass-{at}-{number}.{extension}"));
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(problem(error.error)),
        }
    }
    Err(format!("{} has too many files of this second", folder.display()))
}
