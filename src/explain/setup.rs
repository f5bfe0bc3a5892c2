//! What is wrong with a setup before anybody logs in, as the doctor finds it.

use jiff::SignedDuration;
use oauth2::http::StatusCode;
use url::Url;

use super::{Caller, Explanation, Remedy, Tone, fill_in};
use crate::api::request::DraftError;
use crate::api::response::{Response, status_line};
use crate::auth::login::LoginError;
use crate::auth::loopback::PortsBusy;
use crate::auth::provider::ProviderError;
use crate::config::{Field, Profile};
use crate::http::{HttpError, NoAnswer};
use crate::store::{Unavailability, Unavailable};

/// Why the issuer is no provider to log in at; `answering` are issuers like it that were found to be there.
#[must_use]
pub fn provider(error: &ProviderError, profile: &Profile, answering: &[String]) -> Explanation {
    let explanation = match error {
        ProviderError::NoAnswer(error) => no_answer(error),
        error => at_hand(super::provider::provider(error, Some(profile))),
    };
    let remedy = match answering {
        [] => return explanation,
        [issuer] => fill_in(profile, Field::Issuer, issuer),
        _ => Remedy::EditProfile,
    };
    explanation.evidence("Found instead", answering.iter().map(|issuer| (issuer, false))).remedy(remedy)
}

/// Why nobody answered at an address of the profile.
#[must_use]
pub fn no_answer(error: &HttpError) -> Explanation {
    let explanation = super::network::no_answer(error, None);
    match error.why {
        NoAnswer::Dns
        | NoAnswer::Refused
        | NoAnswer::NoConnection(_)
        | NoAnswer::NotTls
        | NoAnswer::Unencrypted => explanation.remedy(Remedy::EditProfile),
        _ => explanation,
    }
}

/// Why a ready-made request cannot be sent.
#[must_use]
pub fn draft(error: &DraftError) -> Explanation {
    at_hand(super::draft(error))
}

/// With what can be done about it where no login and no call is under way: what would change a call is to be changed in
/// the profile.
fn at_hand(explanation: Explanation) -> Explanation {
    let remedy = match explanation.remedy {
        Some(Remedy::LogIn | Remedy::CallAgain | Remedy::CallAgainAt(_)) => None,
        Some(Remedy::UseUrl(_) | Remedy::UseMethod(_) | Remedy::UseHeader(..)) => Some(Remedy::EditProfile),
        other => other,
    };
    Explanation { remedy, ..explanation }
}

/// The provider's keys could not be had.
#[must_use]
pub fn no_key_set(error: &ProviderError) -> Explanation {
    if let ProviderError::NoAnswer(error) = error {
        return no_answer(error);
    }
    let problem = match error {
        ProviderError::Status { status, .. } => status_line(*status),
        ProviderError::NotMetadata { problem, .. } => problem.clone(),
        other => other.to_string(),
    };
    Explanation::failed(
        "The provider's keys could not be had",
        "Something else than keys is at the address that it names, so no ID token can be verified. Its operator can mend \
         that.",
    )
    .says("Found", Some(&problem))
}

/// The provider signs with a secret that its clients share.
#[must_use]
pub fn shared_secret(algorithms: &[String]) -> Explanation {
    Explanation::failed(
        "ID tokens are signed with a shared secret",
        "A desktop app cannot keep a secret, so anyone who has it could forge such a signature. Set the application's \
         signing algorithm to RS256 at the provider.",
    )
    .evidence("It offers", algorithms.iter().map(|algorithm| (algorithm, true)))
}

/// None of the provider's keys can verify a signature.
#[must_use]
pub fn no_keys(there: usize) -> Explanation {
    let cause = match there {
        0 => {
            "Its key set is empty, so no ID token can be verified. Have it make a signing key, such as one for RS256."
        }
        _ => {
            "None of its keys is the public half of an RSA, EC or OKP key to verify signatures with, so no ID token can be \
             verified. Have it make a signing key, such as one for RS256."
        }
    };
    Explanation::failed("The provider publishes no key to verify with", cause)
        .evidence("Keys there", [(there.to_string(), true)])
}

/// The provider does not say which PKCE methods it supports.
#[must_use]
pub fn pkce_unsaid() -> Explanation {
    Explanation::refused(
        "The provider does not say whether it supports PKCE",
        "Hallpass uses S256 all the same. Most providers that do not say so support it; one that does not ignores it, \
         and then a stolen code is worth more than it should be.",
    )
}

/// Endpoints are missing that a login can do without.
#[must_use]
pub fn endpoints_missing(missing: &[(&'static str, &'static str)]) -> Explanation {
    let costs: Vec<_> = missing.iter().map(|(_, cost)| *cost).collect();
    Explanation::refused("The provider does less than it could", format!("{}.", costs.join(". ")))
        .evidence("It names no", missing.iter().map(|(name, _)| (name, true)))
}

/// The clocks differ; `None` where they do not by more than a minute.
#[must_use]
pub fn clocks_differ(ahead: SignedDuration) -> Option<Explanation> {
    let clause = super::clock(ahead)?;
    let cause = "Hallpass goes by the provider's clock when it verifies a login, but tells the time that a token is good \
                 for by this computer's. Set it right, best by the network's time.";
    Some(Explanation::refused("The clocks differ", cause).evidence("By how much", [(clause, true)]))
}

/// Ports for the way back are held by others; `all` says whether none is left.
#[must_use]
pub fn ports_held(held: PortsBusy, all: bool, profile: &Profile) -> Explanation {
    if all {
        return super::login(&LoginError::PortsBusy(held), profile, SignedDuration::ZERO);
    }
    let values = held.0.iter().map(|(port, why)| (format!("{port}: {why}"), true)).collect::<Vec<_>>();
    Explanation::refused(
        "Not every port for the way back is free",
        "Hallpass takes the first one that is, so a login works where each of the callback URLs is registered at the \
         provider.",
    )
    .evidence("Held", values)
    .evidence("To register", profile.redirect_uris().into_iter().map(|url| (url, false)))
    .remedy(Remedy::CopyUrls(profile.redirect_uris()))
}

/// There is no program to open the browser with.
#[must_use]
pub fn no_opener(looked_for: &[String]) -> Explanation {
    Explanation::refused(
        "The browser cannot be opened from here",
        "No program that opens it is on the PATH. Install one (on Debian and Ubuntu: apt-get install xdg-utils), or use \
         Copy login link, and open the link in a browser on this computer yourself.",
    )
    .evidence("Looked for", looked_for.iter().map(|program| (program, true)))
}

/// `BROWSER` names a program that is not there.
#[must_use]
pub fn browser_not_there(program: &str) -> Explanation {
    Explanation::refused(
        "The browser that BROWSER names is not there",
        "xdg-open prefers it to the desktop's own. Correct the variable, or remove it.",
    )
    .evidence("BROWSER", [(program, true)])
}

/// There is no screen for a browser.
#[must_use]
pub fn no_display() -> Explanation {
    Explanation::refused(
        "A browser has no display to show itself on",
        "Neither DISPLAY nor WAYLAND_DISPLAY is set, as in a terminal of another computer. Log in where there is a \
         display.",
    )
}

/// The keyring did not keep an entry that was tried.
#[must_use]
pub fn keyring(why: &Unavailable) -> Explanation {
    let (headline, cause) = match why.kind() {
        Unavailability::Absent => (
            "There is no keyring",
            "A login works, and ends when the window is closed. Install or start a keyring (such as gnome-keyring or \
             KWallet): Hallpass writes no secret into a file.",
        ),
        Unavailability::NoLock => (
            "The keyring cannot be used safely",
            "A login works, and ends when the window is closed. Without locks, two windows would get in each other's way: \
             make the folder writable.",
        ),
        Unavailability::Unwilling if *why == Unavailable::locked() => (
            "The keyring is locked",
            "A login asks you to unlock it, and keeps the session there. Where you do not, it works all the same, and ends \
             when the window is closed: Hallpass writes no secret into a file.",
        ),
        Unavailability::Unwilling | Unavailability::Taken => (
            "The keyring does not keep what it is given",
            "A login works, and ends when the window is closed. Unlock the keyring, and let Hallpass use it: it writes no \
             secret into a file.",
        ),
    };
    Explanation::refused(headline, cause).says("It said", Some(&why.to_string()))
}

/// A proxy variable holds no URL.
#[must_use]
pub fn proxy_unreadable(variable: &str) -> Explanation {
    Explanation::refused(
        "A proxy is set, and its address is no URL",
        "It is not used, so connections are made directly. Write it as http://HOST:PORT, or remove the variable.",
    )
    .evidence("Variable", [(variable, true)])
}

/// The API is on another computer, over plain http.
#[must_use]
pub fn api_unencrypted(api: &Url) -> Explanation {
    Explanation::refused(
        "The API is called without encryption",
        "Whoever is on the way can read the token and use it. Use https://; Hallpass asks before it sends a token there.",
    )
    .evidence("API", [(api.as_str(), true)])
    .remedy(Remedy::EditProfile)
}

/// What a request without a token was answered with, where that is not a refusal; `None` where it is.
#[must_use]
pub fn not_refused(response: &Response, nobody: &Caller) -> Option<Explanation> {
    let explained = || super::response(response, nobody).map(at_hand);
    let explanation = match response.status {
        _ if response.elsewhere.is_some() => explained()?.remedy(Remedy::EditProfile),
        StatusCode::UNAUTHORIZED => return None,
        StatusCode::FORBIDDEN => Explanation::refused(
            "The API refuses with 403 where 401 is meant",
            "403 says that it knows who calls. Without a token it should answer 401, and say with WWW-Authenticate that it \
             wants one: clients renew and log in by that.",
        )
        .reference("RFC 6750, section 3"),
        status if status.is_success() => match explained() {
            // No call can bring data then.
            Some(page) => Explanation { tone: Tone::Failed, ..page }.remedy(Remedy::EditProfile),
            None => Explanation::refused(
                "This request needs no token",
                "The API answered it to somebody unknown. That is right for a public request; for a private one, the API \
                 does not check the token.",
            ),
        },
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => explained()?.remedy(Remedy::EditProfile),
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => explained()?,
        _ => Explanation::refused(
            "The API answered otherwise than expected",
            "Without a token it should answer 401.",
        )
        .reference("RFC 6750, section 3.1"),
    };
    let url = &response.request.url;
    let asked = format!("{} {}{}", response.request.method, url.origin().ascii_serialization(), url.path());
    Some(
        explanation
            .evidence("Asked", [(asked, false)])
            .evidence("It answered", [(response.status_line(), true)]),
    )
}
