//! The session's tokens: what each says, what that means, and where it is not what was asked for. Never the token itself.

use std::time::Duration;

use egui::{Align, Color32, Frame, Label, Layout, Margin, RichText, ScrollArea, Sense, Stroke, Ui, Vec2};
use jiff::Timestamp;

use super::rule;
use super::session::clock;
use super::state::{Action, LoggedIn, State};
use super::theme::{self, palette, size};
use super::widgets;
use crate::auth::claims::{Content, Difference, Layout as TokenLayout, Part, Which, meaning};
use crate::secret::{HIDDEN, Secret};

/// The column with the names of the parts.
const NAME: f32 = 132.0;

/// Draws the token that is chosen.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let Some(logged_in) = &state.session else { return };
    ScrollArea::vertical().auto_shrink(false).id_salt("token").show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 14, bottom: 16 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = size::NEAR;
            let (session, layout) = (&logged_in.session, shown(state.token, logged_in));
            let token = match state.token {
                Which::Access => Some(&session.access_token),
                Which::Id => session.id_token.as_ref(),
            };
            let profile = state.profile();
            let kind =
                layout.map(|layout| layout.kind(profile.audience.is_some() || profile.resource.is_some()));
            choice(ui, actions, state, token, kind.zip(layout));
            let Some(((_, means), (layout, token))) = kind.zip(layout.zip(token)) else {
                ui.label("The provider issued no ID token with this session.");
                return;
            };
            if state.copying_token {
                copying(ui, actions, state.token, token);
            }
            ui.add(Label::new(RichText::new(means).color(palette(ui).soft)).wrap());
            if layout.is_closed() && profile.audience.is_none() && state.token == Which::Access {
                ui.horizontal(|ui| {
                    if widgets::secondary(ui, "Give the profile an audience").clicked() {
                        actions.push(Action::OpenSettings(Some(profile.name.clone())));
                    }
                });
            }
            let differences = layout.differences(state.token, session, profile, Timestamp::now());
            ui.scope(|ui| header(ui, &layout.header));
            ui.scope(|ui| claims(ui, &layout.claims, &differences));
        });
    });
}

fn shown(which: Which, logged_in: &LoggedIn) -> Option<&TokenLayout> {
    match which {
        Which::Access => Some(&logged_in.access_token),
        Which::Id => logged_in.id_token.as_ref(),
    }
}

/// Which token, what it is, and the way to copy it.
fn choice(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    state: &State,
    token: Option<&Secret>,
    shown: Option<((&str, &str), &TokenLayout)>,
) {
    ui.horizontal(|ui| {
        ui.set_min_height(size::BUTTON);
        for (which, name) in [(Which::Access, "Access token"), (Which::Id, "ID token")] {
            if widgets::tab(ui, name, state.token == which).clicked() {
                actions.push(Action::ShowToken(which));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let can = token.is_some() && !state.copying_token;
            let copy = ui.add_enabled_ui(can, |ui| widgets::secondary(ui, "Copy token")).inner;
            if copy.on_hover_text("Asks first: whoever has the token can use it").clicked() {
                actions.push(Action::AskToCopyToken(true));
            }
            if let Some(((kind, _), layout)) = shown {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add_space(size::NEAR);
                    let text = format!("{kind} · {HIDDEN} · {} characters", layout.length);
                    ui.add(Label::new(RichText::new(text).font(theme::emphasis())).truncate());
                });
            }
        });
    });
}

/// Nothing is copied before the person says so.
fn copying(ui: &mut Ui, actions: &mut Vec<Action>, which: Which, token: &Secret) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.warning_ground)
        .stroke(Stroke::new(1.0, palette.warning.gamma_multiply(0.45)))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 14));
    let (title, text) = match which {
        Which::Access => (
            "Copy the access token?",
            "Until it ends, whoever has it can call the API as you. Web pages that decode tokens get it too.",
        ),
        Which::Id => (
            "Copy the ID token?",
            "It tells whoever has it who you are, and may end your session at the provider.",
        ),
    };
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new(title).font(theme::heading()));
        ui.add(Label::new(text).wrap());
        ui.horizontal_wrapped(|ui| {
            if widgets::primary(ui, "Do not copy", Vec2::new(0.0, size::BUTTON)).clicked() {
                actions.push(Action::AskToCopyToken(false));
            }
            if widgets::secondary(ui, "Copy it").clicked() {
                actions.push(Action::CopyToken(token.clone()));
            }
        });
    });
}

/// The parts of the header, one after the other: they are short, and the claims say more.
fn header(ui: &mut Ui, parts: &[Part]) {
    if parts.is_empty() {
        return;
    }
    rule(ui);
    ui.spacing_mut().interact_size.y = size::CODE_LINE;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(10.0, 2.0);
        heading(ui, "Header");
        for part in parts {
            ui.add_space(size::NEAR);
            part_name(ui, &part.name, palette(ui).accent);
            content(ui, part, false);
        }
    });
}

fn heading(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::small()).family(theme::strong()).color(palette(ui).soft));
}

/// The claims, with what differs; one that is missing has a row too, if it should not be.
fn claims(ui: &mut Ui, parts: &[Part], differences: &[Difference]) {
    if parts.is_empty() && differences.is_empty() {
        return;
    }
    let palette = palette(ui);
    rule(ui);
    ui.spacing_mut().interact_size.y = size::CODE_LINE;
    ui.spacing_mut().item_spacing.y = 5.0;
    ui.horizontal(|ui| {
        heading(ui, "Claims");
        if !differences.is_empty() {
            let text = match differences.len() {
                1 => "one thing is not as it was asked for".to_owned(),
                several => format!("{several} things are not as they were asked for"),
            };
            ui.label(RichText::new(text).font(theme::small()).color(palette.bad));
        }
    });
    let of = |name: &str| differences.iter().filter(move |found| found.part == name).collect::<Vec<_>>();
    for part in parts {
        let found = of(&part.name);
        row(ui, &part.name, &found, |ui| {
            content(ui, part, !found.is_empty());
        });
    }
    let mut missing: Vec<&str> = differences.iter().map(|found| found.part).collect();
    missing.dedup();
    for name in missing.into_iter().filter(|name| parts.iter().all(|part| part.name != *name)) {
        row(ui, name, &of(name), |ui| {
            ui.label(RichText::new("missing").color(palette.bad));
        });
    }
}

fn row(ui: &mut Ui, name: &str, differences: &[&Difference], value: impl FnOnce(&mut Ui)) {
    let palette = palette(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(0.0, 3.0);
        let colour = if differences.is_empty() { palette.accent } else { palette.bad };
        let column = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(Vec2::new(NAME, size::CODE_LINE), column, |ui| {
            ui.set_min_size(Vec2::new(NAME, size::CODE_LINE));
            part_name(ui, name, colour);
        });
        ui.vertical(|ui| {
            value(ui);
            for difference in differences {
                ui.add(
                    Label::new(RichText::new(&difference.text).font(theme::small()).color(palette.bad))
                        .wrap(),
                );
            }
        });
    });
}

/// The name of a part, which says what it means when it is pointed at or has the keyboard.
fn part_name(ui: &mut Ui, name: &str, colour: Color32) {
    let text = RichText::new(name).font(theme::code()).color(colour);
    let Some(meaning) = meaning(name) else {
        ui.add(Label::new(text).truncate());
        return;
    };
    let response = ui.add(Label::new(text).truncate().sense(Sense::focusable_noninteractive()));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(meaning));
    widgets::ring(ui, &response);
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if response.has_focus() {
        response.show_tooltip_text(meaning);
    } else {
        response.on_hover_text(meaning);
    }
}

fn content(ui: &mut Ui, part: &Part, amiss: bool) {
    let palette = palette(ui);
    let code = |text: &str| RichText::new(text).font(theme::code()).line_height(Some(size::CODE_LINE));
    match &part.content {
        Content::Text(text) => {
            ui.add(Label::new(code(text)).wrap());
        }
        Content::Words(words) => {
            ui.spacing_mut().interact_size.y = size::CODE_LINE;
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = Vec2::splat(5.0);
                // Of scopes those that are missing are amiss, not those that are there.
                let amiss = amiss && part.name == "aud";
                for word in words {
                    widgets::chip(ui, word, palette.sunken, amiss);
                }
            });
        }
        Content::Time(at) => {
            let (text, lasts) = when(*at, Timestamp::now());
            ui.ctx().request_repaint_after(lasts);
            let text = RichText::new(format!("{text}, at {}", clock(*at))).line_height(Some(size::CODE_LINE));
            ui.label(if amiss { text.color(palette.bad) } else { text });
        }
    }
}

/// How far `at` is from `now`, in words, and how long they hold: nothing is painted before that.
fn when(at: Timestamp, now: Timestamp) -> (String, Duration) {
    let distance = at.duration_since(now);
    let (ahead, far) = (distance.is_positive(), distance.unsigned_abs());
    let seconds = far.as_secs();
    let (unit, name) = match seconds {
        0..60 => (1, "s"),
        60..7200 => (60, "min"),
        7200..172_800 => (3600, "h"),
        _ => (86400, "days"),
    };
    let whole = Duration::from_secs(seconds / unit * unit);
    let count = seconds / unit;
    if ahead {
        // A little later there is less than that.
        return (format!("in {count} {name}"), far.saturating_sub(whole) + Duration::from_millis(1));
    }
    match seconds {
        0..60 => ("just now".to_owned(), Duration::from_mins(1).saturating_sub(far)),
        _ => (format!("{count} {name} ago"), (whole + Duration::from_secs(unit)).saturating_sub(far)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_words_that_hold_until_they_no_longer_do() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |millis: i64| when(Timestamp::from_millisecond(1_000_000_000 + millis).unwrap(), now);
        let lasts = Duration::from_millis;
        assert_eq!(at(4 * 60_000 + 500), ("in 4 min".to_owned(), lasts(501)));
        assert_eq!(at(45_250), ("in 45 s".to_owned(), lasts(251)));
        assert_eq!(at(0), ("just now".to_owned(), lasts(60_000)));
        assert_eq!(at(-59_000), ("just now".to_owned(), lasts(1000)));
        assert_eq!(at(-90_000), ("1 min ago".to_owned(), lasts(30_000)));
        assert_eq!(at(3 * 3_600_000).0, "in 3 h");
        assert_eq!(at(-3 * 86_400_000).0, "3 days ago");
    }
}
