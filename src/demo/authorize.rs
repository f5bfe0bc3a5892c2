//! The authorization endpoint: is the request sound, and what does the person say (RFC 6749 4.1.1, 4.1.2)?

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use url::Url;

use super::{
    AUDIENCE, CLIENT_ID, STRONG,
    faults::Fault,
    keys,
    memory::Grant,
    pages::{self, Login, Notice},
    params::Params,
    provider::{self, Provider},
    token::Code,
    users::{READ_MESSAGES, Scopes, User},
};

/// A sound authorization request, held while the person decides.
pub struct Request {
    /// Where the answer goes. The token endpoint will want the same (RFC 6749 4.1.3).
    pub redirect_uri: Url,
    /// The app's own value, returned untouched.
    pub state: Option<String>,
    /// What is asked for.
    pub scopes: Scopes,
    /// Whether for the API, or only for user info.
    pub for_api: bool,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// The first of `acr_values` that the demo knows: how the person shall be authenticated.
    pub acr: Option<&'static str>,
    /// The hash of the verifier that the app will show at the token endpoint (RFC 7636).
    pub code_challenge: String,
}

/// `GET` or `POST /authorize`: checks the request and asks the person.
pub async fn ask(State(provider): State<Arc<Provider>>, params: Params) -> Response {
    // Until it is certain that the app is where it says it is, an error stays here: it is never sent on.
    if params.get("client_id") != Some(CLIENT_ID) {
        return notice(
            "Unknown client",
            "No app is registered with this client_id.",
            params.get("client_id"),
        );
    }
    let Some(redirect_uri) = params.get("redirect_uri").and_then(callback) else {
        return notice(
            "Callback URL mismatch",
            "The app asked to be answered at a URL that is not among its allowed callback URLs. The demo allows \
             /callback on 127.0.0.1 or [::1], at any port.",
            Some(params.get("redirect_uri").unwrap_or("no redirect_uri was sent")),
        );
    };
    if let Some(name @ ("client_id" | "redirect_uri" | "state")) = params.repeated() {
        return notice("Invalid request", "A parameter was sent more than once.", Some(name));
    }

    let state = params.get("state").map(str::to_owned);
    let request = match check(&params, redirect_uri.clone(), state.clone()) {
        Ok(request) => request,
        Err((error, description)) => {
            let answer = [("error", error), ("error_description", &description)];
            return send_back(&provider.issuer, redirect_uri, state.as_deref(), &answer);
        }
    };
    if provider.faults.are(Fault::Declined) {
        return send_back(&provider.issuer, redirect_uri, state.as_deref(), &DECLINED);
    }

    let interaction = keys::random();
    let page = Login {
        api: request.for_api.then_some(AUDIENCE),
        scopes: request.scopes.iter().collect(),
        differ: request.scopes.contain(READ_MESSAGES),
        strong: request.acr.is_some(),
        back_to: &request.redirect_uri[url::Position::BeforeHost..url::Position::AfterPort],
        interaction: &interaction,
    };
    let shown = pages::show(StatusCode::OK, &page);
    provider.ledger.lock().await.waiting.put(interaction, request);
    shown
}

/// `POST /decision`: the person's answer goes back to the app.
pub async fn decide(State(provider): State<Arc<Provider>>, params: Params) -> Response {
    let user = match params.get("choice") {
        Some("alice") => Some(User::Alice),
        Some("bob") => Some(User::Bob),
        Some("decline") => None,
        _ => return notice("Invalid request", "That is not one of the choices.", None),
    };
    let mut ledger = provider.ledger.lock().await;
    let Some(request) = params.get("interaction").and_then(|id| ledger.waiting.take(id)) else {
        return notice(
            "Too late",
            "This page was already answered, or waited too long. Log in again from the app.",
            None,
        );
    };

    let (redirect_uri, mut state) = (request.redirect_uri.clone(), request.state.clone());
    if provider.faults.are(Fault::WrongState) {
        state = Some(keys::random());
    }
    let Some(user) = user else {
        return send_back(&provider.issuer, redirect_uri, state.as_deref(), &DECLINED);
    };
    let grant = Grant {
        user,
        scopes: user.grant(&request.scopes),
        for_api: request.for_api,
        sid: keys::random(),
        auth_time: provider.faults.now(),
        acr: request.acr.map(str::to_owned),
    };
    let code = keys::random();
    ledger.codes.put(code.clone(), Code::Fresh(Box::new((request, grant))));
    send_back(&provider.issuer, redirect_uri, state.as_deref(), &[("code", &code)])
}

/// The answer to a request that the person said no to.
const DECLINED: [(&str, &str); 2] =
    [("error", "access_denied"), ("error_description", "User did not authorize the request")];

/// A callback that the demo's client may use: loopback, any port (RFC 8252 7.3), and this path.
fn callback(redirect_uri: &str) -> Option<Url> {
    provider::loopback(redirect_uri).filter(|url| url.path() == "/callback" && url.query().is_none())
}

/// The checks whose failure the app is told of, as `error` and `error_description` (RFC 6749 4.1.2.1).
fn check(
    params: &Params,
    redirect_uri: Url,
    state: Option<String>,
) -> Result<Request, (&'static str, String)> {
    let invalid = |description: &str| Err(("invalid_request", description.to_owned()));
    if let Some(name) = params.repeated() {
        return invalid(&format!("Parameter sent more than once: {name}"));
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(other) => {
            return Err(("unsupported_response_type", format!("Unsupported response type: {other}")));
        }
        None => return invalid("Missing required parameter: response_type"),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return invalid("Unsupported response mode: only query");
    }
    if params.get("request").is_some() {
        return Err(("request_not_supported", "Request objects are not supported".into()));
    }
    if params.get("request_uri").is_some() {
        return Err(("request_uri_not_supported", "Request objects are not supported".into()));
    }
    let Some(code_challenge) = params.get("code_challenge") else {
        return invalid("Missing required parameter: code_challenge");
    };
    // Without a method it would be "plain" (RFC 7636 4.3), which hides nothing.
    if params.get("code_challenge_method") != Some("S256") {
        return invalid("Parameter code_challenge_method must be S256");
    }
    let is_hash = code_challenge.len() == 43
        && code_challenge.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_hash {
        return invalid("Parameter code_challenge must be a SHA-256 in base64url");
    }
    let audience = params.get("audience").or_else(|| params.get("resource"));
    if let Some(unknown) = audience.filter(|audience| *audience != AUDIENCE) {
        return Err(("access_denied", format!("Service not found: {unknown}")));
    }
    // Nobody is ever logged in here already, so a login without a page cannot be had.
    if params.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "none")) {
        return Err(("login_required", "Login required".into()));
    }

    // The person is asked each time, so no login is ever older than any max_age.
    if params.get("max_age").is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
        return invalid("Parameter max_age must be a number of seconds");
    }

    let for_api = audience.is_some();
    let scopes = Scopes::parse(params.get("scope").unwrap_or_default());
    Ok(Request {
        redirect_uri,
        state,
        // An API's scope means nothing without the API.
        scopes: scopes.keep(|name| for_api || name != READ_MESSAGES),
        for_api,
        nonce: params.get("nonce").map(str::to_owned),
        acr: params.get("acr_values").unwrap_or_default().split(' ').find_map(known_acr),
        code_challenge: code_challenge.to_owned(),
    })
}

fn known_acr(value: &str) -> Option<&'static str> {
    (value == STRONG).then_some(STRONG)
}

/// Sends the browser to the app with an answer, the app's `state`, and who is answering (`iss`, RFC 9207).
///
/// 303, so that the browser turns the form's POST into a GET (RFC 9700 4.12).
fn send_back(issuer: &str, mut to: Url, state: Option<&str>, answer: &[(&str, &str)]) -> Response {
    to.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer);
    Redirect::to(to.as_str()).into_response()
}

fn notice(title: &str, text: &str, detail: Option<&str>) -> Response {
    pages::show(StatusCode::FORBIDDEN, &Notice { title, text, detail })
}
