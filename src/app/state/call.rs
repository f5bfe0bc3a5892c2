//! The call to the API, from being asked about to its end.

use std::sync::Arc;

use super::TaskId;
use crate::api::request::{DraftError, Request};
use crate::api::response::Response;
use crate::auth::session::Why;
use crate::explain::Explanation;
use crate::secret::Secret;

/// The call to the API.
#[derive(Clone, Debug, Default)]
pub enum Call {
    /// None was made.
    #[default]
    None,
    /// It would take the token to another origin than the profile's API.
    Asking {
        /// That origin.
        origin: String,
        /// Whether the token would travel safely.
        safe: bool,
    },
    /// It is about to be made.
    Upcoming(Upcoming),
    /// It runs.
    Running {
        /// Its task.
        task: TaskId,
        /// Whether its token was renewed for it.
        renewed: bool,
        /// What there is of the response.
        response: Option<Arc<Response>>,
    },
    /// It ended: with a response or without, and explained where that helps.
    Ended {
        /// The response.
        response: Option<Arc<Response>>,
        /// Why it is not a success.
        explanation: Option<Explanation>,
    },
}

impl Call {
    /// Whether it is under way, or about to be.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Running { .. } | Self::Upcoming(_))
    }

    /// Whether there is a response to show, now or where the call cannot be made.
    pub(super) fn has_response(&self) -> bool {
        match self {
            Self::Upcoming(upcoming) => upcoming.instead.has_response(),
            other => other.response().is_some(),
        }
    }

    /// Whether it runs as this task.
    pub(super) fn is_running_as(&self, task: TaskId) -> bool {
        matches!(self, Self::Running { task: running, .. } if *running == task)
    }

    /// What there is of a response.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Running { response, .. } | Self::Ended { response, .. } => response.as_deref(),
            _ => None,
        }
    }
}

/// A call about to be made.
#[derive(Clone, Debug)]
pub struct Upcoming {
    /// What is sent.
    pub request: Request,
    /// Whether the token goes along.
    pub(super) with_token: bool,
    /// Why the token is renewed for it, if it is; once a call at the most.
    pub(super) renewal: Option<Why>,
    /// Whether it waits for that renewal.
    pub waits: bool,
    /// What is shown in its place if it cannot be made.
    pub(super) instead: Box<Call>,
}

/// What a call needs.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The request.
    pub request: Request,
    /// The token that goes with it.
    pub token: Option<Secret>,
}

/// Why a call cannot start as it is.
#[derive(Clone, Debug)]
pub enum NotYet {
    /// The draft is no request.
    Draft(DraftError),
    /// The token would go to another origin.
    Ask {
        /// That origin.
        origin: String,
        /// Whether the token would travel safely.
        safe: bool,
    },
}
