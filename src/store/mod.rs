//! Where sessions live: the keyring of the operating system, or this run's memory where there is none.

mod vault;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// Why it would not, the last time.
    refusal: Arc<Mutex<Option<Unavailable>>>,
    /// Held while an entry and its parts are read or changed.
    turn: Arc<Mutex<()>>,
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
        Self { keyring: Arc::new(vault), run: Arc::default(), refusal: Arc::default(), turn: Arc::default() }
    }

    /// The session of `account`, and where it is kept.
    ///
    /// # Errors
    /// When the keyring cannot be read, or holds something else under that name. The entry is left as it is.
    pub async fn load(&self, account: &Account) -> Result<Option<(Session, Kept)>, StoreError> {
        let name = account.to_string();
        let found = self.blocking(move |store| {
            if let Some(bytes) = store.run.get(SERVICE, &name)? {
                let why = store.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone();
                return Ok(Some((bytes, why.map_or(Kept::InKeyring, Kept::ThisRunOnly))));
            }
            Ok(vault::read(&*store.keyring, SERVICE, &name)?.map(|bytes| (bytes, Kept::InKeyring)))
        });
        let Some((bytes, kept)) = found.await? else { return Ok(None) };
        match serde_json::from_slice::<Entry>(&bytes) {
            Ok(entry) if entry.version == VERSION => Ok(Some((entry.session, kept))),
            _ => Err(StoreError::Foreign { account: account.to_string() }),
        }
    }

    /// Keeps the session: in the keyring, else in memory.
    pub async fn save(&self, account: &Account, session: &Session) -> Kept {
        let entry = Entry { version: VERSION, session: session.clone() };
        let name = account.to_string();
        let kept = self.blocking(move |store| {
            let bytes = serde_json::to_vec(&entry).map_err(|error| Unavailable::new(error.to_string()))?;
            let written = vault::write(&*store.keyring, SERVICE, &name, &bytes);
            match &written {
                Ok(()) => store.run.delete(SERVICE, &name)?,
                Err(why) => {
                    *store.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
                    store.run.set(SERVICE, &name, &bytes)?;
                }
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
    /// When there is a keyring and it would not remove it: an entry of an earlier run may still be there.
    pub async fn delete(&self, account: &Account) -> Result<(), StoreError> {
        let name = account.to_string();
        let deleted = self.blocking(move |store| {
            store.run.delete(SERVICE, &name)?;
            match vault::delete(&*store.keyring, SERVICE, &name) {
                Err(why) if why.is_absence() => Ok(()),
                other => other,
            }
        });
        Ok(deleted.await?)
    }

    /// Does `work` on a thread that may wait, while nobody else does any.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = store.turn.lock().unwrap_or_else(PoisonError::into_inner);
            work(&store)
        });
        done.await.unwrap_or_else(|error| Err(Unavailable::new(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::{Obtained, StepUp, User};
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
            obtained: Obtained::ByLogin,
            step_up: StepUp::default(),
            acr: None,
            auth_time: None,
        }
    }

    fn account() -> Account {
        Account("c at https://op/".to_owned())
    }

    struct NoKeyring;

    impl Vault for NoKeyring {
        fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            Err(Unavailable::absent())
        }
        fn set(&self, _: &str, _: &str, _: &[u8]) -> Result<(), Unavailable> {
            Err(Unavailable::absent())
        }
        fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
            Err(Unavailable::absent())
        }
    }

    #[tokio::test]
    async fn a_session_larger_than_an_entry_of_windows_survives() {
        let store = Store::over(Memory::with_entries_of(2560));
        assert_eq!(store.save(&account(), &session()).await, Kept::InKeyring);
        assert_eq!(store.load(&account()).await, Ok(Some((session(), Kept::InKeyring))));
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
        let kept = Kept::ThisRunOnly(Unavailable::absent());
        assert_eq!(store.save(&account(), &session()).await, kept);
        assert_eq!(store.load(&account()).await, Ok(Some((session(), kept))));
        assert_eq!(store.delete(&account()).await, Ok(()));
        assert!(store.load(&account()).await.is_err());
    }

    /// A keyring that was unlocked when it took an entry, and is locked now.
    struct Locked;

    impl Vault for Locked {
        fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            Err(Unavailable::new("locked"))
        }
        fn set(&self, _: &str, _: &str, _: &[u8]) -> Result<(), Unavailable> {
            Err(Unavailable::new("locked"))
        }
        fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
            Err(Unavailable::new("locked"))
        }
    }

    #[tokio::test]
    async fn a_locked_keyring_that_may_still_hold_the_session_is_not_passed_over() {
        let store = Store::over(Locked);
        store.save(&account(), &session()).await;
        assert_eq!(store.delete(&account()).await, Err(StoreError::Unavailable(Unavailable::new("locked"))));
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
