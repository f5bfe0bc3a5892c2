//! The response, ready to be shown.

use std::sync::Arc;
use std::time::Duration;

use oauth2::http::{HeaderMap, StatusCode, header};
use url::Url;

use super::refusal::Refusal;
use super::request::Request;
use crate::body::{Body, Progress, Row};
use crate::http::HttpError;
use crate::redaction;
use crate::secret::Secret;
use crate::untrusted;

/// How many rows of the body go along with a response: more than a window has room for.
pub const FIRST_ROWS: u64 = 200;

/// How much of it goes along as text, in bytes.
pub(super) const BEGINNING: usize = 64 << 10;

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// What was sent.
    pub request: Request,
    /// Whether the access token went along.
    pub with_token: bool,
    /// Status code.
    pub status: StatusCode,
    /// From sending to the last byte that came.
    pub took: Duration,
    /// Bytes of the body, where that was said beforehand.
    pub length: Option<u64>,
    /// `Content-Type`, without its parameters.
    pub content_type: Option<String>,
    /// The headers, in order, safe to show.
    pub headers: Vec<(String, String)>,
    /// Where it redirects to, if that is another origin: there the token was not sent.
    pub elsewhere: Option<Url>,
    /// What the API said, where the status is an error.
    pub refusal: Option<Refusal>,
    /// The body.
    pub body: Arc<Body>,
    /// How far it was when this was made.
    pub progress: Progress,
    /// Its first rows, of the view that suits it best.
    pub rows: Vec<Row>,
    /// Its beginning, as text.
    pub beginning: Secret,
    /// Why the body is not whole, if it is not.
    pub cut: Option<Cut>,
}

/// Why a body is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The rest did not come.
    BrokeOff(HttpError),
    /// It is longer than what is read.
    TooLong,
    /// There was no room for it, or it could not be written.
    Disk(String),
    /// The person did not want to wait for the rest.
    Cancelled,
}

impl Response {
    /// The same, of which nothing more comes.
    #[must_use]
    pub fn broken_off(&self, cut: Cut, progress: Progress) -> Self {
        Self {
            request: self.request.clone(),
            content_type: self.content_type.clone(),
            headers: self.headers.clone(),
            elsewhere: self.elsewhere.clone(),
            refusal: self.refusal.clone(),
            body: Arc::clone(&self.body),
            progress: Progress { is_over: true, ..progress },
            rows: self.rows.clone(),
            beginning: self.beginning.clone(),
            cut: Some(cut),
            ..*self
        }
    }

    /// Code and reason: `200 OK`.
    #[must_use]
    pub fn status_line(&self) -> String {
        status_line(self.status)
    }
}

/// Code and reason: `200 OK`.
#[must_use]
pub fn status_line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(untrusted::line(value.split(';').next().unwrap_or(value).trim()))
}

pub(super) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let value = redaction::header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        (name.to_string(), untrusted::line(&value))
    });
    shown.collect()
}
