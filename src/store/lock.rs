//! Locks that hold between all the windows of a person: the operating system frees one when its holder ends, however
//! it ends.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::Unavailable;

/// Where the locks are: a folder of files that hold nothing.
#[derive(Debug)]
pub struct Locks {
    dir: PathBuf,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Locks {
    /// Locks in `dir`, which is made when the first one is taken.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Takes the lock of this name, which must be fit for a file; blocks while another has it.
    ///
    /// # Errors
    /// When the system gives no lock.
    pub fn take(&self, name: &str) -> Result<Lock, Unavailable> {
        let path = self.dir.join(format!("{name}.lock"));
        let file = self.open(name).map_err(|error| {
            Unavailable::new(format!(
                "{} could not be opened, which keeps windows from each other's way: {error}",
                path.display()
            ))
        })?;
        loop {
            match file.lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Unavailable::new(format!("{} could not be locked: {error}", path.display())));
                }
            }
        }
    }

    fn open(&self, name: &str) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        File::create(self.dir.join(format!("{name}.lock")))
    }
}
