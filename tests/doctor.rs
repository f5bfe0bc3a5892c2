//! The doctor: each check passed, failed and skipped, over loopback; and what the terminal says of it.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::response::Response;
use hallpass::config::{Profile, ReadyRequest};
use hallpass::doctor::{Check, Examination, Finding, Outcome, Summary, told};
use hallpass::explain::{Explanation, Remedy};
use hallpass::http::Http;
use hallpass::store::{Memory, Store, Unavailable, Vault};
use serde_json::{Value, json};
use support::keys::RSA;
use support::provider::{Provider, Script, bend};
use support::server::{self, Server};
use support::within;
use tempfile::TempDir;
use tokio::net::TcpListener;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/the-keys";

/// A computer with a keyring, a display and a browser.
struct Computer {
    vault: Arc<Memory>,
    variables: Vec<(&'static str, OsString)>,
    home: TempDir,
}

impl Computer {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("xdg-open"), "").unwrap();
        let variables = vec![("PATH", home.path().as_os_str().to_owned()), ("DISPLAY", ":0".into())];
        Self { vault: Arc::default(), variables, home }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(its, _)| *its != name);
        self.variables.push((name, value.into()));
        self
    }

    async fn examines(&self, profile: &Profile) -> Report {
        self.examines_over(profile, Arc::clone(&self.vault)).await
    }

    async fn examines_over(&self, profile: &Profile, vault: impl Vault) -> Report {
        let told = Mutex::new(Vec::new());
        let examination = Examination {
            profile,
            http: &Http::new(|_| {}),
            store: &Store::over(vault, self.home.path().join("locks")),
            variable: &|name| {
                self.variables.iter().find(|(its, _)| *its == name).map(|(_, value)| value.clone())
            },
            report: &|finding| told.lock().unwrap().push(finding),
        };
        let findings = within(Box::pin(examination.run())).await;
        assert!(findings.iter().map(|finding| finding.check).eq(Check::ALL), "each once, in order");
        assert_eq!(findings, told.into_inner().unwrap(), "what is told is what is found");
        let text = told::all("P", &findings);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        Report(findings)
    }
}

/// What was found.
struct Report(Vec<Finding>);

impl Report {
    fn get(&self, check: Check) -> &Finding {
        self.0.iter().find(|finding| finding.check == check).unwrap()
    }

    fn outcome(&self, check: Check) -> &'static str {
        self.get(check).outcome.name()
    }

    /// The headline of a check that failed.
    fn failed(&self, check: Check) -> &Explanation {
        assert_eq!(self.outcome(check), "failed", "{:?}", self.get(check));
        self.get(check).fix().unwrap()
    }

    /// The headline of a check that warns.
    fn warns(&self, check: Check) -> &Explanation {
        assert_eq!(self.outcome(check), "warning", "{:?}", self.get(check));
        self.get(check).fix().unwrap()
    }

    fn skipped(&self, checks: &[Check]) {
        for &check in checks {
            assert_eq!(self.outcome(check), "skipped", "{:?}", self.get(check));
        }
    }

    fn found(&self, check: Check) -> String {
        self.get(check).found.join("\n")
    }
}

fn values(explanation: &Explanation, label: &str) -> Vec<String> {
    let evidence = explanation.evidence.iter().filter(|evidence| evidence.label == label);
    evidence.flat_map(|evidence| &evidence.values).map(|value| value.text.clone()).collect()
}

async fn with_provider(change: impl FnOnce(&mut Script)) -> (Provider, Report) {
    let provider = Provider::start(change).await;
    let report = Computer::new().examines(&provider.profile()).await;
    (provider, report)
}

const AFTER_DISCOVERY: [Check; 5] =
    [Check::Spelling, Check::Keys, Check::Pkce, Check::Endpoints, Check::Clock];
const API: [Check; 3] = [Check::ApiAddress, Check::ApiReachable, Check::ApiRefusal];

// ---- the whole ----

#[tokio::test]
async fn the_demo_passes_every_check_and_nothing_is_left_behind() {
    let (_demo, profile, _home) = support::demo().await;
    let computer = Computer::new();
    let report = computer.examines(&profile).await;
    for finding in &report.0 {
        assert_eq!(finding.outcome, Outcome::Passed, "{finding:?}");
    }
    assert_eq!(Summary::of(&report.0), Summary { passed: 14, ..Summary::default() });
    assert!(computer.vault.is_empty());
    assert!(report.found(Check::ApiRefusal).contains("GET /api/private is answered 401 Unauthorized"));
}

#[tokio::test]
async fn a_sound_provider_is_asked_for_its_metadata_and_keys_and_for_nothing_else() {
    let (provider, report) = with_provider(|_| {}).await;
    assert_eq!(provider.asked(), [1, 1, 0, 0, 0]);
    assert_eq!(report.found(Check::Keys), "1 key to verify with: RS256");
    report.skipped(&API);
}

// ---- the provider ----

#[tokio::test]
async fn an_issuer_that_is_not_safe_to_ask_is_not_asked() {
    let profile = Profile { issuer: "http://op.example.com/".to_owned(), ..demo_like("http://127.0.0.1:1/") };
    let report = Computer::new().examines(&profile).await;
    assert_eq!(report.failed(Check::Issuer).remedy, Some(Remedy::EditProfile));
    report.skipped(&[Check::Discovery]);
    report.skipped(&AFTER_DISCOVERY);
}

fn demo_like(api: &str) -> Profile {
    let profile = Profile::demo("http://127.0.0.1:1/", "c", "a", &api.parse().unwrap());
    Profile { redirect_ports: vec![0], ..profile }
}

#[tokio::test]
async fn where_nobody_listens_discovery_fails_and_what_needs_it_is_skipped() {
    let report = Computer::new().examines(&demo_like("http://127.0.0.1:1/")).await;
    assert_eq!(report.failed(Check::Discovery).headline, "Nothing listens at 127.0.0.1:1");
    report.skipped(&AFTER_DISCOVERY);
    assert!(report.failed(Check::ApiReachable).headline.contains("127.0.0.1:1"));
    report.skipped(&[Check::ApiRefusal]);
}

#[tokio::test]
async fn another_spelling_of_the_issuer_is_answered_with_the_providers_own() {
    let (provider, report) =
        with_provider(|script| script.issuer = script.issuer.trim_end_matches('/').to_owned()).await;
    let issuer = provider.server.url.to_string();
    let fix = report.failed(Check::Spelling);
    assert_eq!(values(fix, "Your profile says"), [issuer.as_str()]);
    assert_eq!(values(fix, "It calls itself"), [issuer.trim_end_matches('/')]);
    assert_eq!(report.outcome(Check::Keys), "passed", "the rest is examined all the same");
}

/// A provider at this path, among other pages of a web server.
async fn provider_at(path: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("{}{path}", server::url_of(listener.local_addr().unwrap()));
    Server::on(listener, move |seen| {
        let answer = if seen.path == format!("/{path}{DISCOVERY}") {
            server::json(200, &metadata(&issuer))
        } else {
            server::answer(404, ("content-type", "text/html"), "<html>Nothing here</html>")
        };
        async move { answer }
    })
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/a"),
        "token_endpoint": format!("{issuer}/t"),
        "jwks_uri": format!("{issuer}/k"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

#[tokio::test]
async fn a_provider_nearby_is_suggested_where_it_was_found_to_answer() {
    for (there, typed) in
        [("realms/acme", "auth/realms/acme"), ("auth/realms/acme", "realms/acme/"), ("tenant/v2.0", "tenant")]
    {
        let server = provider_at(there).await;
        let profile = Profile { issuer: server.at(typed), ..demo_like("http://127.0.0.1:1/") };
        let report = Computer::new().examines(&profile).await;
        let fix = report.failed(Check::Discovery);
        assert_eq!(values(fix, "Found instead"), [server.at(there)], "{typed}");
        assert_eq!(fix.remedy, Some(Remedy::EditProfile));
    }
}

#[tokio::test]
async fn what_was_not_found_is_not_suggested() {
    // A single-page app answers every path.
    let server = Server::start(|_| async {
        server::answer(200, ("content-type", "text/html"), "<!doctype html><title>\u{1b}[2J</title>")
    })
    .await;
    let profile = Profile { issuer: server.at("realms/acme"), ..demo_like("http://127.0.0.1:1/") };
    let report = Computer::new().examines(&profile).await;
    let fix = report.failed(Check::Discovery);
    assert!(values(fix, "Found")[0].contains("text/html"), "{fix:?}");
    assert!(values(fix, "Found instead").is_empty());
}

#[tokio::test]
async fn a_provider_elsewhere_is_not_suggested_by_its_own_claim() {
    let server = Server::start(|seen| async move {
        if seen.path.starts_with("/realms") {
            return server::json(404, &json!({}));
        }
        server::json(200, &metadata("https://elsewhere.example.com"))
    })
    .await;
    let profile = Profile { issuer: server.at("realms/acme"), ..demo_like("http://127.0.0.1:1/") };
    let report = Computer::new().examines(&profile).await;
    assert!(values(report.failed(Check::Discovery), "Found instead").is_empty());
}

#[tokio::test]
async fn answers_that_are_huge_broken_or_no_metadata_fail_discovery() {
    let answers: [Answer; 4] = [
        || server::answer(200, ("content-type", "application/json"), vec![b' '; 2 << 20]),
        || server::broken("{\"issuer\":"),
        || server::json(200, &json!({ "issuer": 7 })),
        || server::answer(302, ("location", "https://elsewhere.example.com/"), ""),
    ];
    for answer in answers {
        let server = Server::start(move |_| async move { answer() }).await;
        let profile = Profile { issuer: server.url.to_string(), ..demo_like("http://127.0.0.1:1/") };
        let report = Computer::new().examines(&profile).await;
        assert!(!report.failed(Check::Discovery).cause.is_empty());
        report.skipped(&AFTER_DISCOVERY);
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up() {
    let server = Server::start(|_| async { server::endless("{\"issuer\":") }).await;
    let profile = Profile { issuer: server.url.to_string(), api: None, ..demo_like("http://127.0.0.1:1/") };
    let computer = Computer::new();
    let hurried = async {
        support::until(|| server.count(DISCOVERY) == 1).await;
        tokio::time::pause();
    };
    let (report, ()) = tokio::join!(computer.examines(&profile), hurried);
    assert!(report.failed(Check::Discovery).headline.contains("did not answer in time"));
}

#[tokio::test]
async fn keys_that_verify_nothing_fail_and_say_why() {
    let with = |member: &'static str, value: &'static str| {
        let mut key = RSA.public.clone();
        key[member] = json!(value);
        key
    };
    for keys in
        [vec![], vec![with("use", "enc")], vec![with("d", "published")], vec![with("alg", "RSA-OAEP")]]
    {
        let there = keys.len();
        let (_provider, report) = with_provider(|script| script.keys = vec![keys]).await;
        assert_eq!(values(report.failed(Check::Keys), "Keys there"), [there.to_string()]);
    }
    let (_provider, report) = with_provider(|script| {
        script.instead(KEYS, || server::answer(200, ("content-type", "text/html"), "<html>"));
    })
    .await;
    assert_eq!(report.failed(Check::Keys).headline, "The provider's keys could not be had");
    let (_provider, report) =
        with_provider(|script| script.instead(KEYS, || server::json(500, &json!({})))).await;
    assert_eq!(values(report.failed(Check::Keys), "Found"), ["500 Internal Server Error"]);
}

#[tokio::test]
async fn signatures_with_a_shared_secret_only_are_a_failure() {
    let (_provider, report) = with_provider(|script| {
        script.discovery =
            bend(|metadata| metadata["id_token_signing_alg_values_supported"] = json!(["HS256"]));
    })
    .await;
    assert_eq!(values(report.failed(Check::Keys), "It offers"), ["HS256"]);
}

#[tokio::test]
async fn pkce_is_there_or_not_or_not_said() {
    let pkce = |methods: Value| {
        with_provider(move |script| {
            script.discovery =
                bend(move |metadata| metadata["code_challenge_methods_supported"] = methods.clone());
        })
    };
    let (_provider, report) = pkce(json!(["plain", "S256\u{1b}[2J", "S256"])).await;
    assert_eq!(report.outcome(Check::Pkce), "passed");
    let (_provider, report) = pkce(json!(["plain"])).await;
    assert!(report.failed(Check::Pkce).headline.contains("S256"));
    let (_provider, report) = pkce(Value::Null).await;
    assert!(report.warns(Check::Pkce).headline.contains("does not say"));
}

#[tokio::test]
async fn missing_endpoints_cost_what_is_said_and_unsafe_ones_are_not_asked() {
    let (_provider, report) = with_provider(|script| {
        script.discovery = bend(|metadata| {
            for name in ["revocation_endpoint", "end_session_endpoint"] {
                metadata.as_object_mut().unwrap().remove(name);
            }
        });
    })
    .await;
    let fix = report.warns(Check::Endpoints);
    assert_eq!(values(fix, "It names no"), ["revocation_endpoint", "end_session_endpoint"]);
    assert!(fix.cause.contains("revoked") && fix.cause.contains("log-out"), "{fix:?}");

    let (_provider, report) = with_provider(|script| {
        script.discovery = bend(|metadata| {
            metadata.as_object_mut().unwrap().remove("token_endpoint");
        });
    })
    .await;
    assert!(report.failed(Check::Endpoints).cause.contains("token_endpoint"));

    let (provider, report) = with_provider(|script| {
        script.discovery = bend(|metadata| metadata["jwks_uri"] = json!("http://elsewhere.example.com/keys"));
    })
    .await;
    assert!(report.failed(Check::Endpoints).cause.contains("jwks_uri"));
    report.skipped(&[Check::Keys]);
    assert_eq!(provider.asked()[1], 0);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_by_how_much_and_which_way() {
    let dated = |date: &'static str| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = server::url_of(listener.local_addr().unwrap()).to_string();
        let profile = Profile { issuer: issuer.clone(), api: None, ..demo_like("http://127.0.0.1:1/") };
        let _server = Server::on(listener, move |_| {
            let mut answer = server::json(200, &metadata(&issuer));
            answer.headers_mut().insert("date", date.parse().unwrap());
            async move { answer }
        });
        Computer::new().examines(&profile).await
    };
    let report = dated("Sun, 06 Nov 1994 08:49:37 GMT").await;
    assert!(values(report.warns(Check::Clock), "By how much")[0].contains("ahead of"));
    let report = dated("Thu, 06 Nov 2994 08:49:37 GMT").await;
    assert!(values(report.warns(Check::Clock), "By how much")[0].contains("behind"));
    let report = dated("soon").await;
    report.skipped(&[Check::Clock]);
}

// ---- this computer ----

#[tokio::test]
async fn held_ports_are_named_with_who_holds_them() {
    let [held, free] =
        [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let [first, second] = [&held, &free].map(|listener| listener.local_addr().unwrap().port());
    let profile = Profile { redirect_ports: vec![first, second], ..demo_like("http://127.0.0.1:1/") };
    let computer = Computer::new();

    let report = computer.examines(&profile).await;
    let fix = report.failed(Check::CallbackPorts);
    assert_eq!(fix.headline, "No port is free for the way back");
    let tried = values(fix, "Tried");
    assert!(tried.len() == 2 && tried[0].starts_with(&first.to_string()), "{tried:?}");
    if cfg!(target_os = "linux") {
        assert!(tried[0].contains(&format!("({})", std::process::id())), "{tried:?}");
    }

    drop(free);
    let report = computer.examines(&profile).await;
    let fix = report.warns(Check::CallbackPorts);
    assert_eq!(values(fix, "To register"), profile.redirect_uris());
    assert_eq!(fix.remedy, Some(Remedy::CopyUrls(profile.redirect_uris())));
    assert!(report.found(Check::CallbackPorts).contains(&format!("free: {second}")));

    drop(held);
    let report = computer.examines(&profile).await;
    assert_eq!(report.outcome(Check::CallbackPorts), "passed");
    for url in profile.redirect_uris() {
        assert!(report.found(Check::CallbackPorts).contains(&url));
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test]
async fn what_opens_the_browser_is_looked_for() {
    let profile = demo_like("http://127.0.0.1:1/");
    let report = Computer::new().examines(&profile).await;
    assert!(report.found(Check::Browser).starts_with("opened by xdg-open, at /"));
    let report = Computer::new().with("PATH", "/nowhere").examines(&profile).await;
    assert!(values(report.warns(Check::Browser), "Looked for").contains(&"xdg-open".to_owned()));
    let report = Computer::new().with("BROWSER", "/nowhere/firefox %s").examines(&profile).await;
    assert_eq!(values(report.warns(Check::Browser), "BROWSER"), ["/nowhere/firefox"]);
    let report = Computer::new().with("DISPLAY", "").examines(&profile).await;
    assert!(report.warns(Check::Browser).headline.contains("display"));
}

/// A keyring that does what it is told to.
struct Bent {
    get: fn() -> Result<Option<Vec<u8>>, Unavailable>,
    set: fn() -> Result<(), Unavailable>,
}

impl Vault for Bent {
    fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        (self.get)()
    }
    fn set(&self, _: &str, _: &str, _: &[u8]) -> Result<(), Unavailable> {
        (self.set)()
    }
    fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        (self.set)()
    }
}

#[tokio::test]
async fn a_keyring_that_is_absent_locked_or_forgetful_is_a_warning_of_its_own() {
    let profile = demo_like("http://127.0.0.1:1/");
    let absent = Bent { get: || Err(Unavailable::absent()), set: || Err(Unavailable::absent()) };
    let report = Computer::new().examines_over(&profile, absent).await;
    assert_eq!(report.warns(Check::Keyring).headline, "There is no keyring");
    let locked = Bent { get: || Ok(None), set: || Err(Unavailable::locked()) };
    let report = Computer::new().examines_over(&profile, locked).await;
    assert_eq!(report.warns(Check::Keyring).headline, "The keyring is locked");
    let forgetful = Bent { get: || Ok(None), set: || Ok(()) };
    let report = Computer::new().examines_over(&profile, forgetful).await;
    assert!(values(report.warns(Check::Keyring), "It said")[0].contains("something else"));
}

#[tokio::test]
async fn proxies_are_named_without_their_passwords() {
    let profile = demo_like("http://127.0.0.1:1/");
    let report = Computer::new()
        .with("HTTPS_PROXY", "http://me:canary@proxy.example.com:3128")
        .with("no_proxy", "localhost")
        .examines(&profile)
        .await;
    assert_eq!(report.outcome(Check::Proxies), "passed");
    let found = report.found(Check::Proxies);
    assert!(
        found.contains("HTTPS_PROXY is http://proxy.example.com:3128") && !found.contains("canary"),
        "{found}"
    );
    let report = Computer::new().with("https_proxy", "http://").examines(&profile).await;
    assert_eq!(values(report.warns(Check::Proxies), "Variable"), ["https_proxy"]);
}

// ---- the API ----

/// Makes an answer.
type Answer = fn() -> Response;

/// What is found of an API that answers a request for `/secret` with this.
async fn api(answer: Answer) -> (Server, Report) {
    let server = Server::start(move |seen| async move {
        if seen.path == "/secret" { answer() } else { server::json(404, &json!({})) }
    })
    .await;
    let get = |name: &str, method: &str, url: &str| ReadyRequest {
        name: name.to_owned(),
        method: method.to_owned(),
        url: url.to_owned(),
        headers: vec![
            ("X-Key".to_owned(), "canary".to_owned()),
            ("Authorization".to_owned(), "canary".to_owned()),
        ],
        body: None,
    };
    let requests = vec![
        get("Public", "GET", "/open"),
        get("Delete", "DELETE", "/all"),
        get("Secret", "GET", "/secret?q=1"),
    ];
    let profile = Profile { requests, ..demo_like(server.url.as_str()) };
    let report = Computer::new().examines(&profile).await;
    (server, report)
}

#[tokio::test]
async fn only_a_refusal_of_a_call_without_a_token_passes() {
    let cases: [(Answer, &str, &str); 9] = [
        (
            || {
                server::answer(
                    401,
                    ("www-authenticate", "Bearer realm=\"api\""),
                    "eyJhbGciOiJIUzI1NiJ9.e30.x",
                )
            },
            "passed",
            "",
        ),
        (|| server::json(403, &json!({})), "warning", "403 where 401 is meant"),
        (|| server::json(200, &json!({})), "warning", "needs no token"),
        (|| server::json(429, &json!({})), "warning", "left alone"),
        (|| server::json(418, &json!({})), "warning", "otherwise than expected"),
        (|| server::json(404, &json!({})), "failed", "nothing at this address"),
        (|| server::answer(405, ("allow", "POST\t\u{80}"), ""), "failed", "takes no GET"),
        (|| server::json(503, &json!({})), "failed", "out of service"),
        (|| server::answer(302, ("location", "https://login.example.com/"), ""), "failed", "another place"),
    ];
    for (answer, outcome, headline) in cases {
        let (server, report) = api(answer).await;
        let finding = report.get(Check::ApiRefusal);
        assert_eq!(finding.outcome.name(), outcome, "{finding:?}");
        assert!(finding.fix().is_none_or(|fix| fix.headline.contains(headline)), "{finding:?}");
        assert!(!format!("{finding:?}").contains("eyJ"), "what the API says in its body is not told");
        let seen = server.seen();
        assert_eq!(seen.iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(), ["HEAD", "GET"]);
        assert!(
            seen.iter().all(|seen| seen.header("authorization").is_none() && seen.header("x-key").is_none())
        );
    }
}

#[tokio::test]
async fn a_web_page_in_the_place_of_the_api_fails() {
    let (_server, report) =
        api(|| server::answer(200, ("content-type", "text/html; charset=utf-8"), "<html>")).await;
    assert!(report.failed(Check::ApiRefusal).headline.contains("web page"));
}

#[tokio::test]
async fn an_api_on_another_computer_without_tls_is_warned_of() {
    let profile = demo_like("http://0.0.0.0:1/v1");
    let report = Computer::new().examines(&profile).await;
    assert!(report.warns(Check::ApiAddress).headline.contains("without encryption"));
    assert!(report.failed(Check::ApiReachable).headline.contains("0.0.0.0:1"));
    report.skipped(&[Check::ApiRefusal]);
}

#[tokio::test]
async fn an_api_without_a_request_to_try_is_not_called() {
    let server = Server::start(|_| async { server::json(404, &json!({})) }).await;
    let mut profile = demo_like(server.url.as_str());
    profile.requests.truncate(1);
    let report = Computer::new().examines(&profile).await;
    report.skipped(&[Check::ApiRefusal]);
    profile.requests.clear();
    let report = Computer::new().examines(&profile).await;
    report.skipped(&[Check::ApiRefusal]);
    assert!(server.seen().iter().all(|seen| seen.method == "HEAD"));
}

// ---- the terminal ----

fn hallpass(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(arguments).env_clear().env("HOME", home);
    // Without it, Windows has no sockets.
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    command.output().unwrap()
}

#[cfg(unix)]
#[test]
fn the_demo_is_examined_in_the_terminal_and_nothing_fails() {
    let home = tempfile::tempdir().unwrap();
    let output = hallpass(home.path(), &["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for check in Check::ALL {
        assert!(said.contains(check.name()), "{said}");
    }
    assert!(said.lines().any(|line| line.starts_with("✓ Signing keys")), "{said}");
    assert!(said.trim_end().lines().last().unwrap().contains(" passed"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_failure_is_the_exit_code_and_stands_in_the_json() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("profiles.toml");
    std::fs::write(
        &file,
        "[[profile]]\nname = \"Dead\"\nissuer = \"http://127.0.0.1:1/\"\nclient_id = \"c\"\nredirect_ports = [0]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let output = hallpass(home.path(), &["doctor", "--config", file, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&document["schema"], &document["profile"], &document["failed"]),
        (&json!(1), &json!("Dead"), &json!(1))
    );
    let checks = document["checks"].as_array().unwrap();
    let ids: Vec<_> = checks.iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(ids, Check::ALL.map(Check::id));
    let discovery = &checks[1];
    assert_eq!(discovery["outcome"], "failed");
    assert_eq!(discovery["fix"]["headline"], "Nothing listens at 127.0.0.1:1");
    assert_eq!(checks[2]["skipped_because"], "no provider was found");
    // The arguments may stand before the word as well.
    let output = hallpass(home.path(), &["--config", file, "--profile", "Dead", "doctor"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_profile_or_argument_has_an_exit_code_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["doctor", "--profile", "Nobody"][..], &["doctor", "--nonsense"], &["nonsense"]] {
        let output = hallpass(home.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
