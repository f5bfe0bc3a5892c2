//! Verifying the ID token: every check of OpenID Connect Core 1.0, section 3.1.3.7, and of 3.1.3.8.
//!
//! openidconnect checks signature, issuer, audience, expiry and nonce; added here are `azp`, `at_hash`, the age of
//! `iat` and `auth_time`, the type of the time claims, and one refetch of the keys where none fits.

use std::time::{Duration, Instant};

use chrono::DateTime;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Alg,
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError as E, Nonce, NonceVerifier,
    SignatureVerificationError,
};
use serde_json::Value;
use thiserror::Error;

use super::jwt::{Jwt, Token};
use super::provider::{Provider, ProviderError};
use super::verification::{Check, Name, Verification, clock, hidden};
use crate::http::Http;

/// What a public client accepts: signatures that only the provider can make. Never `none`, never HS*.
pub(crate) const ALGORITHMS: [Alg; 10] = [
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
    /// The check, by its [`Name::term`].
    pub check: &'static str,
    /// What it found.
    pub problem: String,
}

/// Verifies `token`, which came with `access_token`; where no key fits its signature, the keys are fetched again,
/// once. `sent` is what the request carried: `None` for a renewal, which has none. Each check is written into `checks`.
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
    checks: &mut Verification,
) -> Result<CoreIdTokenClaims, Rejected> {
    let start = Instant::now();
    // By the provider's own clock, where it told: a wrong clock on this computer must not cost anybody their session.
    let now = http.now().as_second();
    let mut result = check(token, access_token, sent, &provider, client_id, now, checks);
    if matches!(result, Err(Failed::NoKey)) {
        let refetched = Box::pin(fresh_keys(provider, http)).await;
        let (expected, actual) = ("one of the provider's keys, fetched again", "none of them");
        let provider =
            refetched.map_err(|error| checks.fail(Name::Signature, expected, actual, &error.to_string()))?;
        result = check(token, access_token, sent, &provider, client_id, now, checks);
    }
    checks.took = start.elapsed();
    result.map_err(|failed| match failed {
        Failed::NoKey => {
            let Check { expected, actual, .. } = checks.get(Name::Signature).clone();
            checks.fail(Name::Signature, &expected, &actual, "none of the provider's keys made it")
        }
        Failed::Check(rejected) => rejected,
    })
}

/// Reads the ID token as the provider sent it.
///
/// # Errors
/// What of its form is wrong.
pub fn read(token: &str, checks: &mut Verification) -> Result<CoreIdToken, Rejected> {
    check_form(token, checks)?;
    token.parse().map_err(|error: serde_json::Error| {
        checks.fail(Name::Form, FORM, "one that cannot be read", &error.to_string())
    })
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

/// The checks that openidconnect makes, in its order: that of OpenID Connect Core 1.0, section 3.1.3.7. It stops at the
/// first that fails, so what stands before that one has passed.
const BY_OPENIDCONNECT: [Name; 9] = [
    Name::Form,
    Name::Issuer,
    Name::Audience,
    Name::Algorithm,
    Name::Signature,
    Name::Expiry,
    Name::IssuedAt,
    Name::Nonce,
    Name::AuthTime,
];

fn check(
    token: &CoreIdToken,
    access_token: &AccessToken,
    sent: Option<&Sent>,
    provider: &Provider,
    client_id: &str,
    now: i64,
    checks: &mut Verification,
) -> Result<CoreIdTokenClaims, Failed> {
    let jwt = check_form(&token.to_string(), checks)?;
    let client = provider.client(client_id);
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
    let result = token.claims(&verifier, SentNonce(sent.map(|sent| &sent.nonce)));
    let failed = result.as_ref().err().map(by_name);
    let no_key = matches!(result, Err(E::SignatureVerification(SignatureVerificationError::NoMatchingKey)));
    for name in BY_OPENIDCONNECT {
        let (expected, actual) = match compared(name, &jwt, sent, provider, client_id, now) {
            Ok(compared) => compared,
            Err(why) => {
                checks.skip(name, why);
                continue;
            }
        };
        match &failed {
            Some((failed, problem)) if *failed == name => {
                let rejected = checks.fail(name, &expected, &actual, problem);
                return Err(if no_key { Failed::NoKey } else { rejected.into() });
            }
            _ => checks.pass(name, &expected, &actual),
        }
    }
    let claims = result.map_err(|error| {
        let (name, problem) = by_name(&error);
        checks.fail(name, "", "", &problem)
    })?;
    check_parties(claims, client_id, checks)?;
    match claims.access_token_hash() {
        Some(expected) => check_access_token(token, access_token, expected, &verifier, checks)?,
        None => checks.skip(Name::AccessTokenHash, "The ID token names no access token."),
    }
    Ok(claims.clone())
}

/// What `name` expects and what came, as people read it; or why there is nothing to compare.
fn compared(
    name: Name,
    jwt: &Jwt,
    sent: Option<&Sent>,
    provider: &Provider,
    client_id: &str,
    now: i64,
) -> Result<(String, String), &'static str> {
    let header = |member: &str| {
        jwt.header.get(member).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
    };
    let missing = || "missing".to_owned();
    let time = |claim: &str| jwt.time(claim).map_or_else(missing, |at| clock(at.as_second(), now));
    Ok(match name {
        Name::Issuer => (provider.issuer().to_owned(), jwt.text("iss").map_or_else(missing, str::to_owned)),
        Name::Audience => {
            let came = jwt.texts("aud");
            let came = if came.is_empty() { "nobody".to_owned() } else { came.join(", ") };
            (format!("{client_id}, and nobody else"), came)
        }
        Name::Algorithm => ("RS, PS, ES or EdDSA".to_owned(), header("alg").unwrap_or_else(missing)),
        Name::Signature => {
            let kid = header("kid").map(|kid| format!("kid {kid}"));
            let expected = match provider.key_ids().as_slice() {
                [] => "a key of the provider, which publishes none".to_owned(),
                [one] => format!("the provider's key {one}"),
                several => format!("one of the provider's keys {}", several.join(", ")),
            };
            (expected, kid.unwrap_or_else(|| "no kid".to_owned()))
        }
        Name::Expiry => (format!("after {}, which is now", clock(now, now)), time("exp")),
        Name::IssuedAt => {
            let hours = ISSUED_WITHIN.as_secs() / 3600;
            (format!("{hours} h from {} at the most", clock(now, now)), time("iat"))
        }
        Name::Nonce => {
            let nonce = &sent.ok_or("A renewal sends no nonce.")?.nonce;
            let came = jwt.text("nonce").map_or_else(missing, |came| {
                let same = if came == nonce.secret() { "the same" } else { "another" };
                format!("{same}, {} characters", came.chars().count())
            });
            (hidden(nonce.secret()), came)
        }
        Name::AuthTime => {
            let most = sent.and_then(|sent| sent.max_age).ok_or("No max_age was asked for.")?;
            let earliest = now.saturating_sub(seconds(most.saturating_add(LEEWAY)));
            (format!("not before {} (max_age {})", clock(earliest, now), most.as_secs()), time("auth_time"))
        }
        _ => {
            let typ = header("typ").map_or_else(String::new, |typ| format!(", typ {typ}"));
            (FORM.to_owned(), format!("a signed JWT{typ}"))
        }
    })
}

/// Whole seconds, up to the end of time.
fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// What an ID token must be like, before anything of it is compared.
const FORM: &str = "a signed JWT, 64 KB at the most";

/// That it is a JWT of a bounded size, whose times are numbers: openidconnect is lenient with the times of user info,
/// and so would be with these. What a missing or malformed claim was to be is said by its own name.
fn check_form(token: &str, checks: &mut Verification) -> Result<Jwt, Rejected> {
    let mut form = |actual: &str, problem: &str| checks.fail(Name::Form, FORM, actual, problem);
    if token.len() > LONGEST {
        let size = format!("{} KB", token.len() / 1024);
        return Err(form(&size, &format!("its size is {size}")));
    }
    let jwt = match Token::read(token) {
        Token::Signed(jwt) => jwt,
        Token::Encrypted(_) => {
            return Err(form("an encrypted token", "it is encrypted, and nobody asked for that"));
        }
        Token::Opaque => return Err(form("no JWT", "its header or its payload is not JSON")),
    };
    checks.pass(Name::Form, FORM, "a signed JWT");
    for (name, is_right, expected) in [
        (Name::Issuer, Value::is_string as fn(&Value) -> bool, "text"),
        (Name::Subject, Value::is_string, "text"),
        (Name::Audience, |value| value.is_string() || value.is_array(), "text, or a list of it"),
        (Name::Expiry, Value::is_number, "a number"),
        (Name::IssuedAt, Value::is_number, "a number"),
    ] {
        match jwt.claims.get(name.term()) {
            Some(claim) if is_right(claim) => {}
            Some(claim) => {
                return Err(checks.fail(
                    name,
                    expected,
                    &claim.to_string(),
                    &format!("it is not {expected}"),
                ));
            }
            None => return Err(checks.fail(name, expected, "missing", "it is missing")),
        }
    }
    Ok(jwt)
}

/// `sub` and `azp`.
fn check_parties(
    claims: &CoreIdTokenClaims,
    client_id: &str,
    checks: &mut Verification,
) -> Result<(), Rejected> {
    let subject = claims.subject();
    if subject.is_empty() {
        return Err(checks.fail(Name::Subject, "somebody", "empty", "it is empty"));
    }
    checks.pass(Name::Subject, "somebody", subject);
    match claims.authorized_party() {
        None => checks.skip(Name::AuthorizedParty, "The ID token names no authorized party."),
        Some(party) if **party == *client_id => checks.pass(Name::AuthorizedParty, client_id, party),
        Some(party) => {
            let problem = "it was issued to another client";
            return Err(checks.fail(Name::AuthorizedParty, client_id, party, problem));
        }
    }
    Ok(())
}

fn check_access_token(
    token: &CoreIdToken,
    access_token: &AccessToken,
    named: &AccessTokenHash,
    verifier: &CoreIdTokenVerifier<'_>,
    checks: &mut Verification,
) -> Result<(), Rejected> {
    let hash = token
        .signing_alg()
        .and_then(|alg| Ok((alg, token.signing_key(verifier)?)))
        .map_err(|error| error.to_string())
        .and_then(|(alg, key)| {
            AccessTokenHash::from_token(access_token, alg, key).map_err(|error| error.to_string())
        });
    match hash {
        Ok(hash) if hash == *named => {
            checks.pass(Name::AccessTokenHash, &hash, named);
            Ok(())
        }
        Ok(hash) => {
            let problem = "the access token that came with it is not the one it was made for";
            Err(checks.fail(Name::AccessTokenHash, &hash, named, problem))
        }
        Err(problem) => Err(checks.fail(Name::AccessTokenHash, "a hash by the token's alg", named, &problem)),
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

/// The check that an error of openidconnect is about, and what it found.
fn by_name(error: &E) -> (Name, String) {
    use SignatureVerificationError as S;
    let (name, problem) = match error {
        E::SignatureVerification(S::NoMatchingKey) => (Name::Signature, "no key fits"),
        E::SignatureVerification(S::DisallowedAlg(problem)) => (Name::Algorithm, problem.as_str()),
        E::SignatureVerification(error @ (S::NoSignature | S::UnsupportedAlg(_))) => {
            return (Name::Algorithm, error.to_string());
        }
        E::SignatureVerification(error) => return (Name::Signature, error.to_string()),
        E::InvalidIssuer(problem) => (Name::Issuer, problem.as_str()),
        E::InvalidAudience(problem) => (Name::Audience, problem.as_str()),
        E::Expired(problem) => match problem.strip_prefix("iat: ") {
            Some(problem) => (Name::IssuedAt, problem),
            None => (Name::Expiry, problem.as_str()),
        },
        E::InvalidNonce(problem) => (Name::Nonce, problem.as_str()),
        E::InvalidAuthTime(problem) => (Name::AuthTime, problem.as_str()),
        other => return (Name::Form, other.to_string()),
    };
    (name, problem.to_owned())
}
