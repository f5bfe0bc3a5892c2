//! What a room sees: in a presentation nothing personal or secret leaves the window, and nothing secret ever does.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use egui::{Key, OutputCommand, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hallpass::app::report::{self, Format};
use hallpass::demo::person::Choice;
use support::window::{Computer, Person, Window};

/// Everything that can be read of the window: what is painted, and what a screen reader says.
fn readable(window: &Window) -> String {
    fn read(shape: &Shape, texts: &mut Vec<String>) {
        match shape {
            Shape::Text(text) => texts.push(text.galley.text().to_owned()),
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| read(shape, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    window.harness.output().shapes.iter().for_each(|clipped| read(&clipped.shape, &mut texts));
    assert!(!texts.is_empty(), "nothing is painted");
    for node in window.harness.root().children_recursive() {
        let node = node.accesskit_node();
        texts.extend(
            [node.label(), node.value(), node.data().description().map(str::to_owned)].into_iter().flatten(),
        );
    }
    texts.join("\n")
}

/// The tokens of the session.
fn secrets(window: &Window) -> Vec<String> {
    let session = &window.state().session.as_ref().unwrap().session;
    let tokens = [Some(&session.access_token), session.refresh_token.as_ref(), session.id_token.as_ref()];
    tokens.into_iter().flatten().map(|token| token.expose().to_owned()).collect()
}

fn press_if_there(window: &mut Window, name: &str) {
    if window.harness.query_all_by_label(name).next().is_some() {
        window.press(name);
        window.harness.run();
    }
}

#[test]
fn in_a_presentation_nothing_personal_or_secret_can_be_read_on_any_screen() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.press("Present");
    window.harness.run();
    assert!(window.mentions("Nobody is logged in yet"));
    window.press("Log in");
    window.until("the login", |window| window.state().session.as_ref().is_some_and(|it| it.kept.is_some()));
    window.press("Private");
    window.press("Call API");
    window.is_answered("200 OK");
    let mut hidden = secrets(&window);
    let personal = ["Alice Adams", "Alice", "alice@hallpass.demo", "auth0|alice", "hallpass-demo"];
    hidden.extend(personal.map(str::to_owned));
    let numbers: Vec<_> = window.state().history.entries().map(|entry| entry.number).collect();
    let check = |window: &Window, screen: &str| {
        let text = readable(window);
        for word in &hidden {
            assert!(!text.contains(word.as_str()), "{word} can be read on {screen}:\n{text}");
        }
    };
    check(&window, "the API screen");
    for screen in ["Session", "Headers", "Request", "Token", "ID token", "Access token", "Checks", "Sequence"]
    {
        press_if_there(&mut window, screen);
        check(&window, screen);
    }
    window.harness.key_press(Key::Escape);
    window.harness.run();
    // There is room for the timeline beside it then.
    window.harness.ctx.set_zoom_factor(1.0);
    window.harness.run();
    let mut opened = 0;
    for number in numbers {
        let entry = window.state().history.numbered(number).unwrap().clone();
        let name = format!("{}: {}", entry.title, entry.detail);
        let Some(node) = window.harness.query_all_by_label(&name).next() else { continue };
        node.click();
        window.harness.run();
        opened += usize::from(window.state().opened.is_some());
        check(&window, &name);
        press_if_there(&mut window, "Reveal the secrets");
        check(&window, &name);
        press_if_there(&mut window, "Copy as curl");
        for command in &window.harness.output().platform_output.commands {
            let OutputCommand::CopyText(copied) = command else { continue };
            assert!(hidden.iter().all(|word| !copied.contains(word.as_str())), "{copied}");
        }
        window.harness.key_press(Key::Escape);
        window.harness.run();
    }
    assert!(opened > 3, "{opened} entries were opened");

    window.harness.key_press(Key::F5);
    window.harness.run();
    assert!(!window.state().presenting && readable(&window).contains("Alice Adams"));
}

#[test]
fn who_starts_over_has_a_clean_demo() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let mut window = computer.start();
    window.log_in_as("Alice Adams");
    window.harness.key_press(Key::F9);
    window.harness.run();
    assert!(window.state().session.is_some(), "only a presentation starts over");
    window.press("Present");
    window.harness.key_press(Key::F9);
    window.sees("Log in");
    window.until("nothing is left", |_| computer.vault.is_empty());
    assert!(window.state().presenting);
}

#[test]
fn whoever_starts_over_on_another_profile_gets_the_demo_and_what_was_said_of_them_stays_hidden() {
    let computer = Computer::of(Person::who(Choice::Alice));
    let loaded = computer.profiles(
        "[[profile]]\nname = \"Other\"\nissuer = \"http://127.0.0.1:9/\"\nclient_id = \"canary-client\"\n",
    );
    let mut window = computer.start_with(loaded, std::sync::Arc::clone(&computer.vault));
    window.press("Present");
    window.harness.key_press(Key::F9);
    window.press("Log in");
    window.until("the login", |window| window.state().session.as_ref().is_some_and(|it| it.kept.is_some()));
    window.press("Log out");
    window.sees("Log in");
    window.harness.ctx.set_zoom_factor(1.0);
    window.harness.run();
    let name = "Read your user info: user info · 200";
    window.until(name, |window| window.shows(name));
    window.harness.get_by_label(name).click();
    window.harness.run();
    let text = readable(&window);
    assert!(
        text.contains("content-type") && !text.contains("Alice") && !text.contains("canary-client"),
        "{text}"
    );
}

#[test]
fn no_secret_stands_in_the_timeline_or_in_what_is_exported_of_it() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.press("Private");
    window.press("Call API");
    window.is_answered("200 OK");
    let old = secrets(&window);
    window.press("Renew");
    window.until("the renewal", |window| secrets(window) != old);
    let secrets = [old, secrets(&window)].concat();
    for format in [Format::Html, Format::Har] {
        let report = report::of(format, window.state().history.entries());
        assert!(report.contains("/oauth/token") && report.contains("200"));
        for secret in secrets.iter().map(String::as_str).chain(["eyJ", "code_verifier=e", "Bearer ey"]) {
            assert!(!report.contains(secret), "{secret} stands in the report");
        }
    }
    let entries = format!("{:?}", window.state().history);
    assert!(secrets.iter().all(|secret| !entries.contains(secret)));

    window.sees("Exchanged the code: token · 200 · code ••••");
    window.harness.get_by_label("Exchanged the code: token · 200 · code ••••").click();
    window.harness.run();
    assert!(window.mentions("grant_type=authorization_code") && window.mentions("code_verifier=••••"));
    let shown = readable(&window);
    assert!(secrets.iter().all(|secret| !shown.contains(secret)));
    // By a deliberate act, and only then.
    window.press("Reveal the secrets");
    window.harness.run();
    assert!(readable(&window).contains("eyJ"));
    window.press("Copy as curl");
    let output = window.harness.output();
    let copied = output.platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert!(
        copied.is_some_and(|curl| curl.starts_with("curl -X POST") && curl.contains("&code='\"$CODE\"'&"))
    );
}

#[test]
fn the_timeline_is_filtered_and_cleared() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.press("Private");
    window.press("Call API");
    window.is_answered("200 OK");
    window.press("Calls");
    window.harness.run();
    assert_eq!(window.state().history.count(), 1);
    assert!(window.mentions("GET /api/private") && !window.mentions("Exchanged the code"));
    window.press("All");
    window.fill("Filter the timeline", "keys");
    assert_eq!(window.state().history.count(), 1);
    window.fill("Filter the timeline", "");
    window.press("Clear");
    window.until("no entries", |window| window.state().history.is_empty());
}
