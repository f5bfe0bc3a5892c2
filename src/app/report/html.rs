//! A page that stands on its own: the timeline with what was said, to send to somebody or to keep.

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::history::{Entry, Mark};
use super::super::widgets;
use crate::api::response::status_line;
use crate::http::Message;
use crate::redaction::Instead;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    made: String,
    entries: Vec<Shown>,
}

struct Shown {
    at: String,
    mark: &'static str,
    title: String,
    detail: String,
    took: String,
    who: String,
    sides: Vec<Side>,
}

struct Side {
    name: &'static str,
    line: String,
    message: Option<Message>,
}

/// The page of `entries`.
pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let page =
        Page { made: time(Timestamp::now(), "%d %B %Y, %H:%M:%S"), entries: entries.map(shown).collect() };
    // Writing into a string does not fail.
    page.render().unwrap_or_default()
}

fn shown(entry: &Entry) -> Shown {
    let (from, to) = entry.between;
    let sides = entry.exchange.as_ref().map(|exchange| {
        let line = format!("{} {}", exchange.method, exchange.url(Instead::Hidden));
        let request = Side { name: "Request", line, message: Some(exchange.request(Instead::Hidden)) };
        let response = match &exchange.outcome {
            Ok(status) => Side {
                name: "Response",
                line: status_line(*status),
                message: exchange.response(Instead::Hidden),
            },
            Err(error) => Side { name: "No response", line: error.to_string(), message: None },
        };
        vec![request, response]
    });
    Shown {
        at: time(entry.at, "%H:%M:%S%.3f"),
        mark: match entry.mark {
            Mark::Good => "good",
            Mark::Bad => "bad",
            Mark::Neutral => "neutral",
        },
        title: entry.title.clone(),
        detail: entry.detail.clone(),
        took: entry.took.map(widgets::took).unwrap_or_default(),
        who: if from == to { from.name().to_owned() } else { format!("{} → {}", from.name(), to.name()) },
        sides: sides.unwrap_or_default(),
    }
}

fn time(at: Timestamp, form: &str) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime(form).to_string()
}
