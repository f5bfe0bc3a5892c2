//! What both servers turn away before they look at a request, and the headers that the provider adds to every answer.

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// No request needs a larger body than this, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// `form-action` is left out: Chromium applies it to the redirect that follows the form too, and it has no way to
/// name the callback `http://[::1]:…`. No page here has room for a foreign form.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const PAGE_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Of tokens RFC 6749 5.1 asks this; of the rest it is true as well: the next run may differ.
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Refuses a request whose `Host` is not exactly this server's `127.0.0.1:port`.
///
/// A web page can make its own host name resolve to 127.0.0.1 (DNS rebinding) and then read our answers as its own;
/// the browser still sends that name.
pub async fn only_host(State(authority): State<String>, request: Request, next: Next) -> Response {
    if sole(request.headers(), &HOST) == Some(authority.as_bytes()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, format!("This server answers only at http://{authority}/\n"))
        .into_response()
}

fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first.as_bytes())
}

/// Adds the security headers of a page to a response.
pub async fn page_headers(mut response: Response) -> Response {
    response.headers_mut().extend(PAGE_HEADERS);
    response
}
