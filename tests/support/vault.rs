//! Vaults that processes share, and vaults that fail.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::store::{Unavailable, Vault};
use tempfile::NamedTempFile;

/// The most bytes that an entry takes: as Windows has it.
const ENTRY: usize = 2560;

/// A vault in files, one an entry, each of which is replaced whole: what a keyring is to processes that share it.
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// The vault in this folder, which is there.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        let files = fs::read_dir(&self.dir).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "entry"))
            .count()
    }

    fn path(&self, service: &str, account: &str) -> PathBuf {
        let name = format!("{service} {account}");
        let hash = digest(&SHA256, name.as_bytes());
        self.dir.join(format!("{}.entry", URL_SAFE_NO_PAD.encode(hash)))
    }
}

fn failed(error: &io::Error) -> Unavailable {
    Unavailable::new(error.to_string())
}

fn there<T>(result: io::Result<T>) -> Result<Option<T>, Unavailable> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = NamedTempFile::new_in(dir)?;
    draft.write_all(bytes)?;
    draft.persist(path)?;
    Ok(())
}

impl Vault for Files {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        there(fs::read(self.path(service, account)))
    }

    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        if bytes.len() > ENTRY {
            return Err(Unavailable::new("the entry is too large"));
        }
        replace(&self.dir, &self.path(service, account), bytes).map_err(|error| failed(&error))
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        there(fs::remove_file(self.path(service, account))).map(drop)
    }
}

/// A vault that takes so many entries more, and then does something else first.
pub struct Full<V, F> {
    vault: V,
    room: Mutex<usize>,
    then: F,
}

impl<V: Vault, F: Fn() -> Result<(), Unavailable> + Send + Sync + 'static> Full<V, F> {
    /// Once `room` entries were taken, each further one waits for what `then` says.
    pub fn after(room: usize, vault: V, then: F) -> Self {
        Self { vault, room: Mutex::new(room), then }
    }
}

impl<V: Vault, F: Fn() -> Result<(), Unavailable> + Send + Sync + 'static> Vault for Full<V, F> {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.vault.get(service, account)
    }

    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        let left = self.room.lock().unwrap().checked_sub(1);
        match left {
            Some(left) => *self.room.lock().unwrap() = left,
            None => (self.then)()?,
        }
        self.vault.set(service, account, bytes)
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        self.vault.delete(service, account)
    }
}
