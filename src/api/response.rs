//! The response, ready to be shown.

use std::time::Duration;

use oauth2::http::{HeaderMap, HeaderName, StatusCode, header};
use url::Url;

use super::document::Document;
use super::refusal::Refusal;
use super::request::Request;
use crate::http::Answer;
use crate::secret::HIDDEN;
use crate::untrusted;

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// What was sent.
    pub request: Request,
    /// Whether the access token went along.
    pub with_token: bool,
    /// Status code.
    pub status: StatusCode,
    /// From sending to the last byte.
    pub took: Duration,
    /// Bytes of the body, after decompression.
    pub size: usize,
    /// Whether the body was longer than what was read of it.
    pub cut: bool,
    /// `Content-Type`, without its parameters.
    pub content_type: Option<String>,
    /// The headers, in order, safe to show.
    pub headers: Vec<(String, String)>,
    /// Where it redirects to, if that is another origin: there the token was not sent.
    pub elsewhere: Option<Url>,
    /// What the API said, where the status is an error.
    pub refusal: Option<Refusal>,
    /// The body as lines.
    pub document: Document,
}

impl Response {
    pub(super) fn new(
        request: Request,
        with_token: bool,
        answer: Answer,
        elsewhere: Option<Url>,
        document: Document,
    ) -> Self {
        let (status, headers) = (answer.response.status(), answer.response.headers());
        let refused = status.is_client_error() || status.is_server_error();
        Self {
            request,
            with_token,
            status,
            took: answer.took,
            size: answer.response.body().len(),
            cut: answer.cut,
            content_type: content_type(headers),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_string(), shown(name, value.as_bytes())))
                .collect(),
            elsewhere,
            refusal: refused.then(|| Refusal::read(headers, answer.response.body())),
            document,
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

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(untrusted::line(value.split(';').next().unwrap_or(value).trim()))
}

fn shown(name: &HeaderName, value: &[u8]) -> String {
    match *name {
        header::SET_COOKIE => HIDDEN.to_owned(),
        _ => untrusted::line(&String::from_utf8_lossy(value)),
    }
}
