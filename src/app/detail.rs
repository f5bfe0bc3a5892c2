//! An entry of the timeline, opened: what was asked and answered, with its secrets hidden until the person says so.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Stroke, Ui};
use jiff::tz::TimeZone;
use oauth2::http::{HeaderMap, HeaderValue, header};

use super::body;
use super::history::{Entry, Mark};
use super::state::Action;
use super::theme::{self, palette, size};
use super::widgets;
use crate::api::response::status_line;
use crate::body::{Body, Row};
use crate::http::Message;
use crate::redaction::Instead;

/// So many rows of a body are shown.
const FEW_ROWS: u64 = 200;

/// An entry and what was said, laid out.
#[derive(Debug)]
pub struct Detail {
    /// The entry.
    pub entry: Entry,
    /// Whether its secrets are shown.
    pub revealed: bool,
    /// Method and URL.
    line: String,
    request: Option<Side>,
    response: Option<Side>,
}

/// One side of an exchange, ready to be drawn.
#[derive(Debug)]
struct Side {
    message: Message,
    /// The first rows of its body.
    rows: Vec<Row>,
    /// Whether there are more.
    goes_on: bool,
}

impl Detail {
    /// Lays out what was said in `entry`.
    pub(super) fn of(entry: &Entry, revealed: bool) -> Self {
        let instead = if revealed { Instead::Itself } else { Instead::Hidden };
        let exchange = entry.exchange.as_ref();
        Self {
            revealed,
            line: exchange.map_or_else(String::new, |it| format!("{} {}", it.method, it.url(instead))),
            request: exchange.map(|exchange| Side::of(exchange.request(instead))),
            response: exchange.and_then(|exchange| exchange.response(instead)).map(Side::of),
            entry: entry.clone(),
        }
    }
}

impl Side {
    fn of(message: Message) -> Self {
        let mut headers = HeaderMap::new();
        let kind = message.headers.iter().find(|(name, _)| name == header::CONTENT_TYPE.as_str());
        // It is UTF-8 by now, whatever charset it came in.
        let kind = kind.and_then(|(_, kind)| kind.split(';').next());
        if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(kind).ok()) {
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let body = message.body.as_deref().unwrap_or_default();
        let (body, progress) = Body::whole(&headers, body.as_bytes());
        let view = progress.views().first().copied().unwrap_or_default();
        let goes_on = message.cut || progress.counted(view).rows > FEW_ROWS;
        Self { rows: body.rows(view, 0..FEW_ROWS).unwrap_or_default(), goes_on, message }
    }
}

/// Draws it.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, detail: &Detail) {
    let Detail { entry, .. } = detail;
    ScrollArea::vertical().auto_shrink(false).id_salt("detail").show(ui, |ui| {
        Frame::new().inner_margin(Margin::same(24)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = size::FAR;
            title(ui, actions, entry);
            let Some(exchange) = &entry.exchange else {
                let text = if entry.between.0 == entry.between.1 {
                    "Nothing was sent for this."
                } else {
                    "There is nothing more to show of this."
                };
                ui.label(RichText::new(text).color(palette(ui).soft));
                return;
            };
            ui.horizontal_wrapped(|ui| {
                if widgets::secondary(ui, "Copy as curl")
                    .on_hover_text("As a command, with a variable in the place of each secret")
                    .clicked()
                {
                    actions.push(Action::Copy(exchange.curl()));
                }
                let name = if detail.revealed { "Hide the secrets" } else { "Reveal the secrets" };
                let hint = "Tokens and codes, in full: see that nobody looks over your shoulder";
                if widgets::secondary(ui, name).on_hover_text(hint).clicked() {
                    actions.push(Action::Reveal(!detail.revealed));
                }
            });
            side(ui, "Request", &detail.line, detail.request.as_ref());
            match &exchange.outcome {
                Ok(status) => side(ui, "Response", &status_line(*status), detail.response.as_ref()),
                Err(error) => side(ui, "No response", &error.to_string(), None),
            }
        });
    });
}

fn title(ui: &mut Ui, actions: &mut Vec<Action>, entry: &Entry) {
    let palette = palette(ui);
    ui.horizontal(|ui| {
        if widgets::secondary(ui, "Back").on_hover_text("To where you were (Esc)").clicked() {
            actions.push(Action::CloseEntry);
        }
        ui.add_space(6.0);
        let colour = if entry.mark == Mark::Bad { palette.bad } else { palette.text };
        ui.label(RichText::new(&entry.title).font(theme::heading()).color(colour));
    });
    let at = entry.at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string();
    let (from, to) = entry.between;
    let who = if from == to { from.name().to_owned() } else { format!("{} → {}", from.name(), to.name()) };
    let facts = [Some(who), Some(at), entry.took.map(widgets::took), Some(entry.detail.clone())];
    let facts: Vec<_> = facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
    ui.add(Label::new(RichText::new(facts.join(" · ")).color(palette.soft)).wrap());
}

/// One side: its first line, its headers, its body.
fn side(ui: &mut Ui, name: &str, line: &str, side: Option<&Side>) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.label(RichText::new(name).font(theme::small()).family(theme::strong()).color(palette.soft));
        ui.add(Label::new(RichText::new(line).font(theme::code()).line_height(Some(size::CODE_LINE))).wrap());
        let Some(Side { message, rows, goes_on }) = side else { return };
        for (name, value) in &message.headers {
            widgets::row(ui, name, 190.0, size::CODE_LINE, |ui| {
                let value = RichText::new(crate::untrusted::line(value)).font(theme::small_code());
                ui.add(Label::new(value.line_height(Some(size::CODE_LINE))).wrap());
            });
        }
        if message.size == 0 {
            return;
        }
        ui.add_space(6.0);
        if message.body.is_none() {
            let text = format!("{}, which is no text to show.", widgets::bytes(message.size as u64));
            ui.label(RichText::new(text).color(palette.soft));
            return;
        }
        body::few(ui, rows);
        if *goes_on {
            let text = format!("… the beginning of {}.", widgets::bytes(message.size as u64));
            ui.label(RichText::new(text).color(palette.soft));
        }
    });
}
