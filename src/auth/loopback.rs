//! The redirect listener: a loopback port that waits for the one request that brings the browser back, from a login
//! (RFC 8252, section 7.3) or from a log-out.
//!
//! Anything on this computer, and any web page in any browser, can send requests here. So only a request that is
//! found to be the awaited one ends the wait; whatever else comes is answered with an error and forgotten.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use url::Url;

use super::port_holder::holder;
use crate::secret::Secret;

/// How long a connection may take to send its request.
const HEADER_TIME: Duration = Duration::from_secs(3);
/// The most bytes of a request's head, or of a form.
const REQUEST_BYTES: usize = 16 << 10;
/// How often strays are told of at the most: who sends thousands gets a few lines.
const TELLING: Duration = Duration::from_millis(250);
/// The most connections served at a time; more wait their turn.
const CONNECTIONS: usize = 512;

/// A bound loopback port.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    path: String,
}

/// None of the profile's ports could be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("No redirect port is free: {}.", list(.0))]
pub struct PortsBusy(pub Vec<(u16, String)>);

fn list(ports: &[(u16, String)]) -> String {
    ports.iter().map(|(port, why)| format!("{port} ({why})")).collect::<Vec<_>>().join(", ")
}

/// The authorization response (RFC 6749, section 4.1.2), which carried the right `state`.
#[derive(Debug)]
pub struct Callback {
    /// The code, or the provider's refusal.
    pub outcome: Result<Secret, Refusal>,
    /// The `iss` of RFC 9207.
    pub issuer: Option<String>,
}

/// An authorization error response (RFC 6749, section 4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `error`.
    pub error: String,
    /// `error_description`.
    pub description: Option<String>,
    /// `error_uri`: a page about the error. It is shown, and never opened.
    pub uri: Option<String>,
}

/// Why what came to the callback's address is not the awaited callback. Nothing of it is kept.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each variant's text is its documentation")]
pub enum Stray {
    #[error("it carries no state, so it may be of any login")]
    NoState,
    #[error("its state is not the one of this login")]
    OtherState,
    #[error("it carries a parameter twice")]
    Twice,
    #[error("a part of it is no text")]
    Unreadable,
    #[error("it carries neither one code nor one error")]
    NoOutcome,
}

impl Listener {
    /// Binds the first of `ports` that is free, on the IPv4 loopback address. Port 0 is any free one.
    ///
    /// # Errors
    /// When none is free.
    pub fn bind(ports: &[u16], path: &str) -> Result<Self, PortsBusy> {
        let mut busy = Vec::new();
        for &port in ports {
            match listen(port).and_then(|socket| Ok((socket.local_addr()?, socket))) {
                Ok((address, socket)) => return Ok(Self { socket, address, path: path.to_owned() }),
                Err(error) => busy.push((port, error)),
            }
        }
        let why = |(port, error): (u16, io::Error)| match (error.kind(), holder(port)) {
            (io::ErrorKind::AddrInUse, Some(holder)) => (port, format!("in use by {holder}")),
            (io::ErrorKind::AddrInUse, None) => (port, "in use".to_owned()),
            _ => (port, error.to_string()),
        };
        Err(PortsBusy(busy.into_iter().map(why).collect()))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The redirect URI: an address literal, never `localhost` (RFC 8252, section 8.3).
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// The URL of another path here.
    pub(super) fn url_of(&self, path: &str) -> Url {
        #[expect(clippy::expect_used, reason = "an address and a path make a URL")]
        Url::parse(&format!("http://{}{path}", self.address)).expect("a URL")
    }

    /// Waits for the callback that carries `state`, and closes the port. Strays are answered and do not count; `tell`
    /// hears how many there were of a kind so far.
    pub async fn callback(self, state: &str, tell: impl Fn(Stray, usize)) -> Callback {
        let (path, state) = (self.path.clone(), state.to_owned());
        let (count, mut counts) = watch::channel(BTreeMap::<Stray, usize>::new());
        let wait = self.wait(move |asked, parameters| {
            if asked != path {
                return Found::Stray(StatusCode::NOT_FOUND);
            }
            match read(parameters, &state) {
                Ok(callback) if callback.outcome.is_ok() => Found::Awaited(callback, &CAME_BACK),
                Ok(callback) => Found::Awaited(callback, &REFUSED),
                Err(stray) => {
                    count.send_modify(|counts| *counts.entry(stray).or_default() += 1);
                    Found::Stray(StatusCode::BAD_REQUEST)
                }
            }
        });
        let mut told = BTreeMap::new();
        let mut tell_new = |counts: BTreeMap<Stray, usize>| {
            let new = counts.iter().filter(|(stray, count)| told.get(*stray) != Some(*count));
            new.for_each(|(stray, count)| tell(*stray, *count));
            told = counts;
        };
        tokio::pin!(wait);
        loop {
            let news = async {
                tokio::time::sleep(TELLING).await;
                // The wait holds the other end, and ends first.
                counts.changed().await.is_ok()
            };
            tokio::select! {
                biased;
                callback = &mut wait => {
                    tell_new(counts.borrow().clone());
                    return callback;
                }
                true = news => tell_new(counts.borrow_and_update().clone()),
            }
        }
    }

    /// Waits for the request that `find` finds to be the awaited one by its path and parameters, and closes the port.
    pub(super) async fn wait<T: Send + 'static>(
        self,
        find: impl Fn(&str, &str) -> Found<T> + Send + Sync + 'static,
    ) -> T {
        let (settle, mut settled) = mpsc::channel(1);
        let door = Arc::new(Door { authority: self.address.to_string(), find: Box::new(find), settle });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async {
                // The semaphore is never closed, so a place is always had in the end.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, self.socket.accept().await)
            };
            tokio::select! {
                biased;
                Some(awaited) = settled.recv() => return awaited,
                (place, accepted) = next => match accepted {
                    Ok((stream, _)) => {
                        let door = Arc::clone(&door);
                        tokio::spawn(async move {
                            serve(stream, door).await;
                            drop(place);
                        });
                    }
                    // Out of file handles, or a connection that was gone at once: give the others time to end.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
            }
        }
    }
}

/// On Unix `SO_REUSEADDR` lets a port be had again while old connections linger, and never takes one from a live
/// listener. On Windows it would do just that, so there it stays off.
fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(128)
}

/// What a request is found to be.
pub(super) enum Found<T> {
    /// The awaited one: this page answers it, and the wait is over.
    Awaited(T, &'static Page),
    /// One on its way to somewhere else: the browser is sent on to this address.
    SentOn(Secret),
    /// None of this listener's.
    Stray(StatusCode),
}

/// Judges a request by its path and its parameters.
type Find<T> = Box<dyn Fn(&str, &str) -> Found<T> + Send + Sync>;

/// What a connection needs to tell the awaited request from a stray.
struct Door<T> {
    authority: String,
    find: Find<T>,
    settle: mpsc::Sender<T>,
}

async fn serve<T: Send + 'static>(stream: TcpStream, door: Arc<Door<T>>) {
    let service = service_fn(|request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(door.answer(request).await) }
    });
    // A connection that fails is the other side's affair: it settled nothing.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(REQUEST_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl<T> Door<T> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        // A page that had its own name resolve to this address (DNS rebinding) still says its own name here.
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        if host != Some(self.authority.as_str()) {
            return page(StatusCode::MISDIRECTED_REQUEST, &STRAY);
        }
        let path = request.uri().path().to_owned();
        let parameters = match *request.method() {
            Method::GET => request.uri().query().unwrap_or_default().to_owned(),
            // The response mode form_post (OAuth 2.0 Form Post Response Mode, section 2).
            Method::POST => match tokio::time::timeout(HEADER_TIME, form(request.into_body())).await {
                Ok(Some(form)) => form,
                _ => return page(StatusCode::BAD_REQUEST, &STRAY),
            },
            _ => return page(StatusCode::METHOD_NOT_ALLOWED, &STRAY),
        };
        match (self.find)(&path, &parameters) {
            Found::Awaited(awaited, shown) => match self.settle.try_send(awaited) {
                Ok(()) => page(StatusCode::OK, shown),
                // The same request once more: the first one counts.
                Err(_) => page(StatusCode::BAD_REQUEST, &STRAY),
            },
            Found::SentOn(to) => send_on(&to),
            Found::Stray(status) => page(status, &STRAY),
        }
    }
}

async fn form(body: Incoming) -> Option<String> {
    let bytes = Limited::new(body, REQUEST_BYTES).collect().await.ok()?.to_bytes();
    String::from_utf8(bytes.to_vec()).ok()
}

/// Reads an authorization response, which must be well-formed and carry `state`.
fn read(parameters: &str, state: &str) -> Result<Callback, Stray> {
    let (mut code, mut issuer, mut given) = (None, None, None);
    let (mut error, mut description, mut uri) = (None, None, None);
    for (name, value) in url::form_urlencoded::parse(parameters.as_bytes()) {
        let place = match &*name {
            "code" => &mut code,
            "error" => &mut error,
            "error_description" => &mut description,
            "error_uri" => &mut uri,
            "iss" => &mut issuer,
            "state" => &mut given,
            _ => continue,
        };
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Stray::Unreadable);
        }
        // Parameters must not be included more than once (RFC 6749, section 3.1).
        if place.replace(value.into_owned()).is_some() {
            return Err(Stray::Twice);
        }
    }
    if given.ok_or(Stray::NoState)? != state {
        return Err(Stray::OtherState);
    }
    let outcome = match (code, error) {
        (Some(code), None) if !code.is_empty() => Ok(Secret::new(code)),
        (None, Some(error)) if !error.is_empty() => Err(Refusal { error, description, uri }),
        _ => return Err(Stray::NoOutcome),
    };
    Ok(Callback { outcome, issuer })
}

/// What the browser shows. Nothing of the request is ever reflected.
#[derive(Template)]
#[template(path = "callback.html")]
pub(super) struct Page {
    title: &'static str,
    text: &'static str,
    /// The sign in the circle, as an SVG path, and its colours.
    sign: &'static str,
    light: &'static str,
    dark: &'static str,
}

const CAME_BACK: Page = Page {
    title: "You can go back to Hallpass",
    text: "It is finishing the login. You may close this tab.",
    sign: "M15 24.5l6.5 6.5L33.5 18",
    light: "#1a7446",
    dark: "#66cf97",
};
pub(super) const LOGGED_OUT: Page =
    Page { title: "You are logged out", text: "You may close this tab.", ..CAME_BACK };
const REFUSED: Page = Page {
    title: "You were not logged in",
    text: "Hallpass says why. You may close this tab.",
    sign: "M15 24h18",
    light: "#8a5b00",
    dark: "#f0be53",
};
const STRAY: Page = Page {
    title: "Nothing to see here",
    text: "Hallpass awaits your browser at this address, and this request is not the one that it awaits. If you were \
           logging in, go back to Hallpass, cancel there, and log in again.",
    sign: "M24 14v12M24 33v.5",
    light: "#5a5e66",
    dark: "#a3a8b1",
};

fn page(status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
    // Writing into a string does not fail; if it did, a blank page would still end the wait.
    locked_down(status, page.render().unwrap_or_default())
}

fn send_on(to: &Secret) -> Response<Full<Bytes>> {
    // Where no header can hold the address, the browser stays, and the wait goes on.
    let Ok(mut location) = HeaderValue::from_str(to.expose()) else {
        return page(StatusCode::INTERNAL_SERVER_ERROR, &STRAY);
    };
    location.set_sensitive(true);
    let mut response = locked_down(StatusCode::SEE_OTHER, String::new());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// An answer that no other page can frame, read or keep, and that tells the next page nothing of where it came from.
fn locked_down(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONNECTION, "close"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_with_the_right_state_is_the_callback() {
        let callback = read("code=abc&state=s&iss=https%3A%2F%2Fop%2F&extra=1", "s").unwrap();
        assert_eq!(callback.outcome, Ok(Secret::new("abc")));
        assert_eq!(callback.issuer.as_deref(), Some("https://op/"));
    }

    #[test]
    fn an_error_with_the_right_state_is_a_refusal() {
        let callback = read("error=access_denied&error_description=No+thanks&state=s", "s").unwrap();
        let refusal = Refusal {
            error: "access_denied".to_owned(),
            description: Some("No thanks".to_owned()),
            uri: None,
        };
        assert_eq!(callback.outcome, Err(refusal));
    }

    #[test]
    fn whatever_is_malformed_or_has_another_state_is_a_stray() {
        for (parameters, why) in [
            ("", Stray::NoState),
            ("code=abc", Stray::NoState),
            ("code=abc&state=other", Stray::OtherState),
            ("error=access_denied&state=other", Stray::OtherState),
            ("code=abc&code=abc&state=s", Stray::Twice),
            ("code=abc&state=s&state=s", Stray::Twice),
            ("code=abc&error=access_denied&state=s", Stray::NoOutcome),
            ("code=&state=s", Stray::NoOutcome),
            ("error=&state=s", Stray::NoOutcome),
            ("state=s", Stray::NoOutcome),
            ("code=%ff%fe&state=s", Stray::Unreadable),
        ] {
            assert_eq!(read(parameters, "s").err(), Some(why), "{parameters}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_listened_on_cannot_be_bound_again_and_the_next_one_is_taken() {
        let first = Listener::bind(&[0], "/callback").unwrap();
        let port = first.address().port();
        assert!(matches!(Listener::bind(&[port], "/callback"), Err(PortsBusy(busy)) if busy[0].0 == port));
        let second = Listener::bind(&[port, 0], "/callback").unwrap();
        assert_ne!(second.address().port(), port);
    }
}
