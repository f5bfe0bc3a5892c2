//! The body as lines to show: JSON is laid out and told apart by colour, other text stays as it is.
//!
//! A document is read once, off the UI thread; showing it costs the lines in view and no more.

use std::fmt;
use std::ops::Range;

use encoding_rs::Encoding;
use oauth2::http::{HeaderMap, header};
use serde::de::IgnoredAny;

use crate::untrusted;

/// The longest line in characters; a longer one goes on in the next, so that no line is slow to lay out.
const LINE: usize = 2000;
/// The most lines that are shown: a scroll position is a single-precision number, and must tell each from the next.
pub const MOST_LINES: usize = 500_000;
/// Spaces for each level of nesting.
const INDENT: usize = 2;

/// A body, as lines.
pub struct Document {
    /// What it was taken for.
    pub kind: Kind,
    lines: Lines,
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

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name of an object's member.
    Key,
    /// A string.
    String,
    /// A number, `true`, `false` or `null`.
    Literal,
}

impl fmt::Debug for Document {
    /// Leaves out the text: it is the API's affair.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {} lines)", self.kind, self.len())
    }
}

impl Document {
    /// Reads a body as its headers say; `cut` where it was longer than `body`.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &[u8], cut: bool) -> Self {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let essence = essence.trim().to_ascii_lowercase();
        if body.is_empty() {
            return Self { kind: Kind::Empty, lines: Lines::default() };
        }
        let text = decode(parameters, body);
        let says_json = essence == "application/json" || essence.ends_with("+json");
        let looks_json = essence.is_empty() || essence.starts_with("text/plain");
        if (says_json || looks_json)
            && !cut
            && is_structured(&text, says_json)
            && let Some(lines) = laid_out(&text)
        {
            return Self { kind: Kind::Json, lines };
        }
        if is_binary(&essence, body) {
            return Self { kind: Kind::Binary, lines: Lines::default() };
        }
        Self { kind: if says_json { Kind::BrokenJson } else { Kind::Text }, lines: as_it_came(&text) }
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.starts.len()
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line at `index`, from 0, safe to show.
    #[must_use]
    pub fn line(&self, index: usize) -> Option<&str> {
        let start = *self.lines.starts.get(index)?;
        let end = self.lines.starts.get(index + 1).copied().unwrap_or(self.lines.text.len());
        Some(self.lines.text[start..end].trim_end_matches('\n'))
    }

    /// What the parts of the line at `index` are: byte ranges in order; what lies between them is plain.
    #[must_use]
    pub fn parts(&self, index: usize) -> Vec<(Range<usize>, Part)> {
        match self.line(index) {
            Some(line) if self.kind == Kind::Json => {
                parts(line, self.lines.within_string.binary_search(&index).is_ok())
            }
            _ => Vec::new(),
        }
    }

    /// The whole text, as it is shown.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.lines.text
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

/// One text with its lines in it: a hundred million short lines take little more than their characters.
#[derive(Default)]
struct Lines {
    text: String,
    /// Where each line starts.
    starts: Vec<usize>,
    /// The lines that start within a string, because it was too long for one; in order.
    within_string: Vec<usize>,
    /// Characters of the last line.
    length: usize,
}

impl Lines {
    fn start(&mut self, indent: usize) {
        if !self.starts.is_empty() {
            self.text.push('\n');
        }
        self.starts.push(self.text.len());
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.length = indent;
    }

    /// Appends to the last line, and goes on in the next where it gets too long.
    fn push(&mut self, text: &str, is_string: bool) {
        for c in text.chars() {
            if self.length >= LINE {
                self.start(0);
                if is_string {
                    self.within_string.push(self.starts.len() - 1);
                }
            }
            self.text.push(untrusted::visible(c));
            self.length += 1;
        }
    }
}

/// The lines of a text, none of them so long that it is slow to show.
fn as_it_came(text: &str) -> Lines {
    let mut lines = Lines::default();
    for line in text.lines() {
        lines.start(0);
        lines.push(&line.replace('\t', "    "), false);
    }
    lines.text.push('\n');
    lines
}

/// Lays well-formed JSON out in one pass over its text, without a tree: names, order and numbers stay as they came.
/// `None` where it would grow out of proportion, as by nesting without end, or have too many lines.
fn laid_out(json: &str) -> Option<Lines> {
    let most = 4 * json.len() + (64 << 10);
    let (bytes, mut lines, mut depth, mut at) = (json.as_bytes(), Lines::default(), 0_usize, 0);
    lines.start(0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                lines.push(&json[at..=at], false);
                let close = next_sign(bytes, at + 1).filter(|&close| matches!(bytes[close], b'}' | b']'));
                if let Some(close) = close {
                    lines.push(&json[close..=close], false);
                    at = close;
                } else {
                    depth += 1;
                    lines.start(depth * INDENT);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                lines.start(depth * INDENT);
                lines.push(&json[at..=at], false);
            }
            b',' => {
                lines.push(",", false);
                lines.start(depth * INDENT);
            }
            b':' => lines.push(": ", false),
            b'"' => {
                let end = string_end(bytes, at);
                lines.push(&json[at..end], true);
                at = end - 1;
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => {
                let rest = bytes[at..].iter().position(|byte| b",]} \t\r\n".contains(byte));
                let end = rest.map_or(bytes.len(), |length| at + length);
                lines.push(&json[at..end], false);
                at = end - 1;
            }
        }
        if lines.text.len() > most || lines.starts.len() > MOST_LINES {
            return None;
        }
        at += 1;
    }
    lines.text.push('\n');
    Some(lines)
}

/// What the parts of a line of laid-out JSON are.
fn parts(line: &str, within_string: bool) -> Vec<(Range<usize>, Part)> {
    let (bytes, mut parts, mut at) = (line.as_bytes(), Vec::new(), 0);
    if within_string {
        // One byte back, where the opening quote would stand.
        at = string_end(bytes, usize::MAX);
        parts.push((0..at, Part::String));
    }
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                let is_key = bytes.get(at) == Some(&b':');
                parts.push((start..at, if is_key { Part::Key } else { Part::String }));
            }
            b' ' | b',' | b':' | b'{' | b'}' | b'[' | b']' => at += 1,
            _ => {
                at += bytes[at..].iter().position(|byte| b",]} ".contains(byte)).unwrap_or(bytes.len() - at);
                parts.push((start..at, Part::Literal));
            }
        }
    }
    parts
}

/// The next byte that is not white space.
fn next_sign(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|offset| from + offset)
}

/// The end of the string whose opening quote is at `start`, its closing quote included; of `usize::MAX`, the end of
/// the string that the bytes begin within.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start.wrapping_add(1);
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
        assert_eq!(document.parts(1), [(2..5, Part::Key), (7..10, Part::String)]);
        assert_eq!(document.parts(2), [(2..5, Part::Key), (7..8, Part::Literal)]);
    }

    #[test]
    fn broken_json_is_shown_as_it_came_and_said() {
        let document = read("application/json", b"{\"a\":\n1,}");
        assert_eq!((document.kind, document.text()), (Kind::BrokenJson, "{\"a\":\n1,}\n"));
    }

    #[test]
    fn json_nested_without_end_is_no_danger() {
        assert_eq!(read("application/json", "[".repeat(100_000).as_bytes()).kind, Kind::BrokenJson);
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let document = read("application/json", deep.as_bytes());
        assert!(document.text().len() < 2 * deep.len(), "{}", document.text().len());
    }

    #[test]
    fn a_charset_is_honoured_and_what_does_not_decode_is_marked() {
        assert_eq!(read("text/plain; charset=iso-8859-1", b"gr\xfc\xdfe").text(), "grüße\n");
        assert_eq!(read("text/plain", b"gr\xfc").text(), "gr\u{fffd}\n");
    }

    #[test]
    fn a_long_line_goes_on_in_the_next() {
        let document = read("text/plain", "x".repeat(LINE * 2 + 1).as_bytes());
        let lengths: Vec<_> =
            (0..document.len()).filter_map(|index| document.line(index)).map(str::len).collect();
        assert_eq!(lengths, [LINE, LINE, 1]);

        let document = read("application/json", format!("[\"{}\"]", "é".repeat(LINE * 2)).as_bytes());
        assert_eq!(document.len(), 5);
        assert!((0..5).all(|index| document.line(index).unwrap().chars().count() <= LINE));
        assert_eq!(document.parts(2), [(0..2 * LINE, Part::String)]);
        assert_eq!(document.parts(3).len(), 1);
    }

    #[test]
    fn what_is_no_text_is_not_shown_as_text() {
        assert_eq!(read("image/png", b"\x89PNG").kind, Kind::Binary);
        assert_eq!(read("application/octet-stream", b"a\0b").kind, Kind::Binary);
        assert_eq!(read("application/json", b"").kind, Kind::Empty);
    }
}
