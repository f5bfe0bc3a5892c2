//! The bar at the top: the profile, the theme, the settings.

use egui::containers::menu::MenuButton;
use egui::{Align, Button, ComboBox, Layout, RichText, Ui};

use super::state::{Action, State, Theme};
use super::{theme, widgets};

/// Draws the bar.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, timeline_shown: bool) {
    ui.horizontal_centered(|ui| {
        widgets::mark(ui);
        ui.label(RichText::new("Hallpass").font(theme::heading()));
        ui.add_space(4.0);
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
            let hint = if timeline_shown { "Hide what happened" } else { "Show what happened, step by step" };
            if widgets::view(ui, "Timeline", timeline_shown).on_hover_text(hint).clicked() {
                actions.push(Action::ShowTimeline(!timeline_shown));
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
