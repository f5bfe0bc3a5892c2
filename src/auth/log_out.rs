//! Logging out of the provider: its tokens are revoked (RFC 7009), and its own session ends in the browser (OpenID
//! Connect RP-Initiated Logout 1.0).
//!
//! The ID token tells the provider whose session to end. It must not stand in the address that a browser is opened
//! with, which other programs can read: so the browser is opened on the redirect listener, which sends it on, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oauth2::CsrfToken;
use oauth2::http::{self, StatusCode, header};
use thiserror::Error;
use url::{Url, form_urlencoded};

use super::Step;
use super::login::OpenBrowser;
use super::loopback::{Found, LOGGED_OUT, Listener};
use super::provider::{Provider, ProviderError};
use super::session::Session;
use crate::config::{LOGGED_OUT_PATH, Profile};
use crate::http::{Http, HttpError, Purpose};
use crate::secret::Secret;

/// How long the person has to come back from the provider's log-out page.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The path of the listener that sends the browser on to the provider.
const LOG_OUT_PATH: &str = "/log-out";

/// The longest ID token that goes along, in bytes: many servers take no more than 8 KB of address.
const LONGEST_HINT: usize = 7 << 10;

/// Why a token was not revoked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RevocationError {
    /// The provider is not to be had.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No answer.
    #[error("{0}.")]
    NoAnswer(#[from] HttpError),
    /// An answer other than 200 (RFC 7009, section 2.2).
    #[error("The provider answered {0} to the revocation.")]
    Refused(StatusCode),
}

impl RevocationError {
    /// Whether it is worth trying again later: the token is still good, and nobody has said no (RFC 7009, section
    /// 2.2.1).
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::Provider(ProviderError::NoAnswer(_)) => true,
            Self::Refused(status) => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            Self::Provider(error) => error.is_trouble(),
        }
    }
}

/// Revokes the session's refresh token, which ends the whole grant, or else its access token (RFC 7009, section 2.1).
/// A provider without a revocation endpoint has nothing to be told.
///
/// # Errors
/// When the provider did not revoke.
pub async fn revoke(session: &Session, http: &Http) -> Result<(), RevocationError> {
    let provider = Provider::discover(&session.issuer, http).await?;
    let Some(endpoint) = &provider.extras().revocation_endpoint else { return Ok(()) };
    let (token, hint) = match &session.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&session.access_token, "access_token"),
    };
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &session.client_id)
        .append_pair("token", token.expose())
        .append_pair("token_type_hint", hint)
        .finish();
    let mut request = http::Request::new(form.into_bytes());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() =
        endpoint.as_str().parse().map_err(|_| ProviderError::NoEndpoint("revocation_endpoint"))?;
    let content_type = http::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let status = http.send(Purpose::Revocation, request).await?.response.status();
    if status.is_success() { Ok(()) } else { Err(RevocationError::Refused(status)) }
}

/// The provider's own session, about to be ended. Dropping the future of [`EndSession::run`] gives up: the port is
/// released.
pub struct EndSession<'a> {
    /// Where the browser may come back to.
    pub profile: &'a Profile,
    /// Whose session it is.
    pub session: &'a Session,
    /// The client; it records the exchanges.
    pub http: &'a Http,
    /// The system browser.
    pub open: OpenBrowser,
    /// Told of each step as it happens.
    pub report: &'a (dyn Fn(Step) + Sync),
    /// How long to wait for the return; [`PATIENCE`] for a person.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The provider sent the browser back.
    CameBack,
    /// The provider's page was opened without a way back, as no port was free: how it went is seen only there.
    Opened,
    /// The provider has no page for it.
    NoPage,
}

/// Why it is not known to have ended.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EndSessionError {
    /// The provider is not to be had.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The browser did not open.
    #[error("The browser did not open: {0}.")]
    NoBrowser(String),
    /// Nobody came back.
    #[error("Nobody came back from the provider's log-out page within {} seconds.", .after.as_secs())]
    NoReturn {
        /// How long it waited.
        after: Duration,
        /// Where.
        return_to: String,
        /// Whether the browser was at least sent to the provider; if not, it never showed anything.
        left: bool,
    },
}

impl EndSession<'_> {
    /// Ends it.
    ///
    /// # Errors
    /// When it may go on. Nothing of this changes that the person is logged out here.
    pub async fn run(self) -> Result<Ended, EndSessionError> {
        let provider = Provider::discover(&self.session.issuer, self.http).await?;
        let Some(page) = LogOutPage::of(&provider) else { return Ok(Ended::NoPage) };
        let listener = match Listener::bind(&self.profile.redirect_ports, LOGGED_OUT_PATH) {
            Ok(listener) => listener,
            Err(busy) => {
                (self.report)(Step::NoWayBack(busy));
                self.open_browser(page.address(&self.session.client_id)).await?;
                return Ok(Ended::Opened);
            }
        };
        let return_to = listener.redirect_uri();
        let passage = Arc::new(Passage::new(page, self.session, &return_to));
        let with_state = passage.state.is_some();

        let opened = Instant::now();
        self.open_browser(passage.entrance(&listener)).await?;
        let finder = Arc::clone(&passage);
        let coming_back = listener.wait(move |path, parameters| finder.find(path, parameters));
        tokio::time::timeout(self.patience, coming_back).await.map_err(|_| EndSessionError::NoReturn {
            after: self.patience,
            return_to,
            left: passage.left.load(Ordering::Relaxed),
        })?;
        (self.report)(Step::CameBackLoggedOut { took: opened.elapsed(), with_state });
        Ok(Ended::CameBack)
    }

    async fn open_browser(&self, address: Url) -> Result<(), EndSessionError> {
        let open = Arc::clone(&self.open);
        let opened = tokio::task::spawn_blocking(move || open(&address)).await;
        opened.unwrap_or_else(|error| Err(error.to_string())).map_err(EndSessionError::NoBrowser)?;
        (self.report)(Step::OpenedLogOutPage);
        Ok(())
    }
}

/// Where a provider ends its own session.
enum LogOutPage {
    /// Its `end_session_endpoint` (RP-Initiated Logout 1.0, section 2).
    EndSession(Url),
    /// Auth0's `/v2/logout`, where the metadata has none: it takes no ID token, and passes no `state` on.
    Auth0(Url),
}

impl LogOutPage {
    fn of(provider: &Provider) -> Option<Self> {
        if let Some(endpoint) = &provider.extras().end_session_endpoint {
            return Some(Self::EndSession(endpoint.clone()));
        }
        let v2 = format!("{}v2/logout", provider.issuer());
        Url::parse(&v2).ok().filter(|_| provider.has_auth0s_layout()).map(Self::Auth0)
    }

    /// Its address with nothing secret in it. The provider may ask whether to log out, and sends nobody back.
    fn address(self, client_id: &str) -> Url {
        let (Self::EndSession(mut url) | Self::Auth0(mut url)) = self;
        url.query_pairs_mut().append_pair("client_id", client_id);
        url
    }
}

/// The way through the listener: to the provider with the ticket, once, and back with the `state`.
struct Passage {
    /// What the browser must bring to be sent to the provider: no other program and no web page can guess it.
    ticket: Secret,
    /// The provider's page, with the ID token.
    page: Secret,
    /// What the browser must bring back; `None` where the provider passes nothing on. A return that it did not send
    /// grants nothing: it only ends the wait.
    state: Option<Secret>,
    /// Whether the ticket was used.
    left: AtomicBool,
}

impl Passage {
    fn new(page: LogOutPage, session: &Session, return_to: &str) -> Self {
        let random = || Secret::new(CsrfToken::new_random().into_secret());
        let state = matches!(page, LogOutPage::EndSession(_)).then(random);
        let mut url = page.address(&session.client_id);
        match &state {
            Some(state) => {
                let mut query = url.query_pairs_mut();
                // An ID token that has expired serves as well (RP-Initiated Logout 1.0, section 2). Without one the
                // provider may ask.
                let hint = session.id_token.as_ref().map(Secret::expose);
                if let Some(hint) = hint.filter(|hint| hint.len() <= LONGEST_HINT) {
                    query.append_pair("id_token_hint", hint);
                }
                query.append_pair("post_logout_redirect_uri", return_to).append_pair("state", state.expose());
            }
            None => {
                url.query_pairs_mut().append_pair("returnTo", return_to);
            }
        }
        Self { ticket: random(), page: Secret::new(url), state, left: AtomicBool::new(false) }
    }

    /// What the browser is opened with.
    fn entrance(&self, listener: &Listener) -> Url {
        let mut url = listener.url_of(LOG_OUT_PATH);
        url.query_pairs_mut().append_pair("ticket", self.ticket.expose());
        url
    }

    fn find(&self, path: &str, parameters: &str) -> Found<()> {
        let brings = |name, secret: &Secret| single(parameters, name).as_deref() == Some(secret.expose());
        match path {
            LOG_OUT_PATH if brings("ticket", &self.ticket) && !self.left.swap(true, Ordering::Relaxed) => {
                Found::SentOn(self.page.clone())
            }
            LOGGED_OUT_PATH
                if self.left.load(Ordering::Relaxed)
                    && self.state.as_ref().is_none_or(|state| brings("state", state)) =>
            {
                Found::Awaited((), &LOGGED_OUT)
            }
            LOG_OUT_PATH | LOGGED_OUT_PATH => Found::Stray(StatusCode::BAD_REQUEST),
            _ => Found::Stray(StatusCode::NOT_FOUND),
        }
    }
}

/// The value of a parameter that comes exactly once.
fn single(parameters: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(parameters.as_bytes()).filter(|(its, _)| its == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}
