//! The Login screen: where to, for what, and how far it is.

use std::time::Instant;

use egui::{Align, Frame, Id, Label, Layout, Margin, RichText, ScrollArea, Stroke, Ui, UiBuilder, Vec2};

use url::Url;

use super::state::{Action, Attempt, Demo, State, Waiting};
use super::theme::{self, palette, size};
use super::widgets::{self, Taken};
use super::{checks, remedied, repaint_at_next_second, rule};
use crate::auth::login::PATIENCE;
use crate::auth::session::StepUp;
use crate::explain::{self, Explanation, Remedy};

/// Draws the screen.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let height = ui.available_height();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let card_width = if state.checks_shown { size::WIDE_CARD } else { size::CARD };
        let width = card_width.min(ui.available_width() - 2.0 * size::EDGE);
        ui.vertical_centered(|ui| {
            ui.set_max_width(width);
            // The last frame's height, so that the card stands in the middle whatever it holds.
            let id = ui.scope_id().with("card height");
            let last: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(336.0);
            ui.add_space(((height - last) / 2.0).max(size::EDGE));
            let card = ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = size::FAR;
                problems(ui, state);
                news(ui, actions, state);
                made_checks(ui, actions, state);
                card(ui, actions, state);
            });
            let now = card.response.rect.height();
            if (now - last).abs() > 0.5 {
                ui.data_mut(|data| data.insert_temp(id, now));
                ui.ctx().request_repaint();
            }
            ui.add_space(size::EDGE);
        });
    });
}

fn card(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(14)
        .inner_margin(Margin::symmetric(36, 30));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = size::NEAR;
            ui.label(RichText::new(format!("Log in to {}", state.profile().name)).font(theme::title()));
            ui.label(
                RichText::new("Hallpass opens your browser. It never sees your password.")
                    .color(palette.soft),
            );
            ui.add_space(size::NEAR);
            target(ui, state);
            ui.add_space(size::FAR);
            match &state.login {
                Some(attempt) => steps(ui, actions, state, attempt),
                None => start(ui, actions, state),
            }
        });
    });
}

/// Provider, API and scopes.
fn target(ui: &mut Ui, state: &State) {
    let palette = palette(ui);
    let profile = state.profile();
    let row =
        |ui: &mut Ui, label, value: &dyn Fn(&mut Ui)| widgets::row(ui, label, 84.0, size::CODE_LINE, value);
    row(ui, "Provider", &|ui| code(ui, &profile.issuer));
    let api =
        profile.audience.as_deref().or(profile.resource.as_deref()).or(profile.api.as_ref().map(Url::as_str));
    row(ui, "API", &|ui| match api {
        Some(api) => code(ui, api),
        None => {
            ui.label(RichText::new("none").color(palette.soft));
        }
    });
    row(ui, "Asks for", &|ui| {
        ui.spacing_mut().interact_size.y = size::CODE_LINE;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(5.0);
            for scope in &profile.scopes {
                widgets::chip(ui, scope, palette.sunken, false);
            }
        });
    });
}

fn code(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).font(theme::code()).line_height(Some(size::CODE_LINE))).wrap());
}

fn start(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    if state.is_demo()
        && let Demo::Failed(problem) = &state.demo
    {
        let text = format!("The demo provider did not start: {problem}. Choose or make another profile.");
        ui.label(RichText::new(text).color(palette(ui).bad));
        return;
    }
    if state.waits_for_keyring() {
        widgets::waiting_for_keyring(ui);
        ui.add_space(4.0);
    }
    let name = if state.can_log_in() { "Log in" } else { "Starting the demo provider…" };
    let width = ui.available_width();
    let button =
        ui.add_enabled_ui(state.can_log_in(), |ui| widgets::primary(ui, name, Vec2::new(width, size::FIELD)));
    if state.login.is_none() && ui.memory(|memory| memory.focused().is_none()) && state.can_log_in() {
        // Enter logs in, without a look for the mouse.
        button.inner.request_focus();
    }
    if button.inner.on_hover_text("Opens your browser (Ctrl+L)").clicked() {
        actions.push(Action::LogIn(StepUp::default()));
    }
    ui.vertical_centered(|ui| {
        let check = ui.add_enabled_ui(state.can_examine(), |ui| widgets::quiet(ui, "Check the setup")).inner;
        if check.on_hover_text("Whether a login can work, without logging in (Ctrl+D)").clicked() {
            actions.push(Action::Examine);
        }
    });
}

fn steps(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, attempt: &Attempt) {
    rule(ui);
    ui.add_space(size::NEAR);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = size::CODE_LINE;
        for entry in state.history.of(attempt.task) {
            step(ui, Some(entry.mark), &entry.title, false, entry.took.map(widgets::took));
        }
        match &attempt.waiting {
            Some(waiting) => waits(ui, waiting),
            None => step(ui, None, "Under way…", true, None),
        }
    });
    if let Some(explanation) = trouble(state, attempt) {
        ui.add_space(size::NEAR);
        if let Some(Taken::Remedy(remedy)) = widgets::explanation(ui, &explanation, false) {
            actions.push(remedied(remedy, state));
        }
    }
    ui.add_space(size::NEAR);
    // An id of its own: a step that comes in above must not make other buttons of these while one is pressed.
    ui.scope_builder(UiBuilder::new().scope_id(Id::unique("ways out")), |ui| {
        ui.horizontal_wrapped(|ui| {
            if widgets::secondary(ui, "Cancel").on_hover_text("Stop waiting (Esc)").clicked() {
                actions.push(Action::CancelLogin);
            }
            if let Some(waiting) = &attempt.waiting {
                if widgets::secondary(ui, "Copy login link")
                    .on_hover_text("To open it in another browser on this computer")
                    .clicked()
                {
                    actions.push(Action::CopyLoginLink(waiting.link.clone()));
                }
                if widgets::secondary(ui, "Open the browser again").clicked() {
                    actions.push(Action::OpenLoginLink(waiting.link.clone()));
                }
            }
        });
    });
}

/// What stands in the way of an attempt that goes on.
fn trouble(state: &State, attempt: &Attempt) -> Option<Explanation> {
    if let Some(problem) = &attempt.browser_problem {
        return Some(explain::no_browser(problem));
    }
    let waiting = attempt.waiting.as_ref()?;
    let waited = PATIENCE.saturating_sub(waiting.until.saturating_duration_since(Instant::now()));
    explain::no_callback_yet(waited, &waiting.redirect_uri, state.profile())
}

fn waits(ui: &mut Ui, waiting: &Waiting) {
    let left = waiting.until.saturating_duration_since(Instant::now());
    step(ui, None, "Waiting for you in the browser", true, Some(widgets::clock(left)));
    repaint_at_next_second(ui, left);
}

fn step(ui: &mut Ui, mark: Option<super::history::Mark>, title: &str, strong: bool, time: Option<String>) {
    ui.horizontal(|ui| {
        widgets::dot(ui, mark);
        let title = RichText::new(title);
        ui.label(if strong { title.font(theme::emphasis()) } else { title });
        if let Some(time) = time {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(time).font(theme::small_code()).color(palette(ui).soft));
            });
        }
    });
}

fn news(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let Some(news) = state.news.as_ref().filter(|_| state.login.is_none()) else { return };
    // The way to log in again stands right below, and so do the checks once they are shown.
    let stands_already = |remedy: &Remedy| match remedy {
        Remedy::LogIn => true,
        Remedy::SeeChecks => state.checks_shown,
        _ => false,
    };
    let remedy = news.remedy.clone().filter(|remedy| !stands_already(remedy));
    let shown = Explanation { remedy, ..news.clone() };
    match ui.with_layout(Layout::top_down(Align::Min), |ui| widgets::explanation(ui, &shown, true)).inner {
        Some(Taken::Remedy(remedy)) => actions.push(remedied(remedy, state)),
        Some(Taken::Dismissed) => actions.push(Action::Dismiss),
        None => {}
    }
}

/// Every check of the login that failed.
fn made_checks(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let Some((at, made)) = state.verification.login.as_ref().filter(|_| state.checks_shown) else { return };
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            checks::list(ui, *at, made);
            ui.add_space(size::NEAR);
            if widgets::secondary(ui, "Hide the checks").clicked() {
                actions.push(Action::ShowChecks(false));
            }
        });
    });
}

/// What is wrong with the profile file: the profiles that are whole can be used all the same.
fn problems(ui: &mut Ui, state: &State) {
    if state.problems.is_empty() || state.login.is_some() {
        return;
    }
    let palette = palette(ui);
    let frame =
        Frame::new().fill(palette.warning_ground).corner_radius(12).inner_margin(Margin::symmetric(20, 14));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.label(
                RichText::new(if state.problems.len() == 1 {
                    "A setting is wrong"
                } else {
                    "Some settings are wrong"
                })
                .font(theme::heading()),
            );
            for problem in &state.problems {
                ui.label(RichText::new(problem.to_string()).size(14.0));
            }
        });
    });
}
