//! From a failure and its evidence to its cause and its remedy: pure, and the same for every provider and API.

//!
//! Each failure has a function here: evidence in, explanation out. Where several causes can be behind one failure, as
//! behind a 401, the function goes through its rules in order, from what is certain to what can only be narrowed down;
//! the first rule that finds its cause in the evidence explains it, and the last one says what can be ruled out.
//!
//! | file | what it explains |
//! |---|---|
//! | `login.rs` | an attempt to log in that ended without a session, and what one that succeeded did not bring |
//! | `provider.rs` | an issuer that is no provider to log in at |
//! | `token_endpoint.rs` | a code or a refresh token for which nothing was issued |
//! | `session.rs` | a session that was not renewed, not kept, or not ended |
//! | `call.rs` | a call: where to look, by its status; and requests that cannot be sent |
//! | `unauthorized.rs`, `forbidden.rs` | 401 and 403: why the API did not take the token, or does not let it do this |
//! | `status.rs` | every other status, redirects, and HTML where data was expected |
//! | `network.rs` | no answer at all |
//! | `setup.rs` | a setup that the doctor finds something wrong with, before anybody logs in |
//! | `words.rs` | what the API's own words complain of, in the wordings of many libraries |
//! | `shown.rs` | evidence made fit to show: no secret, nothing that acts on the screen; differences marked |

mod call;
mod forbidden;
mod login;
mod network;
mod provider;
mod session;
pub mod setup;
mod shown;
mod status;
#[cfg(test)]
mod tests;
mod token_endpoint;
mod unauthorized;
mod words;

use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::auth::session::{Session, StepUp};
use crate::config::{DEMO, Field, Profile};

pub use call::{draft, no_response, response};
pub use login::{login, no_browser, no_callback_yet, not_granted};
pub use session::{
    clock, clock_alone, not_called, not_forgotten, not_kept, not_restored, not_revoked, renewal,
    session_not_ended,
};

/// Who made a call, and when: what the answer is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The profile in use.
    pub profile: &'a Profile,
    /// The session whose token went along, or could have.
    pub session: Option<&'a Session>,
    /// Whether the token has come to its end by now.
    pub expired: bool,
    /// Now, by this computer's clock.
    pub now: Timestamp,
    /// How far that clock is ahead of the provider's; an answer whose `Date` tells the API's is judged by that.
    pub clock_ahead: SignedDuration,
}

impl Caller<'_> {
    /// Now, by the clock of whoever answered; a difference of less than a minute tells nothing.
    fn their_now(&self) -> Timestamp {
        if clock(self.clock_ahead).is_none() {
            return self.now;
        }
        self.now.checked_sub(self.clock_ahead).unwrap_or(self.now)
    }
}

/// What happened, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// How grave it is.
    pub tone: Tone,
    /// What happened, in a few words.
    pub headline: String,
    /// Why, in a sentence or two.
    pub cause: String,
    /// What that is drawn from: a label, and its values.
    pub evidence: Vec<Evidence>,
    /// What to do about it.
    pub remedy: Option<Remedy>,
    /// Where that is written down: a standard and its section.
    pub reference: Option<&'static str>,
}

/// A fact of the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub label: &'static str,
    /// Its values.
    pub values: Vec<Value>,
}

/// A value, and whether it is the one to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value, safe to show.
    pub text: String,
    /// Whether it is what is missing or wrong.
    pub amiss: bool,
    /// The bytes of the text in which it differs from what it is put beside.
    pub differs: Option<Range<usize>>,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Somebody said no, and may do so.
    Refused,
    /// Something went wrong.
    Failed,
}

/// What to do, as an action of the window or a text to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Log in (again).
    LogIn,
    /// Log in again, and ask for this beyond the profile.
    LogInAsking(StepUp),
    /// Renew the access token.
    Renew,
    /// Read the kept session once more.
    Restore,
    /// Try once more to keep the session.
    KeepAgain,
    /// Try once more to remove it.
    Forget,
    /// Show what was checked, and what came of it.
    SeeChecks,
    /// Call again.
    CallAgain,
    /// Call again, but not before this time.
    CallAgainAt(Timestamp),
    /// Put this into the URL field.
    UseUrl(String),
    /// Choose this method.
    UseMethod(String),
    /// Put this header, name and value, into the request.
    UseHeader(&'static str, String),
    /// Copy these URLs, to register them at the provider.
    CopyUrls(Vec<String>),
    /// Copy this text; the first says what it is, as a noun.
    Copy(&'static str, String),
    /// Open the profile's settings.
    EditProfile,
    /// Open the profile's settings with this field filled in, for the person to look at and to save.
    FillIn(Field, String),
}

impl Explanation {
    fn new(tone: Tone, headline: impl AsRef<str>, cause: impl AsRef<str>) -> Self {
        let (headline, cause) = (shown::line(headline.as_ref()), shown::line(cause.as_ref()));
        Self { tone, headline, cause, evidence: Vec::new(), remedy: None, reference: None }
    }

    fn failed(headline: impl AsRef<str>, cause: impl AsRef<str>) -> Self {
        Self::new(Tone::Failed, headline, cause)
    }

    fn refused(headline: impl AsRef<str>, cause: impl AsRef<str>) -> Self {
        Self::new(Tone::Refused, headline, cause)
    }

    fn remedy(self, remedy: impl Into<Option<Remedy>>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    fn reference(self, reference: &'static str) -> Self {
        Self { reference: Some(reference), ..self }
    }

    fn evidence<T: AsRef<str>>(
        mut self,
        label: &'static str,
        values: impl IntoIterator<Item = (T, bool)>,
    ) -> Self {
        let values: Vec<_> = values
            .into_iter()
            .map(|(text, amiss)| Value { text: shown::line(text.as_ref()), amiss, differs: None })
            .collect();
        if !values.is_empty() {
            self.evidence.push(Evidence { label, values });
        }
        self
    }

    fn says(self, label: &'static str, text: Option<&str>) -> Self {
        self.evidence(label, text.map(|text| (text, false)))
    }

    /// Two texts, one above the other, that should be the same and are not: the first is the one that is amiss.
    fn beside(mut self, is: (&'static str, &str), should_be: (&'static str, &str)) -> Self {
        let [(label, is), (other, should_be)] =
            [is, should_be].map(|(label, text)| (label, shown::line(text)));
        let (here, there) = shown::difference(&is, &should_be);
        self.evidence
            .push(Evidence { label, values: vec![Value { text: is, amiss: true, differs: Some(here) }] });
        let value = Value { text: should_be, amiss: false, differs: Some(there) };
        self.evidence.push(Evidence { label: other, values: vec![value] });
        self
    }

    /// Without anything of the session's tokens, which the far side may have sent back.
    fn without_tokens_of(mut self, session: Option<&Session>) -> Self {
        let Some(session) = session else { return self };
        let tokens = [Some(&session.access_token), session.refresh_token.as_ref(), session.id_token.as_ref()];
        let tokens: Vec<_> = tokens.into_iter().flatten().map(crate::secret::Secret::expose).collect();
        let holds_one = |text: &str| shown::masked(text, &tokens) != *text;
        let texts = self.evidence.iter_mut().flat_map(|evidence| &mut evidence.values);
        for text in texts.map(|value| &mut value.text).chain([&mut self.headline, &mut self.cause]) {
            *text = shown::masked(text, &tokens);
        }
        // A mark belongs to the text as it was.
        for value in self.evidence.iter_mut().flat_map(|evidence| &mut evidence.values) {
            value.differs.take_if(|range| value.text.get(range.clone()).is_none());
        }
        // It would not only be shown: a scope that is a token would be sent to the provider.
        self.remedy.take_if(|remedy| match remedy {
            Remedy::UseUrl(text)
            | Remedy::UseMethod(text)
            | Remedy::UseHeader(_, text)
            | Remedy::Copy(_, text)
            | Remedy::FillIn(_, text) => holds_one(text),
            Remedy::LogInAsking(step_up) => {
                step_up.scopes.iter().chain(&step_up.acr_values).any(|text| holds_one(text))
            }
            _ => false,
        });
        self
    }
}

/// The profile's settings with this field filled in; the built-in profile has no settings.
fn fill_in(profile: &Profile, field: Field, value: &str) -> Remedy {
    if profile.name == DEMO { Remedy::EditProfile } else { Remedy::FillIn(field, value.to_owned()) }
}

/// A duration in one unit: `45 seconds`, `5 minutes`.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        1 => "1 second".to_owned(),
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A point in time, as people write it, in a time zone that both sides share.
fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A task that ended without a result.
#[must_use]
pub fn fault() -> Explanation {
    Explanation::failed(
        "Something in Hallpass failed",
        "This is a fault of Hallpass, not of the provider or the API. Try again; the terminal that it was started from \
         says more.",
    )
}

/// Why a fault of the demo could not be turned on or off.
#[must_use]
pub fn not_switched(problem: &str) -> Explanation {
    Explanation::failed(
        "The demo's fault could not be switched",
        format!("The order was not taken: {problem}."),
    )
}
