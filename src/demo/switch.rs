//! Turning a fault on and off, from the process that runs the demo or from another that shares it: over loopback, and
//! only for who can read the demo's memory.
//!
//! The order is a POST that proves its sender by the memory's secret. So no web page and no other user of this computer
//! can give it: not through a form (they have no proof), nor through a name of their own that leads here (DNS rebinding;
//! the guard turns that away), nor with what `/proof` says, which is about something else.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::ORIGIN},
};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{
    faults::{Fault, Faults},
    keys,
    params::Params,
    person,
    provider::Provider,
};

/// What stands for no fault in an order.
const NONE: &str = "none";
/// How long the demo may take to follow an order.
const PATIENCE: Duration = Duration::from_secs(8);

/// `GET /fault`: which one is on, and what an order must prove itself against.
pub async fn show(State(provider): State<Arc<Provider>>) -> Json<Value> {
    told(&provider.faults)
}

/// `POST /fault`: turns on the `fault` of this id, or with `none` any off, if the `proof` is right.
pub async fn turn(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Value>, StatusCode> {
    let (id, proof) = (params.get("fault").unwrap_or_default(), params.get("proof").unwrap_or_default());
    let secret = provider.ledger.lock().await.memory.secret.clone();
    let claim = claim(&provider.issuer, &provider.faults.challenge);
    // A browser says where a POST comes from; who may give orders is none.
    if headers.contains_key(ORIGIN) || !keys::proves(&secret, &claim, id, proof) {
        return Err(StatusCode::FORBIDDEN);
    }
    let fault = read(id).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    provider.faults.set(fault).await;
    Ok(told(&provider.faults))
}

fn told(faults: &Faults) -> Json<Value> {
    Json(json!({ "fault": faults.on().map_or(NONE, Fault::id), "challenge": faults.challenge }))
}

fn read(id: &str) -> Result<Option<Fault>, SwitchError> {
    if id == NONE { Ok(None) } else { Fault::from_id(id).map(Some).ok_or(SwitchError::NotTheDemo) }
}

/// What an order claims: that it is one, for this demo, in this run of it. It begins as no `/proof` does.
fn claim(issuer: &str, challenge: &str) -> String {
    format!("fault {issuer} {challenge}")
}

/// The switch of the demo's faults, wherever it runs.
#[derive(Clone)]
pub struct FaultSwitch {
    issuer: Url,
    secret: String,
}

impl fmt::Debug for FaultSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultSwitch").field("issuer", &self.issuer.as_str()).finish_non_exhaustive()
    }
}

/// Why a fault could not be switched.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Nobody answers, or too late.
    #[error(
        "the demo does not answer. If another window of Hallpass ran it and was closed, this one takes over in a second: try again"
    )]
    Silent(#[source] reqwest::Error),
    /// Somebody else's demo, or another version of it.
    #[error("what runs at the demo's address did not take the order (it answered {0})")]
    Refused(u16),
    /// No answer of the demo's.
    #[error("what runs at the demo's address is not this demo")]
    NotTheDemo,
}

impl From<reqwest::Error> for SwitchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Silent(error.without_url())
    }
}

impl FaultSwitch {
    pub(super) fn new(issuer: Url, secret: String) -> Self {
        Self { issuer, secret }
    }

    /// The fault that is on.
    pub async fn look(&self) -> Result<Option<Fault>, SwitchError> {
        Ok(self.ask().await?.0)
    }

    /// Turns this fault on, and any other off; returns what is on then.
    pub async fn set(&self, fault: Option<Fault>) -> Result<Option<Fault>, SwitchError> {
        let (_, challenge) = self.ask().await?;
        let id = fault.map_or(NONE, Fault::id);
        let proof = keys::prove(&self.secret, &claim(self.issuer.as_str(), &challenge), id);
        let order = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("fault", id), ("proof", &proof)])
            .finish();
        Ok(understand(person::client()?.post(self.url()).timeout(PATIENCE).body(order)).await?.0)
    }

    async fn ask(&self) -> Result<(Option<Fault>, String), SwitchError> {
        understand(person::client()?.get(self.url()).timeout(PATIENCE)).await
    }

    fn url(&self) -> String {
        format!("{}fault", self.issuer)
    }
}

async fn understand(request: reqwest::RequestBuilder) -> Result<(Option<Fault>, String), SwitchError> {
    let response = request.send().await?;
    if !response.status().is_success() {
        return Err(SwitchError::Refused(response.status().as_u16()));
    }
    let said: Value = serde_json::from_str(&response.text().await?).map_err(|_| SwitchError::NotTheDemo)?;
    let fault = read(said["fault"].as_str().ok_or(SwitchError::NotTheDemo)?)?;
    Ok((fault, said["challenge"].as_str().unwrap_or_default().to_owned()))
}
