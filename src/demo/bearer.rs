//! Bearer tokens as a resource server meets them (RFC 6750): finding the token, and saying no.

use axum::{
    Json,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A request refused for the token it carries, or does not carry.
#[derive(Debug)]
pub enum Refused {
    /// No token came: 401, and by RFC 6750 3.1 not a word about errors.
    NoToken,
    /// A token came, and is no good for this reason (which holds no quotes): 401.
    InvalidToken(String),
    /// The token is good but lacks this scope: 403.
    InsufficientScope(&'static str),
    /// The token is good, but the person must have been authenticated in this way, and not longer than so many
    /// seconds ago: 401 (RFC 9470 3).
    InsufficientAuthentication(&'static str, i64),
}

/// The token in the `Authorization` header.
pub fn token(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refused::NoToken) };
    if values.next().is_some() {
        return Err(Refused::InvalidToken("There is more than one Authorization header".into()));
    }
    let value = value.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refused::NoToken);
    }
    if token.contains(' ') {
        return Err(Refused::InvalidToken(
            "The Authorization header is more than Bearer and one token".into(),
        ));
    }
    Ok(token)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, challenge, body) = match self {
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                r#"Bearer realm="api""#.to_owned(),
                json!({ "message": "No token came with this request. Send one as: Authorization: Bearer <token>" }),
            ),
            Self::InvalidToken(why) => (
                StatusCode::UNAUTHORIZED,
                format!(r#"Bearer realm="api", error="invalid_token", error_description="{why}""#),
                json!({ "error": "invalid_token", "error_description": why }),
            ),
            Self::InsufficientScope(scope) => (
                StatusCode::FORBIDDEN,
                format!(r#"Bearer realm="api", error="insufficient_scope", scope="{scope}""#),
                json!({
                    "error": "insufficient_scope",
                    "error_description": format!("The token lacks the scope {scope}"),
                    "scope": scope,
                }),
            ),
            Self::InsufficientAuthentication(acr, max_age) => {
                let error = "insufficient_user_authentication";
                let why = "This needs a strong login of the last few minutes";
                (
                    StatusCode::UNAUTHORIZED,
                    format!(
                        r#"Bearer realm="api", error="{error}", error_description="{why}", acr_values="{acr}", max_age="{max_age}""#
                    ),
                    json!({ "error": error, "error_description": why }),
                )
            }
        };
        let mut response = (status, Json(body)).into_response();
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
