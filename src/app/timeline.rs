//! The timeline: what happened, step by step, newest last.

use std::time::Instant;

use egui::{Align, Layout, RichText, ScrollArea, Ui, Vec2};

use super::history::{Entry, Mark};
use super::state::State;
use super::theme::{self, palette, size};
use super::{repaint_at_next_second, widgets};

/// The height of an entry: all are the same, so that only those in view are laid out.
const ENTRY: f32 = 60.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, state: &State) {
    ui.label(
        RichText::new("What happened").font(theme::small()).family(theme::strong()).color(palette(ui).soft),
    );
    ui.add_space(4.0);
    let waiting = state.login.as_ref().and_then(|attempt| attempt.waiting.as_ref());
    if state.history.is_empty() && waiting.is_none() {
        ui.add(
            egui::Label::new(
                RichText::new(
                    "Nothing yet. Every step of the login and of each call will show here, with its time, and with \
                     secrets hidden.",
                )
                .color(palette(ui).soft),
            )
            .wrap(),
        );
        return;
    }
    let count = state.history.len() + usize::from(waiting.is_some());
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show_rows(
        ui,
        ENTRY,
        count,
        |ui, range| {
            for index in range {
                match (state.history.get(index), waiting) {
                    (Some(entry), _) => told(ui, entry),
                    (None, Some(waiting)) => {
                        let left = waiting.until.saturating_duration_since(Instant::now());
                        let place = waiting.redirect_uri.trim_start_matches("http://").split('/').next();
                        let detail = format!("listening at {}", place.unwrap_or_default());
                        draw(ui, None, "Waiting for you", &detail, Some(widgets::clock(left)), None);
                        repaint_at_next_second(ui, left);
                    }
                    (None, None) => {}
                }
            }
        },
    );
}

fn told(ui: &mut Ui, entry: &Entry) {
    draw(ui, Some(entry.mark), &entry.title, &entry.detail, entry.took.map(widgets::took), Some(entry));
}

fn draw(
    ui: &mut Ui,
    mark: Option<Mark>,
    title: &str,
    detail: &str,
    time: Option<String>,
    entry: Option<&Entry>,
) {
    let (width, soft) = (ui.available_width(), palette(ui).soft);
    let drawn = ui.allocate_ui(Vec2::new(width, ENTRY), |ui| {
        ui.set_min_height(ENTRY - 1.0);
        ui.spacing_mut().item_spacing = Vec2::new(size::NEAR, 0.0);
        ui.add_space(9.0);
        ui.horizontal_top(|ui| {
            widgets::dot(ui, mark);
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                ui.add_space(4.0);
                if let Some(time) = time {
                    ui.label(RichText::new(time).font(theme::small_code()).color(soft));
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.add(egui::Label::new(RichText::new(title).font(theme::emphasis())).truncate());
                    ui.add(
                        egui::Label::new(RichText::new(detail).font(theme::small()).color(soft)).truncate(),
                    );
                });
            });
        });
    });
    let bottom = drawn.response.rect.bottom();
    ui.painter().hline(drawn.response.rect.x_range(), bottom, egui::Stroke::new(1.0, palette(ui).line));
    if let Some(entry) = entry {
        drawn.response.on_hover_ui(|ui| {
            let at = entry.at.to_zoned_datetime(jiff::tz::TimeZone::system());
            ui.label(format!("{}\n{detail}", at.strftime("%H:%M:%S%.3f")));
        });
    }
}
