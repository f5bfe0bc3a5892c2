//! The body of a response, of any size: kept, laid out as it comes, and read by the row.
//!
//! Nothing here holds a body in memory, or makes a tree of it. [`Intake`] appends what comes to a store and feeds it
//! to a layout for each [`View`]; every 64 KB the layout is remembered as it is then. A row is found again by going on from
//! there, so what a body costs in memory is about a hundredth of its size, and what a row costs does not depend on it.
//!
//! | file | its job |
//! |---|---|
//! | `store.rs` | the bytes: in memory while they are few, then in a temporary file |
//! | `kind.rs` | what a body is, by its headers and its beginning |
//! | `intake.rs` | taking in what comes |
//! | `layout.rs`, `json.rs` | how bytes become rows: line by line, and as JSON laid out |
//! | `index.rs` | which row stands where |
//! | `row.rs` | a row, ready to be shown |
//! | `hex.rs` | rows of bytes |
//! | `search.rs` | how often a text stands in it, and where |
//! | `path.rs` | where in a JSON text a row stands |

mod hex;
mod index;
mod intake;
mod json;
mod kind;
mod layout;
mod path;
mod row;
mod search;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use encoding_rs::Encoding;
use oauth2::http::HeaderMap;

use index::Index;
use store::Store;

pub use index::Counted;
pub use intake::Intake;
pub use json::{DEEPEST, Flaw, Why};
pub use kind::Kind;
pub use layout::Part;
pub use row::Row;
pub use search::{Needle, Search};

/// How many bytes a row of [`View::Hex`] shows.
pub const HEX_ROW: u64 = hex::ROW;

/// A body, as far as it came.
pub struct Body {
    kind: Kind,
    /// Whether it is said to be JSON, and does not only look like it.
    is_said: bool,
    encoding: &'static Encoding,
    bytes: Store,
    /// How many of them are laid out.
    laid_out: AtomicU64,
    /// As UTF-8, where it came otherwise.
    text: Option<Store>,
    lines: RwLock<Index>,
    /// Laid out as JSON, where it may be that.
    json: Option<RwLock<Index>>,
}

/// A way to look at a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The picture that it is; it has no rows.
    Picture,
    /// JSON, a member or element a line.
    Pretty,
    /// Line by line, as it came.
    #[default]
    Raw,
    /// Its bytes.
    Hex,
}

/// How far a body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that came, after decompression.
    pub bytes: u64,
    /// Rows and lines of [`View::Pretty`].
    pub pretty: Counted,
    /// Rows and lines of [`View::Raw`].
    pub raw: Counted,
    /// Where it stops being the JSON that it is said to be.
    pub flaw: Option<Flaw>,
    /// What it is.
    pub kind: Kind,
    /// Whether nothing more comes.
    pub is_over: bool,
}

impl Progress {
    /// Rows and lines of a view.
    #[must_use]
    pub fn counted(&self, view: View) -> Counted {
        let rows = self.bytes.div_ceil(HEX_ROW);
        match view {
            View::Pretty => self.pretty,
            View::Raw => self.raw,
            View::Hex => Counted { rows, lines: rows },
            View::Picture => Counted::default(),
        }
    }

    /// The views that there are, the one that suits it best first.
    #[must_use]
    pub fn views(&self) -> &'static [View] {
        match self.kind {
            Kind::Empty => &[],
            Kind::Json => &[View::Pretty, View::Raw, View::Hex],
            Kind::Text => &[View::Raw, View::Hex],
            Kind::Image => &[View::Picture, View::Hex],
            Kind::Binary => &[View::Hex, View::Raw],
        }
    }
}

impl fmt::Debug for Body {
    /// Leaves out what it says: it is the API's affair.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

impl Body {
    /// A body that is here as a whole.
    #[must_use]
    pub fn whole(headers: &HeaderMap, bytes: &[u8]) -> (Arc<Self>, Progress) {
        let mut intake = Intake::new(headers);
        // What is short enough to be in memory already is not written to a disk that could be full.
        let _ = intake.push(bytes);
        intake.end()
    }

    /// How far it is.
    #[must_use]
    pub fn so_far(&self) -> Progress {
        self.progress(false)
    }

    /// The charset that it is read in.
    #[must_use]
    pub fn charset(&self) -> &'static str {
        self.encoding.name()
    }

    /// The rows of `range` from its start on: all of them, or the first ones where white space without end lies between.
    ///
    /// # Errors
    /// When the disk does not give them back.
    pub fn rows(&self, view: View, range: Range<u64>) -> io::Result<Vec<Row>> {
        match self.index(view) {
            Some(index) => index.rows(self.text(), range),
            None if view == View::Picture => Ok(Vec::new()),
            None => hex::rows(&self.bytes, range),
        }
    }

    /// The row of a view in which the text at `offset` stands, as a search finds it.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn row_of(&self, view: View, offset: u64) -> io::Result<u64> {
        match self.index(view) {
            Some(index) => index.row_of(self.text(), offset),
            None => Ok(offset / HEX_ROW),
        }
    }

    /// The row of a view that starts the line of this number, from 1, or the last line.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn row_of_line(&self, view: View, line: u64) -> io::Result<u64> {
        let last = self.bytes.len().div_ceil(HEX_ROW).max(1);
        match self.index(view) {
            Some(index) => index.row_of_line(self.text(), line),
            None => Ok(line.clamp(1, last) - 1),
        }
    }

    /// The last row of the container that `row` opens; `None` where its end has not come.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn end_of(&self, row: &Row) -> io::Result<Option<u64>> {
        self.index(View::Pretty).map_or(Ok(None), |index| index.end_of(self.text(), row))
    }

    /// The JSON path of the row (RFC 9535), if it has one.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn path(&self, row: &Row) -> io::Result<Option<String>> {
        self.index(View::Pretty).map_or(Ok(None), |index| path::of(&index, self.text(), row))
    }

    /// Goes on with a search for some megabytes; whether that was all that is here.
    ///
    /// # Errors
    /// When the disk does not give them back.
    pub fn search(&self, view: View, search: &mut Search) -> io::Result<bool> {
        search.go_on(self.source(view))
    }

    /// Where the hit of this number, from 0, starts.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn hit(&self, view: View, search: &Search, number: u64) -> io::Result<Option<u64>> {
        search.hit(self.source(view), number)
    }

    /// The bytes of `range` as they came, as far as they are here.
    ///
    /// # Errors
    /// When the disk does not give them back.
    pub fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.bytes.read(range)
    }

    /// Copies what came, as it came.
    ///
    /// # Errors
    /// When the disk does not give it back, or does not take it.
    pub fn copy_to(&self, mut to: impl io::Write) -> io::Result<()> {
        let mut at = 0;
        loop {
            let bytes = self.bytes.read(at..at + (1 << 20))?;
            if bytes.is_empty() {
                return Ok(());
            }
            to.write_all(&bytes)?;
            at += bytes.len() as u64;
        }
    }

    /// Its first bytes, `most` at the most, as text: for whoever looks for a sign in it.
    #[must_use]
    pub fn beginning(&self, most: usize) -> String {
        let bytes = self.text().read(0..most as u64).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What a view lays out.
    fn source(&self, view: View) -> &Store {
        if view == View::Hex { &self.bytes } else { self.text() }
    }

    fn text(&self) -> &Store {
        self.text.as_ref().unwrap_or(&self.bytes)
    }

    fn index(&self, view: View) -> Option<RwLockReadGuard<'_, Index>> {
        let index = match view {
            View::Pretty => self.json.as_ref()?,
            View::Raw => &self.lines,
            View::Hex | View::Picture => return None,
        };
        Some(index.read().unwrap_or_else(PoisonError::into_inner))
    }
}
