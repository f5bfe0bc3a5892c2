//! The body as lines to show: JSON is laid out and told apart by colour, other text stays as it is.
//!
//! A document is read once, off the UI thread; showing it costs the lines in view and no more.

use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;
use oauth2::http::{HeaderMap, header};
use serde::de::IgnoredAny;

use crate::untrusted;

/// The longest line in characters; a longer one goes on in the next, so that no line is slow to lay out.
const LINE: usize = 2000;
/// Spaces for each level of nesting.
const INDENT: usize = 2;

/// A body, as lines. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it was taken for.
    pub kind: Kind,
    /// The lines.
    pub lines: Arc<[Line]>,
}

/// What a body was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No body.
    Empty,
    /// Well-formed JSON, laid out.
    Json,
    /// Said to be JSON, and not well-formed (or cut): shown as it came.
    BrokenJson,
    /// Other text.
    Text,
    /// No text: not shown.
    Binary,
}

/// A line, with what its parts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The text, safe to show.
    pub text: String,
    /// Byte ranges of `text`, in order; what lies between is [`Part::Plain`].
    pub parts: Vec<(Range<usize>, Part)>,
}

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Anything else.
    Plain,
    /// The name of an object's member.
    Key,
    /// A string.
    String,
    /// A number, `true`, `false` or `null`.
    Literal,
}

impl Document {
    /// Reads a body as its headers say; `cut` where it was longer than `body`.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &[u8], cut: bool) -> Self {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let text = decode(parameters, body);
        let says_json = essence == "application/json" || essence.ends_with("+json");
        let looks_json = essence.is_empty() || essence.starts_with("text/plain");

        let (kind, lines) = if body.is_empty() {
            (Kind::Empty, Vec::new())
        } else if (says_json || looks_json) && !cut && is_structured(&text, says_json) {
            (Kind::Json, Layout::of(&text))
        } else if is_binary(&essence, body) {
            (Kind::Binary, Vec::new())
        } else {
            (if says_json { Kind::BrokenJson } else { Kind::Text }, text.lines().flat_map(plain).collect())
        };
        Self { kind, lines: lines.into() }
    }

    /// The whole text, as it is shown.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines.iter() {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}

/// By the charset that is named, else UTF-8; what does not decode becomes `�`.
fn decode(parameters: &str, body: &[u8]) -> String {
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let named = charset.and_then(|label| Encoding::for_label(label.trim_matches('"').as_bytes()));
    named.unwrap_or(encoding_rs::UTF_8).decode(body).0.into_owned()
}

/// Whether the text is JSON; where nothing says so, only an object or an array is taken for it.
fn is_structured(text: &str, says_json: bool) -> bool {
    (says_json || text.trim_start().starts_with(['{', '[']))
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_binary(essence: &str, body: &[u8]) -> bool {
    ["image/", "audio/", "video/", "font/"].iter().any(|kind| essence.starts_with(kind))
        && essence != "image/svg+xml"
        || body.iter().take(4096).any(|&byte| byte == 0)
}

/// A line as it came, in pieces that are quick to lay out.
fn plain(line: &str) -> Vec<Line> {
    let mut pieces = vec![Line::default()];
    let mut length = 0;
    for c in line.chars() {
        if length == LINE {
            pieces.push(Line::default());
            length = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            match c {
                '\t' => piece.text.push_str("    "),
                c => piece.text.push(untrusted::visible(c)),
            }
        }
        length += 1;
    }
    pieces
}

/// Lays JSON out in one pass over its text, without a tree: names, order and numbers stay as they came.
struct Layout {
    lines: Vec<Line>,
    line: Line,
    length: usize,
    depth: usize,
}

impl Layout {
    /// The lines of `json`, which is well-formed.
    fn of(json: &str) -> Vec<Line> {
        let mut layout = Self { lines: Vec::new(), line: Line::default(), length: 0, depth: 0 };
        let bytes = json.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => {
                    let close = next_sign(bytes, at + 1);
                    layout.push(&json[at..=at], Part::Plain);
                    if let Some(close) = close.filter(|&close| matches!(bytes[close], b'}' | b']')) {
                        layout.push(&json[close..=close], Part::Plain);
                        at = close;
                    } else {
                        layout.depth += 1;
                        layout.break_line();
                    }
                }
                b'}' | b']' => {
                    layout.depth = layout.depth.saturating_sub(1);
                    layout.break_line();
                    layout.push(&json[at..=at], Part::Plain);
                }
                b',' => {
                    layout.push(",", Part::Plain);
                    layout.break_line();
                }
                b':' => layout.push(": ", Part::Plain),
                b'"' => {
                    let end = string_end(bytes, at);
                    let is_key = next_sign(bytes, end).is_some_and(|next| bytes[next] == b':');
                    layout.push(&json[at..end], if is_key { Part::Key } else { Part::String });
                    at = end - 1;
                }
                byte if byte.is_ascii_whitespace() => {}
                _ => {
                    let rest = bytes[at..].iter().position(|byte| b",]} \t\r\n".contains(byte));
                    let end = rest.map_or(bytes.len(), |length| at + length);
                    layout.push(&json[at..end], Part::Literal);
                    at = end - 1;
                }
            }
            at += 1;
        }
        layout.lines.push(layout.line);
        layout.lines
    }

    fn push(&mut self, text: &str, part: Part) {
        let mut start = self.line.text.len();
        for c in text.chars() {
            if self.length == LINE {
                self.mark(start, part);
                self.break_line();
                start = self.line.text.len();
            }
            self.line.text.push(untrusted::visible(c));
            self.length += 1;
        }
        self.mark(start, part);
    }

    fn mark(&mut self, start: usize, part: Part) {
        if part != Part::Plain && start < self.line.text.len() {
            self.line.parts.push((start..self.line.text.len(), part));
        }
    }

    fn break_line(&mut self) {
        let indent = Line { text: " ".repeat(self.depth * INDENT), parts: Vec::new() };
        self.length = indent.text.len();
        self.lines.push(std::mem::replace(&mut self.line, indent));
    }
}

/// The next byte that is not white space.
fn next_sign(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|offset| from + offset)
}

/// The end of the string that starts at `start`, its closing quote included.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oauth2::http::HeaderValue;

    fn read(content_type: &str, body: &[u8]) -> Document {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        Document::read(&headers, body, false)
    }

    #[test]
    fn json_is_laid_out_with_names_order_and_numbers_as_they_came() {
        let body = r#"{"b":[1.50,{}, [ ] ,{"x":null}],"a":"t\"{:,é","n":12345678901234567890123}"#.as_bytes();
        let document = read("application/json; charset=utf-8", body);
        assert_eq!(document.kind, Kind::Json);
        let expected = "{\n  \"b\": [\n    1.50,\n    {},\n    [],\n    {\n      \"x\": null\n    }\n  ],\n  \
                        \"a\": \"t\\\"{:,é\",\n  \"n\": 12345678901234567890123\n}\n";
        assert_eq!(document.text(), expected);
    }

    #[test]
    fn names_strings_and_literals_are_told_apart() {
        let document = read("application/json", br#"{"k":"v","n":1}"#);
        assert_eq!(document.lines[1].parts, [(2..5, Part::Key), (7..10, Part::String)]);
        assert_eq!(document.lines[2].parts, [(2..5, Part::Key), (7..8, Part::Literal)]);
    }

    #[test]
    fn broken_json_is_shown_as_it_came_and_said() {
        let document = read("application/json", b"{\"a\":\n1,}");
        assert_eq!((document.kind, document.text().as_str()), (Kind::BrokenJson, "{\"a\":\n1,}\n"));
    }

    #[test]
    fn json_nested_without_end_is_no_danger() {
        assert_eq!(read("application/json", "[".repeat(100_000).as_bytes()).kind, Kind::BrokenJson);
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(read("application/json", deep.as_bytes()).kind, Kind::BrokenJson);
    }

    #[test]
    fn a_charset_is_honoured_and_what_does_not_decode_is_marked() {
        assert_eq!(read("text/plain; charset=iso-8859-1", b"gr\xfc\xdfe").text(), "grüße\n");
        assert_eq!(read("text/plain", b"gr\xfc").text(), "gr\u{fffd}\n");
    }

    #[test]
    fn a_long_line_goes_on_in_the_next() {
        let document = read("text/plain", "x".repeat(LINE * 2 + 1).as_bytes());
        assert_eq!(document.lines.iter().map(|line| line.text.len()).collect::<Vec<_>>(), [LINE, LINE, 1]);
        let document = read("application/json", format!("[\"{}\"]", "y".repeat(LINE * 2)).as_bytes());
        assert!(document.lines.iter().all(|line| line.text.chars().count() <= LINE));
    }

    #[test]
    fn what_is_no_text_is_not_shown_as_text() {
        assert_eq!(read("image/png", b"\x89PNG").kind, Kind::Binary);
        assert_eq!(read("application/octet-stream", b"a\0b").kind, Kind::Binary);
        assert_eq!(read("application/json", b"").kind, Kind::Empty);
    }
}
