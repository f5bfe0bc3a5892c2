//! The API's part: that it is there, and that it lets nobody in whom it does not know.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use oauth2::http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use super::{Book, Check, DEADLINE, Examination, Outcome};
use crate::api::request::{Draft, DraftError, Request};
use crate::api::response::Response;
use crate::api::{self, CallError};
use crate::config::Profile;
use crate::explain::{self, Caller, Explanation, setup};
use crate::http::{self, Http, HttpError, NoAnswer};

pub(super) async fn examine(examination: &Examination<'_>, book: &Book<'_>) {
    let (profile, http) = (examination.profile, examination.http);
    let Some(api) = &profile.api else {
        let all = [Check::ApiAddress, Check::ApiReachable, Check::ApiRefusal];
        return book.skip(&all, "the profile names no API");
    };
    let start = Instant::now();
    let outcome =
        if http::is_safe(api) { Outcome::Passed } else { Outcome::warning(setup::api_unencrypted(api)) };
    book.put(Check::ApiAddress, start, outcome, [address(api)]);

    // Only that it answers counts: many an API has nothing at its base.
    let start = Instant::now();
    if let Err(error) = call(bare(Method::HEAD, api.clone()), http).await {
        book.put(Check::ApiReachable, start, Outcome::failed(not_called(&error)), [address(api)]);
        return book.skip(&[Check::ApiRefusal], "the API does not answer");
    }
    book.put(Check::ApiReachable, start, Outcome::Passed, [format!("{} answers", authority(api))]);
    refusal(profile, http, book).await;
}

/// Makes the first ready-made request that is not public without a token, and without the headers of the request: one
/// may hold a key.
async fn refusal(profile: &Profile, http: &Http, book: &Book<'_>) {
    let start = Instant::now();
    if profile.requests.is_empty() {
        return book.skip(&[Check::ApiRefusal], "the profile has no ready-made request");
    }
    let ready = profile.requests.iter().find(|ready| {
        let public = |text: &str| text.to_lowercase().contains("public");
        ready.method.eq_ignore_ascii_case("GET") && !public(&ready.name) && !public(&ready.url)
    });
    let Some(ready) = ready else {
        let because = "no ready-made request is a GET that is not public";
        return book.skip(&[Check::ApiRefusal], because);
    };
    let request: Result<Request, DraftError> = Draft::ready(ready, profile).check(profile);
    let asked = |path: &str| format!("{}: GET {path}", ready.name);
    match request {
        Err(error) => {
            let outcome = Outcome::failed(setup::draft(&error));
            book.put(Check::ApiRefusal, start, outcome, [asked(&ready.url)]);
        }
        Ok(request) => {
            let asked = asked(request.url.path());
            match call(bare(Method::GET, request.url), http).await {
                Err(error) => {
                    book.put(Check::ApiRefusal, start, Outcome::failed(not_called(&error)), [asked]);
                }
                Ok(response) => {
                    let found = [format!("{asked} is answered {}", response.status_line()), how(&response)];
                    let found = found.into_iter().filter(|line| !line.is_empty());
                    book.put(Check::ApiRefusal, start, judged(&response, profile), found);
                }
            }
        }
    }
}

fn judged(response: &Response, profile: &Profile) -> Outcome {
    let (now, clock_ahead) = (Timestamp::now(), SignedDuration::ZERO);
    let nobody = Caller { profile, session: None, expired: false, now, clock_ahead };
    match setup::not_refused(response, &nobody) {
        None => Outcome::Passed,
        Some(explanation) if explanation.tone == explain::Tone::Refused => Outcome::warning(explanation),
        Some(explanation) => Outcome::failed(explanation),
    }
}

/// What a refusal says of how to be let in (RFC 6750, section 3).
fn how(response: &Response) -> String {
    let challenge = response.headers.iter().find(|(name, _)| name == "www-authenticate");
    match challenge.map(|(_, challenge)| challenge.split([' ', ',']).next().unwrap_or_default()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => "it asks for a Bearer token".to_owned(),
        Some(scheme) => format!("it asks for {scheme}, not for a Bearer token"),
        None if response.refusal.is_some() => {
            "it does not say how to be let in (no WWW-Authenticate)".to_owned()
        }
        None => String::new(),
    }
}

fn bare(method: Method, url: Url) -> Request {
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
    Request { method, url, headers, body: Vec::new() }
}

async fn call(request: Request, http: &Http) -> Result<Response, CallError> {
    let to = authority(&request.url);
    let late = CallError::NoAnswer(HttpError { to, why: NoAnswer::TimedOut(DEADLINE) });
    tokio::time::timeout(DEADLINE, api::call(request, None, http, |_| ())).await.unwrap_or(Err(late))
}

fn not_called(error: &CallError) -> Explanation {
    match error {
        CallError::NoAnswer(error) => setup::no_answer(error),
        other => Explanation { remedy: None, ..explain::no_response(other, None) },
    }
}

fn address(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn authority(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}
