//! Faults on demand: what the demo can be told to do wrong, one at a time, so that one sees what an app makes of it.
//!
//! The sound flow comes first everywhere: a fault is one question to [`Faults`] at the place where it belongs, or
//! stands [`before`] a server's endpoints. `switch.rs` is how it is turned on and off.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{DATE, RETRY_AFTER},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, fmt::rfc2822};
use serde_json::json;
use tokio::{sync::watch, time::sleep};

use super::{keys, memory};

/// How long everything takes when it is slow.
const SLOWNESS: Duration = Duration::from_secs(5);
/// How far the clock that is wrong is ahead: ahead, so that what was issued meanwhile is still good once it is right.
const SKEW: Duration = Duration::from_hours(1);
/// What `Retry-After` asks for, in seconds.
const LEAVE_ALONE: u32 = 20;
/// How long whoever switches a fault waits for the API's port to follow.
const SETTLING: Duration = Duration::from_secs(5);

/// Something that the demo does wrong for as long as it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is explained in the table below")]
pub enum Fault {
    Declined,
    WrongState,
    BadNonce,
    KeyRotated,
    MissingScope,
    WrongAudience,
    OpaqueToken,
    ExpiredToken,
    ApiBusy,
    ApiFails,
    ApiUnreachable,
    ReuseDetected,
    ProviderBusy,
    ProviderFails,
    Slow,
    ClockSkew,
}

impl Fault {
    /// Every fault, in the order of a menu.
    pub const ALL: [Self; 16] = [
        Self::Declined,
        Self::WrongState,
        Self::BadNonce,
        Self::KeyRotated,
        Self::MissingScope,
        Self::WrongAudience,
        Self::OpaqueToken,
        Self::ExpiredToken,
        Self::ApiBusy,
        Self::ApiFails,
        Self::ApiUnreachable,
        Self::ReuseDetected,
        Self::ProviderBusy,
        Self::ProviderFails,
        Self::Slow,
        Self::ClockSkew,
    ];

    /// Its id, when it is seen, its title, and a sentence on what goes wrong.
    #[rustfmt::skip]
    fn row(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Declined => ("declined", LOGIN, "Declined",
                "The provider refuses the next login at once, as if the person had pressed Decline."),
            Self::WrongState => ("wrong-state", LOGIN, "Wrong state",
                "The browser comes back with a state that this login did not send: Hallpass ignores it and waits \
                 on."),
            Self::BadNonce => ("bad-nonce", LOGIN, "Bad nonce",
                "The ID token holds a nonce that this login did not send, as if it had been made for another one."),
            Self::KeyRotated => ("key-rotated", LOGIN, "Key rotated",
                "The provider changes its signing key in the middle of each login and renewal: the keys are \
                 fetched again, and all is well."),
            Self::MissingScope => ("missing-scope", CALL, "Missing scope",
                "Tokens issued from now on lack read:messages, also Alice's. Log in or renew, then call Private \
                 (scoped)."),
            Self::WrongAudience => ("wrong-audience", CALL, "Wrong audience",
                "Tokens issued from now on are for the API's identifier with a slash too many. Log in or renew, \
                 then call."),
            Self::OpaqueToken => ("opaque-token", CALL, "Opaque token",
                "Tokens issued from now on are no JWTs, so the API cannot read them. Log in or renew, then call."),
            Self::ExpiredToken => ("expired-token", CALL, "Expired token",
                "Tokens issued from now on have expired already, though the provider says they are good. Log in \
                 or renew, then call."),
            Self::ApiBusy => ("api-429", CALL, "API 429",
                "The API answers 429 Too Many Requests to each call, and says when to try again."),
            Self::ApiFails => ("api-500", CALL, "API 500",
                "The API answers 500 Internal Server Error to each call, with the id of the request."),
            Self::ApiUnreachable => ("api-unreachable", CALL, "API unreachable",
                "The API's port is closed, so each call is refused, until this is turned off."),
            Self::ReuseDetected => ("reuse-detected", RENEWAL, "Reuse detected",
                "The next renewal is refused, as if the refresh token had been used before, and the session ends. \
                 Press Renew."),
            Self::ProviderBusy => ("provider-429", RENEWAL, "Provider 429",
                "The token endpoint answers 429 Too Many Requests, at login and at renewal. Log in, or press \
                 Renew."),
            Self::ProviderFails => ("provider-500", RENEWAL, "Provider 500",
                "The token endpoint answers 500 Internal Server Error, at login and at renewal. Log in, or press \
                 Renew."),
            Self::Slow => ("slow", EVERYWHERE, "Slow",
                "The token endpoint and the API take five seconds for each answer."),
            Self::ClockSkew => ("clock-skew", EVERYWHERE, "Clock skew",
                "The provider's and the API's clock is an hour ahead of this computer's, in tokens and in Date \
                 headers."),
        }
    }

    /// Its name in the protocol of the switch, which never changes.
    pub fn id(self) -> &'static str {
        self.row().0
    }

    /// When it is seen: a heading.
    pub fn when(self) -> &'static str {
        self.row().1
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// What goes wrong, and what to do to see it.
    pub fn explains(self) -> &'static str {
        self.row().3
    }

    /// The fault of this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.id() == id)
    }
}

const LOGIN: &str = "At login";
const CALL: &str = "At a call";
const RENEWAL: &str = "At a renewal";
const EVERYWHERE: &str = "Everywhere";

/// The fault that is on, if one is. It is not remembered: it ends with the process that runs the demo.
pub struct Faults {
    on: watch::Sender<Option<Fault>>,
    api_open: watch::Sender<bool>,
    /// What whoever switches answers to: it is this run's, so no order of an earlier one counts.
    pub challenge: String,
}

impl Faults {
    /// No fault.
    pub fn none() -> Arc<Self> {
        let (on, api_open) = (watch::Sender::new(None), watch::Sender::new(true));
        Arc::new(Self { on, api_open, challenge: keys::random() })
    }

    /// The one that is on.
    pub fn on(&self) -> Option<Fault> {
        *self.on.borrow()
    }

    /// Whether this is the one.
    pub fn are(&self, fault: Fault) -> bool {
        self.on() == Some(fault)
    }

    /// Turns this one on, and any other off; returns once the API's port has followed.
    pub async fn set(&self, fault: Option<Fault>) {
        self.on.send_replace(fault);
        let open = fault != Some(Fault::ApiUnreachable);
        let mut settled = self.api_open.subscribe();
        let _ = tokio::time::timeout(SETTLING, settled.wait_for(|is| *is == open)).await;
    }

    /// Waits until the API's port is to be open, or closed.
    pub async fn until_api_is_to_be(&self, open: bool) {
        let mut on = self.on.subscribe();
        // It ends with `self`, and not before.
        let _ = on.wait_for(|fault| (*fault != Some(Fault::ApiUnreachable)) == open).await;
    }

    /// Tells that the API's port is open, or closed.
    pub fn api_is(&self, open: bool) {
        self.api_open.send_replace(open);
    }

    /// How far the demo's clock is ahead of this computer's.
    pub fn ahead(&self) -> Duration {
        if self.are(Fault::ClockSkew) { SKEW } else { Duration::ZERO }
    }

    /// The demo's clock, in Unix seconds.
    pub fn now(&self) -> i64 {
        memory::now() + self.ahead().as_secs().cast_signed()
    }
}

/// What stands in the way of a request: to the token endpoint, or to the API.
#[derive(Clone)]
pub struct Gate {
    /// What is on.
    pub faults: Arc<Faults>,
    /// Which one makes this server answer 429.
    pub busy: Fault,
    /// Which one makes it answer 500.
    pub fails: Fault,
}

/// Lets a request through, late where everything is slow; or answers in the place of what should.
pub async fn before(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.faults.on() {
        Some(Fault::Slow) => sleep(SLOWNESS).await,
        Some(fault) if fault == gate.busy => return too_many_requests(),
        Some(fault) if fault == gate.fails => return internal_error(),
        _ => {}
    }
    next.run(request).await
}

fn too_many_requests() -> Response {
    let body = json!({ "error": "too_many_requests", "error_description": "Global limit has been reached" });
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, HeaderValue::from(LEAVE_ALONE))], Json(body))
        .into_response()
}

fn internal_error() -> Response {
    let body = json!({ "error": "server_error", "error_description": "Internal Server Error" });
    let id = [(HeaderName::from_static("x-request-id"), keys::random())];
    (StatusCode::INTERNAL_SERVER_ERROR, id, Json(body)).into_response()
}

/// Dates an answer by the demo's clock, where that is wrong.
pub async fn date(State(faults): State<Arc<Faults>>, mut response: Response) -> Response {
    let ahead = faults.ahead();
    if !ahead.is_zero()
        && let Ok(now) = Timestamp::now().checked_add(ahead)
        && let Ok(date) = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now)
        && let Ok(date) = HeaderValue::from_str(&date)
    {
        response.headers_mut().insert(DATE, date);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_fault_is_found_by_its_id_and_says_what_it_is() {
        for fault in Fault::ALL {
            assert_eq!(Fault::from_id(fault.id()), Some(fault));
            assert!(fault.explains().ends_with('.') && !fault.title().is_empty());
        }
        assert_eq!(Fault::ALL.map(Fault::title).into_iter().collect::<BTreeSet<_>>().len(), Fault::ALL.len());
        assert_eq!(Fault::from_id("none"), None);
    }

    #[test]
    fn faults_that_are_seen_at_the_same_time_stand_together() {
        let mut whens = Fault::ALL.map(Fault::when).to_vec();
        whens.dedup();
        assert_eq!(whens, [LOGIN, CALL, RENEWAL, EVERYWHERE]);
    }
}
