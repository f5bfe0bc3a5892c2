//! Why an attempt to log in ended without a session.

use oauth2::http::StatusCode;

use super::network::no_answer;
use super::{Explanation, Remedy};
use crate::api::response::status_line;
use crate::auth::login::LoginError;
use crate::auth::provider::ProviderError;
use crate::auth::tokens::TokenError;
use crate::config::Profile;

/// Why an attempt to log in ended without a session.
#[must_use]
pub fn login(error: &LoginError, profile: &Profile) -> Explanation {
    match error {
        LoginError::Provider(error) => provider(error),
        LoginError::PortsBusy(error) => {
            let values = error.0.iter().map(|(port, why)| (format!("{port}: {why}"), true));
            Explanation::failed(
                "No port is free for the way back",
                "Another program holds every port that this profile's provider may send you back to. \
                 Close that program, or give the profile another port and register its callback URL.",
            )
            .evidence("Tried", values)
            .remedy(Remedy::EditProfile)
        }
        LoginError::Refused(refusal) => {
            let (headline, cause) = match refusal.error.as_str() {
                "access_denied" if refusal.description.as_deref().is_some_and(|text| text.starts_with("Service not found")) => (
                    "The provider does not know this API",
                    "No API with this profile's audience is registered there. Register it, or correct the audience.",
                ),
                "access_denied" => ("You were not logged in", "The request was declined on the provider's page. Nothing was shared."),
                "unauthorized" => ("The provider did not let you in", "One of its rules refused this account."),
                "login_required" | "consent_required" | "interaction_required" | "account_selection_required" => {
                    ("The provider needs you to act", "It could not log you in without showing a page. Log in without prompt=none.")
                }
                "server_error" | "temporarily_unavailable" => {
                    ("The provider failed", "It says that it cannot log anyone in just now. Try again later.")
                }
                "invalid_scope" => ("The provider does not know one of the scopes", "Correct the scopes of this profile."),
                "invalid_target" => ("The provider does not know this resource", "Correct the resource of this profile."),
                _ => ("The provider refused the login", "It says that something about the request is wrong."),
            };
            let unknown = headline == "The provider does not know this API";
            let audience = profile.audience.clone().filter(|_| unknown).map(|audience| (audience, true));
            Explanation::refused(headline, cause)
                .evidence("Audience", audience)
                .says("It said", Some(refusal.description.as_deref().unwrap_or(&refusal.error)))
                .remedy(Remedy::LogIn)
        }
        LoginError::TimedOut { after, redirect_uri } => Explanation::failed(
            "Nobody came back from the browser",
            format!(
                "Hallpass waited {} minutes. If the browser showed an error page of the provider instead of a login, \
                 this callback URL is probably not registered there.",
                after.as_secs().div_ceil(60)
            ),
        )
        .evidence("Waited at", [(redirect_uri.clone(), false)])
        .remedy(Remedy::CopyUrls(profile.redirect_uris())),
        LoginError::WrongIssuer { expected, came } => Explanation::failed(
            "The answer came from another provider",
            "The login was stopped before the code was sent anywhere: a code must only go to the provider that issued it.",
        )
        .evidence("Asked", [(expected.clone(), false)])
        .evidence("Answered", [(came.as_deref().unwrap_or("(not named)"), true)])
        .remedy(Remedy::LogIn),
        LoginError::Token(error) => token(error, "The provider did not exchange the code").remedy(Remedy::LogIn),
        LoginError::NoIdToken => Explanation::failed(
            "The provider did not say who logged in",
            "It issued no ID token. The scope openid must be asked for, and the provider must support OpenID Connect.",
        )
        .remedy(Remedy::EditProfile),
        LoginError::IdToken(rejected) => {
            let cause = if rejected.check == "alg" && rejected.problem.contains("`HS") {
                "It is signed with a shared secret (HS256), which anyone who has this app could forge. \
                 Set the application's signing algorithm to RS256 at the provider."
            } else {
                "What the provider said about who you are did not pass every check, so Hallpass did not believe it."
            };
            Explanation::failed("The ID token was rejected", cause)
                .evidence("Check", [(rejected.check, true)])
                .says("Found", Some(&rejected.problem))
                .remedy(Remedy::LogIn)
        }
    }
}

pub(super) fn provider(error: &ProviderError) -> Explanation {
    match error {
        ProviderError::NoAnswer(error) => no_answer(error).remedy(Remedy::LogIn),
        ProviderError::Status { issuer, status } => Explanation::failed(
            "There is no provider at this issuer",
            "Nothing was found at its /.well-known/openid-configuration. Issuers often have a path: \
             https://HOST/realms/NAME (Keycloak), https://login.microsoftonline.com/TENANT/v2.0 (Entra), https://TENANT.auth0.com/.",
        )
        .evidence("Issuer", [(issuer.clone(), true)])
        .evidence("It answered", [(status_line(*status), false)])
        .remedy(Remedy::EditProfile),
        ProviderError::NotMetadata { issuer, problem } => Explanation::failed(
            "There is no provider at this issuer",
            "Something answered there, but not with an OpenID configuration.",
        )
        .evidence("Issuer", [(issuer.clone(), true)])
        .says("Found", Some(problem))
        .remedy(Remedy::EditProfile),
        ProviderError::AnotherIssuer { problem } => Explanation::failed(
            "The issuer is not spelled as the provider spells it",
            "The two must be the same to the letter, the slash at the end included. Use the provider's own spelling.",
        )
        .says("Found", Some(problem))
        .remedy(Remedy::EditProfile),
        ProviderError::NoS256(_) => {
            Explanation::failed("The provider does not support PKCE with S256", error.to_string()).remedy(Remedy::EditProfile)
        }
        ProviderError::Unsafe(_) | ProviderError::UnsafeEndpoint { .. } | ProviderError::NoEndpoint(_) => {
            Explanation::failed("This provider cannot be used safely", error.to_string())
                .remedy(Remedy::EditProfile)
        }
    }
}

pub(super) fn token(error: &TokenError, headline: &str) -> Explanation {
    match error {
        TokenError::NoAnswer(error) => no_answer(error),
        TokenError::Refused { error, description } => {
            let unauthorized = description.as_deref() == Some("Unauthorized");
            let cause = match error.as_str() {
                "invalid_grant" => {
                    "The code or refresh token was used before, has expired, or was not made for this app."
                }
                "invalid_client" | "unauthorized_client" | "access_denied"
                    if unauthorized || error != "access_denied" =>
                {
                    "The provider expects a client secret, which a desktop app cannot keep. Set the application's type to \
                     Native, and its authentication method to none."
                }
                _ => "The token endpoint refused.",
            };
            Explanation::failed(headline, cause)
                .says("It said", Some(description.as_deref().unwrap_or(error)))
        }
        TokenError::Busy { status, retry_after } => {
            let cause = match (*status == StatusCode::TOO_MANY_REQUESTS, retry_after) {
                (true, Some(after)) => {
                    format!(
                        "It was asked too often, and wants to be left alone for {} seconds.",
                        after.as_secs()
                    )
                }
                (true, None) => "It was asked too often. Wait a little.".to_owned(),
                (false, _) => "It is in trouble itself. Its operator may know more.".to_owned(),
            };
            Explanation::failed(headline, cause).evidence("It answered", [(status_line(*status), true)])
        }
        TokenError::NotTokens(problem) => Explanation::failed(
            headline,
            "The answer of its token endpoint holds no tokens that can be used.",
        )
        .says("Found", Some(problem)),
    }
}
