//! How bytes become rows, piece by piece as they come: the state between two pieces is all that has to be kept, so that
//! a layout can go on from any place at which it was copied.

use memchr::memchr;

use super::json::Json;

/// The longest row in bytes; a longer line goes on in the next, so that no row is slow to lay out.
pub(super) const LONGEST: usize = 2000;
/// What may stand before a text in UTF-8, and is no part of it.
pub(super) const MARK: &[u8] = "\u{feff}".as_bytes();
/// Spaces for each level of nesting.
const INDENT: usize = 2;

/// What a part of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it came.
    Text,
    /// A bracket, comma or colon of JSON.
    Sign,
    /// The name of an object's member.
    Key,
    /// A string.
    String,
    /// A number, `true`, `false` or `null`.
    Literal,
}

/// Where a row starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// Offset in the source of its first byte.
    pub at: u64,
    /// How deep it is nested.
    pub depth: usize,
    /// Whether it goes on with the line of the row before.
    pub continues: bool,
}

impl Start {
    /// How many spaces stand before it.
    pub fn indent(self) -> usize {
        if self.continues { 0 } else { self.depth * INDENT }
    }
}

/// Takes what a layout makes of the source, in order.
pub(super) trait Sink {
    /// A row starts.
    fn row(&mut self, start: Start);
    /// The row goes on with these bytes, which end in the source before `end`.
    fn text(&mut self, _part: Part, _end: u64, _bytes: &[u8]) {}
    /// A container was closed; this deep is what holds it.
    fn closed(&mut self, _depth: usize) {}
}

/// A way to lay out a source, and how far that is.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// Line by line.
    Raw(Raw),
    /// A member or element of JSON a line.
    Json(Json),
}

impl Layout {
    /// Goes on with these bytes.
    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut impl Sink) {
        let pen = match self {
            Self::Raw(raw) => &mut raw.pen,
            Self::Json(json) => json.pen(),
        };
        if pen.at == 0
            && let Some(rest) = bytes.strip_prefix(MARK)
        {
            pen.skip(MARK.len());
            bytes = rest;
        }
        match self {
            Self::Raw(raw) => raw.feed(bytes, sink),
            Self::Json(json) => json.feed(bytes, sink),
        }
    }

    /// How deep the least nested part was since this was asked last.
    pub fn least_depth(&mut self) -> usize {
        match self {
            Self::Raw(_) => 0,
            Self::Json(json) => json.least_depth(),
        }
    }
}

/// Writes rows, none of them too long.
#[derive(Clone, Debug, Default)]
pub(super) struct Pen {
    /// Offset in the source of the next byte.
    pub at: u64,
    /// Bytes in the row.
    width: usize,
    /// How deep the row is nested.
    depth: usize,
    /// The row that starts with the next byte written.
    next: Option<Start>,
}

impl Pen {
    /// A pen before its first row.
    pub fn new() -> Self {
        Self { next: Some(Start::default()), ..Self::default() }
    }

    /// The next byte starts a row.
    pub fn start_row(&mut self, depth: usize, sink: &mut impl Sink) {
        if let Some(empty) = self.next.take() {
            sink.row(empty);
        }
        self.next = Some(Start { at: self.at, depth, continues: false });
    }

    /// The next byte starts a row that is not nested, if it did not start one anyway.
    pub fn break_row(&mut self) {
        self.next = Some(Start { at: self.at, ..Start::default() });
    }

    /// Writes `bytes`, the next ones of the source.
    #[inline]
    pub fn write(&mut self, part: Part, bytes: &[u8], sink: &mut impl Sink) {
        if self.next.is_none() && self.width + bytes.len() <= LONGEST {
            self.at += bytes.len() as u64;
            self.width += bytes.len();
            sink.text(part, self.at, bytes);
        } else {
            self.write_rows(part, bytes, sink);
        }
    }

    /// The same where a row starts, or gets too long.
    fn write_rows(&mut self, part: Part, mut bytes: &[u8], sink: &mut impl Sink) {
        if bytes.is_empty() {
            return;
        }
        if let Some(start) = self.next.take() {
            let start = Start { at: self.at, ..start };
            (self.width, self.depth) = (start.indent(), start.depth);
            sink.row(start);
        }
        while self.width + bytes.len() > LONGEST {
            let mut cut = LONGEST.saturating_sub(self.width);
            // Characters stay whole, where the bytes are characters at all, and in whichever pieces they come.
            let is_within = |cut: usize| bytes.get(cut).is_some_and(|byte| byte & 0xC0 == 0x80);
            while self.width + cut < LONGEST + 3 && is_within(cut) {
                cut += 1;
            }
            let (head, rest) = bytes.split_at(cut.min(bytes.len()));
            self.at += head.len() as u64;
            sink.text(part, self.at, head);
            if rest.is_empty() {
                self.width += head.len();
                return;
            }
            bytes = rest;
            self.width = 0;
            sink.row(Start { at: self.at, depth: self.depth, continues: true });
        }
        self.at += bytes.len() as u64;
        self.width += bytes.len();
        sink.text(part, self.at, bytes);
    }

    /// Writes what stands for the next byte of the source.
    pub fn write_sign(&mut self, sign: &'static [u8], sink: &mut impl Sink) {
        let after = self.at + 1;
        self.write(Part::Sign, sign, sink);
        self.at = after;
    }

    /// Passes over bytes of the source that are not shown.
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes as u64;
    }
}

/// Line by line, as it came.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pen: Pen,
}

impl Raw {
    pub fn new() -> Self {
        Self { pen: Pen::new() }
    }

    /// The same from here on.
    pub fn going_on(pen: Pen) -> Self {
        Self { pen }
    }

    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut impl Sink) {
        while let Some(end) = memchr(b'\n', bytes) {
            self.pen.write(Part::Text, &bytes[..end], sink);
            self.pen.skip(1);
            self.pen.start_row(0, sink);
            bytes = &bytes[end + 1..];
        }
        self.pen.write(Part::Text, bytes, sink);
    }
}
