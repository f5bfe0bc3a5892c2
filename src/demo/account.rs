//! What the provider does for someone who is logged in: user info (OIDC Core 5.3), and logging out.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{
    CLIENT_ID,
    bearer::{self, Refused},
    keys::{self, Expected},
    pages::{self, Notice},
    params::Params,
    provider::{self, Provider},
    users::{Scopes, User},
};

/// `GET` or `POST /userinfo`: the claims that the access token's scopes open up.
pub async fn user_info(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
) -> Result<Json<Map<String, Value>>, Refused> {
    let token = bearer::token(&headers)?;
    let opaque = provider.ledger.lock().await.opaque.get(&keys::hash(token)).map(|grant| grant.clone());
    let (user, scopes) = match opaque {
        Some(grant) => (grant.user, grant.scopes),
        None => read_jwt(&provider, token)?,
    };
    if !scopes.contain("openid") {
        return Err(Refused::InsufficientScope("openid"));
    }
    Ok(Json(user.claims(&scopes, &provider.issuer)))
}

fn read_jwt(provider: &Provider, token: &str) -> Result<(User, Scopes), Refused> {
    #[derive(Clone, Deserialize)]
    struct Claims {
        sub: String,
        scope: Scopes,
    }
    let audience = provider.user_info_audience();
    let expected =
        Expected { issuer: &provider.issuer, audience: &audience, good_for: Some(provider.faults.ahead()) };
    let claims: Claims = keys::verify(token, &provider.keys.published(), &expected)
        .map_err(|reason| Refused::InvalidToken(reason.to_string()))?;
    let user = User::from_sub(&claims.sub)
        .ok_or_else(|| Refused::InvalidToken("The user does not exist any more".into()))?;
    Ok((user, claims.scope))
}

/// `/oidc/logout` (OIDC RP-Initiated Logout 1.0). There is no session to end: every login asks anew.
pub async fn log_out(State(provider): State<Arc<Provider>>, params: Params) -> Response {
    let hinted = params.get("id_token_hint").is_some_and(|hint| {
        let expected = Expected { issuer: &provider.issuer, audience: CLIENT_ID, good_for: None };
        keys::verify::<Value>(hint, &provider.keys.published(), &expected).is_ok()
    });
    if !hinted && params.get("client_id") != Some(CLIENT_ID) {
        return logged_out();
    }
    go_back(params.get("post_logout_redirect_uri"), params.get("state"))
}

/// `/v2/logout`: Auth0's own, older way.
pub async fn log_out_v2(params: Params) -> Response {
    if params.get("client_id") != Some(CLIENT_ID) {
        return logged_out();
    }
    go_back(params.get("returnTo"), None)
}

/// The path of the one log-out URL that is allowed; any port of this computer will do (RFC 8252 7.3).
const ALLOWED_PATH: &str = "/logged-out";

fn go_back(to: Option<&str>, state: Option<&str>) -> Response {
    let Some(uri) = to else { return logged_out() };
    let allowed = |url: &Url| url.path() == ALLOWED_PATH && url.query().is_none();
    let Some(mut url) = provider::loopback(uri).filter(allowed) else {
        let text = "You are logged out, but the app asked to be answered at a URL that is not among its allowed \
                    log-out URLs. The demo allows /logged-out on 127.0.0.1 or [::1], at any port.";
        let page = Notice { title: "Log-out URL mismatch", text, detail: Some(uri) };
        return pages::show(StatusCode::FORBIDDEN, &page);
    };
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Redirect::to(url.as_str()).into_response()
}

/// Without a hint that proves which app is asking, nobody is sent anywhere.
fn logged_out() -> Response {
    let text = "The demo provider knows of no session of yours. You can close this page.";
    pages::show(StatusCode::OK, &Notice { title: "You are logged out", text, detail: None })
}
