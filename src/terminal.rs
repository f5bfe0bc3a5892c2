//! The main job without a window: log in to the demo provider with a scripted browser, and call its API.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hallpass::api::request::Draft;
use hallpass::api::{self, response::Response};
use hallpass::auth::Step;
use hallpass::auth::log_out::{self, EndSession};
use hallpass::auth::login::{Attempt, OpenBrowser};
use hallpass::auth::session::{Session, StepUp};
use hallpass::auth::verification::Name;
use hallpass::config::Profile;
use hallpass::demo;
use hallpass::demo::person::{self, Choice};
use hallpass::explain;
use hallpass::http::{Exchange, Http};
use hallpass::redaction::Instead;
use tokio::runtime::Handle;

/// Prints a line; when nobody reads it any more, there is nobody to tell.
macro_rules! say {
    ($($text:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($text)*); }};
}

/// The same for what went wrong.
macro_rules! complain {
    ($($text:tt)*) => {{ let _ = writeln!(std::io::stderr(), $($text)*); }};
}

pub mod doctor;

/// Plays it, and tells each step; fails where a step fails.
pub async fn play() -> ExitCode {
    match Box::pin(main_job()).await {
        Ok(()) => {
            say!("\nAll of it worked. With a display, the same command opens the window.");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            complain!("\nhallpass: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn main_job() -> Result<(), String> {
    say!("Playing the main job here instead: log in to the demo provider, then call its API.\n");
    let demo = demo::start(super::demo_options()).await.map_err(|error| error.to_string())?;
    let profile = super::window::profile(&demo);
    say!("Demo provider  {}\nDemo API       {}\n", demo.issuer, demo.api);
    let http = Http::new(exchanged);

    let session = Box::pin(log_in(&profile, &http)).await?;
    say!("\nLogged in as {} with the scopes {}\n", session.user.called(), session.granted.join(" "));
    for ready in &profile.requests[..ENDPOINTS] {
        let request = Draft::ready(ready, &profile).check(&profile).map_err(|error| error.to_string())?;
        let response = api::call(request, Some(&session.access_token), &http, |_| ())
            .await
            .map_err(|error| error.to_string())?;
        answered(&ready.name, &response)?;
    }
    log_out::revoke(&session, &http).await.map_err(|error| error.to_string())?;
    let ending = EndSession {
        profile: &profile,
        session: &session,
        http: &http,
        open: scripted("sent back"),
        report: &stepped,
        patience: PATIENCE,
    };
    ending.run().await.map_err(|error| error.to_string())?;
    say!("Logged out");
    Ok(())
}

/// How many of the demo's ready-made requests make up the main job: those after them are there for their bodies.
const ENDPOINTS: usize = 3;

/// How long the scripted person may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with Alice in it. It is opened on a thread that may block; she goes on while the app waits.
fn scripted(does: &'static str) -> OpenBrowser {
    let runtime = Handle::current();
    Arc::new(move |link| {
        let link = link.to_string();
        runtime.spawn(async move {
            match person::visit(&link, Choice::Alice).await {
                Ok(visit) => done("the scripted browser", &format!("{does} with {}", visit.status)),
                Err(lost) => complain!("  ✗ the scripted browser: {lost}"),
            }
        });
        Ok(())
    })
}

async fn log_in(profile: &Profile, http: &Http) -> Result<Session, String> {
    let attempt = Attempt {
        profile,
        step_up: &StepUp::default(),
        http,
        open: scripted("Continue as Alice, sent back"),
        report: &stepped,
        patience: PATIENCE,
    };
    Box::pin(attempt.run()).await.map_err(|error| {
        let why = explain::login(&error, profile, jiff::SignedDuration::ZERO);
        format!("{}. {} ({error})", why.headline, why.cause)
    })
}

fn answered(name: &str, response: &Response) -> Result<(), String> {
    say!("{name}: {}", response.status_line());
    for row in &response.rows {
        say!("{}", row.text);
    }
    if response.status.is_success() {
        Ok(())
    } else {
        Err(format!("{name} was answered with {}", response.status_line()))
    }
}

fn exchanged(exchange: Exchange) {
    let said = exchange.outcome.as_ref().map_or_else(ToString::to_string, ToString::to_string);
    done(
        &format!("{} {}", exchange.method, exchange.url(Instead::Hidden)),
        &format!("{said}, {} ms", exchange.took.as_millis()),
    );
}

fn stepped(step: Step) {
    match step {
        Step::MadeSecrets => done("secrets", "PKCE S256, state and nonce"),
        Step::OpenedBrowser => done("browser", "opened on the authorization endpoint"),
        Step::BrowserDidNotOpen(problem) => complain!("  ✗ browser: {problem}"),
        Step::Waiting { redirect_uri, .. } => done("waiting", &redirect_uri),
        Step::IgnoredCallback { why, count } => {
            complain!("  ✗ ignored a callback that was not ours: {why} ({count})");
        }
        Step::CameBack { took, .. } => {
            done("callback", &format!("the one of this login, after {} ms", took.as_millis()));
        }
        Step::Checked(checks) if checks.is_complete() => {
            let passed: Vec<_> = checks.passed().map(Name::term).collect();
            done("checks", &format!("{} passed", passed.join(", ")));
        }
        // Of a check that failed the error tells that follows; a login renews nothing, and nothing is kept here.
        Step::Checked(_) | Step::WaitingForKeyring | Step::TookSiblings | Step::ScopesChanged { .. } => {}
        Step::NoUserInfo(problem) => complain!("  ✗ user info: {problem}"),
        Step::NoWayBack(busy) => complain!("  ✗ the way back: {busy}"),
        Step::OpenedLogOutPage => done("browser", "opened on the log-out page"),
        Step::CameBackLoggedOut { took, .. } => {
            done("logged out", &format!("the browser came back after {} ms", took.as_millis()));
        }
    }
}

fn done(what: &str, detail: &str) {
    say!("  ✓ {what}: {detail}");
}
