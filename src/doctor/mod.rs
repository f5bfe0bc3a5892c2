//! The doctor: whether a login and a call can work, before anybody logs in, and what to do where they cannot.
//!
//! It changes nothing, logs nobody in, and tells no secret. What it asks is what a login would ask of the provider, one
//! request that the API should refuse, and a try of the keyring that is removed again. Three parts work at the same
//! time, one file each: `provider`, `computer` and `api`. What they find is told in one order, and [`told`] puts it into
//! words.
//!
//! A check *failed* where a login or a call cannot work; a *warning* is what they work without, or might.

mod api;
mod computer;
mod provider;
pub mod told;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Profile;
use crate::explain::Explanation;
use crate::http::Http;
use crate::store::Store;
use crate::untrusted;

/// How long any one check may take. A part has two or three that wait, one after the other.
const DEADLINE: Duration = Duration::from_secs(10);

/// What is checked, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The issuer of the profile is an address that secrets may travel to.
    Issuer,
    /// There is a provider at it.
    Discovery,
    /// The provider calls itself so, to the letter.
    Spelling,
    /// It publishes keys to verify its signatures with.
    Keys,
    /// It supports PKCE with S256.
    Pkce,
    /// Its endpoints are there, and are safe.
    Endpoints,
    /// The ports that the browser comes back to are free.
    CallbackPorts,
    /// The browser can be opened.
    Browser,
    /// The keyring keeps what it is given.
    Keyring,
    /// This computer's clock and the provider's agree.
    Clock,
    /// The proxies in force.
    Proxies,
    /// The API is called over TLS, or is on this computer.
    ApiAddress,
    /// The API answers.
    ApiReachable,
    /// The API refuses a call without a token.
    ApiRefusal,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The provider.
    Provider,
    /// This computer.
    Computer,
    /// The API.
    Api,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// How it went.
    pub outcome: Outcome,
    /// What is there, as lines that are safe to show.
    pub found: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// A login and a call work, with less than there could be, or might not.
    Warning(Box<Explanation>),
    /// A login or a call cannot work.
    Failed(Box<Explanation>),
    /// It was not made, because of this.
    Skipped(&'static str),
}

/// How many checks went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many passed.
    pub passed: usize,
    /// How many warn.
    pub warnings: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were not made.
    pub skipped: usize,
}

/// An examination about to be made.
pub struct Examination<'a> {
    /// What is examined.
    pub profile: &'a Profile,
    /// The client.
    pub http: &'a Http,
    /// The keyring.
    pub store: &'a Store,
    /// Looks up an environment variable: `&|name| std::env::var_os(name)`.
    pub variable: &'a (dyn Fn(&str) -> Option<OsString> + Sync),
    /// Told of each finding, in the order of [`Check::ALL`], as soon as those before it are there.
    pub report: &'a (dyn Fn(Finding) + Sync),
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 14] = [
        Self::Issuer,
        Self::Discovery,
        Self::Spelling,
        Self::Keys,
        Self::Pkce,
        Self::Endpoints,
        Self::CallbackPorts,
        Self::Browser,
        Self::Keyring,
        Self::Clock,
        Self::Proxies,
        Self::ApiAddress,
        Self::ApiReachable,
        Self::ApiRefusal,
    ];

    /// What it is called where programs read it; it never changes.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Discovery => "discovery",
            Self::Spelling => "issuer-spelling",
            Self::Keys => "keys",
            Self::Pkce => "pkce",
            Self::Endpoints => "endpoints",
            Self::CallbackPorts => "callback-ports",
            Self::Browser => "browser",
            Self::Keyring => "keyring",
            Self::Clock => "clock",
            Self::Proxies => "proxies",
            Self::ApiAddress => "api-address",
            Self::ApiReachable => "api-reachable",
            Self::ApiRefusal => "api-refuses-without-token",
        }
    }

    /// What it is called where people read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Issuer => "Issuer",
            Self::Discovery => "Discovery",
            Self::Spelling => "Issuer's spelling",
            Self::Keys => "Signing keys",
            Self::Pkce => "PKCE with S256",
            Self::Endpoints => "Endpoints",
            Self::CallbackPorts => "Callback ports",
            Self::Browser => "Browser",
            Self::Keyring => "Keyring",
            Self::Clock => "Clock",
            Self::Proxies => "Proxies",
            Self::ApiAddress => "API address",
            Self::ApiReachable => "API reachable",
            Self::ApiRefusal => "API wants a token",
        }
    }

    /// What it is about.
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::Issuer | Self::Discovery | Self::Spelling | Self::Keys | Self::Pkce | Self::Endpoints => {
                Part::Provider
            }
            Self::CallbackPorts | Self::Browser | Self::Keyring | Self::Clock | Self::Proxies => {
                Part::Computer
            }
            Self::ApiAddress | Self::ApiReachable | Self::ApiRefusal => Part::Api,
        }
    }
}

impl Part {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Provider, Self::Computer, Self::Api];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "The provider",
            Self::Computer => "This computer",
            Self::Api => "The API",
        }
    }
}

impl Finding {
    /// What to do, where it did not pass.
    #[must_use]
    pub fn fix(&self) -> Option<&Explanation> {
        match &self.outcome {
            Outcome::Warning(fix) | Outcome::Failed(fix) => Some(fix),
            Outcome::Passed | Outcome::Skipped(_) => None,
        }
    }
}

impl Outcome {
    fn warning(fix: Explanation) -> Self {
        Self::Warning(Box::new(fix))
    }

    fn failed(fix: Explanation) -> Self {
        Self::Failed(Box::new(fix))
    }
}

impl Summary {
    /// Counts.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        for finding in findings {
            *match finding.outcome {
                Outcome::Passed => &mut summary.passed,
                Outcome::Warning(_) => &mut summary.warnings,
                Outcome::Failed(_) => &mut summary.failed,
                Outcome::Skipped(_) => &mut summary.skipped,
            } += 1;
        }
        summary
    }
}

impl Examination<'_> {
    /// Makes every check; ends within half a minute, whatever the far side does.
    pub async fn run(self) -> Vec<Finding> {
        let book = Book { report: self.report, open: Mutex::default() };
        tokio::join!(
            provider::examine(&self, &book),
            computer::examine(&self, &book),
            api::examine(&self, &book)
        );
        book.open().told.clone()
    }
}

/// Where the parts write down what they find.
struct Book<'a> {
    report: &'a (dyn Fn(Finding) + Sync),
    open: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    told: Vec<Finding>,
    /// What is found, and waits for what comes before it.
    waiting: BTreeMap<Check, Finding>,
}

impl Book<'_> {
    /// Writes down what a check that was begun at `start` found. Each check is written down once.
    fn put(
        &self,
        check: Check,
        start: Instant,
        outcome: Outcome,
        found: impl IntoIterator<Item = impl AsRef<str>>,
    ) {
        let found = found.into_iter().map(|line| untrusted::line(line.as_ref())).collect();
        self.write(Finding { check, outcome, found, took: start.elapsed() });
    }

    /// Writes down that these checks were not made.
    fn skip(&self, checks: &[Check], because: &'static str) {
        for &check in checks {
            let outcome = Outcome::Skipped(because);
            self.write(Finding { check, outcome, found: Vec::new(), took: Duration::ZERO });
        }
    }

    fn write(&self, finding: Finding) {
        let mut pages = self.open();
        pages.waiting.insert(finding.check, finding);
        while let Some(next) = Check::ALL.get(pages.told.len())
            && let Some(finding) = pages.waiting.remove(next)
        {
            (self.report)(finding.clone());
            pages.told.push(finding);
        }
    }

    fn open(&self) -> MutexGuard<'_, Pages> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_in_order_whichever_comes_first() {
        let told = Mutex::new(Vec::new());
        let report = |finding: Finding| told.lock().unwrap().push(finding.check);
        let book = Book { report: &report, open: Mutex::default() };
        book.skip(&[Check::Discovery, Check::Keys], "x");
        assert!(told.lock().unwrap().is_empty());
        book.put(Check::Issuer, Instant::now(), Outcome::Passed, [""; 0]);
        assert_eq!(*told.lock().unwrap(), [Check::Issuer, Check::Discovery]);
        book.skip(&[Check::Spelling], "x");
        assert_eq!(*told.lock().unwrap(), Check::ALL[..4]);
    }

    #[test]
    fn all_checks_are_in_order_and_no_two_have_the_same_name() {
        assert!(Check::ALL.is_sorted());
        let names: std::collections::BTreeSet<_> =
            Check::ALL.iter().flat_map(|c| [c.id(), c.name()]).collect();
        assert_eq!(names.len(), 2 * Check::ALL.len());
    }
}
