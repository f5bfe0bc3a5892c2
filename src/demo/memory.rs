//! What the demo remembers from one run to the next, in one file, and the lock that says who may write it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    DemoError,
    keys::{self, SigningKey},
    users::{Scopes, User},
};

/// A session that is not renewed for this long is forgotten.
const FAMILY_LIFE: Duration = Duration::from_hours(30 * 24);
/// More sessions than this are not remembered; the oldest goes first.
const FAMILIES: usize = 100;

/// Everything in the file. It holds secrets, so it has no `Debug`; tokens are kept only as hashes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Memory {
    /// Where the provider and the API stand, in that order.
    pub ports: [u16; 2],
    /// What only the processes that can read this file know: by it they recognise each other.
    pub secret: String,
    /// The signing key: PKCS#8 DER in base64.
    key: String,
    /// The refresh tokens in force.
    families: Vec<Family>,
}

/// What a person agreed to, once. Every token that follows from it says the same.
#[derive(Clone, Serialize, Deserialize)]
pub struct Grant {
    /// Who agreed.
    pub user: User,
    /// To what.
    pub scopes: Scopes,
    /// Whether the access token is for the API; otherwise it is good for user info only.
    pub for_api: bool,
    /// The `sid` of the ID token: one per login.
    pub sid: String,
    /// When, in Unix seconds: `auth_time`.
    pub auth_time: i64,
    /// How, if the app asked for a way that the demo knows: `acr`.
    #[serde(default)]
    pub acr: Option<String>,
}

/// A refresh token and all that it was and will be rotated from and to. One of them is in force.
#[derive(Clone, Serialize, Deserialize)]
struct Family {
    id: String,
    /// The hash of the one token in force.
    current: String,
    grant: Grant,
    /// When that token was issued, in Unix seconds.
    since: i64,
}

/// Why a refresh token was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub enum Stale {
    /// No such token, or not any more.
    Unknown,
    /// A token that was already rotated: someone has a copy, so its whole family ends (RFC 9700 4.14.2).
    Reused,
}

impl Memory {
    /// Reads the memory in `dir`, or makes a new one that wants these ports.
    ///
    /// One that cannot be understood is set aside under another name. Blocks, for as long as it takes to make a key.
    pub fn open(dir: &Path, ports: [u16; 2]) -> Result<(Self, SigningKey), DemoError> {
        let path = file(dir);
        match fs::read(&path) {
            Ok(bytes) => {
                if let Some(known) = Self::understand(&bytes) {
                    return Ok(known);
                }
                let aside = path.with_extension("json.unreadable");
                fs::rename(&path, &aside).map_err(|e| DemoError::Memory(path, e))?;
                tracing::warn!("the demo's memory was unreadable; it is now {}", aside.display());
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(DemoError::Memory(path, e)),
        }
        let der = SigningKey::generate()?;
        let memory = Self { ports, secret: keys::random(), key: STANDARD.encode(&der), families: Vec::new() };
        Ok((memory, SigningKey::from_pkcs8(&der)?))
    }

    /// Reads the memory in `dir` as it is, if it is one.
    pub fn peek(dir: &Path) -> Option<Self> {
        Self::understand(&fs::read(file(dir)).ok()?).map(|(memory, _)| memory)
    }

    fn understand(bytes: &[u8]) -> Option<(Self, SigningKey)> {
        let memory: Self = serde_json::from_slice(bytes).ok()?;
        let key = SigningKey::from_pkcs8(&STANDARD.decode(&memory.key).ok()?).ok()?;
        Some((memory, key))
    }

    /// Writes the memory: whole or not at all, and for its owner's eyes only (0600 on Unix). Blocks.
    pub fn save(&self, dir: &Path) -> Result<(), DemoError> {
        let write = || -> io::Result<()> {
            let mut draft = tempfile::NamedTempFile::new_in(dir)?;
            draft.write_all(&serde_json::to_vec_pretty(self)?)?;
            draft.persist(file(dir))?;
            Ok(())
        };
        write().map_err(|e| DemoError::Memory(file(dir), e))
    }

    /// Starts a family; returns its id and its first refresh token.
    pub fn start_family(&mut self, grant: Grant) -> (String, String) {
        let id = keys::random();
        let token = new_token(&id);
        let now = now();
        self.families.retain(|family| now - family.since < FAMILY_LIFE.as_secs().cast_signed());
        if self.families.len() == FAMILIES {
            self.families.remove(0);
        }
        self.families.push(Family { id: id.clone(), current: keys::hash(&token), grant, since: now });
        (id, token)
    }

    /// What the refresh token stands for. A token that was rotated away ends its family.
    pub fn redeem(&mut self, token: &str) -> Result<Grant, Stale> {
        let id = family_of(token).ok_or(Stale::Unknown)?;
        let family = self.families.iter().find(|family| family.id == id).ok_or(Stale::Unknown)?;
        if now() - family.since >= FAMILY_LIFE.as_secs().cast_signed() {
            return Err(Stale::Unknown);
        }
        if family.current != keys::hash(token) {
            let id = family.id.clone();
            self.end_family(&id);
            return Err(Stale::Reused);
        }
        Ok(family.grant.clone())
    }

    /// The next token of the family that this one belongs to; this one is then used up.
    pub fn rotate(&mut self, token: &str) -> Option<String> {
        let id = family_of(token)?;
        let family = self.families.iter_mut().find(|family| family.id == id)?;
        let next = new_token(id);
        family.current = keys::hash(&next);
        family.since = now();
        Some(next)
    }

    /// Makes every token of this family worthless.
    pub fn end_family(&mut self, id: &str) {
        self.families.retain(|family| family.id != id);
    }
}

/// The right to run the demo and to write its memory: one process has it, until it drops this or ends.
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock of `dir`, if it is free. The operating system frees it even when its holder is killed.
    pub fn take(dir: &Path) -> Result<Option<Self>, DemoError> {
        let path = dir.join("demo.lock");
        let file = File::create(&path).map_err(|e| DemoError::Memory(path.clone(), e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(DemoError::Memory(path, e)),
        }
    }
}

/// The id of the family that a refresh token says it is of.
///
/// Every token carries it, so that an old one can be recognised without keeping a list of old ones.
pub fn family_of(token: &str) -> Option<&str> {
    token.strip_prefix("v1.")?.split_once('.').map(|(family, _)| family)
}

fn new_token(family: &str) -> String {
    format!("v1.{family}.{}", keys::random())
}

fn file(dir: &Path) -> PathBuf {
    dir.join("demo.json")
}

/// Unix seconds, as tokens count them.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
