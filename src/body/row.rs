//! A row, ready to be shown.

use std::fmt;
use std::ops::Range;

use super::index::Counted;
use super::layout::{Part, Sink, Start};
use crate::untrusted;

/// A row of a body.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number among the rows, from 0.
    pub number: u64,
    /// The number of the line that it starts, from 1; `None` where it goes on with one.
    pub line: Option<u64>,
    /// How deep it is nested.
    pub depth: usize,
    /// Where its bytes are in the source.
    pub source: Range<u64>,
    /// What it reads, safe to show.
    pub text: String,
    /// What its parts are: byte ranges of the text, in order.
    pub parts: Vec<(Range<usize>, Part)>,
    /// Whether it opens a container that ends in a later row.
    pub opens: bool,
    /// Whether it ends a container that an earlier row opens.
    pub closes: bool,
    /// Offset in the source after the name of its member, or after its value where it has none.
    pub(super) named_at: u64,
}

impl fmt::Debug for Row {
    /// Leaves out what it says: it is the API's affair.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {} bytes)", self.number, self.text.len())
    }
}

/// Makes the rows of a range.
pub(super) struct Maker {
    range: Range<u64>,
    counted: Counted,
    rows: Vec<Raw>,
    done: bool,
}

/// A row whose bytes are together, and not yet characters.
struct Raw {
    number: u64,
    line: Option<u64>,
    start: Start,
    end: u64,
    bytes: Vec<u8>,
    /// Where each part ends in the bytes, and in the source.
    parts: Vec<(Part, usize, u64)>,
}

impl Maker {
    /// Makes these rows, from where so many had started.
    pub fn new(counted: Counted, range: Range<u64>) -> Self {
        Self { range, counted, rows: Vec::new(), done: false }
    }

    /// Whether all are made.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The rows, as far as they came.
    pub fn rows(self, is_json: bool) -> Vec<Row> {
        self.rows.into_iter().map(|row| row.shown(is_json)).collect()
    }
}

impl Sink for Maker {
    fn row(&mut self, start: Start) {
        let number = self.counted.rows;
        self.counted.row(start);
        self.done = self.done || number >= self.range.end;
        if self.range.contains(&number) {
            let line = (!start.continues).then_some(self.counted.lines);
            let (bytes, parts) = (Vec::new(), Vec::new());
            self.rows.push(Raw { number, line, start, end: start.at, bytes, parts });
        }
    }

    fn text(&mut self, part: Part, end: u64, bytes: &[u8]) {
        // The last row is the one that is written to, until one after the range starts.
        let Some(row) = self.rows.last_mut().filter(|_| !self.done) else { return };
        row.bytes.extend_from_slice(bytes);
        row.end = end;
        match row.parts.last_mut() {
            Some((last, at, source)) if *last == part => (*at, *source) = (row.bytes.len(), end),
            _ => row.parts.push((part, row.bytes.len(), end)),
        }
    }
}

impl Raw {
    fn shown(self, is_json: bool) -> Row {
        let is_sign = |part: &(Part, usize, u64)| part.0 == Part::Sign;
        let first = self.parts.first();
        // Before a bracket: it belongs to what holds it, or to what it ends.
        let named_at = first.filter(|part| !is_sign(part)).map_or(self.start.at, |part| part.2);
        let ends_in_sign = is_json && self.parts.last().is_some_and(is_sign);
        let starts_in_sign = is_json && first.is_some_and(is_sign);
        let mut text = " ".repeat(self.start.indent());
        let (mut parts, mut from) = (Vec::new(), 0);
        for (part, to, _) in self.parts {
            let start = text.len();
            push_visible(&mut text, &self.bytes[from..to]);
            parts.push((start..text.len(), part));
            from = to;
        }
        Row {
            number: self.number,
            line: self.line,
            depth: self.start.depth,
            source: self.start.at..self.end,
            opens: ends_in_sign && matches!(self.bytes.last(), Some(b'{' | b'[')),
            closes: starts_in_sign && matches!(self.bytes.first(), Some(b'}' | b']')),
            text,
            parts,
            named_at,
        }
    }
}

/// Appends the characters of `bytes`, none of which acts on the text around it; what is no character becomes `�`.
fn push_visible(text: &mut String, bytes: &[u8]) {
    for c in String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).chars() {
        match c {
            '\t' => text.push_str("    "),
            c => text.push(untrusted::visible(c)),
        }
    }
}
