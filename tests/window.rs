//! The real program in a real window, used as a person would: end to end, with nothing of it replaced.
//!
//! Each test has a desk of its own: a display (Xvfb), a session bus, a keyring, an empty home. It looks at the
//! window and presses its buttons as a screen reader does, types on its keyboard, and logs in with a real browser.
//! On Debian or Ubuntu:
//!
//! ```text
//! apt-get install xvfb dbus at-spi2-core gnome-keyring xdotool imagemagick chromium \
//!     chromium-driver libgl1 libegl1 libgl1-mesa-dri libxkbcommon-x11-0
//! cargo window              # every test; `cargo window keyboard` for those with that word in their name
//! cargo pictures            # the README's pictures, anew
//! ```
//!
//! Against a provider that is not the demo's, `HALLPASS_OIDC_PROVIDER` names the issuer of a running `oidc-provider`
//! (the one of npm) with its development log-in, a public client `hallpass-desktop`, the resource
//! `https://api.hallpass.demo`, and access tokens that are good for five seconds.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "in a test a failure is a panic, and the far side is met raw"
)]

mod desk;
mod support;

use std::collections::HashSet;
use std::path::Path;

use desk::{Browser, Desk, Keyring, Window};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::json;
use support::server::{self, Seen, Server};

/// What the demo API answers, in part.
const PUBLIC: &str = "don't need to be authenticated";
const PRIVATE: &str = "need to be authenticated to see";
const SCOPED: &str = "scope of read:messages";

async fn log_in(desk: &Desk, window: &Window<'_>, button: &str) {
    window.click("Log in").await;
    let page = desk.browse(&desk.opened_url().await, button).await;
    assert!(page.contains("Hallpass"), "the browser ends on {page:?}");
}

async fn call(window: &Window<'_>, request: &str, status: &str, answer: &str) {
    window.choose(request).await;
    window.click("Call API").await;
    window.wait_for(answer).await;
    window.wait(status).await;
}

/// Presses **Try again**, and waits for the session to be in the keyring.
async fn try_to_keep_again(window: &Window<'_>) {
    window.click("Session").await;
    window.wait("memory, until you close this window").await;
    window.click("Try again").await;
    window.wait_for("until you log out").await;
    window.click("Session").await;
    assert!(!window.shows("Your session could not be kept").await);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn alice_logs_in_calls_the_api_stays_logged_in_and_logs_out() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    call(&window, "Public", "200 OK", PUBLIC).await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    call(&window, "Private (scoped)", "200 OK", SCOPED).await;
    window.wait("Kept you logged in").await;
    assert_ne!(desk.secrets().await, 0);

    drop(window);
    let window = desk.open().await;
    window.wait("Alice Adams").await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    assert!(desk.browser_is_quiet());

    window.click("Log out").await;
    window.wait("Log in").await;
    let browser = Browser::open(&desk, &desk.opened_url().await).await;
    let page = browser.text().await;
    assert!(page.contains("logged out"), "the provider's page reads {page:?}");
    assert_eq!(desk.secrets().await, 0);

    drop(window);
    let window = desk.open().await;
    window.wait("Log in").await;
    assert!(!window.shows("Alice Adams").await);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn bob_is_refused_and_told_which_scope_is_missing() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Bob").await;
    window.wait("Bob Brown").await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    window.choose("Private (scoped)").await;
    window.click("Call API").await;
    window.wait("403 Forbidden").await;
    window.wait("read:messages").await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn who_declines_is_told_so_and_can_log_in_after_all() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Decline").await;
    window.wait("You were not logged in").await;
    assert_eq!(desk.secrets().await, 0);
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    assert!(!window.shows("Dismiss").await);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_cancelled_login_stays_cancelled_whatever_the_browser_does() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.click("Log in").await;
    let url = desk.opened_url().await;
    window.click("Cancel").await;
    window.wait("Log in").await;
    let browser = Browser::open(&desk, &url).await;
    browser.press("Continue as Alice").await;
    assert!(!window.shows("Alice Adams").await);
    assert_eq!(desk.secrets().await, 0);
    drop(browser);
    log_in(&desk, &window, "Continue as Bob").await;
    window.wait("Bob Brown").await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn without_a_keyring_the_session_lasts_for_this_run_and_the_window_says_so() {
    let desk = Desk::with(Keyring::None).await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    window.wait_for("You stay logged in until you close this window").await;
    call(&window, "Private", "200 OK", PRIVATE).await;

    drop(window);
    let window = desk.open().await;
    window.wait("Log in").await;
    assert!(!window.shows("Alice Adams").await);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_locked_keyring_is_named_at_start_and_the_session_comes_back_once_it_is_unlocked() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    drop(window);

    desk.stop_keyring();
    desk.start_keyring(Keyring::Locked).await;
    let window = desk.open().await;
    window.wait("The keyring cannot be read").await;
    desk.stop_keyring();
    desk.start_keyring(Keyring::Unlocked).await;
    window.click("Try again").await;
    window.wait("Alice Adams").await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    assert!(desk.browser_is_quiet());
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_session_that_a_locked_keyring_does_not_take_is_kept_once_it_is_unlocked() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    desk.lock_keyring().await;
    window.click("Renew").await;
    window.wait("Renewed the token").await;
    window.wait("Your session could not be kept").await;
    window.wait_for("the keyring is locked").await;
    call(&window, "Private", "200 OK", PRIVATE).await;

    desk.stop_keyring();
    desk.start_keyring(Keyring::Unlocked).await;
    try_to_keep_again(&window).await;
    drop(window);
    let window = desk.open().await;
    window.wait("Alice Adams").await;
    window.click("Renew").await;
    window.wait("Renewed the token").await;
    window.wait("Kept you logged in").await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_keyring_that_starts_late_keeps_the_session_after_all() {
    let desk = Desk::with(Keyring::None).await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Your session could not be kept").await;
    desk.start_keyring(Keyring::Unlocked).await;
    try_to_keep_again(&window).await;
    assert_ne!(desk.secrets().await, 0);
    drop(window);
    let window = desk.open().await;
    window.wait("Alice Adams").await;
    assert!(desk.browser_is_quiet());
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_keyring_that_dies_costs_nobody_the_session() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    desk.stop_keyring();
    call(&window, "Private", "200 OK", PRIVATE).await;
    window.click("Renew").await;
    window.wait("Your session could not be kept").await;
    window.wait("the keyring service has stopped").await;
    call(&window, "Private (scoped)", "200 OK", SCOPED).await;
    // A second window sees no keyring, and says nothing of it before there is something to keep.
    let second = desk.open().await;
    second.wait("Log in").await;
    assert!(!second.shows("The keyring cannot be read").await);
    drop(second);

    desk.start_keyring(Keyring::Unlocked).await;
    try_to_keep_again(&window).await;
    drop(window);
    let window = desk.open().await;
    window.wait("Alice Adams").await;
    window.click("Renew").await;
    window.wait("Renewed the token").await;
    window.wait("Kept you logged in").await;
    // A daemon that was started anew is found without being asked for.
    desk.stop_keyring();
    desk.start_keyring(Keyring::Unlocked).await;
    window.click("Log out").await;
    window.wait("Revoked the tokens").await;
    assert_eq!(desk.secrets().await, 0);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_keyring_that_asks_for_its_password_is_waited_for_and_answered_whenever() {
    let desk = Desk::set_up().await;
    desk.set_up_prompter().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    drop(window);

    desk.stop_keyring();
    desk.start_keyring(Keyring::Locked).await;
    let window = desk.open().await;
    window.wait_for("Waiting for the keyring").await;
    window.rest().await;
    desk.answer_prompt().await;
    window.wait("Alice Adams").await;
    window.wait_until_gone("Waiting for the keyring: it may be asking for its password.").await;
    assert!(desk.browser_is_quiet());

    // Nobody answers: the token is renewed all the same, and the other window is not held up either.
    desk.lock_keyring().await;
    window.click("Renew").await;
    window.wait_for("Waiting for the keyring").await;
    let second = desk.open().await;
    second.wait_for("Waiting for the keyring").await;
    drop(second);
    window.to_front().await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    window.wait_long("Your session could not be kept").await;
    call(&window, "Private", "200 OK", PRIVATE).await;

    // Who goes away for good, with the prompt still open, is logged out at the provider at once.
    window.click("Log out").await;
    window.wait("Revoked the tokens").await;
    window.wait_for("Waiting for the keyring").await;
    desk.answer_prompt().await;
    window.wait("Forgot you on this computer").await;
    assert_eq!(desk.secrets().await, 0);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn the_keyboard_alone_logs_in_and_calls_the_api() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.wait_for_focus("Log in").await;
    window.press("Return");
    desk.browse(&desk.opened_url().await, "Continue as Alice").await;
    window.wait("Alice Adams").await;

    window.to_front().await;
    window.tab_to("Private (scoped)").await;
    window.press("space");
    window.tab_to("Call API").await;
    window.press("Return");
    window.wait_for(SCOPED).await;
    window.wait("200 OK").await;

    window.tab_to("URL").await;
    window.type_over("/api/public");
    window.wait_until_holds("URL", "/api/public").await;
    window.press("Return");
    window.wait_for(PUBLIC).await;

    window.tab_to("Log out").await;
    window.press("Return");
    window.wait_for_focus("Log in").await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn every_action_has_a_key() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.wait("Log in").await;
    window.press("ctrl+l");
    desk.opened_url().await;
    window.wait("Cancel").await;
    window.press("Escape");
    window.wait("Log in").await;
    window.press("ctrl+l");
    desk.browse(&desk.opened_url().await, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    window.press("ctrl+3");
    window.wait_until_chosen("Private (scoped)").await;
    window.press("ctrl+Return");
    window.wait_for(SCOPED).await;
    window.press("ctrl+r");
    window.wait("Renewed the token").await;
    window.press("ctrl+comma");
    window.wait("New profile").await;
    window.press("Escape");
    window.wait("Call API").await;
    window.press("ctrl+l");
    window.wait("Log in").await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn keys_that_are_pressed_at_once_are_all_obeyed() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    window.tab_to("URL").await;
    window.type_over("/api/public");
    window.press("Return");
    window.wait_for(PUBLIC).await;
    window.press("ctrl+3");
    window.press("ctrl+Return");
    window.wait_for(SCOPED).await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn two_windows_share_the_demo_and_the_second_outlives_the_first() {
    let desk = Desk::set_up().await;
    let (first, second) = (desk.open().await, desk.open().await);
    first.to_front().await;
    log_in(&desk, &first, "Continue as Alice").await;
    first.wait("Alice Adams").await;
    second.to_front().await;
    log_in(&desk, &second, "Continue as Bob").await;
    second.wait("Bob Brown").await;
    call(&second, "Private", "200 OK", PRIVATE).await;
    first.to_front().await;
    call(&first, "Private (scoped)", "200 OK", SCOPED).await;

    drop(first);
    second.choose("Public").await;
    // The second window takes the demo over within a second or two; a call before that finds nobody.
    second.click_until("Call API", PUBLIC).await;
    second.click("Renew").await;
    second.wait("Renewed the token").await;
    call(&second, "Private", "200 OK", PRIVATE).await;
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn an_idle_window_is_at_rest() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.wait("Log in").await;
    let before = window.rest().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Alice Adams").await;
    call(&window, "Private", "200 OK", PRIVATE).await;
    let after = window.rest().await;
    println!("in 5 s at rest, the window used {before:?} before the login, and {after:?} after it");
}

const SKIPPED: &str = "skipped: HALLPASS_OIDC_PROVIDER names no provider";

/// What makes a profile for an `oidc-provider`, if there is one, with the resource that the demo API has too.
fn elsewhere() -> Option<[(&'static str, String); 7]> {
    let issuer = std::env::var("HALLPASS_OIDC_PROVIDER").ok()?;
    Some([
        ("HALLPASS_NAME", "Elsewhere".to_owned()),
        ("HALLPASS_ISSUER", issuer),
        ("HALLPASS_CLIENT_ID", "hallpass-desktop".to_owned()),
        ("HALLPASS_RESOURCE", "https://api.hallpass.demo".to_owned()),
        ("HALLPASS_SCOPES", "openid profile email offline_access read:messages".to_owned()),
        ("HALLPASS_REDIRECT_PORTS", "0".to_owned()),
        // It issues refresh tokens only to those who were asked.
        ("HALLPASS_AUTHORIZE_PARAMS", "prompt=consent".to_owned()),
    ])
}

/// Logs in on the development pages of an `oidc-provider`; its browser still knows the person.
async fn log_in_elsewhere(desk: &Desk, window: &Window<'_>) -> Browser {
    window.click("Log in").await;
    let browser = Browser::open(desk, &desk.opened_url().await).await;
    browser.fill("login", "carol").await;
    browser.fill("password", "any").await;
    browser.press("Sign-in").await;
    browser.press("Continue").await;
    window.wait("Name of carol").await;
    window.wait("Kept you logged in").await;
    browser
}

/// An API that checks its tokens against the provider's keys, as any other does.
async fn strict_api(issuer: &str) -> Server {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let keys = http.get(format!("{issuer}/jwks")).send().await.unwrap().bytes().await.unwrap();
    let keys: JwkSet = serde_json::from_slice(&keys).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["https://api.hallpass.demo"]);
    validation.set_issuer(&[issuer]);
    validation.leeway = 0;
    Server::start(move |seen| {
        let token = bearer(&seen).to_owned();
        let key = jsonwebtoken::decode_header(&token).ok().and_then(|header| keys.find(&header.kid?));
        let good = key.is_some_and(|key| {
            let key = DecodingKey::from_jwk(key).unwrap();
            jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation).is_ok()
        });
        async move { server::json(if good { 200 } else { 401 }, &json!({ "good": good })) }
    })
    .await
}

fn bearer(seen: &Seen) -> &str {
    seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

/// How many tokens an API has seen.
fn tokens(api: &Server) -> usize {
    api.seen().iter().map(|seen| bearer(seen).to_owned()).collect::<HashSet<_>>().len()
}

/// It shows a log-in page and a consent page.
#[tokio::test]
#[ignore = "needs Xvfb, a keyring, Chromium, and a provider: run with `HALLPASS_OIDC_PROVIDER=… cargo window`"]
async fn a_provider_from_elsewhere_logs_in_and_renews() {
    let Some(settings) = elsewhere() else { return println!("{SKIPPED}") };
    let desk = Desk::set_up().await;
    let window = desk.open_with(&settings).await;
    window.wait("Log in to Elsewhere").await;
    log_in_elsewhere(&desk, &window).await;
    drop(window);

    // Each renewal takes the refresh token that the last one gave, from the keyring.
    for _ in 0..2 {
        let window = desk.open_with(&settings).await;
        window.wait("Name of carol").await;
        window.click("Renew").await;
        window.wait("Renewed the token").await;
        window.wait("Kept you logged in").await;
    }
    let window = desk.open_with(&settings).await;
    window.click("Log out").await;
    window.wait("Log in").await;
    window.wait("Revoked the tokens").await;
    assert_eq!(desk.secrets().await, 0);
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring, Chromium, and a provider: run with `HALLPASS_OIDC_PROVIDER=… cargo window`"]
async fn ten_calls_with_expired_tokens_renew_ten_times_and_the_log_out_ends_it_all() {
    let Some(settings) = elsewhere() else { return println!("{SKIPPED}") };
    let issuer = &settings[1].1;
    let api = strict_api(issuer).await;
    let desk = Desk::set_up().await;
    let mut variables = settings.to_vec();
    variables.push(("HALLPASS_API", api.url.to_string()));
    variables.push(("HALLPASS_REQUESTS", "Ask=GET /ask".to_owned()));
    let window = desk.open_with(&variables).await;
    let browser = log_in_elsewhere(&desk, &window).await;

    let mut refresh_tokens = vec![desk.next_refresh_token("").await];
    for renewals in 1..=10 {
        window.wait("Token has expired").await;
        window.click("Call API").await;
        refresh_tokens.push(desk.next_refresh_token(&refresh_tokens[renewals - 1]).await);
        window.wait_until_gone("Token has expired").await;
        desk.until(|| tokens(&api) == renewals).await;
    }
    window.wait("it was about to end, and a call was to be made").await;
    window.wait("Renewed the token").await;
    window.wait("200 OK").await;
    let answers: HashSet<_> = refresh_tokens.iter().collect();
    assert_eq!((answers.len(), api.seen().len(), tokens(&api)), (11, 10, 10));
    assert!(desk.browser_is_quiet());
    println!("ten calls, ten renewals, eleven refresh tokens");

    window.click("Log out").await;
    window.wait("Log in").await;
    browser.visit(&public(&desk.opened_url().await, &window)).await;
    browser.press("Yes, sign me out").await;
    browser.wait_for("You are logged out").await;
    window.wait("Revoked the tokens").await;
    window.wait("The provider sent you back").await;
    assert_eq!(desk.secrets().await, 0);
    for (which, token) in [("last", &refresh_tokens[10]), ("first", &refresh_tokens[0])] {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "hallpass-desktop"), ("refresh_token", token)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = support::raw().post(format!("{issuer}/token"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let answer = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        assert!(answer.contains("invalid_grant"), "{answer}");
        println!("the {which} refresh token: {answer}");
    }
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring, Chromium, and a provider: run with `HALLPASS_OIDC_PROVIDER=… cargo window`"]
async fn two_windows_of_one_session_renew_it_once_an_expiry_and_end_together() {
    let Some(settings) = elsewhere() else { return println!("{SKIPPED}") };
    let api = strict_api(&settings[1].1).await;
    let desk = Desk::set_up().await;
    let mut variables = settings.to_vec();
    variables.push(("HALLPASS_API", api.url.to_string()));
    variables.push(("HALLPASS_REQUESTS", "Ask=GET /ask".to_owned()));
    let first = desk.open_with(&variables).await;
    let _browser = log_in_elsewhere(&desk, &first).await;
    let second = desk.open_with(&variables).await;
    second.wait("Name of carol").await;

    first.to_half(false).await;
    second.to_half(true).await;
    for expiries in 1..=3 {
        for window in [&first, &second] {
            window.wait("Token has expired").await;
        }
        let calls = api.seen().len();
        tokio::join!(first.click("Call API"), second.click("Call API"));
        desk.until(|| api.seen().len() == calls + 2).await;
        assert_eq!(tokens(&api), expiries);
    }
    assert!(first.shows("Took the renewed session").await || second.shows("Took the renewed session").await);

    first.click("Log out").await;
    first.wait("Revoked the tokens").await;
    second.wait("Token has expired").await;
    second.click("Call API").await;
    second.wait("You were logged out").await;
    second.wait("Log in").await;
    assert_eq!(desk.secrets().await, 0);
}

/// An address that other programs can read, with nothing of an ID token in it; nor is it in what they can read of the
/// window's process.
fn public(url: &str, window: &Window<'_>) -> String {
    for seen in [url, &window.command_line()] {
        assert!(!seen.contains("id_token") && !seen.contains("eyJ"), "{seen}");
    }
    url.to_owned()
}

#[tokio::test]
#[ignore = "needs Xvfb, a keyring and Chromium: run with `cargo window`"]
async fn a_log_out_ends_the_providers_session_on_hallpasss_own_page_and_shows_nobody_the_id_token() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.click("Log in").await;
    let browser = Browser::open(&desk, &desk.opened_url().await).await;
    browser.press("Continue as Alice").await;
    window.wait("Kept you logged in").await;

    window.click("Log out").await;
    let entrance = public(&desk.opened_url().await, &window);
    browser.visit(&entrance).await;
    browser.wait_for("You are logged out").await;
    window.wait("The provider sent you back").await;
    window.wait("Revoked the tokens").await;
    assert!(desk.browser_is_quiet());
    assert!(!desk.noise().contains("eyJ"));
}

/// Takes a picture of what is on the screen, light and dark.
async fn shown(desk: &Desk, window: &Window<'_>, screen: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures");
    for theme in ["Light", "Dark"] {
        window.click("Theme").await;
        window.click(theme).await;
        window.wait_until_gone("As the system").await;
        let path = folder.join(format!("{screen}-{}.png", theme.to_lowercase()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        desk.picture(&path).await;
    }
}

/// The README's pictures: each screen, light and dark, as it is in use.
#[tokio::test]
#[ignore = "writes assets/pictures: run with `cargo pictures`"]
async fn pictures() {
    tour("", 0).await;

    // What the person sees where the keyring fails.
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    desk.lock_keyring().await;
    window.click("Renew").await;
    window.wait("Your session could not be kept").await;
    shown(&desk, &window, "keyring-locked").await;
    desk.stop_keyring();
    window.click("Renew").await;
    window.wait("the keyring service has stopped").await;
    shown(&desk, &window, "keyring-died").await;
    drop(window);
    desk.start_keyring(Keyring::Locked).await;
    let window = desk.open().await;
    window.wait("The keyring cannot be read").await;
    shown(&desk, &window, "keyring-locked-at-start").await;
    drop(window);
    let desk = Desk::with(Keyring::None).await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Your session could not be kept").await;
    shown(&desk, &window, "keyring-absent").await;
}

/// The same in large type, as in front of a room.
#[tokio::test]
#[ignore = "writes assets/pictures: run with `cargo pictures`"]
async fn large_pictures() {
    tour("large/", 5).await;
}

/// Goes through the screens, and takes pictures of them for this folder, everything so many steps larger.
async fn tour(folder: &str, steps: usize) {
    let is_large = steps > 0;
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    window.wait("Log in").await;
    window.enlarge(steps).await;
    let shown = async |screen: &str| shown(&desk, &window, &format!("{folder}{screen}")).await;
    shown("login").await;

    window.click("Log in").await;
    let url = desk.opened_url().await;
    window.wait("Copy login link").await;
    if !is_large {
        shown("waiting").await;
    }
    desk.browse(&url, "Continue as Alice").await;
    window.wait("Picture of Alice Adams").await;
    if !is_large {
        open_a_gigabyte(&window).await;
        shown("gigabyte").await;
    }
    call(&window, "Private (scoped)", "200 OK", SCOPED).await;
    shown("api").await;
    window.click("Token").await;
    window.wait("aud").await;
    shown("token").await;
    window.click("Checks").await;
    window.wait_for("passed").await;
    shown("checks").await;
    window.click("Body").await;
    if is_large {
        window.click("Timeline").await;
    }
    window.click_beginning("GET /api/private-scoped:").await;
    window.wait("Copy as curl").await;
    shown("timeline").await;
    window.press("Escape");
    if is_large {
        window.click("Timeline").await;
    } else {
        window.click("Sequence").await;
        window.wait("Who says what to whom").await;
        shown("sequence").await;
        window.click("Back").await;
    }
    window.click("Doctor").await;
    window.wait("Check again").await;
    shown("doctor").await;
    window.press("Escape");
    window.wait("Call API").await;
    window.click("Present").await;
    window.wait_for("The API took the token").await;
    shown("presentation").await;
    window.click("Present").await;
    window.wait("Alice Adams").await;

    window.click("Log out").await;
    let _the_page_to_log_out_on = desk.opened_url().await;
    log_in(&desk, &window, "Continue as Bob").await;
    window.wait("Picture of Bob Brown").await;
    window.choose("Private (scoped)").await;
    window.click("Call API").await;
    window.wait("403 Forbidden").await;
    shown("forbidden").await;
}

/// Calls for a body of a gigabyte, and goes to its middle.
async fn open_a_gigabyte(window: &Window<'_>) {
    window.tab_to("URL").await;
    window.type_over("/api/large?mb=1000");
    window.press("Return");
    window.wait("Fold line 4").await;
    window.wait_long("Call API").await;
    window.press("ctrl+f");
    window.wait_for_focus("Find in the body").await;
    window.type_over(":40000000");
    window.press("Return");
    window.wait_until_gone("Fold line 4").await;
}
