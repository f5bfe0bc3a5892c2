//! Calling an API: the demo's, and APIs that refuse, redirect, break off, or send what nobody asked for. And that no
//! secret is told to anyone but its addressee.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::Response as Answer;
use hallpass::api::arrival::Arrival;
use hallpass::api::request::Draft;
use hallpass::api::response::Cut;
use hallpass::api::response::Response;
use hallpass::api::{self, CallError};
use hallpass::auth::log_out;
use hallpass::auth::login::{Attempt, LoginError, OpenBrowser};
use hallpass::auth::provider::Provider as Discovered;
use hallpass::auth::session::{Session, StepUp};
use hallpass::auth::tokens;
use hallpass::body::{Kind, View};
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::explain::{self, Caller, Remedy};
use hallpass::http::{Http, NoAnswer};
use hallpass::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::browser;
use support::provider::{Provider, bend, value};
use support::server::{self, Seen, Server};
use support::{DEADLINE, demo, until, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn http() -> Http {
    Http::new(|_| {})
}

fn token() -> Secret {
    Secret::new("the-token")
}

fn draft(method: &str, url: &str) -> Draft {
    Draft { method: method.to_owned(), url: url.to_owned(), ..Draft::default() }
}

/// A profile that says nothing about drafts with whole URLs.
fn any_profile() -> Profile {
    let api = "http://127.0.0.1:1/".parse().unwrap();
    Profile::demo("http://127.0.0.1:1/", "client", "audience", &api)
}

fn caller<'a>(profile: &'a Profile, session: Option<&'a Session>) -> Caller<'a> {
    Caller { profile, session, expired: false, now: Timestamp::now(), clock_ahead: SignedDuration::ZERO }
}

async fn call(draft: Draft, token: Option<&Secret>) -> Result<Response, CallError> {
    within(api::call(draft.check(&any_profile()).unwrap(), token, &http(), |_| ())).await
}

async fn get(url: &str) -> Result<Response, CallError> {
    call(draft("GET", url), Some(&token())).await
}

/// Calls an API that answers everything with `answer`.
async fn answered(answer: impl Fn() -> Answer + Clone + Send + Sync + 'static) -> Response {
    let api = Server::start(move |_| {
        let answer = answer();
        async move { answer }
    })
    .await;
    get(&api.at("/")).await.unwrap()
}

async fn log_in_with(profile: &Profile, open: OpenBrowser, http: &Http) -> Result<Session, LoginError> {
    let attempt =
        Attempt { profile, step_up: &StepUp::default(), http, open, report: &|_| {}, patience: DEADLINE };
    Box::pin(attempt.run()).await
}

async fn log_in(profile: &Profile, choice: Choice) -> Session {
    log_in_with(profile, browser::scripted(choice), &http()).await.unwrap()
}

// ---- the demo API ----

#[tokio::test]
async fn alice_may_call_everything() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile, Choice::Alice).await;
    for ready in &profile.requests[..3] {
        let response = call(Draft::ready(ready, &profile), Some(&session.access_token)).await.unwrap();
        assert_eq!(response.status_line(), "200 OK", "{}", ready.name);
        assert!(response.with_token && response.refusal.is_none());
        assert_eq!(response.progress.kind, Kind::Json);
        assert!(response.beginning.expose().contains("Hello from a p"), "{response:?}");
        assert_eq!(explain::response(&response, &caller(&profile, Some(&session))), None);
    }
}

#[tokio::test]
async fn without_a_token_only_the_public_endpoint_answers() {
    let (_demo, profile, _home) = demo().await;
    let mut lines = Vec::new();
    for ready in &profile.requests[..3] {
        let response = call(Draft::ready(ready, &profile), None).await.unwrap();
        lines.push(response.status_line());
        if response.status == 401 {
            let why = explain::response(&response, &caller(&any_profile(), None)).unwrap();
            assert_eq!(why.headline, "The API wants to know who you are");
            assert_eq!(why.remedy, Some(Remedy::LogIn));
        }
    }
    assert_eq!(lines, ["200 OK", "401 Unauthorized", "401 Unauthorized"]);
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_with_the_apis_reason() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile, Choice::Alice).await;
    let private = Draft::ready(&profile.requests[1], &profile);
    let response = call(private, Some(&token())).await.unwrap();
    assert_eq!(response.status, 401);
    let refusal = response.refusal.clone().unwrap();
    assert_eq!(refusal.error.as_deref(), Some("invalid_token"));
    assert_eq!(refusal.description.as_deref(), Some("The token is not a JWT"));
    let why = explain::response(&response, &caller(&profile, Some(&session))).unwrap();
    assert_eq!(why.headline, "The API did not accept your token");
}

#[tokio::test]
async fn bob_is_told_which_scope_he_lacks() {
    let (_demo, profile, _home) = demo().await;
    let session = log_in(&profile, Choice::Bob).await;
    let scoped = Draft::ready(&profile.requests[2], &profile);
    let response = call(scoped, Some(&session.access_token)).await.unwrap();
    assert_eq!(response.status_line(), "403 Forbidden");
    assert_eq!(response.refusal.as_ref().unwrap().scopes, ["read:messages"]);
    let why = explain::response(&response, &caller(&profile, Some(&session))).unwrap();
    assert_eq!(why.headline, "Your token lacks the scope read:messages");
    assert!(why.cause.contains("did not grant"), "{}", why.cause);
}

// ---- where there is no answer ----

#[tokio::test]
async fn an_api_that_is_not_there_is_explained() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&format!("http://{gone}/")).await.unwrap_err();
    assert!(matches!(&error, CallError::NoAnswer(error) if error.why == NoAnswer::Refused));
    let why = explain::no_response(&error, None);
    assert_eq!(why.headline, format!("Nothing listens at {gone}"));
    assert_eq!(why.remedy, Some(Remedy::CallAgain));
}

#[tokio::test]
async fn an_api_that_dribbles_is_given_up_after_a_while() {
    let api = Server::start(async |_| server::endless("{")).await;
    let url = api.at("/");
    let calling = tokio::spawn(async move { get_patiently(&url).await });
    until(|| api.seen().len() == 1).await;
    // The clock runs ahead from here on, as nothing else is awaited.
    tokio::time::pause();
    let response = calling.await.unwrap().unwrap();
    let Some(Cut::BrokeOff(error)) = response.cut else { panic!("{:?}", response.cut) };
    assert!(error.to_string().contains("said nothing more for 5 minutes"), "{error}");
}

/// Without a deadline of the test's own.
async fn get_patiently(url: &str) -> Result<Response, CallError> {
    api::call(draft("GET", url).check(&any_profile()).unwrap(), Some(&token()), &http(), |_| ()).await
}

#[tokio::test]
async fn a_call_that_is_dropped_hangs_up() {
    struct HungUp(Arc<Mutex<bool>>);
    impl Drop for HungUp {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let hung_up = Arc::new(Mutex::new(false));
    let told = Arc::clone(&hung_up);
    let api = Server::start(move |_| {
        let waits = HungUp(Arc::clone(&told));
        async move {
            let _waits = waits;
            std::future::pending().await
        }
    })
    .await;
    let url = api.at("/");
    let calling = tokio::spawn(async move { get(&url).await });
    until(|| api.seen().len() == 1).await;
    calling.abort();
    until(|| *hung_up.lock().unwrap()).await;
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_goes_nowhere() {
    let api = Server::start(async |_| server::json(200, &json!({}))).await;
    for token in ["a\r\nx-evil: 1", "a\nb", "a\0b"] {
        let outcome = call(draft("GET", &api.at("/")), Some(&Secret::new(token))).await;
        assert_eq!(outcome.unwrap_err(), CallError::UnfitToken);
    }
    assert_eq!(api.seen().len(), 0);
}

// ---- what is sent ----

#[tokio::test]
async fn the_request_arrives_as_it_was_written() {
    let api = Server::start(async |_| server::json(200, &json!({}))).await;
    let written = Draft {
        headers: "Content-Type: application/json\nX-One: 1\nX-One: 2".to_owned(),
        body: "{\"ü\":1}".to_owned(),
        ..draft("PATCH", &api.at("/a%20b?q=%26&q=2"))
    };
    call(written, Some(&token())).await.unwrap();
    let [seen] = api.seen().try_into().unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.body.as_str()),
        ("PATCH", "/a%20b", "{\"ü\":1}")
    );
    assert_eq!(seen.query, [("q", "&"), ("q", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(seen.header("authorization"), Some("Bearer the-token"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.headers.get_all("x-one").iter().count(), 2);
}

#[tokio::test]
async fn the_persons_own_authorization_wins() {
    let api = Server::start(async |_| server::json(200, &json!({}))).await;
    let own = Draft { headers: "authorization: Basic eA==".to_owned(), ..draft("GET", &api.at("/")) };
    call(own, Some(&token())).await.unwrap();
    let seen = api.seen();
    let sent: Vec<_> = seen[0].headers.get_all("authorization").iter().collect();
    assert_eq!(sent, ["Basic eA=="]);
}

// ---- redirects ----

/// An API whose `/from` redirects with this status to `to`; elsewhere it answers 200.
async fn redirecting(status: u16, to: &str) -> Server {
    let to = to.to_owned();
    Server::start(move |seen: Seen| {
        let to = to.clone();
        async move {
            if seen.path == "/from" {
                server::answer(status, ("location", &to), "")
            } else {
                server::json(200, &json!({}))
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_token_does_not_follow_a_redirect_to_another_origin() {
    let elsewhere = Server::start(async |_| server::json(200, &json!({}))).await;
    for status in [301, 302, 303, 307, 308] {
        let api = redirecting(status, &elsewhere.at("/to")).await;
        let response = get(&api.at("/from")).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.elsewhere.as_ref().unwrap().as_str(), elsewhere.at("/to"));
        let why = explain::response(&response, &caller(&any_profile(), None)).unwrap();
        assert_eq!(why.remedy, Some(Remedy::UseUrl(elsewhere.at("/to"))));
        assert_eq!(api.seen().len(), 1);
    }
    assert_eq!(elsewhere.seen().len(), 0);
    // The same port under another name is another origin, and so is another scheme.
    for to in
        ["http://localhost:PORT/to", "https://127.0.0.1:PORT/to", "file:///etc/passwd", "//example.com/to"]
    {
        let api = redirecting(302, "/").await;
        let to = to.replace("PORT", &api.url.port().unwrap().to_string());
        let api = redirecting(302, &to).await;
        assert!(get(&api.at("/from")).await.unwrap().elsewhere.is_some(), "{to}");
        assert_eq!(api.seen().len(), 1, "{to}");
    }
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_the_token() {
    for (status, method, then) in [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ] {
        let api = redirecting(status, "/to?x=1").await;
        let written = Draft { body: "the body".to_owned(), ..draft(method, &api.at("/from")) };
        let response = call(written, Some(&token())).await.unwrap();
        assert_eq!((response.status.as_u16(), &response.elsewhere), (200, &None));
        let [_, seen] = api.seen().try_into().unwrap();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), (then, "/to"), "{status} {method}");
        assert_eq!(seen.header("authorization"), Some("Bearer the-token"));
        assert_eq!(seen.body.is_empty(), then != method, "{status} {method}");
    }
}

#[tokio::test]
async fn a_redirect_in_circles_ends() {
    let api = redirecting(302, "/from").await;
    let error = get(&api.at("/from")).await.unwrap_err();
    assert!(matches!(error, CallError::RedirectsWithoutEnd(_)));
    assert_eq!(api.seen().len(), 11);
}

#[tokio::test]
async fn a_redirect_without_a_place_to_go_is_an_answer() {
    let response = answered(|| server::answer(302, ("x", "y"), "")).await;
    assert_eq!((response.status.as_u16(), response.elsewhere), (302, None));
}

// ---- bodies ----

#[tokio::test]
async fn a_body_without_an_end_is_shown_as_it_comes_for_as_long_as_somebody_waits() {
    let api = Server::start(async |_| {
        server::answer(200, ("content-type", "application/octet-stream"), Body::new(Zeros))
    })
    .await;
    let (told, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let tell = move |arrival| told.send(arrival).unwrap();
    let request = draft("GET", &api.at("/")).check(&any_profile()).unwrap();
    let calling = tokio::spawn(async move { api::call(request, None, &http(), tell).await });
    let Some(Arrival::Answered(response)) = within(arrivals.recv()).await else { panic!("no beginning") };
    assert_eq!((response.status.as_u16(), response.progress.kind), (200, Kind::Binary));
    assert!(!response.progress.is_over && !response.rows.is_empty());
    let mut bytes = response.progress.bytes;
    while bytes < 64 << 20 {
        let Some(Arrival::Grew(progress)) = within(arrivals.recv()).await else { panic!("no more") };
        assert!(progress.bytes > bytes);
        bytes = progress.bytes;
    }
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    within(async { while arrivals.recv().await.is_some() {} }).await;
    // What came can still be read.
    let row = &response.body.rows(View::Hex, (bytes >> 4) - 1..bytes >> 4).unwrap()[0];
    assert!(row.text.contains("00 00 00"), "{row:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_shows_what_came_and_why_it_is_not_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let said =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a\": [1,";
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        stream.write_all(said.as_bytes()).await.unwrap();
    });
    let response = get(&url).await.unwrap();
    let Some(Cut::BrokeOff(error)) = &response.cut else { panic!("{:?}", response.cut) };
    assert_eq!((&error.why, response.status_line()), (&NoAnswer::Reset, "200 OK".to_owned()));
    let profile = any_profile();
    let why = explain::response(&response, &caller(&profile, None)).unwrap();
    assert!(why.headline.ends_with("broke off") && why.remedy == Some(Remedy::CallAgain), "{why:?}");
    let rows: Vec<_> = response.rows.iter().map(|row| &*row.text).collect();
    assert_eq!(rows, ["{", "  \"a\": [", "    1,"]);
}

/// Megabytes without end.
struct Zeros;

impl hyper::body::Body for Zeros {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, Self::Error>>> {
        static MEGABYTE: [u8; 1 << 20] = [0; 1 << 20];
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(bytes::Bytes::from_static(&MEGABYTE)))))
    }
}

#[tokio::test]
async fn bodies_are_decoded_as_they_say() {
    // {"a":[1,2]}
    const GZIPPED: [u8; 31] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 138, 54, 212, 49, 138, 173, 5, 0, 132, 219,
        214, 23, 11, 0, 0, 0,
    ];
    let zipped = answered(|| {
        let mut answer = server::answer(200, ("content-encoding", "gzip"), GZIPPED.to_vec());
        answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
        answer
    })
    .await;
    assert_eq!((zipped.progress.bytes, zipped.progress.kind), (11, Kind::Json));

    for (content_type, bytes, text) in [
        ("text/plain; charset=iso-8859-1", &b"Gr\xfc\xdfe"[..], "Grüße\n"),
        ("text/plain; charset=\"UTF-8\"", "Grüße".as_bytes(), "Grüße\n"),
        ("text/plain; charset=nonsense", "Grüße".as_bytes(), "Grüße\n"),
        ("text/plain; charset=utf-8", b"Gr\xfc\xdfe", "Gr\u{fffd}\u{fffd}e\n"),
        ("text/plain", b"a\x1b[2Jb", "a\u{fffd}[2Jb\n"),
    ] {
        let response =
            answered(move || server::answer(200, ("content-type", content_type), bytes.to_vec())).await;
        let rows: String = response.rows.iter().flat_map(|row| [&row.text, "\n"]).collect();
        assert_eq!(rows, text, "{content_type}");
    }
    let no_json = answered(|| server::answer(200, ("content-type", "application/json"), "{\"a\":")).await;
    assert_eq!(no_json.progress.flaw.unwrap().at, 5);
    let empty = answered(|| server::answer(204, ("x", "y"), "")).await;
    assert_eq!((empty.status_line(), empty.progress.kind), ("204 No Content".to_owned(), Kind::Empty));
    let picture = answered(|| server::answer(200, ("content-type", "image/png"), "\0")).await;
    assert_eq!(picture.progress.kind, Kind::Binary);
}

#[tokio::test]
async fn what_is_said_to_be_gzip_and_is_not_is_explained() {
    let api = Server::start(async |_| server::answer(200, ("content-encoding", "gzip"), "not gzip")).await;
    let response = get(&api.at("/")).await.unwrap();
    let Some(Cut::BrokeOff(error)) = response.cut else { panic!("{:?}", response.cut) };
    assert!(error.to_string().contains("could not be asked"), "{error}");
}

// ---- proxies ----

/// Windows and macOS open a window wherever they are.
#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test]
async fn a_proxy_is_never_asked_for_what_is_on_this_computer() {
    let home = tempfile::tempdir().unwrap();
    let proxy = Server::start(async |_| server::json(502, &json!({}))).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.kill_on_drop(true).env_clear().env("HOME", home.path());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.url.as_str());
    }
    let output = within(command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("All of it worked"), "{said}");
    assert_eq!(proxy.seen().len(), 0);
}

// ---- leaks ----

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_stands_in_a_log_an_error_or_a_debug_print() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("it is listened to");

    let said = Arc::new(Mutex::new(String::new()));
    let say = |what: &dyn std::fmt::Debug| {
        let mut said = said.lock().unwrap();
        writeln!(said, "{what:?}\n{what:#?}").unwrap();
    };
    let record = Arc::clone(&said);
    let http = Http::new(move |exchange| writeln!(record.lock().unwrap(), "{exchange:?}").unwrap());

    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();
    let report = |step| say(&step);
    let attempt = Attempt {
        profile: &profile,
        step_up: &StepUp::default(),
        http: &http,
        open: browser::scripted(Choice::Alice),
        report: &report,
        patience: DEADLINE,
    };
    let session = Box::pin(attempt.run()).await.unwrap();
    say(&session);

    let api = Server::start(async |_| server::json(401, &json!({ "error": "invalid_token" }))).await;
    let request = draft("GET", &api.at("/?key=query-canary")).check(&any_profile()).unwrap();
    let response = api::call(request, Some(&session.access_token), &http, |_| ()).await.unwrap();
    say(&explain::response(&response, &caller(&profile, Some(&session))));
    let renewed = session.renewed(&http, &|_| {}).await.unwrap();
    say(&renewed);
    let client = Discovered::discover(&profile.issuer, &http).await.unwrap().client(&profile.client_id);
    let issued = tokens::renew(&client, renewed.refresh_token.as_ref().unwrap(), &http).await.unwrap();
    say(&issued);

    for spoil in [
        (|tokens| tokens["token_type"] = json!("mac")) as fn(&mut serde_json::Value),
        |tokens| tokens["token_type"] = json!(null),
        |tokens| tokens["expires_in"] = json!("soon"),
        |tokens| tokens["scope"] = json!(["a"]),
        |tokens| tokens["id_token"] = json!(format!("{}x", tokens["id_token"].as_str().unwrap())),
        |tokens| tokens["id_token"] = json!(tokens["id_token"].as_str().unwrap().replace('.', "")),
        |tokens| tokens["id_token"] = json!([tokens["id_token"]]),
    ] {
        provider.change(|script| script.tokens = bend(spoil));
        let error = log_in_with(&profile, browser::scripted(Choice::Alice), &http).await.unwrap_err();
        say(&error);
        say(&explain::login(&error, &profile, SignedDuration::ZERO));
        said.lock().unwrap().push_str(&error.to_string());
    }
    log_out::revoke(&session, &http).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let said = said.lock().unwrap().clone();
    assert!(log.contains("it is listened to"));
    let mut secrets = vec!["query-canary".to_owned()];
    for seen in provider.server.seen() {
        let query = if seen.path == "/sign-in" { seen.query.clone() } else { Vec::new() };
        for name in ["code", "code_verifier", "refresh_token", "state", "nonce"] {
            secrets.extend(value(&seen.form(), name).map(str::to_owned));
            secrets.extend(value(&query, name).map(str::to_owned));
        }
        secrets.extend(seen.header("authorization").map(|header| header.replace("Bearer ", "")));
    }
    for id_token in [session.id_token.unwrap(), Secret::new(issued.id_token.unwrap().to_string())] {
        secrets.extend(id_token.expose().split('.').skip(1).map(str::to_owned));
    }
    secrets.push(renewed.access_token.expose().to_owned());
    // What the ID token says of the person, and its signature as bytes.
    secrets.push("Alice of the token\"".to_owned());
    secrets.push("signature: [".to_owned());
    assert!(secrets.len() > 20);
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
        let at = said.find(&secret).map(|at| &said[at.saturating_sub(200)..at + 20]);
        assert_eq!(at, None, "{secret} is printed");
    }
}
