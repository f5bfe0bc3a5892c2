//! The thirty failures that people really meet: each brought about for real, and explained in the real window.
//!
//! It runs on a desk like that of `window.rs`, which says what it needs, and on the `openssl` of the system.
//!
//! ```text
//! cargo failures            # says a line for each, and sets what the window says on assets/pictures/failures.png
//! ```
//!
//! What cannot be brought about here: a server that takes a call and never answers it, as an API is waited for for half a
//! minute; it is told like the others (`tests/explain.rs`).
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "in a test a failure is a panic, the far side is met raw, and each row is told"
)]

mod desk;
mod support;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::response::Response;
use desk::{Browser, Certificate, Desk, Keyring, Sheet, Window};
use hallpass::config::Profile;
use hallpass::demo::person::{self, Choice};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::provider::{self, Provider, Signer};
use support::server::{self, Seen, Server};
use tokio::net::TcpSocket;
use url::Url;

/// What is seen of each, by its number less one.
const SEEN: [&str; 30] = [
    "The API says 401, and the token is no JWT",
    "The API says 401, and the token is for another API",
    "The provider spells its issuer otherwise",
    "Nobody comes back from the browser",
    "The provider knows no such API",
    "The person declined",
    "A rule of the provider refused the person",
    "The application is not public",
    "The code is refused",
    "The session has ended",
    "No refresh token came",
    "The API says 403, and names a scope",
    "A scope was asked for, and not granted",
    "The token has expired",
    "The clocks differ",
    "The port for the way back is busy",
    "The browser did not open",
    "Nobody answers",
    "The connection cannot be trusted",
    "The URL has no scheme",
    "The path or the method is wrong",
    "The API was called too often",
    "The API failed",
    "The API redirects elsewhere",
    "A page came in the place of data",
    "The keyring does not keep the session",
    "The issuer is no provider",
    "The ID token is signed with a shared secret",
    "There is no network at a renewal",
    "The provider wants a second factor at a renewal",
];

const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

/// What is asked for at every provider.
const SCOPES: &str = "openid profile email offline_access read:messages";
/// The identifier of the API at a provider of the demo's kind.
const API: &str = "https://api.hallpass.demo";

/// The window explains a failure: its headline, and words of its cause, evidence and remedy. A line of the table says
/// how that was brought about.
async fn explained(window: &Window<'_>, number: usize, by: &str, headline: &str, words: &[&str]) {
    window.wait_for(headline).await;
    for part in words {
        window.wait_for(part).await;
    }
    println!("{number:>2}  {:<52}{by:<75}{headline}", SEEN[number - 1]);
}

/// The same, with a tile on the contact sheet.
async fn shown(
    sheet: &mut Sheet,
    (desk, window): (&Desk, &Window<'_>),
    (number, by): (usize, &str),
    headline: &str,
    words: &[&str],
) {
    explained(window, number, by, headline, words).await;
    sheet.add(desk, window, (number, SEEN[number - 1], by), headline).await;
}

#[tokio::test]
#[ignore = "writes assets/pictures/failures.png: run with `cargo failures`"]
async fn every_failure_is_explained_in_the_window() {
    let mut sheet = Sheet::new();
    at_the_demo(&mut sheet).await;
    with_a_wrong_profile(&mut sheet).await;
    at_a_bent_provider(&mut sheet).await;
    at_an_api(&mut sheet).await;
    on_a_bare_computer(&mut sheet).await;
    assert_eq!(sheet.numbers(), (1..=30).collect::<Vec<_>>());

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures");
    sheet.write(&Desk::with(Keyring::None).await, 3, &folder.join("failures.png"));
}

// ---- the demo, and its faults ----

async fn at_the_demo(sheet: &mut Sheet) {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    let at = (&desk, &window);

    window.click("Log in").await;
    desk.browse(&desk.opened_url().await, "Decline").await;
    shown(
        sheet,
        at,
        (6, "Decline, on the demo's own page"),
        "You were not logged in",
        &["was declined on the provider's page", "User did not authorize the request"],
    )
    .await;
    window.click("Log in").await;
    person::visit(&desk.opened_url().await, Choice::Alice).await.unwrap();
    window.wait("Alice Adams").await;
    window.wait("Kept you logged in").await;

    call(&window, "localhost:8080/secure").await;
    shown(
        sheet,
        at,
        (20, "localhost:8080/secure in the URL field"),
        "This request cannot be sent",
        &["Meant", "http://localhost:8080/secure"],
    )
    .await;
    window.click("Use http://localhost:8080/secure").await;
    window.wait_until_holds("URL", "http://localhost:8080/secure").await;

    call(&window, "/api/privat").await;
    shown(
        sheet,
        at,
        (21, "GET /api/privat, where /api/private is meant"),
        "There is nothing at this address",
        &["is spelled almost like it", "Use http://127.0.0.1:"],
    )
    .await;
    window.choose("Private").await;
    window.click("Method: GET").await;
    window.click("DELETE").await;
    window.wait("Method: DELETE").await;
    window.press("Escape");
    window.click("Call API").await;
    explained(&window, 21, "DELETE /api/private", "This address takes no DELETE", &["It takes", "GET"]).await;
    window.click("Use GET").await;
    window.wait("Method: GET").await;
    window.click("Call API").await;
    window.wait("200 OK").await;

    fault(&window, "API 429").await;
    window.click("Call API").await;
    let headline = "The API wants to be left alone for a while";
    shown(
        sheet,
        at,
        (22, "The demo’s fault “API 429”"),
        headline,
        &["call again in 20 seconds", "Call again in"],
    )
    .await;
    sound(&window, "API 429").await;

    fault(&window, "API 500").await;
    window.click("Call API").await;
    shown(
        sheet,
        at,
        (23, "The demo’s fault “API 500”"),
        "The API failed",
        &["not with your login", "Request id", "Copy the request id"],
    )
    .await;
    sound(&window, "API 500").await;

    fault(&window, "API unreachable").await;
    window.click("Call API").await;
    let by = (18, "The demo’s fault “API unreachable”: its port is closed");
    shown(sheet, at, by, "Nothing listens at 127.0.0.1:", &["No program on this computer", "Call again"])
        .await;
    sound(&window, "API unreachable").await;
    window.click("Call again").await;
    window.wait("200 OK").await;

    fault(&window, "Missing scope").await;
    renew(&window).await;
    let by = (13, "The demo’s fault “Missing scope”, at a renewal");
    shown(
        sheet,
        at,
        by,
        "Asked for, and not granted: read:messages",
        &["Calls that need it will be refused"],
    )
    .await;
    sound(&window, "Missing scope").await;

    fault(&window, "Wrong audience").await;
    renew(&window).await;
    window.click("Call API").await;
    shown(
        sheet,
        at,
        (2, "The demo’s fault “Wrong audience”, at a renewal"),
        "Your token is for another API",
        &["Your token is for", "You asked for", "https://api.hallpass.demo/"],
    )
    .await;
    sound(&window, "Wrong audience").await;

    fault(&window, "Expired token").await;
    renew(&window).await;
    window.click("Call API").await;
    let headline = "Your token has expired";
    shown(
        sheet,
        at,
        (14, "The demo’s fault “Expired token”, at a renewal"),
        headline,
        &["time is over", "Renew the token"],
    )
    .await;
    sound(&window, "Expired token").await;
    // It is renewed by itself, once, and the call is repeated.
    clear(&window).await;
    window.click("Call API").await;
    window.wait("Renewed the token").await;
    window.wait("200 OK").await;

    fault(&window, "Clock skew").await;
    renew(&window).await;
    explained(
        &window,
        15,
        "The demo’s fault “Clock skew”",
        "This computer's clock is 60 min behind the provider's or the API's",
        &[],
    )
    .await;
    sound(&window, "Clock skew").await;

    fault(&window, "Reuse detected").await;
    window.click("Renew").await;
    let headline = "Your session was ended: a refresh token was used twice";
    shown(
        sheet,
        at,
        (10, "The demo’s fault “Reuse detected”, at a renewal"),
        headline,
        &["theft", "Log in again"],
    )
    .await;
}

/// Types a URL, and calls it.
async fn call(window: &Window<'_>, url: &str) {
    window.tab_to("URL").await;
    window.type_over(url);
    window.wait_until_holds("URL", url).await;
    window.press("Return");
}

/// Empties the timeline, so that what comes is new.
async fn clear(window: &Window<'_>) {
    window.click("Clear").await;
    window.wait_for("Nothing yet. Every step").await;
}

/// Renews the token on purpose.
async fn renew(window: &Window<'_>) {
    clear(window).await;
    window.click("Renew").await;
    window.wait("Renewed the token").await;
    window.wait("Kept you logged in").await;
}

/// Turns a fault on.
async fn fault(window: &Window<'_>, title: &str) {
    window.click("Faults").await;
    window.click(title).await;
    window.wait(&on(title)).await;
}

/// Turns it off.
async fn sound(window: &Window<'_>, title: &str) {
    window.click(&on(title)).await;
    window.click("None").await;
    window.wait("Faults").await;
}

/// The name of the menu while this fault is on.
fn on(title: &str) -> String {
    let amid = if title.starts_with("API") { title.to_owned() } else { title.to_lowercase() };
    format!("Fault: {amid}")
}

// ---- a provider that is all right, and a profile that does not fit it ----

async fn with_a_wrong_profile(sheet: &mut Sheet) {
    let (demo, profile, _home) = support::demo().await;
    let desk = Desk::set_up().await;
    let fits = |name: &str| {
        vec![
            ("HALLPASS_NAME", name.to_owned()),
            ("HALLPASS_ISSUER", profile.issuer.clone()),
            ("HALLPASS_CLIENT_ID", profile.client_id.clone()),
            ("HALLPASS_AUDIENCE", API.to_owned()),
            ("HALLPASS_SCOPES", SCOPES.to_owned()),
            ("HALLPASS_REDIRECT_PORTS", "0".to_owned()),
            ("HALLPASS_API", demo.api.to_string()),
            ("HALLPASS_REQUESTS", "Messages=GET /api/private-scoped".to_owned()),
        ]
    };
    // The last value of a name counts.
    let but = |name: &str, variable: &'static str, value: &str| {
        let mut variables = fits(name);
        variables.push((variable, value.to_owned()));
        variables
    };

    unregistered_callback(sheet, &desk, &but("Acme", "HALLPASS_REDIRECT_PATH", "/come-back")).await;

    let window = desk.open_with(&but("Acme", "HALLPASS_AUDIENCE", "https://api.acme.example")).await;
    log_in(&desk, &window).await;
    let by = (5, "A profile with an audience that nobody registered");
    shown(
        sheet,
        (&desk, &window),
        by,
        "The provider does not know this API",
        &["Register it, or correct the audience", "Service not found: https://api.acme.example"],
    )
    .await;
    drop(window);

    let holder = desk.tls(Certificate::Sound);
    let port = Url::parse(&holder.url).unwrap().port().unwrap().to_string();
    let window = desk.open_with(&but("Acme", "HALLPASS_REDIRECT_PORTS", &port)).await;
    window.click("Log in").await;
    let by = (16, "A profile with one redirect port, which another program holds");
    shown(
        sheet,
        (&desk, &window),
        by,
        "No port is free for the way back",
        &["give the profile another port", &format!("{port}: in use by openssl")],
    )
    .await;
    drop(window);
    let window = desk.open_with(&but("Acme", "HALLPASS_REDIRECT_PORTS", &format!("{port}, 0"))).await;
    window.click("Log in").await;
    let link = desk.opened_url().await;
    assert!(!link.contains(&format!("%3A{port}%2F")), "the next port is tried: {link}");
    drop((window, holder));

    let window = desk.open_with(&but("Acme", "PATH", "/nowhere")).await;
    window.click("Log in").await;
    let by = (17, "Started where no program opens a browser");
    let words = ["Copy the login link", "none of these programs is there: xdg-open", "Copy login link"];
    shown(sheet, (&desk, &window), by, "Your browser did not open", &words).await;
    drop(window);

    let variables = but("Slash", "HALLPASS_ISSUER", profile.issuer.trim_end_matches('/'));
    issuer_without_its_slash(sheet, &desk, &variables, &profile.issuer).await;
    code_of_another_login(sheet, &desk, &fits("Acme"), &profile).await;
    scope_not_asked_for(
        sheet,
        &desk,
        &but("Fewer", "HALLPASS_SCOPES", "openid profile email offline_access"),
    )
    .await;
    no_audience(sheet, &desk, &but("Shop", "HALLPASS_AUDIENCE", "")).await;
}

/// Logs in as Alice, without a look at the pages.
async fn log_in(desk: &Desk, window: &Window<'_>) -> person::Visit {
    window.click("Log in").await;
    person::visit(&desk.opened_url().await, Choice::Alice).await.unwrap()
}

/// Used as the provider spells it, the issuer is right.
async fn issuer_without_its_slash(
    sheet: &mut Sheet,
    desk: &Desk,
    variables: &[(&str, String)],
    issuer: &str,
) {
    let window = desk.open_with(variables).await;
    window.click("Log in").await;
    let by = (3, "A profile whose issuer lacks the slash at its end");
    let headline = "The issuer is not spelled as the provider spells it";
    shown(sheet, (desk, &window), by, headline, &["a slash at the end", "It calls itself"]).await;
    window.click(&format!("Use the issuer {issuer}")).await;
    window.wait_until_holds("Issuer", issuer).await;
    window.click("Save and log in").await;
    person::visit(&desk.opened_url().await, Choice::Alice).await.unwrap();
    window.wait("Kept you logged in").await;
    log_out(desk, &window).await;
}

async fn unregistered_callback(sheet: &mut Sheet, desk: &Desk, variables: &[(&str, String)]) {
    let ports = [free_port(), free_port()];
    let mut variables = variables.to_vec();
    variables.push(("HALLPASS_REDIRECT_PORTS", format!("{}, {}", ports[0], ports[1])));
    let window = desk.open_with(&variables).await;
    window.click("Log in").await;
    let browser = Browser::open(desk, &desk.opened_url().await).await;
    browser.wait_for("Callback URL mismatch").await;
    let headline = "Does the browser show an error instead of a login?";
    window.wait_long(headline).await;
    let by = (4, "A redirect path that is not registered: the provider shows its own error");
    let urls = ports.map(|port| format!("http://127.0.0.1:{port}/come-back"));
    shown(sheet, (desk, &window), by, headline, &["is most likely not registered", &urls[0]]).await;
    window.click("Copy the URLs to register").await;
    window.click("Settings").await;
    window.tab_to("Name").await;
    window.press("ctrl+a");
    window.press("ctrl+v");
    window.wait_until_holds("Name", &urls.join(" ")).await;
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

async fn code_of_another_login(
    sheet: &mut Sheet,
    desk: &Desk,
    variables: &[(&str, String)],
    profile: &Profile,
) {
    let window = desk.open_with(variables).await;
    let callback = log_in(desk, &window).await.callback.unwrap();
    let code = value(&callback, "code");
    window.wait("Alice Adams").await;
    log_out(desk, &window).await;

    window.click("Log in").await;
    let link = support::browser::Link(desk.opened_url().await.parse().unwrap());
    link.come_back(&[("code", &code), ("iss", &profile.issuer)]).await;
    let by = (9, "The browser comes back with the code of the login before");
    shown(
        sheet,
        (desk, &window),
        by,
        "The provider did not exchange the code",
        &["two programs share the redirect port", "Invalid authorization code"],
    )
    .await;
}

async fn log_out(desk: &Desk, window: &Window<'_>) {
    window.click("Log out").await;
    let page = follow(&desk.opened_url().await).await;
    assert!(page.contains("logged out"), "{page}");
    window.wait("Log in").await;
}

/// A browser that goes where it is sent, with nobody before it.
async fn follow(link: &str) -> String {
    let browser = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(support::DEADLINE);
    browser.build().unwrap().get(link).send().await.unwrap().text().await.unwrap()
}

fn value(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(its, _)| its == name).unwrap().1.into_owned()
}

async fn scope_not_asked_for(sheet: &mut Sheet, desk: &Desk, variables: &[(&str, String)]) {
    let window = desk.open_with(variables).await;
    log_in(desk, &window).await;
    window.wait("Alice Adams").await;
    window.click("Call API").await;
    let by = (12, "A profile that does not ask for the scope that the API wants");
    shown(
        sheet,
        (desk, &window),
        by,
        "Your token lacks the scope read:messages",
        &["was not asked for", "You have"],
    )
    .await;
    window.click("Log in again asking for read:messages").await;
    person::visit(&desk.opened_url().await, Choice::Alice).await.unwrap();
    window.wait_until_gone("Your token lacks the scope read:messages").await;
    window.click("Call API").await;
    window.wait("200 OK").await;
}

/// The API checks JWTs, and names itself (RFC 9728); a provider of Auth0's kind issues none to who names no API.
async fn no_audience(sheet: &mut Sheet, desk: &Desk, variables: &[(&str, String)]) {
    let api = Server::start(|seen| async move {
        let is_jwt = seen.header("authorization").is_some_and(|header| header.split('.').count() == 3);
        let challenge = format!(r#"Bearer resource_metadata="{API}/.well-known/oauth-protected-resource""#);
        if is_jwt {
            server::json(200, &json!({ "orders": [4711] }))
        } else {
            server::answer(401, ("www-authenticate", &challenge), "")
        }
    })
    .await;
    let mut variables = variables.to_vec();
    variables.push(("HALLPASS_API", api.url.to_string()));
    variables.push(("HALLPASS_REQUESTS", "Orders=GET /orders".to_owned()));
    let window = desk.open_with(&variables).await;
    log_in(desk, &window).await;
    window.wait("Alice Adams").await;
    window.click("Call API").await;
    let by = (1, "A profile without an audience, at an API that takes only JWTs");
    shown(
        sheet,
        (desk, &window),
        by,
        "Your token is not for this API",
        &["The login named no API", "opaque", "The API is called"],
    )
    .await;
    window.click(&format!("Use the audience {API}")).await;
    window.wait_until_holds("Audience", API).await;
    window.click("Save and log in").await;
    person::visit(&desk.opened_url().await, Choice::Alice).await.unwrap();
    window.wait("Alice Adams").await;
    window.click("Call API").await;
    window.wait("200 OK").await;
}

// ---- a provider that answers otherwise than it should ----

const DISCOVERY: &str = "/.well-known/openid-configuration";
const TOKENS: &str = "/tokens";

async fn at_a_bent_provider(sheet: &mut Sheet) {
    let provider = Provider::start(|_| {}).await;
    let desk = Desk::set_up().await;
    let window = desk.open_with(&variables(&provider)).await;
    let at = (&desk, &window);

    let headline = "There is no provider at this issuer";
    provider.change(|script| script.instead(DISCOVERY, || server::answer(404, HTML, "<h1>Not Found</h1>")));
    window.click("Log in").await;
    let by = (27, "The issuer answers 404 where its metadata should be");
    shown(sheet, at, by, headline, &["/realms/NAME", "404 Not Found", "Edit the profile"]).await;
    provider.change(|script| script.instead(DISCOVERY, || server::answer(200, HTML, "<h1>Welcome</h1>")));
    window.click("Log in").await;
    explained(
        &window,
        27,
        "It answers with a web page",
        headline,
        &["not with an OpenID configuration", "text/html"],
    )
    .await;
    provider.change(|script| script.instead.clear());

    provider.change(|script| {
        script.callback = Box::new(|pairs| {
            pairs.retain(|(name, _)| name != "code");
            let refusal =
                [("error", "unauthorized"), ("error_description", "Contractors log in on weekdays only.")];
            pairs.extend(refusal.map(|(name, value)| (name.to_owned(), value.to_owned())));
        });
    });
    come_back(&desk, &window).await;
    let by = (7, "The provider sends the browser back with the error of a rule");
    let words = ["One of its rules refused this account", "Contractors log in on weekdays only."];
    shown(sheet, at, by, "The provider did not let you in", &words).await;
    provider.change(|script| script.callback = Box::new(|_| {}));

    let refused =
        || server::answer(401, JSON, r#"{"error":"access_denied","error_description":"Unauthorized"}"#);
    provider.change(|script| script.instead(TOKENS, refused));
    come_back(&desk, &window).await;
    let by = (8, "The token endpoint wants to know the application by a secret");
    shown(sheet, at, by, "The provider did not exchange the code", &["Native", "Unauthorized"]).await;
    provider.change(|script| script.instead.clear());

    provider.change(|script| script.signer = Signer::Shared(b"a secret that both sides know".to_vec()));
    come_back(&desk, &window).await;
    let by = (28, "The provider signs the ID token with HS256");
    shown(
        sheet,
        at,
        by,
        "The ID token was rejected",
        &["signing algorithm to RS256", "HS256", "See every check"],
    )
    .await;
    provider.change(|script| script.signer = Signer::Key(&support::keys::RSA));

    provider.change(|script| {
        script.clock_ahead = SignedDuration::from_hours(-72);
        script.claims = provider::bend(|claims| claims["iat"] = json!(Timestamp::now().as_second()));
    });
    come_back(&desk, &window).await;
    let by = (15, "The provider dates its answers three days ago, and the ID token today");
    shown(sheet, at, by, "The ID token was rejected", &["Set the clock right", "72 h ahead"]).await;
    provider.change(|script| {
        script.clock_ahead = SignedDuration::ZERO;
        script.claims = provider::bend(|_| {});
    });

    provider.change(|script| {
        script.tokens =
            provider::bend(|tokens| drop(tokens.as_object_mut().unwrap().remove("refresh_token")));
    });
    come_back(&desk, &window).await;
    let by = (11, "The provider issues no refresh token");
    let headline = "You stay logged in for one token's life only";
    shown(sheet, at, by, headline, &["offline_access was asked for", "Allow it at the provider"]).await;
    provider.change(|script| script.tokens = provider::bend(|_| {}));
    log_out(&desk, &window).await;

    come_back(&desk, &window).await;
    window.wait("Alice of user info").await;
    for (words, headline, cause) in [
        ("Refresh token was revoked.", "Your session was ended: it was revoked", "an administrator"),
        ("Refresh token has expired.", "Your session was ended: it is too old", "only so long"),
        (
            "The refresh_token was generated for a user who doesn't exist anymore.",
            "Your session was ended: the account is gone",
            "no longer knows",
        ),
    ] {
        refuse_renewal(&provider, "invalid_grant", words);
        window.click("Renew").await;
        explained(&window, 10, &format!("“{words}”"), headline, &[cause, words]).await;
        log_in_again(&provider, &desk, &window).await;
    }

    refuse_renewal(&provider, "mfa_required", "Multifactor authentication required");
    window.click("Renew").await;
    let by = (30, "The token endpoint answers a renewal with mfa_required");
    shown(sheet, at, by, "The provider wants to see you", &["second factor", "Log in again"]).await;
    log_in_again(&provider, &desk, &window).await;
    drop(window);

    // No connection of before is left to renew over.
    let settings = variables(&provider);
    drop(provider);
    let window = desk.open_with(&settings).await;
    window.click("Renew").await;
    let by = (29, "Nothing listens where the provider was");
    shown(
        sheet,
        (&desk, &window),
        by,
        "Your token was not renewed",
        &["Nothing listens at 127.0.0.1:", "You are still logged in, and Hallpass tries again by itself"],
    )
    .await;
    assert!(window.shows("Log out").await);
}

fn variables(provider: &Provider) -> Vec<(&'static str, String)> {
    vec![
        ("HALLPASS_NAME", "Acme".to_owned()),
        ("HALLPASS_ISSUER", provider.server.url.to_string()),
        ("HALLPASS_CLIENT_ID", provider::CLIENT.to_owned()),
        ("HALLPASS_SCOPES", SCOPES.to_owned()),
        ("HALLPASS_REDIRECT_PORTS", "0".to_owned()),
    ]
}

/// Logs in at a provider that asks nobody.
async fn come_back(desk: &Desk, window: &Window<'_>) {
    window.click("Log in").await;
    follow(&desk.opened_url().await).await;
}

/// Takes the remedy of a session that has ended.
async fn log_in_again(provider: &Provider, desk: &Desk, window: &Window<'_>) {
    provider.change(|script| script.instead.clear());
    clear(window).await;
    window.click("Log in again").await;
    follow(&desk.opened_url().await).await;
    window.wait("Kept you logged in").await;
}

fn refuse_renewal(provider: &Provider, error: &str, words: &str) {
    let refusal = json!({ "error": error, "error_description": words });
    provider.change(|script| script.instead(TOKENS, move || server::json(403, &refusal)));
}

// ---- an API that answers otherwise than it should, or not at all ----

async fn at_an_api(sheet: &mut Sheet) {
    let provider = Provider::start(|_| {}).await;
    let elsewhere = Server::start(|_| async { server::json(200, &json!({})) }).await;
    let to = elsewhere.at("/orders");
    let api = Server::start(move |seen| {
        let answer = answered(&seen, &to);
        async move { answer }
    })
    .await;
    let desk = Desk::set_up().await;
    let [sound, expired, other] = [Certificate::Sound, Certificate::Expired, Certificate::Elsewhere]
        .map(|certificate| desk.tls(certificate));
    let (rude, silent) = (Rude::start(), Silent::start().await);
    let requests = [
        ("Moved", "/moved"),
        ("App", "/app"),
        ("Login page", "/login"),
        ("Bad gateway", "/502"),
        ("Maintenance", "/503"),
        ("Slow", "/504"),
        ("Misspelled", "http://api.exmaple/orders"),
        ("No route", "http://224.0.0.1/orders"),
        ("Rude", &format!("http://{}/orders", rude.address)),
        ("Silent", &format!("http://{}/orders", silent.address)),
        ("Plain", &api.at("/orders").replace("http:", "https:")),
        ("Company", &sound.url),
        ("Expired", &expired.url),
        ("Other name", &other.url),
    ];
    let mut settings = variables(&provider);
    settings.push(("HALLPASS_API", api.url.to_string()));
    settings.push(("HALLPASS_REQUESTS", requests.map(|(name, url)| format!("{name}=GET {url}")).join("; ")));
    let window = desk.open_with(&settings).await;
    come_back(&desk, &window).await;
    window.wait("Kept you logged in").await;
    let at = (&desk, &window);

    choose(&window, "Moved").await;
    let by = (24, "The API answers 302, with a Location at another origin");
    shown(
        sheet,
        at,
        by,
        "The API redirects to another place",
        &["was not sent on", &api.url.origin().ascii_serialization()],
    )
    .await;
    assert!(elsewhere.seen().is_empty(), "nothing leaks: {:?}", elsewhere.seen());
    choose(&window, "App").await;
    let by = (25, "The server answers every path with a web app");
    shown(sheet, at, by, "A web app answered, not the API", &["Shop", "text/html"]).await;
    choose(&window, "Login page").await;
    explained(
        &window,
        25,
        "It answers with a login page",
        "A login page answered, not the API",
        &["asks for a login"],
    )
    .await;
    for (name, by, headline, words) in [
        ("Bad gateway", "502, by nginx", "The API behind the gateway did not answer well", "Answered by"),
        ("Maintenance", "503, with Retry-After", "The API is out of service just now", "Call again in"),
        ("Slow", "504", "The API behind the gateway did not answer in time", "may still have been done"),
    ] {
        choose(&window, name).await;
        explained(&window, 23, by, headline, &[words]).await;
    }

    for (name, by, headline, words) in [
        ("Misspelled", "A name that DNS does not know", "api.exmaple:80 was not found", "it is misspelled"),
        ("No route", "An address without a way there", "224.0.0.1:80 cannot be reached", "offline"),
        ("Rude", "A server that closes each connection", "broke off", "closed the connection before"),
        ("Silent", "A full queue, as behind a firewall", "cannot be connected to", "within 8 seconds"),
    ] {
        choose_elsewhere(&window, name).await;
        explained(&window, 18, by, headline, &[words]).await;
    }

    choose_elsewhere(&window, "Plain").await;
    let by = "https:// at a port that speaks http";
    explained(&window, 19, by, "does not speak TLS", &["On this computer that is safe", "Meant"]).await;
    window.click(&format!("Use {}", api.at("/orders"))).await;
    window.wait_until_holds("URL", &api.at("/orders")).await;
    choose_elsewhere(&window, "Company").await;
    let by = (19, "A certificate by a company that nobody here knows");
    shown(sheet, at, by, "Nobody known vouches for localhost:", &["certificate authority", "UnknownIssuer"])
        .await;
    drop(window);

    // As on a computer that trusts the company.
    settings.push(("SSL_CERT_FILE", desk.company().to_str().unwrap().to_owned()));
    let window = desk.open_with(&settings).await;
    choose_elsewhere(&window, "Company").await;
    window.wait("200 OK").await;
    choose_elsewhere(&window, "Expired").await;
    explained(&window, 19, "One whose time is over", "has expired", &["must renew it", "2025-01-01"]).await;
    choose_elsewhere(&window, "Other name").await;
    explained(&window, 19, "One for another name", "is for another name", &["It does not name localhost"])
        .await;
}

fn answered(seen: &Seen, elsewhere: &str) -> Response {
    match seen.path.as_str() {
        "/moved" => server::answer(302, ("location", elsewhere), ""),
        "/app" => server::answer(200, HTML, r#"<!doctype html><title>Shop</title><div id="root"></div>"#),
        "/login" => server::answer(200, HTML, r#"<title>Welcome</title><input type="password">"#),
        "/502" => server::answer(502, ("server", "nginx"), "<html><title>502 Bad Gateway</title>"),
        "/503" => server::answer(503, ("retry-after", "20"), ""),
        "/504" => server::answer(504, HTML, ""),
        _ => server::json(200, &json!({})),
    }
}

/// Chooses a ready-made request, and calls it.
async fn choose(window: &Window<'_>, request: &str) {
    window.choose(request).await;
    window.click("Call API").await;
}

/// The same at another origin than the API's, which the token is not for.
async fn choose_elsewhere(window: &Window<'_>, request: &str) {
    choose(window, request).await;
    window.click("Call without the token").await;
}

/// A server that closes each connection as soon as it is there.
struct Rude {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
}

impl Rude {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, ends) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&ends);
        std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                drop(listener.accept());
            }
        });
        Self { address, ends }
    }
}

impl Drop for Rude {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// A port whose queue is full: further connections come to nothing, as behind a firewall that drops them.
struct Silent {
    address: SocketAddr,
    _queue: (tokio::net::TcpListener, Vec<TcpStream>),
}

impl Silent {
    async fn start() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let knock = move || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let waiting = tokio::task::spawn_blocking(move || std::iter::from_fn(knock).take(16).collect());
        let waiting = waiting.await.unwrap();
        Self { address, _queue: (listener, waiting) }
    }
}

// ---- a computer that lacks something ----

async fn on_a_bare_computer(sheet: &mut Sheet) {
    let (demo, _, _home) = support::demo().await;
    let desk = Desk::with(Keyring::None).await;
    let settings = [
        ("HALLPASS_NAME", "Acme".to_owned()),
        ("HALLPASS_ISSUER", demo.issuer.to_string()),
        ("HALLPASS_CLIENT_ID", demo.client_id.clone()),
        ("HALLPASS_SCOPES", SCOPES.to_owned()),
        ("HALLPASS_REDIRECT_PORTS", "0".to_owned()),
    ];
    let window = desk.open_with(&settings).await;
    log_in(&desk, &window).await;
    let headline = "Your session could not be kept";
    let by = (26, "No Secret Service on the session bus");
    shown(
        sheet,
        (&desk, &window),
        by,
        headline,
        &["until you close this window", "Install or start a keyring"],
    )
    .await;
    desk.start_keyring(Keyring::Unlocked).await;
    window.click("Try again").await;
    window.wait_until_gone(headline).await;
    desk.lock_keyring().await;
    window.click("Renew").await;
    explained(
        &window,
        26,
        "The keyring was locked meanwhile",
        headline,
        &["Unlock the keyring", "the keyring is locked"],
    )
    .await;
}
