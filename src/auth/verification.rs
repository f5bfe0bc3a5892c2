//! Every check that stands between a browser's answer and a session: what was expected, what came, and what came of it.
//!
//! Each is written down by the code that makes it. What never was made says so, and why not.

use std::time::Duration;

use jiff::Timestamp;

use super::id_token::Rejected;
use crate::secret::HIDDEN;
use crate::untrusted;

/// What is checked, in the order in which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `state` of the callback (RFC 6749, section 10.12).
    State,
    /// `iss` of the callback (RFC 9207).
    CallbackIssuer,
    /// The code verifier, which the provider checks (RFC 7636, section 4.6).
    Pkce,
    /// That the ID token is a signed JWT (OpenID Connect Core 1.0, section 2).
    Form,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `alg` of the header.
    Algorithm,
    /// The signature, by the key that `kid` names.
    Signature,
    /// `exp`.
    Expiry,
    /// `iat`.
    IssuedAt,
    /// `nonce`.
    Nonce,
    /// `auth_time`.
    AuthTime,
    /// `sub`.
    Subject,
    /// `azp`.
    AuthorizedParty,
    /// `at_hash`.
    AccessTokenHash,
}

impl Name {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::State,
        Self::CallbackIssuer,
        Self::Pkce,
        Self::Form,
        Self::Issuer,
        Self::Audience,
        Self::Algorithm,
        Self::Signature,
        Self::Expiry,
        Self::IssuedAt,
        Self::Nonce,
        Self::AuthTime,
        Self::Subject,
        Self::AuthorizedParty,
        Self::AccessTokenHash,
    ];

    /// The name that the specifications give it, as errors say it.
    #[must_use]
    pub fn term(self) -> &'static str {
        self.words().0
    }

    /// What it is, in a word or two.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.words().1
    }

    /// The attack that it stops, in a sentence.
    #[must_use]
    pub fn stops(self) -> &'static str {
        self.words().2
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::State => (
                "state",
                "Answer to this login",
                "Stops somebody else's answer from being slipped into your login (request forgery).",
            ),
            Self::CallbackIssuer => (
                "iss of the callback",
                "Answer's issuer",
                "Stops a code of one provider from being sent to another, who would use it (mix-up).",
            ),
            Self::Pkce => (
                "PKCE",
                "Code verifier",
                "Stops whoever steals the code on its way: without the verifier it buys nothing.",
            ),
            Self::Form => (
                "its form",
                "Form",
                "Stops what is no ID token, malformed or oversized, before anything else of it is read.",
            ),
            Self::Issuer => {
                ("iss", "Issuer", "Stops a token of another provider from being taken for this one's.")
            }
            Self::Audience => {
                ("aud", "Audience", "Stops a token that was issued to another app from being replayed here.")
            }
            Self::Algorithm => (
                "alg",
                "Algorithm",
                "Stops unsigned tokens, and those signed with a secret that others know as well.",
            ),
            Self::Signature => (
                "the signature",
                "Signature",
                "Stops every token that the provider did not make, or that was changed since.",
            ),
            Self::Expiry => ("exp", "Expiry", "Stops a token from being used after its time."),
            Self::IssuedAt => {
                ("iat", "Time of issue", "Stops a token kept from long ago from passing for one of now.")
            }
            Self::Nonce => {
                ("nonce", "Nonce", "Stops a token of another login from being replayed into this one.")
            }
            Self::AuthTime => (
                "auth_time",
                "Time of login",
                "Stops a login of long ago from passing for the recent one that was asked for.",
            ),
            Self::Subject => {
                ("sub", "Person", "Stops a token about nobody, and a renewal that makes you somebody else.")
            }
            Self::AuthorizedParty => {
                ("azp", "Authorized party", "Stops a token that another app was given to use.")
            }
            Self::AccessTokenHash => (
                "at_hash",
                "Access token's hash",
                "Stops an access token of somebody else from being put beside this ID token.",
            ),
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub name: Name,
    /// What had to come, safe to show; empty where the check was not made.
    pub expected: String,
    /// What came, safe to show; of a secret its length only. `sub` is a person's.
    pub actual: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What came is what was expected.
    Passed,
    /// It is not, and how it differs.
    Failed(String),
    /// There was nothing to check, and why.
    NotMade(String),
    /// The login or renewal had ended before.
    NotReached,
}

/// What the checks were made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A login.
    Login,
    /// A renewal.
    Renewal,
}

/// The checks of a login or a renewal, each once, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// What they were made for.
    pub occasion: Occasion,
    /// How long those of the ID token took, any refetch of the keys included.
    pub took: Duration,
    checks: Vec<Check>,
}

impl Verification {
    /// Those of a login that has not begun.
    #[must_use]
    pub fn of_login() -> Self {
        let check = |name| Check {
            name,
            expected: String::new(),
            actual: String::new(),
            outcome: Outcome::NotReached,
        };
        let checks = Name::ALL.map(check).into();
        Self { occasion: Occasion::Login, took: Duration::ZERO, checks }
    }

    /// Those of a renewal that has not begun: nothing passes through a browser.
    #[must_use]
    pub fn of_renewal() -> Self {
        let mut checks = Self { occasion: Occasion::Renewal, ..Self::of_login() };
        for name in [Name::State, Name::CallbackIssuer, Name::Pkce] {
            checks.skip(name, "A renewal does not pass through the browser.");
        }
        checks
    }

    /// The checks, in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of this name.
    #[must_use]
    pub fn get(&self, name: Name) -> &Check {
        // `ALL` is in the order of the names, and each has its check.
        &self.checks[name as usize]
    }

    /// The names of those that passed.
    pub fn passed(&self) -> impl Iterator<Item = Name> + '_ {
        self.checks.iter().filter(|check| check.outcome == Outcome::Passed).map(|check| check.name)
    }

    /// The one that failed, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// Whether every check was reached, and none failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.checks.iter().all(|check| matches!(check.outcome, Outcome::Passed | Outcome::NotMade(_)))
    }

    /// Whether any was made.
    pub(super) fn is_begun(&self) -> bool {
        self.passed().next().is_some() || self.failed().is_some()
    }

    pub(super) fn pass(&mut self, name: Name, expected: &str, actual: &str) {
        self.set(name, expected, actual, Outcome::Passed);
    }

    /// Writes down a failure, and gives it as the error that it is.
    pub(super) fn fail(&mut self, name: Name, expected: &str, actual: &str, problem: &str) -> Rejected {
        let problem = untrusted::line(problem);
        self.set(name, expected, actual, Outcome::Failed(problem.clone()));
        Rejected { check: name.term(), problem }
    }

    pub(super) fn skip(&mut self, name: Name, why: &str) {
        self.set(name, "", "", Outcome::NotMade(untrusted::line(why)));
    }

    fn set(&mut self, name: Name, expected: &str, actual: &str, outcome: Outcome) {
        let (expected, actual) = (untrusted::line(expected), untrusted::line(actual));
        self.checks[name as usize] = Check { name, expected, actual, outcome };
    }
}

/// What is said of a secret: that it is one, and how long.
pub(super) fn hidden(secret: &str) -> String {
    format!("{HIDDEN}, {} characters", secret.chars().count())
}

/// A time of day by this computer's zone; with the date where that is not `now`'s.
pub(super) fn clock(at: i64, now: i64) -> String {
    let zone = jiff::tz::TimeZone::system();
    let zoned = |second| Timestamp::from_second(second).ok().map(|at| at.to_zoned_datetime(zone.clone()));
    let Some(at) = zoned(at) else { return "beyond the end of time".to_owned() };
    let same_day = zoned(now).is_some_and(|now| now.date() == at.date());
    at.strftime(if same_day { "%H:%M:%S" } else { "%H:%M:%S on %d %B %Y" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_its_place_and_is_found_by_its_name() {
        let checks = Verification::of_login();
        for name in Name::ALL {
            assert_eq!(checks.get(name).name, name);
            assert!(name.stops().starts_with("Stops ") && name.stops().ends_with('.'), "{name:?}");
        }
        assert!(!checks.is_begun() && !checks.is_complete() && checks.failed().is_none());
    }

    #[test]
    fn a_check_that_failed_keeps_those_before_it_and_leaves_those_after_it_unreached() {
        let mut checks = Verification::of_login();
        checks.pass(Name::State, "a", "a");
        let rejected = checks.fail(Name::Issuer, "https://a/", "https://b\u{202e}/", "they differ");
        assert_eq!(rejected.to_string(), "The ID token was rejected by the check of iss: they differ.");
        assert_eq!(checks.passed().collect::<Vec<_>>(), [Name::State]);
        assert_eq!(checks.failed().map(|check| check.actual.as_str()), Some("https://b\u{fffd}/"));
        assert_eq!(checks.get(Name::Nonce).outcome, Outcome::NotReached);
        assert!(checks.is_begun() && !checks.is_complete());
    }

    #[test]
    fn a_renewal_checks_nothing_that_would_come_through_the_browser() {
        let checks = Verification::of_renewal();
        for name in [Name::State, Name::CallbackIssuer, Name::Pkce] {
            assert!(matches!(checks.get(name).outcome, Outcome::NotMade(_)), "{name:?}");
        }
        assert!(!checks.is_begun());
    }

    #[test]
    fn another_day_is_said_with_its_date() {
        assert_eq!(clock(1_000_000, 1_000_000).len(), "00:00:00".len());
        assert!(clock(1_000_000, 9_000_000).ends_with(" January 1970"));
        assert_eq!(clock(i64::MAX, 0), "beyond the end of time");
    }
}
