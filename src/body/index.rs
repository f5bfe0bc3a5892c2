//! Which row stands where: the layout as it is at every 64 KB of the source, from which any row is found again by laying
//! out a little of it. So an index of a gigabyte takes a few megabytes, and no row is remembered.

use std::io;
use std::ops::{ControlFlow, Range};

use super::json::{Container, Flaw};
use super::layout::{Layout, Sink, Start};
use super::row::{Maker, Row};
use super::store::Store;

/// How many bytes of the source lie between two marks.
pub(super) const SEGMENT: u64 = 64 << 10;
/// How many segments are laid out to find one row: white space can go on for ever.
const PATIENCE: u64 = 64;

/// Which row stands where in a source that still comes.
#[derive(Debug)]
pub(super) struct Index {
    marks: Vec<Mark>,
    /// The layout at the end of what came.
    layout: Layout,
    counted: Counted,
    came: u64,
}

/// The layout at the start of a segment.
#[derive(Debug)]
struct Mark {
    layout: Layout,
    counted: Counted,
    /// How deep the least nested part of the segment is.
    least_depth: usize,
}

/// Rows that have started, and how many of them start a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows.
    pub rows: u64,
    /// Lines.
    pub lines: u64,
}

impl Sink for Counted {
    fn row(&mut self, start: Start) {
        self.rows += 1;
        self.lines += u64::from(!start.continues);
    }
}

impl Index {
    pub fn new(layout: Layout) -> Self {
        Self { marks: Vec::new(), layout, counted: Counted::default(), came: 0 }
    }

    /// Goes on with these bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.came.is_multiple_of(SEGMENT) {
                let least_depth = self.layout.least_depth();
                if let Some(last) = self.marks.last_mut() {
                    last.least_depth = least_depth;
                }
                let (layout, counted) = (self.layout.clone(), self.counted);
                self.marks.push(Mark { layout, counted, least_depth: 0 });
            }
            let room = SEGMENT - self.came % SEGMENT;
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.layout.feed(now, &mut self.counted);
            self.came += now.len() as u64;
            bytes = later;
        }
    }

    /// Rows and lines so far.
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// Where the source stops being JSON, if that is what it is laid out as.
    pub fn flaw(&self, is_over: bool) -> Option<Flaw> {
        match &self.layout {
            Layout::Json(json) if is_over => json.flaw_at_end(),
            Layout::Json(json) => json.flaw(),
            Layout::Raw(_) => None,
        }
    }

    /// The rows of `range` from its start on: all of them, or as many as are found within some megabytes of the source.
    pub fn rows(&self, source: &Store, range: Range<u64>) -> io::Result<Vec<Row>> {
        let range = range.start..range.end.min(self.counted.rows);
        let Some(number) = self.segment_of(range.start).filter(|_| !range.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut maker = Maker::new(self.marks[number].counted, range);
        let is_json = matches!(self.layout, Layout::Json(_));
        self.lay_out(source, number, &mut maker, |maker, _| {
            if maker.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(maker.rows(is_json))
    }

    /// The row in which the byte at `offset` of the source stands.
    pub fn row_of(&self, source: &Store, offset: u64) -> io::Result<u64> {
        let number = ((offset / SEGMENT) as usize).min(self.marks.len().saturating_sub(1));
        let Some(mark) = self.marks.get(number) else { return Ok(0) };
        let mut finder = At { offset, row: mark.counted.rows.saturating_sub(1), next: mark.counted.rows };
        self.lay_out(source, number, &mut finder, |_, _| ControlFlow::Break(()))?;
        Ok(finder.row)
    }

    /// The row that starts the line of this number, from 1, or the last line.
    pub fn row_of_line(&self, source: &Store, line: u64) -> io::Result<u64> {
        let number = self.marks.partition_point(|mark| mark.counted.lines < line).saturating_sub(1);
        let Some(mark) = self.marks.get(number) else { return Ok(0) };
        let mut finder = LineStart { line, counted: mark.counted, row: mark.counted.rows.saturating_sub(1) };
        self.lay_out(source, number, &mut finder, |_, _| ControlFlow::Break(()))?;
        Ok(finder.row)
    }

    /// The last row of the container that the row opens; `None` where its end has not come.
    pub fn end_of(&self, source: &Store, row: &Row) -> io::Result<Option<u64>> {
        let Some(first) = self.segment_of(row.number) else { return Ok(None) };
        let mut finder = End { row: row.number, depth: row.depth, next: 0, found: None };
        // A segment that is nested deeper throughout holds no end.
        let numbers = (first..self.marks.len()).filter(|&number| {
            number == first || number + 1 == self.marks.len() || self.marks[number].least_depth <= row.depth
        });
        for number in numbers {
            finder.next = self.marks[number].counted.rows;
            self.lay_out(source, number, &mut finder, |_, _| ControlFlow::Break(()))?;
            if finder.found.is_some() {
                break;
            }
        }
        Ok(finder.found)
    }

    /// The containers that are open before the byte at `offset` of the source, the innermost last; `None` where it is
    /// no JSON any more.
    pub fn open_at(&self, source: &Store, offset: u64) -> io::Result<Option<Vec<Container>>> {
        let number = (offset / SEGMENT) as usize;
        let Some(mark) = self.marks.get(number) else { return Ok(None) };
        let mut layout = mark.layout.clone();
        let bytes = source.read(number as u64 * SEGMENT..offset.min(self.came))?;
        layout.feed(&bytes, &mut Counted::default());
        Ok(match layout {
            Layout::Json(json) if json.flaw().is_none() => Some(json.open().to_vec()),
            Layout::Json(_) | Layout::Raw(_) => None,
        })
    }

    /// The last segment before which the row had not started.
    fn segment_of(&self, row: u64) -> Option<usize> {
        self.marks.partition_point(|mark| mark.counted.rows <= row).checked_sub(1)
    }

    /// Lays segments out from the one of this number on, until `after` each it is told to stop.
    fn lay_out<S: Sink>(
        &self,
        source: &Store,
        number: usize,
        sink: &mut S,
        mut after: impl FnMut(&mut S, usize) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut layout = self.marks[number].layout.clone();
        for number in number as u64..(number as u64 + PATIENCE).min(self.marks.len() as u64) {
            let start = number * SEGMENT;
            layout.feed(&source.read(start..(start + SEGMENT).min(self.came))?, sink);
            #[expect(clippy::cast_possible_truncation, reason = "the number of a mark, which is in memory")]
            if after(sink, number as usize).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Finds the row of a byte.
struct At {
    offset: u64,
    row: u64,
    next: u64,
}

impl Sink for At {
    fn row(&mut self, start: Start) {
        if start.at <= self.offset {
            self.row = self.next;
        }
        self.next += 1;
    }
}

/// Finds the row that starts a line.
struct LineStart {
    line: u64,
    counted: Counted,
    row: u64,
}

impl Sink for LineStart {
    fn row(&mut self, start: Start) {
        self.counted.row(start);
        if !start.continues && self.counted.lines <= self.line {
            self.row = self.counted.rows - 1;
        }
    }
}

/// Finds the row in which a container ends.
struct End {
    row: u64,
    depth: usize,
    next: u64,
    found: Option<u64>,
}

impl Sink for End {
    fn row(&mut self, _: Start) {
        self.next += 1;
    }

    fn closed(&mut self, depth: usize) {
        let row = self.next.saturating_sub(1);
        if self.found.is_none() && row > self.row && depth == self.depth {
            self.found = Some(row);
        }
    }
}
