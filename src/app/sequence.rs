//! The timeline as a sequence of messages between those who take part: a picture to explain the flow with.

use egui::{
    Align2, FontId, Rect, RichText, ScrollArea, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::history::{Entry, Mark, Party};
use super::state::{Action, State};
use super::theme::{self, palette, size};
use super::widgets;

/// The height of a message: all are the same, so that only those in view are drawn.
const MESSAGE: f32 = 52.0;

/// Draws it.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let palette = palette(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(18.0);
    ui.horizontal(|ui| {
        ui.add_space(size::EDGE);
        if widgets::secondary(ui, "Back").on_hover_text("To where you were (Esc)").clicked() {
            actions.push(Action::ShowSequence(false));
        }
        ui.add_space(6.0);
        ui.label(RichText::new("Who says what to whom").font(theme::heading()));
    });
    ui.add_space(14.0);
    let width = ui.available_width();
    let (head, _) = ui.allocate_exact_size(Vec2::new(width, 40.0), Sense::hover());
    for party in Party::ALL {
        let centre = pos2(lane(head, party), head.center().y);
        let name = Rect::from_center_size(centre, vec2(116.0, 32.0));
        ui.painter().rect(name, 8, palette.sunken, Stroke::NONE, egui::StrokeKind::Inside);
        ui.painter().text(centre, Align2::CENTER_CENTER, party.name(), theme::emphasis(), palette.text);
    }
    let list = ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).id_salt("sequence");
    list.show_rows(ui, MESSAGE, state.history.count(), |ui, range| {
        for index in range {
            if let Some(entry) = state.history.get(index)
                && message(ui, entry)
            {
                actions.push(Action::OpenEntry(entry.number));
            }
        }
    });
}

/// Where the line of a party is.
fn lane(rect: Rect, party: Party) -> f32 {
    let index = Party::ALL.iter().position(|other| *other == party).unwrap_or_default();
    let margin = 82.0;
    let step = (rect.width() - 2.0 * margin) / (Party::ALL.len() - 1) as f32;
    rect.left() + margin + step * index as f32
}

/// Draws a message; whether it was clicked.
fn message(ui: &mut Ui, entry: &Entry) -> bool {
    let palette = palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), MESSAGE), Sense::click());
    let painter = ui.painter_at(rect);
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, 0, palette.sunken);
    }
    for party in Party::ALL {
        painter.vline(lane(rect, party), rect.y_range(), Stroke::new(1.0, palette.line));
    }
    let colour = match entry.mark {
        Mark::Good => palette.good,
        Mark::Bad => palette.bad,
        Mark::Neutral => palette.soft,
    };
    let (from, to) = (lane(rect, entry.between.0), lane(rect, entry.between.1));
    let took = entry.took.map(|took| format!("  {}", widgets::took(took))).unwrap_or_default();
    let y = rect.bottom() - 14.0;
    // An answer comes back the same way.
    let both_ways = entry.exchange.is_some();
    let anchor = if entry.between.0 == entry.between.1 {
        painter.circle_filled(pos2(from, y), 4.5, colour);
        pos2(from + 12.0, y)
    } else {
        let stroke = Stroke::new(2.0, colour);
        let forward = (to - from).signum();
        painter.hline(from.min(to)..=from.max(to), y, stroke);
        head(&painter, pos2(to, y), forward, stroke);
        if both_ways {
            head(&painter, pos2(from, y), -forward, stroke);
        }
        pos2(from.min(to) + 12.0, y - 13.0)
    };
    let at = Align2::LEFT_CENTER;
    let title = format!("{}{took}", entry.title);
    let galley = painter.layout_no_wrap(title, FontId::new(14.0, theme::strong()), palette.text);
    let place = at.anchor_size(anchor, galley.size());
    // The lines of others do not run through the words.
    painter.rect_filled(place.expand2(vec2(4.0, 0.0)), 0, ground(ui, &response));
    painter.galley(place.min, galley, palette.text);
    let name = format!("{}: {} to {}", entry.title, entry.between.0.name(), entry.between.1.name());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    response.on_hover_text(&entry.detail).clicked()
}

fn ground(ui: &Ui, response: &egui::Response) -> egui::Color32 {
    let palette = palette(ui);
    if response.hovered() || response.has_focus() { palette.sunken } else { palette.background }
}

fn head(painter: &egui::Painter, tip: egui::Pos2, forward: f32, stroke: Stroke) {
    let back = |y| tip + vec2(-8.0 * forward, y);
    painter.add(Shape::line(vec![back(-5.0), tip, back(5.0)], stroke));
}
