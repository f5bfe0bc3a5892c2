//! The timeline: what happened, step by step, newest last.

use std::time::Instant;

use egui::containers::menu::MenuButton;
use egui::{
    Align, Align2, Button, Label, Layout, Margin, Response, RichText, Role, ScrollArea, Sense, Stroke,
    TextEdit, Ui, Vec2, WidgetInfo,
};

use super::history::{Entry, Filter, Kind, Mark};
use super::report::Format;
use super::state::{Action, State};
use super::theme::{self, palette, size};
use super::{repaint_at_next_second, widgets};

/// The height of an entry: all are the same, so that only those in view are laid out.
const ENTRY: f32 = 60.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let title = RichText::new("What happened").font(theme::small()).family(theme::strong());
    ui.horizontal(|ui| {
        ui.label(title.color(palette(ui).soft));
        if !state.history.is_empty() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| tools(ui, actions, state));
        }
    });
    ui.add_space(4.0);
    let waiting = state.login.as_ref().and_then(|attempt| attempt.waiting.as_ref());
    if state.history.is_empty() && waiting.is_none() {
        let text = "Nothing yet. Every step of the login and of each call will show here, with its time, and with \
                    secrets hidden.";
        ui.add(Label::new(RichText::new(text).color(palette(ui).soft)).wrap());
        return;
    }
    filter(ui, actions, state);
    if let Some(exported) = &state.exported {
        let text = match exported {
            Ok(path) => format!("Saved as {}", path.display()),
            Err(problem) => format!("Not saved: {problem}."),
        };
        ui.add(Label::new(RichText::new(text).font(theme::small())).wrap());
    }
    let count = state.history.count() + usize::from(waiting.is_some());
    ui.spacing_mut().item_spacing.y = 0.0;
    let list = ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true);
    list.show_rows(ui, ENTRY, count, |ui, range| {
        let before = range.start.checked_sub(1).and_then(|index| state.history.get(index));
        let mut last = before.map(|entry| entry.task);
        for index in range {
            match (state.history.get(index), waiting) {
                (Some(entry), _) => {
                    let begins = last.is_some_and(|last| last != entry.task);
                    last = Some(entry.task);
                    if told(ui, entry, begins) {
                        actions.push(Action::OpenEntry(entry.number));
                    }
                }
                (None, Some(waiting)) => {
                    let left = waiting.until.saturating_duration_since(Instant::now());
                    let place = waiting.redirect_uri.trim_start_matches("http://").split('/').next();
                    let detail = format!("listening at {}", place.unwrap_or_default());
                    draw(ui, None, "Waiting for you", &detail, Some(widgets::clock(left)), false);
                    repaint_at_next_second(ui, left);
                }
                (None, None) => {}
            }
        }
    });
}

/// What can be done with the timeline as a whole.
fn tools(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    ui.spacing_mut().item_spacing.x = 2.0;
    ui.spacing_mut().button_padding.x = 6.0;
    if widgets::quiet(ui, "Clear").on_hover_text("Forget every entry").clicked() {
        actions.push(Action::ClearTimeline);
    }
    let button = Button::new(RichText::new("Export").color(palette(ui).soft)).frame_when_inactive(false);
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        for (format, name) in [(Format::Html, "As a page (HTML)"), (Format::Har, "For other tools (HAR)")] {
            if ui.selectable_label(false, name).clicked() {
                actions.push(Action::Export(format));
                ui.close();
            }
        }
    });
    widgets::ring(ui, &response);
    response.on_hover_text("Into a file, with the secrets hidden");
    if widgets::view(ui, "Sequence", state.sequence).on_hover_text("Who says what to whom").clicked() {
        actions.push(Action::ShowSequence(!state.sequence));
    }
}

/// Which entries are shown.
fn filter(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let filter = state.history.filter();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding = Vec2::new(7.0, 3.0);
        let kinds = [
            (Kind::All, "All"),
            (Kind::Login, "Login"),
            (Kind::Calls, "Calls"),
            (Kind::Problems, "Problems"),
        ];
        for (kind, name) in kinds {
            if widgets::small_tab(ui, name, filter.kind == kind).clicked() {
                actions.push(Action::FilterTimeline(Filter { kind, ..filter.clone() }));
            }
        }
        let width = ui.available_width();
        let mut text = filter.text.clone();
        let field =
            TextEdit::singleline(&mut text).hint_text("Filter").desired_width(width).font(theme::small());
        let field = field.margin(Margin::symmetric(8, 4)).align(Align2::LEFT_CENTER);
        let response = ui.add(field);
        widgets::named(ui, &response, "Filter the timeline");
        if response.changed() {
            actions.push(Action::FilterTimeline(Filter { text, ..filter.clone() }));
        }
    });
    ui.add_space(4.0);
}

/// Draws an entry; whether it was clicked. `begins` says whether it is the first of its task.
fn told(ui: &mut Ui, entry: &Entry, begins: bool) -> bool {
    let drawn =
        draw(ui, Some(entry.mark), &entry.title, &entry.detail, entry.took.map(widgets::took), begins);
    let response = ui.interact(drawn.rect, ui.scope_id().with(entry.number), Sense::click());
    if response.hovered() || response.has_focus() {
        let rect = drawn.rect.expand2(Vec2::new(8.0, 0.0));
        ui.painter().rect_filled(rect, 6, palette(ui).text.gamma_multiply(0.05));
    }
    let name = format!("{}: {}", entry.title, entry.detail);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let clicked = response.clicked();
    response.on_hover_ui(|ui| {
        let at = entry.at.to_zoned_datetime(jiff::tz::TimeZone::system());
        ui.label(format!("{}\n{}", at.strftime("%H:%M:%S%.3f"), entry.detail));
    });
    clicked
}

fn draw(
    ui: &mut Ui,
    mark: Option<Mark>,
    title: &str,
    detail: &str,
    time: Option<String>,
    begins: bool,
) -> Response {
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
                    ui.add(Label::new(RichText::new(title).font(theme::emphasis())).truncate());
                    ui.add(Label::new(RichText::new(detail).font(theme::small()).color(soft)).truncate());
                });
            });
        });
    });
    let (rect, palette) = (drawn.response.rect, palette(ui));
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, palette.line));
    if begins {
        ui.painter().hline(rect.x_range(), rect.top() - 1.0, Stroke::new(2.0, palette.soft));
    }
    drawn.response
}
