//! The token endpoint: what comes back for a code or a refresh token, and why not.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::http::StatusCode;
use oauth2::{
    AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, TokenResponse as _,
};
use openidconnect::core::{CoreErrorResponseType, CoreIdToken, CoreTokenResponse};
use openidconnect::{AccessToken, StandardErrorResponse, TokenResponse as _};
use serde::Deserialize;
use thiserror::Error;

use super::provider::Client;
use crate::http::{Http, HttpError, Purpose, Request, Response, retry_after};
use crate::secret::Secret;
use crate::untrusted;

/// What the token endpoint issued (RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3).
pub struct Tokens {
    /// For the API.
    pub access_token: AccessToken,
    /// For renewal.
    pub refresh_token: Option<Secret>,
    /// Who logged in; still to be verified.
    pub id_token: Option<CoreIdToken>,
    /// The scopes that were granted; `None` where they are those that were asked for.
    pub granted: Option<Vec<String>>,
    /// How long the access token lives, where that was said.
    pub expires_in: Option<Duration>,
}

impl fmt::Debug for Tokens {
    /// Leaves out the tokens: openidconnect would print an ID token whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { granted, expires_in, .. } = self;
        f.debug_struct("Tokens")
            .field("granted", granted)
            .field("expires_in", expires_in)
            .finish_non_exhaustive()
    }
}

/// Why the token endpoint issued nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// No answer. The code or refresh token may have been used up by then, so it is not sent again.
    #[error("{0}.")]
    NoAnswer(#[from] HttpError),
    /// It is in trouble or has too much to do: 429 or 5xx.
    #[error("The provider answered {status}.")]
    Busy {
        /// The status.
        status: StatusCode,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// An error response (RFC 6749, section 5.2), in any of the shapes that providers give it.
    #[error("The provider refused: {error}{}.", description.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Refused {
        /// `error`, or what stands for it.
        error: String,
        /// `error_description`, or what stands for it.
        description: Option<String>,
    },
    /// An answer that is neither tokens nor an error.
    #[error("The provider's answer holds no tokens that can be used: {0}.")]
    NotTokens(String),
    /// Tokens, of which the ID token cannot be read.
    #[error("The provider's answer holds an ID token that cannot be read.")]
    UnreadableIdToken(Secret),
}

/// Exchanges the code (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
///
/// # Errors
/// When nothing usable was issued.
pub async fn exchange_code(
    client: &Client,
    code: &Secret,
    verifier: PkceCodeVerifier,
    http: &Http,
) -> Result<Tokens, TokenError> {
    let request = client
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
        .map_err(|error| TokenError::NotTokens(error.to_string()))?
        .set_pkce_verifier(verifier);
    let response = request.request_async(&client_for(Purpose::CodeExchange, http)).await;
    read(response)
}

/// Exchanges the refresh token (RFC 6749, section 6).
///
/// # Errors
/// When nothing usable was issued.
pub async fn renew(client: &Client, refresh_token: &Secret, http: &Http) -> Result<Tokens, TokenError> {
    let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
    let request = client
        .exchange_refresh_token(&refresh_token)
        .map_err(|error| TokenError::NotTokens(error.to_string()))?;
    let response = request.request_async(&client_for(Purpose::Renewal, http)).await;
    read(response)
}

/// The redirect URI as the token endpoint gets it: the same string as at the authorization endpoint.
///
/// # Errors
/// Never for the URI of a bound listener.
pub fn redirect_url(uri: &str) -> Result<RedirectUrl, url::ParseError> {
    RedirectUrl::new(uri.to_owned())
}

/// What oauth2 calls a client: it takes 429 and 5xx for what they are, whatever their bodies say.
fn client_for(
    purpose: Purpose,
    http: &Http,
) -> impl Fn(Request) -> Pin<Box<dyn Future<Output = Result<Response, TokenError>> + Send>> {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move {
            let response = http.send(purpose, request).await?.response;
            let status = response.status();
            if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
                return Err(TokenError::Busy { status, retry_after: retry_after(response.headers()) });
            }
            Ok(response)
        })
    }
}

type Refused = RequestTokenError<TokenError, StandardErrorResponse<CoreErrorResponseType>>;
type Answered = Result<CoreTokenResponse, Refused>;

fn read(response: Answered) -> Result<Tokens, TokenError> {
    let response = response.map_err(refusal)?;
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(TokenError::NotTokens(format!("its token_type is {}", response.token_type().as_ref())));
    }
    if response.access_token().secret().is_empty() {
        return Err(TokenError::NotTokens("its access_token is empty".to_owned()));
    }
    Ok(Tokens {
        access_token: response.access_token().clone(),
        refresh_token: response.refresh_token().map(|token| Secret::new(token.secret())),
        id_token: response.id_token().cloned(),
        granted: response.scopes().map(|scopes| scopes.iter().map(|scope| untrusted::line(scope)).collect()),
        expires_in: response.expires_in(),
    })
}

fn refusal(error: Refused) -> TokenError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(response) => TokenError::Refused {
            error: response.error().as_ref().to_owned(),
            description: response.error_description().cloned(),
        },
        RequestTokenError::Parse(error, body) => match serde_json::from_slice::<OtherShape>(&body) {
            Ok(other) => TokenError::Refused { error: other.code, description: other.description },
            Err(_) => match serde_json::from_slice::<WithIdToken>(&body) {
                Ok(answer) if answer.id_token.parse::<CoreIdToken>().is_err() => {
                    TokenError::UnreadableIdToken(Secret::new(answer.id_token))
                }
                _ => TokenError::NotTokens(error.to_string()),
            },
        },
        RequestTokenError::Other(problem) => TokenError::NotTokens(problem),
    }
}

/// The error shape of some of Auth0's answers.
#[derive(Deserialize)]
struct OtherShape {
    #[serde(alias = "error")]
    code: String,
    #[serde(alias = "error_description")]
    description: Option<String>,
}

/// An answer of which openidconnect says only that it cannot read it.
#[derive(Deserialize)]
struct WithIdToken {
    id_token: String,
}
