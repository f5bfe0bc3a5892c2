//! A session's life in the window: renewed before a call and after a 401, at start and by itself, ended only by who may.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::{Arc, Mutex, mpsc};

use axum::response::Response;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use hallpass::app::state::{State, Work};
use hallpass::auth::session::Session;
use hallpass::config::{DEMO, Profile};
use hallpass::demo::person::Choice;
use hallpass::http::Http;
use hallpass::store::{Account, Kept, Store, Unavailable, Vault as _};
use jiff::Timestamp;
use serde_json::json;
use support::browser;
use support::provider::{Provider, bend, value};
use support::server::{self, Seen, Server};
use support::vault::Full;
use support::window::{Computer, Person, Window, profile_text};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Who is logged in, as the window calls her.
const ALICE: &str = "Alice of user info";

/// How long a token of the provider lives, in seconds.
const LIFETIME: i64 = 300;

/// What the API makes of a token.
type Answer = Box<dyn Fn(&str) -> Response + Send>;

/// A computer, a provider and an API.
struct Desk {
    computer: Computer,
    provider: Provider,
    api: Server,
    answer: Arc<Mutex<Answer>>,
    // Last, as the others run on it.
    runtime: Runtime,
}

impl Desk {
    /// The API takes every token.
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(|_| welcome())));
        let answers = Arc::clone(&answer);
        let api = runtime.block_on(Server::start(move |seen| {
            let answer = answers.lock().unwrap()(&bearer(&seen));
            async move { answer }
        }));
        let provider = runtime.block_on(Provider::start(|_| {}));
        Self { computer: Computer::of(Person::who(Choice::Alice)), provider, api, answer, runtime }
    }

    /// A desk at which Alice logged in earlier: so many seconds are left of her token.
    fn logged_in(left: i64) -> (Self, Session) {
        let desk = Self::new();
        let session = desk.runtime.block_on(browser::log_in(&desk.profile(), Choice::Alice));
        let second = |offset| Timestamp::from_second(Timestamp::now().as_second() + offset).unwrap();
        let session =
            Session { issued_at: second(left - LIFETIME), expires_at: Some(second(left)), ..session };
        let kept = desk.runtime.block_on(desk.store().save(&desk.account(), &session));
        assert_eq!(kept, Kept::InKeyring);
        (desk, session)
    }

    /// What the API makes of a token from now on.
    fn api_answers(&self, answer: impl Fn(&str) -> Response + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn text(&self) -> String {
        format!("{}api = \"{}\"\n", profile_text(&self.provider), self.api.url)
    }

    fn profile(&self) -> Profile {
        self.computer.profiles(&self.text()).profiles.remove(0)
    }

    fn account(&self) -> Account {
        Account::of(&self.profile())
    }

    fn store(&self) -> Store {
        Store::over(Arc::clone(&self.computer.vault), self.computer.home.path().join("locks"))
    }

    /// The access token that another window would find.
    fn kept(&self) -> Option<String> {
        let found = self.runtime.block_on(self.store().load(&self.account())).unwrap();
        found.map(|(session, _)| session.access_token.expose().to_owned())
    }

    fn start(&self) -> Window {
        let mut window =
            self.computer.start_with(self.computer.profiles(&self.text()), Arc::clone(&self.computer.vault));
        window.until("the profile", |window| window.state().session.is_some() || window.shows("Log in"));
        window
    }

    /// The window, once it shows who is logged in.
    fn start_logged_in(&self) -> Window {
        let mut window = self.start();
        window.sees(ALICE);
        window
    }

    /// The tokens that the API got, in order.
    fn calls(&self) -> Vec<String> {
        self.api.seen().iter().map(bearer).collect()
    }

    /// The refresh tokens that were sent, in order.
    fn renewals(&self) -> Vec<String> {
        self.posted("/tokens", "refresh_token")
    }

    /// The tokens that were to be revoked, in order.
    fn revoked(&self) -> Vec<String> {
        self.posted("/forget", "token")
    }

    fn posted(&self, path: &str, name: &str) -> Vec<String> {
        let seen = self.provider.server.seen().into_iter().filter(|seen| seen.path == path);
        seen.filter_map(|seen| value(&seen.form(), name).map(str::to_owned)).collect()
    }

    /// Keeps the next renewal waiting for its answer: what comes tells that it was asked for, and the answer is given
    /// when the other end is dropped.
    fn holds_the_next_renewal(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((asked, is_asked), (holds, held)) = (mpsc::channel(), mpsc::channel::<()>());
        let held = Mutex::new(held);
        self.provider.change(|script| {
            script.tokens = bend(move |_| {
                asked.send(()).unwrap();
                // It comes to its end when the other end is dropped.
                let _ = held.lock().unwrap().recv();
            });
        });
        (is_asked, holds)
    }
}

fn bearer(seen: &Seen) -> String {
    seen.header("authorization").unwrap_or_default().trim_start_matches("Bearer ").to_owned()
}

fn welcome() -> Response {
    server::json(200, &json!({ "message": "welcome" }))
}

fn refused(status: u16, challenge: &str) -> Response {
    server::answer(status, ("www-authenticate", &format!("Bearer error={challenge}")), "")
}

fn token(window: &Window) -> &str {
    let session = window.state().session.as_ref();
    session.map(|logged_in| logged_in.session.access_token.expose()).unwrap_or_default()
}

/// Calls the API.
fn call(window: &mut Window) {
    window.fill("URL", "/x");
    window.press("Call API");
}

/// Whether the last renewal failed. (Its headline stays in the timeline.)
fn in_trouble(state: &State) -> bool {
    state.session.as_ref().is_some_and(|logged_in| logged_in.trouble().is_some())
}

/// What the timeline tells, title by title.
fn told(window: &Window) -> Vec<String> {
    window.state().history.entries().map(|entry| entry.title.clone()).collect()
}

// ---- renewing for a call ----

#[test]
fn with_under_a_minute_left_the_token_is_renewed_before_the_one_call() {
    let (desk, _) = Desk::logged_in(50);
    let mut window = desk.start_logged_in();
    assert_eq!(desk.renewals().len(), 0, "nothing is renewed before it is needed");
    call(&mut window);
    window.is_answered("200 OK");
    assert_eq!(desk.calls(), ["access-token-2"]);
    assert_eq!(desk.renewals(), ["refresh-token-1"]);
    assert_eq!(desk.kept().as_deref(), Some("access-token-2"));
    window.settles();
}

#[test]
fn a_call_that_is_refused_is_made_once_more_with_a_new_token_and_both_are_told() {
    let (desk, _) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    // Twice in a row, with rotated tokens.
    for (old, new) in [(1, 2), (2, 3)] {
        let spent = format!("access-token-{old}");
        desk.api_answers(move |token| if token == spent { refused(401, "invalid_token") } else { welcome() });
        let before = told(&window).len();
        call(&mut window);
        window.is_answered("200 OK");
        let told: Vec<_> = window.state().history.entries().skip(before).cloned().collect();
        let calls: Vec<_> = told.iter().filter(|entry| entry.title == "GET /x").collect();
        assert!(calls[0].detail.starts_with("401") && calls[1].detail.starts_with("200"), "{told:#?}");
        assert_eq!(calls.len(), 2);
        assert!(told.iter().any(|entry| entry.detail == "the API answered 401"), "{told:#?}");
        assert!(window.harness.query_all_by_label("GET /x").count() >= 2, "both are on the screen");
        assert_eq!(token(&window), format!("access-token-{new}"));
    }
    assert_eq!(desk.calls(), [1, 2, 2, 3].map(|number| format!("access-token-{number}")));
    assert_eq!(desk.renewals(), ["refresh-token-1", "refresh-token-2"]);
}

#[test]
fn an_api_that_refuses_for_ever_costs_one_renewal_and_one_more_call() {
    let (desk, _) = Desk::logged_in(200);
    desk.api_answers(|_| refused(401, "invalid_token"));
    let mut window = desk.start_logged_in();
    call(&mut window);
    window.is_answered("401 Unauthorized");
    window.settles();
    assert_eq!(desk.calls(), ["access-token-1", "access-token-2"]);
    assert_eq!(desk.renewals().len(), 1);
    assert!(window.shows("Your token is not for this API"), "{:?}", window.shown());
}

#[test]
fn what_a_new_token_cannot_help_is_no_reason_to_renew() {
    for (status, challenge, line) in [
        (403, "insufficient_scope", "403 Forbidden"),
        (401, "insufficient_user_authentication, acr_values=strong", "401 Unauthorized"),
    ] {
        let (desk, _) = Desk::logged_in(200);
        desk.api_answers(move |_| refused(status, challenge));
        let mut window = desk.start_logged_in();
        call(&mut window);
        window.is_answered(line);
        window.settles();
        assert_eq!((desk.calls().len(), desk.renewals().len()), (1, 0), "{challenge}");
    }
}

// ---- at start ----

#[test]
fn a_session_whose_token_lives_is_restored_without_a_word_to_anybody() {
    let (desk, session) = Desk::logged_in(200);
    let before = desk.provider.server.seen().len();
    let mut window = desk.start_logged_in();
    window.settles();
    assert_eq!(desk.provider.server.seen().len(), before);
    assert_eq!(desk.api.seen().len(), 0);
    assert_eq!(token(&window), session.access_token.expose());
}

#[test]
fn a_session_whose_token_has_expired_is_shown_at_once_and_renewed() {
    let (desk, _) = Desk::logged_in(-10);
    let (asked, held) = desk.holds_the_next_renewal();
    let mut window = desk.start_logged_in();
    asked.recv_timeout(support::DEADLINE).unwrap();
    assert!(window.shows(ALICE), "before the answer has come");
    drop(held);
    window.until("the new token", |window| token(window) == "access-token-2");
    assert_eq!(desk.kept().as_deref(), Some("access-token-2"));
    assert_eq!(desk.renewals().len(), 1);
}

// ---- where it does not work ----

#[test]
fn who_is_logged_out_by_the_provider_keeps_their_work_and_goes_on_after_a_log_in() {
    let (desk, _) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    call(&mut window);
    window.is_answered("200 OK");
    desk.provider.change(|script| {
        script.instead("/tokens", || server::json(403, &json!({ "error": "invalid_grant" })));
    });
    window.press("Renew");
    window.sees("Your session was ended by the provider");
    window.settles();
    let all_there = |window: &Window| {
        let url = window.harness.get_by_role_and_label(Role::TextInput, "URL").value();
        window.shows("200 OK") && window.mentions("welcome") && url.as_deref() == Some("/x")
    };
    assert!(window.shows(ALICE) && all_there(&window), "{:?}", window.shown());
    assert_eq!(desk.renewals().len(), 1, "not again");

    desk.provider.change(|script| {
        script.instead.remove("/tokens");
    });
    window.press("Log in again");
    window.until("the log-in", |window| token(window) == "access-token-2");
    assert!(window.shows(ALICE) && all_there(&window), "{:?}", window.shown());
    assert!(!in_trouble(window.state()));
}

#[test]
fn offline_the_person_stays_logged_in_is_told_and_it_is_tried_again_until_it_works() {
    let (mut desk, _) = Desk::logged_in(50);
    let address = desk.provider.server.url.authority().to_owned();
    let mut window = desk.start_logged_in();
    let elsewhere = desk.runtime.block_on(Provider::start(|_| {}));
    drop(std::mem::replace(&mut desk.provider, elsewhere));
    window.until("offline", |_| desk.runtime.block_on(TcpStream::connect(&address)).is_err());

    call(&mut window);
    // The token has some seconds left.
    window.is_answered("200 OK");
    assert_eq!(desk.calls(), ["access-token-1"]);
    window.sees("Your token was not renewed");
    assert!(window.mentions(&format!("Nothing listens at {address}")));
    assert!(window.mentions("You are still logged in") && window.mentions("The next try is at"));
    assert!(window.shows(ALICE));

    let listener = desk.runtime.block_on(TcpListener::bind(&address)).unwrap();
    desk.provider = desk.runtime.block_on(async { Provider::on(listener, |_| {}) });
    desk.provider.rewind(1);
    window.until("the next try", |window| token(window) == "access-token-2");
    assert!(!in_trouble(window.state()) && !window.mentions("The next try is at"));
    window.settles();
}

// ---- who ends it, and where it lands ----

#[test]
fn a_log_out_during_a_renewal_wins() {
    let (desk, _) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    let (asked, held) = desk.holds_the_next_renewal();
    window.press("Renew");
    window.until("the renewal", |_| asked.try_recv().is_ok());
    window.press("Log out");
    window.sees("Log in");
    window.until("it is gone here", |_| desk.computer.vault.is_empty());
    drop(held);
    window.until("the revocations", |window| {
        !window.state().is_running(Work::Revocation) && desk.revoked().len() == 2
    });
    assert!(desk.computer.vault.is_empty());
    assert!(window.state().session.is_none() && !window.shows(ALICE));
    let mut revoked = desk.revoked();
    revoked.sort();
    assert_eq!(revoked, ["refresh-token-1", "refresh-token-2"], "the new one too");
}

#[test]
fn a_renewal_that_a_switch_of_profiles_overtakes_lands_where_it_belongs() {
    let (desk, _) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    let (asked, held) = desk.holds_the_next_renewal();
    window.press("Renew");
    window.until("the renewal", |_| asked.try_recv().is_ok());
    window.take(DEMO);
    window.sees("Log in to Demo");
    drop(held);
    window.until("it is kept", |_| desk.kept().as_deref() == Some("access-token-2"));
    window.settles();
    assert!(window.state().session.is_none() && !window.shows(ALICE));
    window.take("Bent");
    window.sees(ALICE);
    assert_eq!(token(&window), "access-token-2");
}

#[test]
fn who_is_forgotten_on_this_computer_is_still_known_to_the_provider() {
    let (desk, session) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    let before = desk.provider.server.seen().len();
    window.press("Session");
    window.press("Forget on this computer");
    window.sees("Log in");
    window.until("the end", |window| !window.state().is_running(Work::LogOut));
    assert!(desk.computer.vault.is_empty() && window.state().session.is_none());
    assert_eq!(desk.provider.server.seen().len(), before, "the provider is told nothing");
    assert_eq!(desk.computer.person.opened().len(), 0);
    let http = Http::new(|_| {});
    assert!(desk.runtime.block_on(async { Box::pin(session.renewed(&http, &|_| {})).await }).is_ok());
}

#[test]
fn a_provider_that_cannot_be_told_of_a_log_out_is_told_again_and_the_news_then_goes() {
    let (desk, _) = Desk::logged_in(200);
    let mut window = desk.start_logged_in();
    desk.provider.change(|script| script.instead("/forget", || server::json(503, &json!({}))));
    window.press("Log out");
    window.sees("The session that you logged out of may live on at the provider");
    let said = "The provider could not be told yet. Hallpass tries again.";
    assert!(window.mentions(said), "{:?}", window.shown());
    assert!(desk.computer.vault.is_empty(), "it is gone here");
    desk.provider.change(|script| {
        script.instead.remove("/forget");
    });
    window.until("the revocation", |window| !window.state().is_running(Work::Revocation));
    window.until("the news goes", |window| window.state().news.is_none() && !window.mentions(said));
    assert_eq!(desk.revoked(), ["refresh-token-1", "refresh-token-1"]);
}

// ---- the keyring ----

#[test]
fn a_keyring_that_works_on_second_thoughts_keeps_the_session() {
    let desk = Desk::new();
    let (vault, open) = (Arc::clone(&desk.computer.vault), Arc::new(Mutex::new(false)));
    let is_open = Arc::clone(&open);
    let locked = Full::after(0, vault, move || {
        if *is_open.lock().unwrap() { Ok(()) } else { Err(Unavailable::new("the keyring is locked")) }
    });
    let mut window = desk.computer.start_with(desk.computer.profiles(&desk.text()), locked);
    window.log_in_as(ALICE);
    window.sees("Your session could not be kept");
    assert_eq!(desk.kept(), None);
    window.press("Try again");
    window.until("another refusal", |window| {
        told(window).iter().filter(|title| **title == "Logged in for this run only").count() == 2
    });
    *open.lock().unwrap() = true;
    window.press("Try again");
    window.until("it is kept", |_| desk.kept().as_deref() == Some("access-token-1"));
    window.until("the news goes", |window| !window.shows("Your session could not be kept"));
    window.settles();
}

#[test]
fn an_entry_that_is_no_session_is_named_and_set_aside_and_a_log_in_works() {
    let desk = Desk::new();
    let (vault, account) = (&desk.computer.vault, desk.account().to_string());
    vault.set("Hallpass", &account, b"{\"version\":0}").unwrap();
    let mut window = desk.start();
    window.sees("What was kept is no session");
    assert!(window.mentions(&format!("{account} (set aside)")), "{:?}", window.shown());
    assert_eq!(
        vault.get("Hallpass", &format!("{account} (set aside)")).unwrap().as_deref(),
        Some(&b"{\"version\":0}"[..])
    );
    window.settles();
    window.log_in_as(ALICE);
    assert_eq!(desk.kept().as_deref(), Some("access-token-1"));
}
