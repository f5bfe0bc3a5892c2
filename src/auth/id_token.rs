//! Verifying the ID token: every check of OpenID Connect Core 1.0, section 3.1.3.7, and of 3.1.3.8.
//!
//! openidconnect checks signature, issuer, audience, expiry and nonce; added here are `azp`, `at_hash`, the age of
//! `iat` and `auth_time`, the type of the time claims, and one refetch of the keys where none fits.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Alg,
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, Nonce, NonceVerifier, SignatureVerificationError,
};
use thiserror::Error;

use super::provider::{Client, Provider, ProviderError};
use crate::http::Http;

/// What a public client accepts: signatures that only the provider can make. Never `none`, never HS*.
const ALGORITHMS: [Alg; 10] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EcdsaP521Sha512,
    Alg::EdDsa,
];

/// How far from now an ID token that was just received may say it was issued: generous to a wrong clock, not to a
/// token of last week.
const ISSUED_WITHIN: Duration = Duration::from_hours(24);

/// What the clocks of both sides may differ by where seconds count.
const LEEWAY: Duration = Duration::from_mins(1);

/// How often keys are asked for where no answer comes.
const TRIES: usize = 3;

/// The largest ID token that is looked at, in bytes.
const LONGEST: usize = 64 << 10;

/// How an ID token was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signature's algorithm.
    pub algorithm: String,
    /// The claims that were checked, by name.
    pub checks: Vec<&'static str>,
    /// How long it took, any refetch of the keys included.
    pub took: Duration,
}

/// What the authentication request carried that the ID token must answer to.
#[derive(Debug)]
pub struct Sent {
    /// `nonce`.
    pub nonce: Nonce,
    /// `max_age` (OpenID Connect Core 1.0, section 3.1.2.1).
    pub max_age: Option<Duration>,
}

/// An ID token that must not be believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("The ID token was rejected by the check of {check}: {problem}.")]
pub struct Rejected {
    /// The check, by the claim's name.
    pub check: &'static str,
    /// What it found.
    pub problem: String,
}

fn rejected(check: &'static str, problem: impl Into<String>) -> Rejected {
    Rejected { check, problem: problem.into() }
}

/// Verifies `token`, which came with `access_token`; where no key fits its signature, the keys are fetched again,
/// once. `sent` is what the request carried: `None` for a renewal, which has none.
///
/// # Errors
/// The first check that failed.
pub async fn verify(
    token: &CoreIdToken,
    access_token: &AccessToken,
    sent: Option<&Sent>,
    provider: Provider,
    client_id: &str,
    http: &Http,
) -> Result<(CoreIdTokenClaims, Verified), Rejected> {
    let start = Instant::now();
    // By the provider's own clock, where it told: a wrong clock on this computer must not cost anybody their session.
    let now = http.now().as_second();
    let client = provider.client(client_id);
    let claims = match check(token, access_token, sent, &client, now) {
        Err(Failed::NoKey) => {
            let provider = Box::pin(fresh_keys(provider, http))
                .await
                .map_err(|error| rejected("the signature", error.to_string()))?;
            check(token, access_token, sent, &provider.client(client_id), now)
        }
        other => other,
    };
    let (claims, checks) = claims.map_err(|failed| match failed {
        Failed::NoKey => rejected("the signature", "none of the provider's keys made it"),
        Failed::Check(rejected) => rejected,
    })?;
    let algorithm = token.signing_alg().ok().and_then(|alg| serde_json::to_value(alg).ok());
    let algorithm = algorithm.and_then(|alg| alg.as_str().map(str::to_owned)).unwrap_or_default();
    Ok((claims, Verified { algorithm, checks, took: start.elapsed() }))
}

/// The provider with its keys of now. With tokens in hand that came once, a network that fails is tried again.
async fn fresh_keys(provider: Provider, http: &Http) -> Result<Provider, ProviderError> {
    for _ in 1..TRIES {
        match provider.clone().refetch_keys(http).await {
            Err(ProviderError::NoAnswer(_)) => tokio::time::sleep(Duration::from_secs(1)).await,
            other => return other,
        }
    }
    provider.refetch_keys(http).await
}

enum Failed {
    /// No key fits: the provider may have new ones.
    NoKey,
    Check(Rejected),
}

impl From<Rejected> for Failed {
    fn from(rejected: Rejected) -> Self {
        Self::Check(rejected)
    }
}

fn check(
    token: &CoreIdToken,
    access_token: &AccessToken,
    sent: Option<&Sent>,
    client: &Client,
    now: i64,
) -> Result<(CoreIdTokenClaims, Vec<&'static str>), Failed> {
    check_times_are_numbers(&token.to_string())?;
    // Seconds from `at` until now.
    let age = move |at: i64| now.saturating_sub(at);
    let max_age = sent.and_then(|sent| sent.max_age);
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || DateTime::from_timestamp_secs(now).unwrap_or_default())
        .set_issue_time_verifier_fn(move |issued| match age(issued.timestamp()) {
            age if age.unsigned_abs() <= ISSUED_WITHIN.as_secs() => Ok(()),
            _ => Err(format!("iat: it was issued at {issued}")),
        })
        .set_auth_time_verifier_fn(move |authenticated| match (max_age, authenticated) {
            (None, _) => Ok(()),
            (Some(_), None) => Err("it is missing, though max_age was asked for".to_owned()),
            (Some(most), Some(at)) if age(at.timestamp()) <= seconds(most.saturating_add(LEEWAY)) => Ok(()),
            (Some(_), Some(at)) => {
                Err(format!("the person was last authenticated at {at}, which is too long ago"))
            }
        });
    let claims = token.claims(&verifier, SentNonce(sent.map(|sent| &sent.nonce))).map_err(by_name)?;
    let mut checks = vec!["the signature", "iss", "aud", "exp", "iat"];
    if sent.is_some() {
        checks.push("nonce");
    }
    if max_age.is_some() {
        checks.push("auth_time");
    }
    if claims.subject().is_empty() {
        return Err(rejected("sub", "it is empty").into());
    }
    if let Some(party) = claims.authorized_party() {
        if party != client.client_id() {
            return Err(rejected("azp", "it was issued to another client").into());
        }
        checks.push("azp");
    }
    if let Some(expected) = claims.access_token_hash() {
        check_access_token(token, access_token, expected, &verifier)?;
        checks.push("at_hash");
    }
    Ok((claims.clone(), checks))
}

/// Whole seconds, up to the end of time.
fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// openidconnect is lenient with the times of user info, and so would be with these.
fn check_times_are_numbers(token: &str) -> Result<(), Rejected> {
    if token.len() > LONGEST {
        return Err(rejected("its size", format!("it has {} KB", token.len() / 1024)));
    }
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let payload = payload.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let payload = payload.ok_or_else(|| rejected("its form", "its payload is not JSON"))?;
    for claim in ["exp", "iat"] {
        if !payload[claim].is_number() {
            return Err(rejected(claim, "it is not a number"));
        }
    }
    Ok(())
}

fn check_access_token(
    token: &CoreIdToken,
    access_token: &AccessToken,
    expected: &AccessTokenHash,
    verifier: &CoreIdTokenVerifier<'_>,
) -> Result<(), Rejected> {
    let found = token.signing_alg().and_then(|alg| Ok((alg, token.signing_key(verifier)?)));
    let (alg, key) = found.map_err(|error| rejected("at_hash", error.to_string()))?;
    match AccessTokenHash::from_token(access_token, alg, key) {
        Ok(hash) if hash == *expected => Ok(()),
        Ok(_) => {
            Err(rejected("at_hash", "the access token that came with it is not the one it was made for"))
        }
        Err(error) => Err(rejected("at_hash", error.to_string())),
    }
}

/// Compares with the nonce that was sent; where none was, none is expected.
struct SentNonce<'a>(Option<&'a Nonce>);

impl NonceVerifier for SentNonce<'_> {
    fn verify(self, nonce: Option<&Nonce>) -> Result<(), String> {
        match (self.0, nonce) {
            (None, _) => Ok(()),
            (Some(_), None) => Err("it is missing".to_owned()),
            (Some(sent), Some(came)) if sent.secret() == came.secret() => Ok(()),
            (Some(_), Some(_)) => Err("it is not the one that this login sent".to_owned()),
        }
    }
}

fn by_name(error: ClaimsVerificationError) -> Failed {
    use ClaimsVerificationError as E;
    let rejection = match error {
        E::SignatureVerification(SignatureVerificationError::NoMatchingKey) => return Failed::NoKey,
        E::SignatureVerification(SignatureVerificationError::DisallowedAlg(problem)) => {
            rejected("alg", problem)
        }
        E::SignatureVerification(error) => rejected("the signature", error.to_string()),
        E::InvalidIssuer(problem) => rejected("iss", problem),
        E::InvalidAudience(problem) => rejected("aud", problem),
        E::Expired(problem) => match problem.strip_prefix("iat: ") {
            Some(problem) => rejected("iat", problem),
            None => rejected("exp", problem),
        },
        E::InvalidNonce(problem) => rejected("nonce", problem),
        E::InvalidAuthTime(problem) => rejected("auth_time", problem),
        E::InvalidSubject(problem) => rejected("sub", problem),
        other => rejected("its form", other.to_string()),
    };
    Failed::Check(rejection)
}
