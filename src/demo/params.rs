//! The parameters of a request, from its query, its form or its JSON body, read as RFC 6749 3.1 and 3.2 say.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

/// Named values. One sent without a value counts as not sent.
#[derive(Default)]
pub struct Params {
    values: HashMap<String, String>,
    repeated: Option<String>,
}

impl Params {
    /// Reads `a=1&b=2`.
    pub fn parse(encoded: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            if !value.is_empty() && params.values.insert(name.to_string(), value.into_owned()).is_some() {
                params.repeated = Some(name.into_owned());
            }
        }
        params
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A name that was sent more than once, which is never allowed.
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }
}

/// A GET's query or a POST's body: form, or as Auth0 also allows, a JSON object of strings.
impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if request.method() != Method::POST {
            return Ok(Self::parse(request.uri().query().unwrap_or_default().as_bytes()));
        }
        let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let is_json = kind.starts_with("application/json");
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        if is_json {
            let values = serde_json::from_slice(&body).map_err(|_| {
                (StatusCode::BAD_REQUEST, "the body is not a JSON object of strings").into_response()
            })?;
            return Ok(Self { values, repeated: None });
        }
        Ok(Self::parse(&body))
    }
}
