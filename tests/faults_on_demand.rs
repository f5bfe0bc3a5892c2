//! The demo's faults: each through the app's real flow, and the switch that nobody but their owner can turn.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::api::request::Draft;
use hallpass::api::response::Response;
use hallpass::api::{self, CallError};
use hallpass::auth::login::{Attempt, LoginError, OpenBrowser};
use hallpass::auth::renewal::{Prospect, Renewal, RenewalError, Renewed};
use hallpass::auth::session::{Session, StepUp, Why};
use hallpass::auth::tokens::TokenError;
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::demo::{self, Demo, Fault, FaultSwitch, Options, SwitchError};
use hallpass::explain::{self, Caller, Remedy};
use hallpass::http::{Exchange, Http, HttpError, NoAnswer, Purpose};
use hallpass::store::{Account, Memory, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use support::{DEADLINE, browser, demo_profile, raw, within};
use tempfile::TempDir;
use url::form_urlencoded::Serializer;

/// A demo, its switch, and an app that uses it.
struct Stage {
    demo: Demo,
    switch: FaultSwitch,
    profile: Profile,
    http: Http,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    store: Store,
    home: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let (demo, profile, home) = support::demo().await;
        let exchanges: Arc<Mutex<Vec<Exchange>>> = Arc::default();
        let book = Arc::clone(&exchanges);
        let http = Http::new(move |exchange| book.lock().unwrap().push(exchange));
        let store = Store::over(Memory::default(), home.path().join("locks"));
        Self { switch: demo.switch(), demo, profile, http, exchanges, store, home }
    }

    async fn with(fault: Fault) -> Self {
        let stage = Self::set().await;
        stage.turn(fault).await;
        stage
    }

    async fn turn(&self, fault: Fault) {
        assert_eq!(self.switch.set(Some(fault)).await.unwrap(), Some(fault));
    }

    async fn turn_off(&self) {
        assert_eq!(self.switch.set(None).await.unwrap(), None);
    }

    async fn log_in_with(&self, open: OpenBrowser) -> Result<Session, LoginError> {
        let attempt = Attempt {
            profile: &self.profile,
            step_up: &StepUp::default(),
            http: &self.http,
            open,
            report: &|_| {},
            patience: DEADLINE,
        };
        Box::pin(attempt.run()).await
    }

    async fn log_in(&self) -> Result<Session, LoginError> {
        self.log_in_with(browser::scripted(Choice::Alice)).await
    }

    async fn renew(&self, session: &Session) -> Result<Renewed, RenewalError> {
        let account = Account::of(&self.profile);
        self.store.save(&account, session).await;
        let renewal = Renewal {
            store: &self.store,
            account: &account,
            http: &self.http,
            report: &|_| {},
            why: Why::Asked,
        };
        Box::pin(renewal.run(session)).await
    }

    async fn call(&self, path: &str, session: &Session) -> Result<Response, CallError> {
        let draft = Draft { method: "GET".to_owned(), url: path.to_owned(), ..Draft::default() };
        let request = draft.check(&self.profile).unwrap();
        within(api::call(request, Some(&session.access_token), &self.http, |_| ())).await
    }

    /// The status of a call to the private endpoint, and what the API said of a refusal.
    async fn status(&self, session: &Session) -> (u16, Option<String>) {
        let response = self.call("/api/private", session).await.unwrap();
        (response.status.as_u16(), response.refusal.and_then(|refusal| refusal.description))
    }

    /// All is well again: a new login, and a call with it.
    async fn is_sound(&self) {
        let session = self.log_in().await.unwrap();
        assert_eq!(self.call("/api/private-scoped", &session).await.unwrap().status.as_u16(), 200);
        assert!(self.renew(&session).await.is_ok());
    }

    fn count(&self, purpose: Purpose) -> usize {
        self.exchanges.lock().unwrap().iter().filter(|exchange| exchange.purpose == purpose).count()
    }
}

// ---- at login ----

#[tokio::test]
async fn declined_comes_back_at_once() {
    let stage = Stage::with(Fault::Declined).await;
    let LoginError::Refused(refusal) = stage.log_in().await.unwrap_err() else { unreachable!() };
    assert_eq!(refusal.error, "access_denied");
    assert_eq!(
        explain::login(&LoginError::Refused(refusal), &stage.profile, SignedDuration::ZERO).headline,
        "You were not logged in"
    );
    stage.turn_off().await;
    stage.is_sound().await;
}

#[tokio::test]
async fn a_wrong_state_is_ignored_and_the_right_one_is_still_taken() {
    let stage = Stage::with(Fault::WrongState).await;
    let (open, mut links) = browser::by_hand();
    let (attempt, ()) = tokio::join!(stage.log_in_with(open), async {
        let link = browser::opened(&mut links).await;
        let visit = link.visit(Choice::Alice).await;
        assert_eq!(visit.status, 400);
        assert!(visit.text.contains("cancel there, and log in again"), "{}", visit.text);
        stage.turn_off().await;
        assert_eq!(link.visit(Choice::Alice).await.status, 200);
    });
    assert!(attempt.is_ok(), "the attempt waited on");
}

#[tokio::test]
async fn a_bad_nonce_is_found_out() {
    let stage = Stage::with(Fault::BadNonce).await;
    let error = stage.log_in().await.unwrap_err();
    assert!(matches!(&error, LoginError::IdToken(rejected) if rejected.check == "nonce"), "{error}");
    assert_eq!(
        explain::login(&error, &stage.profile, SignedDuration::ZERO).headline,
        "The ID token was rejected"
    );
    stage.turn_off().await;
    stage.is_sound().await;
}

#[tokio::test]
async fn a_rotated_key_is_fetched_and_what_the_old_one_signed_is_still_good() {
    let stage = Stage::set().await;
    let before = stage.log_in().await.unwrap();
    assert_eq!(stage.count(Purpose::Keys), 1);
    stage.turn(Fault::KeyRotated).await;
    let after = stage.log_in().await.unwrap();
    assert_eq!(stage.count(Purpose::Keys), 3, "at discovery, and again for the key that came since");
    let renewed = stage.renew(&after).await.unwrap().session;
    assert_eq!(stage.count(Purpose::Keys), 5);
    for session in [&before, &after, &renewed] {
        assert_eq!(stage.status(session).await.0, 200);
    }
    stage.turn_off().await;
    stage.is_sound().await;
    assert_eq!(stage.count(Purpose::Keys), 7, "once a login, once a renewal");
}

// ---- at a call ----

/// What a call with a token of this fault is told, after which it is renewed in vain, and not in vain once it is off.
async fn refused(fault: Fault, words: &str) {
    let stage = Stage::with(fault).await;
    let session = stage.log_in().await.unwrap();
    assert_eq!(session.user.name.as_deref(), Some("Alice Adams"));
    assert!(session.time_left(Timestamp::now()).unwrap() > Duration::from_mins(4));
    let refused = (401, Some(words.to_owned()));
    assert_eq!(stage.status(&session).await, refused);
    let again = stage.renew(&session).await.unwrap().session;
    assert!(again.access_token != session.access_token);
    assert_eq!(stage.status(&again).await, refused);
    stage.turn_off().await;
    let sound = stage.renew(&again).await.unwrap().session;
    assert_eq!(stage.status(&sound).await.0, 200);
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused_until_it_is_renewed_soundly() {
    refused(Fault::WrongAudience, "The audience is not https://api.hallpass.demo").await;
}

#[tokio::test]
async fn an_opaque_token_is_refused_until_it_is_renewed_soundly() {
    refused(Fault::OpaqueToken, "The token is not a JWT").await;
}

#[tokio::test]
async fn a_token_that_was_issued_expired_is_refused_until_it_is_renewed_soundly() {
    refused(Fault::ExpiredToken, "The token has expired").await;
}

#[tokio::test]
async fn a_scope_that_alice_may_have_is_missing_until_it_is_renewed_soundly() {
    let stage = Stage::with(Fault::MissingScope).await;
    let session = stage.log_in().await.unwrap();
    assert_eq!(session.not_granted(), ["read:messages"]);
    let response = stage.call("/api/private-scoped", &session).await.unwrap();
    assert_eq!(response.status.as_u16(), 403);
    let (now, clock_ahead) = (Timestamp::now(), SignedDuration::ZERO);
    let caller =
        Caller { profile: &stage.profile, session: Some(&session), expired: false, now, clock_ahead };
    let explained = explain::response(&response, &caller).unwrap();
    assert_eq!(explained.headline, "Your token lacks the scope read:messages");
    stage.turn_off().await;
    let sound = stage.renew(&session).await.unwrap().session;
    assert_eq!(stage.call("/api/private-scoped", &sound).await.unwrap().status.as_u16(), 200);
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_busy_api_says_when_to_come_back_and_a_failing_one_names_the_request() {
    let stage = Stage::with(Fault::ApiBusy).await;
    let session = stage.log_in().await.unwrap();
    let busy = stage.call("/api/private", &session).await.unwrap();
    assert_eq!((busy.status.as_u16(), header(&busy, "retry-after")), (429, Some("20")));

    stage.turn(Fault::ApiFails).await;
    let failed = stage.call("/api/public", &session).await.unwrap();
    assert_eq!(failed.status.as_u16(), 500);
    assert!(header(&failed, "x-request-id").is_some_and(|id| id.len() == 43));
    assert!(stage.renew(&session).await.is_ok(), "the provider is sound");

    stage.turn_off().await;
    assert_eq!(stage.status(&session).await.0, 200);
}

#[tokio::test]
async fn an_unreachable_api_refuses_connections_and_is_back_at_the_same_port() {
    let stage = Stage::set().await;
    let session = stage.log_in().await.unwrap();
    assert_eq!(stage.status(&session).await.0, 200);
    for _ in 0..20 {
        stage.turn(Fault::ApiUnreachable).await;
        let error = stage.call("/api/private", &session).await.unwrap_err();
        let CallError::NoAnswer(HttpError { why: NoAnswer::Refused, to }) = error else {
            unreachable!("{error}")
        };
        assert_eq!(to, stage.demo.api.authority());
        stage.turn_off().await;
        assert_eq!(stage.status(&session).await.0, 200);
    }
    stage.turn(Fault::ApiUnreachable).await;
    assert!(stage.log_in().await.is_ok(), "the provider is there");
}

// ---- at a renewal ----

#[tokio::test]
async fn a_reused_token_ends_the_session_for_good() {
    let stage = Stage::set().await;
    let session = stage.log_in().await.unwrap();
    stage.turn(Fault::ReuseDetected).await;
    let error = stage.renew(&session).await.unwrap_err();
    assert!(error.is_final(), "{error}");
    let explained = explain::renewal(&error);
    assert_eq!(explained.headline, "Your session was ended: a refresh token was used twice");
    assert_eq!(explained.remedy, Some(Remedy::LogIn));
    stage.turn_off().await;
    assert!(stage.renew(&session).await.unwrap_err().is_final(), "its family has ended");
    stage.is_sound().await;
}

#[tokio::test]
async fn a_busy_or_failing_provider_stops_logins_and_ends_no_session() {
    let stage = Stage::set().await;
    let session = stage.log_in().await.unwrap();
    for (fault, status, retry_after, prospect) in [
        (
            Fault::ProviderBusy,
            429,
            Some(Duration::from_secs(20)),
            Prospect::MayPass(Some(Duration::from_secs(20))),
        ),
        (Fault::ProviderFails, 500, None, Prospect::InDoubt),
    ] {
        stage.turn(fault).await;
        let error = stage.log_in().await.unwrap_err();
        let LoginError::Token(TokenError::Busy { status: came, retry_after: after }) = error else {
            unreachable!("{error}")
        };
        assert_eq!((came.as_u16(), after), (status, retry_after));
        assert_eq!(stage.renew(&session).await.unwrap_err().prospect(), prospect);
        assert_eq!(stage.status(&session).await.0, 200, "the API is sound");
    }
    stage.turn_off().await;
    assert!(stage.renew(&session).await.is_ok(), "its refresh token was not spent");
}

// ---- everywhere ----

#[tokio::test]
async fn slow_answers_come_late_and_sound() {
    let stage = Stage::set().await;
    let session = stage.log_in().await.unwrap();
    stage.turn(Fault::Slow).await;
    let (response, renewed) = tokio::join!(stage.call("/api/private", &session), stage.renew(&session));
    let response = response.unwrap();
    assert_eq!(response.status.as_u16(), 200);
    assert!(response.took >= Duration::from_secs(5), "{:?}", response.took);
    assert!(renewed.is_ok());
    stage.turn_off().await;
    assert!(stage.call("/api/private", &session).await.unwrap().took < Duration::from_secs(5));
}

#[tokio::test]
async fn a_wrong_clock_is_told_by_every_answer_and_costs_nobody_their_session() {
    let stage = Stage::set().await;
    let early = stage.log_in().await.unwrap();
    stage.turn(Fault::ClockSkew).await;
    // By the API's clock.
    assert_eq!(stage.status(&early).await, (401, Some("The token has expired".to_owned())));
    stage.exchanges.lock().unwrap().clear();
    let session = stage.log_in().await.unwrap();
    assert!(session.time_left(Timestamp::now()).unwrap() > Duration::from_mins(4));
    assert_eq!(stage.call("/api/private-scoped", &session).await.unwrap().status.as_u16(), 200);
    for exchange in stage.exchanges.lock().unwrap().iter() {
        let behind = -exchange.clock_ahead.unwrap();
        assert!((3590..=3610).contains(&behind.as_secs()), "{:?}: {behind:?}", exchange.purpose);
        let told = explain::clock(exchange.clock_ahead.unwrap()).unwrap();
        assert!(told.contains("behind"), "{told}");
    }
    assert!(stage.renew(&session).await.is_ok());
    stage.turn_off().await;
    assert_eq!(stage.status(&session).await.0, 200, "what was issued meanwhile is good");
    stage.is_sound().await;
}

// ---- the switch ----

fn read(home: &TempDir) -> Value {
    serde_json::from_slice(&std::fs::read(home.path().join("demo.json")).unwrap()).unwrap()
}

/// The order to turn a fault on, proven by `secret` as it should be.
fn order(stage: &Stage, challenge: &str, secret: &str, id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let proof = hmac::sign(&key, format!("fault {} {challenge} {id}", stage.demo.issuer).as_bytes());
    form(id, &URL_SAFE_NO_PAD.encode(proof))
}

fn form(id: &str, proof: &str) -> String {
    Serializer::new(String::new()).extend_pairs([("fault", id), ("proof", proof)]).finish()
}

#[tokio::test]
async fn nobody_else_can_turn_the_switch() {
    let stage = Stage::set().await;
    let url = stage.demo.issuer.join("fault").unwrap();
    let told: Value =
        serde_json::from_str(&raw().get(url.clone()).send().await.unwrap().text().await.unwrap()).unwrap();
    let challenge = told["challenge"].as_str().unwrap();
    let secret = read(&stage.home)["secret"].as_str().unwrap().to_owned();
    let right = order(&stage, challenge, &secret, "api-500");

    // What the demo proves to whoever asks is worth nothing here.
    let asked = format!("{}proof?challenge={challenge}%20api-500", stage.demo.issuer);
    let oracle = raw().get(asked).send().await.unwrap().text().await.unwrap();
    let headers = |body: String, header: Option<(&'static str, &'static str)>| {
        let request =
            raw().post(url.clone()).header("content-type", "application/x-www-form-urlencoded").body(body);
        match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    };
    for (request, status) in [
        (headers("fault=api-500".to_owned(), None), 403),
        (headers(form("api-500", "guess"), None), 403),
        (headers(form("api-500", &oracle), None), 403),
        (headers(order(&stage, "another run's", &secret, "api-500"), None), 403),
        (headers(order(&stage, challenge, "another secret", "api-500"), None), 403),
        (headers(right.replace("api-500", "api-429"), None), 403),
        (headers(right.clone(), Some(("origin", "http://evil.example"))), 403),
        (headers(right.clone(), Some(("origin", "null"))), 403),
        (headers(right.clone(), Some(("host", "evil.example"))), 421),
        (headers(order(&stage, challenge, &secret, "no-such-fault"), None), 422),
        (raw().get(format!("{url}?{right}")), 200),
    ] {
        assert_eq!(request.send().await.unwrap().status().as_u16(), status);
        assert_eq!(stage.switch.look().await.unwrap(), None);
    }
    assert_eq!(headers(right, None).send().await.unwrap().status().as_u16(), 200);
    assert_eq!(stage.switch.look().await.unwrap(), Some(Fault::ApiFails));
    assert!(!format!("{:?} {:?}", stage.switch, stage.demo).contains(&secret));
}

#[tokio::test]
async fn whoever_shares_the_demo_shares_its_switch_also_after_taking_over() {
    let home = tempfile::tempdir().unwrap();
    let start = || demo::start(Options { ports: [0, 0], ..Options::new(home.path()) });
    let (first, second) = (start().await.unwrap(), start().await.unwrap());
    second.switch().set(Some(Fault::ApiFails)).await.unwrap();
    assert_eq!(first.switch().look().await.unwrap(), Some(Fault::ApiFails));
    let status = || async {
        let answer = raw().get(demo_profile(&second).api.unwrap().join("api/public").unwrap()).send();
        answer.await.map(|answer| answer.status().as_u16()).unwrap_or_default()
    };
    assert_eq!(status().await, 500);
    drop(first);
    within(async {
        while status().await != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(second.switch().look().await.unwrap(), None, "a fault ends with the process that had it");
    second.switch().set(Some(Fault::ApiBusy)).await.unwrap();
    assert_eq!(status().await, 429);
}

#[tokio::test]
async fn a_switch_without_a_demo_says_so() {
    let stage = Stage::set().await;
    let Stage { demo, switch, .. } = stage;
    drop(demo);
    within(async {
        while switch.look().await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let error = switch.set(Some(Fault::Slow)).await.unwrap_err();
    assert!(matches!(error, SwitchError::Silent(_)), "{error}");
}
