//! What is secret in a request or an answer, told by its name or its shape, and what stands in its place.
//!
//! A recorded exchange keeps its bytes to itself; whatever is shown, copied or exported of it passes here.

use std::borrow::Cow;
use std::ops::Range;

use crate::secret::HIDDEN;

/// What stands in the place of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// [`HIDDEN`], on the screen and in reports.
    Hidden,
    /// The name of a variable, such as `$ACCESS_TOKEN`: in a command to be filled in.
    Variable,
    /// The secret itself: the person asked to see it.
    Itself,
}

/// Stands before and after a variable, so that nothing that came from elsewhere is taken for one.
pub(crate) const VARIABLE: char = '\u{e000}';

impl Instead {
    fn of<'a>(self, name: &str, secret: &'a str) -> Cow<'a, str> {
        match self {
            Self::Hidden => HIDDEN.into(),
            Self::Itself => secret.into(),
            Self::Variable => {
                let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
                let name: String = name.chars().map(fits).collect();
                format!("{VARIABLE}${name}{VARIABLE}").into()
            }
        }
    }
}

/// The value of a header.
#[must_use]
pub fn header(name: &str, value: &str, instead: Instead) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        // The scheme is no secret, and says much.
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, secret)) => format!("{scheme} {}", instead.of("access_token", secret)),
            None => instead.of("access_token", value).into_owned(),
        },
        name if is_secret(name) || name.contains("cookie") => instead.of(name, value).into_owned(),
        "location" | "content-location" | "referer" => url(value, instead),
        _ => text(value, instead),
    }
}

/// A URL: the values of its query whose names say that they are secret.
#[must_use]
pub fn url(url: &str, instead: Instead) -> String {
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let mut shown = text(&without_user(path, instead), instead);
    if let Some(query) = query {
        shown.push('?');
        shown.push_str(&form(query, instead));
    }
    if let Some(fragment) = fragment {
        shown.push('#');
        shown.push_str(&form(fragment, instead));
    }
    shown
}

/// The URL without what stands for a user and a password (RFC 3986, section 3.2.1).
fn without_user(url: &str, instead: Instead) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{}{}", instead.of("user", &rest[..at]), &rest[at..]),
        None => url.to_owned(),
    }
}

/// A form (`application/x-www-form-urlencoded`), and a query, which is written like one.
#[must_use]
pub fn form(form: &str, instead: Instead) -> String {
    let pairs = form.split('&').map(|pair| match pair.split_once('=') {
        Some((name, secret)) if is_secret(name) => format!("{name}={}", instead.of(name, secret)),
        _ => text(pair, instead),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// JSON, well-formed or not: the strings of members whose names say that they are secret.
#[must_use]
pub fn json(json: &str, instead: Instead) -> String {
    let (mut shown, mut rest) = (String::with_capacity(json.len()), json);
    let mut name: Option<&str> = None;
    while let Some(string) = next_string(rest) {
        shown.push_str(&text(&rest[..string.start], instead));
        let (content, after) = (&rest[string.start + 1..string.end - 1], &rest[string.end..]);
        let is_name = after.trim_start().starts_with(':');
        let secret = name.take().filter(|name| !is_name && is_secret(name) && !content.is_empty());
        let content_shown =
            secret.map_or_else(|| text(content, instead).into(), |name| instead.of(name, content));
        shown.extend(["\"", &content_shown, "\""]);
        name = is_name.then_some(content);
        rest = after;
        // What is no string under such a name is hidden whole; a set of keys is public.
        if let Some(name) =
            name.filter(|name| is_secret(name) && !name.to_ascii_lowercase().ends_with("keys"))
            && let Some(value) = compound(rest)
        {
            shown.extend([&rest[..value.start], "\"", &instead.of(name, &rest[value.clone()]), "\""]);
            rest = &rest[value.end..];
        }
    }
    match (name.filter(|name| is_secret(name)), rest.find('"')) {
        // It was cut off in the middle of a secret.
        (Some(name), Some(start)) => {
            shown.push_str(&rest[..=start]);
            shown.push_str(&instead.of(name, &rest[start + 1..]));
        }
        _ => shown.push_str(&text(rest, instead)),
    }
    shown
}

/// Where the array, object or number is that follows a name and its colon.
fn compound(after: &str) -> Option<Range<usize>> {
    let start = after.find(|c: char| c != ':' && !c.is_whitespace())?;
    let first = after[start..].chars().next()?;
    if first.is_ascii_digit() || first == '-' {
        let length = after[start..].find(|c: char| c == ',' || c == '}' || c == ']' || c.is_whitespace());
        return Some(start..length.map_or(after.len(), |length| start + length));
    }
    if !matches!(first, '[' | '{') {
        return None;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in after.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(start..at + 1);
                }
            }
            _ => {}
        }
    }
    // One that was cut off is as good as one that ends there.
    Some(start..after.len())
}

/// Any text: what has the shape of a JWT, or of a pair of a secret's name and its value.
#[must_use]
pub fn text(text: &str, instead: Instead) -> String {
    tokens(&pairs(text, instead), instead)
}

/// `name=value`, as in a query within a text.
fn pairs(text: &str, instead: Instead) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(equals) = rest.find('=') {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let before = &rest[..equals];
        let start =
            before.char_indices().rev().take_while(|(_, c)| is_name(*c)).last().map_or(equals, |(at, _)| at);
        let after = &rest[equals + 1..];
        let end = after.find(|c: char| c.is_whitespace() || "&;,\"'<>\\".contains(c)).unwrap_or(after.len());
        shown.push_str(&rest[..=equals]);
        match &after[..end] {
            "" => {}
            value if is_secret(&before[start..]) => shown.push_str(&instead.of(&before[start..], value)),
            // What follows may hold pairs of its own.
            _ => {
                rest = after;
                continue;
            }
        }
        rest = &after[end..];
    }
    shown.push_str(rest);
    shown
}

fn tokens(text: &str, instead: Instead) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("eyJ") {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let length = rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start);
        let (before, found) = (&rest[..start], &rest[start..start + length]);
        shown.push_str(before);
        match found.matches('.').count() {
            2 | 4 => shown.push_str(&instead.of("token", found)),
            _ => shown.push_str(found),
        }
        rest = &rest[start + length..];
    }
    shown.push_str(rest);
    shown
}

/// Whether what has this name is a secret: a credential, or what a login's safety rests on.
fn is_secret(name: &str) -> bool {
    // `clientSecret` and `client-secret` are `client_secret`.
    let mut name: String = name.chars().fold(String::new(), |mut snake, c| {
        if c.is_ascii_uppercase() && snake.ends_with(|last: char| last.is_ascii_lowercase()) {
            snake.push('_');
        }
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
        snake
    });
    if name.ends_with("tokens") || name.ends_with("keys") {
        name.pop();
    }
    let exact = [
        "code",
        "code_verifier",
        "state",
        "nonce",
        "ticket",
        "authorization",
        "auth",
        "key",
        "session",
        "sid",
        "sig",
        "otp",
        "pwd",
        "pass",
        "passphrase",
        "passcode",
        "bearer",
        "pin",
        "assertion",
    ];
    let ends =
        ["token", "_code", "jwt", "_key", "apikey", "_hint", "assertion", "signature", "session_state"];
    let holds =
        ["secret", "password", "passwd", "credential", "session_id", "sessionid", "api_key", "private_key"];
    exact.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || holds.iter().any(|part| name.contains(part))
}

/// Where the next JSON string is, quotes included.
fn next_string(json: &str) -> Option<Range<usize>> {
    let start = json.find('"')?;
    let (mut escaped, mut end) = (false, json.len());
    for (at, byte) in json.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                end = at + 1;
                break;
            }
            _ => {}
        }
    }
    // One that never ends is as good as one that ends with the text.
    (end > start + 1 && json.as_bytes()[end - 1] == b'"').then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5";

    #[test]
    fn secrets_are_told_by_their_names_wherever_they_stand() {
        let hidden = [
            header("Authorization", "Bearer canary", Instead::Hidden),
            header("Cookie", "sid=canary", Instead::Hidden),
            header("Set-Cookie", "sid=canary", Instead::Hidden),
            header("X-Api-Key", "canary", Instead::Hidden),
            header("Location", "http://h/p?code=canary&state=canary", Instead::Hidden),
            url("http://h/p?id_token_hint=canary&access_token=canary#id_token=canary", Instead::Hidden),
            form("grant_type=refresh_token&refresh_token=canary&client_secret=canary", Instead::Hidden),
            json(
                r#"{"access_token":"canary","nested":{"clientSecret" : "can\"ary"},"id_token":"canary"}"#,
                Instead::Hidden,
            ),
            json(r#"{"access_token":"canary","broken"#, Instead::Hidden),
            json(r#"{"access_token":"canary that never ends"#, Instead::Hidden),
        ];
        for shown in hidden {
            assert!(!shown.contains("canary") && !shown.contains("ary\"}"), "{shown}");
        }
    }

    #[test]
    fn secrets_are_found_in_texts_and_under_the_spellings_that_people_use() {
        for shown in [
            text(r#"<a href="/cb?code=canary&state=canary">"#, Instead::Hidden),
            header("Link", "<https://h/x?access_token=canary>; rel=next", Instead::Hidden),
            json(r#"{"url":"https://h/cb?access_token=canary"}"#, Instead::Hidden),
            json(
                r#"{"data":"{\"refresh_token\":\"x\"}","authCode":"canary","accessKeys":"canary"}"#,
                Instead::Hidden,
            ),
            form("clientSecret=canary&passphrase=canary&codeVerifier=canary", Instead::Hidden),
            url("https://user:canary@h/p", Instead::Hidden),
            json(
                r#"{"access_token":["a","canary"],"credentials":{"x":["}","canary"]},"z":1}"#,
                Instead::Hidden,
            ),
            json(r#"{"tokens":[{"value":"canary"#, Instead::Hidden),
        ] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for (name, value) in
            [("WWW-Authenticate", "Bearer error=\"invalid_token\""), ("Content-Type", "text/html")]
        {
            assert_eq!(header(name, value, Instead::Hidden), value);
        }
        let discovery =
            r#"{"token_endpoint":"http://h/oauth/token","authorization_endpoint":"x","expires_in":3}"#;
        assert_eq!(json(discovery, Instead::Hidden), discovery);
        let keys = r#"{"keys":[{"kty":"RSA","kid":"a","n":"b"}],"otp":null}"#;
        assert_eq!(json(keys, Instead::Hidden), keys);
        assert_eq!(json(r#"{"otp": 123456, "b": 1}"#, Instead::Hidden), r#"{"otp": "••••", "b": 1}"#);
        let tokens = r#"{ "token_type": "Bearer", "scope": "read:messages", "empty": "" }"#;
        assert_eq!(json(tokens, Instead::Hidden), tokens);
        assert_eq!(url("http://h/p?mb=10&page=2#top", Instead::Hidden), "http://h/p?mb=10&page=2#top");
    }

    #[test]
    fn a_token_is_told_by_its_shape_even_where_nothing_names_it() {
        for shown in [
            text(&format!("the token {JWT} was refused"), Instead::Hidden),
            json(&format!(r#"{{"message":"bad: {JWT}"}}"#), Instead::Hidden),
            header("X-Debug", JWT, Instead::Hidden),
            url(&format!("http://h/{JWT}/x?y={JWT}"), Instead::Hidden),
        ] {
            assert!(shown.contains(HIDDEN) && !shown.contains("eyJ"), "{shown}");
        }
    }

    #[test]
    fn in_a_command_a_variable_stands_in_the_place_of_each_secret() {
        let plain = |text: String| text.replace(VARIABLE, "");
        let authorization = plain(header("authorization", "Bearer canary", Instead::Variable));
        assert_eq!(authorization, "Bearer $ACCESS_TOKEN");
        assert_eq!(
            plain(form("code=canary&x=1&refresh-token=y", Instead::Variable)),
            "code=$CODE&x=1&refresh-token=$REFRESH_TOKEN"
        );
    }

    #[test]
    fn who_asks_to_see_a_secret_sees_all_of_it() {
        let body = format!(r#"{{"access_token":"{JWT}","a":["b\\", "c"]}} "#);
        assert_eq!(json(&body, Instead::Itself), body);
        assert_eq!(form("code=canary", Instead::Itself), "code=canary");
    }
}
