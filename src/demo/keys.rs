//! The provider's signing keys: the one made once, those that came after it, all published as a JWKS; and the checks
//! that a JWT signed by one must pass.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::{digest, encoding::AsDer, hmac, rand, rsa, signature::RsaKeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::{Serialize, de::DeserializeOwned};

/// A PKCS#8 RSA-2048 key (RFC 5208) is a PKCS#1 key behind an envelope of always the same length.
const PKCS8_ENVELOPE: usize = 26;
/// More keys than this are not published; the oldest goes first.
const PUBLISHED: usize = 8;

/// The key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[error("the demo provider's signing key failed: {0}")]
pub struct KeyError(String);

/// An RSA-2048 key that signs with RS256, and its public half.
pub struct SigningKey {
    private: EncodingKey,
    public: Jwk,
    header: Header,
}

impl SigningKey {
    /// Makes a new key, as PKCS#8 DER. Takes a good part of a second: keep it off the async workers.
    pub fn generate() -> Result<Vec<u8>, KeyError> {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)
            .map_err(|_| KeyError("it could not be generated".into()))?;
        let der = pair.as_der().map_err(|_| KeyError("it could not be encoded".into()))?;
        Ok(der.as_ref().to_vec())
    }

    /// Reads a key from PKCS#8 DER. Its `kid` is its JWK thumbprint (RFC 7638).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pkcs1 = der.get(PKCS8_ENVELOPE..).unwrap_or_default();
        RsaKeyPair::from_der(pkcs1).map_err(|e| KeyError(format!("it is not RSA-2048 in PKCS#8: {e}")))?;
        let private = EncodingKey::from_rsa_der(pkcs1);
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::RS256)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id = Some(kid.clone());
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::RS256) };
        Ok(Self { private, public: jwk, header })
    }
}

/// The keys of a provider, newest last: it signs with the newest. What the others signed is still good.
pub struct Keys(RwLock<Vec<Arc<SigningKey>>>);

impl Keys {
    /// One key.
    pub fn new(key: SigningKey) -> Self {
        Self(RwLock::new(vec![Arc::new(key)]))
    }

    /// The public halves, as `/.well-known/jwks.json` publishes them.
    pub fn published(&self) -> JwkSet {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        JwkSet { keys: keys.iter().map(|key| key.public.clone()).collect() }
    }

    /// Signs claims into a JWT.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let newest = self.0.read().unwrap_or_else(PoisonError::into_inner).last().cloned();
        let key = newest.ok_or_else(|| KeyError("there is none".into()))?;
        Ok(jsonwebtoken::encode(&key.header, claims, &key.private)?)
    }

    /// Signs with a new key from now on. It is not remembered: the next run starts with the first one again.
    pub async fn rotate(&self) -> Result<(), KeyError> {
        let made = tokio::task::spawn_blocking(|| SigningKey::from_pkcs8(&SigningKey::generate()?)).await;
        let key = made.map_err(|e| KeyError(e.to_string()))??;
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() == PUBLISHED {
            keys.remove(0);
        }
        keys.push(Arc::new(key));
        Ok(())
    }
}

impl From<jsonwebtoken::errors::Error> for KeyError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why a JWT was not accepted; what it prints is fit for an `error_description`.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// It does not have three parts that decode.
    #[error("The token is not a JWT")]
    Malformed,
    /// `alg: none`, HS256 and every other way around the key.
    #[error("The token is not signed with RS256")]
    Algorithm,
    /// No published key has its `kid`.
    #[error("The token is signed with an unknown key")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("The signature is wrong")]
    Signature,
    /// `exp` is past.
    #[error("The token has expired")]
    Expired,
    /// `iss` is another's.
    #[error("The issuer is not {0}")]
    Issuer(String),
    /// `aud` does not name who is checking.
    #[error("The audience is not {0}")]
    Audience(String),
    /// A claim is missing or has the wrong type.
    #[error("The token lacks a claim that it needs")]
    Claim,
}

/// What a JWT must say to be accepted.
pub struct Expected<'a> {
    /// The exact `iss`.
    pub issuer: &'a str,
    /// What `aud` must contain.
    pub audience: &'a str,
    /// How long from now it must still be good: as long as the clock of who checks is ahead of this computer's. `None`
    /// where a past `exp` is no reason to reject: in a log-out hint.
    pub good_for: Option<Duration>,
}

/// Checks a JWT's signature, issuer, audience and expiry, and returns its claims.
///
/// There is no leeway: this clock is the one that wrote the token.
pub fn verify<C: DeserializeOwned + Clone>(
    token: &str,
    keys: &JwkSet,
    expected: &Expected,
) -> Result<C, Rejected> {
    let header = jsonwebtoken::decode_header(token).map_err(|e| match e.kind() {
        // An algorithm that jsonwebtoken does not know, such as `none`, fails as JSON of the header.
        ErrorKind::Json(_) => Rejected::Algorithm,
        _ => Rejected::Malformed,
    })?;
    if header.alg != Algorithm::RS256 {
        return Err(Rejected::Algorithm);
    }
    let jwk = header.kid.and_then(|kid| keys.find(&kid)).ok_or(Rejected::UnknownKey)?;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| Rejected::UnknownKey)?;

    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    validation.validate_exp = expected.good_for.is_some();
    validation.reject_tokens_expiring_in_less_than = expected.good_for.unwrap_or_default().as_secs();
    validation.leeway = 0;
    match jsonwebtoken::decode(token, &key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => Rejected::Signature,
            ErrorKind::ExpiredSignature => Rejected::Expired,
            ErrorKind::InvalidIssuer => Rejected::Issuer(expected.issuer.to_owned()),
            ErrorKind::InvalidAudience => Rejected::Audience(expected.audience.to_owned()),
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => Rejected::Claim,
            _ => Rejected::Malformed,
        }),
    }
}

/// 256 random bits in base64url: codes, tokens, ids.
pub fn random() -> String {
    let mut bytes = [0; 32];
    #[expect(clippy::expect_used, reason = "aws-lc ends the process rather than run without randomness")]
    rand::fill(&mut bytes).expect("randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 in base64url: what is kept of a secret, and the PKCE S256 challenge of a verifier (RFC 7636).
pub fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, secret.as_bytes()))
}

/// The left half of the SHA-256 of an access token in base64url: `at_hash` (OIDC Core 3.1.3.6).
pub fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, token.as_bytes()).as_ref()[..16])
}

/// Shows to who also holds `secret`, and to nobody else, that one holds it and means this `claim`. Each use has claims
/// of its own, so that what is shown for one is worth nothing for another.
pub fn prove(secret: &str, claim: &str, challenge: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, format!("{claim} {challenge}").as_bytes()))
}

/// Whether `proof` is what [`prove`] makes of the rest; how long that takes tells nothing of where it is wrong.
pub fn proves(secret: &str, claim: &str, challenge: &str, proof: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let proof = URL_SAFE_NO_PAD.decode(proof).unwrap_or_default();
    hmac::verify(&key, format!("{claim} {challenge}").as_bytes(), &proof).is_ok()
}
