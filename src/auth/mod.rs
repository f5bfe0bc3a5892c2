//! Logging in, staying in and logging out: the login flow, its verification, and the session that comes of it.
//!
//! Read in this order: [`provider`] (discovery and keys), [`login`] (one attempt), [`loopback`] (the redirect
//! listener), [`id_token`] (what is verified) and [`verification`] (what was found), [`session`] (what is kept), [`renewal`] (how it lives on),
//! [`log_out`] (how it ends). [`jwt`] and [`claims`] are for looking at tokens only.

pub mod claims;
pub mod id_token;
pub mod jwt;
pub mod log_out;
pub mod login;
pub mod loopback;
pub mod port_holder;
pub mod provider;
pub mod renewal;
pub mod session;
pub mod tokens;
pub mod verification;

use std::time::{Duration, Instant};

use crate::secret::Secret;
use verification::Verification;

/// A step of a login or a log-out that is no HTTP exchange (those are [`crate::http::Exchange`]s), as it happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// The PKCE verifier, `state` and `nonce` were made, and the redirect port is held.
    MadeSecrets,
    /// The browser was opened on the authorization endpoint.
    OpenedBrowser,
    /// The browser could not be opened; the login link still works.
    BrowserDidNotOpen(String),
    /// Waiting for the callback.
    Waiting {
        /// The authorization request, for the person to open where they like.
        link: Secret,
        /// Where the callback is awaited.
        redirect_uri: String,
        /// When the attempt gives up.
        until: Instant,
    },
    /// What came to the callback's address was not this login's; the login goes on waiting.
    IgnoredCallback {
        /// Why it was not.
        why: loopback::Stray,
        /// How many of that kind came so far.
        count: usize,
    },
    /// The callback came, with the right `state` (and issuer, where it names one).
    CameBack {
        /// From opening the browser to the callback.
        took: Duration,
        /// Whether it names its issuer, which then is the right one (RFC 9207).
        names_issuer: bool,
    },
    /// The checks of a login or a renewal are over: all passed, or one failed.
    Checked(Verification),
    /// The keyring does not answer at once: it may be asking the person for its password.
    WaitingForKeyring,
    /// Another window had renewed the session, and its result was taken.
    TookSiblings,
    /// A renewal granted other scopes than there were.
    ScopesChanged {
        /// The scopes until then.
        before: Vec<String>,
        /// The scopes from then on.
        now: Vec<String>,
    },
    /// The claims about the person came, and are malformed or somebody else's; the login goes on without.
    NoUserInfo(String),
    /// No port is free to come back from the provider's log-out page: it is opened without a way back.
    NoWayBack(loopback::PortsBusy),
    /// The browser was opened on the provider's log-out page.
    OpenedLogOutPage,
    /// The browser came back from the provider's log-out page.
    CameBackLoggedOut {
        /// From opening the browser until then.
        took: Duration,
        /// Whether the provider passed the `state` on, which then is the right one.
        with_state: bool,
    },
}
