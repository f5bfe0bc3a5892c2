//! The body of an answer as the window shows it: which view of it, from which row on, and what is folded, selected and
//! looked for in it. What that needs of the body is looked up by tasks, one at a time.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::api::response::Response;
use crate::body::{Body, Needle, Progress, Row, Search, View};
use crate::secret::Secret;

/// How many rows are kept before and after the first one that is shown.
const AROUND: [u64; 2] = [300, 500];
/// How many of them have to be there.
const NEEDED: [u64; 2] = [100, 200];
/// The longest body that is copied as a whole, in bytes.
pub const MOST_COPIED: u64 = 32 << 20;

/// A body that is shown.
#[derive(Debug)]
pub struct Viewer {
    /// The body.
    pub body: Arc<Body>,
    /// How far it is.
    pub progress: Progress,
    /// How long it has been coming.
    pub took: Duration,
    /// How long it will be, where that is known.
    pub length: Option<u64>,
    /// How it is shown.
    pub view: View,
    /// Whether the person chose that.
    chosen: bool,
    /// Where the person wants to be in it.
    pub top: Position,
    /// Where they are, until the rows there have been looked up.
    pub shown: Position,
    /// The rows around there.
    rows: BTreeMap<u64, Row>,
    /// What is folded.
    pub folds: Folds,
    /// What is selected.
    pub selection: Option<Selection>,
    /// The JSON path of the row where the selection ends.
    pub path: Option<String>,
    /// What is typed to be found: a text, or a colon and the number of a line.
    pub find: String,
    /// What is looked for.
    pub search: Option<Searching>,
    /// What is to be looked up next, beside rows.
    asked: Option<Lookup>,
    /// Where it was saved, or why it was not.
    pub saved: Option<Result<PathBuf, String>>,
    /// Why a look-up failed.
    pub failure: Option<String>,
}

/// A place to begin to show rows at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// The first row of which anything is seen.
    pub row: u64,
    /// How much of it is above the edge, in points.
    pub above: f32,
}

/// A place in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The row.
    pub row: u64,
    /// Characters before it in the row.
    pub column: usize,
}

/// What is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Where it was begun.
    pub anchor: Spot,
    /// Where it was dragged to.
    pub head: Spot,
}

impl Selection {
    /// From the earlier spot to the later one.
    #[must_use]
    pub fn range(self) -> [Spot; 2] {
        [self.anchor.min(self.head), self.anchor.max(self.head)]
    }

    /// Whether nothing lies between.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.anchor == self.head
    }
}

/// What is looked for in a body.
#[derive(Debug)]
pub struct Searching {
    /// To find in what is shown.
    pub needle: Needle,
    /// How many hits there are so far.
    pub total: u64,
    /// The hit that was gone to, from 0.
    pub current: Option<u64>,
    /// How much was searched, in bytes.
    pub searched: u64,
    search: Arc<Mutex<Search>>,
}

/// What is to be looked up in a body.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// These rows.
    Rows(Vec<Range<u64>>),
    /// The end of the container that this row opens.
    End(Row),
    /// The path of this row.
    Path(Row),
    /// The text of what is selected.
    Text([Spot; 2]),
    /// A hit, by its number.
    Hit(Arc<Mutex<Search>>, u64),
    /// A line, by its number.
    Line(u64),
}

/// A look-up in a body.
#[derive(Clone, Debug)]
pub struct LookingUp {
    /// The body.
    pub body: Arc<Body>,
    /// The view that its rows are of.
    pub view: View,
    /// What.
    pub lookup: Lookup,
}

/// What was looked up.
#[derive(Debug)]
pub enum Found {
    /// These rows, when the body was this far.
    Rows(Vec<Row>, Progress),
    /// The container that the row opens ends in this one.
    End(u64, Option<Row>),
    /// The path of the row.
    Path(Option<String>),
    /// The text of what is selected.
    Text(Secret),
    /// The hit of this number is in this row.
    Hit(u64, Option<u64>),
    /// The line starts with this row.
    Line(u64),
}

/// What the person does with a body.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Look {
    Show(View),
    Scroll(Position),
    /// Fold the container that this row opens, or unfold it.
    Fold(u64),
    UnfoldAll,
    Select(Selection),
    SelectAll,
    /// Copy what is selected, or all of it.
    Copy,
    Find(String),
    /// Go to the next hit, or to the one before; or to the line that is typed.
    Go {
        back: bool,
    },
    Save,
}

/// Containers that are folded: by the row that opens each, the row that ends it.
#[derive(Clone, Debug, Default)]
pub struct Folds(BTreeMap<u64, Row>);

impl Folds {
    /// The row that ends the folded container which this row opens.
    #[must_use]
    pub fn end_of(&self, row: u64) -> Option<&Row> {
        self.0.get(&row)
    }

    /// Whether nothing is folded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of the first `rows` rows are seen.
    #[must_use]
    pub fn seen(&self, rows: u64) -> u64 {
        let hidden: u64 =
            self.outermost().map(|(open, end)| rows.min(end + 1).saturating_sub(open + 1)).sum();
        rows - hidden
    }

    /// The row that is seen as the one of this number, from 0.
    #[must_use]
    pub fn row(&self, seen: u64) -> u64 {
        let mut row = seen;
        for (open, end) in self.outermost() {
            if open < row {
                row += end - open;
            } else {
                break;
            }
        }
        row
    }

    /// This row, or the one that it is folded into.
    fn visible(&self, row: u64) -> u64 {
        self.outermost().find(|(open, end)| (open + 1..=*end).contains(&row)).map_or(row, |(open, _)| open)
    }

    /// The rows that hide others, and the last one that each hides; none of them hidden itself.
    fn outermost(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut hidden_to = None;
        self.0.iter().filter_map(move |(&open, end)| {
            let is_seen = hidden_to.is_none_or(|last| open > last);
            hidden_to = if is_seen { Some(end.number) } else { hidden_to };
            is_seen.then_some((open, end.number))
        })
    }
}

impl Viewer {
    /// Shows the body of this response from its beginning on.
    #[must_use]
    pub fn new(response: &Response) -> Self {
        let progress = response.progress;
        Self {
            body: Arc::clone(&response.body),
            progress,
            took: response.took,
            length: response.length,
            view: progress.views().first().copied().unwrap_or_default(),
            chosen: false,
            top: Position::default(),
            shown: Position::default(),
            rows: response.rows.iter().map(|row| (row.number, row.clone())).collect(),
            folds: Folds::default(),
            selection: None,
            path: None,
            find: String::new(),
            search: None,
            asked: None,
            saved: None,
            failure: None,
        }
    }

    /// The row of this number, if it was looked up.
    #[must_use]
    pub fn row(&self, number: u64) -> Option<&Row> {
        self.rows.get(&number)
    }

    /// How many rows there are to see.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.folds.seen(self.progress.counted(self.view).rows)
    }

    /// Bytes a second, on the average.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.progress.bytes as f64 / self.took.as_secs_f64().max(0.001)
    }

    /// What is to be looked up now.
    #[must_use]
    pub(super) fn next(&self) -> Option<LookingUp> {
        let lookup = self.asked.clone().or_else(|| self.missing().map(Lookup::Rows));
        lookup.filter(|_| self.failure.is_none()).map(|lookup| LookingUp {
            body: Arc::clone(&self.body),
            view: self.view,
            lookup,
        })
    }

    /// What is to be searched now.
    #[must_use]
    pub(super) fn next_search(&self) -> Option<(Arc<Body>, View, Arc<Mutex<Search>>)> {
        let search = self.search.as_ref().filter(|search| search.searched < self.progress.bytes)?;
        if self.failure.is_some() {
            return None;
        }
        Some((Arc::clone(&self.body), self.view, Arc::clone(&search.search)))
    }

    /// More of the body came.
    pub(super) fn grew(&mut self, progress: Progress, took: Duration) {
        self.forget_last_of(self.progress);
        (self.progress, self.took) = (progress, took);
        if !self.chosen && !progress.views().contains(&self.view) {
            self.show(progress.views().first().copied().unwrap_or_default());
        }
    }

    /// The whole body is there, as the response tells.
    pub(super) fn ended(&mut self, response: &Response) {
        self.grew(response.progress, response.took);
    }

    pub(super) fn look(&mut self, look: Look) {
        match look {
            Look::Show(view) => {
                self.chosen = true;
                self.show(view);
            }
            Look::Scroll(top) => self.go_to(top),
            Look::Fold(row) if self.folds.0.remove(&row).is_some() => {}
            Look::Fold(row) => self.asked = self.row(row).cloned().map(Lookup::End),
            Look::UnfoldAll => self.folds = Folds::default(),
            Look::Select(selection) => {
                self.selection = Some(selection);
                let row = self.row(selection.head.row).filter(|_| self.view == View::Pretty);
                self.asked = row.cloned().map(Lookup::Path);
                self.path = None;
            }
            Look::SelectAll => {
                let rows = self.progress.counted(self.view).rows;
                let head = Spot { row: rows.saturating_sub(1), column: usize::MAX };
                self.selection = Some(Selection { anchor: Spot { row: 0, column: 0 }, head });
            }
            Look::Copy => {
                let all = [Spot { row: 0, column: 0 }, Spot { row: u64::MAX, column: usize::MAX }];
                let selected = self.selection.filter(|selection| !selection.is_empty());
                self.asked = Some(Lookup::Text(selected.map_or(all, Selection::range)));
            }
            Look::Find(text) => {
                let needle = Needle::new(&text).filter(|_| !text.starts_with(':'));
                self.search = needle.map(|needle| Searching {
                    search: Arc::new(Mutex::new(Search::new(needle.clone()))),
                    needle,
                    total: 0,
                    current: None,
                    searched: 0,
                });
                self.find = text;
            }
            Look::Go { back } => self.asked = self.sought(back).or(self.asked.take()),
            Look::Save => self.saved = None,
        }
    }

    /// The hit after the one that was gone to, or before it; or the line of which the number is typed.
    fn sought(&self, back: bool) -> Option<Lookup> {
        if let Some(line) = self.find.strip_prefix(':') {
            return line.trim().replace([',', '.', ' '], "").parse().ok().map(Lookup::Line);
        }
        let search = self.search.as_ref().filter(|search| search.total > 0)?;
        let number = match search.current {
            None => 0,
            Some(current) if back => current.checked_sub(1).unwrap_or(search.total - 1),
            Some(current) => (current + 1) % search.total,
        };
        Some(Lookup::Hit(Arc::clone(&search.search), number))
    }

    /// What was looked up, or why it was not.
    pub(super) fn found(&mut self, found: Result<Found, String>) {
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                self.failure = Some(problem);
                return;
            }
        };
        match found {
            Found::Rows(rows, then) => {
                let window = self.window(AROUND);
                self.rows.retain(|number, _| window.iter().any(|range| range.contains(number)));
                self.rows.extend(rows.into_iter().map(|row| (row.number, row)));
                if then.bytes < self.progress.bytes {
                    self.forget_last_of(then);
                }
                self.go_to(self.top);
            }
            Found::End(row, end) => {
                if let Some(end) = end {
                    self.folds.0.insert(row, end);
                }
            }
            Found::Path(path) => self.path = path,
            // It is on its way to the clipboard.
            Found::Text(_) => {}
            Found::Hit(number, row) => {
                if let (Some(search), Some(row)) = (&mut self.search, row) {
                    search.current = Some(number);
                    self.bring_into_view(row);
                }
            }
            Found::Line(row) => {
                let spot = Spot { row, column: 0 };
                self.selection = Some(Selection { anchor: spot, head: spot });
                self.bring_into_view(row);
            }
        }
    }

    /// What is asked for is being looked up.
    pub(super) fn begins_to_look(&mut self) {
        self.asked = None;
    }

    /// What a search found so far, or why it did not go on.
    pub(super) fn searched(&mut self, found: Result<(u64, u64), String>) {
        match (&mut self.search, found) {
            (Some(search), Ok((total, searched))) => (search.total, search.searched) = (total, searched),
            (_, Err(problem)) => self.failure = Some(problem),
            (None, Ok(_)) => {}
        }
    }

    /// The last row that there was then may have been but the beginning of one.
    fn forget_last_of(&mut self, then: Progress) {
        if let Some(last) = then.counted(self.view).rows.checked_sub(1) {
            self.rows.remove(&last);
        }
    }

    fn show(&mut self, view: View) {
        self.view = view;
        self.rows.clear();
        self.folds = Folds::default();
        (self.top, self.shown) = (Position::default(), Position::default());
        (self.selection, self.path, self.asked, self.failure) = (None, None, None, None);
        // The bytes of a text are others than its characters.
        self.look(Look::Find(self.find.clone()));
    }

    /// With something of what stands before it.
    fn bring_into_view(&mut self, row: u64) {
        self.folds.0.retain(|open, end| !(open + 1..=end.number).contains(&row));
        let seen = self.folds.seen(row).saturating_sub(4);
        self.go_to(Position { row: self.folds.row(seen), above: 0.0 });
    }

    fn go_to(&mut self, top: Position) {
        let last = self.progress.counted(self.view).rows.saturating_sub(1);
        let row = self.folds.visible(top.row.min(last));
        self.top = Position { row, above: if row == top.row { top.above } else { 0.0 } };
        if self.rows.contains_key(&row) || self.rows.is_empty() {
            self.shown = self.top;
        }
    }

    /// The rows that are needed and not there, with those around them.
    fn missing(&self) -> Option<Vec<Range<u64>>> {
        let is_missing = |range: Range<u64>| range.into_iter().any(|row| !self.rows.contains_key(&row));
        self.window(NEEDED).into_iter().any(is_missing).then(|| self.window(AROUND))
    }

    /// The rows that are seen around the top.
    fn window(&self, [before, after]: [u64; 2]) -> Vec<Range<u64>> {
        let top = self.folds.seen(self.top.row);
        let (first, last) = (top.saturating_sub(before), (top + after).min(self.seen()));
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for row in (first..last).map(|seen| self.folds.row(seen)) {
            match ranges.last_mut() {
                Some(range) if range.end == row => range.end += 1,
                _ => ranges.push(row..row + 1),
            }
        }
        ranges
    }
}

impl LookingUp {
    /// Looks it up, which may wait for the disk.
    ///
    /// # Errors
    /// Why the body cannot be read.
    pub fn run(self) -> Result<Found, String> {
        let Self { body, view, lookup } = self;
        let found = match lookup {
            Lookup::Rows(ranges) => {
                let then = body.so_far();
                rows(&body, view, ranges).map(|rows| Found::Rows(rows, then))
            }
            Lookup::Line(line) => body.row_of_line(view, line).map(Found::Line),
            Lookup::End(row) => body.end_of(&row).and_then(|end| {
                let end = end.map(|end| body.rows(view, end..end + 1)).transpose()?;
                Ok(Found::End(row.number, end.and_then(|mut rows| rows.pop())))
            }),
            Lookup::Path(row) => body.path(&row).map(Found::Path),
            Lookup::Text(range) => text(&body, view, range).map(|text| Found::Text(Secret::new(text))),
            Lookup::Hit(search, number) => {
                let search = search.lock().unwrap_or_else(PoisonError::into_inner);
                body.hit(view, &search, number).and_then(|at| {
                    let row = at.map(|at| body.row_of(view, at)).transpose()?;
                    Ok(Found::Hit(number, row))
                })
            }
        };
        found.map_err(|error| error.to_string())
    }
}

/// The rows of these ranges; white space that goes on for megabytes between two rows is passed over.
fn rows(body: &Body, view: View, ranges: Vec<Range<u64>>) -> io::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for mut range in ranges {
        while !range.is_empty() {
            let more = body.rows(view, range.clone())?;
            let Some(last) = more.last().map(|row| row.number) else { break };
            rows.extend(more);
            range.start = last + 1;
        }
    }
    Ok(rows)
}

/// The text between two spots, a line a row that starts one.
fn text(body: &Body, view: View, [start, end]: [Spot; 2]) -> io::Result<String> {
    let (mut text, mut next) = (String::new(), start.row);
    while next <= end.row && (text.len() as u64) < MOST_COPIED {
        let rows = body.rows(view, next..next.saturating_add(1000).min(end.row.saturating_add(1)))?;
        let Some(last) = rows.last().map(|row| row.number) else { break };
        for row in rows {
            if row.line.is_some() && row.number > start.row {
                text.push('\n');
            }
            let from = if row.number == start.row { start.column } else { 0 };
            let to = if row.number == end.row { end.column } else { usize::MAX };
            text.extend(row.text.chars().take(to).skip(from));
        }
        next = last + 1;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds(folded: &[(u64, u64)]) -> Folds {
        let row = |number| {
            let mut row = Row::default();
            row.number = number;
            row
        };
        Folds(folded.iter().map(|&(open, end)| (open, row(end))).collect())
    }

    #[test]
    fn what_is_folded_is_passed_over_and_what_is_folded_within_it_counts_once() {
        // Of ten rows, 2 hides 3 to 6, and with them what 4 hides; 8 hides 9.
        let folds = folds(&[(2, 6), (4, 5), (8, 9)]);
        let seen: Vec<u64> = (0..folds.seen(10)).map(|seen| folds.row(seen)).collect();
        assert_eq!(seen, [0, 1, 2, 7, 8]);
        for (number, row) in seen.into_iter().enumerate() {
            assert_eq!(folds.seen(row), number as u64);
        }
        assert_eq!([2, 3, 6, 7, 9].map(|row| folds.visible(row)), [2, 2, 2, 7, 8]);
    }

    #[test]
    fn a_selection_goes_from_its_earlier_spot_to_its_later_one() {
        let [earlier, later] = [Spot { row: 1, column: 9 }, Spot { row: 2, column: 0 }];
        let selection = Selection { anchor: later, head: earlier };
        assert_eq!(selection.range(), [earlier, later]);
        assert!(!selection.is_empty());
    }
}
