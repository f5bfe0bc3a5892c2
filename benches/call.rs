//! A call to the demo API, against the same client used directly; and from the callback to the session.
//!
//! `cargo bench --bench call`: over loopback, with what Hallpass does to it all: headers, redirects, recording, reading.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench that cannot measure may stop, and its yardstick goes around `http`"
)]

#[path = "../tests/support/mod.rs"]
mod far_side;
mod support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use far_side::browser::{log_in, scripted};
use hallpass::api::{self, request::Draft};
use hallpass::auth::Step;
use hallpass::auth::login::Attempt;
use hallpass::auth::session::StepUp;
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::http::Http;
use support::{Row, median};

const CALLS: usize = 2000;
const LOGINS: usize = 50;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // On a worker, as in the app.
    runtime.block_on(runtime.spawn(measured())).unwrap();
}

async fn measured() {
    let (_demo, profile, _home) = far_side::demo().await;
    let (direct, hallpass) = Box::pin(calls(&profile)).await;
    Row::time("API call, median", hallpass, "reqwest directly", direct).at_most(1.05).print();
    let login = Box::pin(logins(&profile)).await;
    Row::new("callback received → signed in, median", format!("{login:.1?}"))
        .within("≤ 10 ms", login <= Duration::from_millis(10))
        .print();
}

/// The same call, directly and by Hallpass, one after the other.
async fn calls(profile: &Profile) -> (Duration, Duration) {
    let token = log_in(profile, Choice::Alice).await.access_token;
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let (http, private) = (Http::new(|_| {}), &profile.requests[1]);
    let url = profile.request_url(private);
    let (mut direct, mut hallpass) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let start = Instant::now();
        let response = client.get(&url).bearer_auth(token.expose()).send().await.unwrap();
        assert!(response.status().is_success() && !response.bytes().await.unwrap().is_empty());
        direct.push(start.elapsed());

        let request = Draft::ready(private, profile).check(profile).unwrap();
        let start = Instant::now();
        let response = api::call(request, Some(&token), &http, |_| ()).await.unwrap();
        assert!(response.status.is_success());
        hallpass.push(start.elapsed());
    }
    (median(&mut direct), median(&mut hallpass))
}

/// From the callback to the session: code, tokens, verification, user info.
async fn logins(profile: &Profile) -> Duration {
    let http = Http::new(|_| {});
    let mut times = Vec::new();
    for _ in 0..LOGINS {
        let came_back = Mutex::new(None);
        let report = |step| {
            if let Step::CameBack { .. } = step {
                *came_back.lock().unwrap() = Some(Instant::now());
            }
        };
        let (step_up, open) = (StepUp::default(), scripted(Choice::Alice));
        let attempt = Attempt {
            profile,
            step_up: &step_up,
            http: &http,
            open,
            report: &report,
            patience: far_side::DEADLINE,
        };
        Box::pin(attempt.run()).await.unwrap();
        times.push(came_back.lock().unwrap().unwrap().elapsed());
    }
    median(&mut times)
}
