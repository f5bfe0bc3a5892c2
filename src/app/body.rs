//! The body of an answer: its views, the rows in sight, and what one does with them.
//!
//! The place in a body is a row and how much of it is above the edge, and never a height in pixels: a body has no height
//! that a screen coordinate could tell rows apart in. Only the rows in sight are laid out, whatever the body's size.

use std::ops::Range;
use std::sync::Arc;

use egui::text::{CCursor, CharIndex, LayoutJob};
use egui::text_selection::{CCursorRange, visuals::paint_text_selection};
use egui::{
    Align, Align2, Color32, CursorIcon, Event, Frame, Galley, Id, Key, Label, Layout, Margin, Modifiers,
    Pos2, Rect, Response, RichText, Role, Sense, Shape, Stroke, TextEdit, TextFormat, TextWrapMode,
    TextureHandle, Ui, Vec2, WidgetInfo, vec2,
};

use super::rule;
use super::state::{Action, Did, Look, MOST_COPIED, Position, Selection, Spot, Viewer};
use super::theme::{self, Palette, palette, size};
use super::widgets;
use crate::api::arrival::MOST;
use crate::api::response::{self, Cut};
use crate::body::{DEEPEST, Kind, Needle, Part, Row, View, Why};
use crate::secret::{HIDDEN, Secret};
use crate::untrusted;

/// The name of the field that searches.
const FIND: &str = "Find in the body";

/// Draws it, down to where there is room.
pub fn show(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    viewer: &Viewer,
    response: &response::Response,
    picture: Showing<'_>,
    presenting: bool,
) {
    if viewer.progress.kind == Kind::Empty {
        note(ui, "The response has no body.");
        return;
    }
    arriving(ui, viewer);
    Frame::new().inner_margin(Margin::symmetric(10, 5)).show(ui, |ui| tools(ui, actions, viewer));
    rule(ui);
    for text in notes(viewer, response) {
        note(ui, &text);
    }
    let foot = ui.available_rect_before_wrap();
    let foot = foot.with_min_y(foot.bottom() - FOOT);
    let room = ui.available_rect_before_wrap().with_max_y(foot.top());
    ui.scope_builder(egui::UiBuilder::new().max_rect(room), |ui| match (viewer.view, picture) {
        (View::Picture, Showing::Picture(texture)) => {
            ui.centered_and_justified(|ui| {
                ui.add(egui::Image::new(texture).shrink_to_fit().alt_text("The picture that was answered"));
            });
        }
        (View::Picture, Showing::Coming) => note(ui, "The picture is on its way."),
        (View::Picture, Showing::Nothing) => note(ui, "This picture cannot be shown. Hex shows its bytes."),
        // Its bytes are beyond the mask.
        (View::Hex, _) if presenting => note(ui, "Bytes are not shown in a presentation."),
        _ => rows(ui, actions, viewer, presenting),
    });
    ui.scope_builder(egui::UiBuilder::new().max_rect(foot), |ui| footer(ui, actions, viewer));
}

/// The picture that a body is.
#[derive(Clone, Copy)]
pub enum Showing<'a> {
    /// Here it is.
    Picture(&'a TextureHandle),
    /// It is being read.
    Coming,
    /// It cannot be shown.
    Nothing,
}

/// The height of the line below the rows.
const FOOT: f32 = 30.0;
/// The width of the scroll bar, and the least height of its handle.
const BAR: f32 = 10.0;
const HANDLE: f32 = 28.0;

fn note(ui: &mut Ui, text: &str) {
    Frame::new().inner_margin(Margin { left: 16, right: 16, top: 10, bottom: 0 }).show(ui, |ui| {
        ui.add(Label::new(RichText::new(text).color(palette(ui).soft)).wrap());
    });
}

/// What is not as one would expect of the body.
fn notes(viewer: &Viewer, response: &response::Response) -> Vec<String> {
    let size = widgets::bytes(viewer.progress.bytes);
    let cut = response.cut.as_ref().map(|cut| match cut {
        Cut::BrokeOff(_) => format!("The answer broke off: here are the {size} that came."),
        Cut::TooLong => {
            format!("No more than {} are read: the rest was not waited for.", widgets::bytes(MOST))
        }
        Cut::Disk(problem) => {
            format!("There was no place for the rest ({problem}): here are the first {size}.")
        }
        Cut::Cancelled => format!("You cancelled the rest: here are the {size} that came."),
    });
    let flaw = viewer.progress.flaw.filter(|_| viewer.view == View::Pretty && cut.is_none()).map(|flaw| {
        let at = number(flaw.at);
        let of = if viewer.body.charset() == "UTF-8" { "" } else { " of its text" };
        match flaw.why {
            Why::Expected(what) => format!(
                "Not well-formed JSON: at byte {at}{of} it wants {what}. From there on it is shown as it came."
            ),
            Why::TooDeep => format!(
                "Nested deeper than {DEEPEST} levels from byte {at}{of} on, which is shown as it came."
            ),
            Why::TooEarly => "Not well-formed JSON: it ends too early.".to_owned(),
        }
    });
    let failure = viewer.failure.as_ref().map(|problem| format!("The body cannot be read back: {problem}."));
    [cut, flaw, failure].into_iter().flatten().collect()
}

/// How much of a body came that still does.
fn arriving(ui: &mut Ui, viewer: &Viewer) {
    if viewer.progress.is_over {
        return;
    }
    let palette = palette(ui);
    if let Some(length) = viewer.length.filter(|length| *length > 0) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 3.0), Sense::hover());
        let part = part_of(viewer.progress.bytes, length);
        ui.painter().rect_filled(rect, 0.0, palette.sunken);
        ui.painter().rect_filled(rect.with_max_x(rect.left() + rect.width() * part), 0.0, palette.accent);
    }
}

fn tools(ui: &mut Ui, actions: &mut Vec<Action>, viewer: &Viewer) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.y = 5.0;
        let views = viewer.progress.views();
        for &view in views.iter().filter(|_| views.len() > 1) {
            let (name, hint) = match view {
                View::Pretty => ("Pretty", "JSON, a member or an element a line"),
                View::Raw => ("Raw", "As it came, line by line"),
                View::Hex => ("Hex", "Its bytes"),
                View::Picture => ("Picture", "As a picture"),
            };
            if widgets::small_tab(ui, name, viewer.view == view).on_hover_text(hint).clicked() {
                actions.push(Action::Look(Look::Show(view)));
            }
        }
        if !viewer.folds.is_empty() && widgets::quiet(ui, "Unfold all").clicked() {
            actions.push(Action::Look(Look::UnfoldAll));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let can_save = viewer.progress.is_over && viewer.did != Some(Did::Saving);
            ui.add_enabled_ui(can_save, |ui| {
                let save = widgets::quiet(ui, "Save");
                let save = save.on_hover_text("The whole body, into a file among your downloads");
                if save.on_disabled_hover_text("Once all of it came").clicked() {
                    actions.push(Action::Look(Look::Save));
                }
            });
            if viewer.view != View::Picture {
                copy(ui, actions, viewer);
                find(ui, actions, viewer);
            }
        });
    });
}

fn copy(ui: &mut Ui, actions: &mut Vec<Action>, viewer: &Viewer) {
    let selected = viewer.selection.is_some_and(|selection| !selection.is_empty());
    let fits = viewer.progress.bytes <= MOST_COPIED;
    let hint = match (selected, fits) {
        (true, _) => "Copy what is selected (Ctrl+C)",
        (false, true) => "Copy the whole body",
        (false, false) => "Too long to copy as a whole: select a part of it, or save it",
    };
    ui.add_enabled_ui(selected || fits, |ui| {
        let button = widgets::quiet(ui, "Copy");
        if button.on_hover_text(hint).on_disabled_hover_text(hint).clicked() {
            actions.push(Action::Look(Look::Copy));
        }
    });
}

/// The field that searches, and the hits.
fn find(ui: &mut Ui, actions: &mut Vec<Action>, viewer: &Viewer) {
    let search = viewer.search.as_ref();
    if let Some(search) = search {
        let go = |back| Action::Look(Look::Go { back });
        let some = search.total > 0;
        ui.add_enabled_ui(some, |ui| {
            for (sign, name, hint, back) in [
                ("▼", "Next hit", "Next (Enter)", false),
                ("▲", "Previous hit", "Previous (Shift+Enter)", true),
            ] {
                let button = widgets::quiet(ui, sign).on_hover_text(hint);
                widgets::named(ui, &button, name);
                if button.clicked() {
                    actions.push(go(back));
                }
            }
        });
        let more = if search.searched < viewer.progress.bytes { "…" } else { "" };
        let count = match (search.current, search.total) {
            (Some(current), total) => format!("{} of {}{more}", number(current + 1), number(total)),
            (None, 0) if more.is_empty() => "no hit".to_owned(),
            (None, 1) => format!("1 hit{more}"),
            (None, total) => format!("{} hits{more}", number(total)),
        };
        ui.label(RichText::new(count).font(theme::small()).color(palette(ui).soft));
        ui.add_space(4.0);
    }
    let mut text = viewer.find.expose().to_owned();
    let edit = TextEdit::singleline(&mut text)
        .id(Id::unique(FIND))
        .font(theme::small_code())
        .desired_width(150.0)
        .margin(Margin::symmetric(10, 5))
        .hint_text("Find, or :line");
    let field = ui.add(edit);
    widgets::named(ui, &field, FIND);
    let field = field.on_hover_text(
        "Ctrl+F. It looks for the text as it came (see Raw), in any case of A to Z unless you type a capital",
    );
    if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
        field.request_focus();
    }
    if field.changed() {
        actions.push(Action::Look(Look::Find(Secret::new(text))));
    }
    if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        actions.push(Action::Look(Look::Go { back: ui.input(|input| input.modifiers.shift) }));
        // So that Enter goes on to the next.
        field.request_focus();
    }
}

fn footer(ui: &mut Ui, actions: &mut Vec<Action>, viewer: &Viewer) {
    rule(ui);
    let palette = palette(ui);
    let text = |text: String| RichText::new(text).font(theme::small()).color(palette.soft);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = size::NEAR;
        // As high as the line, and no higher.
        ui.spacing_mut().interact_size.y = FOOT - 6.0;
        ui.spacing_mut().button_padding.y = 0.0;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(12.0);
            let mut facts = Vec::new();
            if viewer.view != View::Picture {
                let lines = viewer.progress.counted(viewer.view).lines;
                facts.push(if lines == 1 { "1 line".to_owned() } else { format!("{} lines", number(lines)) });
            }
            if matches!(viewer.view, View::Pretty | View::Raw) && viewer.body.charset() != "UTF-8" {
                facts.push(viewer.body.charset().to_owned());
            }
            ui.label(text(facts.join(" · ")));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| match (&viewer.did, &viewer.path) {
                (Some(Did::Saving), _) => {
                    ui.add_space(12.0);
                    ui.label(text("Saving…".to_owned()));
                }
                (Some(Did::CopiedBeginning(size)), _) => {
                    ui.add_space(12.0);
                    let size = widgets::bytes(*size as u64);
                    ui.label(text(format!("Too long to copy as a whole: copied the first {size}")));
                }
                (Some(Did::Saved(path)), _) => {
                    ui.add_space(12.0);
                    ui.add(Label::new(text(format!("Saved as {}", path.display()))).truncate());
                }
                (Some(Did::NotSaved(problem)), _) => {
                    ui.add_space(12.0);
                    ui.add(Label::new(text(format!("Not saved: {problem}")).color(palette.bad)).truncate());
                }
                (None, Some(path)) => {
                    if widgets::quiet(ui, "Copy path").on_hover_text("The JSON path (RFC 9535)").clicked() {
                        actions.push(Action::Copy(path.clone()));
                    }
                    let shown = text(untrusted::line(path)).font(theme::small_code());
                    ui.add(Label::new(shown).truncate());
                }
                (None, None) if !viewer.progress.is_over => {
                    let of = viewer.length.map(|length| format!(" of {}", widgets::bytes(length)));
                    let came = widgets::bytes(viewer.progress.bytes);
                    let rate = widgets::bytes(viewer.rate());
                    ui.add_space(12.0);
                    ui.label(text(format!("Receiving: {came}{} · {rate}/s", of.unwrap_or_default())));
                }
                (None, None) => {}
            });
        });
    });
}

/// A row as it is laid out.
struct Laid {
    row: u64,
    rect: Rect,
    galley: Arc<Galley>,
}

/// How rows are laid out.
struct Measure<'a> {
    viewer: &'a Viewer,
    presenting: bool,
    palette: &'static Palette,
    width: f32,
    /// How many rows there are to see.
    seen: u64,
}

impl Measure<'_> {
    /// The row that is seen as the one of this number, if it is there.
    fn row(&self, seen: u64) -> Option<&Row> {
        (seen < self.seen).then(|| self.viewer.row(self.viewer.folds.row(seen))).flatten()
    }

    fn lay_out(&self, ui: &Ui, row: &Row) -> Arc<Galley> {
        let needle = self.viewer.search.as_ref().map(|search| &search.needle);
        // What a row of bytes reads is not what is searched.
        let needle = needle.filter(|_| self.viewer.view != View::Hex);
        let mut job = if self.presenting && row.line.is_none() {
            // What it goes on with is not told by its own text, and neither is whether that is to be hidden.
            let mut job = LayoutJob::default();
            append(&mut job, HIDDEN, self.palette.soft, Color32::TRANSPARENT);
            job
        } else {
            coloured(row, needle, self.palette)
        };
        if let Some(end) = self.viewer.folds.end_of(row.number) {
            append(&mut job, " … ", self.palette.soft, self.palette.sunken);
            append(&mut job, end.text.trim_start(), self.palette.text, Color32::TRANSPARENT);
        }
        job.wrap.max_width = self.width;
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    }

    fn height(&self, ui: &Ui, seen: u64) -> Option<f32> {
        self.row(seen).map(|row| self.lay_out(ui, row).size().y.max(size::CODE_LINE))
    }

    /// The position `by` points further down, as far as the rows are there.
    fn moved(&self, ui: &Ui, from: Position, by: f32) -> Position {
        let mut seen = self.viewer.folds.seen(from.row);
        let mut above = from.above + by;
        while above < 0.0
            && let Some(height) = seen.checked_sub(1).and_then(|before| self.height(ui, before))
        {
            (seen, above) = (seen - 1, above + height);
        }
        while let Some(height) = self.height(ui, seen)
            && above >= height
            && seen + 1 < self.seen
        {
            (seen, above) = (seen + 1, above - height);
        }
        Position { row: self.viewer.folds.row(seen), above: above.max(0.0) }
    }

    /// The furthest position down that leaves no room below the last row.
    fn last(&self, ui: &Ui, height: f32) -> Option<Position> {
        let (mut left, mut seen) = (height, self.seen);
        while left > 0.0 && seen > 0 {
            seen -= 1;
            left -= self.height(ui, seen)?;
        }
        Some(Position { row: self.viewer.folds.row(seen), above: (-left).max(0.0) })
    }
}

/// The rows in sight.
fn rows(ui: &mut Ui, actions: &mut Vec<Action>, viewer: &Viewer, presenting: bool) {
    let counted = viewer.progress.counted(viewer.view);
    let digits = counted.lines.max(999).ilog10() as f32 + 1.0;
    let gutter = 24.0 + digits * 8.5;
    let all = ui.available_rect_before_wrap();
    let area = all.with_max_x(all.right() - BAR - 4.0).with_min_y(all.top() + 6.0);
    let palette = palette(ui);
    let measure =
        Measure { viewer, presenting, palette, width: area.width() - gutter - 26.0, seen: viewer.seen() };

    let id = ui.scope_id().with("rows");
    let response = ui.interact(area, id, Sense::click_and_drag());
    labelled(&response, "Body");
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette.halo);
        ui.painter().rect_stroke(all.shrink(2.0), 6.0, stroke, egui::StrokeKind::Inside);
    }
    let top = wheel_and_keys(ui, &measure, &response, area.height());
    let top = match measure.last(ui, area.height()).filter(|_| is_near_end(&measure, top, area.height())) {
        Some(last) if is_after(top, last) => last,
        _ => top,
    };
    if top != viewer.shown {
        actions.push(Action::Look(Look::Scroll(top)));
    }

    let painter = ui.painter_at(area);
    let mut laid = Vec::new();
    let (mut y, mut seen) = (area.top() - top.above, viewer.folds.seen(top.row));
    while y < area.bottom()
        && let Some(row) = measure.row(seen)
    {
        let mut galley = measure.lay_out(ui, row);
        let rect = Rect::from_min_size(
            Pos2::new(area.left() + gutter + 16.0, y),
            vec2(measure.width, galley.size().y.max(size::CODE_LINE)),
        );
        if let Some(range) = selected(viewer.selection, row) {
            paint_text_selection(&mut galley, ui.visuals(), &range, None);
        }
        let shown = ui.interact(rect.intersect(area), id.with(row.number), Sense::hover());
        labelled(&shown, &galley.job.text);
        painter.galley(rect.min, Arc::clone(&galley), palette.text);
        if let Some(line) = row.line {
            let at = Pos2::new(area.left() + gutter, y + size::CODE_LINE / 2.0);
            let colour = palette.soft.gamma_multiply(0.7);
            painter.text(at, Align2::RIGHT_CENTER, line, theme::small_code(), colour);
        }
        if row.opens {
            fold(ui, actions, viewer, row, rect.left_top() - vec2(14.0, 0.0), area);
        }
        y = rect.bottom();
        laid.push(Laid { row: row.number, rect, galley });
        seen += 1;
    }
    select(ui, actions, viewer, &response, &laid);
    bar(ui, actions, &measure, all.with_min_x(all.right() - BAR), top, laid.len());
}

fn labelled(response: &Response, text: &str) {
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
}

/// The position after what the wheel and the keyboard did.
fn wheel_and_keys(ui: &Ui, measure: &Measure<'_>, response: &Response, height: f32) -> Position {
    let mut by = 0.0;
    if response.contains_pointer() {
        ui.input_mut(|input| {
            by -= input.smooth_scroll_delta.y;
            // Nothing around this scrolls too.
            input.smooth_scroll_delta.y = 0.0;
        });
    }
    let mut top = measure.viewer.shown;
    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    if response.has_focus() {
        let page = (height - size::CODE_LINE).max(size::CODE_LINE);
        ui.memory_mut(|memory| {
            let arrows = egui::EventFilter { vertical_arrows: true, ..Default::default() };
            memory.set_focus_lock_filter(response.id, arrows);
        });
        ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            for (key, points) in [
                (Key::ArrowDown, size::CODE_LINE),
                (Key::ArrowUp, -size::CODE_LINE),
                (Key::PageDown, page),
                (Key::PageUp, -page),
            ] {
                if pressed(key) {
                    by += points;
                }
            }
            if pressed(Key::Home) {
                top = Position::default();
            }
            if pressed(Key::End) {
                top = Position { row: measure.viewer.folds.row(measure.seen.saturating_sub(1)), above: 0.0 };
            }
        });
    }
    if by == 0.0 { top } else { measure.moved(ui, top, by) }
}

fn is_after(a: Position, b: Position) -> bool {
    a.row > b.row || a.row == b.row && a.above > b.above
}

/// Whether the last row may be in sight.
fn is_near_end(measure: &Measure<'_>, top: Position, height: f32) -> bool {
    let left = measure.seen.saturating_sub(measure.viewer.folds.seen(top.row) + 1);
    left as f32 * size::CODE_LINE <= height
}

/// The triangle that folds a container.
fn fold(ui: &Ui, actions: &mut Vec<Action>, viewer: &Viewer, row: &Row, at: Pos2, area: Rect) {
    let is_folded = viewer.folds.end_of(row.number).is_some();
    let rect = Rect::from_min_size(at, vec2(12.0, size::CODE_LINE)).intersect(area);
    if !rect.is_positive() {
        return;
    }
    let response = ui.interact(rect, ui.scope_id().with(("fold", row.number)), Sense::click());
    let name = if is_folded { "Unfold line" } else { "Fold line" };
    let name = format!("{name} {}", row.line.unwrap_or(row.number + 1));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let palette = palette(ui);
    let colour = if response.hovered() || response.has_focus() { palette.text } else { palette.soft };
    let (centre, r) = (at + vec2(6.0, size::CODE_LINE / 2.0), 3.5);
    let points = if is_folded {
        vec![centre + vec2(-r * 0.6, -r), centre + vec2(r * 0.9, 0.0), centre + vec2(-r * 0.6, r)]
    } else {
        vec![centre + vec2(-r, -r * 0.6), centre + vec2(r, -r * 0.6), centre + vec2(0.0, r * 0.9)]
    };
    ui.painter_at(area).add(Shape::convex_polygon(points, colour, Stroke::NONE));
    widgets::ring(ui, &response);
    if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
        actions.push(Action::Look(Look::Fold(row.number)));
    }
}

/// What of the row is selected.
fn selected(selection: Option<Selection>, row: &Row) -> Option<CCursorRange> {
    let [start, end] = selection.filter(|selection| !selection.is_empty())?.range();
    if !(start.row..=end.row).contains(&row.number) {
        return None;
    }
    let from = if row.number == start.row { start.column } else { 0 };
    let length = row.text.chars().count();
    let to = if row.number == end.row { end.column.min(length) } else { length };
    let cursor = |column: usize| CCursor::new(CharIndex(column));
    (from < to).then(|| CCursorRange::two(cursor(from), cursor(to)))
}

/// What the pointer and the keyboard select.
fn select(ui: &Ui, actions: &mut Vec<Action>, viewer: &Viewer, response: &Response, laid: &[Laid]) {
    let spot = |at: Pos2| {
        let row = laid.iter().find(|laid| at.y < laid.rect.bottom()).or(laid.last())?;
        let column = row.galley.cursor_from_pos(at - row.rect.min).index.0;
        Some(Spot { row: row.row, column })
    };
    let here = response.interact_pointer_pos().and_then(spot);
    let extends = ui.input(|input| input.modifiers.shift);
    let anchor = viewer.selection.map(|selection| selection.anchor);
    if let Some(head) = here {
        let begun = ui.input(|input| input.pointer.press_origin()).and_then(spot);
        if response.drag_started() {
            let anchor = anchor.filter(|_| extends).or(begun).unwrap_or(head);
            actions.push(Action::Look(Look::Select(Selection { anchor, head })));
        } else if response.dragged() {
            actions.push(Action::Look(Look::Select(Selection { anchor: anchor.unwrap_or(head), head })));
        } else if response.clicked() {
            let anchor = anchor.filter(|_| extends).unwrap_or(head);
            actions.push(Action::Look(Look::Select(Selection { anchor, head })));
        }
    }
    if response.hovered() {
        ui.set_cursor_icon(CursorIcon::Text);
    }
    if response.has_focus() {
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::A)) {
            actions.push(Action::Look(Look::SelectAll));
        }
        if ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Copy))) {
            actions.push(Action::Look(Look::Copy));
        }
    }
}

/// Where in the body one is, in 64 bits: a row of billions is as good as the first.
fn bar(ui: &Ui, actions: &mut Vec<Action>, measure: &Measure<'_>, track: Rect, top: Position, fit: usize) {
    let hidden = measure.seen.saturating_sub(fit as u64);
    if hidden == 0 && top.above == 0.0 && measure.viewer.folds.seen(top.row) == 0 {
        return;
    }
    let palette = palette(ui);
    let response = ui.interact(track, ui.scope_id().with("bar"), Sense::DRAG);
    let height = (track.height() * part_of(fit as u64, measure.seen)).max(HANDLE).min(track.height());
    let room = (track.height() - height).max(1.0);
    let place = part_of(measure.viewer.folds.seen(measure.viewer.top.row), hidden);
    let handle = Rect::from_min_size(
        Pos2::new(track.left() + 2.0, track.top() + room * place),
        vec2(BAR - 4.0, height),
    );
    let colour = if response.hovered() || response.dragged() { palette.soft } else { palette.line };
    ui.painter().rect_filled(handle, 3.0, colour);
    if let Some(at) = response.interact_pointer_pos() {
        let part = f64::from((at.y - track.top() - height / 2.0) / room).clamp(0.0, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a whole number"
        )]
        let seen = (part * hidden as f64).round() as u64;
        let row = measure.viewer.folds.row(seen);
        if row != measure.viewer.top.row {
            actions.push(Action::Look(Look::Scroll(Position { row, above: 0.0 })));
        }
    }
}

/// Which part of the whole it is, from 0 to 1.
#[expect(clippy::cast_possible_truncation, reason = "it is for a length on the screen")]
fn part_of(part: u64, whole: u64) -> f32 {
    (part as f64 / whole.max(1) as f64).min(1.0) as f32
}

/// A few rows, wrapped, for a place that scrolls as a whole.
pub fn few(ui: &mut Ui, rows: &[Row]) {
    let palette = palette(ui);
    let last = rows.iter().filter_map(|row| row.line).max().unwrap_or_default();
    let gutter = 6.0 + (last.max(100).ilog10() as f32 + 1.0) * 9.0;
    for row in rows {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            let (rect, _) = ui.allocate_exact_size(Vec2::new(gutter, size::CODE_LINE), Sense::hover());
            if let Some(line) = row.line {
                let colour = palette.soft.gamma_multiply(0.7);
                ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, line, theme::code(), colour);
            }
            ui.add(Label::new(coloured(row, None, palette)).wrap_mode(TextWrapMode::Wrap));
        });
    }
}

/// The row in the colours of its parts, with what is looked for on a ground of its own.
fn coloured(row: &Row, needle: Option<&Needle>, palette: &Palette) -> LayoutJob {
    let hits = needle.map(|needle| needle.ranges_in(&row.text)).unwrap_or_default();
    let mut job = LayoutJob::default();
    let mut piece = |range: Range<usize>, part: Part| {
        let colour = match part {
            Part::Key => palette.accent,
            Part::String => palette.good,
            Part::Literal => palette.literal,
            Part::Sign | Part::Text => palette.text,
        };
        let mut at = range.start;
        for hit in hits.iter().filter(|hit| hit.start < range.end && hit.end > range.start) {
            let (start, end) = (hit.start.max(at), hit.end.min(range.end));
            append(&mut job, &row.text[at..start], colour, Color32::TRANSPARENT);
            append(&mut job, &row.text[start..end], colour, palette.warning_ground);
            at = end;
        }
        append(&mut job, &row.text[at..range.end], colour, Color32::TRANSPARENT);
    };
    let mut at = 0;
    for (range, part) in &row.parts {
        piece(at..range.start, Part::Text);
        piece(range.clone(), *part);
        at = range.end;
    }
    job
}

fn append(job: &mut LayoutJob, text: &str, color: Color32, background: Color32) {
    if !text.is_empty() {
        let line_height = Some(size::CODE_LINE);
        let font_id = theme::code();
        job.append(
            text,
            0.0,
            TextFormat { font_id, color, background, line_height, ..TextFormat::default() },
        );
    }
}

/// A number with its thousands apart.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
