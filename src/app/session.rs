//! The session on the API screen: who is logged in, how long for, what became of it, and all of it in detail.

use std::time::Duration;

use egui::{Align, Frame, Image, Label, Layout, Margin, RichText, TextureHandle, Ui, Vec2};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::history::because;
use super::state::{Action, Call, LoggedIn, State};
use super::theme::{self, palette, size};
use super::widgets::{self, Taken};
use super::{remedied, rule};
use crate::auth::renewal::Prospect;
use crate::auth::session::{Obtained, StepUp};
use crate::explain::{self, Explanation, Tone};
use crate::store::{KEYRING, Kept};

/// Who is logged in, and for how long.
pub fn person(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    state: &State,
    logged_in: &LoggedIn,
    picture: Option<&TextureHandle>,
) {
    let (palette, user) = (palette(ui), &logged_in.session.user);
    let frame = Frame::new().inner_margin(Margin::symmetric(24, 16));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(size::PICTURE);
            match picture.filter(|_| !state.presenting) {
                Some(texture) => {
                    let image =
                        Image::new(texture).fit_to_exact_size(Vec2::splat(size::PICTURE)).corner_radius(20);
                    ui.add(image.alt_text(format!("Picture of {}", user.called())));
                }
                None => widgets::initial(ui, &user.called()),
            }
            ui.add_space(6.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::secondary(ui, "Log out")
                    .on_hover_text("Forgets the session here, and ends it at the provider (Ctrl+L)")
                    .clicked()
                {
                    actions.push(Action::LogOut);
                }
                ui.add_space(4.0);
                let renews = logged_in.is_being_renewed();
                let can = logged_in.is_renewable() && !renews;
                let why_not = match &logged_in.session.refresh_token {
                    _ if renews => "Under way",
                    None => "The provider issued no refresh token",
                    Some(_) => "The session has ended",
                };
                let renew = ui.add_enabled_ui(can, |ui| widgets::secondary(ui, "Renew")).inner;
                if renew
                    .on_hover_text("Get a new access token (Ctrl+R)")
                    .on_disabled_hover_text(why_not)
                    .clicked()
                {
                    actions.push(Action::Renew);
                }
                ui.add_space(4.0);
                if widgets::view(ui, "Session", state.session_shown)
                    .on_hover_text("The session in detail, and the ways to end it")
                    .clicked()
                {
                    actions.push(Action::ShowSession(!state.session_shown));
                }
                ui.add_space(4.0);
                time_left(ui, logged_in);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let second = user.email.as_deref().filter(|email| *email != user.called());
                    // A lone name stands in the middle of the picture's height.
                    ui.add_space(if second.is_some() { 0.0 } else { 10.0 });
                    ui.add(Label::new(RichText::new(user.called()).font(theme::emphasis())).truncate());
                    if let Some(email) = second {
                        ui.add(
                            Label::new(RichText::new(email).font(theme::small()).color(palette.soft))
                                .truncate(),
                        );
                    }
                });
            });
        });
    });
}

/// How long the access token is good for, in words and as a bar.
fn time_left(ui: &mut Ui, logged_in: &LoggedIn) {
    let palette = palette(ui);
    let Some(left) = logged_in.time_left() else {
        ui.label(RichText::new("Token without an end").font(theme::small()).color(palette.soft));
        return;
    };
    let seconds = left.as_secs();
    let (text, colour) = match seconds {
        _ if left.is_zero() && logged_in.is_renewable() => ("Token has expired".to_owned(), palette.soft),
        _ if left.is_zero() => ("Token has expired".to_owned(), palette.bad),
        0..60 => (format!("Token good for {seconds} s"), palette.warning),
        60..7200 => (format!("Token good for {} min", seconds / 60), palette.soft),
        _ => (format!("Token good for {} h", seconds / 3600), palette.soft),
    };
    // The text changes when less than this whole unit is left, and nothing is painted before.
    let unit = match seconds {
        0..60 => 1,
        60..7200 => 60,
        _ => 3600,
    };
    if !left.is_zero() {
        let rest = left.saturating_sub(Duration::from_secs(seconds / unit * unit));
        ui.ctx().request_repaint_after(rest + Duration::from_millis(1));
    }
    ui.allocate_ui_with_layout(Vec2::new(136.0, size::PICTURE), Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 5.0;
        ui.set_width(136.0);
        ui.add_space(6.0);
        ui.label(RichText::new(text).font(theme::small()).color(colour));
        let (rect, response) = ui.allocate_exact_size(Vec2::new(136.0, 6.0), egui::Sense::hover());
        let whole = logged_in.session.lifetime().unwrap_or_default().as_secs_f32().max(1.0);
        let part = (left.as_secs_f32() / whole).clamp(0.0, 1.0);
        ui.painter().rect_filled(rect, 3, palette.sunken);
        let filled = egui::Rect::from_min_size(rect.min, Vec2::new(rect.width() * part, rect.height()));
        let colour = if seconds < 60 { palette.warning } else { palette.good };
        ui.painter().rect_filled(filled, 3, colour);
        if left.is_zero() && logged_in.is_renewable() {
            response.on_hover_text("The next call renews it");
        }
    });
}

/// What the person should know about the session, and may act on.
pub fn notices(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, logged_in: &LoggedIn) {
    let not_kept = match &logged_in.kept {
        Some(Kept::ThisRunOnly(why)) => Some(explain::not_kept(why)),
        _ => None,
    };
    let trouble = logged_in.trouble().map(|trouble| match trouble.again {
        Some((_, at)) => {
            let cause = format!("{} The next try is at {}.", trouble.explanation.cause, clock(at));
            // As long as the token is good, nothing is lost by waiting.
            let tone = if logged_in.has_expired() { trouble.explanation.tone } else { Tone::Refused };
            Explanation { tone, cause, ..Explanation::clone(&trouble.explanation) }
        }
        None => Explanation::clone(&trouble.explanation),
    });
    for notice in trouble.iter().chain(&not_kept) {
        if let Some(Taken::Remedy(remedy)) = widgets::explanation(ui, notice, false) {
            actions.push(remedied(remedy, state));
        }
    }
    if let Some(clock) = explain::clock_alone(state.clock_ahead) {
        strip(ui, &clock, None);
    }
    // Once a call was refused, its explanation says it better.
    let explained = matches!(&state.call, Call::Ended { explanation: Some(_), .. });
    let not_granted = explain::not_granted(&logged_in.session, Timestamp::now());
    if let Some(not_granted) = not_granted.filter(|_| !explained && !logged_in.has_expired()) {
        strip(ui, &format!("{}. {}", not_granted.headline, not_granted.cause), None);
    }
    if logged_in.has_expired() && logged_in.session.refresh_token.is_none() && state.news.is_none() {
        let text = "Your access token has expired, and the provider issued nothing to renew it with.";
        if strip(ui, text, Some("Log in again")) {
            actions.push(Action::LogIn(StepUp::default()));
        }
    }
    if let Some(news) = &state.news {
        match widgets::explanation(ui, news, true) {
            Some(Taken::Remedy(remedy)) => actions.push(remedied(remedy, state)),
            Some(Taken::Dismissed) => actions.push(Action::Dismiss),
            None => {}
        }
    }
}

/// The token's life, what it is good for, where it is kept, and the two ways to end it.
pub fn detail(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, logged_in: &LoggedIn) {
    let (palette, session) = (palette(ui), &logged_in.session);
    let frame = Frame::new()
        .fill(palette.surface)
        .stroke(egui::Stroke::new(1.0, palette.line))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = size::NEAR;
        fact(ui, "Access token", &issued(logged_in));
        fact(ui, "Good", &life(logged_in));
        fact(ui, "Renewed", &renewal(logged_in));
        let missing = session.not_granted();
        let asked = session.asked.iter().map(String::as_str);
        scopes(ui, "Asked for", asked.map(|scope| (scope, missing.contains(&scope))));
        if missing.is_empty() {
            fact(ui, "Granted", "all of it");
        } else {
            scopes(ui, "Granted", session.granted.iter().map(|scope| (scope.as_str(), false)));
        }
        fact(ui, "Kept in", &place(logged_in));
        if let Some(clock) = explain::clock(state.clock_ahead) {
            fact(ui, "Clock", &clock);
        }
        ui.add_space(2.0);
        rule(ui);
        ui.add_space(2.0);
        let text =
            "Here only. The provider is not told: its tokens, and its session in the browser, live on.";
        way_out(ui, "Forget on this computer", text).then(|| actions.push(Action::Forget));
        let text = "Here, and there: its tokens are revoked, and its own session ends in the browser.";
        way_out(ui, "Log out of the provider", text).then(|| actions.push(Action::LogOut));
    });
}

fn fact(ui: &mut Ui, label: &str, text: &str) {
    let text = RichText::new(text).line_height(Some(size::CODE_LINE));
    widgets::row(ui, label, LABEL, size::CODE_LINE, |ui| ui.add(Label::new(text).wrap()));
}

fn scopes<'a>(ui: &mut Ui, label: &str, scopes: impl Iterator<Item = (&'a str, bool)>) {
    widgets::row(ui, label, LABEL, size::CODE_LINE, |ui| {
        ui.spacing_mut().interact_size.y = size::CODE_LINE;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(5.0);
            let sunken = palette(ui).sunken;
            for (scope, amiss) in scopes {
                widgets::chip(ui, scope, sunken, amiss);
            }
        });
    });
}

/// A button and what it does; whether it was pressed.
fn way_out(ui: &mut Ui, name: &str, text: &str) -> bool {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        // Both as wide, so that what they do stands in a column.
        let button = ui.scope(|ui| {
            ui.set_min_width(186.0);
            widgets::secondary(ui, name)
        });
        let pressed = button.inner.clicked();
        ui.add(Label::new(RichText::new(text).font(theme::small()).color(palette(ui).soft)).wrap());
        pressed
    })
    .inner
}

/// The width of the labels' column.
const LABEL: f32 = 116.0;

fn life(logged_in: &LoggedIn) -> String {
    match (logged_in.session.expires_at, logged_in.session.lifetime()) {
        (Some(at), _) if logged_in.has_expired() => format!("until {}: it has expired", clock(at)),
        (Some(at), Some(lifetime)) => format!("until {}, {} in all", clock(at), span(lifetime)),
        _ => "for as long as the provider likes: it did not say".to_owned(),
    }
}

fn issued(logged_in: &LoggedIn) -> String {
    let at = clock(logged_in.session.issued_at);
    match logged_in.session.obtained {
        Obtained::ByLogin => format!("issued at {at}, when you logged in"),
        Obtained::ByRenewal(why) => format!("renewed at {at}, because {}", because(why)),
    }
}

fn renewal(logged_in: &LoggedIn) -> String {
    let how = match (&logged_in.session.refresh_token, logged_in.trouble()) {
        (None, _) => "never: the provider issued no refresh token",
        (Some(_), None) => "before a call in its last minute, and once where the API answers 401",
        (Some(_), Some(trouble)) => match (trouble.prospect, trouble.again) {
            (Prospect::Over, _) => "never again: the session has ended",
            (_, Some((_, at))) => {
                return format!("not yet: the last try failed, and the next is at {}", clock(at));
            }
            (_, None) => "not yet: the last try failed",
        },
    };
    how.to_owned()
}

fn place(logged_in: &LoggedIn) -> String {
    match &logged_in.kept {
        Some(Kept::InKeyring) if !logged_in.is_renewable() && logged_in.session.refresh_token.is_some() => {
            format!("the {KEYRING}, of no more use")
        }
        Some(Kept::InKeyring) => format!("the {KEYRING}, until you log out"),
        Some(Kept::ThisRunOnly(_)) => "memory, until you close this window".to_owned(),
        None => "on its way into the keyring".to_owned(),
    }
}

/// A time of day, with the date where that is not today's.
pub fn clock(at: Timestamp) -> String {
    let (at, now) =
        (at.to_zoned_datetime(TimeZone::system()), Timestamp::now().to_zoned_datetime(TimeZone::system()));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%H:%M:%S on %d %B" };
    at.strftime(form).to_string()
}

/// A duration in whole units.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// A line that warns; whether its button was pressed.
fn strip(ui: &mut Ui, text: &str, button: Option<&str>) -> bool {
    let palette = palette(ui);
    let frame =
        Frame::new().fill(palette.warning_ground).corner_radius(9).inner_margin(Margin::symmetric(14, 8));
    let drawn = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(text).size(14.0).color(palette.warning));
            button.is_some_and(|button| widgets::secondary(ui, button).clicked())
        })
        .inner
    });
    drawn.inner
}
