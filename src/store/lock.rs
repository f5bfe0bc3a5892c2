//! Locks that hold between all the windows of a person: the operating system frees one when its holder ends, however
//! it ends. A lock is a file, and may bear a mark for the next holder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::Unavailable;

/// How often to look whether a lock is free: waiting for one can be given up at any time, and blocks no thread.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where the locks are.
#[derive(Debug)]
pub struct Locks {
    /// The first folder that gives locks is used: not every file system does.
    dirs: Vec<PathBuf>,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Locks {
    /// Locks in the first of these folders that gives any; it is made when the first lock is taken.
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs }
    }

    /// Takes the lock of this name, which must be fit for a file; `None` while another has it.
    ///
    /// # Errors
    /// When no folder gives locks.
    pub fn try_take(&self, name: &str) -> Result<Option<Lock>, Unavailable> {
        let mut problems = Vec::new();
        for dir in &self.dirs {
            let path = dir.join(format!("{name}.lock"));
            let open = || {
                fs::create_dir_all(dir)?;
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)
            };
            let taken = open().and_then(|file| match file.try_lock() {
                Ok(()) => Ok(Some(Lock { file })),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            });
            match taken {
                Ok(taken) => return Ok(taken),
                Err(error) => problems.push(format!("{}: {error}", path.display())),
            }
        }
        Err(Unavailable::no_lock(&problems.join("; ")))
    }
}

impl Lock {
    /// What a holder before this one wrote.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mark(&self) -> io::Result<String> {
        let (mut file, mut mark) = (&self.file, String::new());
        file.seek(SeekFrom::Start(0))?;
        file.take(1000).read_to_string(&mut mark)?;
        Ok(mark)
    }

    /// Writes a mark for the holders after this one, who see it even if this process is killed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_mark(&self, mark: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        // Always as long, so that a full disk still has the place of the last one.
        file.write_all(format!("{mark:<80}\n").as_bytes())?;
        file.sync_data()
    }
}
