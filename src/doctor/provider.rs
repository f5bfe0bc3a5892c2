//! The provider's part: what a login asks of it before the browser opens, one question at a time.

use std::collections::BTreeSet;
use std::time::Instant;

use oauth2::http::{self as message, Method, StatusCode, header};
use openidconnect::core::{CoreJsonWebKeySet, CoreJsonWebKeyType, CoreJsonWebKeyUse};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm};
use serde::Serialize;
use url::Url;

use super::{Book, Check, Examination, Outcome};
use crate::auth::id_token::ALGORITHMS;
use crate::auth::provider::{self, Metadata, ProviderError};
use crate::config::Profile;
use crate::explain::setup;
use crate::http::{self, Http, HttpError, NoAnswer, Purpose, Request, Response};

/// What needs the metadata.
const AFTER_DISCOVERY: [Check; 5] =
    [Check::Spelling, Check::Keys, Check::Pkce, Check::Endpoints, Check::Clock];
/// Where the metadata is (OpenID Connect Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

pub(super) async fn examine(examination: &Examination<'_>, book: &Book<'_>) {
    let (profile, http) = (examination.profile, examination.http);
    let issuer = &profile.issuer;
    let start = Instant::now();
    if !Url::parse(issuer).is_ok_and(|url| http::is_safe(&url)) {
        let error = ProviderError::Unsafe(issuer.clone());
        book.put(Check::Issuer, start, Outcome::failed(setup::provider(&error, profile, &[])), [issuer]);
        book.skip(&[Check::Discovery], "the issuer is not safe to ask");
        book.skip(&AFTER_DISCOVERY, "the issuer is not safe to ask");
        return;
    }
    book.put(Check::Issuer, start, Outcome::Passed, [issuer]);

    let start = Instant::now();
    let asked = format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'));
    let response = get(http, Purpose::Discovery, &asked).await;
    let (metadata, clock_ahead) = match response.map_err(ProviderError::NoAnswer).and_then(|response| {
        let clock_ahead = http::clock_ahead(response.headers());
        Ok((metadata(issuer, &response)?, clock_ahead))
    }) {
        Ok(found) => found,
        Err(error) => {
            let meant = meant(issuer, &error, http).await;
            book.put(
                Check::Discovery,
                start,
                Outcome::failed(setup::provider(&error, profile, &meant)),
                [asked],
            );
            book.skip(&AFTER_DISCOVERY, "no provider was found");
            return;
        }
    };
    book.put(Check::Discovery, start, Outcome::Passed, [asked]);

    spelling(profile, &metadata, book);
    clock(clock_ahead, book);
    pkce(profile, &metadata, book);
    endpoints(profile, &metadata, book);
    keys(&metadata, http, book).await;
}

async fn get(http: &Http, purpose: Purpose, url: &str) -> Result<Response, HttpError> {
    let mut request = Request::default();
    *request.method_mut() = Method::GET;
    // What is no URI is no address that anybody could be asked at.
    let uri: message::Uri = url.parse().map_err(|error: message::uri::InvalidUri| HttpError {
        to: url.to_owned(),
        why: NoAnswer::Other(error.to_string()),
    })?;
    *request.uri_mut() = uri;
    request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    Ok(http.send(purpose, request).await?.response)
}

/// Reads metadata as a login reads it.
fn metadata(issuer: &str, response: &Response) -> Result<Metadata, ProviderError> {
    if response.status() != StatusCode::OK {
        return Err(ProviderError::Status { issuer: issuer.to_owned(), status: response.status() });
    }
    let not_metadata = |problem| ProviderError::NotMetadata { issuer: issuer.to_owned(), problem };
    let kind =
        response.headers().get(header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    if let Some(kind) = kind.filter(|kind| !kind.to_ascii_lowercase().starts_with("application/json")) {
        return Err(not_metadata(format!("it is {kind}, not application/json")));
    }
    serde_json::from_slice(response.body()).map_err(|error| not_metadata(error.to_string()))
}

/// Issuers like this one at which a provider was found to be.
async fn meant(issuer: &str, error: &ProviderError, http: &Http) -> Vec<String> {
    let nothing_there = match error {
        ProviderError::Status { .. } | ProviderError::NotMetadata { .. } => true,
        ProviderError::NoAnswer(error) => error.why == NoAnswer::NotTls,
        _ => false,
    };
    if !nothing_there {
        return Vec::new();
    }
    let answers = similar(issuer).into_iter().map(|similar| {
        let http = http.clone();
        tokio::spawn(async move {
            let asked = format!("{}{WELL_KNOWN}", similar.trim_end_matches('/'));
            let response = get(&http, Purpose::Discovery, &asked).await.ok()?;
            let its_own = metadata(&similar, &response).ok()?.issuer().to_string();
            (its_own.trim_end_matches('/') == similar.trim_end_matches('/')).then_some(its_own)
        })
    });
    let mut found = Vec::new();
    // They were all begun before the first is awaited, and each ends by its own time-out.
    for answer in answers.collect::<Vec<_>>() {
        found.extend(answer.await.ok().flatten());
    }
    found
}

/// What people mean who write this issuer: another scheme, `/v2.0` of Entra ID, with or without the `/auth` of older
/// Keycloaks, or no path. A slash at the end makes no difference to where the metadata is.
fn similar(issuer: &str) -> Vec<String> {
    let base = issuer.trim_end_matches('/');
    let mut similar = Vec::new();
    if let Some(rest) = base.strip_prefix("http://") {
        similar.push(format!("https://{rest}"));
    } else if let Some(rest) = base.strip_prefix("https://") {
        similar.push(format!("http://{rest}"));
    }
    if base.contains("/auth/realms/") {
        similar.push(base.replacen("/auth/realms/", "/realms/", 1));
    } else if base.contains("/realms/") {
        similar.push(base.replacen("/realms/", "/auth/realms/", 1));
    }
    if !base.ends_with("/v2.0") {
        similar.push(format!("{base}/v2.0"));
    }
    if let Ok(url) = Url::parse(base)
        && url.path() != "/"
    {
        similar.push(url.origin().ascii_serialization());
    }
    similar.retain(|issuer| Url::parse(issuer).is_ok_and(|url| http::is_safe(&url)));
    similar
}

fn spelling(profile: &Profile, metadata: &Metadata, book: &Book<'_>) {
    let (start, its_own) = (Instant::now(), metadata.issuer().to_string());
    let found = format!("the provider calls itself {its_own}");
    let outcome = if its_own == profile.issuer {
        Outcome::Passed
    } else {
        let (issuer, calls_itself, problem) = (profile.issuer.clone(), Some(its_own), String::new());
        let error = ProviderError::AnotherIssuer { issuer, calls_itself, problem };
        Outcome::failed(setup::provider(&error, profile, &[]))
    };
    book.put(Check::Spelling, start, outcome, [found]);
}

fn pkce(profile: &Profile, metadata: &Metadata, book: &Book<'_>) {
    let start = Instant::now();
    let methods = &metadata.additional_metadata().code_challenge_methods_supported;
    let (outcome, found) = match (provider::check_pkce(metadata), methods) {
        (Err(error), _) => (Outcome::failed(setup::provider(&error, profile, &[])), None),
        (Ok(()), None) => (Outcome::warning(setup::pkce_unsaid()), None),
        (Ok(()), Some(methods)) => (Outcome::Passed, Some(format!("it supports {}", methods.join(", ")))),
    };
    book.put(Check::Pkce, start, outcome, found);
}

fn endpoints(profile: &Profile, metadata: &Metadata, book: &Book<'_>) {
    let start = Instant::now();
    let extras = metadata.additional_metadata();
    let log_out = extras.end_session_endpoint.is_some() || provider::has_auth0s_layout(metadata);
    let (mut there, mut missing) = (vec!["authorization", "token"], Vec::new());
    for (is_there, name, endpoint, cost) in [
        (
            metadata.userinfo_endpoint().is_some(),
            "user info",
            "userinfo_endpoint",
            "Your name and picture may be missing after a login",
        ),
        (
            extras.revocation_endpoint.is_some(),
            "revocation",
            "revocation_endpoint",
            "Tokens cannot be revoked when you log out, so they end when their time is over",
        ),
        (
            log_out,
            "end session",
            "end_session_endpoint",
            "The provider still knows you in the browser after a log-out, so the next login may not ask who you are",
        ),
    ] {
        if is_there {
            there.push(name);
        } else {
            missing.push((endpoint, cost));
        }
    }
    let outcome = match provider::check_endpoints(metadata) {
        Err(error) => Outcome::failed(setup::provider(&error, profile, &[])),
        Ok(()) if missing.is_empty() => Outcome::Passed,
        Ok(()) => Outcome::warning(setup::endpoints_missing(&missing)),
    };
    let there = (!matches!(outcome, Outcome::Failed(_))).then(|| there.join(", "));
    book.put(Check::Endpoints, start, outcome, there);
}

fn clock(ahead: Option<jiff::SignedDuration>, book: &Book<'_>) {
    let start = Instant::now();
    let Some(ahead) = ahead else {
        return book.skip(&[Check::Clock], "the provider's answer has no Date");
    };
    match setup::clocks_differ(ahead) {
        None => {
            // A Date has no parts of a second.
            let found = format!("within {} s of the provider's", ahead.unsigned_abs().as_secs() + 1);
            book.put(Check::Clock, start, Outcome::Passed, [found]);
        }
        Some(explanation) => book.put(Check::Clock, start, Outcome::warning(explanation), [""; 0]),
    }
}

async fn keys(metadata: &Metadata, http: &Http, book: &Book<'_>) {
    let (start, url) = (Instant::now(), metadata.jwks_uri().url());
    // Said among the endpoints already; nothing is sent there.
    if !provider::fits(metadata, url) {
        return book.skip(&[Check::Keys], "their address is not safe to ask");
    }
    let fetched = get(http, Purpose::Keys, url.as_str()).await.map_err(ProviderError::NoAnswer);
    match fetched.and_then(|response| key_set(metadata.issuer(), response)) {
        Err(error) => {
            book.put(Check::Keys, start, Outcome::failed(setup::no_key_set(&error)), [url.as_str()]);
        }
        Ok((there, usable)) => {
            let offered = metadata.id_token_signing_alg_values_supported();
            let outcome = if usable.is_empty() {
                Outcome::failed(setup::no_keys(there))
            } else if offered.iter().any(|offered| ALGORITHMS.contains(offered)) {
                Outcome::Passed
            } else {
                let names: Vec<_> = offered.iter().map(name).collect();
                Outcome::failed(setup::shared_secret(&names))
            };
            let kinds: BTreeSet<_> = usable.iter().map(String::as_str).collect();
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
            let found = match usable.len() {
                0 => None,
                1 => Some(format!("1 key to verify with: {kinds}")),
                count => Some(format!("{count} keys to verify with: {kinds}")),
            };
            book.put(Check::Keys, start, outcome, found);
        }
    }
}

/// How many keys there are, and what each is for that verifies a signature.
fn key_set(issuer: &str, response: Response) -> Result<(usize, Vec<String>), ProviderError> {
    if response.status() != StatusCode::OK {
        return Err(ProviderError::Status { issuer: issuer.to_owned(), status: response.status() });
    }
    let body = response.into_body();
    let not_keys = |error: serde_json::Error| ProviderError::NotMetadata {
        issuer: issuer.to_owned(),
        problem: error.to_string(),
    };
    let there = serde_json::from_slice::<serde_json::Value>(&body).map_err(not_keys)?;
    let there = there.get("keys").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    let set: CoreJsonWebKeySet =
        serde_json::from_slice(&provider::without_published_secrets(body)).map_err(not_keys)?;
    let usable = set.keys().iter().filter_map(|key| {
        let for_signatures = key.key_use().is_none_or(|its| *its == CoreJsonWebKeyUse::Signature);
        let symmetric = *key.key_type() == CoreJsonWebKeyType::Symmetric;
        let alg = match key.signing_alg() {
            JsonWebKeyAlgorithm::Unspecified => name(key.key_type()),
            JsonWebKeyAlgorithm::Algorithm(alg) if ALGORITHMS.contains(alg) => name(alg),
            _ => return None,
        };
        (for_signatures && !symmetric).then_some(alg)
    });
    Ok((there, usable.collect()))
}

/// What the RFCs call it.
fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_looked_for_in_the_same_place_only() {
        assert_eq!(
            similar("https://host/auth/realms/acme/"),
            ["https://host/realms/acme", "https://host/auth/realms/acme/v2.0", "https://host"]
        );
        assert_eq!(
            similar("http://127.0.0.1:8080/realms/acme"),
            [
                "https://127.0.0.1:8080/realms/acme",
                "http://127.0.0.1:8080/auth/realms/acme",
                "http://127.0.0.1:8080/realms/acme/v2.0",
                "http://127.0.0.1:8080"
            ]
        );
        assert_eq!(similar("https://host"), ["https://host/v2.0"]);
    }
}
