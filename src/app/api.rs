//! The API screen: who is logged in, the request, and what came of it; beside that the token and its checks.

use egui::{
    Align, ComboBox, Frame, Key, Label, Layout, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, Vec2,
};

use super::picture::Pictures;
use super::state::{Action, Call, State, Tab};
use super::theme::{self, palette, size};
use super::widgets::{self, Taken};
use super::{body, checks, remedied, rule, session, token};
use crate::api::request::{Draft, METHODS};
use crate::api::response::Response;
use crate::redaction;
use crate::secret::HIDDEN;

/// Draws the screen.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, pictures: &Pictures) {
    let Some(logged_in) = &state.session else { return };
    ui.spacing_mut().item_spacing.y = 0.0;
    session::person(ui, actions, state, logged_in, pictures.person());
    rule(ui);
    let height = ui.available_height();
    ScrollArea::vertical().auto_shrink(false).id_salt("screen").show(ui, |ui| {
        let bottom = ui.cursor().top() + height - size::EDGE;
        let body = Frame::new().inner_margin(Margin { left: 24, right: 24, top: 18, bottom: 24 });
        body.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 14.0;
            session::notices(ui, actions, state, logged_in);
            if state.session_shown {
                session::detail(ui, actions, state, logged_in);
            }
            request(ui, actions, state);
            if state.waits_for_keyring() {
                widgets::waiting_for_keyring(ui);
            }
            outcome(ui, actions, state, pictures, bottom);
        });
    });
}

/// The ready-made requests, and the line with method, URL and **Call API**.
fn request(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(size::NEAR);
        for (index, ready) in state.profile().requests.iter().enumerate() {
            let tab = widgets::tab(ui, &ready.name, state.chosen == Some(index));
            if tab.on_hover_text(format!("{} {} (Ctrl+{})", ready.method, ready.url, index + 1)).clicked() {
                actions.push(Action::ChooseRequest(index));
            }
        }
    });
    let mut draft = state.draft.clone();
    let running = state.call.is_under_way();
    let (mut pressed, mut entered) = (false, false);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        method(ui, &mut draft);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = if running { "Cancel" } else { "Call API" };
            let button = widgets::primary(ui, name, Vec2::new(104.0, size::FIELD));
            let hint = if running {
                "Do not wait for the answer (Esc)"
            } else {
                "Send the request (Enter, Ctrl+Enter)"
            };
            pressed = button.on_hover_text(hint).clicked();
            let width = ui.available_width();
            let (field, typed) = widgets::field(ui, "URL", &state.draft.url, |edit| {
                edit.desired_width(width)
                    .hint_text("https://api.example.com/path, or /path at the profile's API")
            });
            draft.url = typed.unwrap_or(draft.url.clone());
            entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        });
    });
    more(ui, &mut draft);
    // In the order in which they were done: what is typed in a frame is what that frame's Enter sends.
    if draft != state.draft {
        actions.push(Action::Edit(draft));
    }
    if pressed && running {
        actions.push(Action::CancelCall);
    } else if pressed || entered && !running {
        actions.push(Action::CallApi);
    }
}

fn method(ui: &mut Ui, draft: &mut Draft) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = size::FIELD;
        let combo = ComboBox::from_id_salt("method")
            .selected_text(RichText::new(&draft.method).font(theme::code()))
            .width(92.0)
            .show_ui(ui, |ui| {
                for method in METHODS {
                    ui.selectable_value(
                        &mut draft.method,
                        method.to_owned(),
                        RichText::new(method).font(theme::code()),
                    );
                }
            });
        widgets::named(ui, &combo.response, &format!("Method: {}", draft.method));
        widgets::ring(ui, &combo.response);
    });
}

/// Headers and body, for those who need them.
fn more(ui: &mut Ui, draft: &mut Draft) {
    let count = draft.headers.lines().filter(|line| !line.trim().is_empty()).count();
    let title = match (count, draft.body.is_empty()) {
        (0, true) => "Headers and body".to_owned(),
        (0, false) => "Headers and body (a body)".to_owned(),
        (count, true) => format!("Headers and body ({count} of your own)"),
        (count, false) => format!("Headers and body ({count} of your own, and a body)"),
    };
    let title = RichText::new(title).font(theme::small()).color(palette(ui).soft);
    egui::CollapsingHeader::new(title).id_salt("more").show(ui, |ui| {
        area(ui, "Request headers", "Accept: application/json, a header a line", &mut draft.headers);
        area(ui, "Request body", "{ \"text\": \"sent as it stands here\" }", &mut draft.body);
    });
}

fn area(ui: &mut Ui, name: &str, hint: &str, text: &mut String) {
    let width = ui.available_width();
    let edit = TextEdit::multiline(text)
        .font(theme::code())
        .desired_rows(2)
        .desired_width(width)
        .hint_text(hint.to_owned());
    let response = ui.add(edit.margin(Margin::symmetric(14, 8)));
    widgets::named(ui, &response, name);
}

/// What came of the call, and beside it what goes along with each; it reaches down to `bottom`, and further where there
/// is too little room.
fn outcome(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, pictures: &Pictures, bottom: f32) {
    let answer = state.call.response();
    let (title, text) = match &state.call {
        Call::None => ("Nothing called yet", "Choose a request, then Call API. The answer will show here."),
        Call::Upcoming(upcoming) if upcoming.waits => {
            ("Renewing your token…", "It was about to end, or the API did not take it.")
        }
        Call::Running { .. } | Call::Upcoming(_) => ("Calling…", "Waiting for the answer."),
        Call::Asking { origin, safe } => {
            asking(ui, actions, state, origin, *safe);
            ("Nothing sent yet", "The answer will show here.")
        }
        Call::Ended { explanation, .. } => {
            let taken =
                explanation.as_ref().and_then(|explanation| widgets::explanation(ui, explanation, false));
            if let Some(Taken::Remedy(remedy)) = taken {
                actions.push(remedied(remedy, state));
            }
            ("No answer", "There is nothing of it to show.")
        }
    };
    // Where there is little room, lists of some length are worth scrolling down to.
    let least = if matches!(state.tab, Tab::Token | Tab::Checks) { 440.0 } else { 240.0 };
    panel(ui, bottom, least, |ui| {
        Frame::new().inner_margin(Margin::symmetric(16, 9)).show(ui, |ui| {
            summary(ui, actions, state, answer);
        });
        rule(ui);
        match (state.tab, answer) {
            (Tab::Token, _) => token::show(ui, actions, state),
            (Tab::Checks, _) => checks::show(ui, state),
            (_, None) => empty(ui, title, text),
            (Tab::Body, Some(response)) => {
                if let Some(viewer) = &state.viewer {
                    body::show(ui, actions, viewer, response, pictures.body(), state.presenting);
                }
            }
            (Tab::Headers, Some(response)) => {
                pairs(ui, response.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
            }
            (Tab::Request, Some(response)) => sent(ui, response),
        }
    });
}

fn empty(ui: &mut Ui, title: &str, text: &str) {
    let soft = palette(ui).soft;
    ui.centered_and_justified(|ui| {
        ui.vertical_centered(|ui| {
            ui.add_space((ui.available_height() / 2.0 - 40.0).max(8.0));
            ui.label(RichText::new(title).font(theme::heading()));
            ui.label(RichText::new(text).color(soft));
        });
    });
}

/// The token would leave for another origin: nothing is sent before the person says so.
fn asking(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, origin: &str, safe: bool) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.warning_ground)
        .stroke(Stroke::new(1.0, palette.warning.gamma_multiply(0.45)))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.label(RichText::new("Send your token there?").font(theme::heading()));
        let api = state.profile().api.as_ref().map(|api| api.origin().ascii_serialization());
        let api = api.map_or("This profile names no API.".to_owned(), |api| {
            format!("This profile's API is at {api}.")
        });
        ui.label(format!("{api} Whoever runs {origin} could use your token as you."));
        if !safe {
            ui.label(
                RichText::new("The connection is not encrypted: others on the way could read the token too.")
                    .color(palette.bad),
            );
        }
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            if widgets::primary(ui, "Call without the token", Vec2::new(0.0, size::BUTTON)).clicked() {
                actions.push(Action::CallWithoutToken);
            }
            if widgets::secondary(ui, &format!("Send the token to {origin}")).clicked() {
                actions.push(Action::SendTokenTo(origin.to_owned()));
            }
            if widgets::secondary(ui, "Do not call").clicked() {
                actions.push(Action::CancelCall);
            }
        });
    });
}

/// A surface that reaches down to `bottom`, and is as high as `least` at least.
fn panel(ui: &mut Ui, bottom: f32, least: f32, contents: impl FnOnce(&mut Ui)) {
    let palette = palette(ui);
    let frame = Frame::new().fill(palette.surface).stroke(Stroke::new(1.0, palette.line)).corner_radius(12);
    frame.show(ui, |ui| {
        let room = Vec2::new(ui.available_width(), (bottom - ui.cursor().top() - 4.0).max(least));
        ui.set_min_size(room);
        ui.set_max_size(room);
        ui.spacing_mut().item_spacing.y = 0.0;
        contents(ui);
    });
}

/// How the call went, if one did, and the views.
fn summary(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, response: Option<&Response>) {
    let palette = palette(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.spacing_mut().item_spacing.x = 2.0;
        if let Some(response) = response {
            let (colour, ground) = match response.status.as_u16() {
                200..300 => (palette.good, palette.good_ground),
                300..400 => (palette.warning, palette.warning_ground),
                _ => (palette.bad, palette.bad_ground),
            };
            widgets::badge(ui, &response.status_line(), colour, ground);
            ui.add_space(10.0);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (tab, name) in [
                (Tab::Checks, "Checks"),
                (Tab::Token, "Token"),
                (Tab::Request, "Request"),
                (Tab::Headers, "Headers"),
                (Tab::Body, "Body"),
            ] {
                if widgets::view(ui, name, state.tab == tab).clicked() {
                    actions.push(Action::ShowTab(tab));
                }
            }
            if let Some(response) = response {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let (took, progress) = match &state.viewer {
                        Some(viewer) => (viewer.took, viewer.progress),
                        None => (response.took, response.progress),
                    };
                    let mut facts = vec![widgets::took(took), widgets::bytes(progress.bytes)];
                    facts.extend(response.content_type.clone());
                    ui.add(Label::new(RichText::new(facts.join(" · ")).color(palette.soft)).truncate());
                });
            }
        });
    });
}

/// What was sent, without the token.
fn sent(ui: &mut Ui, response: &Response) {
    let request = &response.request;
    let mut rows = vec![(request.method.to_string(), request.url.to_string())];
    if response.with_token {
        rows.push(("authorization".to_owned(), format!("Bearer {HIDDEN}")));
    }
    for (name, value) in &request.headers {
        // What the person typed may be a key of theirs.
        let value = redaction::header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        rows.push((name.to_string(), value));
    }
    if !request.body.is_empty() {
        rows.push(("body".to_owned(), widgets::bytes(request.body.len() as u64)));
    }
    pairs(ui, rows.iter().map(|(name, value)| (name.as_str(), value.clone())));
}

fn pairs<'a>(ui: &mut Ui, rows: impl Iterator<Item = (&'a str, String)>) {
    ScrollArea::vertical().auto_shrink(false).id_salt("pairs").show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for (name, value) in rows {
                widgets::row(ui, name, 220.0, size::CODE_LINE, |ui| {
                    let value = RichText::new(value).font(theme::code()).line_height(Some(size::CODE_LINE));
                    ui.add(Label::new(value).wrap());
                });
            }
        });
    });
}
