//! What became of a session: renewed or not, kept or not, ended or not.

use std::time::Duration;

use jiff::SignedDuration;

use super::network::no_answer;
use super::provider::provider;
use super::token_endpoint::refresh;
use super::{Explanation, Remedy};
use crate::auth::log_out::{EndSessionError, RevocationError};
use crate::auth::renewal::{Prospect, RenewalError};
use crate::auth::tokens::TokenError;
use crate::config::Profile;
use crate::store::{StoreError, Unavailability, Unavailable};

/// Why a session was not renewed, and what that means for it.
#[must_use]
pub fn renewal(error: &RenewalError) -> Explanation {
    let explanation = match error {
        RenewalError::NoRefreshToken => Explanation::refused(
            "This session cannot be renewed",
            "The provider issued no refresh token. Ask for the scope offline_access, and allow offline access for the API.",
        )
        .reference("OpenID Connect Core 1.0, section 11"),
        RenewalError::EndedHere => Explanation::refused(
            "You were logged out",
            "The session is no longer kept on this computer: it was ended in another window, or removed in the keyring's \
             own.",
        ),
        RenewalError::NoTurn(_) => Explanation::failed("Your token was not renewed", error.to_string()),
        // It was there when the person logged in.
        RenewalError::Provider(error) if error.is_somebody_else() => Explanation::failed(
            "Something else answers in the provider's place",
            "What came is not from the provider. A network that wants you to sign in first, as in a hotel, answers so.",
        )
        .says("Found", Some(&error.to_string())),
        RenewalError::Provider(error) => not_renewed(provider(error, None)),
        RenewalError::Token(TokenError::NoAnswer(error)) => not_renewed(no_answer(error, None)),
        RenewalError::Token(error) => refresh(error),
        RenewalError::AnswerLost(first) => Explanation::failed(
            "Your session was lost on the way",
            "The provider most likely renewed it, and its answer did not arrive: the new refresh token is lost, and the \
             old one is refused. You need to log in again.",
        )
        .says("What happened", Some(first)),
        RenewalError::NotAnswered => Explanation::failed(
            "The provider did not answer",
            "The renewal was sent twice. Renew sends it once more.",
        ),
        RenewalError::NotKept => Explanation::failed(
            "Your session was renewed, and could not be kept",
            "The window that renewed it holds it in memory, or was stopped before it could keep it. You need to log in \
             again here.",
        ),
        RenewalError::Unreadable(why) => Explanation::failed(
            "Your token was not renewed",
            "Another window renewed the session, and the keyring that holds it cannot be read.",
        )
        .says("The keyring", Some(&why.to_string())),
        RenewalError::IdToken(_) | RenewalError::SomebodyElse => {
            Explanation::failed("The renewed session was rejected", error.to_string())
                .reference("OpenID Connect Core 1.0, section 12.2")
        }
    };
    let (means, remedy) = match error.prospect() {
        Prospect::Over => return explanation.remedy(Remedy::LogIn),
        Prospect::MayPass(_) => {
            ("You are still logged in, and Hallpass tries again by itself.", Remedy::Renew)
        }
        Prospect::InDoubt => (
            "You are still logged in. If the provider did renew the session, you may need to log in again.",
            Remedy::Renew,
        ),
        Prospect::Refused => ("Until your token ends you are still logged in.", Remedy::LogIn),
    };
    let cause = format!("{} {means}", explanation.cause);
    Explanation { cause, ..explanation }.remedy(remedy)
}

/// What stood in the way is said after what it stood in the way of.
fn not_renewed(why: Explanation) -> Explanation {
    let cause = format!("{}. {}", why.headline, why.cause);
    Explanation { headline: "Your token was not renewed".to_owned(), cause, ..why }
}

/// Why the session that may be kept could not be read back.
#[must_use]
pub fn not_restored(error: &StoreError) -> Explanation {
    match error {
        StoreError::Unavailable(_) => Explanation::refused(
            "The keyring cannot be read",
            "If you are logged in, your session is in there, and is still good. Unlock the keyring or start it again, \
             then try again; or log in anew.",
        )
        .says("It said", Some(&error.to_string()))
        .remedy(Remedy::Restore),
        StoreError::Foreign { .. } => Explanation::refused(
            "What was kept is no session",
            "The entry is damaged, or was written by another version or another program. You need to log in again.",
        )
        .says("In detail", Some(&error.to_string())),
    }
}

/// Why a session is kept for this run only.
#[must_use]
pub fn not_kept(why: &Unavailable) -> Explanation {
    let cause = match why.kind() {
        Unavailability::Absent => {
            "You stay logged in until you close this window. Install or start a keyring (such as gnome-keyring or \
             KWallet), then try again: Hallpass writes no secret into a file."
        }
        Unavailability::Unwilling => {
            "You stay logged in until you close this window. Unlock the keyring or start it again, then try again: \
             Hallpass writes no secret into a file."
        }
        Unavailability::NoLock => {
            "You stay logged in until you close this window. Several windows could use up each other's session, and the \
             system gives Hallpass no lock against that."
        }
        Unavailability::Taken => {
            return Explanation::refused(
                "Another window is logged in as somebody else",
                "This computer keeps one session a profile, the latest. You stay logged in until you close this window.",
            );
        }
    };
    Explanation::refused("Your session could not be kept", cause)
        .says("The keyring", Some(&why.to_string()))
        .remedy(Remedy::KeepAgain)
}

/// Why a session is still on this computer after a log-out.
#[must_use]
pub fn not_forgotten(error: &StoreError) -> Explanation {
    Explanation::failed(
        "The session may still be kept on this computer",
        "It could not be removed from the keyring. Unlock the keyring and try again, or remove the entries named \
         Hallpass in the keyring's own window.",
    )
    .says("It said", Some(&error.to_string()))
    .remedy(Remedy::Forget)
}

/// Why the provider still honours the tokens after a log-out; `again` says whether it will be told once more.
#[must_use]
pub fn not_revoked(error: &RevocationError, again: bool) -> Explanation {
    let cause = match (error.may_pass(), again) {
        (true, true) => "The provider could not be told yet. Hallpass tries again.",
        (true, false) => "The provider could not be told, so its tokens end when their time is over.",
        (false, _) => "The provider did not revoke its tokens, so they end when their time is over.",
    };
    Explanation::failed(
        "The session that you logged out of may live on at the provider",
        format!("On this computer it is gone. {cause}"),
    )
    .says("It said", Some(&error.to_string()))
}

/// Why the provider may still know the person in the browser after a log-out.
#[must_use]
pub fn session_not_ended(error: &EndSessionError, profile: &Profile) -> Explanation {
    let explained = |cause: String| {
        let cause = format!("{cause} Until it forgets you, the next login may not ask who you are.");
        Explanation::failed("You are logged out here, and perhaps not in your browser", cause)
    };
    match error {
        EndSessionError::Provider(error) => {
            explained("The provider could not be asked for its log-out page.".to_owned())
                .says("Found", Some(&error.to_string()))
        }
        EndSessionError::NoBrowser(problem) => {
            explained("The browser did not open on the provider's log-out page.".to_owned())
                .says("It said", Some(problem))
        }
        EndSessionError::NoReturn { after, return_to, left } => {
            let minutes = after.as_secs().div_ceil(60);
            let waited = if *left {
                explained(format!(
                    "Hallpass waited {minutes} minutes for you to come back from the provider's log-out page. If it \
                     showed an error, this log-out URL is probably not registered there."
                ))
                .remedy(Remedy::CopyUrls(profile.logged_out_uris()))
            } else {
                explained(format!(
                    "Hallpass waited {minutes} minutes, and the browser never asked for the provider's log-out page."
                ))
            };
            waited.evidence("Waited at", [(return_to.clone(), false)])
        }
    }
}

/// Why a call was not made: its token has expired, and was not renewed.
#[must_use]
pub fn not_called() -> Explanation {
    Explanation::refused(
        "This call was not made",
        "Your token has expired and could not be renewed, as is said above. What you see is the answer to the last call.",
    )
    .remedy(Remedy::CallAgain)
}

/// What a clock that differs from the others' means, as a part of a sentence; `None` where it does not by more than a minute.
#[must_use]
pub fn clock(ahead: SignedDuration) -> Option<String> {
    differs(ahead).map(|differs| format!("this computer's {differs}"))
}

/// The same, as a sentence of its own.
#[must_use]
pub fn clock_alone(ahead: SignedDuration) -> Option<String> {
    differs(ahead).map(|differs| format!("This computer's {differs}."))
}

fn differs(ahead: SignedDuration) -> Option<String> {
    if ahead.unsigned_abs() <= Duration::from_mins(1) {
        return None;
    }
    let by = match ahead.unsigned_abs().as_secs() {
        seconds @ 0..7170 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1800) / 3600),
    };
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    Some(format!("clock is {by} {way} the provider's or the API's: set it right"))
}
