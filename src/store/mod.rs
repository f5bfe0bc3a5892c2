//! Where sessions live: the keyring of the operating system, or this run's memory where there is none.

mod keyring;
mod lock;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;
mod vault;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Mutex as Queue;
use tokio::time::timeout;

use crate::auth::session::Session;
use crate::config::Profile;
use crate::secret::Secret;
use lock::{Lock, Locks};
pub use vault::{Ask, Memory, Unavailability, Unavailable, Vault};

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

/// The name of a profile's entry: the same for profiles that would get the same tokens for the same person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    /// The account of the profile's session.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let target = profile.audience.as_deref().or(profile.resource.as_deref());
        let target = target.map(|target| format!(" for {target}")).unwrap_or_default();
        // What else is asked for may be personal, and the name can be read by all.
        let (mut scopes, mut others) = (profile.scopes.clone(), profile.authorize_params.clone());
        scopes.sort_unstable();
        others.sort_unstable();
        let rest = hash(&format!("{scopes:?} {others:?}"), 4);
        Self(format!("{} at {}{target} ({rest})", profile.client_id, profile.issuer))
    }
}

/// The first bytes of the SHA-256 of a text, in hexadecimal.
fn hash(text: &str, bytes: usize) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref()[..bytes].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
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
    /// What this process knows of the sessions, by account.
    known: Arc<Mutex<HashMap<String, Known>>>,
    locks: Arc<Locks>,
    /// One call at a time and in their order, so that the person is asked for one password at a time, by those who wait.
    queue: Arc<Queue<()>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// What this process knows of a session, whatever the keyring says.
#[derive(Clone)]
enum Known {
    /// It is in the keyring, and this person's, by their subject.
    InKeyring(String),
    /// It is in memory, as it would be written, and why.
    InMemory(Vec<u8>, Unavailable),
    /// It was ended here.
    Ended,
}

/// The right to renew the session of an account: one task of one process has it at a time. It tells the next who has
/// it what became of the refresh tokens that were sent.
#[derive(Debug)]
pub struct Turn(Lock);

/// What is known of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// It was sent so often, and no answer came.
    Sent(u32),
    /// Another one came for it: it must not be sent again.
    Spent,
}

impl Turn {
    /// What is known of `token`.
    #[must_use]
    pub fn used(&self, token: &Secret) -> Used {
        let mark = self.0.mark().unwrap_or_default();
        match mark.trim().split_once(' ') {
            Some((name, "spent")) if name == hash(token.expose(), 32) => Used::Spent,
            Some((name, sent)) if name == hash(token.expose(), 32) => Used::Sent(sent.parse().unwrap_or(0)),
            _ => Used::Sent(0),
        }
    }

    /// Notes what is known of `token`, by its hash. Blocks for a moment.
    ///
    /// # Errors
    /// When it cannot be noted: then the token had better not be sent.
    pub fn note(&self, token: &Secret, used: Used) -> Result<(), Unavailable> {
        let used = match used {
            Used::Sent(times) => times.to_string(),
            Used::Spent => "spent".to_owned(),
        };
        let noted = self.0.set_mark(&format!("{} {used}", hash(token.expose(), 32)));
        noted.map_err(|error| Unavailable::no_lock(&error.to_string()))
    }
}

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

/// How long the keyring may take over what somebody waits for, and the person to answer it where it asks for its
/// password.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take before the person is told what is waited for.
pub const SOON: Duration = Duration::from_secs(1);

impl Store {
    /// The store over the system's keyring. Nothing is opened before the first call.
    #[must_use]
    pub fn keyring() -> Self {
        let places = directories::ProjectDirs::from("", "", "Hallpass");
        let usual = places.map(|places| places.data_local_dir().join("locks"));
        let locks = usual.into_iter().chain([std::env::temp_dir().join("hallpass-locks")]);
        Self::new(keyring::Keyring, locks.collect())
    }

    /// The store over any vault. Those who share the vault must share the folder of `locks`.
    pub fn over(vault: impl Vault, locks: impl Into<PathBuf>) -> Self {
        Self::new(vault, vec![locks.into()])
    }

    fn new(vault: impl Vault, locks: Vec<PathBuf>) -> Self {
        let (keyring, locks) = (Arc::new(vault), Arc::new(Locks::new(locks)));
        Self { keyring, known: Arc::default(), locks, queue: Arc::default() }
    }

    /// The session of `account`, and where it is kept. A locked keyring asks for its password, and is waited for as long
    /// as the person takes; whoever is in a hurry may drop the future.
    ///
    /// # Errors
    /// When the keyring cannot be read, or holds something else under that name; that is then set aside.
    pub async fn load(&self, account: &Account) -> Result<Option<(Session, Kept)>, StoreError> {
        if let Some(Known::InMemory(bytes, why)) = self.known(&account.0) {
            return Ok(read(&bytes).map(|session| (session, Kept::ThisRunOnly(why))));
        }
        self.blocking(Ask::ToUnlock, account, |store, name| match store.in_keyring(name)? {
            None => Ok(None),
            Some(bytes) => match read(&bytes) {
                Some(session) => {
                    store.knows(name, Known::InKeyring(session.user.subject.clone()));
                    Ok(Some((session, Kept::InKeyring)))
                }
                None => Err(StoreError::Foreign {
                    aside: store.set_aside(name, &bytes),
                    account: name.to_owned(),
                }),
            },
        })
        .await
    }

    /// Keeps the session of a login: in the keyring, else in memory.
    pub async fn save(&self, account: &Account, session: &Session) -> Kept {
        let new = session.clone();
        let kept = self.change(Ask::ToMake, account, move |store, name| store.put(name, &new));
        kept.await.unwrap_or_else(|why| self.put_in_memory(&account.0, session, why))
    }

    /// Keeps the renewed session in the place of the `old` one; `None` where the old one is there no longer, because
    /// the person logged out or in anew meanwhile. A session of somebody else, of another window, is left alone.
    pub async fn replace(&self, account: &Account, old: &Session, new: &Session) -> Option<Kept> {
        // A locked keyring asks for no password, unless the person called for this.
        let ask = if old == new { Ask::ToMake } else { Ask::Nothing };
        let (old, renewed) = (old.clone(), new.clone());
        let kept = self.change(ask, account, move |store, name| store.put_in_place(name, &old, &renewed));
        match kept.await {
            Ok(kept) => kept,
            Err(_) if matches!(self.known(&account.0), Some(Known::Ended)) => None,
            Err(why) => Some(self.put_in_memory(&account.0, new, why)),
        }
    }

    /// Removes the session of `account` wherever it is kept, and what was set aside; what was removed. One that
    /// somebody else than `subject` logged in to, in another window, is left alone.
    ///
    /// # Errors
    /// When there is a keyring and it would not remove it: an entry of an earlier run may still be there.
    pub async fn delete(
        &self,
        account: &Account,
        subject: Option<&str>,
    ) -> Result<Option<Session>, StoreError> {
        let in_memory = match self.knows(&account.0, Known::Ended) {
            Some(Known::InMemory(bytes, _)) => read(&bytes),
            _ => None,
        };
        let subject = subject.map(str::to_owned);
        let removed = self.change(Ask::ToUnlock, account, move |store, name| {
            let there = store.in_keyring(name)?.and_then(|bytes| read(&bytes));
            let whose = there.as_ref().map(|session| session.user.subject.as_str());
            if subject.is_some() && whose.is_some() && whose != subject.as_deref() {
                return Ok(None);
            }
            vault::delete(&*store.keyring, SERVICE, &aside(name))
                .and_then(|()| vault::delete(&*store.keyring, SERVICE, name))
                .map(|()| there)
        });
        match removed.await.and_then(|removed| removed) {
            Ok(there) => Ok(in_memory.or(there)),
            Err(why) if why.kind() == Unavailability::Absent => Ok(in_memory),
            Err(why) => Err(why.into()),
        }
    }

    /// Waits for the right to renew the session of `account`.
    ///
    /// # Errors
    /// When the system gives no lock.
    pub async fn turn(&self, account: &Account) -> Result<Turn, Unavailable> {
        Ok(Turn(self.lock("renewal", account).await?))
    }

    /// Writes an entry of the size of a large session, reads it back and removes it. No session is touched, and a locked
    /// keyring asks for no password.
    ///
    /// # Errors
    /// When the keyring did not do all three.
    pub async fn probe(&self) -> Result<(), Unavailable> {
        self.blocking(Ask::Nothing, &Account(PROBE.to_owned()), |store, name| {
            let written: Vec<u8> = name.bytes().cycle().take(PROBE_BYTES).collect();
            let read = vault::write(&*store.keyring, SERVICE, name, &written)
                .and_then(|()| vault::read(&*store.keyring, SERVICE, name));
            vault::delete(&*store.keyring, SERVICE, name)?;
            match read? {
                Some(read) if read == written => Ok(()),
                _ => Err(Unavailable::new("it gave back something else than it was given")),
            }
        })
        .await
    }

    /// Waits for a lock of the account. Giving up is dropping the future: no thread waits.
    async fn lock(&self, kind: &str, account: &Account) -> Result<Lock, Unavailable> {
        let name = format!("{kind}-{}", hash(&account.0, 16));
        loop {
            if let Some(lock) = self.locks.try_take(&name)? {
                return Ok(lock);
            }
            tokio::time::sleep(lock::LOOK_EVERY).await;
        }
    }

    /// Changes what is kept of `account`, within [`PATIENCE`]. Nothing is begun after that: whoever asked for it goes
    /// another way, and it must not come back from the past.
    async fn change<T: Send + 'static>(
        &self,
        ask: Ask,
        account: &Account,
        work: impl FnOnce(&Self, &str) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let awaited = Arc::new(AtomicBool::new(true));
        let is_awaited = Arc::clone(&awaited);
        let mut changed = pin!(self.blocking(ask, account, move |store, name| {
            // From here on it is seen through.
            let in_time = is_awaited.swap(false, Ordering::Relaxed);
            in_time.then(|| work(store, name)).ok_or_else(|| Unavailable::silent(PATIENCE))
        }));
        match timeout(PATIENCE, &mut changed).await {
            Ok(changed) => changed,
            Err(_) if awaited.swap(false, Ordering::Relaxed) => Err(Unavailable::silent(PATIENCE)),
            // It was begun in the last moment; it is unlocked, and quick.
            Err(_) => timeout(PATIENCE, changed).await.unwrap_or_else(|_| Err(Unavailable::silent(PATIENCE))),
        }
    }

    /// Does `work` on a thread that may wait, while nobody else does any with this account, here or in another process.
    /// The keyring may `ask` for its password first; until that is answered, other processes are not kept waiting.
    async fn blocking<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        ask: Ask,
        account: &Account,
        work: impl FnOnce(&Self, &str) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let _queued = self.queue.lock().await;
        let keyring = Arc::clone(&self.keyring);
        let unlocked = tokio::task::spawn_blocking(move || keyring.unlock(ask)).await;
        let refusal = unlocked.unwrap_or_else(|error| Err(Unavailable::new(error.to_string()))).err();
        let lock = self.lock("entry", account).await?;
        let (store, name) = (self.clone(), account.0.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _lock = lock;
            match refusal {
                // Where it stays locked, what was ended here has still ended.
                Some(why) if !matches!(store.known(&name), Some(Known::Ended)) => Err(why.into()),
                _ => work(&store, &name),
            }
        });
        done.await.unwrap_or_else(|error| Err(Unavailable::new(error.to_string()).into()))
    }

    fn known(&self, name: &str) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Notes what is known from now on; what was known until then.
    fn knows(&self, name: &str, known: Known) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), known)
    }

    /// What the keyring holds. One that is not there holds nothing, unless it was there before.
    fn in_keyring(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        match (vault::read(&*self.keyring, SERVICE, name), self.known(name)) {
            (Err(_), Some(Known::Ended)) => Ok(None),
            (Err(why), None) if why.kind() == Unavailability::Absent => Ok(None),
            (read, _) => read,
        }
    }

    fn put(&self, name: &str, session: &Session) -> Kept {
        match vault::write(&*self.keyring, SERVICE, name, &written(session)) {
            Ok(()) => {
                self.knows(name, Known::InKeyring(session.user.subject.clone()));
                Kept::InKeyring
            }
            Err(why) => self.put_in_memory(name, session, why),
        }
    }

    fn put_in_place(&self, name: &str, old: &Session, new: &Session) -> Option<Kept> {
        let known = self.known(name);
        if matches!(known, Some(Known::Ended)) {
            return None;
        }
        let in_keyring = match self.in_keyring(name) {
            Ok(bytes) => bytes,
            Err(why) => return Some(self.put_in_memory(name, new, why)),
        };
        let in_memory = match &known {
            Some(Known::InMemory(bytes, _)) => read(bytes),
            _ => None,
        };
        match (in_memory, in_keyring.map(|bytes| read(&bytes))) {
            (None, None) => None,
            (_, Some(Some(there))) if there.user.subject != old.user.subject => {
                // Where this window itself logged in as somebody else, the old session is no longer wanted.
                let own = matches!(known, Some(Known::InKeyring(subject)) if subject == there.user.subject);
                (!own).then(|| self.put_in_memory(name, new, Unavailable::taken()))
            }
            (Some(there), _) | (None, Some(Some(there))) if there != *old => None,
            _ => Some(self.put(name, new)),
        }
    }

    fn put_in_memory(&self, name: &str, session: &Session, why: Unavailable) -> Kept {
        self.knows(name, Known::InMemory(written(session), why.clone()));
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

/// What the store answers; where that takes long, as while the keyring asks for its password, `tell` is called.
pub async fn told<T>(answer: impl Future<Output = T>, tell: impl FnOnce()) -> T {
    let mut answer = pin!(answer);
    if let Ok(answer) = timeout(SOON, &mut answer).await {
        return answer;
    }
    tell();
    answer.await
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
    use std::sync::Condvar;

    use super::*;
    use crate::auth::session::{Obtained, StepUp, User};

    fn somebody(subject: &str) -> User {
        User { subject: subject.to_owned(), name: None, email: None, picture: None }
    }

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
            user: somebody("s"),
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
        assert_eq!(store.delete(&account(), Some("s")).await, Ok(Some(session())));
        assert_eq!(store.load(&account()).await, Ok(None));
        assert_eq!(vault.len(), 0);
    }

    #[tokio::test]
    async fn without_a_keyring_a_session_is_kept_for_this_run_and_says_so() {
        let (store, _locks) = over(NoKeyring);
        let kept = Kept::ThisRunOnly(Unavailable::absent());
        assert_eq!(store.save(&account(), &session()).await, kept);
        assert_eq!(store.load(&account()).await, Ok(Some((session(), kept))));
        assert_eq!(store.delete(&account(), Some("s")).await, Ok(Some(session())));
        assert_eq!(store.load(&account()).await, Ok(None));
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
        assert_eq!(
            store.delete(&account(), None).await,
            Err(StoreError::Unavailable(Unavailable::new("locked")))
        );
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
            assert_eq!(store.delete(&account(), None).await, Ok(Some(session())));
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
        let bob = Session { user: somebody("bob"), ..session() };
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
    async fn a_session_that_cannot_be_written_lives_on_in_memory_and_leaves_the_old_one_whole() {
        let vault = Arc::new(Memory::default());
        let (before, _locks) = over(Arc::clone(&vault));
        before.save(&account(), &session()).await;
        let (store, _more_locks) = over(Failing { vault: Arc::clone(&vault), left: Mutex::new(0) });
        let kept = store.replace(&account(), &session(), &renewed(session())).await;
        assert_eq!(kept, Some(Kept::ThisRunOnly(Unavailable::new("no space is left"))));
        assert_eq!(store.load(&account()).await.unwrap().map(|(found, _)| found), Some(renewed(session())));
        assert_eq!(before.load(&account()).await.unwrap().map(|(found, _)| found), Some(session()));
    }

    #[tokio::test]
    async fn a_log_out_wins_over_a_renewal_whether_there_is_a_keyring_or_not() {
        let (without, _locks) = over(NoKeyring);
        let (locked, _more_locks) = over(Locked);
        for store in [without, locked] {
            store.save(&account(), &session()).await;
            let _ = store.delete(&account(), Some("s")).await;
            assert_eq!(store.replace(&account(), &session(), &renewed(session())).await, None);
            assert_eq!(store.load(&account()).await, Ok(None));
        }
    }

    #[tokio::test]
    async fn a_log_out_leaves_alone_whom_another_window_logged_in() {
        let vault = Arc::new(Memory::default());
        let ((alices, _locks), (bobs, _more_locks)) = (over(Arc::clone(&vault)), over(vault));
        alices.save(&account(), &session()).await;
        let bob = Session { user: somebody("bob"), ..session() };
        bobs.save(&account(), &bob).await;
        assert_eq!(alices.delete(&account(), Some("s")).await, Ok(None));
        assert_eq!(bobs.load(&account()).await, Ok(Some((bob, Kept::InKeyring))));
    }

    #[tokio::test]
    async fn a_late_renewal_does_not_bring_back_whom_this_window_logged_in_before() {
        let (store, _locks) = over(Memory::default());
        store.save(&account(), &session()).await;
        let bob = Session { user: somebody("bob"), ..session() };
        store.save(&account(), &bob).await;
        assert_eq!(store.replace(&account(), &session(), &renewed(session())).await, None);
        assert_eq!(store.load(&account()).await, Ok(Some((bob, Kept::InKeyring))));
    }

    #[tokio::test]
    async fn whoever_has_the_turn_next_knows_what_became_of_a_refresh_token() {
        let locks = tempfile::tempdir().unwrap();
        let (one, other) = (Secret::new("one"), Secret::new("other"));
        let store = || Store::over(Memory::default(), locks.path());
        let turn = store().turn(&account()).await.unwrap();
        assert_eq!(turn.used(&one), Used::Sent(0));
        turn.note(&one, Used::Sent(1)).unwrap();
        drop(turn);
        let turn = store().turn(&account()).await.unwrap();
        assert_eq!((turn.used(&one), turn.used(&other)), (Used::Sent(1), Used::Sent(0)));
        turn.note(&one, Used::Spent).unwrap();
        assert_eq!(turn.used(&one), Used::Spent);
        let noted = std::fs::read_dir(locks.path()).unwrap().map(|file| file.unwrap().path());
        assert!(noted.map(|path| std::fs::read_to_string(path).unwrap()).all(|mark| !mark.contains("one")));
    }

    #[test]
    fn profiles_that_ask_for_other_things_have_sessions_of_their_own() {
        let api = url::Url::parse("http://127.0.0.1:1/").unwrap();
        let profile = Profile::demo("https://op/", "c", "a", &api);
        let renamed = Profile { name: "Renamed".to_owned(), ..profile.clone() };
        assert_eq!(Account::of(&profile), Account::of(&renamed));
        let organization = vec![("organization".to_owned(), "a".to_owned())];
        let other = Profile { authorize_params: organization, ..profile.clone() };
        assert_ne!(Account::of(&profile), Account::of(&other));
        let fewer = Profile { scopes: vec!["openid".to_owned()], ..profile.clone() };
        assert_ne!(Account::of(&profile), Account::of(&fewer));
    }

    /// A keyring that asks for its password, and what it was asked for.
    #[derive(Default)]
    struct Asking {
        vault: Memory,
        answered: Mutex<bool>,
        answer: Condvar,
        asked: Mutex<Vec<Ask>>,
    }

    impl Asking {
        fn is_answered(&self) {
            *self.answered.lock().unwrap() = true;
            self.answer.notify_all();
        }
    }

    impl Vault for Asking {
        fn unlock(&self, ask: Ask) -> Result<(), Unavailable> {
            self.asked.lock().unwrap().push(ask);
            let answered = self.answered.lock().unwrap();
            if ask == Ask::Nothing && !*answered {
                return Err(Unavailable::locked());
            }
            drop(self.answer.wait_while(answered, |answered| !*answered).unwrap());
            Ok(())
        }
        fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            self.vault.get(service, account)
        }
        fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
            self.vault.set(service, account, bytes)
        }
        fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
            self.vault.delete(service, account)
        }
    }

    /// What `work` on the store comes to, if the keyring stays silent past all patience.
    async fn in_vain<T: Send + 'static>(vault: &Asking, work: impl Future<Output = T> + Send + 'static) -> T {
        let asked = vault.asked.lock().unwrap().len();
        let working = tokio::spawn(work);
        while vault.asked.lock().unwrap().len() == asked {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(PATIENCE).await;
        working.await.unwrap()
    }

    #[tokio::test]
    async fn a_try_of_a_locked_keyring_asks_for_no_password() {
        let vault = Arc::new(Asking::default());
        let (store, _locks) = over(Arc::clone(&vault));
        assert_eq!(store.probe().await, Err(Unavailable::locked()));
        vault.is_answered();
        assert_eq!(store.probe().await, Ok(()));
        assert_eq!(*vault.asked.lock().unwrap(), [Ask::Nothing, Ask::Nothing]);
        assert_eq!(vault.vault.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_person_takes_too_long_to_unlock_the_keyring_for_is_not_done_any_more() {
        let vault = Arc::new(Asking::default());
        let (store, _locks) = over(Arc::clone(&vault));
        let this_run = Kept::ThisRunOnly(Unavailable::silent(PATIENCE));
        let other = store.clone();
        let kept = in_vain(&vault, async move { other.save(&account(), &session()).await }).await;
        assert_eq!(kept, this_run);
        // What is in memory is had without a password.
        assert_eq!(store.load(&account()).await, Ok(Some((session(), this_run))));
        drop(store);
        vault.is_answered();
        while Arc::strong_count(&vault) > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*vault.asked.lock().unwrap(), [Ask::ToMake]);
        assert!(vault.vault.is_empty());
    }

    #[tokio::test]
    async fn a_renewal_asks_for_no_password() {
        let vault = Arc::new(Asking::default());
        let (store, _locks) = over(Arc::clone(&vault));
        let kept = store.replace(&account(), &session(), &renewed(session())).await;
        assert_eq!(kept, Some(Kept::ThisRunOnly(Unavailable::locked())));
        assert_eq!(*vault.asked.lock().unwrap(), [Ask::Nothing]);
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
