//! Logging out of the provider as a whole: revocation, and the end of the provider's own session in the browser.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass::auth::Step;
use hallpass::auth::log_out::{EndSession, EndSessionError, Ended, RevocationError, revoke};
use hallpass::auth::login::OpenBrowser;
use hallpass::auth::session::Session;
use hallpass::config::{LOGGED_OUT_PATH, Profile};
use hallpass::demo::person::Choice;
use hallpass::explain;
use hallpass::http::Http;
use hallpass::secret::Secret;
use reqwest::header::{HOST, LOCATION};
use reqwest::{Method, StatusCode};
use serde_json::json;
use support::browser::{self, Link};
use support::provider::{CLIENT, Provider, bend};
use support::server;
use support::{DEADLINE, demo, raw, within};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

type Outcome = Result<Ended, EndSessionError>;
type Links = mpsc::UnboundedReceiver<Link>;

fn http() -> Http {
    Http::new(|_| {})
}

/// Alice's session.
async fn log_in(profile: &Profile) -> Session {
    browser::log_in(profile, Choice::Alice).await
}

async fn end_with(
    profile: &Profile,
    session: &Session,
    open: OpenBrowser,
    patience: Duration,
) -> (Outcome, Vec<Step>) {
    let steps = Mutex::new(Vec::new());
    let report = |step| steps.lock().unwrap().push(step);
    let http = http();
    let ending = EndSession { profile, session, http: &http, open, report: &report, patience };
    let outcome = Box::pin(ending.run()).await;
    (outcome, steps.into_inner().unwrap())
}

/// A log-out that runs beside the test, which holds the browser.
struct Trip {
    ending: JoinHandle<(Outcome, Vec<Step>)>,
    /// What the browser was opened with.
    entrance: Link,
    session: Session,
}

impl Trip {
    async fn begin(profile: &Profile) -> Self {
        Self::of(profile, log_in(profile).await).await
    }

    async fn of(profile: &Profile, session: Session) -> Self {
        let (open, mut links) = browser::by_hand();
        let (its_profile, its_session) = (profile.clone(), session.clone());
        let ending = tokio::spawn(async move { end_with(&its_profile, &its_session, open, DEADLINE).await });
        Self { ending, entrance: browser::opened(&mut links).await, session }
    }

    /// Goes to the provider's page, whose address is given.
    async fn leave(&self) -> Link {
        let response = raw().get(self.entrance.0.clone()).send().await.unwrap();
        assert_eq!(response.status(), 303);
        Link(Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap())
    }

    /// Asks the listener for a path and query, and gives the status.
    async fn ask(&self, path_and_query: &str) -> u16 {
        let url = self.entrance.0.join(path_and_query).unwrap();
        raw().get(url).send().await.unwrap().status().as_u16()
    }

    async fn end(self) -> (Outcome, Vec<Step>) {
        within(self.ending).await.unwrap()
    }

    /// The listener still waits: the real browser comes back.
    async fn still_works(self, state: &str) {
        assert_eq!(self.ask(&format!("/logged-out?state={state}")).await, 200);
        assert_eq!(self.end().await.0, Ok(Ended::CameBack));
    }
}

fn names(steps: &[Step]) -> Vec<String> {
    let name = |step| format!("{step:?}").split([' ', '(', '{']).next().unwrap().to_owned();
    steps.iter().map(name).collect()
}

async fn busy_port() -> (TcpListener, u16) {
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    (busy, port)
}

// ---- the provider's own session ----

#[tokio::test]
async fn alice_is_logged_out_by_the_demo_provider_and_comes_back() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile).await;
    let (outcome, steps) = end_with(&profile, &session, browser::scripted(Choice::Alice), DEADLINE).await;
    assert_eq!(outcome, Ok(Ended::CameBack));
    assert_eq!(names(&steps), ["OpenedLogOutPage", "CameBackLoggedOut"]);
    assert!(matches!(steps[1], Step::CameBackLoggedOut { with_state: true, .. }));
}

#[tokio::test]
async fn the_provider_is_told_whose_session_it_is_and_where_to_send_the_browser() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    let page = trip.leave().await;
    assert_eq!(page.0.path(), "/bye", "discovered, not guessed");
    assert_eq!(page.get("id_token_hint"), trip.session.id_token.as_ref().unwrap().expose());
    assert_eq!(page.get("client_id"), CLIENT);
    let return_to = page.get("post_logout_redirect_uri");
    assert_eq!(return_to, trip.entrance.0.join(LOGGED_OUT_PATH).unwrap().as_str());
    assert!(page.get("state").len() >= 22 && trip.entrance.get("ticket").len() >= 22, "128 bits each");
    assert_ne!(page.get("state"), trip.entrance.get("ticket"));
    assert_eq!(page.visit(Choice::Alice).await.status, 200);
    assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
}

#[tokio::test]
async fn what_the_endpoint_has_of_its_own_in_its_query_is_kept() {
    let provider = Provider::start(|script| {
        let endpoint = format!("{}bye?tenant=a%20b", script.issuer);
        script.discovery = bend(move |metadata| metadata["end_session_endpoint"] = json!(endpoint));
    })
    .await;
    let trip = Trip::begin(&provider.profile()).await;
    let page = trip.leave().await;
    assert_eq!((page.get("tenant").as_str(), page.get("client_id").as_str()), ("a b", CLIENT));
    page.visit(Choice::Alice).await;
    assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
}

#[tokio::test]
async fn without_an_id_token_or_with_one_too_long_for_an_address_the_client_alone_is_named() {
    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();
    let session = log_in(&profile).await;
    for id_token in [None, Some(Secret::new("x".repeat(20 << 10)))] {
        let trip = Trip::of(&profile, Session { id_token, ..session.clone() }).await;
        let page = trip.leave().await;
        assert!(!page.0.query_pairs().any(|(name, _)| name == "id_token_hint"));
        assert_eq!(page.get("client_id"), CLIENT);
        page.visit(Choice::Alice).await;
        assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
    }
}

#[tokio::test]
async fn an_older_auth0_tenant_is_logged_out_of_at_its_own_page() {
    let provider = Provider::start(|script| script.as_auth0 = true).await;
    let trip = Trip::begin(&provider.profile()).await;
    let page = trip.leave().await;
    let parameters: Vec<_> = page.0.query_pairs().into_owned().collect();
    let return_to = trip.entrance.0.join(LOGGED_OUT_PATH).unwrap().to_string();
    assert_eq!(page.0.path(), "/v2/logout");
    assert_eq!(parameters, [("client_id".into(), CLIENT.into()), ("returnTo".into(), return_to)]);
    assert_eq!(page.visit(Choice::Alice).await.status, 200);
    let (outcome, steps) = trip.end().await;
    assert_eq!(outcome, Ok(Ended::CameBack));
    assert!(matches!(steps[1], Step::CameBackLoggedOut { with_state: false, .. }));
}

#[tokio::test]
async fn a_provider_without_a_log_out_page_is_not_visited() {
    let provider = Provider::start(|script| {
        script.discovery = bend(|metadata| {
            metadata.as_object_mut().unwrap().remove("end_session_endpoint");
        });
    })
    .await;
    let (open, mut links) = browser::by_hand();
    let session = log_in(&provider.profile()).await;
    let (outcome, steps) = end_with(&provider.profile(), &session, open, DEADLINE).await;
    assert_eq!((outcome, steps.len()), (Ok(Ended::NoPage), 0));
    assert!(links.try_recv().is_err());
}

#[tokio::test]
async fn where_every_port_is_busy_the_page_opens_without_id_token_and_without_a_way_back() {
    let (_busy, port) = busy_port().await;
    for as_auth0 in [false, true] {
        let provider = Provider::start(|script| script.as_auth0 = as_auth0).await;
        let session = log_in(&provider.profile()).await;
        let profile = Profile { redirect_ports: vec![port], ..provider.profile() };
        let (open, mut links) = browser::by_hand();
        let (outcome, steps) = end_with(&profile, &session, open, DEADLINE).await;
        assert_eq!(outcome, Ok(Ended::Opened));
        assert_eq!(names(&steps), ["NoWayBack", "OpenedLogOutPage"]);
        let page = browser::opened(&mut links).await;
        assert_eq!(page.0.query(), Some("client_id=the-client"));
        assert_eq!(raw().get(page.0).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_browser_that_does_not_open_is_not_waited_for() {
    let provider = Provider::start(|_| {}).await;
    let session = log_in(&provider.profile()).await;
    let fails: OpenBrowser = Arc::new(|_| Err("no browser here".to_owned()));
    let (outcome, steps) = end_with(&provider.profile(), &session, fails, DEADLINE).await;
    assert_eq!((outcome, steps.len()), (Err(EndSessionError::NoBrowser("no browser here".to_owned())), 0));
}

#[tokio::test]
async fn who_does_not_come_back_in_time_is_no_longer_waited_for() {
    let provider = Provider::start(|_| {}).await;
    let (profile, session) = (provider.profile(), log_in(&provider.profile()).await);
    let patience = Duration::from_millis(30);
    let (open, mut links) = browser::by_hand();
    let (outcome, _) = end_with(&profile, &session, open, patience).await;
    let Link(entrance) = browser::opened(&mut links).await;
    let return_to = entrance.join(LOGGED_OUT_PATH).unwrap().to_string();
    assert_eq!(outcome, Err(EndSessionError::NoReturn { after: patience, return_to, left: false }));
    assert!(raw().get(entrance).send().await.is_err(), "the port is closed");
}

#[tokio::test]
async fn whether_the_browser_reached_the_provider_is_known_when_nobody_comes_back() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    trip.leave().await;
    // From here on time passes at once, a deadline of the test's own included.
    tokio::time::pause();
    let (outcome, steps) = trip.ending.await.unwrap();
    assert!(matches!(outcome, Err(EndSessionError::NoReturn { left: true, .. })));
    assert_eq!(names(&steps), ["OpenedLogOutPage"]);
}

#[tokio::test]
async fn a_log_out_that_is_given_up_frees_its_port() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    trip.ending.abort();
    assert!(within(trip.ending).await.unwrap_err().is_cancelled());
    let port = trip.entrance.0.port().unwrap();
    let again = Profile { redirect_ports: vec![port], ..provider.profile() };
    let trip = Trip::of(&again, trip.session).await;
    assert_eq!(trip.entrance.0.port(), Some(port));
    trip.leave().await.visit(Choice::Alice).await;
    assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
}

// ---- the listener ----

#[tokio::test]
async fn a_ticket_is_good_once_and_only_as_it_was_made() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    let ticket = trip.entrance.get("ticket");
    for stray in [
        "/log-out".to_owned(),
        "/log-out?ticket=".to_owned(),
        "/log-out?ticket=wrong".to_owned(),
        format!("/log-out?ticket={ticket}&ticket={ticket}"),
    ] {
        assert_eq!(trip.ask(&stray).await, 400, "{stray}");
    }
    assert_eq!(trip.ask(&format!("/log-out/?ticket={ticket}")).await, 404);
    for (request, status) in [
        (raw().head(trip.entrance.0.clone()), 405),
        (raw().request(Method::PUT, trip.entrance.0.clone()), 405),
        (raw().get(trip.entrance.0.clone()).header(HOST, "evil.example"), 421),
    ] {
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let page = trip.leave().await;
    assert_eq!(trip.ask(&format!("/log-out?ticket={ticket}")).await, 400, "once");
    trip.still_works(&page.get("state")).await;
}

#[tokio::test]
async fn a_return_that_is_not_the_providers_never_ends_the_wait() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    let state = trip.leave().await.get("state");
    for (stray, status) in [
        ("/logged-out".to_owned(), 400),
        ("/logged-out?state=".to_owned(), 400),
        ("/logged-out?state=wrong".to_owned(), 400),
        (format!("/logged-out?state={state}&state={state}"), 400),
        (format!("/logged-out?state={}", trip.entrance.get("ticket")), 400),
        (format!("/logged-out/x?state={state}"), 404),
        (format!("/callback?state={state}"), 404),
        ("/favicon.ico".to_owned(), 404),
        ("/".to_owned(), 404),
    ] {
        assert_eq!(trip.ask(&stray).await, status, "{stray}");
    }
    let right = trip.entrance.0.join(&format!("/logged-out?state={state}")).unwrap();
    assert_eq!(raw().head(right.clone()).send().await.unwrap().status(), 405);
    assert_eq!(raw().get(right).header(HOST, "evil.example").send().await.unwrap().status(), 421);
    assert!(!trip.ending.is_finished());
    trip.still_works(&state).await;
}

#[tokio::test]
async fn a_return_without_state_counts_only_once_the_browser_has_left() {
    let provider = Provider::start(|script| script.as_auth0 = true).await;
    let trip = Trip::begin(&provider.profile()).await;
    assert_eq!(trip.ask("/logged-out").await, 400);
    assert!(!trip.ending.is_finished());
    trip.leave().await;
    assert_eq!(trip.ask("/logged-out").await, 200);
    assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
}

#[tokio::test]
async fn the_same_return_many_times_is_one() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    let state = trip.leave().await.get("state");
    let url = trip.entrance.0.join(&format!("/logged-out?state={state}")).unwrap();
    let (client, mut returns) = (raw(), tokio::task::JoinSet::new());
    for _ in 0..8 {
        let request = client.get(url.clone());
        returns.spawn(async move { request.send().await.is_ok_and(|response| response.status() == 200) });
    }
    let welcomed = within(returns.join_all()).await.into_iter().filter(|welcome| *welcome).count();
    assert_eq!(welcomed, 1);
    let (outcome, steps) = trip.end().await;
    assert_eq!(outcome, Ok(Ended::CameBack));
    assert_eq!(names(&steps), ["OpenedLogOutPage", "CameBackLoggedOut"]);
}

#[tokio::test]
async fn the_way_out_and_the_way_back_are_static_and_locked_down() {
    let provider = Provider::start(|_| {}).await;
    let trip = Trip::begin(&provider.profile()).await;
    let out = raw().get(trip.entrance.0.clone()).send().await.unwrap();
    let page = Link(Url::parse(out.headers()[LOCATION].to_str().unwrap()).unwrap());
    let query = format!("/logged-out?state={}&next=https://evil.example/", page.get("state"));
    let back = raw().get(trip.entrance.0.join(&query).unwrap()).send().await.unwrap();
    assert!(!back.headers().contains_key(LOCATION));
    for response in [out, back] {
        let headers = response.headers().clone();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{headers:?}");
        let text = response.text().await.unwrap();
        assert!(text.is_empty() || text.contains("You are logged out"));
        assert!(!text.contains("evil.example"));
    }
    assert_eq!(trip.end().await.0, Ok(Ended::CameBack));
}

// ---- leaks ----

#[tokio::test]
async fn no_secret_of_a_log_out_is_opened_told_or_printed() {
    let (mut said, mut secrets) = (Vec::new(), Vec::new());
    let mut opened: Vec<Link> = Vec::new();
    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();

    let trip = Trip::begin(&profile).await;
    let session = trip.session.clone();
    let ticket = trip.entrance.get("ticket");
    opened.push(trip.entrance.clone());
    let page = trip.leave().await;
    secrets.extend([page.get("id_token_hint"), page.get("state")]);
    page.visit(Choice::Alice).await;
    said.push(format!("{:?}", trip.end().await));

    let (_busy, port) = busy_port().await;
    let no_port = Profile { redirect_ports: vec![port], ..profile.clone() };
    let short = Duration::from_millis(30);
    let fails: OpenBrowser = Arc::new(|_| Err("no browser here".to_owned()));
    let (sender, mut links): (_, Links) = mpsc::unbounded_channel();
    let notes: OpenBrowser =
        Arc::new(move |link| sender.send(Link(link.clone())).map_err(|error| error.to_string()));
    for (profile, open) in [(&profile, Arc::clone(&notes)), (&no_port, notes), (&profile, fails)] {
        let (outcome, steps) = end_with(profile, &session, open, short).await;
        said.push(format!("{outcome:?} {steps:?}"));
        if let Err(error) = outcome {
            said.push(format!("{error} {:?}", explain::session_not_ended(&error, profile)));
        }
    }
    links.close();
    while let Some(link) = links.recv().await {
        opened.push(link);
    }

    assert_eq!(opened.len(), 3);
    said.extend(opened.iter().map(|Link(url)| url.to_string()));
    let said = said.join("\n");
    secrets.extend(
        [&session.access_token, session.refresh_token.as_ref().unwrap()].map(|s| s.expose().to_owned()),
    );
    for secret in &secrets {
        assert!(secret.len() > 10 && !said.contains(secret.as_str()), "{secret}");
    }
    // The ticket stands where the browser is opened, and nowhere else.
    assert_eq!(said.matches(&ticket).count(), 1);
}

// ---- revocation ----

#[tokio::test]
async fn a_revoked_session_cannot_be_renewed() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile).await;
    assert_eq!(revoke(&session, &http()).await, Ok(()));
    assert!(session.renewed(&http()).await.unwrap_err().is_final());
}

#[tokio::test]
async fn the_refresh_token_is_revoked_or_else_the_access_token() {
    let provider = Provider::start(|_| {}).await;
    // As Auth0 answers: nothing.
    provider.change(|script| script.instead("/forget", || server::answer(200, ("x", "y"), "")));
    let session = log_in(&provider.profile()).await;
    let alone = Session { refresh_token: None, ..session.clone() };
    for (session, token, hint) in
        [(session, "refresh-token-1", "refresh_token"), (alone, "access-token-1", "access_token")]
    {
        assert_eq!(revoke(&session, &http()).await, Ok(()));
        let expected = [("client_id", CLIENT), ("token", token), ("token_type_hint", hint)];
        let form = provider.server.seen().last().unwrap().form();
        assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[tokio::test]
async fn a_provider_without_a_revocation_endpoint_is_not_told() {
    let provider = Provider::start(|script| {
        script.discovery = bend(|metadata| {
            metadata.as_object_mut().unwrap().remove("revocation_endpoint");
        });
    })
    .await;
    let session = log_in(&provider.profile()).await;
    assert_eq!(revoke(&session, &http()).await, Ok(()));
    assert_eq!(provider.server.count("/forget"), 0);
}

#[tokio::test]
async fn a_revocation_that_fails_says_so_and_whether_to_try_again() {
    let provider = Provider::start(|_| {}).await;
    let session = log_in(&provider.profile()).await;
    for (status, may_pass) in
        [(429, true), (500, true), (503, true), (400, false), (302, false), (404, false)]
    {
        provider.change(|script| script.instead("/forget", move || server::answer(status, ("x", "y"), "")));
        let before = provider.server.count("/forget");
        let error = revoke(&session, &http()).await.unwrap_err();
        assert_eq!(error, RevocationError::Refused(StatusCode::from_u16(status).unwrap()));
        assert!(error.to_string().contains(&status.to_string()));
        assert_eq!(error.may_pass(), may_pass, "{status}");
        assert_eq!(provider.server.count("/forget"), before + 1, "{status}: asked once");
    }
    let discovery = "/.well-known/openid-configuration";
    for (status, may_pass) in [(503, true), (404, false)] {
        provider.change(|script| script.instead(discovery, move || server::answer(status, ("x", "y"), "")));
        assert_eq!(
            revoke(&session, &http()).await.unwrap_err().may_pass(),
            may_pass,
            "{status} of discovery"
        );
    }
    drop(provider);
    assert!(revoke(&session, &http()).await.unwrap_err().may_pass(), "offline");
}
