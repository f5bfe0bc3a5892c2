//! Why an issuer is no provider to log in at (OpenID Connect Discovery 1.0, section 4).

use oauth2::http::StatusCode;
use url::Url;

use super::network::no_answer;
use super::token_endpoint::trouble;
use super::{Explanation, Remedy, fill_in};
use crate::api::response::status_line;
use crate::auth::provider::ProviderError;
use crate::config::{Field, Profile};
use crate::http;

/// Where the metadata stands.
const WELL_KNOWN: &str = "/.well-known/";

/// Why the profile's issuer is no provider; without a profile, what it could be is not offered.
pub(super) fn provider(error: &ProviderError, profile: Option<&Profile>) -> Explanation {
    let use_issuer = |issuer: String| profile.map(|profile| fill_in(profile, Field::Issuer, &issuer));
    match error {
        ProviderError::NoAnswer(error) => no_answer(error, None).remedy(Remedy::LogIn),
        ProviderError::Status { issuer, status } if error.is_trouble() => {
            Explanation::failed("The provider is in trouble", trouble(*status, None))
                .evidence("Issuer", [(issuer, false)])
                .evidence("It answered", [(status_line(*status), true)])
                .remedy(Remedy::LogIn)
                .reference("OpenID Connect Discovery 1.0, section 4.2")
        }
        ProviderError::Status { issuer, status } => {
            let meant = meant(issuer);
            let cause = match (&meant, status.is_redirection(), *status) {
                (Some(_), ..) => "The issuer is the part in front of /.well-known, or lacks its end.".to_owned(),
                (None, true, _) => "It redirects instead of answering: the issuer has another address, perhaps with https, www \
                     or a path. Ask whoever runs the provider for the exact issuer."
                    .to_owned(),
                (None, _, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => "Something refuses to show its configuration, which \
                     is public at every provider. A firewall may stand in front of it, or it is no issuer."
                    .to_owned(),
                _ => format!("Nothing was found at its /.well-known/openid-configuration. {}", likely(issuer)),
            };
            Explanation::failed("There is no provider at this issuer", cause)
                .evidence("Issuer", [(issuer, true)])
                .evidence("It answered", [(status_line(*status), false)])
                .evidence("Meant", meant.iter().map(|meant| (meant, false)))
                .remedy(meant.and_then(use_issuer).unwrap_or(Remedy::EditProfile))
                .reference("OpenID Connect Discovery 1.0, section 4")
        }
        ProviderError::NotMetadata { issuer, problem } => {
            let meant = meant(issuer);
            let cause =
                format!("Something answered there, but not with an OpenID configuration. {}", likely(issuer));
            Explanation::failed("There is no provider at this issuer", cause)
                .evidence("Issuer", [(issuer, true)])
                .evidence("Meant", meant.iter().map(|meant| (meant, false)))
                .says("Found", Some(problem))
                .remedy(meant.and_then(use_issuer).unwrap_or(Remedy::EditProfile))
                .reference("OpenID Connect Discovery 1.0, section 4.2")
        }
        ProviderError::AnotherIssuer { issuer, calls_itself, problem } => {
            let theirs = calls_itself
                .as_deref()
                .filter(|theirs| Url::parse(theirs).is_ok_and(|url| http::is_safe(&url)));
            let host =
                |issuer: &str| Url::parse(issuer).ok().and_then(|url| Some(url.host_str()?.to_owned()));
            let cause = match theirs {
                Some(theirs) if theirs.trim_end_matches('/') == issuer.trim_end_matches('/') => {
                    "The two differ by a slash at the end, and must be the same to the letter. Use the provider's own spelling."
                }
                Some(theirs) if theirs.contains("{tenantid}") || theirs.contains("%7Btenantid%7D") => {
                    "This address is for all tenants together, and no issuer by itself. Put your tenant's id in the place of \
                     common or organizations."
                }
                Some(theirs) if host(theirs) != host(issuer) => {
                    "The provider calls itself by another name than the one it was found under, such as one of its own beside a \
                     custom domain. Use its own name, if you know it to be the same provider."
                }
                _ => {
                    "The issuer is not spelled as the provider spells it, and must be to the letter. Use the provider's own \
                     spelling."
                }
            };
            let explanation =
                Explanation::failed("The issuer is not spelled as the provider spells it", cause);
            let explanation = match calls_itself {
                Some(theirs) => {
                    explanation.beside(("Your profile says", issuer), ("It calls itself", theirs))
                }
                None => explanation.says("Found", Some(problem)),
            };
            let offered = theirs.filter(|theirs| !theirs.contains(['{', '}']) && !theirs.contains("%7B"));
            explanation
                .remedy(
                    offered.and_then(|theirs| use_issuer(theirs.to_owned())).unwrap_or(Remedy::EditProfile),
                )
                .reference("OpenID Connect Discovery 1.0, section 4.3")
        }
        ProviderError::NoS256(_) => {
            Explanation::failed("The provider does not support PKCE with S256", error.to_string())
                .remedy(Remedy::EditProfile)
                .reference("RFC 7636, section 4.2; RFC 9700, section 2.1.1")
        }
        ProviderError::Unsafe(issuer) => {
            let meant = issuer.strip_prefix("http://").map(|rest| format!("https://{rest}"));
            Explanation::failed("This provider cannot be used safely", error.to_string())
                .evidence("Issuer", [(issuer, true)])
                .remedy(meant.and_then(use_issuer).unwrap_or(Remedy::EditProfile))
                .reference("OpenID Connect Discovery 1.0, section 7.1")
        }
        ProviderError::UnsafeEndpoint { .. } | ProviderError::NoEndpoint(_) => {
            Explanation::failed("This provider cannot be used safely", error.to_string())
                .remedy(Remedy::EditProfile)
                .reference("OpenID Connect Discovery 1.0, section 3")
        }
    }
}

/// The issuer that was meant, where its form gives that away.
fn meant(issuer: &str) -> Option<String> {
    if let Some((front, _)) = issuer.split_once(WELL_KNOWN) {
        // Where the issuer ends in a slash, that slash is the one in front of `.well-known`: both forms are in use.
        let slash = front.ends_with(".auth0.com");
        return Some(if slash { format!("{front}/") } else { front.to_owned() });
    }
    let url = Url::parse(issuer).ok()?;
    let segments: Vec<_> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    match (url.host_str()?, segments.as_slice()) {
        ("login.microsoftonline.com", [tenant]) => {
            Some(format!("https://login.microsoftonline.com/{tenant}/v2.0"))
        }
        _ => None,
    }
}

/// What issuers look like, of the provider that the host points to, else of several.
fn likely(issuer: &str) -> &'static str {
    let host = Url::parse(issuer).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default();
    if host.ends_with("microsoftonline.com") {
        "Entra's issuers look so: https://login.microsoftonline.com/TENANT/v2.0."
    } else if host.ends_with(".auth0.com") {
        "Auth0's issuers look so, with the slash: https://TENANT.REGION.auth0.com/."
    } else if host.ends_with(".okta.com") || host.ends_with(".oktapreview.com") {
        "Okta's issuers look so: https://NAME.okta.com, or https://NAME.okta.com/oauth2/default."
    } else if host.contains("cognito") || host.ends_with(".amazonaws.com") {
        "Cognito's issuers look so: https://cognito-idp.REGION.amazonaws.com/POOL."
    } else if host.ends_with("google.com") {
        "Google's issuer is https://accounts.google.com."
    } else {
        "Issuers often have a path: https://HOST/realms/NAME (Keycloak), https://login.microsoftonline.com/TENANT/v2.0 \
         (Entra), https://TENANT.auth0.com/."
    }
}
