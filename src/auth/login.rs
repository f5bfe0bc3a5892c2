//! One attempt to log in: Authorization Code with PKCE in the system browser (RFC 6749, 7636, 8252; OpenID Connect).

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, Scope};
use openidconnect::core::{CoreIdTokenClaims, CoreResponseType, CoreUserInfoClaims};
use openidconnect::{AuthenticationFlow, Nonce, UserInfoError};
use thiserror::Error;
use url::Url;

use super::Step;
use super::id_token::{self, Rejected, Sent};
use super::loopback::{Listener, PortsBusy, Refusal};
use super::provider::{Client, Provider, ProviderError};
use super::session::{Session, StepUp, User};
use super::tokens::{self, TokenError, Tokens};
use super::verification::{Name, Verification, hidden};
use crate::config::Profile;
use crate::http::{Http, Purpose};
use crate::secret::Secret;

/// Opens the system browser on a URL; it may block, and returns once the browser was told.
pub type OpenBrowser = Arc<dyn Fn(&Url) -> Result<(), String> + Send + Sync>;

/// How long the person has to come back from the browser.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// An attempt about to be made. Dropping the future of [`Attempt::run`] cancels it: the port is released and
/// nothing is kept.
pub struct Attempt<'a> {
    /// Where to log in, as whom, for what.
    pub profile: &'a Profile,
    /// What to ask for beyond the profile.
    pub step_up: &'a StepUp,
    /// The client; it records the exchanges.
    pub http: &'a Http,
    /// The system browser.
    pub open: OpenBrowser,
    /// Told of each step as it happens.
    pub report: &'a (dyn Fn(Step) + Sync),
    /// How long to wait for the callback; [`PATIENCE`] for a person.
    pub patience: Duration,
}

/// Why an attempt ended without a session.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LoginError {
    /// The provider is not to be had, or not to be trusted.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No port for the redirect.
    #[error(transparent)]
    PortsBusy(#[from] PortsBusy),
    /// The provider refused: the person declined, or a rule of the provider's (RFC 6749, section 4.1.2.1).
    #[error("The provider refused: {}.", .0.error)]
    Refused(Refusal),
    /// Nobody came back.
    #[error("Nobody came back from the browser within {} seconds.", .after.as_secs())]
    TimedOut {
        /// How long it waited.
        after: Duration,
        /// Where.
        redirect_uri: String,
    },
    /// The response names another issuer, or none though this one promised to (RFC 9207, section 2.4).
    #[error("The answer came from {}, not from {expected}.", came.as_deref().unwrap_or("a provider that it does not name"))]
    WrongIssuer {
        /// The provider that was asked.
        expected: String,
        /// The response's `iss`.
        came: Option<String>,
    },
    /// The code was not exchanged.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No ID token came, though `openid` was asked for.
    #[error("The provider issued no ID token, so it did not say who logged in.")]
    NoIdToken,
    /// The ID token must not be believed.
    #[error(transparent)]
    IdToken(#[from] Rejected),
}

impl Attempt<'_> {
    /// Logs in.
    ///
    /// # Errors
    /// When it ends without a session; nothing is kept then, and the provider gets no further request.
    pub async fn run(self) -> Result<Session, LoginError> {
        let mut checks = Verification::of_login();
        let outcome = self.log_in(&mut checks).await;
        if outcome.is_err() && checks.is_begun() {
            (self.report)(Step::Checked(checks));
        }
        outcome
    }

    async fn log_in(&self, checks: &mut Verification) -> Result<Session, LoginError> {
        let provider = Provider::discover(&self.profile.issuer, self.http).await?;

        // The port is held before anyone is told of it.
        let listener = Listener::bind(&self.profile.redirect_ports, &self.profile.redirect_path)?;
        let redirect_uri = listener.redirect_uri();
        let redirect_url =
            tokens::redirect_url(&redirect_uri).map_err(|error| TokenError::NotTokens(error.to_string()))?;
        let client = provider.client(&self.profile.client_id).set_redirect_uri(redirect_url);

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (link, state, nonce) = self.authorization_request(&client, challenge);
        (self.report)(Step::MadeSecrets);

        let opened = Instant::now();
        self.open_browser(link.clone()).await;
        (self.report)(Step::Waiting {
            link: Secret::new(link),
            redirect_uri: redirect_uri.clone(),
            until: opened + self.patience,
        });
        let ignored = |why, count| (self.report)(Step::IgnoredCallback { why, count });
        let callback = tokio::time::timeout(self.patience, listener.callback(state.secret(), ignored))
            .await
            .map_err(|_| LoginError::TimedOut { after: self.patience, redirect_uri })?;
        // What carries another `state` is no callback to the listener.
        let length = state.secret().chars().count();
        checks.pass(Name::State, &hidden(state.secret()), &format!("the same, {length} characters"));
        let names_issuer = callback.issuer.is_some();
        check_issuer(callback.issuer, &provider, checks)?;
        (self.report)(Step::CameBack { took: opened.elapsed(), names_issuer });

        let code = callback.outcome.map_err(LoginError::Refused)?;
        let tokens = self.exchange(&client, &code, verifier, checks).await?;
        let claims = self.verify(&tokens, nonce, provider, checks).await?;
        let user = self.user(&client, &tokens, &claims).await;
        Ok(Session::new(self.profile, self.step_up, tokens, &claims, user))
    }

    /// The authorization request (OpenID Connect Core 1.0, section 3.1.2.1), with its `state` and `nonce`.
    fn authorization_request(
        &self,
        client: &Client,
        challenge: PkceCodeChallenge,
    ) -> (Url, CsrfToken, Nonce) {
        let profile = self.profile;
        let scopes = self.step_up.scopes_with(profile);
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge)
            // openidconnect adds `openid` itself.
            .add_scopes(scopes.into_iter().filter(|scope| scope != "openid").map(Scope::new));
        if let Some(audience) = &profile.audience {
            request = request.add_extra_param("audience", audience);
        }
        if let Some(resource) = &profile.resource {
            request = request.add_extra_param("resource", resource);
        }
        // In the place of the profile's own, for no parameter may come twice (RFC 6749, section 3.1).
        let acr_values = self.step_up.acr_values.clone();
        let max_age = self.step_up.max_age.and(self.max_age()).map(|seconds| seconds.to_string());
        let stepped_up = [("acr_values", acr_values), ("max_age", max_age)];
        for (name, value) in &profile.authorize_params {
            if !stepped_up.iter().any(|(its, value)| its == name && value.is_some()) {
                request = request.add_extra_param(name, value);
            }
        }
        for (name, value) in stepped_up {
            if let Some(value) = value {
                request = request.add_extra_param(name, value);
            }
        }
        request.url()
    }

    /// How long ago the person may have been authenticated, in seconds: the profile's `max_age` or the step-up's,
    /// whichever is smaller.
    fn max_age(&self) -> Option<u64> {
        let its_own = self.profile.authorize_params.iter().find(|(name, _)| name == "max_age");
        let its_own = its_own.and_then(|(_, seconds)| seconds.parse().ok());
        its_own.into_iter().chain(self.step_up.max_age).min()
    }

    async fn open_browser(&self, link: Url) {
        let open = Arc::clone(&self.open);
        let opened = tokio::task::spawn_blocking(move || open(&link)).await;
        (self.report)(match opened.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(()) => Step::OpenedBrowser,
            Err(problem) => Step::BrowserDidNotOpen(problem),
        });
    }

    /// Exchanges the code. That the verifier fits is the provider's check, and its answer says what came of it.
    async fn exchange(
        &self,
        client: &Client,
        code: &Secret,
        verifier: PkceCodeVerifier,
        checks: &mut Verification,
    ) -> Result<Tokens, LoginError> {
        let expected = hidden(verifier.secret());
        let result = tokens::exchange_code(client, code, verifier, self.http).await;
        match &result {
            Ok(_) | Err(TokenError::UnreadableIdToken(_)) => {
                checks.pass(Name::Pkce, &expected, "taken by the provider");
            }
            Err(TokenError::Refused { error, .. }) => {
                let why = format!(
                    "The provider refused the code ({error}), and does not say whether for its verifier."
                );
                checks.skip(Name::Pkce, &why);
            }
            Err(_) => {}
        }
        result.map_err(|error| match &error {
            TokenError::UnreadableIdToken(token) => match id_token::read(token.expose(), checks) {
                Err(rejected) => rejected.into(),
                Ok(_) => error.into(),
            },
            _ => error.into(),
        })
    }

    async fn verify(
        &self,
        tokens: &Tokens,
        nonce: Nonce,
        provider: Provider,
        checks: &mut Verification,
    ) -> Result<CoreIdTokenClaims, LoginError> {
        let id_token = tokens.id_token.as_ref().ok_or(LoginError::NoIdToken)?;
        let max_age = self.max_age().map(Duration::from_secs);
        let (sent, client_id) = (Sent { nonce, max_age }, &self.profile.client_id);
        let token = &tokens.access_token;
        let claims =
            id_token::verify(id_token, token, Some(&sent), provider, client_id, self.http, checks).await?;
        (self.report)(Step::Checked(checks.clone()));
        Ok(claims)
    }

    /// Who logged in: the ID token's claims, and over them what user info says of the same subject.
    async fn user(&self, client: &Client, tokens: &Tokens, claims: &CoreIdTokenClaims) -> User {
        let from_token = User::from_id_token(claims);
        let subject = claims.subject().clone();
        // A provider without user info is within its rights.
        let Ok(request) = client.user_info(tokens.access_token.clone(), Some(subject)) else {
            return from_token;
        };
        let answer: Result<CoreUserInfoClaims, _> =
            request.request_async(&self.http.as_client(|_| Purpose::UserInfo)).await;
        match answer {
            Ok(claims) => from_token.with_user_info(&claims),
            // That no answer came, or an error, is told by the exchange.
            Err(UserInfoError::Request(_)) => from_token,
            Err(UserInfoError::Response(status, ..)) if !status.is_success() => from_token,
            Err(error) => {
                (self.report)(Step::NoUserInfo(error.to_string()));
                from_token
            }
        }
    }
}

/// The response must come from the provider that was asked, or a code could go to the wrong token endpoint (mix-up).
fn check_issuer(
    came: Option<String>,
    provider: &Provider,
    checks: &mut Verification,
) -> Result<(), LoginError> {
    let expected = provider.issuer();
    let promised = provider.extras().authorization_response_iss_parameter_supported;
    match came {
        Some(came) if came == expected => checks.pass(Name::CallbackIssuer, expected, &came),
        None if !promised => {
            checks
                .skip(Name::CallbackIssuer, "This provider does not name itself in its answers (RFC 9207).");
        }
        came => {
            let actual = came.as_deref().unwrap_or("missing, though promised");
            checks.fail(Name::CallbackIssuer, expected, actual, "another provider may have answered");
            return Err(LoginError::WrongIssuer { expected: expected.to_owned(), came });
        }
    }
    Ok(())
}
