//! What happened: the entries of the timeline, in words. Nothing in them is secret.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::http::StatusCode;
use url::Url;

use super::state::TaskId;
use crate::api::response::status_line;
use crate::auth::Step;
use crate::auth::session::Why;
use crate::http::{Exchange, Purpose};
use crate::secret::HIDDEN;
use crate::store::{KEYRING, Kept};
use crate::untrusted;

/// The most entries that are kept; the oldest go first.
const LONGEST: usize = 10_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The task that it was part of.
    pub task: TaskId,
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

/// The entries, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: VecDeque<Entry>,
}

impl History {
    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The entry at `index`, counted from the oldest.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries of one task.
    pub fn of(&self, task: TaskId) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.task == task)
    }

    pub(super) fn add(&mut self, entry: Entry) {
        if self.entries.len() == LONGEST {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

impl Entry {
    /// An entry without a duration.
    pub(super) fn new(task: TaskId, mark: Mark, title: &str, detail: impl Into<String>) -> Self {
        let (title, detail) = (untrusted::line(title), untrusted::line(&detail.into()));
        Self { task, at: Timestamp::now(), mark, title, detail, took: None }
    }

    /// What an exchange is told as.
    pub(super) fn exchange(task: TaskId, exchange: &Exchange) -> Self {
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
        Self { took: Some(exchange.took), ..Self::new(task, mark, if ok { good } else { bad }, detail) }
    }

    fn call(task: TaskId, exchange: &Exchange) -> Self {
        let url = Url::parse(&exchange.url).ok();
        let path = url.as_ref().map_or(exchange.url.as_str(), Url::path);
        let (mark, detail) = match &exchange.outcome {
            Ok(status) => {
                let host = url.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
                (mark_of(*status), format!("{} · {host}", status_line(*status)))
            }
            Err(error) => (Mark::Bad, error.to_string()),
        };
        Self {
            took: Some(exchange.took),
            ..Self::new(task, mark, &format!("{} {path}", exchange.method), detail)
        }
    }

    /// What a step is told as; `None` for waiting, which is shown while it lasts.
    pub(super) fn step(task: TaskId, step: &Step) -> Option<Self> {
        Some(match step {
            Step::MadeSecrets => {
                Self::new(task, Mark::Good, "Made a secret for this login", "PKCE S256, state, nonce")
            }
            Step::OpenedBrowser => {
                Self::new(task, Mark::Good, "Opened your browser", "authorization request")
            }
            Step::BrowserDidNotOpen(problem) => {
                Self::new(task, Mark::Bad, "Your browser did not open", problem.as_str())
            }
            Step::Waiting { .. } => return None,
            Step::CameBack { took, names_issuer } => {
                let detail = if *names_issuer {
                    "callback · state and issuer match"
                } else {
                    "callback · state matches"
                };
                Self { took: Some(*took), ..Self::new(task, Mark::Good, "You came back", detail) }
            }
            Step::Verified(verified) => {
                let detail =
                    format!("ID token · {} · {} checks passed", verified.algorithm, verified.checks.len());
                Self {
                    took: Some(verified.took),
                    ..Self::new(task, Mark::Good, "Verified who you are", detail)
                }
            }
            Step::WaitingForKeyring => {
                Self::new(task, Mark::Neutral, "Waited for the keyring", "it may have asked for its password")
            }
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
            }
            Step::CameBackLoggedOut { took, with_state } => {
                let detail = if *with_state { "state matches" } else { "this provider passes no state on" };
                Self {
                    took: Some(*took),
                    ..Self::new(task, Mark::Good, "The provider sent you back", detail)
                }
            }
        })
    }

    /// What beginning a renewal is told as.
    pub(super) fn renewing(task: TaskId, why: Why) -> Self {
        Self::new(task, Mark::Neutral, "Renewing the token", because(why))
    }

    /// What finding a kept session is told as.
    pub(super) fn restored(task: TaskId, kept: &Kept) -> Self {
        let place = match kept {
            Kept::InKeyring => KEYRING,
            Kept::ThisRunOnly(_) => "in this run's memory",
        };
        Self::new(task, Mark::Good, "Still logged in", place)
    }

    /// What keeping a session is told as.
    pub(super) fn kept(task: TaskId, kept: &Kept) -> Self {
        match kept {
            Kept::InKeyring => Self::new(task, Mark::Good, "Kept you logged in", KEYRING),
            Kept::ThisRunOnly(why) => {
                Self::new(task, Mark::Bad, "Logged in for this run only", why.to_string())
            }
        }
    }
}

/// Why a token was renewed, as a clause.
pub(super) fn because(why: Why) -> &'static str {
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
