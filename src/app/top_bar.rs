//! The bar at the top: the profile, the demo's faults, the theme, the settings.

use egui::containers::menu::MenuButton;
use egui::{Align, Button, ComboBox, Layout, RectAlign, RichText, ScrollArea, Tooltip, Ui};

use super::state::{Action, Demo, State, Theme, Turn};
use super::theme::{self, size};
use super::widgets;

/// Draws the bar.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, timeline_shown: bool) {
    ui.horizontal_centered(|ui| {
        widgets::mark(ui);
        // In a narrow window, and in large type, the mark alone leaves room for what can be pressed.
        if ui.available_width() >= size::NAMED_BAR {
            ui.label(RichText::new("Hallpass").font(theme::heading()));
            ui.add_space(4.0);
        }
        profiles(ui, actions, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let current = Some(state.profile().name.clone());
            if widgets::quiet(ui, "Settings")
                .on_hover_text("The provider, the API and the requests of this profile (Ctrl+,)")
                .clicked()
            {
                actions.push(Action::OpenSettings(current));
            }
            if let Some(theme) = themes(ui, state) {
                actions.push(Action::ShowTheme(theme));
            }
            let doctor = ui.add_enabled_ui(state.can_examine() && state.settings.is_none(), |ui| {
                widgets::quiet(ui, "Doctor")
                    .on_hover_text("Checks whether a login and a call can work, without logging in (Ctrl+D)")
            });
            if doctor.inner.clicked() {
                actions.push(Action::Examine);
            }
            if widgets::view(ui, "Present", state.presenting)
                .on_hover_text("Large type, a caption, and nothing personal readable (F5); F9 starts over")
                .clicked()
            {
                actions.push(Action::Present(!state.presenting));
            }
            let hint = if timeline_shown { "Hide what happened" } else { "Show what happened, step by step" };
            if widgets::view(ui, "Timeline", timeline_shown).on_hover_text(hint).clicked() {
                actions.push(Action::ShowTimeline(!timeline_shown));
            }
            if state.is_demo() && state.demo == Demo::Ready && !state.faults.is_empty() {
                faults(ui, actions, state);
            }
        });
    });
}

fn profiles(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let current = &state.profile().name;
    let combo =
        ComboBox::from_id_salt("profile").selected_text(current.as_str()).width(120.0).show_ui(ui, |ui| {
            for profile in &state.profiles {
                if ui.selectable_label(profile.name == *current, &profile.name).clicked()
                    && profile.name != *current
                {
                    actions.push(Action::SwitchProfile(profile.name.clone()));
                }
            }
            ui.separator();
            if ui.selectable_label(false, "New profile…").clicked() {
                actions.push(Action::OpenSettings(None));
            }
        });
    widgets::named(ui, &combo.response, &format!("Provider: {current}"));
    widgets::ring(ui, &combo.response);
    combo.response.on_hover_text("Which provider and API to use");
}

/// What the demo can be told to do wrong, and which of it is on.
fn faults(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let palette = theme::palette(ui);
    let text = match state.fault {
        Some(fault) => RichText::new(format!("Fault: {}", amid(fault.title))).color(palette.warning),
        None => RichText::new("Faults").color(palette.soft),
    };
    let button = Button::new(text).frame_when_inactive(false).truncate();
    let (response, opened) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(size::MENU);
        // Menus are lower by themselves, and this one scrolls only where the window is.
        ui.set_max_height(ui.ctx().content_rect().height() - 1.5 * size::TOP_BAR);
        ScrollArea::vertical().show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut entry = |ui: &mut Ui, on, title, explains, turn| {
                let entry = ui.selectable_label(on, title);
                let mut tooltip = Tooltip::for_enabled(&entry);
                // Beside the menu, whose other entries stay in view.
                tooltip.popup = tooltip.popup.align(RectAlign::LEFT_START).gap(size::FAR);
                tooltip.show(|ui| ui.label(explains));
                if entry.clicked() {
                    actions.push(Action::TurnFault(turn));
                    ui.close();
                }
            };
            entry(ui, state.fault.is_none(), "None", "The demo is sound.", Turn::Off);
            let mut heading = "";
            for fault in &state.faults {
                if fault.when != heading {
                    heading = fault.when;
                    ui.add_space(size::NEAR);
                    ui.label(RichText::new(heading).font(theme::small()).color(palette.soft));
                }
                entry(ui, state.fault == Some(*fault), fault.title, fault.explains, Turn::On(fault.id));
            }
        });
    });
    widgets::ring(ui, &response);
    if response.clicked() {
        // Another window may have turned it since.
        actions.push(Action::TurnFault(Turn::Look));
    }
    if opened.is_none() {
        let hint = "What the demo does wrong on purpose, to see what Hallpass makes of it";
        response.on_hover_text(state.fault.map_or(hint, |fault| fault.explains));
    }
}

/// A title in the middle of a line: `expired token`, and `API 429` as it is.
fn amid(title: &str) -> String {
    match title.split_at_checked(2) {
        Some((start, rest)) if start.ends_with(char::is_lowercase) => start.to_lowercase() + rest,
        _ => title.to_owned(),
    }
}

fn themes(ui: &mut Ui, state: &State) -> Option<Theme> {
    let mut chosen = None;
    let text = RichText::new("Theme").color(theme::palette(ui).soft);
    let button = Button::new(text).frame_when_inactive(false);
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        for (theme, name) in
            [(Theme::System, "As the system"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
        {
            if ui.selectable_label(state.theme == theme, name).clicked() {
                chosen = Some(theme);
                ui.close();
            }
        }
    });
    widgets::ring(ui, &response);
    chosen
}
