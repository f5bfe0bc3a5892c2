//! What is secret in a request or an answer, told by its name or its shape, and what stands in its place.
//!
//! A recorded exchange keeps its bytes to itself; whatever is shown, copied or exported of it passes here.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::iter::{from_fn, once};
use std::ops::Range;

use crate::secret::HIDDEN;
use crate::spelling::{Meaning, meant};

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

/// What a text is, which tells where in it secrets can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As<'a> {
    /// The value of the header of this name.
    Header(&'a str),
    /// A URL.
    Url,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// JSON, well-formed or not.
    Json,
    /// `multipart/…`, by its `Content-Type`.
    Multipart(&'a str),
    /// Any other text.
    Text,
}

impl<'a> As<'a> {
    /// What a body is, by its `Content-Type` and by its looks.
    #[must_use]
    pub fn body(content_type: &'a str, body: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            essence if essence.starts_with("multipart/") => Self::Multipart(content_type),
            essence if essence.contains("json") || body.trim_start().starts_with(['{', '[']) => Self::Json,
            _ => Self::Text,
        }
    }
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub at: Range<usize>,
    /// What it is called.
    name: String,
    /// Whether what stands for it needs quotes of its own.
    bare: bool,
}

/// The secrets in a text: what has a secret's name or a secret's shape.
#[must_use]
pub fn find(text: &str, kind: As) -> Vec<Found> {
    find_named(text, kind, &is_secret)
}

/// The same, of whatever has a name that `is_hidden`.
pub(crate) fn find_named(text: &str, kind: As, is_hidden: &dyn Fn(&str) -> bool) -> Vec<Found> {
    let mut search = Search { text, is_hidden, found: Vec::new() };
    search.whole(kind, 0..text.len());
    search.found
}

/// The value of a header as it may be shown.
#[must_use]
pub fn header(name: &str, value: &str) -> String {
    shown(value, find(value, As::Header(name)), Instead::Hidden)
}

/// `text` with what was `found` in it replaced.
#[must_use]
pub fn shown(text: &str, mut found: Vec<Found>, instead: Instead) -> String {
    found.sort_by_key(|found| (found.at.start, Reverse(found.at.end)));
    found.dedup_by(|later, earlier| {
        let overlap = later.at.start < earlier.at.end;
        if overlap {
            earlier.at.end = earlier.at.end.max(later.at.end);
        }
        overlap
    });
    let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
    for Found { at, name, bare } in &found {
        let quote = if *bare && instead != Instead::Itself { "\"" } else { "" };
        shown.extend([&text[from..at.start], quote, &instead.of(name, &text[at.clone()]), quote]);
        from = at.end;
    }
    shown + &text[from..]
}

/// Secrets that are known from elsewhere, and told wherever they are repeated, whatever they are called there.
#[derive(Clone, Default)]
pub struct Known(Vec<(String, String)>);

impl Known {
    /// The fewest characters of a secret that is told so: shorter ones are words, and stand in many others.
    const FEWEST: usize = 6;

    /// From now on what was `found` in `text` is known.
    pub fn note(&mut self, text: &str, found: &[Found]) {
        for Found { at, name, .. } in found {
            let secret = &text[at.clone()];
            for word in once(secret).chain(parts(secret)) {
                let word = Meaning::of(word.trim()).into_word();
                if word.chars().count() >= Self::FEWEST {
                    self.0.push((name.clone(), word));
                }
            }
        }
    }

    /// Where in `text` they stand.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let meaning = Meaning::of(text);
        let all = self.0.iter().flat_map(|(name, word)| {
            meaning.find(word, false).map(|at| Found { at, name: name.clone(), bare: false })
        });
        all.collect()
    }

    /// Each of them.
    pub fn into_words(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(_, word)| word)
    }
}

/// The values within a secret that has several: cookies, or JSON.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| matches!(c, ';' | ',' | '"' | '[' | ']' | '{' | '}');
    let has_several = secret.contains(is_end) || secret.contains('=');
    let mut rest = if has_several { secret } else { "" };
    from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (part, after) = (&rest[..end], &rest[end..]);
        rest = after.get(1..).unwrap_or_default();
        // The name of a member says nothing.
        let is_name = after.starts_with('"') && rest.trim_start().starts_with(':');
        Some(if is_name { "" } else { part.split_once('=').map_or(part, |(_, value)| value) })
    })
}

/// A search through one text; ranges are places in it.
struct Search<'a> {
    text: &'a str,
    is_hidden: &'a dyn Fn(&str) -> bool,
    found: Vec<Found>,
}

impl Search<'_> {
    fn add(&mut self, name: &str, at: Range<usize>) {
        if !at.is_empty() {
            self.found.push(Found { at, name: name.to_owned(), bare: false });
        }
    }

    fn whole(&mut self, kind: As, at: Range<usize>) {
        match kind {
            As::Header(name) => self.header(name, at),
            As::Url => self.url(at),
            As::Form => self.form(at),
            As::Json => self.json(at),
            As::Multipart(content_type) => self.multipart(content_type, at),
            As::Text => self.any(at),
        }
    }

    fn header(&mut self, name: &str, at: Range<usize>) {
        let (value, name) = (&self.text[at.clone()], name.to_ascii_lowercase());
        match name.as_str() {
            "authorization" | "proxy-authorization" => {
                // The scheme is no secret, and says much.
                let start = at.start + value.find(' ').map_or(0, |space| space + 1);
                let name = if name == "authorization" { "access_token" } else { &name };
                self.add(name, start..at.end);
            }
            name if (self.is_hidden)(name) => self.add(name, at),
            "location" | "content-location" | "referer" => self.url(at),
            _ => self.json(at),
        }
    }

    /// The values of its query whose names say that they are secret.
    fn url(&mut self, at: Range<usize>) {
        let url = &self.text[at.clone()];
        let fragment = url.find('#').unwrap_or(url.len());
        let query = url[..fragment].find('?').unwrap_or(fragment);
        self.loose(at.start..at.start + query);
        for (start, end) in [(query, fragment), (fragment, url.len())] {
            self.form(at.start + end.min(start + 1)..at.start + end);
        }
    }

    /// A form, and a query, which is written like one.
    fn form(&mut self, at: Range<usize>) {
        for pair in pieces(self.text, at, "&") {
            match self.text[pair.clone()].split_once('=') {
                Some((name, _)) if (self.is_hidden)(name) => {
                    self.add(name, pair.start + name.len() + 1..pair.end);
                }
                _ => self.loose(pair),
            }
        }
    }

    /// The members whose names say that they are secret.
    fn json(&mut self, at: Range<usize>) {
        let (mut start, mut named) = (at.start, None);
        while let Some(string) = next_string(&self.text[start..at.end]) {
            let (open, close) = (start + string.start, start + string.end);
            let (content, after) = (open + 1..close - 1, &self.text[close..at.end]);
            let is_name = after.trim_start().starts_with(':');
            self.loose(start..open);
            start = close;
            match named.take().filter(|_| !is_name && !content.is_empty()) {
                Some(name) => self.add(name, content.clone()),
                None => self.loose(content.clone()),
            }
            let name = &self.text[content];
            if !is_name || !(self.is_hidden)(name) {
                continue;
            }
            named = Some(name);
            // What is no string under such a name is hidden whole; a set of keys is public (RFC 7517, section 5).
            if let Some(value) = compound(after)
                && !(name == "keys" && after[value.clone()].contains("\"kty\""))
            {
                let at = close + value.start..close + value.end;
                start = at.end;
                self.found.push(Found { at, name: name.to_owned(), bare: true });
                named = None;
            }
        }
        match (named, self.text[start..at.end].find('"')) {
            // It was cut off in the middle of a secret.
            (Some(name), Some(quote)) => self.add(name, start + quote + 1..at.end),
            _ => self.loose(start..at.end),
        }
    }

    /// Each part by its name and its headers (RFC 7578; RFC 2046, section 5.1); what cannot be told apart is hidden.
    fn multipart(&mut self, content_type: &str, at: Range<usize>) {
        let delimiter = parameter(content_type, "boundary").map(|boundary| format!("--{boundary}"));
        let Some(delimiter) = delimiter.filter(|delimiter| self.text[at.clone()].contains(delimiter)) else {
            return self.add("body", at);
        };
        let mut pieces = pieces(self.text, at, &delimiter);
        if let Some(preamble) = pieces.next() {
            self.opaque(preamble);
        }
        for piece in pieces {
            match self.text[piece.clone()].strip_prefix("--") {
                Some(_) => self.opaque(piece.start + 2..piece.end),
                None => self.part(piece),
            }
        }
    }

    fn part(&mut self, at: Range<usize>) {
        let part = &self.text[at.clone()];
        let blank =
            ["\r\n\r\n", "\n\n"].into_iter().filter_map(|blank| Some((part.find(blank)?, blank.len())));
        let Some((head, length)) = blank.min() else { return self.opaque(at) };
        let (mut name, mut kind, mut is_encoded) = (None, None, false);
        for line in pieces(self.text, at.start..at.start + head, "\n") {
            let Some((header, value)) = self.text[line.clone()].split_once(':') else { continue };
            self.header(header.trim(), line.start + header.len() + 1..line.end);
            match header.trim().to_ascii_lowercase().as_str() {
                "content-disposition" => name = parameter(value, "name"),
                "content-type" => kind = Some(value.trim()),
                "content-transfer-encoding" => {
                    let plain = ["7bit", "8bit", "binary"];
                    is_encoded = !plain.contains(&value.trim().to_ascii_lowercase().as_str());
                }
                _ => {}
            }
        }
        let end = at.start + part.trim_end_matches(['\r', '\n']).len();
        let content = (at.start + head + length).min(end)..end;
        let form = As::body(kind.unwrap_or_default(), &self.text[content.clone()]);
        let is_text = kind.is_none_or(|kind| kind.to_ascii_lowercase().starts_with("text/"));
        match name {
            Some(name) if (self.is_hidden)(name) => self.add(name, content),
            _ if is_encoded => self.opaque(content),
            _ if form != As::Text => self.whole(form, content),
            name if is_text && (name.is_some() || kind.is_some()) => self.any(content),
            _ => self.opaque(content),
        }
    }

    /// What may be anything, unless it is nothing.
    fn opaque(&mut self, at: Range<usize>) {
        if !self.text[at.clone()].trim().is_empty() {
            self.add("part", at);
        }
    }

    /// Text, which may quote whatever was said: headers, a line each, or JSON.
    fn any(&mut self, at: Range<usize>) {
        self.json(at.clone());
        for line in pieces(self.text, at, "\n") {
            let text = &self.text[line.clone()];
            if let Some((name, value)) = text.split_once(':')
                && is_token(name.trim())
                && (self.is_hidden)(name.trim())
            {
                let end = line.start + text.trim_end().len();
                self.header(name.trim(), (line.end - value.trim_start().len()).min(end)..end);
            }
        }
    }

    /// What has the shape of a JWT, of a pair of a secret's name and its value, or of a user before a host.
    fn loose(&mut self, at: Range<usize>) {
        self.users(at.clone());
        self.pairs(at.clone());
        self.tokens(at);
    }

    /// What stands for a user and a password in a URL (RFC 3986, section 3.2.1).
    fn users(&mut self, at: Range<usize>) {
        for (scheme, found) in self.text[at.clone()].match_indices("://") {
            let start = at.start + scheme + found.len();
            let rest = &self.text[start..at.end];
            let end =
                rest.find(|c: char| c.is_whitespace() || "/?#\"'<>\\".contains(c)).unwrap_or(rest.len());
            if let Some(user) = rest[..end].rfind('@') {
                self.add("user", start..start + user);
            }
        }
    }

    /// `name=value`, as in a query within a text.
    fn pairs(&mut self, at: Range<usize>) {
        let mut from = at.start;
        while let Some(equals) = self.text[from..at.end].find('=').map(|equals| from + equals) {
            let before = &self.text[from..equals];
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let name = &before[before.trim_end_matches(is_name).len()..];
            let after = &self.text[equals + 1..at.end];
            let length = after.find(|c: char| c.is_whitespace() || "&;,\"'<>\\".contains(c));
            from = equals + 1;
            if (self.is_hidden)(name) {
                let end = from + length.unwrap_or(after.len());
                self.add(name, from..end);
                // What follows one that is none may hold pairs of its own.
                from = end;
            }
        }
    }

    fn tokens(&mut self, at: Range<usize>) {
        let mut from = at.start;
        while let Some(start) = self.text[from..at.end].find("eyJ").map(|start| from + start) {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let rest = &self.text[start..at.end];
            from = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            match self.text[start..from].matches('.').count() {
                2 | 4 => self.add("token", start..from),
                // It was cut off.
                1 | 3 if from == self.text.len() => self.add("token", start..from),
                _ => {}
            }
        }
    }
}

/// The places of what stands between `separator`s.
fn pieces<'a>(
    text: &'a str,
    at: Range<usize>,
    separator: &'a str,
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let mut start = at.start;
    text[at].split(separator).map(move |piece| {
        let at = start..start + piece.len();
        start = at.end + separator.len();
        at
    })
}

/// A parameter of a header's value, such as `boundary` (RFC 9110, section 5.6.6).
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.into_iter().find(|(its, _)| its.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
        .filter(|value| !value.is_empty())
}

/// Whether it can be the name of a header.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
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

/// Whether what has this name is a secret: a credential, or what a login's safety rests on.
pub(crate) fn is_secret(name: &str) -> bool {
    let mut name = snake(name);
    if name.ends_with("tokens") || name.ends_with("keys") {
        name.pop();
    }
    let exact = [
        "code",
        "code_verifier",
        "state",
        "nonce",
        "ticket",
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
    let ends = [
        "token",
        "_code",
        "jwt",
        "_key",
        "apikey",
        "_hint",
        "assertion",
        "authorization",
        "signature",
        "session_state",
    ];
    let holds = [
        "secret",
        "password",
        "passwd",
        "credential",
        "cookie",
        "session_id",
        "sessionid",
        "api_key",
        "private_key",
    ];
    exact.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || holds.iter().any(|part| name.contains(part))
}

/// `clientSecret` and `client-secret` are `client_secret`, however they are spelled.
pub(crate) fn snake(name: &str) -> String {
    meant(name).chars().fold(String::new(), |mut snake, c| {
        if c.is_ascii_uppercase() && snake.ends_with(|last: char| last.is_ascii_lowercase()) {
            snake.push('_');
        }
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
        snake
    })
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

    fn of(text: &str, kind: As, instead: Instead) -> String {
        shown(text, find(text, kind), instead)
    }

    fn header(name: &str, value: &str, instead: Instead) -> String {
        of(value, As::Header(name), instead)
    }

    fn url(url: &str, instead: Instead) -> String {
        of(url, As::Url, instead)
    }

    fn form(form: &str, instead: Instead) -> String {
        of(form, As::Form, instead)
    }

    fn json(json: &str, instead: Instead) -> String {
        of(json, As::Json, instead)
    }

    fn text(text: &str, instead: Instead) -> String {
        of(text, As::Text, instead)
    }

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
            json(
                r#"{"headers":{"Set-Cookie":"a=canary","Proxy-Authorization":"Basic canary"}}"#,
                Instead::Hidden,
            ),
            json(r#"{"acc\u0065ss_token":"canary"}"#, Instead::Hidden),
            form("access%5Ftoken=canary", Instead::Hidden),
            text(
                "GET / HTTP/1.1\r\nCookie: a=canary\r\n\r\nvar x = {\"password\": \"canary\"};",
                Instead::Hidden,
            ),
            text(&format!("it begins with {}", JWT.rsplit_once('.').unwrap().0), Instead::Hidden)
                .replace("eyJ", "canary"),
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
