//! A loopback server that records what it is asked, and answers as it is told.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Frame;
use hyper::header::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::{Url, form_urlencoded};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    /// The value of a header, if it came.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// A server. Dropping it closes its port.
pub struct Server {
    /// `http://127.0.0.1:PORT/`
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server that answers each request with what `answer` makes of it.
    pub async fn start<F>(answer: impl Fn(Seen) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    /// Starts a server on a port that is held already, so that its answers may name it.
    pub fn on<F>(listener: TcpListener, answer: impl Fn(Seen) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let url = url_of(listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let book = Arc::clone(&seen);
        let router = Router::new().fallback(move |request: Request| {
            let (book, answer) = (Arc::clone(&book), answer.clone());
            async move {
                let seen = read(request).await;
                book.lock().unwrap().push(seen.clone());
                answer(seen).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, task: task.abort_handle() }
    }

    /// Every request so far, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests came to `path`.
    pub fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    /// The URL of `path` here.
    pub fn at(&self, path: &str) -> String {
        self.url.join(path).unwrap().to_string()
    }
}

/// The base URL of an address.
pub fn url_of(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/")).unwrap()
}

async fn read(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// An answer of `status` with one header and a body.
pub fn answer(status: u16, header: (&str, &str), body: impl Into<Body>) -> Response {
    Response::builder().status(status).header(header.0, header.1).body(body.into()).unwrap()
}

/// An answer in JSON.
pub fn json(status: u16, body: &serde_json::Value) -> Response {
    answer(status, ("content-type", "application/json"), body.to_string())
}

/// A time as HTTP writes it.
pub fn date(at: Timestamp) -> HeaderValue {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
    HeaderValue::from_str(&date).unwrap()
}

/// An answer whose body breaks off after `start`: the connection is reset.
pub fn broken(start: &'static str) -> Response {
    answer(200, ("content-length", "1000"), Body::new(Bent { start: Some(start), ends: true }))
}

/// An answer whose body begins with `start` and never goes on.
pub fn endless(start: &'static str) -> Response {
    answer(200, ("content-type", "application/json"), Body::new(Bent { start: Some(start), ends: false }))
}

/// A body that breaks off after its start, or hangs there.
struct Bent {
    start: Option<&'static str>,
    ends: bool,
}

impl hyper::body::Body for Bent {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match self.start.take() {
            Some(start) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(start.as_bytes()))))),
            None if self.ends => Poll::Ready(Some(Err("broken off on purpose"))),
            None => Poll::Pending,
        }
    }
}
