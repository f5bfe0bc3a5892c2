//! An entry of the timeline: what happened, in words, and between whom. Nothing in its words is secret.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::http::StatusCode;
use url::Url;

use super::super::state::{TaskId, Work};
use crate::api::response::status_line;
use crate::auth::Step;
use crate::auth::loopback::Stray;
use crate::auth::session::Why;
use crate::auth::verification::Name;
use crate::http::{Exchange, Purpose};
use crate::redaction::Instead;
use crate::secret::HIDDEN;
use crate::store::{KEYRING, Kept};
use crate::untrusted;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number, counted from the first of this run.
    pub number: u64,
    /// The task that it was part of.
    pub task: TaskId,
    /// What that task worked at, where it is known.
    pub work: Option<Work>,
    /// When it was heard of.
    pub at: Timestamp,
    /// How it went.
    pub mark: Mark,
    /// What happened, in a few words.
    pub title: String,
    /// More of it.
    pub detail: String,
    /// How long it took, where that says something.
    pub took: Option<Duration>,
    /// Who did it, and to whom; both are the same where it is somebody's own affair.
    pub between: (Party, Party),
    /// What was said, where it is an exchange and not yet too long ago.
    pub exchange: Option<Arc<Exchange>>,
    /// What it counts, where it stands for several things: one entry of a task counts all of a kind.
    pub counts: Option<Stray>,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Party {
    Person,
    App,
    Browser,
    Provider,
    Api,
}

impl Party {
    /// All of them, from left to right.
    pub const ALL: [Self; 5] = [Self::Person, Self::App, Self::Browser, Self::Provider, Self::Api];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "You",
            Self::App => "Hallpass",
            Self::Browser => "Browser",
            Self::Provider => "Provider",
            Self::Api => "API",
        }
    }
}

/// How a thing went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should.
    Good,
    /// Not as it should.
    Bad,
    /// Neither: somebody chose so.
    Neutral,
}

impl Entry {
    /// An entry without a duration.
    pub(in crate::app) fn new(task: TaskId, mark: Mark, title: &str, detail: impl Into<String>) -> Self {
        let (title, detail) = (untrusted::line(title), untrusted::line(&detail.into()));
        Self {
            number: 0,
            task,
            work: None,
            at: Timestamp::now(),
            mark,
            title,
            detail,
            took: None,
            between: (Party::App, Party::App),
            exchange: None,
            counts: None,
        }
    }

    fn between(self, from: Party, to: Party) -> Self {
        Self { between: (from, to), ..self }
    }

    fn took(self, took: Duration) -> Self {
        Self { took: Some(took), ..self }
    }

    /// Whether it belongs to logging in, staying in or logging out; else it belongs to a call.
    #[must_use]
    pub fn is_about_login(&self) -> bool {
        self.work != Some(Work::Call)
    }

    /// What an exchange is told as.
    pub(in crate::app) fn exchange(task: TaskId, exchange: Exchange) -> Self {
        let exchange = Arc::new(exchange);
        let told = Self::told(task, &exchange).took(exchange.took);
        Self { exchange: Some(exchange), ..told }
    }

    fn told(task: TaskId, exchange: &Exchange) -> Self {
        let ok = exchange
            .outcome
            .as_ref()
            .is_ok_and(|status| !status.is_client_error() && !status.is_server_error());
        let said = match &exchange.outcome {
            Ok(status) => status.as_u16().to_string(),
            Err(error) => error.to_string(),
        };
        let (good, bad, endpoint) = match exchange.purpose {
            Purpose::Discovery => ("Found the provider", "Did not find the provider", "discovery"),
            Purpose::Keys => ("Fetched its keys", "Did not get its keys", "keys"),
            Purpose::CodeExchange => ("Exchanged the code", "The code was not exchanged", "token"),
            Purpose::Renewal => ("Renewed the token", "The token was not renewed", "token"),
            Purpose::UserInfo => ("Read your user info", "Did not get your user info", "user info"),
            Purpose::Picture => ("Fetched your picture", "Did not get your picture", "picture"),
            Purpose::Revocation => ("Revoked the tokens", "The tokens were not revoked", "revocation"),
            Purpose::Api => return Self::call(task, exchange),
        };
        let mut detail = format!("{endpoint} · {said}");
        match exchange.purpose {
            Purpose::CodeExchange => detail = format!("{detail} · code {HIDDEN}"),
            Purpose::Renewal => detail = format!("{detail} · refresh token {HIDDEN}"),
            _ => {}
        }
        let mark = match exchange.purpose {
            _ if ok => Mark::Good,
            // A login goes on without.
            Purpose::UserInfo | Purpose::Picture => Mark::Neutral,
            _ => Mark::Bad,
        };
        Self::new(task, mark, if ok { good } else { bad }, detail).between(Party::App, Party::Provider)
    }

    fn call(task: TaskId, exchange: &Exchange) -> Self {
        let shown = exchange.url(Instead::Hidden);
        let url = Url::parse(&shown).ok();
        // As it is written: what stands for a secret is nothing to encode.
        let path = shown.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
        let path = path.unwrap_or(&shown).split(['?', '#']).next().unwrap_or_default();
        let (mark, detail) = match &exchange.outcome {
            Ok(status) => {
                let host = url.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
                (mark_of(*status), format!("{} · {host}", status_line(*status)))
            }
            Err(error) => (Mark::Bad, error.to_string()),
        };
        Self::new(task, mark, &format!("{} {path}", exchange.method), detail).between(Party::App, Party::Api)
    }

    /// What a step is told as; `None` for waiting, which is shown while it lasts, and for what is told otherwise.
    pub(in crate::app) fn step(task: TaskId, step: &Step) -> Option<Self> {
        Some(match step {
            Step::MadeSecrets => {
                Self::new(task, Mark::Good, "Made a secret for this login", "PKCE S256, state, nonce")
            }
            Step::OpenedBrowser => {
                Self::new(task, Mark::Good, "Opened your browser", "authorization request")
                    .between(Party::App, Party::Browser)
            }
            Step::BrowserDidNotOpen(problem) => {
                Self::new(task, Mark::Bad, "Your browser did not open", problem.as_str())
            }
            Step::IgnoredCallback { why, count } => {
                let told =
                    Self::new(task, Mark::Bad, "Ignored a callback that was not ours", why.to_string());
                let detail = if *count > 1 { format!("{why} · {count} times") } else { told.detail };
                Self { detail, counts: Some(*why), ..told }.between(Party::Browser, Party::App)
            }
            Step::CameBack { took, names_issuer } => {
                let detail = if *names_issuer {
                    "callback · state and issuer match"
                } else {
                    "callback · state matches"
                };
                Self::new(task, Mark::Good, "You came back", detail)
                    .between(Party::Browser, Party::App)
                    .took(*took)
            }
            Step::Checked(verification) if verification.is_complete() => {
                let algorithm = &verification.get(Name::Algorithm).actual;
                let detail =
                    format!("ID token · {algorithm} · {} checks passed", verification.passed().count());
                Self::new(task, Mark::Good, "Verified who you are", detail).took(verification.took)
            }
            Step::WaitingForKeyring => {
                Self::new(task, Mark::Neutral, "Waited for the keyring", "it may have asked for its password")
            }
            // A check that failed ends the login or the renewal, and that is told.
            Step::Checked(_) | Step::Waiting { .. } => return None,
            Step::TookSiblings => {
                Self::new(task, Mark::Good, "Took the renewed session", "another window had renewed it")
            }
            Step::ScopesChanged { before, now } => {
                let change = |sign: &str, some: &[String], others: &[String]| {
                    some.iter()
                        .filter(|scope| !others.contains(scope))
                        .map(|scope| format!("{sign}{scope}"))
                        .collect()
                };
                let (more, less): (Vec<_>, Vec<_>) = (change("+", now, before), change("−", before, now));
                let mark = if less.is_empty() { Mark::Neutral } else { Mark::Bad };
                Self::new(task, mark, "Your scopes changed", [more, less].concat().join(" "))
            }
            Step::NoUserInfo(problem) => {
                Self::new(task, Mark::Bad, "Your user info was not used", problem.as_str())
            }
            Step::NoWayBack(busy) => {
                Self::new(task, Mark::Neutral, "No port is free for the way back", busy.to_string())
            }
            Step::OpenedLogOutPage => {
                Self::new(task, Mark::Good, "Opened the provider's log-out page", "in your browser")
                    .between(Party::App, Party::Browser)
            }
            Step::CameBackLoggedOut { took, with_state } => {
                let detail = if *with_state { "state matches" } else { "this provider passes no state on" };
                Self::new(task, Mark::Good, "The provider sent you back", detail)
                    .between(Party::Browser, Party::App)
                    .took(*took)
            }
        })
    }

    /// What beginning a renewal is told as.
    pub(in crate::app) fn renewing(task: TaskId, why: Why) -> Self {
        Self::new(task, Mark::Neutral, "Renewing the token", because(why))
    }

    /// What finding a kept session is told as.
    pub(in crate::app) fn restored(task: TaskId, kept: &Kept) -> Self {
        let place = match kept {
            Kept::InKeyring => KEYRING,
            Kept::ThisRunOnly(_) => "in this run's memory",
        };
        Self::new(task, Mark::Good, "Still logged in", place)
    }

    /// What keeping a session is told as.
    pub(in crate::app) fn kept(task: TaskId, kept: &Kept) -> Self {
        match kept {
            Kept::InKeyring => Self::new(task, Mark::Good, "Kept you logged in", KEYRING),
            Kept::ThisRunOnly(why) => {
                Self::new(task, Mark::Bad, "Logged in for this run only", why.to_string())
            }
        }
    }
}

/// Why a token was renewed, as a clause.
pub(in crate::app) fn because(why: Why) -> &'static str {
    match why {
        Why::Asked => "you asked for it",
        Why::Restored => "it had expired when Hallpass started",
        Why::BeforeCall => "it was about to end, and a call was to be made",
        Why::Refused => "the API answered 401",
    }
}

fn mark_of(status: StatusCode) -> Mark {
    if status.is_client_error() || status.is_server_error() { Mark::Bad } else { Mark::Good }
}
