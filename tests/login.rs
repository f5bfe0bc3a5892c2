//! Logging in as a whole: one attempt against the demo provider, and against providers, browsers and strangers that do
//! not play by the rules.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hallpass::auth::Step;
use hallpass::auth::login::{Attempt, LoginError, OpenBrowser};
use hallpass::auth::loopback::{Listener, PortsBusy, Refusal, Stray};
use hallpass::auth::renewal::RenewalError;
use hallpass::auth::session::{Session, StepUp};
use hallpass::auth::tokens::TokenError;
use hallpass::auth::verification::Name;
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::http::Http;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::{Value, json};
use support::browser::{self, Link};
use support::keys::{EC, NEXT_RSA, RSA};
use support::provider::{CLIENT, Provider, Script, Signer, bend};
use support::server::{self, Server};
use support::{DEADLINE, demo, raw, until, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

type Outcome = Result<Session, LoginError>;

/// The one client of a test, as of a run of the app.
fn http() -> Http {
    thread_local! {
        static HTTP: Http = Http::new(|_| {});
    }
    HTTP.with(Clone::clone)
}

async fn log_in_with(profile: &Profile, open: OpenBrowser, patience: Duration) -> (Outcome, Vec<Step>) {
    let steps = Mutex::new(Vec::new());
    let report = |step| steps.lock().unwrap().push(step);
    let http = http();
    let attempt =
        Attempt { profile, step_up: &StepUp::default(), http: &http, open, report: &report, patience };
    let outcome = Box::pin(attempt.run()).await;
    (outcome, steps.into_inner().unwrap())
}

/// Logs in with a person who makes this choice.
async fn log_in(profile: &Profile, choice: Choice) -> Outcome {
    log_in_with(profile, browser::scripted(choice), DEADLINE).await.0
}

/// An attempt that runs beside the test, which holds the browser.
async fn begin(profile: &Profile) -> (JoinHandle<Outcome>, Link) {
    let (open, mut links) = browser::by_hand();
    let profile = profile.clone();
    let attempt = tokio::spawn(async move { log_in_with(&profile, open, DEADLINE).await.0 });
    let link = browser::opened(&mut links).await;
    (attempt, link)
}

async fn end(attempt: JoinHandle<Outcome>) -> Outcome {
    within(attempt).await.unwrap()
}

/// A profile for a provider that is not asked after discovery, and its attempt, for what concerns the listener only.
async fn waiting() -> (Provider, JoinHandle<Outcome>, Link) {
    let provider = Provider::start(|_| {}).await;
    let (attempt, link) = begin(&provider.profile()).await;
    (provider, attempt, link)
}

/// The listener still waits: the real person comes back, and is logged in.
async fn still_works(attempt: JoinHandle<Outcome>, link: &Link) -> Session {
    link.visit(Choice::Alice).await;
    end(attempt).await.unwrap()
}

// ---- the demo provider ----

#[tokio::test]
async fn alice_logs_in_with_all_that_was_asked_for() {
    let (_demo, profile, _home) = demo().await;
    let (outcome, steps) = log_in_with(&profile, browser::scripted(Choice::Alice), DEADLINE).await;
    let session = outcome.unwrap();
    assert_eq!(session.user.name.as_deref(), Some("Alice Adams"));
    assert_eq!(session.user.email.as_deref(), Some("alice@hallpass.demo"));
    assert!(session.user.picture.unwrap().ends_with("/picture/alice.png"));
    assert!(session.refresh_token.is_some() && session.id_token.is_some() && session.expires_at.is_some());
    assert_eq!((session.asked, session.granted), (profile.scopes.clone(), profile.scopes));
    let names: Vec<_> = steps.iter().map(|step| format!("{step:?}")).collect();
    let names: Vec<_> = names.iter().map(|name| name.split([' ', '(', '{']).next().unwrap()).collect();
    assert_eq!(names, ["MadeSecrets", "OpenedBrowser", "Waiting", "CameBack", "Checked"]);
    let Some(Step::Checked(checks)) = steps.last() else { panic!("{names:?}") };
    assert!(checks.is_complete());
    assert_eq!(checks.get(Name::Algorithm).actual, "RS256");
    let not_made = [Name::AuthTime, Name::AuthorizedParty];
    let made: Vec<_> = Name::ALL.into_iter().filter(|name| !not_made.contains(name)).collect();
    assert_eq!(checks.passed().collect::<Vec<_>>(), made);
}

#[tokio::test]
async fn what_bob_was_not_granted_is_recorded() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile, Choice::Bob).await.unwrap();
    assert_eq!(session.user.called(), "Bob Brown");
    assert_eq!(session.not_granted(), ["read:messages"]);
}

#[tokio::test]
async fn who_declines_is_not_logged_in() {
    let (_demo, profile, _home) = demo().await;
    let outcome = log_in(&profile, Choice::Decline).await;
    let refusal = Refusal {
        error: "access_denied".to_owned(),
        description: Some("User did not authorize the request".to_owned()),
        uri: None,
    };
    assert_eq!(outcome, Err(LoginError::Refused(refusal)));
}

#[tokio::test]
async fn a_code_that_was_made_up_is_not_exchanged() {
    let (demo, profile, _home) = demo().await;
    let (attempt, link) = begin(&profile).await;
    assert_eq!(link.come_back(&[("code", "stolen"), ("iss", demo.issuer.as_str())]).await, 200);
    let Err(LoginError::Token(TokenError::Refused { error, .. })) = end(attempt).await else { panic!() };
    assert_eq!(error, "invalid_grant");
}

#[tokio::test]
async fn an_attackers_code_under_a_stolen_state_opens_no_session() {
    let provider = Provider::start(|_| {}).await;
    let (attempt, link) = begin(&provider.profile()).await;
    // The attacker has a code of their own, made for another verifier.
    let mut theirs = link.0.clone();
    theirs.set_query(None);
    for (name, value) in link.0.query_pairs() {
        let value = if name == "code_challenge" { "A".repeat(43).into() } else { value };
        theirs.query_pairs_mut().append_pair(&name, &value);
    }
    provider.change(|script| script.expects_a_foreign_verifier = true);
    Link(theirs).visit(Choice::Alice).await;
    assert!(matches!(end(attempt).await, Err(LoginError::Token(TokenError::Refused { .. }))));
    assert_eq!(provider.asked(), [1, 1, 1, 1, 0]);
}

#[tokio::test]
async fn who_does_not_come_back_in_time_is_no_longer_waited_for() {
    let provider = Provider::start(|_| {}).await;
    let (open, mut links) = browser::by_hand();
    let patience = Duration::from_millis(30);
    let (outcome, _) = log_in_with(&provider.profile(), open, patience).await;
    let link = browser::opened(&mut links).await;
    assert_eq!(
        outcome,
        Err(LoginError::TimedOut { after: patience, redirect_uri: link.get("redirect_uri") })
    );
    assert!(raw().get(link.callback(&[("code", "late")])).send().await.is_err(), "the port is closed");
    assert_eq!(provider.asked(), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_cancelled_attempt_frees_its_port_and_sends_nothing_more() {
    let (provider, attempt, link) = waiting().await;
    attempt.abort();
    assert!(within(attempt).await.unwrap_err().is_cancelled());
    let port = Url::parse(&link.get("redirect_uri")).unwrap().port().unwrap();
    let again = Profile { redirect_ports: vec![port], ..provider.profile() };
    let session = log_in(&again, Choice::Alice).await.unwrap();
    assert_eq!(session.user.subject, "alice");
    // What was asked is what the second attempt asked, and the discovery of the first.
    assert_eq!(provider.asked(), [2, 2, 1, 1, 1]);
}

#[tokio::test]
async fn a_callback_that_was_taken_is_cancelled_with_its_attempt() {
    let (provider, attempt, link) = waiting().await;
    let half = format!("GET {} HTTP/1.1\r\n", link.callback(&[("code", "x")]).path());
    let mut stream = connect(&link).await;
    stream.write_all(half.as_bytes()).await.unwrap();
    attempt.abort();
    assert!(within(attempt).await.unwrap_err().is_cancelled());
    assert_eq!(provider.asked(), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn an_attempt_that_replaces_another_is_not_settled_by_the_first_ones_callback() {
    let (provider, first, first_link) = waiting().await;
    first.abort();
    let port = Url::parse(&first_link.get("redirect_uri")).unwrap().port().unwrap();
    assert!(within(first).await.unwrap_err().is_cancelled());
    let (second, link) = begin(&Profile { redirect_ports: vec![port], ..provider.profile() }).await;
    assert_eq!(link.get("redirect_uri"), first_link.get("redirect_uri"));
    assert_ne!(link.get("state"), first_link.get("state"));
    assert_ne!(link.get("nonce"), first_link.get("nonce"));
    assert_ne!(link.get("code_challenge"), first_link.get("code_challenge"));
    let late = first_link.visit(Choice::Alice).await;
    assert_eq!(late.status, 400);
    still_works(second, &link).await;
    assert_eq!(provider.asked()[3], 1);
}

#[tokio::test]
async fn a_link_that_no_browser_was_opened_on_still_works() {
    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();
    let (open, mut links) = browser::by_hand();
    let fails: OpenBrowser = Arc::new(move |link| {
        open(link)?;
        Err("no browser here".to_owned())
    });
    let attempt = tokio::spawn(async move { log_in_with(&profile, fails, DEADLINE).await });
    browser::opened(&mut links).await.visit(Choice::Alice).await;
    let (outcome, steps) = within(attempt).await.unwrap();
    assert!(outcome.is_ok());
    assert!(
        steps.iter().any(|step| matches!(step, Step::BrowserDidNotOpen(why) if why == "no browser here"))
    );
}

// ---- the authorization request ----

#[tokio::test]
async fn the_authorization_request_asks_for_what_the_profile_says() {
    let provider = Provider::start(|_| {}).await;
    let profile = Profile {
        audience: Some("https://api/?a b".to_owned()),
        resource: Some("https://resource/".to_owned()),
        authorize_params: vec![("prompt".to_owned(), "login consent".to_owned())],
        ..provider.profile()
    };
    let (attempt, link) = begin(&profile).await;
    assert_eq!(link.0.path(), "/sign-in", "discovered, not guessed");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("scope", "openid profile offline_access read:messages"),
        ("code_challenge_method", "S256"),
        ("audience", "https://api/?a b"),
        ("resource", "https://resource/"),
        ("prompt", "login consent"),
    ] {
        assert_eq!(link.get(name), value, "{name}");
    }
    assert!(link.get("redirect_uri").starts_with("http://127.0.0.1:"));
    assert_eq!(link.get("code_challenge").len(), 43);
    for name in ["state", "nonce"] {
        assert!(link.get(name).len() >= 22, "{name} has 128 bits");
    }
    assert!(!link.0.query_pairs().any(|(name, _)| name == "code_verifier"));
    still_works(attempt, &link).await;
}

// ---- the redirect listener ----

async fn connect(link: &Link) -> TcpStream {
    let url = Url::parse(&link.get("redirect_uri")).unwrap();
    TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap()
}

/// Sends these bytes, and gives the status that comes back, or 0 where nothing does.
async fn bytes(link: &Link, request: &str) -> u16 {
    let mut stream = connect(link).await;
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    let _ = within(stream.read_to_string(&mut answer)).await;
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_callback_with_a_wrong_state_is_turned_away_and_the_right_one_still_counts() {
    let (provider, attempt, link) = waiting().await;
    for stray in [
        &[("state", "wrong"), ("code", "x")][..],
        &[("state", ""), ("code", "x")],
        &[("state", "wrong"), ("error", "access_denied")],
    ] {
        assert_eq!(link.come_back(stray).await, 400, "{stray:?}");
    }
    let mut without = link.callback(&[("code", "x")]);
    without.set_query(Some("code=x"));
    assert_eq!(raw().get(without).send().await.unwrap().status(), 400);
    still_works(attempt, &link).await;
    assert_eq!(provider.asked(), [1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn strays_are_counted_and_told_in_a_few_lines() {
    let listener = Listener::bind(&[0], "/callback").unwrap();
    let url = listener.redirect_uri();
    let told = Mutex::new(Vec::new());
    let callback = listener.callback("right", |why, count| told.lock().unwrap().push((why, count)));
    let visits = async {
        for _ in 0..200 {
            assert_eq!(
                raw().get(format!("{url}?state=wrong&code=canary")).send().await.unwrap().status(),
                400
            );
        }
        raw().get(format!("{url}?code=canary")).send().await.unwrap();
        raw().get(format!("{url}?code=x&state=right")).send().await.unwrap();
    };
    let start = Instant::now();
    let (callback, ()) = within(async { tokio::join!(callback, visits) }).await;
    assert!(callback.outcome.is_ok());
    let told = told.into_inner().unwrap();
    assert!(told.contains(&(Stray::OtherState, 200)) && told.contains(&(Stray::NoState, 1)), "{told:?}");
    let most = 2 * (2 + start.elapsed().as_millis() / 250);
    assert!((told.len() as u128) <= most, "{} lines in {:?}", told.len(), start.elapsed());
    assert!(!format!("{told:?}").contains("canary"));
}

#[tokio::test]
async fn what_is_not_the_callback_never_settles_the_attempt() {
    let (provider, attempt, link) = waiting().await;
    let good = link.callback(&[("code", "x"), ("iss", &provider.profile().issuer)]);
    let query = good.query().unwrap();
    let request = |method: Method, path: &str| {
        let mut url = good.clone();
        url.set_path(path);
        raw().request(method, url)
    };
    for (what, request, status) in [
        ("HEAD", request(Method::HEAD, "/callback"), 405),
        ("PUT", request(Method::PUT, "/callback"), 405),
        ("DELETE", request(Method::DELETE, "/callback"), 405),
        ("OPTIONS", request(Method::OPTIONS, "/callback").header("origin", "https://evil.example"), 405),
        ("the favicon", request(Method::GET, "/favicon.ico"), 404),
        ("the root", request(Method::GET, "/"), 404),
        ("a longer path", request(Method::GET, "/callback/x"), 404),
        ("another case", request(Method::GET, "/Callback"), 404),
        ("a foreign Host", request(Method::GET, "/callback").header(HOST, "evil.example"), 421),
        (
            "a foreign Host with the port",
            request(Method::GET, "/callback").header(HOST, format!("evil.example:{}", good.port().unwrap())),
            421,
        ),
        (
            "localhost as Host",
            request(Method::GET, "/callback").header(HOST, format!("localhost:{}", good.port().unwrap())),
            421,
        ),
        ("a POST with the response in its query only", request(Method::POST, "/callback"), 400),
    ] {
        assert_eq!(request.send().await.unwrap().status(), status, "{what}");
    }
    for (what, parameters) in [
        ("a second code", format!("{query}&code=y")),
        ("a second state", format!("{query}&state={}", link.get("state"))),
        ("a code and an error", format!("{query}&error=access_denied")),
        ("bytes that are no UTF-8", format!("{query}&error_description=%ff%fe")),
        ("no code", format!("state={}", link.get("state"))),
    ] {
        let mut url = good.clone();
        url.set_query(Some(&parameters));
        assert_eq!(raw().get(url).send().await.unwrap().status(), 400, "{what}");
    }
    assert_eq!(bytes(&link, "not HTTP at all\r\n\r\n").await, 400);
    let long = format!("GET /callback?{query}&x={} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    assert!(matches!(bytes(&link, &long).await, 0 | 400..500), "a head of 1 MB");
    let no_host = format!("GET /callback?{query} HTTP/1.1\r\n\r\n");
    assert_eq!(bytes(&link, &no_host).await, 421);
    assert!(!attempt.is_finished());
    still_works(attempt, &link).await;
    assert_eq!(provider.asked(), [1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_form_post_is_a_callback_too() {
    let provider = Provider::start(|_| {}).await;
    let (attempt, link) = begin(&provider.profile()).await;
    // What the provider would have redirected to, sent as a form.
    let answer = raw().get(link.0.clone()).send().await.unwrap();
    let callback = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let form = callback.query().unwrap().to_owned();
    let response = raw()
        .post(link.get("redirect_uri"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(end(attempt).await.is_ok());
}

#[tokio::test]
async fn the_same_callback_many_times_is_one_exchange() {
    let provider = Provider::start(|_| {}).await;
    let (attempt, link) = begin(&provider.profile()).await;
    let answer = raw().get(link.0.clone()).send().await.unwrap();
    let callback = answer.headers()["location"].to_str().unwrap().to_owned();
    let calls: Vec<_> = (0..8).map(|_| tokio::spawn(raw().get(&callback).send())).collect();
    assert!(end(attempt).await.is_ok());
    let mut taken = 0;
    for call in calls {
        // A late one finds a closed door.
        taken += usize::from(within(call).await.unwrap().is_ok_and(|answer| answer.status() == 200));
    }
    assert_eq!((taken, provider.asked()[3]), (1, 1));
}

#[tokio::test]
async fn slow_connections_and_strays_do_not_keep_the_real_callback_out() {
    let (provider, attempt, link) = waiting().await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&link).await;
        stream.write_all(b"GET /callback?code=x HTTP/1.1\r\nx-slow:").await.unwrap();
        slow.push(stream);
    }
    for _ in 0..100 {
        assert_eq!(link.come_back(&[("state", "wrong"), ("code", "x")]).await, 400);
    }
    still_works(attempt, &link).await;
    assert_eq!(provider.asked()[3], 1);
}

#[tokio::test]
async fn the_pages_of_the_listener_are_static_and_locked_down() {
    let (_provider, attempt, link) = waiting().await;
    let markup = "<script>alert(1)</script>";
    for (parameters, status) in [
        (&[("state", "wrong"), ("error", markup)][..], 400),
        (&[("error", "access_denied"), ("error_description", markup), ("iss", &link.issuer())], 200),
    ] {
        let request = raw().get(link.callback(parameters)).header("origin", "https://evil.example");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let headers = response.headers().clone();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{headers:?}");
        assert!(!headers.contains_key("location"));
        let page = response.text().await.unwrap();
        for reflected in ["alert(1)", "access_denied", "script"] {
            assert!(!page.contains(reflected), "{reflected}");
        }
    }
    assert!(matches!(end(attempt).await, Err(LoginError::Refused(_))));
}

#[tokio::test]
async fn the_callback_sends_the_browser_nowhere() {
    let (provider, attempt, link) = waiting().await;
    provider.change(|script| {
        script.callback = Box::new(|parameters| {
            for name in ["next", "returnTo", "redirect_uri"] {
                parameters.push((name.to_owned(), "https://evil.example/".to_owned()));
            }
        });
    });
    let visit = link.visit(Choice::Alice).await;
    assert_eq!(visit.status, 200);
    assert!(!visit.text.contains("evil.example"));
    assert!(end(attempt).await.is_ok());
}

#[tokio::test]
async fn a_busy_port_is_passed_over_and_the_same_uri_goes_to_both_endpoints() {
    // The provider compares the two.
    let provider = Provider::start(|_| {}).await;
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let (attempt, link) = begin(&Profile { redirect_ports: vec![port, 0], ..provider.profile() }).await;
    assert_ne!(Url::parse(&link.get("redirect_uri")).unwrap().port(), Some(port));
    still_works(attempt, &link).await;
}

#[tokio::test]
async fn where_every_port_is_busy_the_browser_stays_closed() {
    let provider = Provider::start(|_| {}).await;
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let (open, mut links) = browser::by_hand();
    let profile = Profile { redirect_ports: vec![port], ..provider.profile() };
    let (outcome, _) = log_in_with(&profile, open, DEADLINE).await;
    let Err(LoginError::PortsBusy(PortsBusy(busy))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(busy[0].0, port);
    assert!(busy[0].1.starts_with("in use"), "{busy:?}");
    assert!(links.try_recv().is_err());
    assert_eq!(provider.asked()[2..], [0, 0, 0]);
}

#[tokio::test]
async fn nobody_else_can_listen_on_the_port_of_an_attempt() {
    let (_provider, attempt, link) = waiting().await;
    let port = Url::parse(&link.get("redirect_uri")).unwrap().port().unwrap();
    for address in ["127.0.0.1", "0.0.0.0"] {
        assert!(TcpListener::bind((address, port)).await.is_err(), "{address}");
    }
    still_works(attempt, &link).await;
}

// ---- hostile and broken providers ----

/// What must come of an attempt.
enum Expect {
    /// A session.
    Accepted,
    /// No session, an error that says this, and these requests: discovery, keys, authorization, token, user info.
    Rejected(&'static str, [usize; 5]),
}
use Expect::{Accepted, Rejected};

/// A provider that is bent in one way.
struct Case {
    name: &'static str,
    bend: fn(&mut Script),
    expect: Expect,
}

const fn case(name: &'static str, bend: fn(&mut Script), expect: Expect) -> Case {
    Case { name, bend, expect }
}

/// Rejected once the ID token was read: user info is not asked.
const fn rejected(says: &'static str) -> Expect {
    Rejected(says, [1, 1, 1, 1, 0])
}

/// Rejected with the metadata: the browser stays closed.
const fn no_provider(says: &'static str, keys: usize) -> Expect {
    Rejected(says, [1, keys, 0, 0, 0])
}

async fn play(cases: &[Case]) {
    let mut wrong = Vec::new();
    for Case { name, bend, expect } in cases {
        let provider = Provider::start(bend).await;
        let outcome = log_in(&provider.profile(), Choice::Alice).await;
        match (expect, outcome) {
            (Accepted, Ok(session)) if session.user.subject == "alice" => {}
            (Rejected(says, asked), Err(error))
                if error.to_string().contains(says) && provider.asked() == *asked => {}
            (_, Ok(_)) => wrong.push(format!("{name}: accepted")),
            (_, Err(error)) => wrong.push(format!("{name}: {error} after {:?}", provider.asked())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn claims(script: &mut Script, change: impl Fn(&mut Value) + Send + Sync + 'static) {
    script.claims = bend(change);
}

fn without(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

#[tokio::test]
async fn an_id_token_that_is_not_what_it_should_be_opens_no_session() {
    play(&[
        case("happy path", |_| {}, Accepted),
        case("iss of another", |s| claims(s, |c| c["iss"] = json!("https://evil.example/")), rejected("iss")),
        case(
            "iss without its slash",
            |s| claims(s, |c| c["iss"] = json!(c["iss"].as_str().unwrap().trim_end_matches('/'))),
            rejected("iss"),
        ),
        case("no iss", |s| claims(s, |c| without(c, "iss")), rejected("")),
        case("no sub", |s| claims(s, |c| without(c, "sub")), rejected("")),
        case("aud of another", |s| claims(s, |c| c["aud"] = json!("another")), rejected("aud")),
        case("no aud", |s| claims(s, |c| without(c, "aud")), rejected("")),
        case("no iat", |s| claims(s, |c| without(c, "iat")), rejected("iat")),
        case("aud as an array of one", |s| claims(s, |c| c["aud"] = json!([CLIENT])), Accepted),
        case(
            "a second, unknown audience",
            |s| claims(s, |c| c["aud"] = json!([CLIENT, "another"])),
            rejected("aud"),
        ),
        case("an empty array as aud", |s| claims(s, |c| c["aud"] = json!([])), rejected("aud")),
        case("nonce of another", |s| claims(s, |c| c["nonce"] = json!("another")), rejected("nonce")),
        case("no nonce", |s| claims(s, |c| without(c, "nonce")), rejected("nonce")),
        case("exp six minutes past", |s| claims(s, |c| c["exp"] = json!(now() - 360)), rejected("exp")),
        case("no exp", |s| claims(s, |c| without(c, "exp")), rejected("exp")),
        case("exp as a string", |s| claims(s, |c| c["exp"] = json!((now() + 300).to_string())), rejected("")),
        case("exp as a date", |s| claims(s, |c| c["exp"] = json!("2999-01-01T00:00:00Z")), rejected("exp")),
        case("iat a week old", |s| claims(s, |c| c["iat"] = json!(now() - 7 * 86400)), rejected("iat")),
        case("iat a week ahead", |s| claims(s, |c| c["iat"] = json!(now() + 7 * 86400)), rejected("iat")),
        case("iat five minutes ahead", |s| claims(s, |c| c["iat"] = json!(now() + 300)), Accepted),
        case(
            "exp in the year 300000",
            |s| claims(s, |c| c["exp"] = json!(9_400_000_000_000_i64)),
            rejected(""),
        ),
        case("azp is the client", |s| claims(s, |c| c["azp"] = json!(CLIENT)), Accepted),
        case("azp of another", |s| claims(s, |c| c["azp"] = json!("another")), rejected("azp")),
        case(
            "at_hash of another token",
            |s| claims(s, |c| c["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
            rejected("at_hash"),
        ),
        case("at_hash that is no base64", |s| claims(s, |c| c["at_hash"] = json!("?")), rejected("at_hash")),
        case("no at_hash", |s| claims(s, |c| without(c, "at_hash")), Accepted),
        case("an empty sub", |s| claims(s, |c| c["sub"] = json!("")), rejected("sub")),
        case("sub as a number", |s| claims(s, |c| c["sub"] = json!(1)), rejected("")),
        case("email_verified as a string", |s| claims(s, |c| c["email_verified"] = json!("true")), Accepted),
        case(
            "updated_at as text",
            |s| claims(s, |c| c["updated_at"] = json!("2026-01-01T00:00:00.000Z")),
            Accepted,
        ),
        case(
            "an unknown claim",
            |s| claims(s, |c| c["https://example.com/roles"] = json!(["a", { "b": 1 }])),
            Accepted,
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_id_token_must_be_signed_by_one_of_the_providers_keys() {
    play(&[
        case("ES256", |s| (s.signer, s.keys) = (Signer::Key(&EC), vec![vec![EC.public.clone()]]), Accepted),
        case(
            "one of two keys",
            |s| (s.signer, s.keys) = (Signer::Key(&EC), vec![vec![RSA.public.clone(), EC.public.clone()]]),
            Accepted,
        ),
        case("no kid, one key", |s| s.header = bend(|h| without(h, "kid")), Accepted),
        case(
            "no kid, keys of two types",
            |s| {
                s.keys = vec![vec![EC.public.clone(), RSA.public.clone()]];
                s.header = bend(|h| without(h, "kid"));
            },
            Accepted,
        ),
        case("alg none", |s| s.signer = Signer::Nothing, rejected("signature")),
        case(
            "alg none, with a signature",
            |s| s.header = bend(|h| h["alg"] = json!("none")),
            rejected("signature"),
        ),
        case("alg null", |s| s.header = bend(|h| h["alg"] = json!(null)), rejected("")),
        case("no alg", |s| s.header = bend(|h| without(h, "alg")), rejected("")),
        case("alg RS1", |s| s.header = bend(|h| h["alg"] = json!("RS1")), rejected("")),
        case(
            "alg of another family",
            |s| s.header = bend(|h| h["alg"] = json!("ES256")),
            Rejected("signature", [1, 2, 1, 1, 0]),
        ),
        case("a wrong signature, RS256", |s| s.id_token = Box::new(spoilt), rejected("signature")),
        case(
            "a wrong signature, ES256",
            |s| {
                (s.signer, s.keys) = (Signer::Key(&EC), vec![vec![EC.public.clone()]]);
                s.id_token = Box::new(spoilt);
            },
            rejected("signature"),
        ),
        case(
            "claims of another token under the signature",
            |s| {
                s.id_token = Box::new(|token| {
                    let parts: Vec<_> = token.split('.').collect();
                    let bob = parts[1].len();
                    format!("{}.{}.{}", parts[0], &parts[1][..bob - 4], parts[2])
                });
            },
            rejected(""),
        ),
        case(
            "another's key under the right kid",
            |s| {
                s.signer = Signer::Key(&NEXT_RSA);
                s.header = bend(|h| h["kid"] = json!("rsa"));
            },
            rejected("signature"),
        ),
        case("HS256 with the client id", |s| s.signer = Signer::Shared(CLIENT.into()), rejected("alg")),
        case(
            "HS256 with the public key",
            |s| {
                s.signer = Signer::Shared(RSA.public["n"].as_str().unwrap().into());
                s.header = bend(|h| h["kid"] = json!("rsa"));
            },
            rejected("alg"),
        ),
        case(
            "HS256 with a published shared key",
            |s| {
                s.signer = Signer::Shared(b"a secret that everybody can read here".to_vec());
                s.header = bend(|h| h["kid"] = json!("shared"));
                let k = "YSBzZWNyZXQgdGhhdCBldmVyeWJvZHkgY2FuIHJlYWQgaGVyZQ";
                s.keys = vec![vec![json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": k })]];
            },
            rejected("alg"),
        ),
        case(
            "a key in the header",
            |s| {
                s.signer = Signer::Key(&NEXT_RSA);
                s.header = bend(|h| h["jwk"] = NEXT_RSA.public.clone());
            },
            Rejected("signature", [1, 2, 1, 1, 0]),
        ),
        case(
            "a key's address in the header",
            |s| {
                s.signer = Signer::Key(&NEXT_RSA);
                s.header = bend(|h| h["jku"] = json!("http://127.0.0.1:9/keys"));
            },
            Rejected("signature", [1, 2, 1, 1, 0]),
        ),
        case(
            "a key for encryption",
            |s| s.keys[0][0]["use"] = json!("enc"),
            Rejected("signature", [1, 2, 1, 1, 0]),
        ),
        case("a key that names no use", |s| without(&mut s.keys[0][0], "use"), Accepted),
        case(
            "a published private key",
            |s| s.keys[0][0]["d"] = json!("AQAB"),
            Rejected("signature", [1, 2, 1, 1, 0]),
        ),
        case(
            "two keys of one kid",
            |s| {
                let mut other = NEXT_RSA.public.clone();
                other["kid"] = json!("rsa");
                s.keys[0].push(other);
            },
            rejected("signature"),
        ),
        case("no keys at all", |s| s.keys = vec![vec![]], Rejected("signature", [1, 2, 1, 1, 0])),
        case(
            "keys of unknown types beside the right one",
            |s| s.keys[0].insert(0, json!({ "kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "pub": "AA" })),
            Accepted,
        ),
        case("typ JWT", |s| s.header = bend(|h| h["typ"] = json!("JWT")), Accepted),
        case("typ jwt", |s| s.header = bend(|h| h["typ"] = json!("jwt")), Accepted),
        case("typ at+jwt", |s| s.header = bend(|h| h["typ"] = json!("at+jwt")), rejected("")),
        case(
            "crit",
            |s| s.header = bend(|h| (h["crit"], h["b64"]) = (json!(["b64"]), json!(false))),
            rejected(""),
        ),
        case(
            "encrypted",
            |s| {
                s.id_token = Box::new(|_| {
                    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAA.AAAA.AAAA".to_owned()
                });
            },
            rejected(""),
        ),
    ])
    .await;
}

fn spoilt(token: String) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{message}.{other}{}", &signature[1..])
}

#[tokio::test]
async fn an_id_token_of_any_shape_is_read_within_bounds() {
    play(&[
        case("no token", |s| s.tokens = bend(|t| without(t, "id_token")), rejected("no ID token")),
        case("text", |s| s.id_token = Box::new(|_| "nonsense".to_owned()), rejected("")),
        case("nothing", |s| s.id_token = Box::new(|_| String::new()), rejected("")),
        case(
            "claims that come twice",
            |s| {
                s.id_token = Box::new(|_| {
                    let now = now();
                    let claims = format!(
                        r#"{{"iss":"a","iss":"b","sub":"x","aud":"c","iat":{now},"exp":{now},"exp":{}}}"#,
                        now + 9
                    );
                    raw_token(&claims)
                });
            },
            rejected(""),
        ),
        case("deep nesting", |s| s.id_token = Box::new(|_| raw_token(&"[".repeat(20_000))), rejected("")),
        case(
            "deep nesting in a claim",
            |s| {
                claims(s, |c| {
                    c["deep"] = (0..1000).fold(json!(1), |inner, _| json!([inner]));
                });
            },
            rejected(""),
        ),
        case("100 KB", |s| claims(s, |c| c["pad"] = json!("x".repeat(100_000))), rejected("size")),
        case(
            "10 MB",
            |s| claims(s, |c| c["pad"] = json!("x".repeat(10 << 20))),
            rejected("more than 1024 KB"),
        ),
    ])
    .await;
}

fn raw_token(claims: &str) -> String {
    use base64::Engine as _;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(r#"{"alg":"RS256","kid":"rsa"}"#), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &RSA.private, RSA.algorithm).unwrap();
    format!("{message}.{signature}")
}

fn member(script: &mut Script, name: &'static str, value: &'static str) {
    script.discovery = bend(move |metadata| metadata[name] = json!(value));
}

#[tokio::test]
async fn a_provider_that_is_not_sound_or_not_safe_is_never_asked_for_a_login() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    play(&[
        case(
            "another issuer",
            |s| member(s, "issuer", "https://evil.example/"),
            no_provider("calls itself", 0),
        ),
        case(
            "the issuer without its slash",
            |s| {
                s.discovery =
                    bend(|m| m["issuer"] = json!(m["issuer"].as_str().unwrap().trim_end_matches('/')));
            },
            no_provider("calls itself", 0),
        ),
        case(
            "no token endpoint",
            |s| s.discovery = bend(|m| without(m, "token_endpoint")),
            no_provider("token_endpoint", 1),
        ),
        case(
            "no authorization endpoint",
            |s| s.discovery = bend(|m| without(m, "authorization_endpoint")),
            no_provider("authorization_endpoint", 0),
        ),
        case(
            "no PKCE methods listed",
            |s| s.discovery = bend(|m| without(m, "code_challenge_methods_supported")),
            Accepted,
        ),
        case(
            "PKCE without S256",
            |s| s.discovery = bend(|m| m["code_challenge_methods_supported"] = json!(["plain"])),
            no_provider("plain", 1),
        ),
        case(
            "public clients not listed",
            |s| {
                s.discovery =
                    bend(|m| m["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]));
            },
            Accepted,
        ),
        case(
            "a javascript: URL to open",
            |s| member(s, "authorization_endpoint", "javascript:alert(1)"),
            no_provider("authorization_endpoint", 1),
        ),
        case(
            "a file: URL to open",
            |s| member(s, "authorization_endpoint", "file:///etc/passwd"),
            no_provider("authorization_endpoint", 1),
        ),
        case("a flag to open", |s| member(s, "authorization_endpoint", "--flag"), no_provider("", 0)),
        case(
            "a shell's words to open",
            |s| member(s, "authorization_endpoint", "$(touch /tmp/x)"),
            no_provider("", 0),
        ),
        case(
            "a variable to open",
            |s| member(s, "authorization_endpoint", "%USERPROFILE%"),
            no_provider("", 0),
        ),
        case(
            "authorization over http",
            |s| member(s, "authorization_endpoint", "http://example.com/"),
            no_provider("authorization_endpoint", 1),
        ),
        case(
            "tokens over http",
            |s| member(s, "token_endpoint", "http://example.com/"),
            no_provider("token_endpoint", 1),
        ),
        case(
            "user info over http",
            |s| member(s, "userinfo_endpoint", "http://example.com/"),
            no_provider("userinfo_endpoint", 1),
        ),
        case(
            "revocation over http",
            |s| member(s, "revocation_endpoint", "http://example.com/"),
            no_provider("revocation_endpoint", 1),
        ),
        case(
            "log-out at a file",
            |s| member(s, "end_session_endpoint", "file:///x"),
            no_provider("end_session_endpoint", 1),
        ),
        case(
            "keys over http",
            |s| member(s, "jwks_uri", "http://192.0.2.1/"),
            no_provider("192.0.2.1:80 is only to be had over plain http", 0),
        ),
        case(
            "a redirect",
            |s| s.instead(DISCOVERY, || server::answer(302, ("location", "/the-keys"), "")),
            no_provider("302", 0),
        ),
        case(
            "not found",
            |s| s.instead(DISCOVERY, || server::answer(404, ("x", "y"), "")),
            no_provider("404", 0),
        ),
        case(
            "HTML",
            |s| s.instead(DISCOVERY, || server::answer(200, ("content-type", "text/html"), "<html>")),
            no_provider("not with an OpenID configuration", 0),
        ),
        case(
            "10 MB",
            |s| {
                s.instead(DISCOVERY, || {
                    server::answer(200, ("content-type", "application/json"), " ".repeat(10 << 20))
                });
            },
            no_provider("more than 1024 KB", 0),
        ),
        case(
            "broken off",
            |s| s.instead(DISCOVERY, || server::broken("{")),
            no_provider("before its answer was whole", 0),
        ),
        case(
            "keys that are HTML",
            |s| s.instead("/the-keys", || server::answer(200, ("content-type", "text/html"), "<html>")),
            no_provider("", 1),
        ),
        case(
            "keys that are a list",
            |s| s.instead("/the-keys", || server::json(200, &json!([1]))),
            no_provider("not with an OpenID configuration", 1),
        ),
        case(
            "keys not found",
            |s| s.instead("/the-keys", || server::answer(404, ("x", "y"), "")),
            no_provider("404", 1),
        ),
    ])
    .await;
}

#[tokio::test]
async fn plain_http_off_this_computer_is_refused_before_anything_is_sent() {
    for issuer in
        ["http://192.0.2.1/", "http://example.com/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/"]
    {
        let provider = Provider::start(|_| {}).await;
        let profile = Profile { issuer: issuer.to_owned(), ..provider.profile() };
        let error = log_in(&profile, Choice::Alice).await.unwrap_err();
        assert!(error.to_string().contains("https://"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_dribbles_is_given_up_after_a_while() {
    for (path, asked) in
        [("/.well-known/openid-configuration", [1, 0, 0, 0, 0]), ("/tokens", [1, 1, 1, 1, 0])]
    {
        let provider = Provider::start(|script| script.instead(path, || server::endless("{\"a\":"))).await;
        let profile = provider.profile();
        let attempt = tokio::spawn(async move { log_in(&profile, Choice::Alice).await });
        until(|| provider.server.count(path) == 1).await;
        // The clock runs ahead from here on, as nothing else is awaited.
        tokio::time::pause();
        let error = end_paused(attempt).await.unwrap_err();
        tokio::time::resume();
        assert!(error.to_string().contains("did not answer within 10 seconds"), "{error}");
        assert_eq!(provider.asked(), asked);
    }
}

async fn end_paused(attempt: JoinHandle<Outcome>) -> Outcome {
    attempt.await.unwrap()
}

#[tokio::test]
async fn a_key_that_is_not_known_yet_is_fetched_once() {
    let next = |script: &mut Script| script.signer = Signer::Key(&NEXT_RSA);
    // The provider changed its key after discovery.
    let rotated = Provider::start(|script| {
        next(script);
        script.keys = vec![vec![RSA.public.clone()], vec![RSA.public.clone(), NEXT_RSA.public.clone()]];
    })
    .await;
    assert!(log_in(&rotated.profile(), Choice::Alice).await.is_ok());
    assert_eq!(rotated.asked(), [1, 2, 1, 1, 1]);
    // The next login needs no second look.
    assert!(log_in(&rotated.profile(), Choice::Alice).await.is_ok());
    assert_eq!(rotated.asked(), [2, 3, 2, 2, 2]);

    let never = Provider::start(next).await;
    let error = log_in(&never.profile(), Choice::Alice).await.unwrap_err();
    assert!(error.to_string().contains("none of the provider's keys"), "{error}");
    assert_eq!(never.asked(), [1, 2, 1, 1, 0]);
}

#[tokio::test]
async fn keys_that_change_between_two_logins_are_read_anew() {
    let provider = Provider::start(|_| {}).await;
    assert!(log_in(&provider.profile(), Choice::Alice).await.is_ok());
    provider.change(|script| {
        (script.signer, script.keys) = (Signer::Key(&NEXT_RSA), vec![vec![NEXT_RSA.public.clone()]]);
    });
    assert!(log_in(&provider.profile(), Choice::Alice).await.is_ok());
    assert_eq!(provider.asked(), [2, 2, 2, 2, 2]);
}

#[tokio::test]
async fn a_response_of_another_issuer_goes_no_further() {
    fn issuer(script: &mut Script, issuer: Option<&'static str>) {
        script.callback = Box::new(move |parameters| {
            parameters.retain(|(name, _)| name != "iss");
            parameters.extend(issuer.map(|issuer| ("iss".to_owned(), issuer.to_owned())));
        });
    }
    let not_exchanged = || Rejected("answer came from", [1, 1, 1, 0, 0]);
    play(&[
        case("another iss", |s| issuer(s, Some("https://evil.example/")), not_exchanged()),
        case("no iss, though promised", |s| issuer(s, None), not_exchanged()),
        case("an empty iss", |s| issuer(s, Some("")), not_exchanged()),
        case(
            "no iss, and none promised",
            |s| {
                issuer(s, None);
                s.discovery = bend(|m| without(m, "authorization_response_iss_parameter_supported"));
            },
            Accepted,
        ),
        case(
            "another iss, though none was promised",
            |s| {
                issuer(s, Some("https://evil.example/"));
                s.discovery = bend(|m| without(m, "authorization_response_iss_parameter_supported"));
            },
            not_exchanged(),
        ),
        case(
            "an error of another iss is no denial",
            |s| {
                s.callback = Box::new(|parameters| {
                    parameters.retain(|(name, _)| name == "state");
                    parameters.push(("error".to_owned(), "access_denied".to_owned()));
                    parameters.push(("iss".to_owned(), "https://evil.example/".to_owned()));
                });
            },
            not_exchanged(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_token_endpoint_is_believed_within_reason() {
    fn refuse(script: &mut Script, status: u16, body: &'static str) {
        script.instead("/tokens", move || server::answer(status, ("content-type", "application/json"), body));
    }
    play(&[
        case("token_type in any case", |s| s.tokens = bend(|t| t["token_type"] = json!("bEARER")), Accepted),
        case("no expires_in", |s| s.tokens = bend(|t| without(t, "expires_in")), Accepted),
        case("unknown members", |s| s.tokens = bend(|t| t["session_state"] = json!({ "a": [1] })), Accepted),
        case("no refresh token", |s| s.tokens = bend(|t| without(t, "refresh_token")), Accepted),
        case(
            "token_type mac",
            |s| s.tokens = bend(|t| t["token_type"] = json!("mac")),
            rejected("token_type is mac"),
        ),
        case("no token_type", |s| s.tokens = bend(|t| without(t, "token_type")), rejected("no tokens")),
        case("no access token", |s| s.tokens = bend(|t| without(t, "access_token")), rejected("no tokens")),
        case(
            "an empty access token",
            |s| {
                claims(s, |c| without(c, "at_hash"));
                s.tokens = bend(|t| t["access_token"] = json!(""));
            },
            rejected("access_token is empty"),
        ),
        case(
            "200 with an error",
            |s| refuse(s, 200, r#"{"error":"invalid_grant"}"#),
            rejected("invalid_grant"),
        ),
        case(
            "an error with 403",
            |s| refuse(s, 403, r#"{"error":"invalid_grant","error_description":"no"}"#),
            rejected("invalid_grant (no)"),
        ),
        case(
            "an error as code and description",
            |s| refuse(s, 401, r#"{"code":"c","description":"d"}"#),
            rejected("c (d)"),
        ),
        case("an empty error", |s| refuse(s, 401, ""), rejected("")),
        case("HTML", |s| refuse(s, 502, "<html>Bad Gateway"), rejected("502 Bad Gateway")),
        case("HTML with 200", |s| refuse(s, 200, "<html>Hotel Wi-Fi"), rejected("no tokens")),
        case("500", |s| refuse(s, 500, "{}"), rejected("500 Internal")),
        case(
            "broken off",
            |s| s.instead("/tokens", || server::broken("{")),
            rejected("before its answer was whole"),
        ),
        case(
            "a redirect here",
            |s| s.instead("/tokens", || server::answer(307, ("location", "/who"), "")),
            rejected(""),
        ),
        case(
            "10 MB",
            |s| s.instead("/tokens", || server::answer(200, ("x", "y"), "x".repeat(10 << 20))),
            rejected("more than 1024 KB"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_code_is_never_sent_where_the_token_endpoint_redirects_to() {
    for status in [307, 308] {
        let elsewhere = Server::start(async |_| server::json(200, &json!({}))).await;
        let to = elsewhere.at("/tokens");
        let provider = Provider::start(|script| {
            script.instead("/tokens", move || server::answer(status, ("location", &to), ""));
        })
        .await;
        assert!(log_in(&provider.profile(), Choice::Alice).await.is_err());
        assert_eq!(elsewhere.seen().len(), 0);
        assert_eq!(provider.asked(), [1, 1, 1, 1, 0]);
    }
}

#[tokio::test]
async fn the_scopes_that_were_granted_are_recorded() {
    let asked = ["openid", "profile", "offline_access", "read:messages"];
    for (scope, granted) in [
        (None, &asked[..]),
        (Some("openid profile"), &["openid", "profile"]),
        (
            Some("openid profile offline_access read:messages admin"),
            &["openid", "profile", "offline_access", "read:messages", "admin"],
        ),
    ] {
        let provider = Provider::start(|script| {
            script.tokens = bend(move |tokens| {
                if let Some(scope) = scope {
                    tokens["scope"] = json!(scope);
                }
            });
        })
        .await;
        let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
        assert_eq!(
            (session.asked, session.granted),
            (asked.map(str::to_owned).into(), granted.iter().map(ToString::to_string).collect())
        );
    }
}

#[tokio::test]
async fn user_info_of_the_same_person_completes_the_id_token() {
    for (what, change, name) in [
        ("as it should be", (|_| {}) as fn(&mut Value), "Alice of user info"),
        (
            "Auth0's types",
            |claims| {
                claims["updated_at"] = json!("2026-01-01T00:00:00.000Z");
                claims["email_verified"] = json!("true");
            },
            "Alice of user info",
        ),
        ("another sub", |claims| claims["sub"] = json!("mallory"), "Alice of the token"),
        ("no sub", |claims| without(claims, "sub"), "Alice of the token"),
        ("no JSON object", |claims| *claims = json!([]), "Alice of the token"),
    ] {
        let provider = Provider::start(|script| script.user_info = bend(change)).await;
        let open = browser::scripted(Choice::Alice);
        let (outcome, steps) = log_in_with(&provider.profile(), open, DEADLINE).await;
        assert_eq!(outcome.unwrap().user.name.as_deref(), Some(name), "{what}");
        let discarded = steps.iter().any(|step| matches!(step, Step::NoUserInfo(_)));
        assert_eq!(discarded, name == "Alice of the token", "{what}");
    }
}

#[tokio::test]
async fn a_login_goes_on_without_user_info() {
    for answer in [
        (|| server::json(500, &json!({}))) as fn() -> _,
        || server::broken("{"),
        || server::answer(302, ("location", "/"), ""),
    ] {
        let provider = Provider::start(|script| script.instead("/who", answer)).await;
        let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
        assert_eq!(session.user.name.as_deref(), Some("Alice of the token"));
    }
    let none =
        Provider::start(|script| script.discovery = bend(|metadata| without(metadata, "userinfo_endpoint")))
            .await;
    assert!(log_in(&none.profile(), Choice::Alice).await.is_ok());
}

// ---- staying in ----

#[tokio::test]
async fn a_renewed_session_has_new_tokens_and_the_old_refresh_token_is_dead() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile, Choice::Alice).await.unwrap();
    let renewed = session.renewed(&http(), &|_| {}).await.unwrap();
    assert_ne!(renewed.access_token, session.access_token);
    assert_ne!(renewed.refresh_token, session.refresh_token);
    assert_eq!((&renewed.user, &renewed.granted), (&session.user, &session.granted));
    assert!(renewed.expires_at >= session.expires_at);
    let again = renewed.renewed(&http(), &|_| {}).await.unwrap();
    assert_ne!(again.refresh_token, renewed.refresh_token);
    let error = session.renewed(&http(), &|_| {}).await.unwrap_err();
    assert!(
        matches!(&error, RenewalError::Token(TokenError::Refused { error, .. }) if error == "invalid_grant")
    );
    assert!(error.is_final());
}

#[tokio::test]
async fn a_renewal_keeps_what_the_answer_leaves_out() {
    let provider = Provider::start(|_| {}).await;
    let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
    provider.change(|script| {
        script.tokens = bend(|tokens| {
            without(tokens, "refresh_token");
            without(tokens, "id_token");
            without(tokens, "expires_in");
        });
    });
    let renewed = session.renewed(&http(), &|_| {}).await.unwrap();
    assert_eq!(renewed.access_token.expose(), "access-token-2");
    assert_eq!((&renewed.refresh_token, &renewed.id_token), (&session.refresh_token, &session.id_token));
    assert_eq!((&renewed.user, &renewed.granted), (&session.user, &session.granted));
    assert_eq!(renewed.expires_at, None);
}

#[tokio::test]
async fn a_renewal_with_somebody_elses_id_token_is_rejected() {
    let provider = Provider::start(|_| {}).await;
    let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
    let before = session.clone();
    for (what, change, says) in [
        ("another sub", (|c| c["sub"] = json!("mallory")) as fn(&mut Value), "somebody else"),
        ("another iss", |c| c["iss"] = json!("https://evil.example/"), "iss"),
        ("another aud", |c| c["aud"] = json!("another"), "aud"),
    ] {
        provider.change(|script| {
            script.claims = bend(change);
            script.tokens = bend(|tokens| tokens["refresh_token"] = json!("refresh-token-1"));
        });
        // Each of them is renewed from the same refresh token.
        provider.rewind(1);
        let error = session.renewed(&http(), &|_| {}).await.unwrap_err();
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert!(!error.is_final(), "{what}");
        assert_eq!(session, before);
    }
}

#[tokio::test]
async fn without_a_refresh_token_nothing_is_asked() {
    let provider =
        Provider::start(|script| script.tokens = bend(|tokens| without(tokens, "refresh_token"))).await;
    let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
    assert_eq!(session.renewed(&http(), &|_| {}).await, Err(RenewalError::NoRefreshToken));
    assert_eq!(provider.asked(), [1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_provider_in_trouble_does_not_end_the_session() {
    let provider = Provider::start(|_| {}).await;
    let session = log_in(&provider.profile(), Choice::Alice).await.unwrap();
    for status in [429, 500, 503] {
        provider.change(|script| script.instead("/tokens", move || server::answer(status, ("x", "y"), "")));
        let before = provider.asked()[3];
        let error = session.renewed(&http(), &|_| {}).await.unwrap_err();
        assert!(!error.is_final(), "{status}: {error}");
        assert_eq!(provider.asked()[3], before + 1, "{status}: asked once");
    }
    drop(provider);
    assert!(!session.renewed(&http(), &|_| {}).await.unwrap_err().is_final());
}
