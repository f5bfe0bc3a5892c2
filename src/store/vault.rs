//! A vault: named entries of bytes. The keyring is one; entries larger than it takes are split here.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

/// The most bytes that Windows' Credential Manager takes in an entry (`CRED_MAX_CREDENTIAL_BLOB_SIZE`). The other
/// keyrings take more, and one way of splitting serves them all.
const ENTRY: usize = 2560;

/// Marks an entry that says in how many others its bytes stand: no JSON starts so.
const SPLIT: &str = "hallpass-split ";

/// The keyring cannot be used, and why, as a clause.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct Unavailable {
    reason: String,
    absent: bool,
}

impl Unavailable {
    /// It is there, and would not.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), absent: false }
    }

    /// There is none on this computer, so it holds nothing.
    #[must_use]
    pub fn absent() -> Self {
        Self { reason: "no keyring service runs on this computer".to_owned(), absent: true }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        self.absent
    }
}

/// Named entries of bytes. Its calls may block.
pub trait Vault: Send + Sync + 'static {
    /// The entry's bytes; `None` where there is no such entry.
    ///
    /// # Errors
    /// When the vault cannot be read.
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    /// Makes or replaces the entry.
    ///
    /// # Errors
    /// When the vault cannot be written.
    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable>;
    /// Removes the entry; no entry is no error.
    ///
    /// # Errors
    /// When the vault cannot be written.
    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable>;
}

impl<V: Vault> Vault for Arc<V> {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        (**self).get(service, account)
    }
    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        (**self).set(service, account, bytes)
    }
    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        (**self).delete(service, account)
    }
}

/// Reads an entry, whole or split.
pub fn read(vault: &dyn Vault, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
    let Some(head) = vault.get(service, account)? else { return Ok(None) };
    let Some(split) = Split::read(&head) else { return Ok(Some(head)) };
    let mut bytes = Vec::new();
    for part in split.accounts(account) {
        match vault.get(service, &part)? {
            Some(part) => bytes.extend(part),
            // Half of it is gone: as good as none.
            None => return Ok(None),
        }
    }
    Ok(Some(bytes))
}

/// Writes an entry, split where it is too large. The parts of a new generation are written beside the old ones, and
/// count only once the head names them: what is read is the old entry or the new one, never half of each.
pub fn write(vault: &dyn Vault, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
    let old = vault.get(service, account)?.as_deref().and_then(Split::read);
    if bytes.len() <= ENTRY {
        vault.set(service, account, bytes)?;
    } else {
        // Another process may write at the same time, and must not write the same parts.
        let generation = RandomState::new().build_hasher().finish();
        let new = Split { generation, parts: bytes.len().div_ceil(ENTRY) };
        for (part, bytes) in new.accounts(account).zip(bytes.chunks(ENTRY)) {
            vault.set(service, &part, bytes)?;
        }
        vault.set(service, account, new.to_string().as_bytes())?;
    }
    old.iter().flat_map(|old| old.accounts(account)).try_for_each(|part| vault.delete(service, &part))
}

/// Removes an entry and its parts; the head last, so that a failure leaves them findable.
pub fn delete(vault: &dyn Vault, service: &str, account: &str) -> Result<(), Unavailable> {
    let split = vault.get(service, account)?.as_deref().and_then(Split::read);
    split
        .iter()
        .flat_map(|split| split.accounts(account))
        .try_for_each(|part| vault.delete(service, &part))?;
    vault.delete(service, account)
}

/// What the head of a split entry says.
struct Split {
    generation: u64,
    parts: usize,
}

impl Split {
    fn read(head: &[u8]) -> Option<Self> {
        let (generation, parts) = std::str::from_utf8(head).ok()?.strip_prefix(SPLIT)?.split_once(' ')?;
        Some(Self {
            generation: generation.parse().ok()?,
            parts: parts.parse().ok().filter(|&parts| parts <= 1000)?,
        })
    }

    fn accounts(&self, account: &str) -> impl Iterator<Item = String> {
        let stem = format!("{account} #{}", self.generation);
        (1..=self.parts).map(move |part| format!("{stem}.{part}"))
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SPLIT}{} {}", self.generation, self.parts)
    }
}

/// The keyring of the operating system.
pub struct Keyring;

impl Vault for Keyring {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        match entry(service, account)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }

    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        entry(service, account)?.set_secret(bytes).map_err(|error| reason(&error))
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        match entry(service, account)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }
}

fn entry(service: &str, account: &str) -> Result<keyring::Entry, Unavailable> {
    keyring::Entry::new(service, account).map_err(|error| reason(&error))
}

fn reason(error: &keyring::Error) -> Unavailable {
    match error {
        keyring::Error::NoDefaultStore => Unavailable::absent(),
        keyring::Error::NoStorageAccess(_) => {
            Unavailable::new("the keyring is locked, or access to it was denied")
        }
        other => Unavailable::new(other.to_string()),
    }
}

/// Entries in memory, gone with the process.
#[derive(Default)]
pub struct Memory {
    entries: Mutex<HashMap<(String, String), Vec<u8>>>,
    /// The most bytes that an entry takes, for vaults that have a limit.
    limit: Option<usize>,
}

impl Memory {
    /// Takes no entry of more than `limit` bytes, as some keyrings do.
    #[must_use]
    pub fn with_entries_of(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for Memory {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.entries().get(&(service.to_owned(), account.to_owned())).cloned())
    }

    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        if self.limit.is_some_and(|limit| bytes.len() > limit) {
            return Err(Unavailable::new("the entry is too large"));
        }
        self.entries().insert((service.to_owned(), account.to_owned()), bytes.to_vec());
        Ok(())
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        self.entries().remove(&(service.to_owned(), account.to_owned()));
        Ok(())
    }
}
