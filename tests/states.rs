#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    missing_docs
)]
mod desk;
use desk::{Browser, Desk, Keyring, Window};
use std::path::Path;
use std::time::Instant;

async fn log_in(desk: &Desk, window: &Window<'_>, button: &str) {
    window.click("Log in").await;
    desk.browse(&desk.opened_url().await, button).await;
}

async fn say(t: Instant, what: &str, window: &Window<'_>) {
    println!("--- {:.1} s {what}\n{}", t.elapsed().as_secs_f32(), window.text().await);
}
async fn shown(desk: &Desk, window: &Window<'_>, screen: &str) {
    for theme in ["Light", "Dark"] {
        window.click("Theme").await;
        window.click(theme).await;
        window.wait_until_gone("As the system").await;
        desk.picture(&Path::new("/tmp/hp/pictures3").join(format!("{screen}-{}.png", theme.to_lowercase())))
            .await;
    }
}
async fn nap(s: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(s)).await
}

#[tokio::test]
#[ignore]
async fn dying() {
    let desk = Desk::set_up().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    desk.stop_keyring();
    window.click("Renew").await;
    window.wait("Renewed the token").await;
    window.wait_for("Your session could not be kept").await;
    shown(&desk, &window, "died").await;
    let t = Instant::now();
    desk.start_keyring(Keyring::Unlocked).await;
    window.click("Try again").await;
    window.wait_until_gone("Your session could not be kept").await;
    say(t, "again", &window).await;
    shown(&desk, &window, "back").await;
}
#[tokio::test]
#[ignore]
async fn prompt_unanswered() {
    let desk = Desk::set_up().await;
    desk.set_up_prompter().await;
    let window = desk.open().await;
    log_in(&desk, &window, "Continue as Alice").await;
    window.wait("Kept you logged in").await;
    drop(window);
    desk.stop_keyring();
    desk.start_keyring(Keyring::Locked).await;
    let t = Instant::now();
    let window = desk.open().await;
    window.wait_for("Waiting for the keyring").await;
    say(t, "locked at start", &window).await;
    println!("rest {:?}", window.rest().await);
    shown(&desk, &window, "prompt-at-start").await;
    log_in(&desk, &window, "Continue as Alice").await;
    let t = Instant::now();
    window.wait_for("Waiting for the keyring").await;
    say(t, "logged in with prompt open", &window).await;
    println!("rest {:?}", window.rest().await);
    shown(&desk, &window, "prompt-logged-in").await;
    nap(15).await;
    window.wait_for("could not be kept").await;
    say(t, "logged in with prompt open, and left", &window).await;
    shown(&desk, &window, "prompt-left").await;
    let t = Instant::now();
    window.click("Log out").await;
    window.wait("Log in").await;
    nap(2).await;
    say(t, "logging out with prompt open", &window).await;
    shown(&desk, &window, "prompt-log-out").await;
    nap(15).await;
    window.wait_for("may still be kept").await;
    say(t, "logged out with prompt open", &window).await;
    shown(&desk, &window, "prompt-logged-out").await;
}
