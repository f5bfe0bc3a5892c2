//! A vault: named entries of bytes. Entries larger than a keyring takes are split here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
    kind: Unavailability,
}

/// In which way it cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailability {
    /// It is there, and would not.
    Unwilling,
    /// There is none on this computer, so it holds nothing.
    Absent,
    /// The place in it is somebody else's.
    Taken,
    /// It cannot be shared safely: the system gives no lock.
    NoLock,
}

/// What a vault may ask of the person before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: a locked one stays locked.
    Nothing,
    /// Its password.
    ToUnlock,
    /// Its password, or one for a new vault where there is none.
    ToMake,
}

impl Unavailable {
    /// It is there, and would not.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), kind: Unavailability::Unwilling }
    }

    /// There is none on this computer, so it holds nothing.
    #[must_use]
    pub fn absent() -> Self {
        Self { reason: "no keyring service runs on this computer".to_owned(), kind: Unavailability::Absent }
    }

    /// The place in it is somebody else's.
    #[must_use]
    pub fn taken() -> Self {
        Self { reason: "another window logged in as somebody else".to_owned(), kind: Unavailability::Taken }
    }

    /// It cannot be shared safely, because of these problems.
    #[must_use]
    pub fn no_lock(problems: &str) -> Self {
        let reason = format!("no lock could be had to keep windows out of each other's way ({problems})");
        Self { reason, kind: Unavailability::NoLock }
    }

    /// It is locked, and nobody unlocked it.
    #[must_use]
    pub fn locked() -> Self {
        Self::new("the keyring is locked, or refused access")
    }

    /// It said nothing for so long.
    #[must_use]
    pub fn silent(patience: Duration) -> Self {
        Self::new(format!(
            "no answer for {} seconds; it may be asking for its password in a window of its own",
            patience.as_secs()
        ))
    }

    /// In which way it cannot be used.
    #[must_use]
    pub fn kind(&self) -> Unavailability {
        self.kind
    }
}

/// Named entries of bytes. Its calls may block.
pub trait Vault: Send + Sync + 'static {
    /// Makes the vault ready to be used. It may `ask` the person for its password, and then takes as long as the person
    /// does.
    ///
    /// # Errors
    /// When it cannot be used.
    fn unlock(&self, ask: Ask) -> Result<(), Unavailable> {
        // Most vaults have no lock of their own.
        let _ = ask;
        Ok(())
    }
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
    fn unlock(&self, ask: Ask) -> Result<(), Unavailable> {
        (**self).unlock(ask)
    }
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
    for number in 1..=split.parts {
        match vault.get(service, &part(account, &split.generation, number))? {
            Some(part) => bytes.extend(part),
            // Half of it is gone: what is left is nobody's session.
            None => return Ok(Some(head)),
        }
    }
    Ok(Some(bytes))
}

/// Writes an entry, split where it is too large. The parts of a new generation are written beside the old ones, and
/// count only once the head names them: what is read is the old entry or the new one, never half of each.
pub fn write(vault: &dyn Vault, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
    let old = vault.get(service, account)?.as_deref().and_then(Split::read);
    let [one, other] = GENERATIONS;
    let generation = if old.as_ref().is_some_and(|old| old.generation == one) { other } else { one };
    if bytes.len() <= ENTRY {
        vault.set(service, account, bytes)?;
    } else {
        let new = Split { generation: generation.to_owned(), parts: bytes.len().div_ceil(ENTRY) };
        for (number, bytes) in (1..).zip(bytes.chunks(ENTRY)) {
            vault.set(service, &part(account, generation, number), bytes)?;
        }
        vault.set(service, account, new.to_string().as_bytes())?;
    }
    // The new entry stands, so that nothing is lost where the old one's parts stay: the next write clears them.
    let _ = old.map_or(Ok(()), |old| clear(vault, service, account, &old));
    Ok(())
}

/// Removes an entry and its parts, those of writes that were cut short too; the head last, so that a failure leaves
/// them findable.
pub fn delete(vault: &dyn Vault, service: &str, account: &str) -> Result<(), Unavailable> {
    let old = vault.get(service, account)?.as_deref().and_then(Split::read);
    // Parts of a generation that has another name were written by an earlier version.
    let names = GENERATIONS.into_iter().map(|name| Split { generation: name.to_owned(), parts: 0 });
    for split in old.into_iter().chain(names) {
        clear(vault, service, account, &split)?;
    }
    vault.delete(service, account)
}

/// Removes the parts of a generation, also those that a write left which was cut short; the last one first, so that
/// those that stay can be counted from the first.
fn clear(vault: &dyn Vault, service: &str, account: &str, split: &Split) -> Result<(), Unavailable> {
    let part = |number| part(account, &split.generation, number);
    let mut last = split.parts;
    while vault.get(service, &part(last + 1))?.is_some() {
        last += 1;
    }
    (1..=last).rev().try_for_each(|number| vault.delete(service, &part(number)))
}

/// What a new generation of parts is called: the one that the old one is not.
const GENERATIONS: [&str; 2] = ["a", "b"];

fn part(account: &str, generation: &str, number: usize) -> String {
    format!("{account} #{generation}.{number}")
}

/// What the head of a split entry says.
struct Split {
    generation: String,
    parts: usize,
}

impl Split {
    fn read(head: &[u8]) -> Option<Self> {
        let (generation, parts) = std::str::from_utf8(head).ok()?.strip_prefix(SPLIT)?.split_once(' ')?;
        let parts = parts.parse().ok().filter(|&parts| parts <= 1000)?;
        Some(Self { generation: generation.to_owned(), parts })
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SPLIT}{} {}", self.generation, self.parts)
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
