//! The API: four endpoints that greet, the check of the access token that stands before three of them, and bodies.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AUDIENCE, STRONG,
    bearer::{self, Refused},
    bodies,
    faults::{self, Fault, Faults, Gate},
    guard,
    keys::{self, Expected, Keys},
    users::READ_MESSAGES,
};

/// How long ago the person may have been authenticated where that must have been strong, in seconds.
const STRONG_FOR: i64 = 300;

/// What the API knows of the provider: its name, and its public keys. It could be anywhere else.
pub struct Trust {
    /// The exact `iss` of the tokens it takes.
    pub issuer: String,
    /// The keys they are signed with.
    pub keys: Arc<Keys>,
    /// What it does wrong on purpose, if anything.
    pub faults: Arc<Faults>,
}

/// The API's routes.
pub fn router(trust: Trust, authority: String) -> Router {
    let faults = Arc::clone(&trust.faults);
    let gate = Gate { faults: Arc::clone(&faults), busy: Fault::ApiBusy, fails: Fault::ApiFails };
    Router::new()
        .route("/api/public", get(public))
        .route("/api/private", get(private))
        .route("/secure", get(private))
        .route("/api/private-scoped", get(private_scoped))
        .route("/api/private-strong", get(private_strong))
        .route("/api/large", get(bodies::large))
        .route("/api/slow", get(bodies::slow))
        .route("/api/stream", get(bodies::stream))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(trust))
        .layer(middleware::from_fn_with_state(gate, faults::before))
        .layer(DefaultBodyLimit::max(guard::BODY_LIMIT))
        .layer(middleware::from_fn_with_state(authority, guard::only_host))
        .layer(middleware::map_response(request_id))
        .layer(middleware::map_response_with_state(faults, faults::date))
}

async fn public() -> Json<Value> {
    message("Hello from a public endpoint! You don't need to be authenticated to see this.")
}

async fn private(State(trust): State<Arc<Trust>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    authenticate(&trust, &headers)?;
    Ok(message("Hello from a private endpoint! You need to be authenticated to see this."))
}

async fn private_scoped(State(trust): State<Arc<Trust>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    let caller = authenticate(&trust, &headers)?;
    if !caller.scope.split(' ').any(|name| name == READ_MESSAGES) {
        return Err(Refused::InsufficientScope(READ_MESSAGES));
    }
    Ok(message(
        "Hello from a private endpoint! You need to be authenticated and have a scope of read:messages to see this.",
    ))
}

async fn private_strong(State(trust): State<Arc<Trust>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    let caller = authenticate(&trust, &headers)?;
    let recent = caller.auth_time.is_some_and(|at| trust.faults.now() - at <= STRONG_FOR);
    if caller.acr.as_deref() != Some(STRONG) || !recent {
        return Err(Refused::InsufficientAuthentication(STRONG, STRONG_FOR));
    }
    Ok(message(
        "Hello from a private endpoint! You need to be strongly authenticated, minutes ago, to see this.",
    ))
}

/// What the API wants to know from an access token.
#[derive(Clone, Deserialize)]
struct Caller {
    #[serde(default)]
    scope: String,
    acr: Option<String>,
    auth_time: Option<i64>,
}

fn authenticate(trust: &Trust, headers: &HeaderMap) -> Result<Caller, Refused> {
    let expected =
        Expected { issuer: &trust.issuer, audience: AUDIENCE, good_for: Some(trust.faults.ahead()) };
    keys::verify(bearer::token(headers)?, &trust.keys.published(), &expected)
        .map_err(|reason| Refused::InvalidToken(reason.to_string()))
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, message("There is no such endpoint")).into_response()
}

async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, message("This endpoint does not know that method")).into_response()
}

/// The form of everything that the API says in words.
pub fn message(text: &str) -> Json<Value> {
    Json(json!({ "message": text }))
}

/// Gives every answer a name, so that one can ask whoever runs the API about it.
async fn request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&keys::random()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}
