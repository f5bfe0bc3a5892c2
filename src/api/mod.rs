//! Calling the API: what is asked ([`request`]), what came back ([`response`]), and what the API said of a refusal
//! ([`refusal`]). The body is taken in as it comes ([`arrival`]).

pub mod arrival;
pub mod refusal;
pub mod request;
pub mod response;

use oauth2::http::{self, HeaderMap, HeaderValue, Method, StatusCode, header};
use thiserror::Error;
use url::Url;

use crate::http::{Http, HttpError, Incoming, Purpose};
use crate::secret::Secret;
use arrival::{Answer, Arrival};
use request::Request;
use response::Response;

/// How many redirects are followed.
const HOPS: usize = 10;
/// How much is read of what a redirect says, in bytes.
const MOST_OF_A_REDIRECT: usize = 64 << 10;

/// Why there is no response to show.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// No answer came.
    #[error("{0}.")]
    NoAnswer(#[from] HttpError),
    /// The API redirects without end.
    #[error("The API redirected {HOPS} times, last to {0}.")]
    RedirectsWithoutEnd(Url),
    /// The token cannot stand in a header (RFC 6750, section 2.1).
    #[error("The access token holds characters that an Authorization header cannot carry.")]
    UnfitToken,
}

/// Sends `request`, with `Authorization: Bearer <token>` where there is a token (RFC 6750, section 2.1), and follows
/// redirects within the same origin. One to another origin is not followed: the token must not go there. What comes of
/// a body that takes a while is told to `report`.
///
/// # Errors
/// When there is no response. A response with an error status is a response, and so is one that breaks off.
pub async fn call(
    request: Request,
    token: Option<&Secret>,
    http: &Http,
    report: impl Fn(Arrival),
) -> Result<Response, CallError> {
    let authorization = token.map(bearer).transpose()?;
    let (mut method, mut url, mut body) = (request.method.clone(), request.url.clone(), request.body.clone());
    for _ in 0..=HOPS {
        let mut headers = request.headers.clone();
        if let Some(authorization) =
            authorization.clone().filter(|_| !headers.contains_key(header::AUTHORIZATION))
        {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        let mut incoming = http.open(Purpose::Api, message(&method, &url, headers, &body)).await?;
        match redirect(&url, &incoming.head) {
            Some(target) if target.origin() == url.origin() => {
                if becomes_get(incoming.head.status, &method) {
                    (method, body) = (Method::GET, Vec::new());
                }
                pass_over(&mut incoming).await?;
                url = target;
            }
            elsewhere => {
                let with_token =
                    authorization.is_some() && !request.headers.contains_key(header::AUTHORIZATION);
                let (head, length) = (incoming.head.clone(), incoming.length);
                let answer = Answer { request, with_token, elsewhere, head, length };
                return Ok(answer.take_in(incoming, report).await);
            }
        }
    }
    Err(CallError::RedirectsWithoutEnd(url))
}

/// Reads what a redirect says beside where to, so that its connection can be used again; not without end.
async fn pass_over(incoming: &mut Incoming) -> Result<(), HttpError> {
    let mut bytes = 0;
    while let Some(piece) = incoming.piece().await? {
        bytes += piece.len();
        if bytes > MOST_OF_A_REDIRECT {
            break;
        }
    }
    Ok(())
}

fn bearer(token: &Secret) -> Result<HeaderValue, CallError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| CallError::UnfitToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn message(method: &Method, url: &Url, headers: HeaderMap, body: &[u8]) -> crate::http::Request {
    let mut message = http::Request::new(body.to_vec());
    *message.method_mut() = method.clone();
    // Every http(s) URL that `url` accepts is a URI.
    *message.uri_mut() = url.as_str().parse().unwrap_or_default();
    *message.headers_mut() = headers;
    message
}

/// Where the response redirects to (RFC 9110, section 15.4).
fn redirect(from: &Url, head: &http::response::Parts) -> Option<Url> {
    if !matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    from.join(head.headers.get(header::LOCATION)?.to_str().ok()?).ok()
}

fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status {
        StatusCode::SEE_OTHER => method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
        _ => false,
    }
}
