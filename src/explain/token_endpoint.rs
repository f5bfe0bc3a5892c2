//! Why nothing was issued for a code or a refresh token (RFC 6749, section 5.2), in the words of several providers.

use std::time::Duration;

use oauth2::http::StatusCode;

use super::network::no_answer;
use super::{Explanation, Remedy, span};
use crate::api::response::status_line;
use crate::auth::tokens::TokenError;

/// Why the token endpoint issued nothing for a code or a refresh token.
pub(super) fn token(error: &TokenError, headline: &str) -> Explanation {
    match error {
        TokenError::NoAnswer(error) => no_answer(error, None),
        TokenError::Refused { error: code, description } => {
            let words = description.as_deref().unwrap_or_default().to_lowercase();
            let explanation = Explanation::failed(headline, refused(code, &words));
            its_words(explanation, code, description.as_deref())
        }
        TokenError::Busy { status, retry_after } => {
            let cause = trouble(*status, *retry_after);
            Explanation::failed(headline, cause).evidence("It answered", [(status_line(*status), true)])
        }
        TokenError::UnreadableIdToken(_) => {
            Explanation::failed(headline, "Its token endpoint answered with an ID token that cannot be read.")
        }
        TokenError::NotTokens(problem) => Explanation::failed(
            headline,
            "The answer of its token endpoint holds no tokens that can be used.",
        )
        .says("Found", Some(problem))
        .reference("RFC 6749, section 5.1"),
    }
}

/// What it means that a provider answers 429 or 5xx.
pub(super) fn trouble(status: StatusCode, retry_after: Option<Duration>) -> String {
    match (status == StatusCode::TOO_MANY_REQUESTS, retry_after) {
        (true, Some(after)) => {
            format!("It was asked too often, and wants to be left alone for {}.", span(after))
        }
        (true, None) => "It was asked too often. Wait a little.".to_owned(),
        (false, _) => "It is in trouble itself. Its operator may know more.".to_owned(),
    }
}

/// What the endpoint means, by its code and by its words in lower case.
fn refused(code: &str, words: &str) -> &'static str {
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    // What Entra means stands in its number.
    if says(&["aadsts9002327", "aadsts9002326"]) {
        return "The application is registered as a single-page app. Register its callback URL under Mobile and desktop \
                applications instead.";
    }
    if says(&["aadsts7000218", "client_assertion", "client_secret", "client secret"]) {
        return NOT_PUBLIC;
    }
    match code {
        "invalid_grant" if says(&["verifier", "pkce", "code_challenge", "aadsts501481"]) => {
            "The code was made for another login: its secret (the PKCE verifier) does not match. Log in again. If it \
             happens again, two programs share the redirect port, or something in between changes the login."
        }
        "invalid_grant" if says(&["redirect"]) => {
            "The callback URL is not the one that the login began with. Log in again. If it happens again, register the \
             callback URL at the provider to the letter."
        }
        "invalid_grant" if says(&["expired", "already", "redeemed", "reused", "used before"]) => {
            "The code was used before or has expired: it is good once, and for a minute or so. Log in again. If it happens \
             again, two programs share the redirect port, or the clock of this computer or of the provider jumps."
        }
        "invalid_grant" => {
            "The code was used before, has expired, or was not made for this app. Log in again. If it happens again, two \
             programs share the redirect port."
        }
        "unauthorized_client" if says(&["grant"]) => {
            "The application is not allowed to log people in in this way. Allow it the grants Authorization Code and Refresh \
             Token at the provider."
        }
        "unsupported_grant_type" => {
            "The provider does not log people in in this way. It, or the application there, must allow the grants \
             Authorization Code and Refresh Token."
        }
        "invalid_client" | "unauthorized_client" => NOT_PUBLIC,
        "access_denied" if words == "unauthorized" => NOT_PUBLIC,
        "access_denied" => "The provider refuses this account or this application, by one of its rules.",
        "invalid_scope" => {
            "The provider does not know one of the scopes, or does not grant it. Correct the scopes of this profile."
        }
        "invalid_target" => {
            "The provider does not know the API that is asked for. Correct the profile's resource or audience."
        }
        "invalid_request" => {
            "The provider says that something is missing from the request, or stands in it twice."
        }
        "mfa_required" | "interaction_required" => "The provider wants to see you. Log in again.",
        _ => "The token endpoint refused.",
    }
}

const NOT_PUBLIC: &str = "The provider expects a client secret, which a desktop app cannot keep. Set the application's type \
                          to Native, and its authentication method to none. If it is so, check the client ID.";

/// The endpoint's own words, which may be a page, a code or a sentence.
fn its_words(explanation: Explanation, code: &str, description: Option<&str>) -> Explanation {
    let known = description.is_some_and(|description| description != code);
    let explanation = explanation.evidence("Error", known.then_some((code, true)));
    explanation.says("It said", Some(description.unwrap_or(code))).reference("RFC 6749, section 5.2")
}

/// What the token endpoint said to a refresh token.
pub(super) fn refresh(error: &TokenError) -> Explanation {
    let TokenError::Refused { error: code, description } = error else {
        return token(error, "The provider did not renew the session");
    };
    let words = description.as_deref().unwrap_or_default().to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let (headline, cause) = match code.as_str() {
        "invalid_grant"
            if says(&["aadsts50076", "aadsts50079", "aadsts50158", "interaction", "multi-factor"]) =>
        {
            SEEN
        }
        "invalid_grant" if says(&["aadsts50173", "password"]) => (
            "Your session was ended: your password was changed",
            "The provider ended every session that began with the old one.",
        ),
        "invalid_grant"
            if says(&["reuse", "already used", "rotated", "maximum allowed refresh token reuse"]) =>
        {
            (
                "Your session was ended: a refresh token was used twice",
                "The provider took that for theft and ended the session everywhere. It also happens when a computer stops in \
             the middle of a renewal, or when a copy of the session is used elsewhere.",
            )
        }
        "invalid_grant"
            if says(&[
                "doesn't exist",
                "does not exist",
                "user not found",
                "deleted",
                "disabled",
                "unknown user",
            ]) =>
        {
            (
                "Your session was ended: the account is gone",
                "The provider no longer knows the account that you logged in with.",
            )
        }
        "invalid_grant" if says(&["revoked"]) => (
            "Your session was ended: it was revoked",
            "You, or an administrator of the provider, ended it there.",
        ),
        "invalid_grant" if says(&["expired", "not active", "inactive", "inactivity"]) => {
            ("Your session was ended: it is too old", "The provider lets a session last only so long.")
        }
        "invalid_grant" => (
            "Your session was ended by the provider",
            "It no longer takes the refresh token: it has expired, was revoked, or was used before.",
        ),
        "mfa_required" | "interaction_required" | "login_required" | "consent_required" => SEEN,
        _ => return token(error, "The provider did not renew the session"),
    };
    its_words(Explanation::refused(headline, cause), code, description.as_deref()).remedy(Remedy::LogIn)
}

const SEEN: (&str, &str) = (
    "The provider wants to see you",
    "It renews this session only after you have logged in again, as with a second factor.",
);
