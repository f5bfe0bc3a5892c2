//! Bodies of any size through the window: what is shown of them, and what one does with them.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use egui::accesskit::Role;
use egui::{Key, Modifiers, OutputCommand, Pos2, Vec2};
use egui_kittest::kittest::Queryable as _;
use hallpass::api::response::Cut;
use hallpass::app::state::{Call, Viewer};
use hallpass::body::{Kind, View};
use hallpass::demo::person::Choice;
use support::server::{self, Server};
use support::window::{Computer, Person, Window};

/// A window in which Alice is logged in, and this path of the demo API was called.
fn showing(path: &str) -> Window {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.fill("URL", path);
    window.press("Call API");
    window
}

/// The same, of which the whole body came.
fn showing_all(path: &str) -> Window {
    let mut window = showing(path);
    window.is_answered("200 OK");
    window.harness.run();
    window
}

fn viewer(window: &Window) -> &Viewer {
    window.state().viewer.as_ref().unwrap()
}

/// Turns the wheel over the body by so many points.
fn scroll(window: &mut Window, points: f32) {
    window.harness.event(egui::Event::PointerMoved(Pos2::new(500.0, 600.0)));
    window.harness.step();
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: Vec2::new(0.0, -points),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    window.harness.run();
}

fn find(window: &mut Window, text: &str) {
    window.fill("Find in the body", text);
    window.harness.key_press(Key::Enter);
    window.harness.step();
}

#[test]
fn a_large_body_is_laid_out_and_every_row_of_it_can_be_reached() {
    let mut window = showing_all("/api/large?mb=8");
    let rows = viewer(&window).progress.pretty.rows;
    assert!(rows > 200_000 && viewer(&window).progress.flaw.is_none(), "{:?}", viewer(&window).progress);
    assert_eq!(viewer(&window).progress.bytes / 100_000, 80);
    assert!(window.shows("{"));

    scroll(&mut window, 500.0);
    let top = viewer(&window).shown.row;
    assert!(top > 10, "{top}");
    scroll(&mut window, -100_000.0);
    assert_eq!(viewer(&window).shown.row, 0);

    find(&mut window, ":150000");
    window.until("the line is shown", |window| viewer(window).shown.row > 149_900);
    window.harness.run();
    let row = viewer(&window).row(149_999).unwrap();
    assert_eq!(row.line, Some(150_000));
    let text = row.text.clone();
    assert!(window.shows(&text), "{text} is not among {:?}", window.shown());
    window.settles();
}

#[test]
fn the_last_row_stays_at_the_bottom_whatever_one_does() {
    let mut window = showing_all("/api/large?mb=1");
    let rows = viewer(&window).progress.pretty.rows;
    find(&mut window, ":999999999");
    window.until("the end is shown", |window| window.shows("}"));
    window.harness.run();
    let last = viewer(&window).shown;
    assert!(last.row < rows - 5, "{last:?} of {rows}");
    scroll(&mut window, 5_000.0);
    assert_eq!(viewer(&window).shown, last);
}

#[test]
fn each_view_shows_the_same_body() {
    let mut window = showing_all("/api/large?mb=1");
    window.press("Raw");
    window.harness.run();
    assert_eq!(viewer(&window).view, View::Raw);
    window.until("rows", |window| viewer(window).row(0).is_some());
    window.press("Hex");
    window.until("bytes", |window| window.mentions("0000000010  "));
    window.press("Pretty");
    window.until("brackets", |window| window.shows("{"));
}

#[test]
fn hits_are_counted_and_gone_to_one_after_the_other() {
    let mut window = showing_all("/api/large?mb=2");
    let in_all = |window: &Window| viewer(window).search.as_ref().map(|search| search.total);
    window.fill("Find in the body", "\"ID\":");
    window.until("no hit", |window| window.shows("no hit"));
    window.fill("Find in the body", "\"id\":");
    window.until("hits", |window| in_all(window).is_some_and(|hits| hits > 1_000));
    window.harness.run();
    for number in 1..=3 {
        window.harness.get_by_role_and_label(Role::TextInput, "Find in the body").focus();
        window.harness.step();
        window.harness.key_press(Key::Enter);
        window.until("the next hit", |window| window.mentions(&format!("{number} of ")));
    }
    window.press("Previous hit");
    window.until("the hit before", |window| window.mentions("2 of "));
    window.settles();
}

#[test]
fn a_container_is_folded_and_unfolded_and_its_path_is_copied() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let body = serde_json::json!({ "list": [{ "a": 1 }, { "a": [2, 3] }], "z": true });
    let _server = showing_json(&mut window, body);
    assert!(window.shows("    {") && window.shows("      \"a\": 1"), "{:?}", window.shown());
    window.press("Fold line 2");
    window.until("it is folded", |window| window.shows("  \"list\": [ … ],"));
    assert!(!window.shows("      \"a\": 1") && window.shows("  \"z\": true"));
    assert_eq!(viewer(&window).seen(), 4);
    window.press("Unfold line 2");
    window.until("it is unfolded", |window| window.shows("      \"a\": 1"));

    window.harness.get_by_label("        3").click();
    window.harness.run();
    window.until("the path", |window| window.shows("$.list[1].a[1]"));
    window.press("Copy path");
    assert_eq!(copied(&window), "$.list[1].a[1]");
}

fn copied(window: &Window) -> String {
    let commands = &window.harness.output().platform_output.commands;
    let text = commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    text.unwrap_or_default()
}

#[test]
fn what_is_dragged_over_is_copied_and_without_that_all_of_it() {
    let mut window = showing_all("/api/public");
    window.press("Copy");
    let text = std::cell::RefCell::new(String::new());
    window.until("the copy", |window| {
        *text.borrow_mut() = copied(window);
        !text.borrow().is_empty()
    });
    assert!(text.borrow().starts_with("{\n  \"message\": \"Hello from a public"), "{text:?}");

    let row = window.harness.get_by_label("{").rect();
    let end = window.harness.get_by_label("}").rect();
    window.harness.drag_at(row.left_center());
    window.harness.step();
    window.harness.event(egui::Event::PointerMoved(end.left_center()));
    window.harness.step();
    window.harness.drop_at(end.left_center());
    window.harness.step();
    assert!(viewer(&window).selection.is_some_and(|selection| !selection.is_empty()));
    window.harness.event(egui::Event::Copy);
    window.until("the copy", |window| {
        *text.borrow_mut() = copied(window);
        !text.borrow().is_empty()
    });
    assert!(text.borrow().starts_with("{\n") && text.borrow().ends_with("this.\"\n"), "{text:?}");
}

#[test]
fn a_body_that_comes_slowly_is_shown_as_it_comes_and_can_be_cancelled() {
    let mut window = showing("/api/stream");
    window.until("the first rows", |window| {
        window.shows("200 OK") && window.state().viewer.as_ref().is_some_and(|viewer| viewer.seen() > 20)
    });
    assert!(matches!(window.state().call, Call::Running { .. }) && window.mentions("Receiving"));
    window.press("Cancel");
    let Call::Ended { response: Some(response), explanation: None } = &window.state().call else {
        panic!("{:?}", window.state().call)
    };
    assert_eq!(response.cut, Some(Cut::Cancelled));
    window.harness.run();
    assert!(window.mentions("You cancelled the rest") && window.shows("{"), "{:?}", window.shown());
    window.settles();
}

#[test]
fn what_is_broken_endless_or_no_text_is_shown_too() {
    let mut window = showing_all("/api/large?mb=1&kind=broken");
    assert!(window.mentions("Not well-formed JSON: at byte"), "{:?}", window.shown());
    for (kind, is) in [("line", Kind::Json), ("text", Kind::Text), ("binary", Kind::Binary)] {
        window.fill("URL", &format!("/api/large?mb=1&kind={kind}"));
        window.press("Call API");
        window.is_answered("200 OK");
        window.harness.run();
        assert_eq!(viewer(&window).progress.kind, is);
        assert!(viewer(&window).row(0).is_some());
        window.settles();
    }
}

#[test]
fn a_picture_is_shown_as_one() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let icon = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/icon.png")).unwrap();
    let server = window.runtime.block_on(Server::start(move |_| {
        let icon = icon.clone();
        async move { server::answer(200, ("content-type", "image/png"), icon) }
    }));
    window.fill("URL", &server.at("/"));
    window.press("Call API");
    window.press("Call without the token");
    window.is_answered("200 OK");
    window.sees("The picture that was answered");
    window.press("Hex");
    window.until("its bytes", |window| window.mentions("89 50 4e 47"));
}

/// Answers this, and shows it in the window.
fn showing_json(window: &mut Window, body: serde_json::Value) -> Server {
    let server = window.runtime.block_on(Server::start(move |_| {
        let body = body.clone();
        async move { server::json(200, &body) }
    }));
    window.fill("URL", &server.at("/"));
    window.press("Call API");
    window.press("Call without the token");
    window.is_answered("200 OK");
    window.harness.run();
    server
}

#[test]
fn in_a_presentation_no_part_of_a_row_is_copied_without_its_name_and_no_bytes_are_shown() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let long = "canary-".repeat(500);
    let _server = showing_json(
        &mut window,
        serde_json::json!({ "phone_number": "+49 30 90210", "user_password": long }),
    );
    window.press("Present");
    window.harness.run();
    window.press("Hex");
    window.sees("Bytes are not shown in a presentation.");
    window.press("Pretty");
    window.until("the rows", |window| window.shows("{"));
    assert!(!window.mentions("canary") && !window.mentions("90210"), "{:?}", window.shown());

    let row = window.harness.get_by_label_contains("phone_number").rect();
    let (from, to) = (row.left_center() + Vec2::new(180.0, 0.0), row.left_center() + Vec2::new(260.0, 0.0));
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.event(egui::Event::PointerMoved(to));
    window.harness.step();
    window.harness.drop_at(to);
    window.harness.step();
    window.harness.event(egui::Event::Copy);
    let text = std::cell::RefCell::new(String::new());
    window.until("the copy", |window| {
        *text.borrow_mut() = copied(window);
        !text.borrow().is_empty()
    });
    assert!(text.borrow().contains("phone_number") && !text.borrow().contains("90210"), "{text:?}");
}

#[test]
fn a_body_goes_with_its_answer() {
    let mut window = showing_all("/api/large?mb=1");
    let body = std::sync::Arc::downgrade(&viewer(&window).body);
    window.press("Log out");
    window.until("the body is let go of", |window| window.state().viewer.is_none());
    window.until("its memory too", |_| body.strong_count() == 0);
}

#[test]
fn what_was_folded_and_found_in_one_body_says_nothing_of_the_next() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    let _first = showing_json(&mut window, serde_json::json!({ "list": [1, 2], "x": "hit hit" }));
    window.press("Fold line 2");
    window.until("it is folded", |window| window.shows("  \"list\": [ … ],"));
    find(&mut window, "hit");
    window.until("both hits", |window| window.mentions("1 of 2"));
    let _second = showing_json(&mut window, serde_json::json!({ "list": [3] }));
    assert!(window.shows("    3") && !window.mentions("1 of 2"), "{:?}", window.shown());
}
