//! The keyring of the operating system, as a vault.

use keyring::{Entry, Error};

#[cfg(all(unix, not(target_os = "macos")))]
use super::secret_service;
#[cfg(all(unix, not(target_os = "macos")))]
use super::vault::Ask;
use super::vault::{Unavailable, Vault};

/// The keyring of the operating system.
pub struct Keyring;

impl Vault for Keyring {
    // The others ask by themselves.
    #[cfg(all(unix, not(target_os = "macos")))]
    fn unlock(&self, ask: Ask) -> Result<(), Unavailable> {
        secret_service::unlock(ask)
    }

    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        answer(service, account, Entry::get_secret)
    }

    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        answer(service, account, |entry| entry.set_secret(bytes)).map(drop)
    }

    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        answer(service, account, Entry::delete_credential).map(drop)
    }
}

/// What an entry answers to a question; `None` where there is no such entry.
fn answer<T>(
    service: &str,
    account: &str,
    question: impl Fn(&Entry) -> Result<T, Error>,
) -> Result<Option<T>, Unavailable> {
    #[cfg(all(unix, not(target_os = "macos")))]
    let answer = secret_service::answer(service, account, question);
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    let answer = Entry::new(service, account).and_then(|entry| question(&entry));
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::NoEntry) => Ok(None),
        Err(Error::NoDefaultStore) => Err(Unavailable::absent()),
        Err(Error::NoStorageAccess(_)) => Err(Unavailable::locked()),
        Err(other) => Err(Unavailable::new(other.to_string())),
    }
}
