//! Where sessions live: the keyring of the operating system, or this run's memory where there is none.

mod lock;
mod vault;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::auth::session::Session;
use crate::config::Profile;
use lock::{Lock, Locks};
pub use vault::{Memory, Unavailability, Unavailable, Vault};

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
    /// There was an entry, and it is not one of this version's: damaged, of another version, or of another program.
    #[error("The entry \"{account}\" in the {KEYRING} is not one that this version of Hallpass wrote. {}.", match aside {
        Some(aside) => format!("It is now called \"{aside}\""),
        None => "It could not be set aside".to_owned(),
    })]
    Foreign {
        /// The entry's account.
        account: String,
        /// What the entry is called now, if it could be set aside.
        aside: Option<String>,
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

/// Sessions in memory, by account: as they would be written, and why they are not.
type Run = HashMap<String, (Vec<u8>, Unavailable)>;

/// The store. Its calls wait for the keyring on a thread of their own, so a runtime must be there.
#[derive(Clone)]
pub struct Store {
    keyring: Arc<dyn Vault>,
    /// What the keyring would not take, and why, by account.
    run: Arc<Mutex<Run>>,
    locks: Arc<Locks>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The right to renew the session of an account: one task of one process has it at a time.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] Lock);

/// The form of an entry. A change that older versions cannot read takes a new number.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    session: Session,
}

const VERSION: u32 = 1;

/// The account of an entry that is written to see whether one can be, and how many bytes it has.
const PROBE: &str = "a try that may be removed";
const PROBE_BYTES: usize = 6 << 10;

/// Held while an entry and its parts are read or changed.
const ENTRIES: &str = "entries";

impl Store {
    /// The store over the system's keyring. Nothing is opened before the first call.
    #[must_use]
    pub fn keyring() -> Self {
        let places = directories::ProjectDirs::from("", "", "Hallpass");
        let locks = places.map_or_else(
            || std::env::temp_dir().join("hallpass-locks"),
            |places| places.data_local_dir().join("locks"),
        );
        Self::over(vault::Keyring, locks)
    }

    /// The store over any vault. Those who share the vault must share the folder of `locks`.
    pub fn over(vault: impl Vault, locks: impl Into<PathBuf>) -> Self {
        Self { keyring: Arc::new(vault), run: Arc::default(), locks: Arc::new(Locks::new(locks.into())) }
    }

    /// The session of `account`, and where it is kept.
    ///
    /// # Errors
    /// When the keyring cannot be read, or holds something else under that name; that is then set aside.
    pub async fn load(&self, account: &Account) -> Result<Option<(Session, Kept)>, StoreError> {
        let name = account.to_string();
        self.blocking(move |store| match store.find(&name)? {
            None => Ok(None),
            Some((bytes, kept)) => match read(&bytes) {
                Some(session) => Ok(Some((session, kept))),
                None => Err(StoreError::Foreign { aside: store.set_aside(&name, &bytes), account: name }),
            },
        })
        .await
    }

    /// Keeps the session of a login: in the keyring, else in memory.
    pub async fn save(&self, account: &Account, session: &Session) -> Kept {
        let (name, new) = (account.to_string(), session.clone());
        let kept = self.blocking(move |store| Ok::<_, Unavailable>(store.put(&name, &new)));
        kept.await.unwrap_or_else(|why| self.put_in_run(&account.0, session, why))
    }

    /// Keeps the renewed session in the place of the `old` one; `None` where the old one is there no longer, because
    /// the person logged out or in anew meanwhile. A session of somebody else, of another window, is left alone.
    pub async fn replace(&self, account: &Account, old: &Session, new: &Session) -> Option<Kept> {
        let (name, old, renewed) = (account.to_string(), old.clone(), new.clone());
        let kept =
            self.blocking(move |store| Ok::<_, Unavailable>(store.put_in_place(&name, &old, &renewed)));
        kept.await.unwrap_or_else(|why| Some(self.put_in_run(&account.0, new, why)))
    }

    /// Removes the session of `account`, wherever it is kept, and what was set aside.
    ///
    /// # Errors
    /// When there is a keyring and it would not remove it: an entry of an earlier run may still be there.
    pub async fn delete(&self, account: &Account) -> Result<(), StoreError> {
        let name = account.to_string();
        let deleted = self.blocking(move |store| {
            store.run().remove(&name);
            let deleted = vault::delete(&*store.keyring, SERVICE, &aside(&name))
                .and_then(|()| vault::delete(&*store.keyring, SERVICE, &name));
            match deleted {
                Err(why) if why.kind() == Unavailability::Absent => Ok(()),
                other => other,
            }
        });
        Ok(deleted.await?)
    }

    /// Waits for the right to renew the session of `account`.
    ///
    /// # Errors
    /// When the system gives no lock.
    pub async fn turn(&self, account: &Account) -> Result<Turn, Unavailable> {
        // A name that is fit for a file, and tells nothing.
        let hash = digest(&SHA256, account.0.as_bytes());
        let name = hash.as_ref()[..16]
            .iter()
            .fold("renewal-".to_owned(), |name, byte| name + &format!("{byte:02x}"));
        let locks = Arc::clone(&self.locks);
        let taken = tokio::task::spawn_blocking(move || locks.take(&name)).await;
        taken.unwrap_or_else(|error| Err(Unavailable::new(error.to_string()))).map(Turn)
    }

    /// Writes an entry of the size of a large session, reads it back and removes it. No session is touched.
    ///
    /// # Errors
    /// When the keyring did not do all three.
    pub async fn probe(&self) -> Result<(), Unavailable> {
        self.blocking(|store| {
            let written: Vec<u8> = PROBE.bytes().cycle().take(PROBE_BYTES).collect();
            let read = vault::write(&*store.keyring, SERVICE, PROBE, &written)
                .and_then(|()| vault::read(&*store.keyring, SERVICE, PROBE));
            vault::delete(&*store.keyring, SERVICE, PROBE)?;
            match read? {
                Some(read) if read == written => Ok(()),
                _ => Err(Unavailable::new("it gave back something else than it was given")),
            }
        })
        .await
    }

    /// Does `work` on a thread that may wait, while nobody else does any, in this process or another.
    async fn blocking<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _lock = store.locks.take(ENTRIES)?;
            work(&store)
        });
        done.await.unwrap_or_else(|error| Err(Unavailable::new(error.to_string()).into()))
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Result<Option<(Vec<u8>, Kept)>, Unavailable> {
        if let Some((bytes, why)) = self.run().get(name) {
            return Ok(Some((bytes.clone(), Kept::ThisRunOnly(why.clone()))));
        }
        Ok(vault::read(&*self.keyring, SERVICE, name)?.map(|bytes| (bytes, Kept::InKeyring)))
    }

    fn put(&self, name: &str, session: &Session) -> Kept {
        match vault::write(&*self.keyring, SERVICE, name, &written(session)) {
            Ok(()) => {
                self.run().remove(name);
                Kept::InKeyring
            }
            Err(why) => {
                // What is still there is of the past: its refresh token is spent, and using it again would look like
                // theft. If it cannot be removed either, nobody can be served better.
                let _ = vault::delete(&*self.keyring, SERVICE, name);
                self.put_in_run(name, session, why)
            }
        }
    }

    fn put_in_place(&self, name: &str, old: &Session, new: &Session) -> Option<Kept> {
        let is_somebody_else = |session: &Session| session.user.subject != old.user.subject;
        if let Ok(there) = self.find(name) {
            let there = there.map(|(bytes, _)| read(&bytes));
            let same_person = there.as_ref()?.as_ref().filter(|there| !is_somebody_else(there));
            if same_person.is_some_and(|there| there != old) {
                return None;
            }
        }
        let in_keyring = vault::read(&*self.keyring, SERVICE, name).ok().flatten();
        Some(if in_keyring.and_then(|bytes| read(&bytes)).is_some_and(|there| is_somebody_else(&there)) {
            self.put_in_run(name, new, Unavailable::taken())
        } else {
            self.put(name, new)
        })
    }

    fn put_in_run(&self, name: &str, session: &Session, why: Unavailable) -> Kept {
        self.run().insert(name.to_owned(), (written(session), why.clone()));
        Kept::ThisRunOnly(why)
    }

    /// Gives an entry that is not ours another name, so that it is neither lost nor in the way.
    fn set_aside(&self, name: &str, bytes: &[u8]) -> Option<String> {
        let aside = aside(name);
        let moved = vault::write(&*self.keyring, SERVICE, &aside, bytes)
            .and_then(|()| vault::delete(&*self.keyring, SERVICE, name));
        moved.is_ok().then_some(aside)
    }
}

fn aside(name: &str) -> String {
    format!("{name} (set aside)")
}

fn read(bytes: &[u8]) -> Option<Session> {
    serde_json::from_slice::<Entry>(bytes)
        .ok()
        .filter(|entry| entry.version == VERSION)
        .map(|entry| entry.session)
}

#[expect(clippy::expect_used, reason = "a session is made of text, numbers and lists of them")]
fn written(session: &Session) -> Vec<u8> {
    let entry = Entry { version: VERSION, session: session.clone() };
    serde_json::to_vec(&entry).expect("a session can be written as JSON")
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

    /// A store over the vault, and the folder of its locks.
    fn over(vault: impl Vault) -> (Store, tempfile::TempDir) {
        let locks = tempfile::tempdir().unwrap();
        (Store::over(vault, locks.path()), locks)
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
        let (store, _locks) = over(Memory::with_entries_of(2560));
        assert_eq!(store.save(&account(), &session()).await, Kept::InKeyring);
        assert_eq!(store.load(&account()).await, Ok(Some((session(), Kept::InKeyring))));
    }

    #[tokio::test]
    async fn a_deleted_session_leaves_nothing_behind() {
        let vault = Arc::new(Memory::with_entries_of(2560));
        let (store, _locks) = over(Arc::clone(&vault));
        store.save(&account(), &session()).await;
        store.save(&account(), &session()).await;
        assert_eq!(store.delete(&account()).await, Ok(()));
        assert_eq!(store.load(&account()).await, Ok(None));
        assert_eq!(vault.len(), 0);
    }

    #[tokio::test]
    async fn without_a_keyring_a_session_is_kept_for_this_run_and_says_so() {
        let (store, _locks) = over(NoKeyring);
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
        let (store, _locks) = over(Locked);
        store.save(&account(), &session()).await;
        assert_eq!(store.delete(&account()).await, Err(StoreError::Unavailable(Unavailable::new("locked"))));
    }

    #[tokio::test]
    async fn an_entry_that_is_not_ours_is_set_aside_named_and_in_nobodys_way() {
        let whole = serde_json::to_string(&Entry { version: VERSION, session: session() }).unwrap();
        let newer = whole.replacen("\"version\":1", "\"version\":99", 1);
        for bytes in [b"something else".as_slice(), b"", b"\xff\xfe", b"{\"version\":1}", newer.as_bytes()] {
            let vault = Arc::new(Memory::with_entries_of(2560));
            vault::write(&vault, SERVICE, &account().to_string(), bytes).unwrap();
            let (store, _locks) = over(Arc::clone(&vault));
            let name = "c at https://op/ (set aside)".to_owned();
            let foreign = StoreError::Foreign { account: account().to_string(), aside: Some(name.clone()) };
            assert_eq!(store.load(&account()).await, Err(foreign));
            assert_eq!(vault::read(&vault, SERVICE, &name).unwrap().as_deref(), Some(bytes));
            assert_eq!(store.load(&account()).await, Ok(None));
            store.save(&account(), &session()).await;
            assert_eq!(store.load(&account()).await, Ok(Some((session(), Kept::InKeyring))));
            assert_eq!(store.delete(&account()).await, Ok(()));
            assert_eq!(vault.len(), 0, "a log-out leaves nothing behind");
        }
    }

    #[tokio::test]
    async fn an_entry_that_lost_a_part_is_nobodys_session() {
        let vault = Arc::new(Memory::with_entries_of(2560));
        let (store, _locks) = over(Arc::clone(&vault));
        store.save(&account(), &session()).await;
        vault.delete(SERVICE, "c at https://op/ #a.2").unwrap();
        assert!(matches!(store.load(&account()).await, Err(StoreError::Foreign { aside: Some(_), .. })));
        assert_eq!(store.load(&account()).await, Ok(None));
    }

    /// A keyring that takes so many more entries, and then none.
    struct Failing {
        vault: Arc<Memory>,
        left: Mutex<usize>,
    }

    impl Vault for Failing {
        fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            self.vault.get(service, account)
        }
        fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
            let mut left = self.left.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| Unavailable::new("no space is left"))?;
            self.vault.set(service, account, bytes)
        }
        fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
            self.vault.delete(service, account)
        }
    }

    #[test]
    fn a_write_that_is_cut_short_anywhere_leaves_the_old_entry_whole_and_a_deletion_finds_all_that_is_left() {
        let (small, large, other) = (vec![1; 10], vec![2; 9000], vec![3; 20_000]);
        for (old, new) in [(&small, &large), (&large, &other), (&other, &large), (&large, &small)] {
            for left in 0..new.len().div_ceil(ENTRY_OF_WINDOWS) {
                let vault = Arc::new(Memory::with_entries_of(ENTRY_OF_WINDOWS));
                vault::write(&vault, "s", "a", &small).unwrap();
                vault::write(&vault, "s", "a", old).unwrap();
                let failing = Failing { vault: Arc::clone(&vault), left: Mutex::new(left) };
                assert!(vault::write(&failing, "s", "a", new).is_err());
                assert_eq!(vault::read(&vault, "s", "a").unwrap().as_ref(), Some(old), "{left}");
                vault::write(&vault, "s", "a", new).unwrap();
                assert_eq!(vault::read(&vault, "s", "a").unwrap().as_ref(), Some(new), "{left}");
                vault::delete(&vault, "s", "a").unwrap();
                assert_eq!(vault.len(), 0, "{left} entries of {}", new.len());
            }
        }
    }

    const ENTRY_OF_WINDOWS: usize = 2560;

    fn renewed(session: Session) -> Session {
        Session { access_token: Secret::new("b"), ..session }
    }

    #[tokio::test]
    async fn a_renewed_session_takes_the_place_of_the_old_one_only_while_that_is_there() {
        let (store, _locks) = over(Memory::default());
        assert_eq!(store.replace(&account(), &session(), &renewed(session())).await, None, "logged out");
        let anew = Session { access_token: Secret::new("c"), ..session() };
        store.save(&account(), &anew).await;
        assert_eq!(store.replace(&account(), &session(), &renewed(session())).await, None, "logged in anew");
        assert_eq!(store.replace(&account(), &anew, &session()).await, Some(Kept::InKeyring));
        assert_eq!(store.load(&account()).await, Ok(Some((session(), Kept::InKeyring))));
    }

    #[tokio::test]
    async fn somebody_elses_session_in_the_entry_is_left_alone() {
        let vault = Arc::new(Memory::default());
        let ((alices, _locks), (bobs, _more_locks)) = (over(Arc::clone(&vault)), over(vault));
        alices.save(&account(), &session()).await;
        let user = User { subject: "bob".to_owned(), name: None, email: None, picture: None };
        let bob = Session { user, ..session() };
        bobs.save(&account(), &bob).await;
        let kept = alices.replace(&account(), &session(), &renewed(session())).await;
        assert!(matches!(kept, Some(Kept::ThisRunOnly(_))), "{kept:?}");
        assert_eq!(alices.load(&account()).await.unwrap().map(|(found, _)| found), Some(renewed(session())));
        let again = Session { access_token: Secret::new("d"), ..session() };
        let kept = alices.replace(&account(), &renewed(session()), &again).await;
        assert!(matches!(kept, Some(Kept::ThisRunOnly(_))), "{kept:?}");
        assert_eq!(bobs.load(&account()).await, Ok(Some((bob, Kept::InKeyring))));
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_written_takes_its_spent_predecessor_out_of_the_keyring() {
        let vault = Arc::new(Memory::default());
        let (before, _locks) = over(Arc::clone(&vault));
        before.save(&account(), &session()).await;
        let (store, _more_locks) = over(Failing { vault: Arc::clone(&vault), left: Mutex::new(0) });
        let kept = store.replace(&account(), &session(), &renewed(session())).await;
        assert_eq!(kept, Some(Kept::ThisRunOnly(Unavailable::new("no space is left"))));
        assert_eq!(store.load(&account()).await.unwrap().map(|(found, _)| found), Some(renewed(session())));
        assert_eq!(vault.len(), 0);
    }

    #[tokio::test]
    async fn one_at_a_time_has_the_turn_and_the_next_one_gets_it_when_that_one_ends() {
        let locks = tempfile::tempdir().unwrap();
        let [one, two] = [(); 2].map(|()| Store::over(Memory::default(), locks.path()));
        let first = one.turn(&account()).await.unwrap();
        let _another_accounts = two.turn(&Account("other".to_owned())).await.unwrap();
        let second = tokio::spawn(async move { two.turn(&account()).await.map(|_| ()) });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn without_a_place_for_locks_the_session_lasts_for_this_run() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let vault = Arc::new(Memory::default());
        let store = Store::over(Arc::clone(&vault), file.path());
        assert!(matches!(store.save(&account(), &session()).await, Kept::ThisRunOnly(_)));
        assert!(store.turn(&account()).await.is_err());
        assert_eq!(vault.len(), 0);
    }
}
