//! From a failure and its evidence to its cause and its remedy: pure, and the same for every provider and API.

mod call;
mod login;
mod network;
mod session;
#[cfg(test)]
mod tests;

use crate::auth::session::StepUp;
use crate::untrusted;

pub use call::{draft, no_response, response};
pub use login::login;
pub use session::{clock, not_forgotten, not_kept, not_restored, not_revoked, renewal, session_not_ended};

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
    /// Call again.
    CallAgain,
    /// Put this into the URL field.
    UseUrl(String),
    /// Copy these URLs, to register them at the provider.
    CopyUrls(Vec<String>),
    /// Open the profile's settings.
    EditProfile,
}

impl Explanation {
    fn new(tone: Tone, headline: impl Into<String>, cause: impl Into<String>) -> Self {
        let (headline, cause) = (untrusted::line(&headline.into()), untrusted::line(&cause.into()));
        Self { tone, headline, cause, evidence: Vec::new(), remedy: None }
    }

    fn failed(headline: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Tone::Failed, headline, cause)
    }

    fn refused(headline: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Tone::Refused, headline, cause)
    }

    fn remedy(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    fn evidence<T: AsRef<str>>(
        mut self,
        label: &'static str,
        values: impl IntoIterator<Item = (T, bool)>,
    ) -> Self {
        let values: Vec<_> = values
            .into_iter()
            .map(|(text, amiss)| Value { text: untrusted::line(text.as_ref()), amiss })
            .collect();
        if !values.is_empty() {
            self.evidence.push(Evidence { label, values });
        }
        self
    }

    fn says(self, label: &'static str, text: Option<&str>) -> Self {
        self.evidence(label, text.map(|text| (text, false)))
    }
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
