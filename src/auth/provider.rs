//! The provider: its metadata and keys, discovered and checked before anything is sent to it.

use std::pin::Pin;

use oauth2::http::StatusCode;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, ClientId, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IssuerUrl, JsonWebKey as _, ProviderMetadata,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::http::{self, Http, HttpError, Purpose, Request, Response};

/// Discovery metadata beyond OpenID Connect Discovery 1.0: RFC 8414, RFC 9207, RP-Initiated Logout 1.0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Extras {
    /// The PKCE methods (RFC 8414, section 2).
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Where tokens are revoked (RFC 8414, section 2).
    pub revocation_endpoint: Option<Url>,
    /// Where the provider's own session ends (RP-Initiated Logout 1.0, section 2.1).
    pub end_session_endpoint: Option<Url>,
    /// Whether every authorization response names its issuer (RFC 9207, section 3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extras {}

/// Metadata as it was found, of which nothing is checked yet.
pub(crate) type Metadata = ProviderMetadata<
    Extras,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The client that openidconnect makes of metadata with every endpoint that the flow needs.
pub type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider whose metadata was found, names the issuer that was asked for, and is fit for a native app.
#[derive(Clone, Debug)]
pub struct Provider {
    metadata: Metadata,
}

/// Why the issuer of the profile is no provider to log in at.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// The configured issuer is not a URL that secrets may travel to.
    #[error("The issuer {0} must start with https:// (http:// is for this computer only).")]
    Unsafe(String),
    /// No answer from the provider.
    #[error("{0}.")]
    NoAnswer(#[from] HttpError),
    /// Discovery or keys answered with something else than 200.
    #[error("{issuer} has no OpenID configuration: its answer was {status}.")]
    Status {
        /// The configured issuer.
        issuer: String,
        /// What came in the place of 200.
        status: StatusCode,
    },
    /// Discovery or keys answered with something else than the JSON that was expected.
    #[error("{issuer} answered, but not with an OpenID configuration: {problem}.")]
    NotMetadata {
        /// The configured issuer.
        issuer: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// The metadata is another issuer's (OpenID Connect Discovery 1.0, section 4.3).
    #[error("The profile's issuer is not the one that the provider calls itself: {problem}.")]
    AnotherIssuer {
        /// The configured issuer.
        issuer: String,
        /// What the provider calls itself, where that could be read.
        calls_itself: Option<String>,
        /// Both, as openidconnect says them.
        problem: String,
    },
    /// An endpoint that would take a secret off this computer without TLS, that is no web address, or that is on this
    /// computer though the provider is not.
    #[error("The provider's {name} is {url}, which is not a place that secrets may go to.")]
    UnsafeEndpoint {
        /// The metadata's member.
        name: &'static str,
        /// Its value.
        url: String,
    },
    /// The metadata has no such endpoint.
    #[error("The provider names no {0}.")]
    NoEndpoint(&'static str),
    /// PKCE methods are listed, and S256 is not among them.
    #[error("The provider supports PKCE with {0} only, not with S256.")]
    NoS256(String),
}

impl ProviderError {
    /// Whether the provider is there, and has too much to do or cannot: 429 or 5xx.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
    }

    /// Whether what answered is no provider: it has a page to show, or sends to one.
    #[must_use]
    pub fn is_somebody_else(&self) -> bool {
        match self {
            Self::NotMetadata { .. } => true,
            Self::Status { status, .. } => status.is_redirection(),
            _ => false,
        }
    }
}

impl Provider {
    /// Finds the provider's metadata and keys (OpenID Connect Discovery 1.0, section 4).
    ///
    /// # Errors
    /// When the provider does not answer, its metadata is not the configured issuer's, or it is unfit.
    pub async fn discover(issuer: &str, http: &Http) -> Result<Self, ProviderError> {
        let unsafe_issuer = || ProviderError::Unsafe(issuer.to_owned());
        let url = Url::parse(issuer).map_err(|_| unsafe_issuer())?;
        if !http::is_safe(&url) {
            return Err(unsafe_issuer());
        }
        let issuer_url = IssuerUrl::new(issuer.to_owned()).map_err(|_| unsafe_issuer())?;
        let client = client(http);
        let metadata =
            Metadata::discover_async(issuer_url, &client).await.map_err(|error| refusal(issuer, error))?;
        let provider = Self { metadata };
        provider.check()?;
        Ok(provider)
    }

    /// Asks for the keys once more: the provider may have changed them since they were discovered.
    ///
    /// # Errors
    /// When the provider does not answer with keys.
    pub async fn refetch_keys(self, http: &Http) -> Result<Self, ProviderError> {
        let keys = CoreJsonWebKeySet::fetch_async(self.metadata.jwks_uri(), &client(http))
            .await
            .map_err(|error| refusal(self.metadata.issuer(), error))?;
        Ok(Self { metadata: self.metadata.set_jwks(keys) })
    }

    /// The issuer, byte for byte as both sides call it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.metadata.issuer()
    }

    /// The `kid`s of its keys, as far as they have one.
    #[must_use]
    pub fn key_ids(&self) -> Vec<&str> {
        let keys = self.metadata.jwks().keys().iter();
        keys.map(|key| key.key_id().map_or("(without a kid)", |kid| kid.as_str())).collect()
    }

    /// What is known beyond OpenID Connect Discovery.
    #[must_use]
    pub fn extras(&self) -> &Extras {
        self.metadata.additional_metadata()
    }

    /// Whether its endpoints are laid out as Auth0's are; there `/v2/logout` ends the provider's own session, also
    /// where the metadata names no `end_session_endpoint`.
    #[must_use]
    pub fn has_auth0s_layout(&self) -> bool {
        has_auth0s_layout(&self.metadata)
    }

    /// The OAuth 2.0 client for this provider: public, without a secret (RFC 8252, section 8.5).
    #[must_use]
    pub fn client(&self, client_id: &str) -> Client {
        Client::from_provider_metadata(self.metadata.clone(), ClientId::new(client_id.to_owned()), None)
    }

    fn check(&self) -> Result<(), ProviderError> {
        check_endpoints(&self.metadata)?;
        check_pkce(&self.metadata)
    }
}

pub(crate) fn has_auth0s_layout(metadata: &Metadata) -> bool {
    let issuer = metadata.issuer().as_str();
    let token = metadata.token_endpoint().map(|endpoint| endpoint.as_str());
    metadata.authorization_endpoint().as_str() == format!("{issuer}authorize")
        && token == Some(&format!("{issuer}oauth/token"))
}

/// Whether the endpoints that are needed are there, and each is where secrets may go to.
pub(crate) fn check_endpoints(metadata: &Metadata) -> Result<(), ProviderError> {
    let extras = metadata.additional_metadata();
    let token = metadata.token_endpoint().ok_or(ProviderError::NoEndpoint("token_endpoint"))?;
    let user_info = metadata.userinfo_endpoint();
    let endpoints = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", Some(token.url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
        ("userinfo_endpoint", user_info.map(openidconnect::UserInfoUrl::url)),
        ("revocation_endpoint", extras.revocation_endpoint.as_ref()),
        ("end_session_endpoint", extras.end_session_endpoint.as_ref()),
    ];
    for (name, url) in endpoints {
        if let Some(url) = url.filter(|url| !fits(metadata, url)) {
            return Err(ProviderError::UnsafeEndpoint { name, url: url.to_string() });
        }
    }
    Ok(())
}

/// Whether an endpoint is where secrets may go to. A provider elsewhere has no business with what listens on this
/// computer.
pub(crate) fn fits(metadata: &Metadata, endpoint: &Url) -> bool {
    let here = Url::parse(metadata.issuer()).is_ok_and(|issuer| http::is_loopback(&issuer));
    http::is_safe(endpoint) && (here || !http::is_loopback(endpoint))
}

/// Whether S256 is among the PKCE methods, where there is a list of them.
pub(crate) fn check_pkce(metadata: &Metadata) -> Result<(), ProviderError> {
    match &metadata.additional_metadata().code_challenge_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            Err(ProviderError::NoS256(methods.join(", ")))
        }
        _ => Ok(()),
    }
}

/// Fetches metadata and keys.
fn client(
    http: &Http,
) -> impl Fn(Request) -> Pin<Box<dyn Future<Output = Result<Response, HttpError>> + Send>> {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        let discovery = request.uri().path().ends_with("/.well-known/openid-configuration");
        Box::pin(async move {
            if discovery {
                return Ok(http.send(Purpose::Discovery, request).await?.response);
            }
            Ok(http.send(Purpose::Keys, request).await?.response.map(without_published_secrets))
        })
    }
}

/// The keys without those whose private or shared part stands among them for all to read (RFC 7518, sections 6.2.2,
/// 6.3.2 and 6.4.1): anyone can sign with such a key.
pub(crate) fn without_published_secrets(body: Vec<u8>) -> Vec<u8> {
    let Ok(mut set) = serde_json::from_slice::<serde_json::Value>(&body) else { return body };
    let Some(keys) = set.get_mut("keys").and_then(serde_json::Value::as_array_mut) else { return body };
    keys.retain(|key| key.get("d").or(key.get("k")).is_none());
    serde_json::to_vec(&set).unwrap_or(body)
}

fn refusal(issuer: &str, error: DiscoveryError<HttpError>) -> ProviderError {
    let issuer = issuer.to_owned();
    match error {
        DiscoveryError::Request(error) => ProviderError::NoAnswer(error),
        DiscoveryError::Response(status, ..) if status != StatusCode::OK => {
            ProviderError::Status { issuer, status }
        }
        DiscoveryError::Response(_, _, problem) => ProviderError::NotMetadata { issuer, problem },
        DiscoveryError::Parse(error) => ProviderError::NotMetadata { issuer, problem: error.to_string() },
        DiscoveryError::Validation(problem) => {
            // The only place where it stands: between the first pair of backquotes.
            let calls_itself = problem.split('`').nth(1).map(str::to_owned);
            ProviderError::AnotherIssuer { issuer, calls_itself, problem }
        }
        other => ProviderError::NotMetadata { issuer, problem: other.to_string() },
    }
}
