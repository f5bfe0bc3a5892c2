//! The token endpoint and revocation: codes and refresh tokens in, tokens out (RFC 6749 4.1.3, 5, 6; RFC 7009).

use std::{mem, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{
    AUDIENCE, CLIENT_ID,
    authorize::Request,
    faults::Fault,
    keys::{self, KeyError},
    memory::{self, Grant, Stale},
    params::Params,
    provider::{Ledger, Provider},
    users::{READ_MESSAGES, Scopes},
};

/// How long an ID token is good for, in seconds: Auth0's ten hours.
const ID_TOKEN_TTL: i64 = 36_000;

/// An authorization code.
pub enum Code {
    /// Not used yet: what was asked, and what was granted.
    Fresh(Box<(Request, Grant)>),
    /// Used, and what it gave.
    Used(Issued),
}

/// What a code gave and can still be taken back. A JWT cannot: it is short-lived instead.
#[derive(Default)]
pub struct Issued {
    family: Option<String>,
    opaque: Option<String>,
}

/// A successful answer (RFC 6749 5.1, OIDC Core 3.1.3.3).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
    expires_in: u64,
    token_type: &'static str,
}

/// A refusal (RFC 6749 5.2), with the status and the words that Auth0 uses.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, Json(body)).into_response()
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", error.to_string())
    }
}

fn refusal(status: StatusCode, error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal { status, error, description: description.into() }
}

fn invalid_grant(description: impl Into<String>) -> Refusal {
    refusal(StatusCode::FORBIDDEN, "invalid_grant", description)
}

/// `POST /oauth/token`
pub async fn issue(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Tokens>, Refusal> {
    check_client(&headers, &params)?;
    if provider.faults.are(Fault::KeyRotated) {
        provider.keys.rotate().await?;
    }
    match required(&params, "grant_type")? {
        "authorization_code" => redeem_code(&provider, &params).await,
        "refresh_token" => refresh(&provider, &params).await,
        other => {
            let description = format!("Unsupported grant type: {other}");
            Err(refusal(StatusCode::FORBIDDEN, "unsupported_grant_type", description))
        }
    }
    .map(Json)
}

/// `POST /oauth/revoke`: ends the session that a refresh token belongs to. Unknown tokens are fine (RFC 7009 2.2).
pub async fn revoke(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    params: Params,
) -> Result<StatusCode, Refusal> {
    check_client(&headers, &params)?;
    let token = required(&params, "token")?;
    let mut ledger = provider.ledger.lock().await;
    ledger.opaque.take(&keys::hash(token));
    if let Some(family) = memory::family_of(token) {
        ledger.memory.end_family(family);
        provider.remember(&ledger).await;
    }
    Ok(StatusCode::OK)
}

/// A native app is a public client: it says who it is, and has no secret to show.
fn check_client(headers: &HeaderMap, params: &Params) -> Result<(), Refusal> {
    if let Some(name) = params.repeated() {
        let description = format!("Parameter sent more than once: {name}");
        return Err(refusal(StatusCode::BAD_REQUEST, "invalid_request", description));
    }
    let shows_secret = headers.contains_key(AUTHORIZATION) || params.get("client_secret").is_some();
    if shows_secret || required(params, "client_id")? != CLIENT_ID {
        return Err(refusal(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized"));
    }
    Ok(())
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Refusal> {
    params.get(name).ok_or_else(|| {
        refusal(StatusCode::BAD_REQUEST, "invalid_request", format!("Missing required parameter: {name}"))
    })
}

async fn redeem_code(provider: &Provider, params: &Params) -> Result<Tokens, Refusal> {
    let code = required(params, "code")?;
    let verifier = required(params, "code_verifier")?;
    let redirect_uri = required(params, "redirect_uri")?;
    let mut ledger = provider.ledger.lock().await;

    let Some(known) = ledger.codes.get(code) else {
        return Err(invalid_grant("Invalid authorization code"));
    };
    // Used from here on, also if what follows fails: a code is not there to be tried out.
    let (request, grant) = match mem::replace(known, Code::Used(Issued::default())) {
        Code::Fresh(fresh) => *fresh,
        Code::Used(issued) => {
            // Seen twice, it may have been stolen, and the first may have been the thief (RFC 6749 4.1.2).
            take_back(provider, &mut ledger, issued).await;
            return Err(invalid_grant("Invalid authorization code"));
        }
    };
    let expected = request.redirect_uri.as_str();
    if redirect_uri != expected {
        return Err(invalid_grant(format!(
            "The redirect URI is wrong. You sent {redirect_uri}, and we expected {expected}"
        )));
    }
    if keys::hash(verifier) != request.code_challenge {
        return Err(invalid_grant("Failed to verify code verifier"));
    }

    let mut tokens = make_tokens(provider, &mut ledger, &grant, request.nonce.as_deref())?;
    let mut issued = Issued { opaque: Some(keys::hash(&tokens.access_token)), family: None };
    if grant.scopes.contain("offline_access") {
        let (family, refresh_token) = ledger.memory.start_family(grant);
        tokens.refresh_token = Some(refresh_token);
        issued.family = Some(family);
        provider.remember(&ledger).await;
    }
    if let Some(known) = ledger.codes.get(code) {
        *known = Code::Used(issued);
    }
    Ok(tokens)
}

async fn take_back(provider: &Provider, ledger: &mut Ledger, issued: Issued) {
    if let Some(token) = issued.opaque {
        ledger.opaque.take(&token);
    }
    if let Some(family) = issued.family {
        ledger.memory.end_family(&family);
        provider.remember(ledger).await;
    }
}

async fn refresh(provider: &Provider, params: &Params) -> Result<Tokens, Refusal> {
    let old = required(params, "refresh_token")?;
    let mut ledger = provider.ledger.lock().await;

    if provider.faults.are(Fault::ReuseDetected) {
        // As if somebody had been here with the same token before.
        ledger.memory.rotate(old);
    }
    let mut grant = match ledger.memory.redeem(old) {
        Ok(grant) => grant,
        Err(Stale::Unknown) => return Err(invalid_grant("Unknown or invalid refresh token.")),
        Err(Stale::Reused) => {
            provider.remember(&ledger).await;
            let description = "Unsuccessful Refresh Token exchange, reused refresh token detected";
            return Err(invalid_grant(description));
        }
    };
    // Less than was granted can be asked for, and only for this access token (RFC 6749 6).
    if let Some(list) = params.get("scope") {
        if let Some(more) = list.split(' ').find(|name| !grant.scopes.contain(name)) {
            let description = format!("The scope {more} was not granted");
            return Err(refusal(StatusCode::BAD_REQUEST, "invalid_scope", description));
        }
        grant.scopes = Scopes::parse(list);
    }

    let mut tokens = make_tokens(provider, &mut ledger, &grant, None)?;
    tokens.refresh_token = ledger.memory.rotate(old);
    provider.remember(&ledger).await;
    Ok(tokens)
}

/// The access token that a grant is good for, and with `openid` the ID token that goes with it.
fn make_tokens(
    provider: &Provider,
    ledger: &mut Ledger,
    grant: &Grant,
    nonce: Option<&str>,
) -> Result<Tokens, Refusal> {
    let (faults, ttl) = (&provider.faults, provider.access_ttl.as_secs());
    let iat = faults.now();
    let openid = grant.scopes.contain("openid");
    let scopes = grant.scopes.keep(|name| name != READ_MESSAGES || !faults.are(Fault::MissingScope));

    let access_token = if grant.for_api && !faults.are(Fault::OpaqueToken) {
        let aud = if openid { json!([AUDIENCE, provider.user_info_audience()]) } else { json!(AUDIENCE) };
        let mut claims = json!({
            "iss": provider.issuer,
            "sub": grant.user.sub(),
            "aud": aud,
            "azp": CLIENT_ID,
            "iat": iat,
            "exp": iat + ttl.cast_signed(),
            // Without it, two tokens of one second would be one.
            "jti": keys::random(),
            "scope": scopes,
            // So that the API can tell how the person was authenticated (RFC 9470 6.1).
            "auth_time": grant.auth_time,
        });
        if let Some(acr) = &grant.acr {
            claims["acr"] = json!(acr);
        }
        if faults.are(Fault::WrongAudience) {
            claims["aud"] = json!([format!("{AUDIENCE}/"), provider.user_info_audience()]);
        }
        if faults.are(Fault::ExpiredToken) {
            // It says to have been issued two lives ago.
            claims["iat"] = json!(iat - 2 * ttl.cast_signed());
            claims["exp"] = json!(iat - ttl.cast_signed());
        }
        provider.keys.sign(&claims)?
    } else {
        // For no API, so nobody but this provider needs to read it: opaque, as at Auth0.
        let token = keys::random();
        ledger.opaque.put(keys::hash(&token), grant.clone());
        token
    };

    let id_token = if openid {
        let mut claims = grant.user.claims(&grant.scopes, &provider.issuer);
        claims.extend([
            ("iss".into(), json!(provider.issuer)),
            ("aud".into(), json!(CLIENT_ID)),
            ("iat".into(), json!(iat)),
            ("exp".into(), json!(iat + ID_TOKEN_TTL)),
            ("auth_time".into(), json!(grant.auth_time)),
            ("sid".into(), json!(grant.sid)),
            ("at_hash".into(), json!(keys::half_hash(&access_token))),
        ]);
        claims.extend(nonce.map(|nonce| ("nonce".into(), json!(nonce))));
        if faults.are(Fault::BadNonce) {
            claims.insert("nonce".into(), json!(keys::random()));
        }
        claims.extend(grant.acr.as_ref().map(|acr| ("acr".into(), json!(acr))));
        Some(provider.keys.sign(&claims)?)
    } else {
        None
    };

    Ok(Tokens {
        access_token,
        refresh_token: None,
        id_token,
        scope: scopes.to_string(),
        expires_in: ttl,
        token_type: "Bearer",
    })
}
