//! Where sessions live: the keyring of the operating system, or this run's memory where there is none.

mod vault;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::auth::session::Session;
use crate::config::Profile;
pub use vault::{Memory, Unavailable, Vault};

/// The entries' service name, as a keyring's own window shows it.
const SERVICE: &str = "Hallpass";

/// What the system's keyring is called.
pub const KEYRING: &str = if cfg!(target_os = "macos") {
    "macOS Keychain"
} else if cfg!(windows) {
    "Windows Credential Manager"
} else {
    "Secret Service keyring"
};

/// Where a session is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the keyring: it is there after a restart.
    InKeyring,
    /// In memory, and why: it ends with this run.
    ThisRunOnly(Unavailable),
}

/// Why an entry could not be used or removed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The keyring said no.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// There is an entry, and it is not one of this version's.
    #[error("The entry {account} in the {KEYRING} is not one that this version of Hallpass wrote.")]
    Foreign {
        /// The entry's account.
        account: String,
    },
}

/// The name of a profile's entry: the same for every profile that would get the same tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    /// The account of the profile's session.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let target = profile.audience.as_deref().or(profile.resource.as_deref());
        let target = target.map(|target| format!(" for {target}")).unwrap_or_default();
        Self(format!("{} at {}{target}", profile.client_id, profile.issuer))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The store. Its calls wait for the keyring on a thread of their own, so a runtime must be there.
#[derive(Clone)]
pub struct Store {
    keyring: Arc<dyn Vault>,
    /// What the keyring would not take.
    run: Arc<Memory>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The form of an entry. A change that older versions cannot read takes a new number.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    session: Session,
}

const VERSION: u32 = 1;

impl Store {
    /// The store over the system's keyring. Nothing is opened before the first call.
    #[must_use]
    pub fn keyring() -> Self {
        Self::over(vault::Keyring)
    }

    /// The store over any vault.
    pub fn over(vault: impl Vault) -> Self {
        Self { keyring: Arc::new(vault), run: Arc::default() }
    }

    /// The session of `account`, and where it is kept.
    ///
    /// # Errors
    /// When the keyring cannot be read, or holds something else under that name. The entry is left as it is.
    pub async fn load(&self, account: &Account) -> Result<Option<Session>, StoreError> {
        let (store, name) = (self.clone(), account.to_string());
        let bytes = blocking(move || match store.run.get(SERVICE, &name)? {
            Some(bytes) => Ok(Some(bytes)),
            None => vault::read(&*store.keyring, SERVICE, &name),
        })
        .await?;
        let Some(bytes) = bytes else { return Ok(None) };
        match serde_json::from_slice::<Entry>(&bytes) {
            Ok(entry) if entry.version == VERSION => Ok(Some(entry.session)),
            _ => Err(StoreError::Foreign { account: account.to_string() }),
        }
    }

    /// Keeps the session: in the keyring, else in memory.
    pub async fn save(&self, account: &Account, session: &Session) -> Kept {
        let entry = Entry { version: VERSION, session: session.clone() };
        let (store, name) = (self.clone(), account.to_string());
        let kept = blocking(move || {
            let bytes = serde_json::to_vec(&entry).map_err(|error| Unavailable::new(error.to_string()))?;
            let written = vault::write(&*store.keyring, SERVICE, &name, &bytes);
            match &written {
                Ok(()) => store.run.delete(SERVICE, &name)?,
                Err(_) => store.run.set(SERVICE, &name, &bytes)?,
            }
            written
        });
        match kept.await {
            Ok(()) => Kept::InKeyring,
            Err(why) => Kept::ThisRunOnly(why),
        }
    }

    /// Removes the session of `account`, wherever it is kept.
    ///
    /// # Errors
    /// When the keyring would not remove it.
    pub async fn delete(&self, account: &Account) -> Result<(), StoreError> {
        let (store, name) = (self.clone(), account.to_string());
        let deleted = blocking(move || {
            let kept_in_run = store.run.get(SERVICE, &name)?.is_some();
            store.run.delete(SERVICE, &name)?;
            match vault::delete(&*store.keyring, SERVICE, &name) {
                // It never took the session, so there is nothing to complain of.
                Err(_) if kept_in_run => Ok(()),
                other => other,
            }
        });
        Ok(deleted.await?)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
) -> Result<T, Unavailable> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Unavailable::new(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::User;
    use crate::secret::Secret;

    fn session() -> Session {
        Session {
            issuer: "https://op/".to_owned(),
            client_id: "c".to_owned(),
            access_token: Secret::new("a".repeat(9000)),
            refresh_token: None,
            id_token: None,
            asked: vec![],
            granted: vec![],
            issued_at: jiff::Timestamp::UNIX_EPOCH,
            expires_at: None,
            user: User { subject: "s".to_owned(), name: None, email: None, picture: None },
        }
    }

    fn account() -> Account {
        Account("c at https://op/".to_owned())
    }

    struct NoKeyring;

    impl Vault for NoKeyring {
        fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            Err(Unavailable::new("there is none"))
        }
        fn set(&self, _: &str, _: &str, _: &[u8]) -> Result<(), Unavailable> {
            Err(Unavailable::new("there is none"))
        }
        fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
            Err(Unavailable::new("there is none"))
        }
    }

    #[tokio::test]
    async fn a_session_larger_than_an_entry_of_windows_survives() {
        let store = Store::over(Memory::with_entries_of(2560));
        assert_eq!(store.save(&account(), &session()).await, Kept::InKeyring);
        assert_eq!(store.load(&account()).await, Ok(Some(session())));
    }

    #[tokio::test]
    async fn a_deleted_session_leaves_nothing_behind() {
        let vault = Arc::new(Memory::with_entries_of(2560));
        let store = Store::over(Arc::clone(&vault));
        store.save(&account(), &session()).await;
        store.save(&account(), &session()).await;
        assert_eq!(store.delete(&account()).await, Ok(()));
        assert_eq!(store.load(&account()).await, Ok(None));
        assert_eq!(vault.len(), 0);
    }

    #[tokio::test]
    async fn without_a_keyring_a_session_is_kept_for_this_run_and_says_so() {
        let store = Store::over(NoKeyring);
        assert!(matches!(store.save(&account(), &session()).await, Kept::ThisRunOnly(_)));
        assert_eq!(store.load(&account()).await, Ok(Some(session())));
        assert_eq!(store.delete(&account()).await, Ok(()));
    }

    #[tokio::test]
    async fn a_foreign_entry_is_named_and_left_alone() {
        let vault = Arc::new(Memory::default());
        vault.set(SERVICE, &account().to_string(), b"something else").unwrap();
        let store = Store::over(Arc::clone(&vault));
        assert_eq!(store.load(&account()).await, Err(StoreError::Foreign { account: account().to_string() }));
        assert_eq!(vault.len(), 1);
    }
}
