//! Why a call did not do what it was asked: where to look for the cause, by the status; and requests that cannot be
//! sent.

use jiff::SignedDuration;
use oauth2::http::StatusCode;
use url::Url;

use super::network::no_answer;
use super::words::{self, Complaint};
use super::{Caller, Explanation, Remedy, forbidden, status, unauthorized};
use crate::api::CallError;
use crate::api::refusal::Refusal;
use crate::api::request::DraftError;
use crate::api::response::{Cut, Response};
use crate::auth::jwt::{Jwt, Token};

/// A call that was answered, as the rules look at it.
pub(super) struct Case<'a> {
    pub caller: &'a Caller<'a>,
    pub response: &'a Response,
    /// What the API said.
    pub refusal: Refusal,
    /// What that complains of.
    pub complaint: Option<Complaint>,
    /// The token that went along.
    pub token: Option<Token>,
}

impl Case<'_> {
    /// The token that went along, if it can be read.
    pub fn jwt(&self) -> Option<&Jwt> {
        match &self.token {
            Some(Token::Signed(jwt)) => Some(jwt),
            _ => None,
        }
    }

    /// A header of the response; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.response.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// A header that the person sent along.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.response.request.headers.get(name)?.to_str().ok()
    }

    /// The words that the API says it with, in lower case.
    pub fn words(&self) -> String {
        let words = [&self.refusal.error, &self.refusal.description];
        words.into_iter().flatten().map(|words| words.to_lowercase() + " ").collect()
    }

    /// Adds what the API said, in its own words.
    pub fn told(&self, explanation: Explanation) -> Explanation {
        said(explanation, &self.refusal)
    }
}

/// Why the API did not do what it was asked; `None` where it did, or where the response speaks for itself.
#[must_use]
pub fn response(response: &Response, caller: &Caller) -> Option<Explanation> {
    if let Some(Cut::BrokeOff(error)) = &response.cut {
        return Some(no_response(&CallError::NoAnswer(error.clone()), Some(&response.request.url)));
    }
    let refusal = response.refusal.clone().unwrap_or_default();
    let session = caller.session.filter(|_| response.with_token);
    let caller = &Caller { clock_ahead: clock_ahead(response, caller), ..*caller };
    let case = Case {
        caller,
        response,
        complaint: words::complaint(&refusal),
        refusal,
        token: session.map(|session| Token::read(session.access_token.expose())),
    };
    let explanation = match response.status {
        _ if response.elsewhere.is_some() => status::elsewhere(&case),
        StatusCode::UNAUTHORIZED => Some(unauthorized::explain(&case)),
        StatusCode::FORBIDDEN => Some(forbidden::explain(&case)),
        _ => status::explain(&case),
    };
    explanation.map(|explanation| explanation.without_tokens_of(caller.session))
}

/// How far this computer's clock is ahead of the API's, which judges the token by its own; where the answer does not
/// tell, or stood in a cache, the provider's must do.
fn clock_ahead(response: &Response, caller: &Caller) -> SignedDuration {
    let header = |name| response.headers.iter().find(|(known, _)| known == name);
    let date = header("date").filter(|_| header("age").is_none());
    let theirs = date.and_then(|(_, date)| status::time(date));
    theirs.map_or(caller.clock_ahead, |theirs| caller.now.duration_since(theirs))
}

/// Why a draft cannot be sent.
#[must_use]
pub fn draft(error: &DraftError) -> Explanation {
    let explanation = Explanation::failed("This request cannot be sent", error.to_string());
    match error {
        DraftError::NoScheme { meant, .. } => {
            explanation.evidence("Meant", [(meant, false)]).remedy(Remedy::UseUrl(meant.clone()))
        }
        DraftError::NoApi(_) => explanation.remedy(Remedy::EditProfile),
        _ => explanation,
    }
}

/// Why a call brought no response; `url` is what was called, as far as that is still known.
#[must_use]
pub fn no_response(error: &CallError, url: Option<&Url>) -> Explanation {
    match error {
        CallError::NoAnswer(error) => {
            let explanation = no_answer(error, url);
            // Where there is a better address, it is no use to call the old one again.
            let remedy = explanation.remedy.clone().unwrap_or(Remedy::CallAgain);
            explanation.remedy(remedy)
        }
        CallError::RedirectsWithoutEnd(last) => Explanation::failed(
            "The API redirects in circles",
            "It sent the call from one of its addresses to another, and never answered. That is how the API is set up: \
             often two servers in a row, of which each corrects the other's http, https, name or slash.",
        )
        .evidence("Last to", [(last, true)])
        .reference("RFC 9110, section 15.4"),
        CallError::UnfitToken => Explanation::failed("The call was given up", error.to_string())
            .remedy(Remedy::LogIn)
            .reference("RFC 6750, section 2.1"),
    }
}

/// Adds what the API said, in its own words.
pub(super) fn said(explanation: Explanation, refusal: &Refusal) -> Explanation {
    explanation
        .evidence("The API said", refusal.error.iter().map(|error| (error, true)))
        .evidence("In words", refusal.description.iter().map(|text| (text, false)))
        .evidence("It needs", refusal.scopes.iter().chain(&refusal.permissions).map(|scope| (scope, false)))
        .evidence("More at", refusal.error_uri.iter().map(|uri| (uri, false)))
}
