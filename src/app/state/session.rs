//! A session as the window has it: how long its token is good for, and how its renewal stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::auth::claims::Layout;
use crate::auth::renewal::{self, Prospect, RenewalError};
use crate::auth::session::{Session, Why};
use crate::explain::Explanation;
use crate::store::Kept;

/// The longest that a provider can make a renewal wait.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A session and how it fares.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The session.
    pub session: Arc<Session>,
    /// Where it is kept, once that is known.
    pub kept: Option<Kept>,
    /// How its renewal stands.
    pub renewal: Renewal,
    /// How many renewals failed in a row.
    pub(super) failed: u32,
    /// Whether it was kept in memory until now.
    pub(super) kept_again: bool,
    /// Its access token, laid out.
    pub access_token: Layout,
    /// Its ID token, laid out.
    pub id_token: Option<Layout>,
    /// When it was taken in hand, by a clock that nobody sets, and how long its token was good for then.
    since: (Instant, Option<Duration>),
}

/// How the renewal of a session stands.
#[derive(Clone, Debug, Default)]
pub enum Renewal {
    /// None is called for.
    #[default]
    Idle,
    /// It is to be made, as soon as that can be.
    Wanted(Why),
    /// It is under way.
    Running(Why),
    /// It failed.
    Failed(Trouble),
}

/// A renewal that failed.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Why.
    pub explanation: Box<Explanation>,
    /// What it means for the session.
    pub prospect: Prospect,
    /// When it is tried again, if it is: by the clock that counts, and by the one that is shown.
    pub again: Option<(Instant, Timestamp)>,
    /// How many failed in a row.
    pub(super) failed: u32,
    /// What the renewal was for.
    pub(super) why: Why,
}

impl LoggedIn {
    /// Takes a session in hand.
    #[must_use]
    pub fn new(session: Session, kept: Option<Kept>) -> Self {
        let since = (Instant::now(), session.time_left(Timestamp::now()));
        Self {
            access_token: Layout::of(&session.access_token),
            id_token: session.id_token.as_ref().map(Layout::of),
            session: Arc::new(session),
            kept,
            renewal: Renewal::Idle,
            failed: 0,
            kept_again: false,
            since,
        }
    }

    /// How long the access token is still good for; `None` where it never says. Neither a clock that is set back nor
    /// a computer that slept makes it longer.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let (since, left) = self.since;
        Some(left?.saturating_sub(since.elapsed()).min(self.session.time_left(Timestamp::now())?))
    }

    /// Whether its token has come to its end.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// What came of the last renewal, if it failed.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        if let Renewal::Failed(trouble) = &self.renewal { Some(trouble) } else { None }
    }

    /// Whether a renewal is to come, or under way.
    #[must_use]
    pub fn is_being_renewed(&self) -> bool {
        matches!(self.renewal, Renewal::Wanted(_) | Renewal::Running(_))
    }

    /// A renewal is called for, unless one is on its way.
    pub(super) fn wants_renewal(&mut self, why: Why) {
        if self.is_renewable() && !self.is_being_renewed() {
            self.failed = self.trouble().map_or(0, |trouble| trouble.failed);
            self.renewal = Renewal::Wanted(why);
        }
    }

    pub(super) fn has_trouble(&mut self, explanation: Explanation, error: &RenewalError) {
        let (Renewal::Wanted(why) | Renewal::Running(why)) = self.renewal else { return };
        let (prospect, failed) = (error.prospect(), self.failed);
        let again = match prospect {
            Prospect::MayPass(after) => {
                let wait = renewal::back_off(failed).max(after.unwrap_or_default()).min(LONGEST_WAIT);
                Some((Instant::now() + wait, Timestamp::now() + wait))
            }
            Prospect::Over | Prospect::InDoubt | Prospect::Refused => None,
        };
        let explanation = Box::new(explanation);
        self.renewal = Renewal::Failed(Trouble { explanation, prospect, again, failed: failed + 1, why });
    }

    /// Whether the provider may renew it.
    #[must_use]
    pub fn is_renewable(&self) -> bool {
        let over = self.trouble().is_some_and(|trouble| trouble.prospect == Prospect::Over);
        self.session.refresh_token.is_some() && !over
    }
}
