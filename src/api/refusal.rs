//! What an API says when it refuses: the challenge of RFC 6750 and RFC 9470, and the body in any of the shapes that
//! APIs use.

use oauth2::http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::untrusted;

/// The API's own words, safe to show. Each may be absent; the header's words win over the body's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The authentication scheme of the challenge that is read (RFC 9110, section 11.6.1): Bearer, if it is among them.
    pub scheme: Option<String>,
    /// The schemes of all challenges, each once.
    pub schemes: Vec<String>,
    /// What the API calls the part of it that was called (RFC 9110, section 11.5).
    pub realm: Option<String>,
    /// Where the API describes itself (RFC 9728, section 5.1).
    pub resource_metadata: Option<String>,
    /// The audience that the API says it wants.
    pub audience: Option<String>,
    /// The permissions or roles that the API says it wants.
    pub permissions: Vec<String>,
    /// A page about the error (RFC 6750, section 3).
    pub error_uri: Option<String>,
    /// The error code (RFC 6750, section 3.1), such as `insufficient_scope`.
    pub error: Option<String>,
    /// The explanation.
    pub description: Option<String>,
    /// The scopes that the resource needs.
    pub scopes: Vec<String>,
    /// How the person must have been authenticated: one of these, best first (RFC 9470, section 3).
    pub acr_values: Vec<String>,
    /// How many seconds ago that may be at most (RFC 9470, section 3).
    pub max_age: Option<u64>,
}

/// The most scopes, or other words of a list, that are read.
const MOST_WORDS: usize = 30;

impl Refusal {
    /// Whether it is about how the person logged in: of that a renewal would say nothing new (RFC 9470, section 3).
    #[must_use]
    pub fn is_about_the_person(&self) -> bool {
        self.error.as_deref() == Some("insufficient_user_authentication")
    }

    /// Whether it asks that the person logs in again, more strongly or more recently, and says how (RFC 9470,
    /// section 3).
    #[must_use]
    pub fn wants_step_up(&self) -> bool {
        self.is_about_the_person() && (!self.acr_values.is_empty() || self.max_age.is_some())
    }

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

        let body = if body.len() <= LONGEST { body } else { &[] };
        let said = Body::read(body);
        let member = |names: &[&str]| said.text(names);
        let scopes = parameter("scope").map(|scopes| words(&scopes));
        let schemes = challenges.iter().map(|challenge| untrusted::line(&challenge.scheme));
        let error = parameter("error").or_else(|| member(&CODES));
        // `message` beside an error is its explanation; alone it is all there is.
        let description = parameter("error_description").or_else(|| member(&WORDS)).or_else(|| said.plain());
        Self {
            scheme: challenge.map(|challenge| untrusted::line(&challenge.scheme)),
            schemes: once(schemes),
            realm: parameter("realm"),
            resource_metadata: parameter("resource_metadata"),
            audience: member(&["expected_audience", "required_audience"]),
            permissions: said.list(&[
                "required_permissions",
                "required_permission",
                "required_roles",
                "required_role",
            ]),
            error_uri: parameter("error_uri").or_else(|| member(&["error_uri"])),
            // One and the same text tells nothing twice.
            description: description.filter(|text| error.as_ref() != Some(text)),
            error,
            scopes: scopes.unwrap_or_else(|| {
                said.list(&["scope", "scopes", "required_scope", "required_scopes", "requiredScopes"])
            }),
            acr_values: parameter("acr_values").map(|values| words(&values)).unwrap_or_default(),
            max_age: parameter("max_age").as_deref().and_then(seconds),
        }
    }
}

/// The longest body that is read for the API's words, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// Where error codes stand in a body, and where explanations do: RFC 6749 first, then what else is in use.
const CODES: [&str; 5] = ["error", "error_code", "errorCode", "code", "__type"];
const WORDS: [&str; 11] = [
    "error_description",
    "description",
    "message",
    "Message",
    "detail",
    "errorSummary",
    "error_message",
    "faultstring",
    "title",
    "msg",
    "reason",
];

/// The body of a refusal.
enum Body<'a> {
    /// The object that tells of the error, and the one that it stands in.
    Json(Value, Value),
    /// A few words of text.
    Plain(&'a str),
    /// Nothing to read.
    Nothing,
}

impl<'a> Body<'a> {
    fn read(body: &'a [u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::String(text)) => Self::Json(json!({ "message": text }), Value::Null),
            Ok(outer) => {
                // `{"error":{…}}`, `{"fault":{…}}`, `{"errors":[{…}]}`, `[{…}]`: the first error is told.
                let nested = ["error", "fault", "errors"].iter().map(|name| &outer[*name]);
                let first = |several: &[Value]| match several.first() {
                    Some(Value::String(text)) => Some(json!({ "message": text })),
                    first => first.cloned(),
                };
                let nested = nested.chain([&outer]).find_map(|inner| match inner {
                    Value::Array(several) => first(several),
                    Value::Object(_) => Some(inner.clone()),
                    _ => None,
                });
                Self::Json(nested.unwrap_or_default(), outer)
            }
            Err(_) => {
                let text = std::str::from_utf8(body).unwrap_or_default().trim();
                let words = !text.is_empty() && !text.starts_with(['<', '{', '[']) && text.len() <= PLAIN;
                if words { Self::Plain(text) } else { Self::Nothing }
            }
        }
    }

    /// The first of these members that is a text or a number.
    fn text(&self, names: &[&str]) -> Option<String> {
        let Self::Json(inner, outer) = self else { return None };
        let texts =
            [inner, outer].into_iter().flat_map(|object| names.iter().map(move |name| &object[*name]));
        let mut texts = texts.filter_map(|value| match value {
            Value::String(text) if !text.trim().is_empty() => Some(untrusted::line(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        texts.next()
    }

    /// The words of the first of these members that is there, as one text or as a list.
    fn list(&self, names: &[&str]) -> Vec<String> {
        let Self::Json(inner, outer) = self else { return Vec::new() };
        let lists =
            [inner, outer].into_iter().flat_map(|object| names.iter().map(move |name| &object[*name]));
        let mut lists = lists.filter_map(|value| match value {
            Value::String(list) => Some(words(list)),
            Value::Array(list) => {
                let list: Vec<_> = list.iter().filter_map(Value::as_str).collect();
                Some(words(&list.join(" ")))
            }
            _ => None,
        });
        lists.next().unwrap_or_default()
    }

    fn plain(&self) -> Option<String> {
        match self {
            Self::Plain(text) => Some(untrusted::line(text)),
            _ => None,
        }
    }
}

/// The longest body that is taken for a sentence, in bytes.
const PLAIN: usize = 300;

/// Each once, in order.
fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for text in texts.take(MOST_WORDS) {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
            known.push(text);
        }
    }
    known
}

/// The words of a list, such as can stand in an authorization request (RFC 6749, section 3.3).
fn words(list: &str) -> Vec<String> {
    let can_be_asked_for = |word: &&str| word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    list.split(' ')
        .filter(|word| !word.is_empty())
        .filter(can_be_asked_for)
        .take(MOST_WORDS)
        .map(str::to_owned)
        .collect()
}

/// A number of seconds, if it is one that a clock can be set by: some 136 years at the most.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u32>().ok().filter(|_| digits).map(u64::from)
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
            error: error.map(str::to_owned),
            description: description.map(str::to_owned),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            ..Refusal::default()
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
        let bearer = "Bearer".to_owned();
        let (scheme, realm) = (Some(bearer.clone()), Some("api".to_owned()));
        assert_eq!(read, Refusal { scheme, schemes: vec![bearer], realm, ..expected });
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
            (
                r#"{"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}}"#,
                refusal(Some("401"), Some("m"), &[]),
            ),
            (
                r#"{"error":{"code":"InvalidAuthenticationToken","message":"m"}}"#,
                refusal(Some("InvalidAuthenticationToken"), Some("m"), &[]),
            ),
            (r#"{"errors":[{"code":"c","detail":"d"},{"code":"x"}]}"#, refusal(Some("c"), Some("d"), &[])),
            (r#"{"errors":["m"]}"#, refusal(None, Some("m"), &[])),
            (r#"{"title":"Forbidden","detail":"d","status":403}"#, refusal(None, Some("d"), &[])),
            (r#"{"errorCode":"E0000011","errorSummary":"s"}"#, refusal(Some("E0000011"), Some("s"), &[])),
            (r#"{"fault":{"faultstring":"f"}}"#, refusal(None, Some("f"), &[])),
            (r#"{"Message":"m"}"#, refusal(None, Some("m"), &[])),
            (r#"{"required_scopes":["a","b c"]}"#, refusal(None, None, &["a", "b", "c"])),
            (r#""just text""#, refusal(None, Some("just text"), &[])),
            ("Unauthorized", refusal(None, Some("Unauthorized"), &[])),
            ("{\"broken", Refusal::default()),
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
    fn the_challenge_of_rfc_9470_is_read() {
        let read =
            read(&[r#"Bearer error="insufficient_user_authentication", acr_values="a b", max_age=5"#], "");
        assert_eq!(
            (read.acr_values.as_slice(), read.max_age),
            (&["a".to_owned(), "b".to_owned()][..], Some(5))
        );
        assert!(read.wants_step_up());
    }

    #[test]
    fn a_challenge_that_asks_for_nothing_readable_is_no_step_up() {
        for asked in [
            "",
            r#", acr_values="""#,
            r#", acr_values="  ", scope="a""#,
            r#", acr_values="\"\" \\""#,
            r#", max_age="""#,
            ", max_age=-1",
            ", max_age=+1",
            ", max_age=NaN",
            ", max_age=1e3",
            ", max_age=1.5",
            ", max_age=0x10",
            ", max_age=4294967296",
            ", max_age=99999999999999999999999999",
        ] {
            let read = read(&[&format!(r#"Bearer error="insufficient_user_authentication"{asked}"#)], "");
            assert!(!read.wants_step_up(), "{asked}: {read:?}");
        }
        assert!(!read(&[r#"Bearer error="invalid_token", acr_values="a", max_age=5"#], "").wants_step_up());
    }

    #[test]
    fn what_cannot_be_asked_for_is_left_out_and_a_list_without_end_is_cut() {
        let long = (0..10_000).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        let challenge = format!(
            r#"Bearer error="insufficient_user_authentication", acr_values="urn:a \"b\" c&prompt=none d\\e", scope="{long}""#
        );
        let read = read(&[&challenge], "");
        assert_eq!(read.acr_values, ["urn:a", "c&prompt=none"]);
        assert_eq!(read.scopes.len(), 30);
        let lone = format!(r#"Bearer scope="{}", acr_values="{}""#, "s".repeat(1 << 20), "a".repeat(1 << 20));
        let read = tests::read(&[&lone], "");
        assert!(read.scopes.is_empty() && read.acr_values.is_empty(), "no part of a word is taken for it");
    }

    #[test]
    fn what_would_act_on_the_screen_is_made_harmless() {
        let read = read(&[], "{\"message\":\"a\\u001b[2J\\u202eb\"}");
        assert_eq!(read.description.as_deref(), Some("a\u{fffd}[2J\u{fffd}b"));
    }
}
