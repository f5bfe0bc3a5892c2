//! What a room sees: in a presentation nothing personal or secret leaves the window, and nothing secret ever does.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use egui::accesskit::Role;
use egui::{Key, Modifiers, OutputCommand, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hallpass::app::report::{self, Format};
use hallpass::demo::person::Choice;
use hallpass::http::Purpose;
use hallpass::redaction::Instead;
use serde_json::json;
use support::server::{self, Server};
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

/// What the safety of the login rested on: its state, nonce, code and verifier.
fn secrets_of_login(window: &Window) -> Vec<String> {
    let link = window.person.opened().pop().unwrap();
    let exchange = window.state().history.entries().filter_map(|entry| entry.exchange.clone());
    let exchange = exchange.into_iter().find(|exchange| exchange.purpose == Purpose::CodeExchange).unwrap();
    let form = exchange.request(Instead::Itself).body.unwrap();
    let sent = url::form_urlencoded::parse(form.as_bytes()).into_owned();
    let asked = link.query_pairs().into_owned().chain(sent);
    let secret = ["state", "nonce", "code", "code_verifier"];
    let found: Vec<_> = asked.filter(|(name, _)| secret.contains(&&**name)).map(|(_, value)| value).collect();
    assert_eq!(found.len(), secret.len());
    found
}

/// An API that refuses, and repeats whatever it was sent, also where nothing names what it is.
async fn echo() -> Server {
    Server::start(|seen| async move {
        let headers: Vec<_> = seen.headers.values().map(|value| value.to_str().unwrap()).collect();
        let cookie = seen.header("cookie").and_then(|cookie| cookie.strip_prefix("sid=")).unwrap();
        let escaped: Vec<_> = seen.body.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let said = json!({ "headers": headers, "query": seen.query, "sent": seen.body, "cookie": cookie,
            "email": "canary at home", "name": "Canary Smith", "api_key": "canary-7", "tokens": ["canary-8"] });
        let body = said.to_string().replacen('{', &format!("{{\"escaped\":\"{}\",", escaped.concat()), 1);
        let mut answer = server::answer(403, ("content-type", "application/json"), body);
        answer.headers_mut().insert("x-echo", cookie.parse().unwrap());
        answer.headers_mut().insert("set-cookie", "other=canary-9".parse().unwrap());
        answer
    })
    .await
}

/// Types into the area of this name, in the place of what it holds.
fn write(window: &mut Window, area: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::MultilineTextInput, area).focus();
    window.harness.run();
    window.harness.key_combination_modifiers(Modifiers::COMMAND, &[Key::A]);
    window.harness.run();
    window.harness.get_by_role_and_label(Role::MultilineTextInput, area).type_text(text);
    window.harness.run();
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
    let echo = window.runtime.block_on(echo());
    window.harness.set_size(egui::vec2(1600.0, 2400.0));
    window.press("Present");
    window.harness.run();
    assert!(window.mentions("Nobody is logged in yet"));
    window.press("Log in");
    window.until("the login", |window| window.state().session.as_ref().is_some_and(|it| it.kept.is_some()));
    window.press("Private");
    window.press("Call API");
    window.is_answered("200 OK");
    let secret = [secrets(&window), secrets_of_login(&window)].concat();
    let personal =
        ["Alice Adams", "Alice", "alice@hallpass.demo", "auth0|alice", "hallpass-demo", "canary", "Canary"];
    let hidden = [secret.clone(), personal.map(str::to_owned).to_vec()].concat();
    let check = |window: &Window, screen: &str| {
        let text = readable(window);
        for word in &hidden {
            assert!(!text.contains(word.as_str()), "{word} can be read on {screen}:\n{text}");
        }
    };
    check(&window, "the API screen");

    window.fill("URL", &echo.at("echo?api_key=canary-1&email=alice%40hallpass.demo&who=Alice+Adams"));
    window.harness.get_by_label("Headers and body").click();
    window.harness.run();
    let headers = "Cookie: sid=canary-2\nX-Api-Key: canary-3\nContent-Type: application/json";
    write(&mut window, "Request headers", headers);
    write(&mut window, "Request body", r#"{ "password": "canary-4", "name": "Zoe", "to": "Alice" }"#);
    check(&window, "the draft");
    window.press("Call API");
    window.harness.run();
    check(&window, "the question");
    window.press(&format!("Send the token to {}", echo.url.origin().ascii_serialization()));
    window.is_answered("403 Forbidden");
    assert!(window.mentions("The API refused") || window.mentions("Forbidden"));
    window.harness.run();
    check(&window, "an explanation");
    for screen in
        ["Session", "Body", "Headers", "Request", "Token", "ID token", "Access token", "Checks", "Sequence"]
    {
        press_if_there(&mut window, screen);
        check(&window, screen);
    }
    window.harness.key_press(Key::Escape);
    window.harness.run();
    for (screen, sign) in [("Settings", "Close"), ("Doctor", "Discovery")] {
        window.press(screen);
        window.until(screen, |window| window.mentions(sign));
        window.harness.run();
        check(&window, screen);
        window.harness.key_press(Key::Escape);
        window.harness.run();
    }
    // There is room for the timeline beside it then.
    window.harness.ctx.set_zoom_factor(1.0);
    window.harness.run();
    let numbers: Vec<_> = window.state().history.entries().map(|entry| entry.number).collect();
    let mut opened = 0;
    for number in &numbers {
        let entry = window.state().history.numbered(*number).unwrap().clone();
        let name = format!("{}: {}", entry.title, entry.detail);
        window.harness.query_all_by_label(&name).next().unwrap_or_else(|| panic!("no {name}")).click();
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
    assert_eq!(opened, numbers.len());

    window.harness.key_press(Key::F5);
    window.harness.run();
    assert!(!window.state().presenting && readable(&window).contains("Alice Adams"));
    // Whoever presents or not: what was secret in the request is in no report and in no entry.
    let canaries =
        (1..=9).filter(|number| *number != 5 && *number != 6).map(|number| format!("canary-{number}"));
    let secret: Vec<_> = secret.into_iter().chain(canaries).collect();
    let reports = [Format::Html, Format::Har].map(|it| report::of(it, window.state().history.entries()));
    let curls = window.state().history.entries().filter_map(|entry| Some(entry.exchange.as_ref()?.curl()));
    for text in reports.into_iter().chain(curls) {
        for word in &secret {
            assert!(!text.contains(word.as_str()), "{word} stands in {text}");
        }
    }
}

#[test]
fn a_screen_reader_reads_no_piece_of_what_is_hidden_where_a_field_is_wrapped() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.harness.get_by_label("Headers and body").click();
    window.harness.run();
    window.press("Present");
    window.harness.run();
    for text in ["hallpass-demo ".repeat(40), format!("{{\"password\":\"{}\"}}", "canary demo-".repeat(40))] {
        write(&mut window, "Request body", &text);
        let field = window.harness.get_by_role_and_label(Role::MultilineTextInput, "Request body");
        let nodes = field.children_recursive();
        let runs: Vec<_> = nodes.filter(|node| node.accesskit_node().role() == Role::TextRun).collect();
        let said: Vec<_> =
            runs.iter().map(|run| run.accesskit_node().data().value().unwrap().to_owned()).collect();
        assert!(said.len() > 1, "{said:?}");
        for piece in ["hallpass", "pass-", "demo", "canary", "nary"] {
            assert!(said.iter().all(|run| !run.contains(piece)), "{piece}: {said:?}");
        }
        for run in runs {
            let (data, value) = (
                run.accesskit_node().data().clone(),
                run.accesskit_node().data().value().unwrap().to_owned(),
            );
            let lengths: Vec<_> = value.chars().map(|c| u8::try_from(c.len_utf8()).unwrap()).collect();
            assert_eq!(data.character_lengths(), lengths);
        }
    }
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
fn a_body_in_another_charset_is_read_in_the_timeline_and_its_secrets_are_hidden() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let api = window.runtime.block_on(Server::start(|_| async {
        let body = r#"{ "password": "canary", "greeting": "Grüße" }"#.encode_utf16();
        let body: Vec<_> = body.flat_map(u16::to_be_bytes).collect();
        server::answer(200, ("content-type", "application/json; charset=utf-16be"), body)
    }));
    window.fill("URL", &api.at("x"));
    window.press("Call API");
    window.press("Call without the token");
    window.is_answered("200 OK");
    let name = format!("GET /x: 200 OK · {}", api.url.origin().ascii_serialization());
    window.harness.get_by_label(&name).click();
    window.harness.run();
    let text = readable(&window);
    assert!(text.contains("Grüße") && !text.contains("canary"), "{text}");
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
