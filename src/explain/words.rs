//! What an API complains of, read from its own words: the wordings of RFC 6750, and of the libraries that check tokens.

use crate::api::refusal::Refusal;

/// What an API says is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// None came.
    Missing,
    /// It has come to its end.
    Expired,
    /// It is not good yet.
    NotYet,
    /// It is outside its time, one way or the other.
    NotActive,
    /// It is for another API.
    Audience,
    /// Another provider issued it.
    Issuer,
    /// One of the two.
    AudienceOrIssuer,
    /// The key that signed it is unknown.
    Key,
    /// The signature is wrong.
    Signature,
    /// It is signed in a way that the API does not take.
    Algorithm,
    /// It was withdrawn.
    Revoked,
    /// It is no token as the API knows them.
    Form,
}

/// What the refusal complains of, if its words say so. The first that fits: libraries say `Signature has expired` of an
/// expired token, and never `expired` of a wrong signature.
pub fn complaint(refusal: &Refusal) -> Option<Complaint> {
    let text = format!(
        "{} {}",
        refusal.error.as_deref().unwrap_or_default(),
        refusal.description.as_deref().unwrap_or_default()
    );
    let text = text.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let word = |word: &str| words.contains(&word);

    let audience = has(&["audience", "idx10214"]) || word("aud");
    let issuer = has(&["issuer", "idx10205"]) || word("iss");
    Some(if has(&["expired", "lifetime validation", "idx10223"]) || word("exp") {
        Complaint::Expired
    } else if has(&["token is not active", "token not active"]) {
        Complaint::NotActive
    } else if has(&[
        "not yet valid",
        "used before issued",
        "not valid before",
        "not valid until",
        "jwt not active",
    ]) || has(&["in the future", "idx10222"])
        || word("nbf")
        || word("iat")
    {
        Complaint::NotYet
    } else if audience && issuer {
        Complaint::AudienceOrIssuer
    } else if audience {
        Complaint::Audience
    } else if issuer {
        Complaint::Issuer
    } else if has(&[
        "matching key",
        "signing key",
        "signature key",
        "applicable key",
        "key not found",
        "jwks",
    ]) || has(&["idx10501", "idx10500", "idx10503"])
        || word("kid")
    {
        Complaint::Key
    } else if has(&["algorithm"]) || word("alg") {
        Complaint::Algorithm
    } else if has(&["signature", "verification failed", "idx10511"]) {
        Complaint::Signature
    } else if has(&["revoked", "inactive", "blacklist", "blocklist", "denylist", "logged out"]) {
        Complaint::Revoked
    } else if has(&["malformed", "not a jwt", "segments", "compact", "parsing failed", "decode", "idx12741"])
        || has(&["well formed", "well-formed", "not wellformed", "invalid_header", "jwt string"])
    {
        Complaint::Form
    } else if has(&["credentials_required", "header_missing", "not authenticated"])
        || has(&[
            "missing",
            "no auth",
            "no token",
            "no access token",
            "not provided",
            "is expected",
            "was not found",
        ]) && has(&["authorization", "token", "credential", "authentication"])
    {
        Complaint::Missing
    } else {
        return None;
    })
}

/// What the API says it expects instead, where its words name it: `expected: https://api`, `should be 'x'`.
pub fn expected(refusal: &Refusal) -> Option<String> {
    let text = refusal.description.as_deref()?;
    let lower = text.to_ascii_lowercase();
    ["expected", "should be", "must be"].iter().find_map(|sign| {
        let mut from = 0;
        while let Some(found) = lower[from..].find(sign) {
            let (start, end) = (from + found, from + found + sign.len());
            from = end;
            // `unexpected` names what came.
            if !lower[..start].ends_with(char::is_alphabetic)
                && let Some(value) = named(&text[end..])
            {
                return Some(value);
            }
        }
        None
    })
}

/// The value at the start of a text, behind fillers: quoted, after a colon, or a URI by its looks.
fn named(text: &str) -> Option<String> {
    const FILLERS: [&str; 9] = ["audience", "issuer", "to", "be", "is", "one", "of", "aud", "iss"];
    let (mut rest, mut pointed) = (text, false);
    loop {
        rest = rest.trim_start_matches([' ', '=', '(', '[']);
        if let Some(after) = rest.strip_prefix(':') {
            (rest, pointed) = (after, true);
            continue;
        }
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
        if let Some(quote) = quote {
            let inner = &rest[1..];
            let value = &inner[..inner.find(quote)?];
            if FILLERS.contains(&value) {
                rest = &inner[value.len() + 1..];
                continue;
            }
            return (!value.is_empty()).then(|| value.to_owned());
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | ']' | '\'' | '"'));
        let word = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ':']);
        if word.is_empty() {
            return None;
        }
        if FILLERS.contains(&word.to_ascii_lowercase().as_str()) {
            rest = &rest[word.len()..];
            continue;
        }
        let uri = word.contains("://") || word.starts_with("urn:") || word.starts_with("api:");
        return (pointed || uri).then(|| word.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Refusal {
        Refusal { description: Some(text.to_owned()), ..Refusal::default() }
    }

    #[test]
    fn the_wordings_of_many_libraries_are_told_apart() {
        use Complaint as C;
        for (text, complains_of) in [
            ("Jwt expired at 2026-01-01T00:00:00Z", C::Expired),
            ("Signature has expired", C::Expired),
            ("\"exp\" claim timestamp check failed", C::Expired),
            ("The token expired at '01/01/2026 00:00:00'", C::Expired),
            ("Token is not active", C::NotActive),
            ("The token is not valid before '01/01/2027 00:00:00'", C::NotYet),
            ("Token used before issued", C::NotYet),
            ("The audience 'https://a' is invalid", C::Audience),
            ("Unexpected \"aud\" value", C::Audience),
            ("IDX10214: Audience validation failed.", C::Audience),
            ("The iss claim is not valid", C::Issuer),
            ("Invalid token issuer. Expected 'http://a', but was 'http://b'", C::Issuer),
            ("incorrect claims, please check the audience and issuer", C::AudienceOrIssuer),
            ("Signed JWT rejected: Another algorithm expected, or no matching key(s) found", C::Key),
            ("The signature key was not found", C::Key),
            ("IDX10503: Signature validation failed. Token does not have a kid.", C::Key),
            ("invalid algorithm", C::Algorithm),
            ("Signature verification failed", C::Signature),
            ("The token was revoked", C::Revoked),
            ("jwt malformed", C::Form),
            ("Not enough segments", C::Form),
            ("CompactToken parsing failed with error code: 80049217", C::Form),
            ("The token is not a JWT", C::Form),
            ("No authorization token was found", C::Missing),
            ("Authorization header is expected", C::Missing),
        ] {
            assert_eq!(complaint(&said(text)), Some(complains_of), "{text}");
        }
        for text in ["Unauthorized", "Access denied", "", "Please try again", "Invalid token"] {
            assert_eq!(complaint(&said(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_expected_is_read_only_where_it_is_named() {
        for (text, value) in [
            ("jwt audience invalid. expected: https://api.example.com/", Some("https://api.example.com/")),
            ("Invalid token issuer. Expected 'http://a', but was 'http://b'", Some("http://a")),
            ("expected audience to be one of [\"urn:x\"]", Some("urn:x")),
            ("aud should be https://api.", Some("https://api")),
            ("expected: my-api", Some("my-api")),
            ("Unexpected 'aud' value", None),
            ("Another algorithm expected, or no matching key(s) found", None),
            ("Authorization header is expected", None),
            ("expected 'unclosed", None),
            ("", None),
        ] {
            assert_eq!(expected(&said(text)).as_deref(), value, "{text}");
        }
    }
}
