//! A request and what came of it, recorded as it was said. Its bytes are private to this file: whatever is shown of
//! them passes [`redaction`].

use std::fmt;
use std::time::Duration;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use jiff::{SignedDuration, Timestamp};
use oauth2::http::{HeaderMap, Method, StatusCode, header};

use super::{HttpError, Purpose, Request};
use crate::redaction::{self, As, Instead, Known};

/// The most bytes of a body that are recorded.
const MOST: usize = 64 << 10;

/// One request and what came of it.
#[derive(Clone)]
pub struct Exchange {
    /// What it was for.
    pub purpose: Purpose,
    /// The method.
    pub method: Method,
    /// When it was sent.
    pub at: Timestamp,
    /// The status, or why there was no answer.
    pub outcome: Result<StatusCode, HttpError>,
    /// From sending to the last byte.
    pub took: Duration,
    /// How far this computer's clock is ahead of the far side's, by the answer's `Date`.
    pub clock_ahead: Option<SignedDuration>,
    pub(super) url: String,
    pub(super) request: Said,
    pub(super) response: Option<Said>,
}

/// One side of it, as it was said.
#[derive(Clone)]
pub(super) struct Said {
    headers: HeaderMap,
    /// The beginning of the body.
    body: Vec<u8>,
    /// How long the body was.
    size: usize,
}

/// One side of it, as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body's beginning; `None` where it is no text.
    pub body: Option<String>,
    /// How long the body was, in bytes.
    pub size: usize,
    /// Whether that is more than what is here.
    pub cut: bool,
}

impl fmt::Debug for Message {
    /// Leaves out the values and the body: they may have been revealed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} headers, {} bytes)", self.headers.len(), self.size)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {:?}", self.method, self.url(Instead::Hidden), self.outcome)
    }
}

impl Said {
    pub(super) fn request(request: &Request) -> Self {
        let mut said = Self::head(request.headers());
        said.goes_on(request.body());
        said
    }

    /// One of which the body is still to come.
    pub(super) fn head(headers: &HeaderMap) -> Self {
        Self { headers: headers.clone(), body: Vec::new(), size: 0 }
    }

    /// Its body goes on with these bytes.
    pub(super) fn goes_on(&mut self, bytes: &[u8]) {
        let room = MOST - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.size += bytes.len();
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Tells `known` its secrets.
    fn tell(&self, known: &mut Known) {
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            known.note(&value, &redaction::find(&value, As::Header(name.as_str())));
        }
        if let Some(text) = self.text() {
            known.note(&text, &redaction::find(&text, As::body(self.content_type(), &text)));
        }
    }

    fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE)
    }

    /// The body by its byte order mark, or by the charset that is named; `None` where that makes no text of it.
    fn text(&self) -> Option<String> {
        let charset = self.content_type().split(';').find_map(|part| {
            let (name, label) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| label.trim().trim_matches('"'))
        });
        let encoding = charset.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
        let mut decoder = encoding.new_decoder();
        let mut text =
            String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(self.body.len())?);
        // The cut may have gone through a character.
        let is_whole = self.size == self.body.len();
        let (result, _) = decoder.decode_to_string_without_replacement(&self.body, &mut text, is_whole);
        (result == DecoderResult::InputEmpty && !text.contains('\0')).then_some(text)
    }
}

impl Exchange {
    /// The URL.
    #[must_use]
    pub fn url(&self, instead: Instead) -> String {
        shown(&self.url, As::Url, &self.own_secrets(), instead)
    }

    /// What was asked.
    #[must_use]
    pub fn request(&self, instead: Instead) -> Message {
        self.message(&self.request, instead)
    }

    /// What was answered, if anything was.
    #[must_use]
    pub fn response(&self, instead: Instead) -> Option<Message> {
        self.response.as_ref().map(|said| self.message(said, instead))
    }

    /// How many bytes this keeps in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of = |said: &Said| {
            let headers = said.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64);
            said.body.len() + headers.sum::<usize>()
        };
        self.url.len() + of(&self.request) + self.response.as_ref().map_or(0, of)
    }

    /// The same request as a command for curl; a variable stands in the place of each secret.
    #[must_use]
    pub fn curl(&self) -> String {
        let request = self.request(Instead::Variable);
        let mut command = format!("curl -X {} {}", self.method, quoted(&self.url(Instead::Variable)));
        for (name, value) in &request.headers {
            command.extend([" \\\n  -H ", &quoted(&format!("{name}: {value}"))]);
        }
        match request.body {
            _ if request.size == 0 => {}
            Some(body) => command.extend([" \\\n  --data-raw ", &quoted(&body)]),
            // What is no text is to be put into a file.
            None => command.push_str(" \\\n  --data-binary @body"),
        }
        command
    }

    fn message(&self, said: &Said, instead: Instead) -> Message {
        let own = self.own_secrets();
        let headers = said.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), shown(&value, As::Header(name.as_str()), &own, instead))
        });
        let body = said.text().map(|text| {
            let kind = As::body(said.content_type(), &text);
            shown(&text, kind, &own, instead)
        });
        Message { headers: headers.collect(), body, size: said.size, cut: said.size > said.body.len() }
    }

    /// The secrets of the request: the far side may repeat them where neither name nor shape tells what they are.
    fn own_secrets(&self) -> Known {
        own_secrets(&self.url, &self.request)
    }

    /// Everything secret that was said.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let mut known = self.own_secrets();
        if let Some(response) = &self.response {
            response.tell(&mut known);
        }
        known.into_words()
    }
}

/// The secrets of a request, before anything was said.
pub fn secrets(request: &Request) -> impl Iterator<Item = String> + use<> {
    own_secrets(&request.uri().to_string(), &Said::request(request)).into_words()
}

fn own_secrets(url: &str, request: &Said) -> Known {
    let mut known = Known::default();
    known.note(url, &redaction::find(url, As::Url));
    request.tell(&mut known);
    known
}

/// `text` without its secrets and those that are `known`.
fn shown(text: &str, kind: As, known: &Known, instead: Instead) -> String {
    if instead == Instead::Itself {
        return text.to_owned();
    }
    let mut found = redaction::find(text, kind);
    found.extend(known.find(text));
    redaction::shown(text, found, instead)
}

/// A word for a POSIX shell: nothing in it means anything there, but the variables that stand for secrets.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("'");
    for part in word.split(redaction::VARIABLE) {
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        match part.strip_prefix('$').filter(|name| is_name(name)) {
            Some(name) => quoted.extend(["'\"$", name, "\"'"]),
            None => quoted.push_str(&part.replace('\'', r"'\''")),
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exchange in which this was sent and answered, each with its `Content-Type`.
    fn exchange(
        url: &str,
        headers: &[(&'static str, &str)],
        sent: (&str, &[u8]),
        came: (&str, &[u8]),
    ) -> Exchange {
        let said = |kind: &str, body: &[u8]| {
            let mut all = HeaderMap::new();
            all.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            let mut said = Said::head(&all);
            said.goes_on(body);
            said
        };
        let (mut request, response) = (said(sent.0, sent.1), said(came.0, came.1));
        for (name, value) in headers {
            request.headers.insert(*name, value.parse().unwrap());
        }
        Exchange {
            purpose: Purpose::Api,
            method: Method::POST,
            at: Timestamp::UNIX_EPOCH,
            outcome: Ok(StatusCode::OK),
            took: Duration::ZERO,
            clock_ahead: None,
            url: url.to_owned(),
            request,
            response: Some(response),
        }
    }

    /// Everything that may be shown of it.
    fn all(exchange: &Exchange) -> String {
        let (request, response) = (exchange.request(Instead::Hidden), exchange.response(Instead::Hidden));
        let texts = [request, response.unwrap()].map(|it| format!("{:?} {:?}", it.headers, it.body));
        [&exchange.url(Instead::Hidden), &exchange.curl(), &texts[0], &texts[1]]
            .map(String::as_str)
            .join("\n")
    }

    fn utf_16(text: &str) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn no_secret_of_the_request_is_readable_where_the_answer_repeats_it() {
        let headers = [
            ("authorization", "Bearer canary-1"),
            ("cookie", "sid=canary-2; theme=dark"),
            ("x-api-key", "canary-3"),
            ("proxy-authorization", "Basic canary-4"),
        ];
        let (url, sent) = (
            "http://h/canary-6?api_key=canary-5%2Fx",
            r#"{"password":"canary-6","pins":{"secret":["canary-7\""]}}"#,
        );
        let came = r#"{"args":["canary-1","canary-2","CANARY-3","canary-4","canary-5/x","canary-6","canary-7\""],
            "data":"{\"password\":\"canary-6\",\"x\":\"canary-7\\\"\"}","url":"?a=canary-5%2fx","dark":"theme"}"#;
        for kind in ["application/json", "text/html", "application/x-www-form-urlencoded"] {
            let mut exchange =
                exchange(url, &headers, ("application/json", sent.as_bytes()), (kind, came.as_bytes()));
            let response = exchange.response.as_mut().unwrap();
            response.headers.insert("x-echo", "canary-2 and canary-5%2Fx".parse().unwrap());
            let all = all(&exchange);
            assert!(!all.to_lowercase().contains("canary"), "{all}");
            assert!(all.contains("theme\\\"}") || kind.ends_with("urlencoded"), "{all}");
            assert!(
                exchange.curl().contains("h/'\"$PASSWORD\"'?api_key='\"$API_KEY\"'"),
                "{}",
                exchange.curl()
            );
        }
    }

    #[test]
    fn a_short_secret_is_no_reason_to_hide_words() {
        let sent = ("application/x-www-form-urlencoded", &b"pin=1234&code=it"[..]);
        let exchange = exchange("http://h/?state=open", &[], sent, ("text/plain", b"it is 12345, open"));
        assert_eq!(exchange.response(Instead::Hidden).unwrap().body.unwrap(), "it is 12345, open");
    }

    #[test]
    fn secrets_are_hidden_in_bodies_of_other_encodings() {
        let text = r#"{"password":"canary-1","name":"Zoë"}"#;
        let big: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
        for (kind, body) in [
            ("application/json", utf_16(text)),
            ("text/plain", utf_16(text)),
            ("application/json; charset=\"UTF-16BE\"", big),
            ("application/json; Charset=iso-8859-1", latin),
        ] {
            let exchange = exchange("http://h/", &[], (kind, &body), (kind, &body));
            let all = all(&exchange);
            assert!(!all.contains("canary") && all.matches("Zoë").count() == 3, "{kind}: {all}");
            let message = exchange.response(Instead::Hidden).unwrap();
            assert_eq!((message.size, message.cut), (body.len(), false));
        }
    }

    #[test]
    fn what_is_no_text_is_not_shown() {
        let without_mark: Vec<_> =
            r#"{"password":"canary"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (kind, body) in [
            ("application/json", &*without_mark),
            ("text/plain; charset=utf-8", b"canary \xff\xfe"),
            ("text/plain; charset=utf-16", b"\xd8\x00\xd8"),
            ("application/octet-stream", b"\0canary"),
        ] {
            let exchange = exchange("http://h/", &[], (kind, body), (kind, body));
            let message = exchange.request(Instead::Itself);
            assert_eq!((message.body, message.size), (None, body.len()), "{kind}");
            assert!(exchange.curl().ends_with("--data-binary @body") && !all(&exchange).contains("canary"));
        }
    }

    #[test]
    fn a_cut_through_a_character_leaves_what_is_before_it() {
        for body in [
            "é".repeat(MOST).into_bytes(),
            [b"x".to_vec(), "é".repeat(MOST).into_bytes()].concat(),
            utf_16(&"é".repeat(MOST)),
        ] {
            let exchange = exchange("http://h/", &[], ("", b""), ("text/plain", &body));
            let message = exchange.response(Instead::Hidden).unwrap();
            assert!(message.cut && message.body.unwrap().ends_with('é'));
        }
    }

    #[test]
    fn each_part_of_a_form_is_told_by_its_name_and_its_headers() {
        let kind = "multipart/form-data; boundary=\"b x\"";
        let part = |head: &str, body: &str| format!("--b x\r\n{head}\r\n\r\n{body}\r\n");
        let named = |name: &str| format!("Content-Disposition: form-data; name=\"{name}\"");
        let parts = [
            "canary-0".to_owned(),
            part(&named("password"), "canary-1\r\ncanary-1"),
            part(&named("client%53ecret"), "canary-2"),
            part(&named("comment"), "Good day, ?token=canary-3&x"),
            part(
                &(named("data") + "\r\nContent-Type: application/json"),
                r#"{"otp":"canary-4","a":"shown"}"#,
            ),
            part(&(named("file") + "; filename=x\r\nContent-Type: application/octet-stream"), "canary-5"),
            part(&(named("encoded") + "\r\nContent-Transfer-Encoding: base64"), "canary-6"),
            part("Content-Disposition: form-data", "canary-7"),
            part(&(named("x") + "\r\nX-Api-Key: canary-8"), "plain"),
            "--b x\r\nno headers, canary-9\r\n".to_owned(),
            "--b x--\r\ncanary-10".to_owned(),
        ];
        let body = parts.concat();
        let exchange = exchange("http://h/", &[], (kind, body.as_bytes()), (kind, body.as_bytes()));
        let shown = all(&exchange);
        assert!(!shown.contains("canary"), "{shown}");
        for word in ["Good day", "shown", "plain", "name=\\\"comment"] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
        let other = self::exchange(
            "http://h/",
            &[],
            ("multipart/form-data; boundary=other", body.as_bytes()),
            ("", b""),
        );
        assert_eq!(other.request(Instead::Hidden).body.as_deref(), Some("••••"));
    }
}
