//! The provider: its state, its routes, and the documents that tell an app how to use it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    middleware,
    response::Response,
    routing::{get, post},
};
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::{
    STRONG, account, authorize,
    faults::{self, Fault, Faults, Gate},
    guard,
    keys::{self, Keys},
    memory::{Grant, Memory},
    pages::{self, Notice},
    params::Params,
    shelf::Shelf,
    switch, token,
    users::SCOPES,
};

/// Requests that wait for a person: so many, for so long.
const WAITING: (usize, Duration) = (100, Duration::from_mins(10));
/// Authorization codes, used or not.
const CODES: (usize, Duration) = (100, Duration::from_mins(1));
/// Opaque access tokens.
const OPAQUE: usize = 100;

/// What every handler of the provider shares.
pub struct Provider {
    /// The issuer, which is also the base of every URL: ends in `/`.
    pub issuer: String,
    /// Sign the tokens.
    pub keys: Arc<Keys>,
    /// How long an access token is good for.
    pub access_ttl: Duration,
    /// What it does wrong on purpose, if anything.
    pub faults: Arc<Faults>,
    /// All that changes.
    pub ledger: Mutex<Ledger>,
    dir: PathBuf,
}

/// All that changes while the provider runs.
pub struct Ledger {
    /// What outlives the process: refresh tokens.
    pub memory: Memory,
    /// Requests on the login page, by interaction id.
    pub waiting: Shelf<authorize::Request>,
    /// By code.
    pub codes: Shelf<token::Code>,
    /// What opaque access tokens stand for, by hash.
    pub opaque: Shelf<Grant>,
}

impl Provider {
    /// A provider that will stand at `issuer`, and remembers in `dir`.
    pub fn new(
        issuer: String,
        keys: Arc<Keys>,
        faults: Arc<Faults>,
        access_ttl: Duration,
        memory: Memory,
        dir: PathBuf,
    ) -> Self {
        let ledger = Ledger {
            memory,
            waiting: Shelf::new(WAITING.0, WAITING.1),
            codes: Shelf::new(CODES.0, CODES.1),
            opaque: Shelf::new(OPAQUE, access_ttl),
        };
        Self { issuer, keys, access_ttl, faults, ledger: Mutex::new(ledger), dir }
    }

    /// Writes down what has to outlive the process. Called with the ledger locked, so that no older state lands last.
    pub async fn remember(&self, ledger: &Ledger) {
        let (memory, dir) = (ledger.memory.clone(), self.dir.clone());
        let saved = tokio::task::spawn_blocking(move || memory.save(&dir)).await;
        if let Ok(Err(e)) = saved {
            // The session goes on, and ends with this process.
            tracing::warn!("{e}");
        }
    }

    /// What `aud` of an access token holds beside the API: the right to call `/userinfo`.
    pub fn user_info_audience(&self) -> String {
        format!("{}userinfo", self.issuer)
    }
}

/// The provider's routes, named as Auth0 names them.
pub fn router(provider: Arc<Provider>, authority: String) -> Router {
    let faults = Arc::clone(&provider.faults);
    let gate = Gate { faults: Arc::clone(&faults), busy: Fault::ProviderBusy, fails: Fault::ProviderFails };
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/oauth-authorization-server", get(discovery))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/authorize", get(authorize::ask).post(authorize::ask))
        .route("/decision", post(authorize::decide))
        .route(
            "/oauth/token",
            post(token::issue).route_layer(middleware::from_fn_with_state(gate, faults::before)),
        )
        .route("/oauth/revoke", post(token::revoke))
        .route("/userinfo", get(account::user_info).post(account::user_info))
        .route("/oidc/logout", get(account::log_out).post(account::log_out))
        .route("/v2/logout", get(account::log_out_v2))
        .route("/picture/alice.png", get(pages::alice))
        .route("/picture/bob.png", get(pages::bob))
        .route("/style.css", get(pages::style))
        .route("/mark.svg", get(pages::mark))
        .route("/proof", get(proof))
        .route("/fault", get(switch::show).post(switch::turn))
        .fallback(nothing_here)
        .with_state(provider)
        .layer(DefaultBodyLimit::max(guard::BODY_LIMIT))
        .layer(middleware::from_fn_with_state(authority, guard::only_host))
        .layer(middleware::map_response(guard::page_headers))
        .layer(middleware::map_response_with_state(faults, faults::date))
}

/// Discovery (OIDC Discovery 1.0, RFC 8414): where everything is, and what is supported.
async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}authorize"),
        "token_endpoint": format!("{issuer}oauth/token"),
        "userinfo_endpoint": provider.user_info_audience(),
        "jwks_uri": format!("{issuer}.well-known/jwks.json"),
        "revocation_endpoint": format!("{issuer}oauth/revoke"),
        "end_session_endpoint": format!("{issuer}oidc/logout"),
        "scopes_supported": SCOPES.map(|scope| scope.name),
        "claims_supported": [
            "iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "nonce", "at_hash", "sid", "name", "given_name",
            "family_name", "nickname", "picture", "updated_at", "email", "email_verified",
        ],
        "acr_values_supported": [STRONG],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Json<JwkSet> {
    Json(provider.keys.published())
}

/// Shows another process of the same user that this is the demo it shares its memory with.
async fn proof(State(provider): State<Arc<Provider>>, params: Params) -> String {
    let challenge = params.get("challenge").unwrap_or_default();
    keys::prove(&provider.ledger.lock().await.memory.secret, &provider.issuer, challenge)
}

async fn nothing_here() -> Response {
    pages::show(
        StatusCode::NOT_FOUND,
        &Notice {
            title: "The demo provider",
            text: "This is where Hallpass sends you to log in. There is nothing to see at this address.",
            detail: None,
        },
    )
}

/// A URL on this computer, by literal address (RFC 8252 7.3), spelt as it is meant: nothing to misread.
pub fn loopback(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let plain = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "[::1]"));
    (plain && url.as_str() == uri && url.username().is_empty() && url.fragment().is_none()).then_some(url)
}
