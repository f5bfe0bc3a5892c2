//! What an API says when it refuses: the challenge of RFC 6750, and the body in any of the shapes that APIs use.

use oauth2::http::{HeaderMap, header};
use serde_json::Value;

use crate::untrusted;

/// The API's own words, safe to show. Each may be absent; the header's words win over the body's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The authentication scheme of the challenge (RFC 9110, section 11.6.1).
    pub scheme: Option<String>,
    /// The error code (RFC 6750, section 3.1), such as `insufficient_scope`.
    pub error: Option<String>,
    /// The explanation.
    pub description: Option<String>,
    /// The scopes that the resource needs.
    pub scopes: Vec<String>,
}

/// The most scopes that are shown.
const MOST_SCOPES: usize = 30;

impl Refusal {
    /// Reads a refusal.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let challenges: Vec<_> = headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .flat_map(|value| challenges(&String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let challenge = challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
        let challenge = challenge.or(challenges.first());
        let parameter = |name| challenge.and_then(|challenge| challenge.parameter(name)).map(untrusted::line);

        let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let member = |names: &[&str]| {
            let text = names.iter().find_map(|name| body[*name].as_str());
            text.filter(|text| !text.is_empty()).map(untrusted::line)
        };
        let scopes = parameter("scope").or_else(|| member(&["scope", "required_scope"])).unwrap_or_default();
        // `message` beside an error is its explanation; alone it is all there is.
        Self {
            scheme: challenge.map(|challenge| untrusted::line(&challenge.scheme)),
            error: parameter("error").or_else(|| member(&["error", "error_code", "code"])),
            description: parameter("error_description")
                .or_else(|| member(&["error_description", "description", "message", "detail"])),
            scopes: scopes.split_whitespace().take(MOST_SCOPES).map(str::to_owned).collect(),
        }
    }
}

/// A challenge (RFC 9110, section 11.6.1).
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The challenges of one header value: `Basic realm="x", Bearer error="y", scope="a b"`.
fn challenges(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    for item in split_at_commas(value) {
        let equals = item.find('=').unwrap_or(item.len());
        // A space in front of the `=` tells a scheme with its first parameter from a further parameter.
        let (scheme, parameter) = match item[..equals].trim_end().split_once(char::is_whitespace) {
            Some((scheme, _)) => (Some(scheme), item[scheme.len()..].trim_start()),
            None if equals == item.len() => (Some(item), ""),
            None => (None, item),
        };
        if let Some(scheme) = scheme {
            challenges.push(Challenge { scheme: scheme.to_owned(), parameters: Vec::new() });
        }
        if let (Some(challenge), Some((name, value))) = (challenges.last_mut(), parameter.split_once('=')) {
            challenge.parameters.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    challenges
}

/// The items of a comma-separated list, with the commas inside quotes left alone.
fn split_at_commas(value: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                items.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&value[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// The content of a quoted string (RFC 9110, section 5.6.4), or the token as it is.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let (mut text, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use oauth2::http::HeaderValue;

    fn read(challenges: &[&str], body: &str) -> Refusal {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
        }
        Refusal::read(&headers, body.as_bytes())
    }

    fn refusal(error: Option<&str>, description: Option<&str>, scopes: &[&str]) -> Refusal {
        Refusal {
            scheme: None,
            error: error.map(str::to_owned),
            description: description.map(str::to_owned),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }

    #[test]
    fn the_challenge_of_rfc_6750_is_read_with_its_commas_and_quotes() {
        let read = read(
            &[
                r#"Bearer realm="api", error="insufficient_scope", error_description="Say \"please\", twice", scope="a b""#,
            ],
            "",
        );
        let expected = refusal(Some("insufficient_scope"), Some("Say \"please\", twice"), &["a", "b"]);
        assert_eq!(read, Refusal { scheme: Some("Bearer".to_owned()), ..expected });
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        for challenges in [
            &[r#"Basic realm="x", Bearer error="invalid_token""#][..],
            &[r#"Basic realm="x""#, "bearer error=invalid_token"][..],
        ] {
            assert_eq!(read(challenges, "").error.as_deref(), Some("invalid_token"), "{challenges:?}");
        }
    }

    #[test]
    fn a_challenge_without_parameters_is_a_scheme_alone() {
        assert_eq!(read(&["Negotiate"], "").scheme.as_deref(), Some("Negotiate"));
    }

    #[test]
    fn the_body_is_read_in_any_of_its_shapes() {
        for (body, expected) in [
            (r#"{"message":"m"}"#, refusal(None, Some("m"), &[])),
            (r#"{"error":"e","error_description":"d","error_code":"c"}"#, refusal(Some("e"), Some("d"), &[])),
            (r#"{"code":"token_expired","description":"d"}"#, refusal(Some("token_expired"), Some("d"), &[])),
            (
                r#"{"error":"insufficient_permissions","message":"m"}"#,
                refusal(Some("insufficient_permissions"), Some("m"), &[]),
            ),
            (
                r#"{"error":"insufficient_scope","scope":"a b"}"#,
                refusal(Some("insufficient_scope"), None, &["a", "b"]),
            ),
            ("<html>", Refusal::default()),
            ("[1]", Refusal::default()),
            ("", Refusal::default()),
        ] {
            assert_eq!(read(&[], body), expected, "{body}");
        }
    }

    #[test]
    fn the_headers_words_win_over_the_bodys() {
        let read = read(&[r#"Bearer error="invalid_token""#], r#"{"error":"other","message":"m"}"#);
        assert_eq!((read.error.as_deref(), read.description.as_deref()), (Some("invalid_token"), Some("m")));
    }

    #[test]
    fn what_would_act_on_the_screen_is_made_harmless() {
        let read = read(&[], "{\"message\":\"a\\u001b[2J\\u202eb\"}");
        assert_eq!(read.description.as_deref(), Some("a\u{fffd}[2J\u{fffd}b"));
    }
}
