//! A request and what came of it, recorded as it was said. Its bytes are private to this file: whatever is shown of
//! them passes [`redaction`].

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oauth2::http::{HeaderMap, Method, StatusCode, header};

use super::{HttpError, Purpose, Request};
use crate::redaction::{self, Instead};

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

    fn text(&self) -> Option<&str> {
        match std::str::from_utf8(&self.body) {
            Ok(text) => Some(text),
            // The cut may have gone through a character.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&self.body[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        }
    }
}

impl Exchange {
    /// The URL.
    #[must_use]
    pub fn url(&self, instead: Instead) -> String {
        redaction::url(&self.url, instead)
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
        if let Some(body) = request.body.filter(|body| !body.is_empty()) {
            command.extend([" \\\n  --data-raw ", &quoted(&body)]);
        }
        command
    }

    fn message(&self, said: &Said, instead: Instead) -> Message {
        let headers = said.headers.iter().map(|(name, value)| {
            let value = redaction::header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()), instead);
            (name.to_string(), self.without_own_secrets(value, instead))
        });
        let kind = said.header(header::CONTENT_TYPE);
        let body = said.text().map(|text| {
            let text = match kind {
                kind if kind.starts_with("application/x-www-form-urlencoded") => {
                    redaction::form(text, instead)
                }
                kind if kind.contains("json") || text.trim_start().starts_with(['{', '[']) => {
                    redaction::json(text, instead)
                }
                _ => redaction::text(text, instead),
            };
            self.without_own_secrets(text, instead)
        });
        Message { headers: headers.collect(), body, size: said.size, cut: said.size > said.body.len() }
    }

    /// An API may repeat the token that it was sent, where neither name nor shape tells what it is.
    fn without_own_secrets(&self, text: String, instead: Instead) -> String {
        let credential = self.request.header(header::AUTHORIZATION).split_once(' ').map(|(_, secret)| secret);
        match credential.filter(|secret| instead != Instead::Itself && secret.len() >= 8) {
            Some(secret) if text.contains(secret) => text.replace(secret, crate::secret::HIDDEN),
            _ => text,
        }
    }
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
