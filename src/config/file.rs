//! The file of profiles: read once, changed one profile at a time, never overwritten unseen.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::edit::{self, EditError};
use super::problem::{Place, Problem};
use super::read::{self, Found};
use super::{DEMO, Profile};

/// The file as it was last read: what is saved must be a change to just that.
#[derive(Clone)]
pub struct ProfileFile {
    path: PathBuf,
    /// `None` where there was no file.
    seen: Option<String>,
}

/// Why a profile was not saved or removed. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another program wrote the file since it was read.
    #[error("{} was changed since Hallpass read it, so nothing was written.\n  \
             Fix: load the file again, then repeat the change.", .0.display())]
    Changed(PathBuf),
    /// The file is not one that can be changed without losing something.
    #[error("Nothing was written, because the file cannot be understood. {0}")]
    Broken(Box<Problem>),
    /// Another profile has the name.
    #[error("{} has a profile `{name}` already, so nothing was written.\n  Fix: choose another name.", path.display())]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// The name of both.
        name: String,
    },
    /// The profile to change or remove is not in the file.
    #[error("{} has no profile `{name}`, so nothing was written.\n  Fix: save it as a new one.", path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// The name that was looked for.
        name: String,
    },
    /// The system refused to read or write.
    #[error("{} was not written: {source}.\n  Fix: make sure that you may write this file and its directory.", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file and what it holds.
pub(super) struct Contents {
    pub file: ProfileFile,
    pub found: Found,
}

impl ProfileFile {
    /// Reads and checks the file. `named_by` is how a person named it: such a file must be there.
    pub(super) fn read(path: PathBuf, named_by: Option<Place>) -> Contents {
        let whole = |place, what: String, fix: &str| Problem {
            place,
            key: String::new(),
            value: String::new(),
            what,
            fix: fix.to_owned(),
        };
        let place = Place::File { path: path.clone(), line: None };
        let mut found = Found::default();
        let seen = match read_text(&path) {
            Ok(Some(text)) => {
                found = read::profiles(&path, &text);
                Some(text)
            }
            Ok(None) => {
                if let Some(place) = named_by {
                    let what = "There is no such file.".to_owned();
                    let fix = "correct the path, or leave it out to use the file in its usual place.";
                    let value = path.display().to_string();
                    found.problems.push(Problem { value, ..whole(place, what, fix) });
                }
                None
            }
            Err(error) => {
                let fix = "make sure that it is a text file in UTF-8, and that you may read it.";
                found.problems.push(whole(place, format!("This file cannot be read: {error}."), fix));
                None
            }
        };
        Contents { file: ProfileFile { path, seen }, found }
    }

    /// Where the file is, or will be once something is saved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a profile: in place of the one called `old_name`, or as a new one.
    ///
    /// Comments, order and everything else in the file stay; the file is replaced in one step, so that it is
    /// never half written. Returns the file as it is now, for the next change. It blocks: call it off the window.
    ///
    /// # Errors
    /// Where the file has changed since it was read, cannot be parsed or written, or has the name already.
    pub fn save(&self, old_name: Option<&str>, profile: &Profile) -> Result<ProfileFile, SaveError> {
        if profile.name.eq_ignore_ascii_case(DEMO) {
            return Err(SaveError::NameTaken { path: self.path.clone(), name: profile.name.clone() });
        }
        self.change(old_name.unwrap_or_default(), &profile.name, |text| edit::put(text, old_name, profile))
    }

    /// Removes the profile of this name, with the comment right above it; as careful as [`ProfileFile::save`].
    ///
    /// # Errors
    /// Where the file has changed since it was read, cannot be parsed or written, or lacks the profile.
    pub fn remove(&self, name: &str) -> Result<ProfileFile, SaveError> {
        self.change(name, name, |text| edit::remove(text, name))
    }

    fn change(
        &self,
        old_name: &str,
        new_name: &str,
        edit: impl FnOnce(&str) -> Result<String, EditError>,
    ) -> Result<ProfileFile, SaveError> {
        let path = || self.path.clone();
        let io = |source| SaveError::Io { path: self.path.clone(), source };
        if read_text(&self.path).map_err(io)? != self.seen {
            return Err(SaveError::Changed(path()));
        }
        let seen = self.seen.as_deref().unwrap_or_default();
        let text = edit(seen).map_err(|error| match error {
            EditError::Broken => SaveError::Broken(Box::new(self.why_broken(seen))),
            EditError::NotThere => SaveError::NotThere { path: path(), name: old_name.to_owned() },
            EditError::NameTaken => SaveError::NameTaken { path: path(), name: new_name.to_owned() },
        })?;
        replace(&self.path, &text).map_err(io)?;
        Ok(ProfileFile { path: path(), seen: Some(text) })
    }

    fn why_broken(&self, text: &str) -> Problem {
        read::profiles(&self.path, text).problems.into_iter().next().unwrap_or_else(|| Problem {
            place: Place::File { path: self.path.clone(), line: None },
            key: String::new(),
            value: String::new(),
            what: "This file cannot be changed by Hallpass.".into(),
            fix: "change it in an editor.".into(),
        })
    }
}

impl fmt::Debug for ProfileFile {
    /// Leaves out the text: a header in it may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileFile").field("path", &self.path).finish_non_exhaustive()
    }
}

fn read_text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file in one step, keeping its permissions, and the link where it is one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(&target) {
        if old.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        fs::set_permissions(new.path(), old.permissions())?;
    }
    new.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
