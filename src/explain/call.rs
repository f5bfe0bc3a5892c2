//! Why a call did not do what it was asked.

use std::time::Duration;

use jiff::Timestamp;
use oauth2::http::StatusCode;

use super::network::no_answer;
use super::{Explanation, Remedy};
use crate::api::CallError;
use crate::api::refusal::Refusal;
use crate::api::request::DraftError;
use crate::api::response::Response;
use crate::auth::session::{Session, StepUp};

/// Why a draft cannot be sent.
#[must_use]
pub fn draft(error: &DraftError) -> Explanation {
    let explanation = Explanation::failed("This request cannot be sent", error.to_string());
    match error {
        DraftError::NoScheme { meant, .. } => {
            explanation.evidence("Meant", [(meant.clone(), false)]).remedy(Remedy::UseUrl(meant.clone()))
        }
        DraftError::NoApi(_) => explanation.remedy(Remedy::EditProfile),
        _ => explanation,
    }
}

/// Why a call brought no response.
#[must_use]
pub fn no_response(error: &CallError) -> Explanation {
    match error {
        CallError::NoAnswer(error) => no_answer(error).remedy(Remedy::CallAgain),
        CallError::RedirectsWithoutEnd(_) | CallError::UnfitToken => {
            Explanation::failed("The call was given up", error.to_string())
        }
    }
}

/// Why the API did not do what it was asked; `None` where it did, or where the response speaks for itself. `expired`
/// says whether the token has come to its end by now.
#[must_use]
pub fn response(
    response: &Response,
    session: Option<&Session>,
    expired: bool,
    now: Timestamp,
) -> Option<Explanation> {
    if let Some(elsewhere) = &response.elsewhere {
        let explanation = Explanation::failed(
            "The API redirects to another place",
            "Hallpass did not follow: your token is for the API that you called, and was not sent on.",
        );
        return Some(
            explanation
                .evidence("From", [(response.request.url.origin().ascii_serialization(), false)])
                .evidence("To", [(elsewhere.origin().ascii_serialization(), true)])
                .remedy(Remedy::UseUrl(elsewhere.to_string())),
        );
    }
    let refusal = response.refusal.clone().unwrap_or_default();
    match (response.status, session) {
        (StatusCode::UNAUTHORIZED, Some(session)) if response.with_token && refusal.wants_step_up() => {
            Some(too_weak(&refusal, session, now))
        }
        (StatusCode::UNAUTHORIZED, _) => Some(unauthorized(response, &refusal, session, expired)),
        (StatusCode::FORBIDDEN, _) => Some(forbidden(&refusal, session, now)),
        _ => None,
    }
}

/// The API wants to know more surely, or as of later, who calls (RFC 9470).
fn too_weak(refusal: &Refusal, session: &Session, now: Timestamp) -> Explanation {
    let wanted = wanted(refusal, &session.granted);
    let acr = session.acr.as_deref();
    let ago = session.authenticated_ago(now);
    let headline = match wanted.acr_values {
        Some(_) => "The API wants you to log in again, more strongly",
        None => "The API wants you to log in again, more recently",
    };
    let asked = session.has_asked_for(&wanted, now);
    let cause = match (asked, wanted.is_met_by(acr)) {
        (false, _) => {
            "Your token is good, but for this request the API has to know more surely that it is you. Log in again; \
             the provider will be asked for what the API wants."
        }
        (true, false) => {
            "You asked for it when you logged in, and the provider logged you in otherwise, so asking again will not \
             help. It must be set up at the provider, or the API must want what the provider has. Or log in as \
             somebody to whom the provider offers it."
        }
        (true, true) => {
            "You asked for it when you logged in, and the ID token says that you got it, so asking again will not \
             help. The access token must say so too: that is set up at the provider. Or the clock of the API is wrong."
        }
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, Some(session), now))
        .evidence(
            "You have",
            [
                acr.map_or("no acr in the ID token".to_owned(), str::to_owned),
                ago.map_or("a login at an unknown time".to_owned(), |ago| {
                    format!("a login {} ago", span(ago))
                }),
            ]
            .map(|value| (value, false)),
        );
    let explanation = said(explanation, &Refusal { scopes: Vec::new(), ..refusal.clone() });
    if asked { explanation } else { explanation.remedy(Remedy::LogInAsking(wanted.and(&session.step_up))) }
}

/// What the API needs, each beside whether the session lacks it.
fn needs(refusal: &Refusal, session: Option<&Session>, now: Timestamp) -> Vec<(String, bool)> {
    let granted = session.map(|session| session.granted.as_slice()).unwrap_or_default();
    let scopes = refusal.scopes.iter().map(|scope| (scope.clone(), !granted.contains(scope)));
    let acr = session.and_then(|session| session.acr.as_ref());
    let weak = !acr.is_some_and(|acr| refusal.acr_values.contains(acr));
    let strength = refusal.acr_values.iter().map(|value| (value.clone(), weak));
    let ago = session.and_then(|session| session.authenticated_ago(now));
    let age = refusal
        .max_age
        .map(Duration::from_secs)
        .map(|most| (format!("a login at most {} ago", span(most)), ago.is_none_or(|ago| ago > most)));
    scopes.chain(strength).chain(age).collect()
}

/// What the API wants beyond what was granted.
fn wanted(refusal: &Refusal, granted: &[String]) -> StepUp {
    let missing = refusal.scopes.iter().filter(|scope| !granted.contains(scope));
    StepUp {
        scopes: missing.cloned().collect(),
        acr_values: (!refusal.acr_values.is_empty()).then(|| refusal.acr_values.join(" ")),
        max_age: refusal.max_age,
    }
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

fn unauthorized(
    response: &Response,
    refusal: &Refusal,
    session: Option<&Session>,
    expired: bool,
) -> Explanation {
    let explanation = if !response.with_token {
        Explanation::failed(
            "The API wants to know who you are",
            "This call went without a token. Log in, then call again.",
        )
        .remedy(Remedy::LogIn)
    } else if expired {
        Explanation::failed(
            "Your token has expired",
            "It was good for a limited time, and that time is over.",
        )
        .remedy(if session.is_some_and(|session| session.refresh_token.is_some()) {
            Remedy::Renew
        } else {
            Remedy::LogIn
        })
    } else {
        Explanation::failed(
            "The API did not accept your token",
            "The token was sent, and has not expired by this computer's clock. The API may expect another audience or issuer.",
        )
        .remedy(Remedy::EditProfile)
    };
    said(explanation, refusal)
}

fn forbidden(refusal: &Refusal, session: Option<&Session>, now: Timestamp) -> Explanation {
    let granted = session.map(|session| session.granted.clone()).unwrap_or_default();
    let wanted = wanted(refusal, &granted);
    if wanted.scopes.is_empty() {
        let explanation = Explanation::failed(
            "The API knows you, and refuses this",
            "The token was accepted, but does not permit this request.",
        );
        return said(explanation, refusal);
    }
    let asked = session.is_some_and(|session| session.has_asked_for(&wanted, now));
    let cause = if asked {
        "You asked for it when you logged in, and the provider did not grant it: this account may not have it. \
         Log in as somebody who may, or have the permission added."
    } else {
        "It was not asked for when you logged in. Log in again, and it will be; the provider decides whether it is \
         granted. To ask for it each time, add it to the profile's scopes."
    };
    let headline = match wanted.scopes.as_slice() {
        [scope] => format!("Your token lacks the scope {scope}"),
        _ => "Your token lacks scopes that the API needs".to_owned(),
    };
    let earlier = session.map(|session| session.step_up.clone()).unwrap_or_default();
    let remedy = if asked {
        // As somebody else; but not where a plain login would ask for less, and lead here again.
        (earlier == StepUp::default()).then_some(Remedy::LogIn)
    } else {
        Some(Remedy::LogInAsking(wanted.and(&earlier)))
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, session, now))
        .evidence("You have", granted.into_iter().map(|scope| (scope, false)));
    Explanation { remedy, ..explanation }
}

fn said(explanation: Explanation, refusal: &Refusal) -> Explanation {
    let needs: Vec<_> = refusal.scopes.iter().map(|scope| (scope.clone(), false)).collect();
    explanation
        .evidence("The API said", refusal.error.clone().map(|error| (error, true)))
        .evidence("In words", refusal.description.clone().map(|text| (text, false)))
        .evidence("It needs", needs)
}
