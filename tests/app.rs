//! The window as a person uses it: the real app, met by the names that a screen reader says.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::{Arc, Condvar, Mutex};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hallpass::api::CallError;
use hallpass::app::state::{Action, Call, Event, State, Turn, Work};
use hallpass::auth::claims::Which;
use hallpass::auth::login::LoginError;
use hallpass::auth::loopback::Refusal;
use hallpass::auth::renewal::Renewed;
use hallpass::auth::session::{Obtained, Session, StepUp, User};
use hallpass::auth::verification::Verification;
use hallpass::config::{DEMO, Loaded, Profile};
use hallpass::demo::Fault;
use hallpass::demo::person::{self, Choice};
use hallpass::secret::Secret;
use hallpass::store::{Kept, Memory, StoreError, Unavailable, Vault};
use jiff::Timestamp;
use serde_json::json;
use support::DEADLINE;
use support::provider::Provider;
use support::server::{self, Server};
use support::window::{Computer, Person, Window, profile_text};
use tokio::runtime::Runtime;
use url::Url;

// ---- the main job ----

#[test]
fn alice_logs_in_and_calls_each_request() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    window.log_in_as("Alice Adams");
    for request in ["Public", "Private", "Private (scoped)"] {
        window.press(request);
        window.press("Call API");
        window.is_answered("200 OK");
        let Call::Ended { response: Some(response), .. } = &window.state().call else { panic!() };
        assert_eq!(response.request.url.as_str(), window.state().draft.url);
    }
    assert!(window.mentions("have a scope of read:messages"), "{:?}", window.shown());
    window.settles();
    assert_eq!(computer.person.opened().len(), 1);
}

#[test]
fn bob_is_told_what_he_lacks() {
    let mut window = Computer::of(Person::who(Choice::Bob)).start();
    window.log_in_as("Bob Brown");
    window.press("Private (scoped)");
    window.press("Call API");
    window.is_answered("403 Forbidden");
    assert!(window.shows("Your token lacks the scope read:messages"), "{:?}", window.shown());
    window.settles();
}

#[test]
fn alice_logs_in_again_for_the_scope_that_the_api_wants_and_the_call_then_works() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let runtime = Runtime::new().unwrap();
    let (demo, profile, _home) = runtime.block_on(support::demo());
    // A profile that does not ask to read messages.
    let loaded = computer.profiles(&format!(
        "[[profile]]\nname = \"Modest\"\nissuer = \"{}\"\nclient_id = \"{}\"\naudience = \"{}\"\napi = \"{}\"\n\
         redirect_ports = [0]\n",
        profile.issuer, demo.client_id, demo.audience, demo.api
    ));
    let mut window = computer.start_with(loaded, Arc::clone(&computer.vault));
    window.log_in_as("Alice Adams");
    window.fill("URL", demo.api.join("api/private-scoped").unwrap().as_str());
    window.press("Call API");
    window.is_answered("403 Forbidden");
    window.press("Log in again asking for read:messages");
    window.until("the scope", |window| {
        let granted = window.state().session.as_ref().map(|logged_in| &logged_in.session.granted);
        granted.is_some_and(|granted| granted.iter().any(|scope| scope == "read:messages"))
    });
    window.press("Call API");
    window.is_answered("200 OK");
    window.settles();
    assert_eq!(computer.person.opened().len(), 2);
}

#[test]
fn who_cancels_is_back_at_the_start_and_a_late_callback_changes_nothing() {
    let computer = Computer::of(Person::default());
    let mut window = computer.start();
    window.press("Log in");
    window.sees("Cancel");
    window.sees("Copy login link");
    window.settles();
    let Some(link) = computer.person.opened().pop() else { panic!("the browser was opened") };
    window.press("Copy login link");
    let copied = egui::OutputCommand::CopyText(link.to_string());
    assert!(window.harness.output().platform_output.commands.contains(&copied));
    window.press("Cancel");
    window.sees("Log in");
    let late = support::raw();
    let redirect_uri = link.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    window.until("the port is closed", |window| {
        window.runtime.block_on(async { late.get(&redirect_uri).send().await }).is_err()
    });
    window.settles();
    assert!(window.shows("Log in") && window.state().session.is_none() && window.state().login.is_none());
    assert!(computer.vault.is_empty());
    computer.person.chooses(Some(Choice::Alice));
    window.log_in_as("Alice Adams");
}

#[test]
fn who_declines_is_told_so_and_may_log_in_again() {
    let computer = Computer::of(Person::who(Choice::Decline));
    let mut window = computer.start();
    window.press("Log in");
    window.sees("You were not logged in");
    assert!(window.mentions("User did not authorize the request"), "{:?}", window.shown());
    assert!(computer.vault.is_empty());
    window.settles();
    computer.person.chooses(Some(Choice::Alice));
    window.press("Log in");
    window.sees("Alice Adams");
    assert!(window.state().news.is_none());
}

#[test]
fn escape_cancels_and_ctrl_l_logs_in() {
    let mut window = Computer::of(Person::default()).start();
    window.until("the demo", |window| window.state().can_log_in());
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::L);
    window.sees("Cancel");
    window.harness.key_press(Key::Escape);
    window.sees("Log in");
    assert!(window.state().login.is_none());
}

#[test]
fn escape_closes_a_menu_or_leaves_a_field_and_does_no_more() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    window.sees("Close");
    for menu in ["Theme", "Provider: Demo"] {
        window.harness.get_by_label(menu).click();
        window.harness.run();
        assert!(egui::Popup::is_any_open(&window.harness.ctx), "{menu}");
        window.harness.key_press(Key::Escape);
        window.harness.run();
        assert!(!egui::Popup::is_any_open(&window.harness.ctx), "{menu}");
        assert!(window.state().settings.is_some(), "{menu}");
    }
    window.fill("Filter the timeline", "demo");
    window.harness.key_press(Key::Escape);
    window.harness.run();
    assert!(window.state().settings.is_some() && !window.harness.ctx.text_edit_focused());
    assert_eq!(window.state().history.filter().text, "demo");
    window.harness.key_press(Key::Escape);
    window.harness.run();
    assert!(window.state().settings.is_none());
}

#[test]
fn who_logs_out_leaves_nothing_behind() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    window.log_in_as("Alice Adams");
    let old = window.state().session.as_ref().unwrap().session.clone();
    assert!(!computer.vault.is_empty());
    window.press("Log out");
    window.sees("Log in");
    window.until("the log-out", |window| !window.state().is_running(Work::LogOut));
    assert!(computer.vault.is_empty());
    assert!(!window.shows("Alice Adams"));
    let renewed = window.runtime.block_on(async { Box::pin(old.renewed(&quiet_http(), &|_| {})).await });
    assert!(renewed.unwrap_err().is_final(), "the provider was told");
    window.settles();
}

fn quiet_http() -> hallpass::http::Http {
    hallpass::http::Http::new(|_| {})
}

#[test]
fn after_a_restart_the_person_is_still_logged_in() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut first = computer.start();
    first.log_in_as("Alice Adams");
    drop(first);
    let mut second = computer.start();
    second.sees("Alice Adams");
    assert_eq!(computer.person.opened().len(), 1, "no browser was opened again");
    second.press("Private");
    second.press("Call API");
    second.is_answered("200 OK");
}

#[test]
fn renewing_brings_a_new_token_and_keeps_it() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    window.log_in_as("Alice Adams");
    let token = |window: &Window| window.state().session.as_ref().unwrap().session.access_token.clone();
    let old = token(&window);
    window.press("Renew");
    window.until("a new token", |window| token(window) != old);
    let new = token(&window);
    drop(window);
    let mut again = computer.start();
    again.sees("Alice Adams");
    assert!(token(&again) == new);
}

// ---- where things are not as they should be ----

/// A keyring that is not there.
struct NoKeyring;

impl Vault for NoKeyring {
    fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Err(Unavailable::absent())
    }
    fn set(&self, _: &str, _: &str, _: &[u8]) -> Result<(), Unavailable> {
        Err(Unavailable::absent())
    }
    fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        Err(Unavailable::absent())
    }
}

#[test]
fn without_a_keyring_the_person_is_told_that_the_login_ends_with_the_window() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start_with(computer.profiles(""), NoKeyring);
    window.log_in_as("Alice Adams");
    assert!(window.mentions("until you close this window"), "{:?}", window.shown());
    window.settles();
    window.press("Log out");
    window.sees("Log in");
    window.until("the log-out", |window| !window.state().is_running(Work::LogOut));
    assert!(window.state().news.is_none(), "{:?}", window.state().news);
}

/// A keyring that gives and takes, and does not let go.
struct Stubborn(Memory);

impl Vault for Stubborn {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.0.get(service, account)
    }
    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        self.0.set(service, account, bytes)
    }
    fn delete(&self, _: &str, _: &str) -> Result<(), Unavailable> {
        Err(Unavailable::new("the keyring is locked"))
    }
}

#[test]
fn a_session_that_cannot_be_removed_is_not_passed_over_in_silence() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start_with(computer.profiles(""), Stubborn(Memory::default()));
    window.log_in_as("Alice Adams");
    window.press("Log out");
    window.sees("The session may still be kept on this computer");
}

/// A keyring that keeps nothing before it is opened, as one that asks for its password.
#[derive(Default)]
struct Asking {
    inner: Memory,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Asking {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl Vault for Asking {
    fn get(&self, service: &str, account: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.inner.get(service, account)
    }
    fn set(&self, service: &str, account: &str, bytes: &[u8]) -> Result<(), Unavailable> {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_timeout_while(open, DEADLINE, |open| !*open).unwrap());
        self.inner.set(service, account, bytes)
    }
    fn delete(&self, service: &str, account: &str) -> Result<(), Unavailable> {
        self.inner.delete(service, account)
    }
}

#[test]
fn a_log_out_while_the_session_is_still_being_kept_leaves_nothing_behind() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let vault = Arc::new(Asking::default());
    let mut window = computer.start_with(computer.profiles(""), Arc::clone(&vault));
    window.press("Log in");
    window.sees("Alice Adams");
    window.press("Log out");
    window.sees("Log in");
    vault.open();
    window.until("the log-out", |window| !window.state().is_running(Work::LogOut));
    assert!(vault.inner.is_empty());
}

#[test]
fn an_api_that_is_not_there_is_explained_and_can_be_called_again() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.fill("URL", "http://127.0.0.1:9/");
    window.press("Call API");
    window.press("Call without the token");
    window.sees("Nothing listens at 127.0.0.1:9");
    window.press("Call again");
}

// ---- where the token goes ----

#[test]
fn another_origin_gets_the_token_only_if_the_person_says_so() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    let elsewhere = window.runtime.block_on(Server::start(async |_| server::json(200, &json!({}))));
    window.log_in_as("Alice Adams");

    window.fill("URL", &elsewhere.at("/x"));
    window.press("Call API");
    window.sees("Send your token there?");
    window.settles();
    assert_eq!(elsewhere.seen().len(), 0, "nothing is sent before the answer");

    window.press("Call without the token");
    window.is_answered("200 OK");
    assert_eq!(elsewhere.seen()[0].header("authorization"), None);

    window.press("Call API");
    window.press("Do not call");
    window.until("nothing is called", |window| matches!(window.state().call, Call::None));
    assert_eq!(elsewhere.seen().len(), 1);

    window.press("Call API");
    let origin = elsewhere.url.origin().ascii_serialization();
    window.press(&format!("Send the token to {origin}"));
    window.is_answered("200 OK");
    let token = window.state().session.as_ref().unwrap().session.access_token.clone();
    assert_eq!(elsewhere.seen()[1].header("authorization"), Some(&*format!("Bearer {}", token.expose())));
}

#[test]
fn enter_in_the_url_field_calls() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.fill("URL", "/api/private");
    window.harness.key_press(Key::Enter);
    window.is_answered("200 OK");
}

#[test]
fn a_url_without_its_scheme_is_answered_with_the_right_one() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let url = window.state().draft.url.clone();
    window.fill("URL", url.trim_start_matches("http://"));
    window.press("Call API");
    window.press(&format!("Use {url}"));
    window.until("the URL", |window| window.state().draft.url == url);
    let field = window.harness.get_by_role_and_label(Role::TextInput, "URL").value();
    assert_eq!(field, Some(url));
    window.press("Call API");
    window.is_answered("200 OK");
}

#[test]
fn a_call_that_takes_too_long_can_be_cancelled() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    let slow = window.runtime.block_on(Server::start(async |_| server::endless("{")));
    window.log_in_as("Alice Adams");
    window.fill("URL", &slow.at("/"));
    window.press("Call API");
    window.press("Call without the token");
    window.until("the request", |_| slow.seen().len() == 1);
    window.press("Cancel");
    window.until("the end", |window| matches!(window.state().call, Call::None | Call::Ended { .. }));
    window.sees("Call API");
}

// ---- profiles ----

#[test]
fn a_profile_that_is_added_is_written_to_the_file_and_used() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    let provider = window.runtime.block_on(Provider::start(|_| {}));
    window.take("New profile…");
    window.sees("Save");
    window.settles();
    window.press("Save");
    window.sees("Not saved yet: see what is marked above.");
    for (field, text) in [
        ("Name", "Bent"),
        ("Issuer", provider.server.url.as_str()),
        ("Client ID", "the-client"),
        ("Redirect ports", "0"),
    ] {
        window.fill(field, text);
    }
    window.press("Save");
    window.sees("Log in to Bent");
    let text = std::fs::read_to_string(computer.home.path().join("hallpass.toml")).unwrap();
    assert!(text.contains("name = \"Bent\"") && text.contains(provider.server.url.as_str()), "{text}");
    window.log_in_as("Alice of user info");
    let Some(opened) = computer.person.opened().pop() else { panic!("the browser was opened") };
    assert_eq!(opened.origin(), provider.server.url.origin());
}

#[test]
fn switching_profiles_shows_the_other_one_and_never_mixes_the_two() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let runtime = Runtime::new().unwrap();
    let provider = runtime.block_on(Provider::start(|_| {}));
    let loaded = computer.profiles(&profile_text(&provider));
    let mut window = computer.start_with(loaded, Arc::clone(&computer.vault));
    window.log_in_as("Alice of user info");
    window.take(DEMO);
    window.sees("Log in to Demo");
    assert!(!window.shows("Alice of user info") && window.state().session.is_none());
    window.log_in_as("Alice Adams");
    window.take("Bent");
    window.sees("Alice of user info");
    assert!(!window.shows("Alice Adams"));
    window.take(DEMO);
    window.sees("Alice Adams");
    assert!(!window.shows("Alice of user info"));
    assert_eq!(computer.person.opened().len(), 2, "each logged in once");
}

#[test]
fn an_attempt_that_was_left_behind_by_a_switch_logs_nobody_in() {
    let computer = Computer::of(Person::default());
    let runtime = Runtime::new().unwrap();
    let provider = runtime.block_on(Provider::start(|_| {}));
    let loaded = computer.profiles(&profile_text(&provider));
    let mut window = computer.start_with(loaded, Arc::clone(&computer.vault));
    window.press("Log in");
    window.sees("Copy login link");
    let Some(link) = computer.person.opened().pop() else { panic!("the browser was opened") };
    window.take(DEMO);
    window.sees("Log in to Demo");
    let visit = runtime.block_on(person::visit(link.as_str(), Choice::Alice));
    assert!(visit.is_err(), "nobody listens any more");
    window.settles();
    assert!(window.state().session.is_none() && computer.vault.is_empty());
    assert_eq!(provider.server.count("/tokens"), 0);
}

// ---- rest and names ----

#[test]
fn both_screens_come_to_rest_and_every_input_has_a_name() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.until("the demo", |window| window.state().can_log_in());
    window.settles();
    window.log_in_as("Alice Adams");
    window.until("the picture", |window| window.shows("Picture of Alice Adams"));
    window.settles();
    window.press("Call API");
    window.is_answered("200 OK");
    for tab in ["Headers", "Request", "Token", "ID token", "Checks", "Body"] {
        window.press(tab);
        window.settles();
    }
    window.harness.get_by_label("Headers and body").click();
    window.settles();
    assert!(window.shows("Request headers") && window.shows("Request body"));
    window.press("Settings");
    window.sees("New profile");
    window.settles();
    window.press("New profile");
    window.press("Add a request");
    window.settles();
    window.press("Close");
    window.sees("Alice Adams");
    window.settles();
}

// ---- tokens and checks ----

#[test]
fn the_tokens_can_be_looked_at_before_any_call_and_never_show_themselves() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.sees("Nothing called yet");
    window.press("Token");
    window.sees("https://api.hallpass.demo");
    for shown in ["alg", "RS256", "aud", "exp", "scope", "read:messages", "hallpass-demo"] {
        assert!(window.shows(shown), "{shown}: {:?}", window.shown());
    }
    assert!(
        window.mentions("A signed JWT · ••••") && window.mentions("in 4 min, at "),
        "{:?}",
        window.shown()
    );
    let exp = window.harness.get_by_label("exp").accesskit_node().data().description().map(str::to_owned);
    assert_eq!(exp.as_deref(), Some("Expiry: from when it must be refused (RFC 7519)."));
    window.harness.get_by_label("exp").focus();
    window.sees("Expiry: from when it must be refused (RFC 7519).");
    window.settles();
    window.press("ID token");
    window.sees("at_hash");
    assert!(window.shows("alice@hallpass.demo") && window.mentions("••••, 22 characters"));
    let nonce = link_parameter(&window, "nonce");
    assert!(!window.mentions(&nonce), "the nonce is on the screen");
    assert!(
        !format!("{:?}", window.state()).contains(&nonce),
        "the nonce is in the state as it prints itself"
    );
    window.settles();
}

/// A parameter of the link that the browser was last opened with.
fn link_parameter(window: &Window, name: &str) -> String {
    let links = window.person.opened();
    let pairs = links.last().unwrap().query_pairs();
    pairs.into_iter().find(|(its, _)| its == name).unwrap().1.into_owned()
}

#[test]
fn a_token_is_copied_only_after_a_second_thought() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let token = window.state().session.as_ref().unwrap().session.access_token.clone();
    let copy = egui::OutputCommand::CopyText(token.expose().to_owned());
    let copied = |window: &Window| window.harness.output().platform_output.commands.contains(&copy);
    window.press("Token");
    window.press("Copy token");
    assert!(!copied(&window));
    window.sees("Copy the access token?");
    window.settles();
    window.press("Do not copy");
    window.until("the question", |window| !window.shows("Copy the access token?"));
    window.press("Copy token");
    window.press("Copy it");
    assert!(copied(&window));
    window.harness.step();
    assert!(!window.shows("Copy the access token?"));
}

#[test]
fn a_token_that_is_not_what_was_asked_for_says_where() {
    let mut state = state();
    let part = |value: serde_json::Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let claims = json!({ "iss": "http://127.0.0.1:8700/", "aud": "another", "exp": 1 });
    let token = format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(claims));
    state.apply(Event::Began(1, Work::Login));
    state.apply(Event::LoggedIn(1, Ok(Box::new(session(&token)))));
    let logged_in = state.session.as_ref().unwrap();
    let found = logged_in.access_token.differences(
        Which::Access,
        &logged_in.session,
        state.profile(),
        Timestamp::now(),
    );
    let parts: Vec<_> = found.iter().map(|found| found.part).collect();
    assert_eq!(parts, ["aud", "exp"]);
}

#[test]
fn every_check_of_the_login_can_be_seen_and_then_those_of_a_renewal() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.press("Checks");
    window.sees("13 passed · 2 not made");
    for check in
        ["Answer to this login: passed", "Nonce: passed", "Signature: passed", "Time of login: not made"]
    {
        assert!(window.shows(check), "{check}: {:?}", window.shown());
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(!window.mentions(&link_parameter(&window, name)), "{name} is on the screen");
    }
    window.settles();
    window.press("Renew");
    window.sees("9 passed · 6 not made");
    assert!(window.shows("13 passed · 2 not made"), "those of the login stay");
    window.press("Log out");
    window.sees("Log in");
    assert!(window.state().verification.login.is_none() && window.state().verification.renewal.is_none());
}

#[test]
fn after_a_restart_the_checks_say_that_none_were_made_yet() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut first = computer.start();
    first.log_in_as("Alice Adams");
    drop(first);
    let mut window = computer.start();
    window.sees("Alice Adams");
    window.press("Checks");
    window.sees("Nothing checked in this run yet");
}

#[test]
fn a_rejected_id_token_leads_to_every_check_of_the_login() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let runtime = Runtime::new().unwrap();
    let provider = runtime.block_on(Provider::start(|script| {
        script.claims = support::provider::bend(|claims| claims["nonce"] = json!("canary-nonce"));
    }));
    let loaded = computer.profiles(&profile_text(&provider));
    let mut window = computer.start_with(loaded, Arc::clone(&computer.vault));
    window.press("Log in");
    window.sees("The ID token was rejected");
    window.press("See every check");
    window.sees("Nonce: failed");
    for shown in ["10 passed · 1 failed · 4 not reached", "Signature: passed", "Person: not reached"] {
        assert!(window.shows(shown), "{shown}: {:?}", window.shown());
    }
    assert!(!window.mentions("canary-nonce") && !window.mentions(&link_parameter(&window, "nonce")));
    window.settles();
    window.press("Hide the checks");
    window.sees("See every check");
    assert!(!window.shows("Nonce: failed"));
    provider.change(|script| script.claims = support::provider::bend(|_| {}));
    window.log_in_as("Alice of user info");
    window.press("Token");
    window.sees("Give the profile an audience");
    assert!(window.mentions("No audience was asked for"), "{:?}", window.shown());
    window.settles();
}

// ---- the demo's faults ----

#[test]
fn a_fault_at_login_is_explained_and_the_login_works_once_it_is_off() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.until("the demo", |window| window.state().can_log_in());
    for (fault, headline) in [
        ("Declined", "You were not logged in"),
        ("Bad nonce", "The ID token was rejected"),
        ("Provider 429", "The provider did not exchange the code"),
        ("Provider 500", "The provider did not exchange the code"),
    ] {
        window.turn(fault);
        window.press("Log in");
        window.until(headline, |window| window.state().login.is_none() && window.shows(headline));
        window.settles();
        window.press("Dismiss");
    }
    window.turn("Key rotated");
    window.log_in_as("Alice Adams");
    let fetched = window.state().history.entries().filter(|entry| entry.title == "Fetched its keys");
    assert_eq!(fetched.count(), 5 + 1, "once a login, and once more for the new key");
    window.press("Log out");
    window.turn("None");
    window.log_in_as("Alice Adams");
}

#[test]
fn a_callback_with_a_wrong_state_leaves_the_login_waiting_and_cancel_is_the_way_on() {
    let computer = Computer::of(Person::default());
    let mut window = computer.start();
    window.until("the demo", |window| window.state().can_log_in());
    window.turn("Wrong state");
    window.press("Log in");
    window.sees("Waiting for you in the browser");
    let link = computer.person.opened().pop().unwrap();
    let visit = window.runtime.block_on(person::visit(link.as_str(), Choice::Alice));
    assert_eq!(visit.ok().unwrap().status.as_u16(), 400);
    window.sees("Ignored a callback that was not ours");
    assert!(window.mentions("its state is not the one of this login"), "{:?}", window.shown());
    assert!(window.shows("Waiting for you in the browser"));
    window.press("Cancel");
    window.turn("None");
    computer.person.chooses(Some(Choice::Alice));
    window.log_in_as("Alice Adams");
}

#[test]
fn a_fault_at_a_call_is_explained_and_the_call_works_once_it_is_off() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.press("Private (scoped)");
    for (fault, status, headline) in [
        ("Missing scope", "403 Forbidden", "Your token lacks the scope read:messages"),
        ("Wrong audience", "401 Unauthorized", "Your token is for another API"),
        ("Opaque token", "401 Unauthorized", "The API cannot read your token"),
        ("Expired token", "401 Unauthorized", "Your token has expired"),
        ("API 429", "429 Too Many Requests", "The API wants to be left alone for a while"),
        ("API 500", "500 Internal Server Error", "The API failed"),
    ] {
        window.turn(fault);
        let old = window.state().session.as_ref().unwrap().session.clone();
        window.press("Renew");
        window.until("a token", |window| window.state().session.as_ref().unwrap().session != old);
        window.press("Call API");
        window.is_answered(status);
        assert!(window.shows(headline), "{fault}: {:?}", window.shown());
        window.settles();
    }
    window.turn("API unreachable");
    window.press("Call API");
    window.until("the refusal", |window| window.mentions("Nothing listens at 127.0.0.1"));
    window.turn("None");
    window.press("Call API");
    window.is_answered("200 OK");
    window.settles();
}

#[test]
fn checks_of_one_profile_are_not_shown_under_another() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login)]);
    let checks = Verification::of_login();
    state.apply(Event::Stepped(1, hallpass::auth::Step::Checked(checks)));
    assert!(state.verification.login.is_some());
    state.apply(Event::Did(Action::SwitchProfile("Other".to_owned())));
    assert!(state.verification.login.is_none());
}

#[test]
fn a_slow_demo_leaves_the_window_free_and_a_wrong_clock_is_told() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.turn("Slow");
    window.press("Call API");
    window.sees("Cancel");
    window.is_answered("200 OK");
    window.turn("Clock skew");
    window.press("Renew");
    window.until("the clock", |window| window.mentions("This computer's clock is 60 min behind"));
    window.turn("None");
    window.press("Renew");
    window.until("no clock", |window| !window.mentions("This computer's clock"));
    window.press("Call API");
    window.is_answered("200 OK");
    window.settles();
}

#[test]
fn a_fault_at_a_renewal_is_explained_and_only_reuse_ends_the_session() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let renewable = |window: &Window| window.state().session.as_ref().unwrap().is_renewable();
    for (fault, headline, ends) in [
        ("Provider 429", "The provider did not renew the session", false),
        ("Reuse detected", "Your session was ended: a refresh token was used twice", true),
        ("Provider 500", "The provider did not renew the session", false),
    ] {
        window.turn(fault);
        window.press("Renew");
        window.until(headline, |window| !window.state().is_running(Work::Renewal) && window.shows(headline));
        assert_eq!(renewable(&window), !ends, "{fault}");
        window.settles();
        if ends {
            window.turn("None");
            window.press("Log in again");
            window.until("a new session", renewable);
        }
    }
}

#[test]
fn what_another_window_turned_on_is_shown_once_the_menu_is_opened_and_never_for_another_profile() {
    let computer = Computer::of(Person::default());
    let loaded = computer.profiles(
        "[[profile]]\nname = \"Other\"\nissuer = \"http://127.0.0.1:9/\"\nclient_id = \"c\"\napi = \"http://127.0.0.1:9/\"\n",
    );
    let mut window = computer.start_with(loaded, Arc::clone(&computer.vault));
    window.take(DEMO);
    window.until("the demo", |window| window.state().can_log_in());
    let switch = window.demo.lock().unwrap().as_ref().unwrap().switch();
    window.runtime.block_on(switch.set(Some(Fault::Slow))).unwrap();
    window.press("Faults");
    window.sees("Fault: slow");
    window.press("None");
    window.sees("Faults");
    assert_eq!(window.runtime.block_on(switch.look()).unwrap(), None);
    window.take("Other");
    window.until("no menu", |window| window.shows("Log in to Other") && !window.shows("Faults"));
}

#[test]
fn a_demo_that_cannot_be_told_is_no_reason_to_show_a_fault() {
    let mut state = state();
    let failed = |task, turn| Event::FaultIs(task, turn, Err("the demo does not answer".to_owned()));
    apply(&mut state, [Event::Began(1, Work::Fault), failed(1, Turn::Look)]);
    assert!(state.fault.is_none() && state.news.is_none(), "nobody asked");
    apply(&mut state, [Event::Began(2, Work::Fault), failed(2, Turn::On("slow"))]);
    assert!(state.fault.is_none());
    assert_eq!(state.news.unwrap().headline, "The demo's fault could not be switched");
}

// ---- the state alone ----

fn state() -> State {
    let api = Url::parse("http://127.0.0.1:8701/").unwrap();
    let demo = Profile::demo("http://127.0.0.1:8700/", "hallpass-demo", "https://api.hallpass.demo", &api);
    let other = Profile { name: "Other".to_owned(), issuer: "https://other/".to_owned(), ..demo.clone() };
    let start = DEMO.to_owned();
    let loaded = Loaded { profiles: vec![other], start, overridden: false, problems: Vec::new(), file: None };
    State::new(demo, loaded)
}

fn session(token: &str) -> Session {
    Session {
        issuer: "http://127.0.0.1:8700/".to_owned(),
        client_id: "hallpass-demo".to_owned(),
        access_token: Secret::new(token),
        refresh_token: Some(Secret::new("refresh")),
        id_token: None,
        asked: Vec::new(),
        granted: Vec::new(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        user: User { subject: "alice".to_owned(), name: None, email: None, picture: None },
        obtained: Obtained::ByLogin,
        step_up: StepUp::default(),
        acr: None,
        auth_time: None,
    }
}

fn apply(state: &mut State, events: impl IntoIterator<Item = Event>) {
    for event in events {
        state.apply(event);
    }
}

fn logged_in(task: u64) -> Event {
    Event::LoggedIn(task, Ok(Box::new(session("token"))))
}

fn renewed(task: u64) -> Event {
    let renewed = Renewed { session: session("renewed"), kept: Kept::InKeyring };
    Event::Renewed(task, Ok(Box::new(renewed)))
}

fn token(state: &State) -> Option<&str> {
    state.session.as_ref().map(|logged_in| logged_in.session.access_token.expose())
}

fn no_call() -> CallError {
    CallError::UnfitToken
}

#[test]
fn a_cancelled_login_changes_nothing_however_it_ends() {
    let refusal = Refusal { error: "access_denied".to_owned(), description: None, uri: None };
    for late in [logged_in(1), Event::LoggedIn(1, Err(LoginError::Refused(refusal)))] {
        let mut state = state();
        apply(&mut state, [Event::Began(1, Work::Login), Event::Did(Action::CancelLogin)]);
        let entries = state.history.count();
        apply(&mut state, [late, Event::Stepped(1, hallpass::auth::Step::OpenedBrowser)]);
        assert!(state.session.is_none() && state.login.is_none() && state.news.is_none());
        assert_eq!(state.history.count(), entries);
    }
}

#[test]
fn a_login_that_was_replaced_does_not_end_the_one_that_replaced_it() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), Event::Began(2, Work::Login), logged_in(1)]);
    assert!(state.session.is_none());
    assert_eq!(state.login.as_ref().map(|attempt| attempt.task), Some(2));
    state.apply(logged_in(2));
    assert_eq!(token(&state), Some("token"));
    state.apply(Event::LoggedIn(2, Ok(Box::new(session("again")))));
    assert_eq!(token(&state), Some("token"), "a task ends once");
}

#[test]
fn a_session_that_is_read_late_does_not_replace_a_login() {
    let mut state = state();
    let restored = Event::Restored(1, Ok(Some((session("old"), Kept::InKeyring))));
    apply(&mut state, [Event::Began(1, Work::Restore), Event::Began(2, Work::Login), restored]);
    assert!(state.session.is_none() && state.login.is_some());
}

#[test]
fn a_session_of_another_provider_is_not_restored() {
    let mut state = state();
    let foreign = Session { issuer: "https://other/".to_owned(), ..session("foreign") };
    apply(
        &mut state,
        [Event::Began(1, Work::Restore), Event::Restored(1, Ok(Some((foreign, Kept::InKeyring))))],
    );
    assert!(state.session.is_none());
}

#[test]
fn a_renewal_that_ends_after_the_log_out_brings_nobody_back() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1), Event::Began(2, Work::Renewal)]);
    apply(&mut state, [Event::Did(Action::LogOut), Event::Began(3, Work::LogOut)]);
    state.apply(renewed(2));
    assert!(state.session.is_none());
}

#[test]
fn a_renewal_never_lands_in_another_profile() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1), Event::Began(2, Work::Renewal)]);
    apply(&mut state, [Event::Did(Action::SwitchProfile("Other".to_owned()))]);
    apply(&mut state, [renewed(2)]);
    assert!(state.session.is_none() && state.profile().name == "Other");
}

#[test]
fn a_login_never_lands_in_another_profile() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), Event::Did(Action::SwitchProfile("Other".to_owned()))]);
    apply(&mut state, [logged_in(1)]);
    assert!(state.session.is_none() && state.login.is_none());
}

#[test]
fn a_call_that_was_cancelled_or_replaced_changes_nothing() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Call), Event::Did(Action::CancelCall)]);
    apply(&mut state, [Event::Called(1, Err(no_call()))]);
    assert!(matches!(state.call, Call::None));
    apply(&mut state, [Event::Began(2, Work::Call), Event::Began(3, Work::Call)]);
    apply(&mut state, [Event::Called(2, Err(no_call()))]);
    assert!(matches!(state.call, Call::Running { task: 3, renewed: false, .. }));
    apply(&mut state, [Event::Called(3, Err(no_call()))]);
    assert!(matches!(state.call, Call::Ended { .. }));
}

#[test]
fn a_log_in_as_somebody_else_forgets_what_the_last_one_was_told() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1)]);
    apply(&mut state, [Event::Began(2, Work::Call), Event::Called(2, Err(no_call()))]);
    apply(&mut state, [Event::Began(3, Work::Login), logged_in(3)]);
    assert!(matches!(state.call, Call::None));
}

#[test]
fn trust_in_an_origin_ends_with_the_profile() {
    let mut state = state();
    let elsewhere = "https://elsewhere.example/";
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1)]);
    let draft = hallpass::api::request::Draft { url: elsewhere.to_owned(), ..state.draft.clone() };
    state.apply(Event::Did(Action::Edit(draft.clone())));
    assert!(state.outgoing(true).is_err());
    state.apply(Event::Did(Action::SendTokenTo("https://elsewhere.example".to_owned())));
    assert!(state.outgoing(true).unwrap().token.is_some());
    assert!(state.outgoing(false).unwrap().token.is_none());
    for profile in ["Other", DEMO] {
        state.apply(Event::Did(Action::SwitchProfile(profile.to_owned())));
    }
    apply(&mut state, [Event::Began(2, Work::Login), logged_in(2), Event::Did(Action::Edit(draft))]);
    assert!(state.outgoing(true).is_err());
}

#[test]
fn a_session_that_stays_on_the_computer_is_said_even_when_the_provider_was_told() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1)]);
    apply(&mut state, [Event::Began(2, Work::LogOut), Event::Did(Action::LogOut)]);
    let locked = StoreError::Unavailable(Unavailable::new("the keyring is locked"));
    apply(&mut state, [Event::Forgotten(2, Err(locked)), Event::Revoked(3, Ok(()))]);
    assert_eq!(state.news.unwrap().headline, "The session may still be kept on this computer");
}

#[test]
fn a_question_about_one_request_is_not_answered_for_another() {
    let mut state = state();
    apply(&mut state, [Event::Began(1, Work::Login), logged_in(1)]);
    let elsewhere =
        hallpass::api::request::Draft { url: "https://elsewhere.example/".to_owned(), ..state.draft.clone() };
    for change in [Action::Edit(state.draft.clone()), Action::ChooseRequest(0)] {
        apply(&mut state, [Event::Did(Action::Edit(elsewhere.clone())), Event::Did(Action::CallApi)]);
        assert!(
            matches!(&state.call, Call::Asking { origin, safe: true } if origin == "https://elsewhere.example")
        );
        state.apply(Event::Did(change));
        assert!(matches!(state.call, Call::None));
    }
}

#[test]
fn a_task_that_dies_is_said_and_no_longer_waited_for() {
    for work in [Work::Login, Work::Call, Work::Renewal] {
        let mut state = state();
        apply(&mut state, [Event::Began(1, work), Event::Died(1)]);
        assert!(state.login.is_none() && matches!(state.call, Call::None) && !state.is_running(work));
        assert!(state.news.take().is_some());
        state.apply(Event::Died(1));
        assert!(state.news.is_none(), "once");
    }
}

// ---- the doctor ----

#[test]
fn the_doctor_examines_the_demo_and_leads_to_the_login() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    window.press("Check the setup");
    window.until("the end", |window| window.state().doctor.as_ref().is_some_and(|found| found.len() == 14));
    window.until("the summary", |window| !window.state().is_running(Work::Examine));
    for check in ["Signing keys", "Callback ports", "API wants a token"] {
        assert!(window.shows(check), "{:?}", window.shown());
    }
    assert!(window.mentions("GET /api/private is answered 401 Unauthorized"), "{:?}", window.shown());
    window.settles();
    assert!(computer.vault.is_empty() && computer.person.opened().is_empty());
    window.press("Copy as text");
    let copied = &window.harness.output().platform_output.commands;
    assert!(
        matches!(&copied[..], [egui::OutputCommand::CopyText(text)] if text.contains("✓ Signing keys")),
        "{copied:?}"
    );
    window.press("Log in");
    window.sees("Alice Adams");
    assert!(window.state().doctor.is_none());
}

#[test]
fn what_a_login_failed_for_is_mended_and_the_login_made_at_two_presses() {
    let runtime = Runtime::new().unwrap();
    let (_demo, profile, _home) = runtime.block_on(support::demo());
    let computer = Computer::of(Person::who(Choice::Alice));
    let text = format!(
        "[[profile]]\nname = \"Mine\"\nissuer = \"{}\"\nclient_id = \"{}\"\nredirect_ports = [0]\n",
        profile.issuer.trim_end_matches('/'),
        profile.client_id
    );
    let mut window = computer.start_with(computer.profiles(&text), Arc::clone(&computer.vault));
    window.press("Log in");
    window.sees("The issuer is not spelled as the provider spells it");
    window.press(&format!("Use the issuer {}", profile.issuer));
    window.press("Save and log in");
    window.sees("Alice Adams");
    assert_eq!(window.state().profile().issuer, profile.issuer);
}

#[test]
fn what_the_doctor_finds_wrong_is_mended_in_the_settings_and_examined_again() {
    let runtime = Runtime::new().unwrap();
    let (_demo, profile, _home) = runtime.block_on(support::demo());
    let computer = Computer::of(Person::default());
    let text = format!(
        "[[profile]]\nname = \"Mine\"\nissuer = \"{}\"\nclient_id = \"c\"\nredirect_ports = [0]\n",
        profile.issuer.trim_end_matches('/')
    );
    let mut window = computer.start_with(computer.profiles(&text), Arc::clone(&computer.vault));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::D);
    window.sees("The issuer is not spelled as the provider spells it");
    window.sees("One check failed");
    window.settles();
    assert!(!window.shows("Log in"), "nobody is sent into a login that cannot work");
    window.press(&format!("Use the issuer {}", profile.issuer));
    window.sees("Client ID");
    window.press("Save");
    window.until("another examination", |window| {
        let issuer = |window: &Window| window.state().profile().issuer.clone();
        issuer(window) == profile.issuer
            && window.state().doctor.as_ref().is_some_and(|found| found.len() == 14)
    });
    assert!(!window.shows("One check failed"), "{:?}", window.shown());
    window.harness.key_press(Key::Escape);
    window.sees("Log in");
    assert!(window.state().doctor.is_none());
}
