//! Keys to sign with: made once a test binary, as an RSA key takes a while.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A key pair.
pub struct Key {
    pub private: EncodingKey,
    /// The public half as a JWK, with its `kid`.
    pub public: Value,
    pub algorithm: Algorithm,
}

/// The provider's RSA key.
pub static RSA: LazyLock<Key> = LazyLock::new(|| rsa_key("rsa"));
/// Another RSA key: an attacker's, or the provider's next.
pub static NEXT_RSA: LazyLock<Key> = LazyLock::new(|| rsa_key("next-rsa"));
/// The provider's P-256 key.
pub static EC: LazyLock<Key> = LazyLock::new(|| ec_key("ec"));

fn rsa_key(kid: &str) -> Key {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let pkcs8 = pair.as_der().unwrap();
    // A PKCS#1 key behind an envelope of always the same length.
    key(EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]), Algorithm::RS256, kid)
}

fn ec_key(kid: &str) -> Key {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    key(EncodingKey::from_ec_der(pkcs8.as_ref()), Algorithm::ES256, kid)
}

fn key(private: EncodingKey, algorithm: Algorithm, kid: &str) -> Key {
    let mut public = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
    public["kid"] = json!(kid);
    public["use"] = json!("sig");
    Key { private, public, algorithm }
}
