//! A token as one may look at it: what a JWT says, unverified (RFC 7519). For showing and explaining: nothing is
//! decided by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What a token is, as far as an eye can tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Signed, and readable by everyone (RFC 7515).
    Signed(Jwt),
    /// Encrypted for somebody else (RFC 7516): five parts, of which the header is readable.
    Encrypted(Map<String, Value>),
    /// A reference that means something to its issuer only.
    Opaque,
}

/// What a signed token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    /// How it is signed (RFC 7515, section 4.1).
    pub header: Map<String, Value>,
    /// What it claims (RFC 7519, section 4).
    pub claims: Map<String, Value>,
}

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 64 << 10;

impl Token {
    /// Looks at a token.
    #[must_use]
    pub fn read(token: &str) -> Self {
        if token.len() > LONGEST {
            return Self::Opaque;
        }
        let parts: Vec<_> = token.split('.').collect();
        match parts.as_slice() {
            [header, claims, _] => match (part(header), part(claims)) {
                (Some(header), Some(claims)) => Self::Signed(Jwt { header, claims }),
                _ => Self::Opaque,
            },
            [header, _, _, _, _] => part(header).map_or(Self::Opaque, Self::Encrypted),
            _ => Self::Opaque,
        }
    }
}

impl Jwt {
    /// A claim that is text, such as `iss`.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// A claim that is a time in seconds, such as `exp`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond an i64 is beyond the end of time")]
    pub fn time(&self, claim: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.claims.get(claim)?.as_f64()? as i64).ok()
    }

    /// A claim that is one text or several, such as `aud`.
    #[must_use]
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.claims.get(claim) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The scopes: `scope` (RFC 9068, section 2.2.3), or `scp` as some providers call it.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let lists = ["scope", "scp"].map(|claim| self.texts(claim));
        lists.concat().into_iter().flat_map(str::split_whitespace).collect()
    }
}

fn part(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(parts: &[Value]) -> String {
        let parts: Vec<_> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).collect();
        parts.join(".")
    }

    #[test]
    fn a_signed_token_is_read_with_one_audience_or_several() {
        let claims =
            json!({ "iss": "https://op/", "aud": ["a", "b"], "exp": 60, "scope": "x y", "scp": ["z"] });
        let Token::Signed(jwt) = Token::read(&token(&[json!({ "alg": "RS256" }), claims, json!(0)])) else {
            panic!("it is signed")
        };
        assert_eq!((jwt.text("iss"), jwt.texts("aud")), (Some("https://op/"), vec!["a", "b"]));
        assert_eq!(jwt.time("exp"), Timestamp::from_second(60).ok());
        assert_eq!(jwt.scopes(), ["x", "y", "z"]);
        let Token::Signed(jwt) = Token::read(&token(&[json!({}), json!({ "aud": "a" }), json!(0)])) else {
            panic!("it is signed")
        };
        assert_eq!((jwt.texts("aud"), jwt.time("exp")), (vec!["a"], None));
    }

    #[test]
    fn encrypted_and_opaque_tokens_are_told_apart() {
        let header = json!({ "alg": "dir", "enc": "A256GCM" });
        let encrypted = format!("{}..iv.text.tag", token(std::slice::from_ref(&header)));
        assert_eq!(Token::read(&encrypted), Token::Encrypted(header.as_object().unwrap().clone()));
        for opaque in ["", "abc", "a.b.c", "a.b.c.d.e", "…", &"x".repeat(1 << 20), "bnVsbA.bnVsbA.x", "a.b"]
        {
            assert_eq!(Token::read(opaque), Token::Opaque);
        }
    }

    #[test]
    fn times_without_end_are_no_times() {
        for time in [json!(1e300), json!("60"), json!(-1e300), json!(null)] {
            let jwt = Jwt { header: Map::new(), claims: Map::from_iter([("exp".to_owned(), time)]) };
            assert_eq!(jwt.time("exp"), None);
        }
    }
}
