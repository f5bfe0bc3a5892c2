//! HTTP Archive 1.2: what browsers' tools and proxies read.

use oauth2::http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::super::history::Entry;
use crate::http::{Exchange, Message};
use crate::redaction::Instead;

/// The archive of the exchanges among `entries`.
pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let entries: Vec<_> =
        entries.filter_map(|entry| Some(exchange(entry, entry.exchange.as_ref()?))).collect();
    let creator = json!({ "name": "Hallpass", "version": env!("CARGO_PKG_VERSION") });
    let archive = json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } });
    format!("{archive:#}\n")
}

fn exchange(entry: &Entry, exchange: &Exchange) -> Value {
    let (url, request) = (exchange.url(Instead::Hidden), exchange.request(Instead::Hidden));
    let took = exchange.took.as_secs_f64() * 1e3;
    let mut har = json!({
        "startedDateTime": exchange.at.to_string(),
        "time": took,
        "request": {
            "method": exchange.method.as_str(),
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(&request),
            "queryString": query(&url),
            "headersSize": -1,
            "bodySize": request.size,
        },
        "response": response(exchange),
        "cache": {},
        "timings": { "send": 0, "wait": took, "receive": 0 },
        "comment": entry.title,
    });
    if request.size > 0 {
        har["request"]["postData"] = json!({
            "mimeType": kind(&request.headers),
            "comment": comment(&request),
            "text": request.body.unwrap_or_default(),
        });
    }
    har
}

/// Where there was no answer, the status is 0, as browsers write it.
fn response(exchange: &Exchange) -> Value {
    let status = exchange.outcome.as_ref().ok();
    let message = exchange.response(Instead::Hidden);
    let error = exchange.outcome.as_ref().err().map(ToString::to_string);
    json!({
        "status": status.map_or(0, StatusCode::as_u16),
        "statusText": status.and_then(StatusCode::canonical_reason).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": message.as_ref().map(headers).unwrap_or_default(),
        "content": {
            "size": message.as_ref().map_or(0, |message| message.size),
            "mimeType": message.as_ref().map(|message| kind(&message.headers)).unwrap_or_default(),
            "text": message.as_ref().and_then(|message| message.body.clone()).unwrap_or_default(),
            "comment": message.as_ref().map(comment).unwrap_or_default(),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": message.as_ref().map_or(-1, |message| i64::try_from(message.size).unwrap_or(-1)),
        "comment": error.unwrap_or_default(),
    })
}

/// Why there is no text of a body.
fn comment(message: &Message) -> String {
    if message.body.is_none() { format!("{} bytes, which are no text", message.size) } else { String::new() }
}

fn headers(message: &Message) -> Vec<Value> {
    message.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn query(url: &str) -> Vec<Value> {
    let url = Url::parse(url).ok();
    let pairs = url.iter().flat_map(|url| url.query_pairs());
    pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn kind(headers: &[(String, String)]) -> String {
    let kind = headers.iter().find(|(name, _)| name == "content-type");
    kind.map(|(_, kind)| kind.clone()).unwrap_or_default()
}
