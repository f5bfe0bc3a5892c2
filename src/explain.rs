//! From a failure and its evidence to its cause and its remedy: pure, and the same for every provider and API.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use oauth2::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::api::CallError;
use crate::api::refusal::Refusal;
use crate::api::request::DraftError;
use crate::api::response::Response;
use crate::auth::log_out::{EndSessionError, RevocationError};
use crate::auth::login::LoginError;
use crate::auth::provider::ProviderError;
use crate::auth::renewal::{Prospect, RenewalError};
use crate::auth::session::{Session, StepUp};
use crate::auth::tokens::TokenError;
use crate::config::Profile;
use crate::http::{self, HttpError, NoAnswer};
use crate::store::{StoreError, Unavailability, Unavailable};
use crate::untrusted;

/// What happened, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// How grave it is.
    pub tone: Tone,
    /// What happened, in a few words.
    pub headline: String,
    /// Why, in a sentence or two.
    pub cause: String,
    /// What that is drawn from: a label, and its values.
    pub evidence: Vec<Evidence>,
    /// What to do about it.
    pub remedy: Option<Remedy>,
}

/// A fact of the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub label: &'static str,
    /// Its values.
    pub values: Vec<Value>,
}

/// A value, and whether it is the one to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value, safe to show.
    pub text: String,
    /// Whether it is what is missing or wrong.
    pub amiss: bool,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Somebody said no, and may do so.
    Refused,
    /// Something went wrong.
    Failed,
}

/// What to do, as an action of the window or a text to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Log in (again).
    LogIn,
    /// Log in again, and ask for this beyond the profile.
    LogInAsking(StepUp),
    /// Renew the access token.
    Renew,
    /// Read the kept session once more.
    Restore,
    /// Try once more to keep the session.
    KeepAgain,
    /// Try once more to remove it.
    Forget,
    /// Call again.
    CallAgain,
    /// Put this into the URL field.
    UseUrl(String),
    /// Copy these URLs, to register them at the provider.
    CopyUrls(Vec<String>),
    /// Open the profile's settings.
    EditProfile,
}

impl Explanation {
    fn new(tone: Tone, headline: impl Into<String>, cause: impl Into<String>) -> Self {
        let (headline, cause) = (untrusted::line(&headline.into()), untrusted::line(&cause.into()));
        Self { tone, headline, cause, evidence: Vec::new(), remedy: None }
    }

    fn failed(headline: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Tone::Failed, headline, cause)
    }

    fn refused(headline: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Tone::Refused, headline, cause)
    }

    fn remedy(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    fn evidence<T: AsRef<str>>(
        mut self,
        label: &'static str,
        values: impl IntoIterator<Item = (T, bool)>,
    ) -> Self {
        let values: Vec<_> = values
            .into_iter()
            .map(|(text, amiss)| Value { text: untrusted::line(text.as_ref()), amiss })
            .collect();
        if !values.is_empty() {
            self.evidence.push(Evidence { label, values });
        }
        self
    }

    fn says(self, label: &'static str, text: Option<&str>) -> Self {
        self.evidence(label, text.map(|text| (text, false)))
    }
}

/// Why an attempt to log in ended without a session.
#[must_use]
pub fn login(error: &LoginError, profile: &Profile) -> Explanation {
    match error {
        LoginError::Provider(error) => provider(error),
        LoginError::PortsBusy(error) => {
            let values = error.0.iter().map(|(port, why)| (format!("{port}: {why}"), true));
            Explanation::failed(
                "No port is free for the way back",
                "Another program holds every port that this profile's provider may send you back to. \
                 Close that program, or give the profile another port and register its callback URL.",
            )
            .evidence("Tried", values)
            .remedy(Remedy::EditProfile)
        }
        LoginError::Refused(refusal) => {
            let (headline, cause) = match refusal.error.as_str() {
                "access_denied" if refusal.description.as_deref().is_some_and(|text| text.starts_with("Service not found")) => (
                    "The provider does not know this API",
                    "No API with this profile's audience is registered there. Register it, or correct the audience.",
                ),
                "access_denied" => ("You were not logged in", "The request was declined on the provider's page. Nothing was shared."),
                "unauthorized" => ("The provider did not let you in", "One of its rules refused this account."),
                "login_required" | "consent_required" | "interaction_required" | "account_selection_required" => {
                    ("The provider needs you to act", "It could not log you in without showing a page. Log in without prompt=none.")
                }
                "server_error" | "temporarily_unavailable" => {
                    ("The provider failed", "It says that it cannot log anyone in just now. Try again later.")
                }
                "invalid_scope" => ("The provider does not know one of the scopes", "Correct the scopes of this profile."),
                "invalid_target" => ("The provider does not know this resource", "Correct the resource of this profile."),
                _ => ("The provider refused the login", "It says that something about the request is wrong."),
            };
            let unknown = headline == "The provider does not know this API";
            let audience = profile.audience.clone().filter(|_| unknown).map(|audience| (audience, true));
            Explanation::refused(headline, cause)
                .evidence("Audience", audience)
                .says("It said", Some(refusal.description.as_deref().unwrap_or(&refusal.error)))
                .remedy(Remedy::LogIn)
        }
        LoginError::TimedOut { after, redirect_uri } => Explanation::failed(
            "Nobody came back from the browser",
            format!(
                "Hallpass waited {} minutes. If the browser showed an error page of the provider instead of a login, \
                 this callback URL is probably not registered there.",
                after.as_secs().div_ceil(60)
            ),
        )
        .evidence("Waited at", [(redirect_uri.clone(), false)])
        .remedy(Remedy::CopyUrls(profile.redirect_uris())),
        LoginError::WrongIssuer { expected, came } => Explanation::failed(
            "The answer came from another provider",
            "The login was stopped before the code was sent anywhere: a code must only go to the provider that issued it.",
        )
        .evidence("Asked", [(expected.clone(), false)])
        .evidence("Answered", [(came.as_deref().unwrap_or("(not named)"), true)])
        .remedy(Remedy::LogIn),
        LoginError::Token(error) => token(error, "The provider did not exchange the code").remedy(Remedy::LogIn),
        LoginError::NoIdToken => Explanation::failed(
            "The provider did not say who logged in",
            "It issued no ID token. The scope openid must be asked for, and the provider must support OpenID Connect.",
        )
        .remedy(Remedy::EditProfile),
        LoginError::IdToken(rejected) => {
            let cause = if rejected.check == "alg" && rejected.problem.contains("`HS") {
                "It is signed with a shared secret (HS256), which anyone who has this app could forge. \
                 Set the application's signing algorithm to RS256 at the provider."
            } else {
                "What the provider said about who you are did not pass every check, so Hallpass did not believe it."
            };
            Explanation::failed("The ID token was rejected", cause)
                .evidence("Check", [(rejected.check, true)])
                .says("Found", Some(&rejected.problem))
                .remedy(Remedy::LogIn)
        }
    }
}

fn provider(error: &ProviderError) -> Explanation {
    match error {
        ProviderError::NoAnswer(error) => no_answer(error).remedy(Remedy::LogIn),
        ProviderError::Status { issuer, status } => Explanation::failed(
            "There is no provider at this issuer",
            "Nothing was found at its /.well-known/openid-configuration. Issuers often have a path: \
             https://HOST/realms/NAME (Keycloak), https://login.microsoftonline.com/TENANT/v2.0 (Entra), https://TENANT.auth0.com/.",
        )
        .evidence("Issuer", [(issuer.clone(), true)])
        .evidence("It answered", [(crate::api::response::status_line(*status), false)])
        .remedy(Remedy::EditProfile),
        ProviderError::NotMetadata { issuer, problem } => Explanation::failed(
            "There is no provider at this issuer",
            "Something answered there, but not with an OpenID configuration.",
        )
        .evidence("Issuer", [(issuer.clone(), true)])
        .says("Found", Some(problem))
        .remedy(Remedy::EditProfile),
        ProviderError::AnotherIssuer { problem } => Explanation::failed(
            "The issuer is not spelled as the provider spells it",
            "The two must be the same to the letter, the slash at the end included. Use the provider's own spelling.",
        )
        .says("Found", Some(problem))
        .remedy(Remedy::EditProfile),
        ProviderError::NoS256(_) => {
            Explanation::failed("The provider does not support PKCE with S256", error.to_string()).remedy(Remedy::EditProfile)
        }
        ProviderError::Unsafe(_) | ProviderError::UnsafeEndpoint { .. } | ProviderError::NoEndpoint(_) => {
            Explanation::failed("This provider cannot be used safely", error.to_string())
                .remedy(Remedy::EditProfile)
        }
    }
}

fn token(error: &TokenError, headline: &str) -> Explanation {
    match error {
        TokenError::NoAnswer(error) => no_answer(error),
        TokenError::Refused { error, description } => {
            let unauthorized = description.as_deref() == Some("Unauthorized");
            let cause = match error.as_str() {
                "invalid_grant" => {
                    "The code or refresh token was used before, has expired, or was not made for this app."
                }
                "invalid_client" | "unauthorized_client" | "access_denied"
                    if unauthorized || error != "access_denied" =>
                {
                    "The provider expects a client secret, which a desktop app cannot keep. Set the application's type to \
                     Native, and its authentication method to none."
                }
                _ => "The token endpoint refused.",
            };
            Explanation::failed(headline, cause)
                .says("It said", Some(description.as_deref().unwrap_or(error)))
        }
        TokenError::Busy { status, retry_after } => {
            let cause = match (*status == StatusCode::TOO_MANY_REQUESTS, retry_after) {
                (true, Some(after)) => {
                    format!(
                        "It was asked too often, and wants to be left alone for {} seconds.",
                        after.as_secs()
                    )
                }
                (true, None) => "It was asked too often. Wait a little.".to_owned(),
                (false, _) => "It is in trouble itself. Its operator may know more.".to_owned(),
            };
            Explanation::failed(headline, cause)
                .evidence("It answered", [(crate::api::response::status_line(*status), true)])
        }
        TokenError::NotTokens(problem) => Explanation::failed(
            headline,
            "The answer of its token endpoint holds no tokens that can be used.",
        )
        .says("Found", Some(problem)),
    }
}

/// Why a session was not renewed, and what that means for it.
#[must_use]
pub fn renewal(error: &RenewalError) -> Explanation {
    let explanation = match error {
        RenewalError::NoRefreshToken => Explanation::refused(
            "This session cannot be renewed",
            "The provider issued no refresh token. Ask for the scope offline_access, and allow offline access for the API.",
        ),
        RenewalError::EndedHere => Explanation::refused(
            "You were logged out",
            "The session is no longer kept on this computer: it was ended in another window, or removed in the keyring's \
             own.",
        ),
        RenewalError::NoTurn(_) => Explanation::failed("Your token was not renewed", error.to_string()),
        RenewalError::Provider(error) => not_renewed(provider(error)),
        RenewalError::Token(TokenError::NoAnswer(error)) => not_renewed(no_answer(error)),
        RenewalError::Token(error) => refresh(error),
        RenewalError::AnswerLost(first) => Explanation::failed(
            "Your session was lost on the way",
            "The provider most likely renewed it, and its answer did not arrive: the new refresh token is lost, and the \
             old one is refused. You need to log in again.",
        )
        .says("What happened", Some(first)),
        RenewalError::NotAnswered => Explanation::failed(
            "The provider did not answer",
            "The renewal was sent twice. Renew sends it once more.",
        ),
        RenewalError::NotKept => Explanation::failed(
            "Your session was renewed, and could not be kept",
            "The window that renewed it holds it in memory, or was stopped before it could keep it. You need to log in \
             again here.",
        ),
        RenewalError::Unreadable(why) => Explanation::failed(
            "Your token was not renewed",
            "Another window renewed the session, and the keyring that holds it cannot be read.",
        )
        .says("The keyring", Some(&why.to_string())),
        RenewalError::IdToken(_) | RenewalError::SomebodyElse => {
            Explanation::failed("The renewed session was rejected", error.to_string())
        }
    };
    let (means, remedy) = match error.prospect() {
        Prospect::Over => return explanation.remedy(Remedy::LogIn),
        Prospect::MayPass(_) => {
            ("You are still logged in, and Hallpass tries again by itself.", Remedy::Renew)
        }
        Prospect::InDoubt => (
            "You are still logged in. If the provider did renew the session, you may need to log in again.",
            Remedy::Renew,
        ),
        Prospect::Refused => ("Until your token ends you are still logged in.", Remedy::LogIn),
    };
    let cause = format!("{} {means}", explanation.cause);
    Explanation { cause, ..explanation }.remedy(remedy)
}

/// What stood in the way is said after what it stood in the way of.
fn not_renewed(why: Explanation) -> Explanation {
    let cause = format!("{}. {}", why.headline, why.cause);
    Explanation { headline: "Your token was not renewed".to_owned(), cause, ..why }
}

/// What the token endpoint said to a refresh token (RFC 6749, section 5.2), in the words of several providers.
fn refresh(error: &TokenError) -> Explanation {
    let TokenError::Refused { error: code, description } = error else {
        return token(error, "The provider did not renew the session");
    };
    let words = description.as_deref().unwrap_or_default().to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let (headline, cause) = match code.as_str() {
        "invalid_grant" if says(&["reuse", "already used", "rotated"]) => (
            "Your session was ended: a refresh token was used twice",
            "The provider took that for theft and ended the session everywhere. It also happens when a computer stops in \
             the middle of a renewal, or when a copy of the session is used elsewhere.",
        ),
        "invalid_grant"
            if says(&["doesn't exist", "does not exist", "user not found", "deleted", "disabled"]) =>
        {
            (
                "Your session was ended: the account is gone",
                "The provider no longer knows the account that you logged in with.",
            )
        }
        "invalid_grant" if says(&["revoked"]) => (
            "Your session was ended: it was revoked",
            "You, or an administrator of the provider, ended it there.",
        ),
        "invalid_grant" if says(&["expired", "not active", "inactive"]) => {
            ("Your session was ended: it is too old", "The provider lets a session last only so long.")
        }
        "invalid_grant" => (
            "Your session was ended by the provider",
            "It no longer takes the refresh token: it has expired, was revoked, or was used before.",
        ),
        "mfa_required" | "interaction_required" | "login_required" | "consent_required" => (
            "The provider wants to see you",
            "It renews this session only after you have logged in again, as with a second factor.",
        ),
        _ => return token(error, "The provider did not renew the session"),
    };
    Explanation::refused(headline, cause).says("It said", Some(description.as_deref().unwrap_or(code)))
}

/// Why the session that may be kept could not be read back.
#[must_use]
pub fn not_restored(error: &StoreError) -> Explanation {
    match error {
        StoreError::Unavailable(_) => Explanation::refused(
            "The keyring cannot be read",
            "If you are logged in, your session is in there, and is still good. Unlock the keyring or start it again, \
             then try again; or log in anew.",
        )
        .says("It said", Some(&error.to_string()))
        .remedy(Remedy::Restore),
        StoreError::Foreign { .. } => Explanation::refused(
            "What was kept is no session",
            "The entry is damaged, or was written by another version or another program. You need to log in again.",
        )
        .says("In detail", Some(&error.to_string())),
    }
}

/// Why a session is kept for this run only.
#[must_use]
pub fn not_kept(why: &Unavailable) -> Explanation {
    let cause = match why.kind() {
        Unavailability::Absent => {
            "You stay logged in until you close this window. Install or start a keyring (such as gnome-keyring or \
             KWallet), then try again: Hallpass writes no secret into a file."
        }
        Unavailability::Unwilling => {
            "You stay logged in until you close this window. Unlock the keyring or start it again, then try again: \
             Hallpass writes no secret into a file."
        }
        Unavailability::NoLock => {
            "You stay logged in until you close this window. Several windows could use up each other's session, and the \
             system gives Hallpass no lock against that."
        }
        Unavailability::Taken => {
            return Explanation::refused(
                "Another window is logged in as somebody else",
                "This computer keeps one session a profile, the latest. You stay logged in until you close this window.",
            );
        }
    };
    Explanation::refused("Your session could not be kept", cause)
        .says("The keyring", Some(&why.to_string()))
        .remedy(Remedy::KeepAgain)
}

/// Why a session is still on this computer after a log-out.
#[must_use]
pub fn not_forgotten(error: &StoreError) -> Explanation {
    Explanation::failed(
        "The session may still be kept on this computer",
        "It could not be removed from the keyring. Unlock the keyring and try again, or remove the entries named \
         Hallpass in the keyring's own window.",
    )
    .says("It said", Some(&error.to_string()))
    .remedy(Remedy::Forget)
}

/// Why the provider still honours the tokens after a log-out; `again` says whether it will be told once more.
#[must_use]
pub fn not_revoked(error: &RevocationError, again: bool) -> Explanation {
    let cause = match (error.may_pass(), again) {
        (true, true) => "The provider could not be told yet. Hallpass tries again.",
        (true, false) => "The provider could not be told, so its tokens end when their time is over.",
        (false, _) => "The provider did not revoke its tokens, so they end when their time is over.",
    };
    Explanation::failed(
        "The session that you logged out of may live on at the provider",
        format!("On this computer it is gone. {cause}"),
    )
    .says("It said", Some(&error.to_string()))
}

/// Why the provider may still know the person in the browser after a log-out.
#[must_use]
pub fn session_not_ended(error: &EndSessionError, profile: &Profile) -> Explanation {
    let explained = |cause: String| {
        let cause = format!("{cause} Until it forgets you, the next login may not ask who you are.");
        Explanation::failed("You are logged out here, and perhaps not in your browser", cause)
    };
    match error {
        EndSessionError::Provider(error) => {
            explained("The provider could not be asked for its log-out page.".to_owned())
                .says("Found", Some(&error.to_string()))
        }
        EndSessionError::NoBrowser(problem) => {
            explained("The browser did not open on the provider's log-out page.".to_owned())
                .says("It said", Some(problem))
        }
        EndSessionError::NoReturn { after, return_to, left } => {
            let minutes = after.as_secs().div_ceil(60);
            let waited = if *left {
                explained(format!(
                    "Hallpass waited {minutes} minutes for you to come back from the provider's log-out page. If it \
                     showed an error, this log-out URL is probably not registered there."
                ))
                .remedy(Remedy::CopyUrls(profile.logged_out_uris()))
            } else {
                explained(format!(
                    "Hallpass waited {minutes} minutes, and the browser never asked for the provider's log-out page."
                ))
            };
            waited.evidence("Waited at", [(return_to.clone(), false)])
        }
    }
}

/// What a clock that differs from the others' means; `None` where it does not by more than a minute.
#[must_use]
pub fn clock(ahead: SignedDuration) -> Option<String> {
    if ahead.unsigned_abs() <= Duration::from_mins(1) {
        return None;
    }
    let by = match ahead.unsigned_abs().as_secs() {
        seconds @ 0..7170 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1800) / 3600),
    };
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    Some(format!("This computer's clock is {by} {way} the provider's or the API's: set it right."))
}

/// A task that ended without a result.
#[must_use]
pub fn fault() -> Explanation {
    Explanation::failed(
        "Something in Hallpass failed",
        "This is a fault of Hallpass, not of the provider or the API. Try again; the terminal that it was started from \
         says more.",
    )
}

/// Why a fault of the demo could not be turned on or off.
#[must_use]
pub fn not_switched(problem: &str) -> Explanation {
    Explanation::failed(
        "The demo's fault could not be switched",
        format!("The order was not taken: {problem}."),
    )
}

/// Why a call was not made: its token has expired, and was not renewed.
#[must_use]
pub fn not_called() -> Explanation {
    Explanation::refused(
        "This call was not made",
        "Your token has expired and could not be renewed, as is said above. What you see is the answer to the last call.",
    )
    .remedy(Remedy::CallAgain)
}

/// Why a draft cannot be sent.
#[must_use]
pub fn draft(error: &DraftError) -> Explanation {
    let explanation = Explanation::failed("This request cannot be sent", error.to_string());
    match error {
        DraftError::NoScheme { meant, .. } => {
            explanation.evidence("Meant", [(meant.clone(), false)]).remedy(Remedy::UseUrl(meant.clone()))
        }
        DraftError::NoApi(_) => explanation.remedy(Remedy::EditProfile),
        _ => explanation,
    }
}

/// Why a call brought no response.
#[must_use]
pub fn no_response(error: &CallError) -> Explanation {
    match error {
        CallError::NoAnswer(error) => no_answer(error).remedy(Remedy::CallAgain),
        CallError::RedirectsWithoutEnd(_) | CallError::UnfitToken => {
            Explanation::failed("The call was given up", error.to_string())
        }
    }
}

fn no_answer(HttpError { to, why }: &HttpError) -> Explanation {
    let (headline, cause) = match why {
        NoAnswer::Dns => (
            format!("{to} was not found"),
            "No address is known for this name. Check its spelling, and that this computer is online."
                .to_owned(),
        ),
        NoAnswer::Refused => (
            format!("Nothing listens at {to}"),
            "The computer is there, and refused the connection. Start the server, or correct the port."
                .to_owned(),
        ),
        NoAnswer::NoRoute => (
            format!("{to} cannot be reached"),
            "This computer's network has no way there. Is it online, or on the right VPN?".to_owned(),
        ),
        NoAnswer::Reset => (
            format!("{to} broke off"),
            "It closed the connection before its answer was whole. Its own log will say why.".to_owned(),
        ),
        NoAnswer::NoConnection(after) => (
            format!("{to} cannot be connected to"),
            format!(
                "No connection came about within {} seconds. A firewall drops it, or the address is wrong.",
                after.as_secs()
            ),
        ),
        NoAnswer::TimedOut(after) => (
            format!("{to} did not answer in time"),
            format!(
                "Hallpass waited {} seconds. The server is overloaded, or a firewall drops the connection.",
                after.as_secs()
            ),
        ),
        NoAnswer::Tls(problem) => (
            format!("{to} has no TLS connection that can be trusted"),
            format!(
                "{problem}. A company's own certificate authority must be trusted by the operating system."
            ),
        ),
        NoAnswer::NotTls => (
            format!("{to} does not speak TLS"),
            "The address starts with https://, and what answered there speaks something else, most often plain http. \
             Try http:// if it is on this computer."
                .to_owned(),
        ),
        NoAnswer::Unencrypted => (
            format!("{to} was not asked"),
            "Its address starts with http://, so whoever is on the way could read and change what is said. It must start \
             with https://."
                .to_owned(),
        ),
        NoAnswer::TooLarge(limit) => (
            format!("{to} answered with too much"),
            format!("More than {} KB came where a small document is expected.", limit / 1024),
        ),
        NoAnswer::Other(problem) => (format!("{to} could not be asked"), problem.clone()),
    };
    Explanation::failed(headline, cause)
}

/// Why the API did not do what it was asked; `None` where it did, or where the response speaks for itself. `expired`
/// says whether the token has come to its end by now.
#[must_use]
pub fn response(
    response: &Response,
    session: Option<&Session>,
    expired: bool,
    now: Timestamp,
) -> Option<Explanation> {
    if let Some(elsewhere) = &response.elsewhere {
        let explanation = Explanation::failed(
            "The API redirects to another place",
            "Hallpass did not follow: your token is for the API that you called, and was not sent on.",
        );
        return Some(
            explanation
                .evidence("From", [(response.request.url.origin().ascii_serialization(), false)])
                .evidence("To", [(elsewhere.origin().ascii_serialization(), true)])
                .remedy(Remedy::UseUrl(elsewhere.to_string())),
        );
    }
    let refusal = response.refusal.clone().unwrap_or_default();
    match (response.status, session) {
        (StatusCode::UNAUTHORIZED, Some(session)) if response.with_token && refusal.wants_step_up() => {
            Some(too_weak(&refusal, session, now))
        }
        (StatusCode::UNAUTHORIZED, _) => Some(unauthorized(response, &refusal, session, expired, now)),
        (StatusCode::FORBIDDEN, _) => Some(forbidden(&refusal, session, now)),
        (StatusCode::TOO_MANY_REQUESTS, _) => Some(too_many(response, now)),
        (status, _) if status.is_server_error() => Some(api_failed(response)),
        _ => None,
    }
}

/// The API wants to know more surely, or as of later, who calls (RFC 9470).
fn too_weak(refusal: &Refusal, session: &Session, now: Timestamp) -> Explanation {
    let wanted = wanted(refusal, &session.granted);
    let acr = session.acr.as_deref();
    let ago = session.authenticated_ago(now);
    let headline = match wanted.acr_values {
        Some(_) => "The API wants you to log in again, more strongly",
        None => "The API wants you to log in again, more recently",
    };
    let asked = session.has_asked_for(&wanted, now);
    let cause = match (asked, wanted.is_met_by(acr)) {
        (false, _) => {
            "Your token is good, but for this request the API has to know more surely that it is you. Log in again; \
             the provider will be asked for what the API wants."
        }
        (true, false) => {
            "You asked for it when you logged in, and the provider logged you in otherwise, so asking again will not \
             help. It must be set up at the provider, or the API must want what the provider has. Or log in as \
             somebody to whom the provider offers it."
        }
        (true, true) => {
            "You asked for it when you logged in, and the ID token says that you got it, so asking again will not \
             help. The access token must say so too: that is set up at the provider. Or the clock of the API is wrong."
        }
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, Some(session), now))
        .evidence(
            "You have",
            [
                acr.map_or("no acr in the ID token".to_owned(), str::to_owned),
                ago.map_or("a login at an unknown time".to_owned(), |ago| {
                    format!("a login {} ago", span(ago))
                }),
            ]
            .map(|value| (value, false)),
        );
    let explanation = said(explanation, &Refusal { scopes: Vec::new(), ..refusal.clone() });
    if asked { explanation } else { explanation.remedy(Remedy::LogInAsking(wanted.and(&session.step_up))) }
}

/// What the API needs, each beside whether the session lacks it.
fn needs(refusal: &Refusal, session: Option<&Session>, now: Timestamp) -> Vec<(String, bool)> {
    let granted = session.map(|session| session.granted.as_slice()).unwrap_or_default();
    let scopes = refusal.scopes.iter().map(|scope| (scope.clone(), !granted.contains(scope)));
    let acr = session.and_then(|session| session.acr.as_ref());
    let weak = !acr.is_some_and(|acr| refusal.acr_values.contains(acr));
    let strength = refusal.acr_values.iter().map(|value| (value.clone(), weak));
    let ago = session.and_then(|session| session.authenticated_ago(now));
    let age = refusal
        .max_age
        .map(Duration::from_secs)
        .map(|most| (format!("a login at most {} ago", span(most)), ago.is_none_or(|ago| ago > most)));
    scopes.chain(strength).chain(age).collect()
}

/// What the API wants beyond what was granted.
fn wanted(refusal: &Refusal, granted: &[String]) -> StepUp {
    let missing = refusal.scopes.iter().filter(|scope| !granted.contains(scope));
    StepUp {
        scopes: missing.cloned().collect(),
        acr_values: (!refusal.acr_values.is_empty()).then(|| refusal.acr_values.join(" ")),
        max_age: refusal.max_age,
    }
}

/// A duration in one unit: `45 seconds`, `5 minutes`.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        1 => "1 second".to_owned(),
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn unauthorized(
    response: &Response,
    refusal: &Refusal,
    session: Option<&Session>,
    expired: bool,
    now: Timestamp,
) -> Explanation {
    let explanation = if !response.with_token {
        Explanation::failed(
            "The API wants to know who you are",
            "This call went without a token. Log in, then call again.",
        )
        .remedy(Remedy::LogIn)
    } else if expired {
        Explanation::failed(
            "Your token has expired",
            "It was good for a limited time, and that time is over.",
        )
        .remedy(if session.is_some_and(|session| session.refresh_token.is_some()) {
            Remedy::Renew
        } else {
            Remedy::LogIn
        })
    } else if let Some(explanation) = session.and_then(|session| unfit(refusal, session, now)) {
        explanation
    } else {
        Explanation::failed(
            "The API did not accept your token",
            "The token was sent, and has not expired by this computer's clock. The API may expect another audience or issuer.",
        )
        .remedy(Remedy::EditProfile)
    };
    said(explanation, refusal)
}

/// What is wrong with a token by its own account, or by the API's; `None` where neither tells.
fn unfit(refusal: &Refusal, session: &Session, now: Timestamp) -> Option<Explanation> {
    let token = session.access_token.expose();
    let words = [&refusal.error, &refusal.description].map(|words| words.as_deref().unwrap_or_default());
    let says = |sign| words.iter().any(|words| words.to_lowercase().contains(sign));
    let Some(claims) = claims(token) else {
        let cause = "It is no JWT, so only the provider can read it. Most often that means that no audience was asked for: \
                     set the API's identifier as the profile's audience, and log in again. If it is set, the provider \
                     issues such tokens for this API.";
        let form = if token.split('.').count() == 5 { "an encrypted JWT" } else { "an opaque token" };
        return Some(
            Explanation::failed("The API cannot read your token", cause)
                .says("Your token is", Some(form))
                .remedy(Remedy::EditProfile),
        );
    };
    if says("expired") {
        let ago =
            claims["exp"].as_i64().map(|exp| now.as_second().saturating_sub(exp)).filter(|ago| *ago > 0);
        let cause = match ago {
            Some(_) => {
                "The provider said that it was good for longer than the token itself says. The provider is set up \
                        wrongly, or this computer's clock is."
            }
            None => "By this computer's clock it has not. The clock of the API is wrong, or this computer's.",
        };
        let ended = ago.and_then(|ago| u64::try_from(ago).ok()).map(|ago| span(Duration::from_secs(ago)));
        return Some(
            Explanation::failed("The API says that your token has expired", cause)
                .says("By itself it", ended.map(|ago| format!("ended {ago} ago")).as_deref())
                .remedy(if session.refresh_token.is_some() { Remedy::Renew } else { Remedy::LogIn }),
        );
    }
    says("audience").then(|| {
        let audiences = match &claims["aud"] {
            serde_json::Value::Array(several) => several.iter().filter_map(serde_json::Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        let cause = "The API takes only tokens that name it in aud, to the letter: a slash at the end counts. Correct the \
                     profile's audience, or the one that the API wants.";
        Explanation::failed("Your token is for another API", cause)
            .evidence("Its aud", audiences.into_iter().take(AUDIENCES).map(|audience| (audience, true)))
            .remedy(Remedy::EditProfile)
    })
}

/// So many audiences of a token are shown.
const AUDIENCES: usize = 8;

/// The claims of a token that is a signed JWT. Nothing is believed that they say: they are evidence.
fn claims(token: &str) -> Option<serde_json::Value> {
    let [_, payload, _] = token.split('.').collect::<Vec<_>>()[..] else { return None };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn too_many(response: &Response, now: Timestamp) -> Explanation {
    let headers: HeaderMap = response
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        })
        .collect();
    let reset = || {
        let at: i64 = headers.get("x-ratelimit-reset")?.to_str().ok()?.parse().ok()?;
        // Some count the seconds from now, some from 1970.
        let after = if at < 1 << 30 { at } else { at.saturating_sub(now.as_second()) };
        u64::try_from(after).ok().map(Duration::from_secs)
    };
    let cause = match http::retry_after(&headers).or_else(reset) {
        Some(after) => {
            let after = span(after);
            format!("It was asked too often, and wants to be left alone for {after}. Then call again.")
        }
        None => "It was asked too often. Wait a little, then call again.".to_owned(),
    };
    Explanation::refused("The API has had too many requests", cause).remedy(Remedy::CallAgain)
}

fn api_failed(response: &Response) -> Explanation {
    let id = ["x-request-id", "request-id", "x-correlation-id", "traceparent", "cf-ray"]
        .into_iter()
        .find_map(|name| header_of(response, name));
    let cause = "This is a fault of the API or of what stands before it, not of your login. Call again; if it stays, whoever \
                 runs the API can find this call in its log.";
    Explanation::failed("The API failed", cause)
        .evidence("It answered", [(response.status_line(), true)])
        .says("Request id", id)
        .says("At", header_of(response, "date"))
        .remedy(Remedy::CallAgain)
}

fn header_of<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
}

fn forbidden(refusal: &Refusal, session: Option<&Session>, now: Timestamp) -> Explanation {
    let granted = session.map(|session| session.granted.clone()).unwrap_or_default();
    let wanted = wanted(refusal, &granted);
    if wanted.scopes.is_empty() {
        let explanation = Explanation::failed(
            "The API knows you, and refuses this",
            "The token was accepted, but does not permit this request.",
        );
        return said(explanation, refusal);
    }
    let asked = session.is_some_and(|session| session.has_asked_for(&wanted, now));
    let cause = if asked {
        "You asked for it when you logged in, and the provider did not grant it: this account may not have it. \
         Log in as somebody who may, or have the permission added."
    } else {
        "It was not asked for when you logged in. Log in again, and it will be; the provider decides whether it is \
         granted. To ask for it each time, add it to the profile's scopes."
    };
    let headline = match wanted.scopes.as_slice() {
        [scope] => format!("Your token lacks the scope {scope}"),
        _ => "Your token lacks scopes that the API needs".to_owned(),
    };
    let earlier = session.map(|session| session.step_up.clone()).unwrap_or_default();
    let remedy = if asked {
        // As somebody else; but not where a plain login would ask for less, and lead here again.
        (earlier == StepUp::default()).then_some(Remedy::LogIn)
    } else {
        Some(Remedy::LogInAsking(wanted.and(&earlier)))
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, session, now))
        .evidence("You have", granted.into_iter().map(|scope| (scope, false)));
    Explanation { remedy, ..explanation }
}

fn said(explanation: Explanation, refusal: &Refusal) -> Explanation {
    let needs: Vec<_> = refusal.scopes.iter().map(|scope| (scope.clone(), false)).collect();
    explanation
        .evidence("The API said", refusal.error.clone().map(|error| (error, true)))
        .evidence("In words", refusal.description.clone().map(|text| (text, false)))
        .evidence("It needs", needs)
}

#[cfg(test)]
mod tests {
    use oauth2::http::{Method, header};
    use url::Url;

    use super::*;
    use crate::api::document::Document;
    use crate::api::request::Request;
    use crate::auth::loopback::Refusal as ProviderRefusal;
    use crate::auth::session::{Obtained, User};
    use crate::secret::Secret;

    fn profile() -> Profile {
        Profile::demo("https://op/", "c", "https://api", &Url::parse("https://api.example.com/").unwrap())
    }

    fn session(granted: &[&str]) -> Session {
        Session {
            issuer: "https://op/".to_owned(),
            client_id: "c".to_owned(),
            access_token: Secret::new("a"),
            refresh_token: None,
            id_token: None,
            asked: vec!["openid".to_owned(), "read:messages".to_owned()],
            granted: granted.iter().map(|&scope| scope.to_owned()).collect(),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user: User { subject: "s".to_owned(), name: None, email: None, picture: None },
            obtained: Obtained::ByLogin,
            step_up: StepUp::default(),
            acr: None,
            auth_time: None,
        }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn answered(status: u16, with_token: bool, challenge: &'static str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        Response {
            request: Request {
                method: Method::GET,
                url: Url::parse("https://api.example.com/x").unwrap(),
                headers: HeaderMap::new(),
                body: Vec::new(),
            },
            with_token,
            status: StatusCode::from_u16(status).unwrap(),
            took: Duration::ZERO,
            size: 0,
            cut: false,
            content_type: None,
            headers: Vec::new(),
            elsewhere: None,
            refusal: Some(Refusal::read(&headers, b"")),
            document: Document::read(&headers, b"", false),
        }
    }

    fn values(explanation: &Explanation, label: &str) -> Vec<(String, bool)> {
        let evidence = explanation.evidence.iter().find(|evidence| evidence.label == label);
        evidence
            .map(|evidence| evidence.values.iter().map(|value| (value.text.clone(), value.amiss)).collect())
            .unwrap_or_default()
    }

    #[test]
    fn a_missing_scope_is_named_beside_those_that_are_there() {
        let challenge = r#"Bearer error="insufficient_scope", scope="openid read:messages""#;
        let explained =
            response(&answered(403, true, challenge), Some(&session(&["openid"])), false, NOW).unwrap();
        assert_eq!(explained.headline, "Your token lacks the scope read:messages");
        assert_eq!(
            values(&explained, "The API needs"),
            [("openid".to_owned(), false), ("read:messages".to_owned(), true)]
        );
        assert_eq!(values(&explained, "You have"), [("openid".to_owned(), false)]);
        assert_eq!(explained.remedy, Some(Remedy::LogIn));
    }

    fn step_up(scopes: &[&str], acr_values: Option<&str>, max_age: Option<u64>) -> StepUp {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        StepUp { scopes, acr_values: acr_values.map(str::to_owned), max_age }
    }

    #[test]
    fn a_scope_that_was_never_asked_for_can_be_asked_for_beside_what_was_asked_for_earlier() {
        let challenge = r#"Bearer error="insufficient_scope", scope="write:messages""#;
        let refused = answered(403, true, challenge);
        let session = session(&["openid"]);
        let explained = response(&refused, Some(&session), false, NOW).unwrap();
        assert_eq!(explained.remedy, Some(Remedy::LogInAsking(step_up(&["write:messages"], None, None))));

        let strong = Session { step_up: step_up(&["other"], Some("strong"), Some(300)), ..session };
        let explained = response(&refused, Some(&strong), false, NOW).unwrap();
        let both = step_up(&["write:messages", "other"], Some("strong"), Some(300));
        assert_eq!(explained.remedy, Some(Remedy::LogInAsking(both)));
    }

    #[test]
    fn a_scope_that_was_asked_for_in_vain_is_not_asked_for_again() {
        let challenge = r#"Bearer error="insufficient_scope", scope="write:messages""#;
        let session = session(&["openid"]);
        let asked = Session {
            asked: vec!["openid".to_owned(), "write:messages".to_owned()],
            step_up: step_up(&["write:messages"], None, None),
            ..session
        };
        let explained = response(&answered(403, true, challenge), Some(&asked), false, NOW).unwrap();
        assert!(explained.cause.contains("the provider did not grant it"), "{}", explained.cause);
        assert_eq!(explained.remedy, None);
    }

    const STRONGER: &str =
        r#"Bearer error="insufficient_user_authentication", acr_values="strong stronger", max_age=300"#;

    #[test]
    fn a_stronger_login_is_asked_for_with_what_the_api_wants_beside_what_there_is() {
        let session = Session {
            acr: Some("weak".to_owned()),
            auth_time: Some(Timestamp::from_second(-1000).unwrap()),
            ..session(&["openid"])
        };
        let explained = response(&answered(401, true, STRONGER), Some(&session), false, NOW).unwrap();
        assert_eq!(explained.headline, "The API wants you to log in again, more strongly");
        let text = |text: &str, amiss| (text.to_owned(), amiss);
        assert_eq!(
            values(&explained, "The API needs"),
            [text("strong", true), text("stronger", true), text("a login at most 5 minutes ago", true)]
        );
        assert_eq!(
            values(&explained, "You have"),
            [text("weak", false), text("a login 16 minutes ago", false)]
        );
        let asking = Remedy::LogInAsking(step_up(&[], Some("strong stronger"), Some(300)));
        assert_eq!(explained.remedy, Some(asking));
    }

    #[test]
    fn a_login_of_late_is_asked_for_by_its_own_name() {
        let challenge = r#"Bearer error="insufficient_user_authentication", max_age="1", scope="a""#;
        let earlier = step_up(&["b"], Some("strong"), None);
        let session = Session { step_up: earlier, ..session(&["openid"]) };
        let explained = response(&answered(401, true, challenge), Some(&session), false, NOW).unwrap();
        assert_eq!(explained.headline, "The API wants you to log in again, more recently");
        assert_eq!(values(&explained, "You have")[1].0, "a login at an unknown time");
        let all = step_up(&["a", "b"], Some("strong"), Some(1));
        assert_eq!(explained.remedy, Some(Remedy::LogInAsking(all)));
    }

    #[test]
    fn a_login_that_was_asked_for_in_vain_is_not_asked_for_again() {
        let asked = Session {
            step_up: step_up(&[], Some("strong stronger"), Some(300)),
            acr: Some("weak".to_owned()),
            auth_time: Some(NOW),
            ..session(&["openid"])
        };
        let explained = response(&answered(401, true, STRONGER), Some(&asked), false, NOW).unwrap();
        assert!(explained.cause.contains("logged you in otherwise"), "{}", explained.cause);
        assert_eq!(values(&explained, "You have")[0].0, "weak");
        assert_eq!(explained.remedy, None);

        let strong = Session { acr: Some("strong".to_owned()), ..asked };
        let explained = response(&answered(401, true, STRONGER), Some(&strong), false, NOW).unwrap();
        assert!(explained.cause.contains("The access token must say so too"), "{}", explained.cause);
        assert_eq!(explained.remedy, None);

        let later = Timestamp::from_second(301).unwrap();
        let explained = response(&answered(401, true, STRONGER), Some(&strong), false, later).unwrap();
        assert!(matches!(explained.remedy, Some(Remedy::LogInAsking(_))), "it has become too old since");
    }

    #[test]
    fn a_stronger_login_is_no_matter_of_a_call_without_a_token() {
        let explained =
            response(&answered(401, false, STRONGER), Some(&session(&["openid"])), false, NOW).unwrap();
        assert_eq!(explained.headline, "The API wants to know who you are");
    }

    #[test]
    fn a_refusal_without_a_scope_is_told_in_the_apis_words_and_not_guessed_at() {
        let challenge = r#"Bearer error="access_denied", error_description="Not on Sundays""#;
        let explained =
            response(&answered(403, true, challenge), Some(&session(&["openid"])), false, NOW).unwrap();
        assert_eq!(explained.headline, "The API knows you, and refuses this");
        assert_eq!(values(&explained, "In words"), [("Not on Sundays".to_owned(), false)]);
        assert_eq!(explained.remedy, None);
    }

    #[test]
    fn a_401_is_told_apart_by_whether_a_token_went_along_and_whether_it_had_expired() {
        let headline = |with_token, expired| {
            let (response, session) =
                (answered(401, with_token, r#"Bearer realm="api""#), with_claims(&serde_json::json!({})));
            super::response(&response, Some(&session), expired, NOW).unwrap().headline
        };
        assert_eq!(headline(false, false), "The API wants to know who you are");
        assert_eq!(headline(true, true), "Your token has expired");
        assert_eq!(headline(true, false), "The API did not accept your token");
    }

    /// A session whose token is a JWT of these claims.
    fn with_claims(claims: &serde_json::Value) -> Session {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        Session { access_token: Secret::new(format!("e30.{payload}.c2ln")), ..session(&[]) }
    }

    #[test]
    fn a_token_that_is_no_jwt_is_said_to_be_none() {
        let explained = |token: &str| {
            let session = Session { access_token: Secret::new(token), ..session(&[]) };
            response(&answered(401, true, r#"Bearer error="invalid_token""#), Some(&session), false, NOW)
                .unwrap()
        };
        for (token, form) in [("opaque", "an opaque token"), ("e30..a.b.c", "an encrypted JWT")] {
            assert_eq!(explained(token).headline, "The API cannot read your token");
            assert_eq!(values(&explained(token), "Your token is"), [(form.to_owned(), false)]);
            assert_eq!(explained(token).remedy, Some(Remedy::EditProfile));
        }
    }

    #[test]
    fn an_audience_that_the_api_does_not_take_stands_beside_its_words() {
        let challenge =
            r#"Bearer error="invalid_token", error_description="The audience is not https://api""#;
        for aud in [serde_json::json!("https://api/"), serde_json::json!(["https://api/"])] {
            let session = with_claims(&serde_json::json!({ "aud": aud }));
            let explained = response(&answered(401, true, challenge), Some(&session), false, NOW).unwrap();
            assert_eq!(explained.headline, "Your token is for another API");
            assert_eq!(values(&explained, "Its aud"), [("https://api/".to_owned(), true)]);
            assert_eq!(
                values(&explained, "In words"),
                [("The audience is not https://api".to_owned(), false)]
            );
        }
    }

    #[test]
    fn a_token_that_only_the_api_calls_expired_is_told_by_its_own_end() {
        let challenge = r#"Bearer error="invalid_token", error_description="The token has expired""#;
        let explained = |exp: i64| {
            let session = with_claims(&serde_json::json!({ "exp": exp }));
            response(&answered(401, true, challenge), Some(&session), false, NOW).unwrap()
        };
        assert_eq!(explained(-300).headline, "The API says that your token has expired");
        assert_eq!(values(&explained(-300), "By itself it"), [("ended 5 minutes ago".to_owned(), false)]);
        assert!(
            explained(300).cause.contains("The clock of the API")
                && values(&explained(300), "By itself it").is_empty()
        );
    }

    #[test]
    fn too_many_requests_are_told_with_how_long_to_wait() {
        let cause = |name: &str, value: &str| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            let now = Timestamp::from_second(2_000_000_000).unwrap();
            response(&Response { headers, ..answered(429, true, "") }, None, false, now).unwrap().cause
        };
        assert!(cause("retry-after", "20").contains("for 20 seconds"));
        assert!(cause("x-ratelimit-reset", "2000000030").contains("for 30 seconds"));
        assert!(cause("x-ratelimit-reset", "40").contains("for 40 seconds"));
        for nonsense in ["soon", "-1", ""] {
            assert!(cause("retry-after", nonsense).contains("a little"), "{nonsense}");
        }
    }

    #[test]
    fn an_api_that_failed_is_told_with_what_its_operator_can_find_the_call_by() {
        let headers = vec![("x-request-id".to_owned(), "abc".to_owned())];
        let failed = Response { headers, ..answered(503, true, "") };
        let explained = response(&failed, Some(&session(&[])), false, NOW).unwrap();
        assert_eq!(explained.headline, "The API failed");
        assert_eq!(values(&explained, "Request id"), [("abc".to_owned(), false)]);
    }

    #[test]
    fn a_success_needs_no_explanation() {
        assert_eq!(response(&answered(200, true, ""), None, false, NOW), None);
    }

    #[test]
    fn a_redirect_to_another_origin_names_both_and_offers_the_other() {
        let there = Url::parse("https://elsewhere.example/login?next=x").unwrap();
        let redirected = Response { elsewhere: Some(there), ..answered(302, true, "") };
        let explained = response(&redirected, None, false, NOW).unwrap();
        assert_eq!(values(&explained, "To"), [("https://elsewhere.example".to_owned(), true)]);
        assert!(
            matches!(explained.remedy, Some(Remedy::UseUrl(url)) if url.starts_with("https://elsewhere.example/login"))
        );
    }

    #[test]
    fn declining_is_no_failure_and_an_unknown_api_is_named() {
        let refused = |error: &str, description: &str| {
            let refusal =
                ProviderRefusal { error: error.to_owned(), description: Some(description.to_owned()) };
            login(&LoginError::Refused(refusal), &profile())
        };
        let declined = refused("access_denied", "User did not authorize the request");
        assert_eq!((declined.tone, declined.headline.as_str()), (Tone::Refused, "You were not logged in"));
        let unknown = refused("access_denied", "Service not found: https://api");
        assert_eq!(values(&unknown, "Audience"), [("https://api".to_owned(), true)]);
        let rule = refused("unauthorized", "Only on weekdays\u{1b}[2J");
        assert_eq!(values(&rule, "It said"), [("Only on weekdays\u{fffd}[2J".to_owned(), false)]);
    }

    #[test]
    fn a_shared_secret_as_signing_key_is_told_from_other_algorithms() {
        let cause = |problem: &str| {
            let rejected = crate::auth::id_token::Rejected { check: "alg", problem: problem.to_owned() };
            login(&LoginError::IdToken(rejected), &profile()).cause
        };
        assert!(cause("algorithm `HS256` is not one of: RS256").contains("RS256 at the provider"));
        assert!(!cause("algorithm `none` is not one of: RS256").contains("RS256 at the provider"));
    }

    #[test]
    fn nobody_coming_back_offers_the_callback_urls() {
        let error = LoginError::TimedOut {
            after: Duration::from_mins(3),
            redirect_uri: "http://127.0.0.1:8710/callback".to_owned(),
        };
        let explained = login(&error, &profile());
        assert!(explained.cause.contains("3 minutes"));
        assert_eq!(explained.remedy, Some(Remedy::CopyUrls(profile().redirect_uris())));
    }

    #[test]
    fn a_log_out_url_is_doubted_only_where_the_provider_was_reached() {
        let explained = |left| {
            let return_to = "http://127.0.0.1:8710/logged-out".to_owned();
            let error = EndSessionError::NoReturn { after: Duration::from_mins(2), return_to, left };
            session_not_ended(&error, &profile())
        };
        assert!(explained(true).cause.contains("not registered"));
        assert_eq!(explained(true).remedy, Some(Remedy::CopyUrls(profile().logged_out_uris())));
        assert!(explained(false).cause.contains("2 minutes") && explained(false).remedy.is_none());
        assert_eq!(
            values(&explained(false), "Waited at"),
            [("http://127.0.0.1:8710/logged-out".to_owned(), false)]
        );
    }

    #[test]
    fn an_application_with_a_secret_is_recognised_by_what_the_token_endpoint_says() {
        for (error, description) in [("access_denied", "Unauthorized"), ("invalid_client", "no secret")] {
            let error =
                TokenError::Refused { error: error.to_owned(), description: Some(description.to_owned()) };
            assert!(login(&LoginError::Token(error), &profile()).cause.contains("Native"));
        }
    }

    #[test]
    fn each_way_of_not_answering_has_its_own_headline() {
        let ways = [
            NoAnswer::Dns,
            NoAnswer::Refused,
            NoAnswer::NoRoute,
            NoAnswer::Reset,
            NoAnswer::NoConnection(Duration::from_secs(8)),
            NoAnswer::TimedOut(Duration::from_secs(30)),
            NoAnswer::Tls("invalid peer certificate: UnknownIssuer".to_owned()),
            NoAnswer::NotTls,
            NoAnswer::Unencrypted,
            NoAnswer::TooLarge(1 << 20),
            NoAnswer::Other("?".to_owned()),
        ];
        let headlines: std::collections::BTreeSet<_> = ways
            .into_iter()
            .map(|why| no_response(&CallError::NoAnswer(HttpError { to: "host:1".to_owned(), why })).headline)
            .collect();
        assert_eq!(headlines.len(), 11);
        assert!(headlines.iter().all(|headline| headline.contains("host:1")));
    }
}
