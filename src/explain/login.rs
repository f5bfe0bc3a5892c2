//! Why an attempt to log in ended without a session, takes long, or brought less than was asked for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::provider::provider;
use super::token_endpoint::token;
use super::{Explanation, Remedy, at, clock};
use crate::auth::id_token::Rejected;
use crate::auth::login::LoginError;
use crate::auth::loopback::Refusal;
use crate::auth::session::Session;
use crate::config::Profile;

/// How long the person may take at the browser before it is asked whether they see an error there.
const LONG: Duration = Duration::from_secs(20);

/// Why an attempt to log in ended without a session; `clock_ahead` is how far this computer's clock is ahead of the
/// provider's.
#[must_use]
pub fn login(error: &LoginError, profile: &Profile, clock_ahead: SignedDuration) -> Explanation {
    match error {
        LoginError::Provider(error) => provider(error, Some(profile)),
        LoginError::PortsBusy(error) => {
            let values = error.0.iter().map(|(port, why)| (format!("{port}: {why}"), true));
            Explanation::failed(
                "No port is free for the way back",
                "Another program holds every port that this profile's provider may send you back to. \
                 Close that program, or give the profile another port and register its callback URL.",
            )
            .evidence("Tried", values)
            .remedy(Remedy::EditProfile)
            .reference("RFC 8252, section 7.3")
        }
        LoginError::Refused(refusal) => refused(refusal, profile),
        LoginError::TimedOut { after, redirect_uri } => Explanation::failed(
            "Nobody came back from the browser",
            format!(
                "Hallpass waited {} minutes. If the browser showed an error page of the provider instead of a login, \
                 this callback URL is probably not registered there.",
                after.as_secs().div_ceil(60)
            ),
        )
        .evidence("Waited at", [(redirect_uri, false)])
        .remedy(Remedy::CopyUrls(profile.redirect_uris()))
        .reference("RFC 6749, section 3.1.2.4"),
        LoginError::WrongIssuer { expected, came } => Explanation::failed(
            "The answer came from another provider",
            "The login was stopped before the code was sent anywhere: a code must only go to the provider that issued it.",
        )
        .beside(("Answered", came.as_deref().unwrap_or("(not named)")), ("Asked", expected))
        .remedy(Remedy::SeeChecks)
        .reference("RFC 9207, section 2.4"),
        LoginError::Token(error) => token(error, "The provider did not exchange the code").remedy(Remedy::LogIn),
        LoginError::NoIdToken => Explanation::failed(
            "The provider did not say who logged in",
            "It issued no ID token. The scope openid must be asked for, and the provider must support OpenID Connect.",
        )
        .evidence("Asked for", profile.scopes.iter().map(|scope| (scope, false)))
        .remedy(Remedy::EditProfile)
        .reference("OpenID Connect Core 1.0, section 3.1.3.3"),
        LoginError::IdToken(rejected) => id_token(rejected, clock_ahead),
    }
}

/// What the provider says in the place of a code (RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6).
fn refused(refusal: &Refusal, profile: &Profile) -> Explanation {
    let words = refusal.description.as_deref().unwrap_or_default().to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let silent =
        profile.authorize_params.iter().any(|(name, value)| name == "prompt" && value.contains("none"));
    let declined = says(&[
        "did not authorize",
        "denied access",
        "user denied",
        "declined",
        "cancel",
        "aadsts65004",
        "resource owner denied",
    ]);
    let unknown_api = says(&["service not found", "aadsts500011", "aadsts650057", "unknown audience"]);
    let rule = says(&[
        "not assigned",
        "aadsts50105",
        "aadsts53003",
        "aadsts50020",
        "policy",
        "blocked",
        "not allowed",
        "not permitted",
        "verify your email",
        "only ",
        "domain",
        "disabled",
        "suspended",
        "organization",
    ]);
    let consent = says(&[
        "aadsts65001",
        "aadsts90094",
        "aadsts90008",
        "admin consent",
        "administrator has not consented",
    ]);
    let code = refusal.error.as_str();
    let (headline, cause) = match code {
        _ if unknown_api => (
            "The provider does not know this API",
            "No API with this profile's audience is registered there. Register it, or correct the audience.",
        ),
        _ if consent => (
            "An administrator must allow this app first",
            "The provider lets nobody use this app, or what it asks for, before an administrator has agreed to it there.",
        ),
        _ if says(&["aadsts700016", "unknown client", "client not found"]) => (
            "The provider does not know this app",
            "No application with this client ID is registered there. Check the client ID, and that the issuer is the right \
             tenant or realm.",
        ),
        "access_denied" if declined => {
            ("You were not logged in", "The request was declined on the provider's page. Nothing was shared.")
        }
        "access_denied" if rule => {
            ("The provider did not let you in", "One of its rules refused this account.")
        }
        "access_denied" if words.is_empty() => (
            "You were not logged in",
            "The request was declined on the provider's page, or the provider refuses this account: it does not say which. \
             Nothing was shared.",
        ),
        "access_denied" => (
            "You were not logged in",
            "The request was declined on the provider's page, or one of the provider's rules refused this account. What it \
             said tells which. Nothing was shared.",
        ),
        "unauthorized" => ("The provider did not let you in", "One of its rules refused this account."),
        "login_required" | "consent_required" | "interaction_required" | "account_selection_required" => (
            "The provider needs you to act",
            if silent {
                "It could not log you in without showing a page, and this profile forbids it to show one. Take prompt=none out \
                 of the profile's extra parameters."
            } else {
                "It could not log you in without showing a page, and showed none. Log in again."
            },
        ),
        "unmet_authentication_requirements" => (
            "The provider cannot log you in as strongly as was asked",
            "Your account has no such second factor, or the provider does not offer it. Set one up there, or ask for less.",
        ),
        "server_error" | "temporarily_unavailable" => {
            ("The provider failed", "It says that it cannot log anyone in just now. Try again later.")
        }
        "invalid_scope" => (
            "The provider does not know one of the scopes",
            "It refuses a login that asks for a scope that it does not know, or that this app may not ask for. Correct the scopes \
             of this profile.",
        ),
        "invalid_target" => (
            "The provider does not know this resource",
            "No API with this identifier is registered there, or this app may not use it. Correct the resource of this profile.",
        ),
        "unauthorized_client" => (
            "The provider does not let this app log people in",
            "The application is not allowed to use the Authorization Code grant. Allow it at the provider: its type must be \
             Native, or a public client.",
        ),
        "unsupported_response_type" | "unsupported_response_mode" => (
            "The provider does not log people in in this way",
            "It does not offer the Authorization Code flow, or not to this app.",
        ),
        "invalid_client" => ("The provider does not know this app", "Check the client ID of this profile."),
        "invalid_request" if says(&["code_challenge", "pkce"]) => (
            "The provider does not take this login's protection",
            "It refuses PKCE with S256. Set the application there to require or allow S256.",
        ),
        "request_not_supported"
        | "request_uri_not_supported"
        | "registration_not_supported"
        | "invalid_request_uri"
        | "invalid_request_object" => (
            "The provider does not take one of the extra parameters",
            "Take request, request_uri or registration out of the profile's extra parameters.",
        ),
        _ => ("The provider refused the login", "It says that something about the request is wrong."),
    };
    let is_about_scopes = code == "invalid_scope";
    let api = profile.audience.as_ref().or(profile.resource.as_ref());
    let api = api.filter(|_| unknown_api || code == "invalid_target").map(|api| (api, true));
    let edit = unknown_api
        || consent
        || headline == "The provider does not know this app"
        || matches!(code, "invalid_scope" | "invalid_target" | "request_not_supported")
        || silent && code.ends_with("_required");
    let known = refusal.description.is_some();
    Explanation::refused(headline, cause)
        .evidence("Audience", api)
        .evidence("Asked for", profile.scopes.iter().filter(|_| is_about_scopes).map(|scope| (scope, false)))
        .evidence("Error", known.then_some((code, false)))
        .says("It said", Some(refusal.description.as_deref().unwrap_or(code)))
        .says("More at", refusal.uri.as_deref())
        .remedy(if edit && !consent { Remedy::EditProfile } else { Remedy::LogIn })
        .reference("RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6")
}

/// Why the ID token was not believed.
fn id_token(rejected: &Rejected, clock_ahead: SignedDuration) -> Explanation {
    let Rejected { check, problem } = rejected;
    let wrong_clock = clock(clock_ahead).filter(|_| matches!(*check, "exp" | "iat" | "auth_time"));
    let cause = match *check {
        "alg" if problem.contains("`HS") => {
            "It is signed with a shared secret (HS256), which anyone who has this app could forge. \
             Set the application's signing algorithm to RS256 at the provider."
        }
        "alg" if problem.contains("none") => {
            "It is not signed at all, so anybody could have made it. The provider must sign its ID tokens, with RS256."
        }
        "alg" => {
            "It is signed in a way that Hallpass does not take. Set the application's signing algorithm to RS256 at the provider."
        }
        "the signature" => {
            "None of the keys that the provider publishes made its signature. Either the provider is about to change its keys, \
             or something in between changed the token. Log in again; if it stays so, tell whoever runs the provider."
        }
        "exp" | "iat" if wrong_clock.is_none() => {
            "By its own times it is too old, or of the future, though it has only just come. The provider's clock is wrong, or \
             this computer's: compare both."
        }
        "exp" | "iat" | "auth_time" if wrong_clock.is_some() => {
            "Its times do not fit the time that it is now. Set the clock right, then log in again."
        }
        "auth_time" => {
            "You were last asked for your password longer ago than this login allows. Log in again."
        }
        "nonce" => {
            "It was made for another login than this one. Log in again; if it stays so, something in between swaps the answers."
        }
        "iss" => "It was issued by another provider than the one that was asked.",
        "aud" | "azp" => "It was issued to another application. Check the client ID of this profile.",
        "at_hash" => "It does not belong to the access token that came with it. Log in again.",
        _ => {
            "What the provider said about who you are did not pass every check, so Hallpass did not believe it."
        }
    };
    // Of an algorithm the name says enough: what is taken instead is a long list, in no order.
    let found = problem.split('`').nth(1).filter(|_| *check == "alg").unwrap_or(problem);
    Explanation::failed("The ID token was rejected", cause)
        .evidence("Check", [(check, true)])
        .says("Found", Some(found))
        .evidence("Clock", wrong_clock.map(|clock| (clock, true)))
        .remedy(if matches!(*check, "aud" | "azp") { Remedy::EditProfile } else { Remedy::SeeChecks })
        .reference("OpenID Connect Core 1.0, section 3.1.3.7")
}

/// What may be the matter when nobody has come back from the browser for a while; `None` as long as that is nothing
/// strange.
#[must_use]
pub fn no_callback_yet(waited: Duration, redirect_uri: &str, profile: &Profile) -> Option<Explanation> {
    if waited < LONG {
        return None;
    }
    let explanation = Explanation::refused(
        "Does the browser show an error instead of a login?",
        "Then this callback URL is most likely not registered at the provider, which tells that only there. Register it to \
         the letter, and log in again. If you see a login page, take your time.",
    );
    let explanation = explanation
        .evidence("Waiting at", [(redirect_uri, false)])
        .remedy(Remedy::CopyUrls(profile.redirect_uris()))
        .reference("RFC 6749, section 3.1.2.4");
    Some(explanation)
}

/// Why the browser did not open, and how to go on without.
#[must_use]
pub fn no_browser(problem: &str) -> Explanation {
    Explanation::failed(
        "Your browser did not open",
        "This computer has no browser, or does not say which one to use. Copy the login link, and open it in a browser on \
         this computer yourself.",
    )
    .says("It said", Some(problem))
}

/// What a login did not bring of what it asked for, before any call is refused for it; `None` where it brought all.
#[must_use]
pub fn not_granted(session: &Session, now: Timestamp) -> Option<Explanation> {
    let missing = session.not_granted();
    let offline = missing.contains(&"offline_access");
    let scopes: Vec<_> = missing.into_iter().filter(|scope| *scope != "offline_access").collect();
    let until = session.expires_at.filter(|end| *end > now).map(at);
    let ends = until.map_or("when the token has expired".to_owned(), |until| format!("at {until}"));
    let (headline, cause) = match (scopes.as_slice(), offline) {
        ([], false) => return None,
        ([], true) => (
            "You stay logged in for one token's life only".to_owned(),
            format!(
                "offline_access was asked for, and no refresh token came: it is not allowed for the API or the application. \
                 Allow it at the provider, or log in again {ends}."
            ),
        ),
        (scopes, offline) => {
            let mut cause = "This account may not have it, or you did not agree to it. Calls that need it will be refused.".to_owned();
            if offline {
                cause = format!("{cause} No refresh token came either: you need to log in again {ends}.");
            }
            (format!("Asked for, and not granted: {}", scopes.join(", ")), cause)
        }
    };
    Some(Explanation::refused(headline, cause).reference("RFC 6749, section 5.1"))
}
