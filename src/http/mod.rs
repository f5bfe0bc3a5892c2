//! The one HTTP client: time-outs, size limits, redirect policy, proxy policy, recording and redaction.
//!
//! Every request of the app goes through [`Http::send`]. No redirect is followed here: a provider's endpoints
//! are used as discovered, and [`crate::api`] follows an API's redirects itself, within one origin only, and takes in its
//! answers piece by piece ([`Http::open`]).

mod exchange;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use oauth2::http::{self, HeaderMap, header};
use thiserror::Error;
use url::{Host, Url};

use exchange::Said;
pub use exchange::{Exchange, Message, secrets};

/// A request as the flow's crates make it: the body is whole.
pub type Request = http::Request<Vec<u8>>;
/// A response whose body has arrived.
pub type Response = http::Response<Vec<u8>>;

/// What a request is for: its line in the timeline, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The provider's metadata (OpenID Connect Discovery 1.0, section 4).
    Discovery,
    /// The provider's signing keys (RFC 7517).
    Keys,
    /// The authorization code for tokens (RFC 6749, section 4.1.3).
    CodeExchange,
    /// The refresh token for new tokens (RFC 6749, section 6).
    Renewal,
    /// The claims about the person (OpenID Connect Core 1.0, section 5.3).
    UserInfo,
    /// The person's picture.
    Picture,
    /// Making a token useless (RFC 7009).
    Revocation,
    /// A call to the API with the person's request.
    Api,
}

impl Purpose {
    /// How long the whole exchange may take; of an API, until its head is here: its body may go on and on.
    fn patience(self) -> Duration {
        match self {
            Self::Api => Duration::from_secs(30),
            // Its answer may be the only copy of a token.
            Self::Renewal => Duration::from_mins(1),
            _ => Duration::from_secs(10),
        }
    }

    /// How many bytes of body are read, after decompression.
    fn limit(self) -> usize {
        match self {
            Self::Picture => 4 << 20,
            _ => 1 << 20,
        }
    }
}

/// A response with its figures. It has no `Debug`: its body may be tokens.
pub struct Answer {
    /// Status, headers and body.
    pub response: Response,
    /// From sending to the last byte.
    pub took: Duration,
}

/// A response whose body is still to come. It is recorded once it is over, or given up.
pub struct Incoming {
    /// Status and headers.
    pub head: http::response::Parts,
    /// How long the body is, where that is known before.
    pub length: Option<u64>,
    body: reqwest::Response,
    purpose: Purpose,
    start: Instant,
    /// When the last piece of it came.
    came: Instant,
    record: Record,
    exchange: Exchange,
}

impl Incoming {
    /// The next piece of the body; `None` where it is over.
    ///
    /// # Errors
    /// When the rest does not come.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        let patience = self.purpose.patience();
        let (deadline, late) = match self.purpose {
            Purpose::Api => (self.came + SILENCE, NoAnswer::Stalled(SILENCE)),
            _ => (self.start + patience, NoAnswer::TimedOut(patience)),
        };
        let piece = match tokio::time::timeout_at(deadline.into(), self.body.chunk()).await {
            Ok(piece) => piece.map_err(|error| why(&error, self.purpose)),
            Err(_) => Err(late),
        };
        self.came = Instant::now();
        self.exchange.took = self.start.elapsed();
        match &piece {
            Ok(Some(bytes)) => {
                if let Some(said) = &mut self.exchange.response {
                    said.goes_on(bytes);
                }
            }
            Ok(None) => {}
            Err(why) => self.exchange.outcome = Err(self.error(why.clone())),
        }
        piece.map_err(|why| self.error(why))
    }

    /// From sending until now, or to the last byte.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.exchange.took
    }

    fn error(&self, why: NoAnswer) -> HttpError {
        HttpError { to: authority(&self.exchange.url), why }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        (self.record)(self.exchange.clone());
    }
}

/// How long a connection may take to come about, its TLS included.
const CONNECTING: Duration = Duration::from_secs(8);
/// How long an API may say nothing in the middle of a body: some tell only what is new.
const SILENCE: Duration = Duration::from_mins(5);

/// No answer: who did not give it, and why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{to} {why}")]
pub struct HttpError {
    /// Host and port.
    pub to: String,
    /// The cause, as far as the evidence goes.
    pub why: NoAnswer,
}

/// Why no answer came.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's text is its documentation")]
pub enum NoAnswer {
    #[error("is a name that no address was found for")]
    Dns,
    #[error("refused the connection: nothing listens there")]
    Refused,
    #[error("cannot be reached from this network")]
    NoRoute,
    #[error("closed the connection before its answer was whole")]
    Reset,
    #[error("let no connection come about within {} seconds", .0.as_secs())]
    NoConnection(Duration),
    #[error("did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("said nothing more for {} minutes", .0.as_secs() / 60)]
    Stalled(Duration),
    #[error("has no TLS connection that can be trusted: {0}")]
    Tls(String),
    #[error("does not speak TLS")]
    NotTls,
    #[error("is only to be had over plain http, which is safe within this computer only")]
    Unencrypted,
    #[error("answered with more than {} KB", .0 / 1024)]
    TooLarge(usize),
    #[error("could not be asked: {0}")]
    Other(String),
}

impl NoAnswer {
    /// Whether the request never got there, so that nothing can have come of it.
    #[must_use]
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Refused
                | Self::NoRoute
                | Self::NoConnection(_)
                | Self::Tls(_)
                | Self::NotTls
                | Self::Unencrypted
        )
    }
}

type Record = Arc<dyn Fn(Exchange) + Send + Sync>;

/// The client. Cheap to clone; the connections behind it are made on first use.
#[derive(Clone)]
pub struct Http {
    clients: Arc<Clients>,
    record: Record,
    /// What the last answer's `Date` told.
    clock_ahead: Arc<Mutex<Option<SignedDuration>>>,
}

#[derive(Default)]
struct Clients {
    /// For loopback, which is never reached through a proxy.
    loopback: OnceLock<Result<reqwest::Client, String>>,
    /// For everywhere else, through the system's proxy where there is one.
    outside: OnceLock<Result<reqwest::Client, String>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// A client that tells `record` of every exchange.
    pub fn new(record: impl Fn(Exchange) + Send + Sync + 'static) -> Self {
        Self { clients: Arc::default(), record: Arc::new(record), clock_ahead: Arc::default() }
    }

    /// The same connections, telling `record` instead.
    #[must_use]
    pub fn recording(&self, record: impl Fn(Exchange) + Send + Sync + 'static) -> Self {
        Self { clients: Arc::clone(&self.clients), record: Arc::new(record), clock_ahead: Arc::default() }
    }

    /// What the time is by the clock of whoever answered last, where the answer told it and the clocks differ by more
    /// than a minute; else by this computer's.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
        let now = Timestamp::now();
        if ahead.unsigned_abs() <= Duration::from_mins(1) {
            now
        } else {
            now.checked_sub(ahead).unwrap_or(now)
        }
    }

    /// Sends `request` and reads the answer, within the limits of its `purpose`.
    ///
    /// # Errors
    /// When no whole answer came, or one over the limit. An HTTP status of any kind is an answer.
    pub async fn send(&self, purpose: Purpose, request: Request) -> Result<Answer, HttpError> {
        let mut incoming = self.open(purpose, request).await?;
        let mut body = Vec::new();
        while let Some(piece) = incoming.piece().await? {
            if body.len() + piece.len() > purpose.limit() {
                let error = incoming.error(NoAnswer::TooLarge(purpose.limit()));
                incoming.exchange.outcome = Err(error.clone());
                return Err(error);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = incoming.head.status;
        *response.version_mut() = incoming.head.version;
        response.headers_mut().clone_from(&incoming.head.headers);
        Ok(Answer { response, took: incoming.took() })
    }

    /// Sends `request` and waits for the head of the answer.
    ///
    /// # Errors
    /// When none came.
    pub async fn open(&self, purpose: Purpose, request: Request) -> Result<Incoming, HttpError> {
        let (uri, start) = (request.uri().to_string(), Instant::now());
        let mut exchange = Exchange {
            purpose,
            method: request.method().clone(),
            at: Timestamp::now(),
            outcome: Ok(http::StatusCode::OK),
            took: Duration::ZERO,
            clock_ahead: None,
            request: Said::request(&request),
            response: None,
            url: uri,
        };
        let patience = purpose.patience();
        let head = tokio::time::timeout(patience, self.head(purpose, &exchange.url, request)).await;
        exchange.took = start.elapsed();
        let mut body = match head.unwrap_or(Err(NoAnswer::TimedOut(patience))) {
            Ok(body) => body,
            Err(why) => {
                let error = HttpError { to: authority(&exchange.url), why };
                exchange.outcome = Err(error.clone());
                (self.record)(exchange);
                return Err(error);
            }
        };
        let length = body.content_length();
        let (mut head, ()) = http::Response::new(()).into_parts();
        (head.status, head.version) = (body.status(), body.version());
        head.headers = std::mem::take(body.headers_mut());
        exchange.outcome = Ok(head.status);
        exchange.response = Some(Said::head(&head.headers));
        exchange.clock_ahead = clock_ahead(&head.headers);
        if exchange.clock_ahead.is_some() {
            *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) = exchange.clock_ahead;
        }
        let came = Instant::now();
        Ok(Incoming { head, length, body, purpose, start, came, record: Arc::clone(&self.record), exchange })
    }

    /// What oauth2 and openidconnect call a client: a function from request to response. `purpose` tells what
    /// each request is for, where one client makes several.
    pub fn as_client(
        &self,
        purpose: impl Fn(&Request) -> Purpose,
    ) -> impl Fn(Request) -> BoxFuture<Result<Response, HttpError>> {
        let http = self.clone();
        move |request| {
            let (http, purpose) = (http.clone(), purpose(&request));
            Box::pin(async move { http.send(purpose, request).await.map(|answer| answer.response) })
        }
    }

    async fn head(
        &self,
        purpose: Purpose,
        uri: &str,
        request: Request,
    ) -> Result<reqwest::Response, NoAnswer> {
        // An API may be anywhere: the person is asked before a token goes there.
        if purpose != Purpose::Api && !Url::parse(uri).is_ok_and(|url| is_safe(&url)) {
            return Err(NoAnswer::Unencrypted);
        }
        let request =
            reqwest::Request::try_from(request).map_err(|error| NoAnswer::Other(error.to_string()))?;
        let client = self.client(uri)?;
        client.execute(request).await.map_err(|error| why(&error, purpose))
    }

    fn client(&self, uri: &str) -> Result<&reqwest::Client, NoAnswer> {
        let loopback = Url::parse(uri).is_ok_and(|url| is_loopback(&url));
        let cell = if loopback { &self.clients.loopback } else { &self.clients.outside };
        cell.get_or_init(|| build_client(loopback)).as_ref().map_err(|error| NoAnswer::Other(error.clone()))
    }
}

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

#[expect(clippy::disallowed_methods, reason = "this is the place where clients are made")]
fn build_client(loopback: bool) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("Hallpass/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECTING);
    let builder = if loopback { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| chain(&error))
}

/// When the answer says that it was made (RFC 9110, section 6.6.1); one that stood in a cache tells nothing of now.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    if headers.contains_key(header::AGE) {
        return None;
    }
    at(headers.get(header::DATE)?.to_str().ok()?)
}

/// How far this computer's clock is ahead of the one that an answer just made was dated by.
pub(crate) fn clock_ahead(headers: &HeaderMap) -> Option<SignedDuration> {
    Some(Timestamp::now().duration_since(date(headers)?))
}

/// How long the answer says to wait (RFC 9110, section 10.2.3).
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let from = date(headers).unwrap_or_else(Timestamp::now);
    Some(at(text)?.duration_since(from).try_into().unwrap_or_default())
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7).
fn at(text: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// Whether the URL's host is this computer: a loopback address, or `localhost` (RFC 6761, section 6.3).
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether secrets may travel to the URL: over TLS, or within this computer.
#[must_use]
pub fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// Reads the cause out of the error's chain, which is the only place where it stands.
fn why(error: &reqwest::Error, purpose: Purpose) -> NoAnswer {
    if error.is_timeout() {
        return if error.is_connect() {
            NoAnswer::NoConnection(CONNECTING)
        } else {
            NoAnswer::TimedOut(purpose.patience())
        };
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(why) = why_not(cause) {
            // What happens to a connection that stands may have happened after the request was heard.
            let may_be_heard = !error.is_connect() && why.is_before_sending();
            return if may_be_heard { NoAnswer::Reset } else { why };
        }
        source = cause.source();
    }
    NoAnswer::Other(chain(error))
}

/// What one link of the chain tells.
fn why_not(cause: &(dyn std::error::Error + 'static)) -> Option<NoAnswer> {
    let text = cause.to_string();
    if text.starts_with("dns error") {
        return Some(NoAnswer::Dns);
    }
    if let Some(io) = cause.downcast_ref::<io::Error>() {
        match io.kind() {
            io::ErrorKind::ConnectionRefused => return Some(NoAnswer::Refused),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                return Some(NoAnswer::NoRoute);
            }
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => return Some(NoAnswer::Reset),
            _ => {}
        }
    }
    // What is no TLS at all is most often plain http.
    if text.contains("received corrupt message") {
        return Some(NoAnswer::NotTls);
    }
    let signs = ["invalid peer certificate", "received fatal alert", "peer sent no"];
    if signs.iter().any(|sign| text.contains(sign)) {
        return Some(NoAnswer::Tls(text));
    }
    let ends = ["connection closed before message completed", "end of file before message"];
    ends.iter().any(|sign| text.contains(sign)).then_some(NoAnswer::Reset)
}

/// The deepest text of an error's chain: the cause, without the layers that passed it on (and their URLs).
fn chain(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<reqwest::Error>() {
        Some(_) if error.is_builder() => "the HTTP client could not be made".to_owned(),
        Some(_) => "the request could not be sent".to_owned(),
        None => deepest.to_string(),
    }
}

fn authority(uri: &str) -> String {
    Url::parse(uri)
        .ok()
        .and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port_or_known_default().map_or(host.clone(), |port| format!("{host}:{port}")))
        })
        .unwrap_or_else(|| "the address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn loopback_is_told_by_address_and_by_the_reserved_name_only() {
        for here in ["http://127.0.0.1:1/", "http://127.9.9.9/", "http://[::1]/", "http://localhost/"] {
            assert!(is_loopback(&url(here)), "{here}");
        }
        for there in [
            "http://127.0.0.1.example.com/",
            "http://a.localhost",
            "http://localhost.example.com",
            "http://10.0.0.1/",
        ] {
            assert!(!is_loopback(&url(there)), "{there}");
        }
    }

    #[test]
    fn plain_http_is_safe_within_this_computer_only() {
        assert!(is_safe(&url("https://example.com")) && is_safe(&url("http://127.0.0.1:8700")));
        assert!(!is_safe(&url("http://example.com")) && !is_safe(&url("file:///etc/passwd")));
    }

    #[test]
    fn how_long_to_wait_is_read_as_seconds_or_as_a_date() {
        let headers = |date: &'static str, after: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, http::HeaderValue::from_static(date));
            headers.insert(header::RETRY_AFTER, http::HeaderValue::from_static(after));
            headers
        };
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(&headers(now, "120")), Some(Duration::from_mins(2)));
        assert_eq!(retry_after(&headers(now, "Sun, 06 Nov 1994 08:50:37 GMT")), Some(Duration::from_mins(1)));
        assert_eq!(retry_after(&headers(now, "Sun, 06 Nov 1994 08:40:00 GMT")), Some(Duration::ZERO));
        for nonsense in ["-1", "soon", "", "99999999999999999999"] {
            assert_eq!(retry_after(&headers(now, nonsense)), None, "{nonsense}");
        }
    }
}
