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
/// The longest text that is copied, in bytes; while somebody presents, it has to be masked first.
pub const MOST_COPIED: u64 = 32 << 20;
const MOST_MASKED: u64 = 1 << 20;

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
    /// The one among them that may have been but the beginning of one.
    unfinished: Option<u64>,
    /// What is folded.
    pub folds: Folds,
    /// What is selected.
    pub selection: Option<Selection>,
    /// The JSON path of the row where the selection ends.
    pub path: Option<String>,
    /// What is typed to be found: a text, or a colon and the number of a line.
    pub find: Secret,
    /// What is looked for.
    pub search: Option<Searching>,
    /// What the person asked for, and is to be looked up next.
    asked: Option<Lookup>,
    /// The row of which the path is to be looked up after that.
    pointed_at: Option<Row>,
    /// What came of the last thing that was done with it.
    pub did: Option<Did>,
    /// Why a look-up failed.
    pub failure: Option<String>,
}

/// What was done with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// It is being saved.
    Saving,
    /// It was saved into this file.
    Saved(PathBuf),
    /// It was not, and why.
    NotSaved(String),
    /// Only so many bytes of what was to be copied were.
    CopiedBeginning(usize),
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
    /// Whether the first hit is to be gone to once there is one.
    goes: bool,
    search: Arc<Mutex<Search>>,
}

/// What is to be looked up in a body.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// These rows, to begin to show rows at this place.
    Rows(Vec<Range<u64>>, Position),
    /// The end of the container that this row opens.
    End(Row),
    /// The path of this row.
    Path(Row),
    /// The text of what is selected.
    Text(Copying),
    /// A hit.
    Hit(Arc<Mutex<Search>>, Which),
    /// A line, by its number.
    Line(u64),
}

/// What is to be copied.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    range: [Spot; 2],
    /// So many bytes at the most.
    most: u64,
    /// Whole lines only: a part of one does not tell what it is, and whether that is to be hidden.
    whole_lines: bool,
}

/// A hit of a search.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The first one from this offset on.
    From(u64),
    /// The one of this number, from 0.
    Number(u64),
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

/// What was looked up, and in which view.
#[derive(Debug)]
pub struct LookedUp {
    view: View,
    /// What was found.
    pub found: Found,
}

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// The rows for this place, when the body was this far.
    Rows(Vec<Row>, Position, Progress),
    /// The container that the row opens ends in this one.
    End(u64, Option<Row>),
    /// The path of the row.
    Path(Option<String>),
    /// The text of what is selected, and whether it is all of that.
    Text(Secret, bool),
    /// The hit of this number, in this search, is in this row.
    Hit(Arc<Mutex<Search>>, u64, Option<u64>),
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
    Find(Secret),
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
            unfinished: None,
            folds: Folds::default(),
            selection: None,
            path: None,
            find: Secret::new(""),
            search: None,
            asked: None,
            pointed_at: None,
            did: None,
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
    pub fn rate(&self) -> u64 {
        let milliseconds = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        self.progress.bytes.saturating_mul(1000) / milliseconds.max(1)
    }

    /// What is to be looked up now.
    #[must_use]
    pub(super) fn next(&self) -> Option<LookingUp> {
        let rows = || self.missing().map(|rows| Lookup::Rows(rows, self.top));
        let path = || self.pointed_at.clone().map(Lookup::Path);
        let lookup = self.asked.clone().or_else(rows).or_else(path);
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
        self.last_is_unfinished(self.progress);
        (self.progress, self.took) = (progress, took);
        // Whoever has begun to read is not thrown out.
        let is_read = self.chosen || self.top != Position::default() || self.selection.is_some();
        if !is_read && !progress.views().contains(&self.view) {
            self.show(progress.views().first().copied().unwrap_or_default());
        }
    }

    /// The whole body is there, as the response tells.
    pub(super) fn ended(&mut self, response: &Response) {
        self.grew(response.progress, response.took);
    }

    pub(super) fn look(&mut self, look: Look, presenting: bool) {
        match look {
            Look::Show(view) if view == self.view => {}
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
                self.pointed_at = row.cloned();
                (self.path, self.did) = (None, self.did.take_if(|did| *did == Did::Saving));
            }
            Look::SelectAll => {
                let rows = self.progress.counted(self.view).rows;
                let head = Spot { row: rows.saturating_sub(1), column: usize::MAX };
                self.selection = Some(Selection { anchor: Spot { row: 0, column: 0 }, head });
            }
            Look::Copy => {
                let all = [Spot { row: 0, column: 0 }, Spot { row: u64::MAX, column: usize::MAX }];
                let selected = self.selection.filter(|selection| !selection.is_empty());
                let most = if presenting { MOST_MASKED } else { MOST_COPIED };
                let range = selected.map_or(all, Selection::range);
                self.asked = Some(Lookup::Text(Copying { range, most, whole_lines: presenting }));
            }
            Look::Find(text) => {
                let needle = Needle::new(text.expose()).filter(|_| !text.expose().starts_with(':'));
                self.search = needle.map(|needle| Searching {
                    search: Arc::new(Mutex::new(Search::new(needle.clone()))),
                    needle,
                    total: 0,
                    current: None,
                    searched: 0,
                    goes: false,
                });
                self.find = text;
            }
            Look::Go { back } => self.asked = self.sought(back).or(self.asked.take()),
            Look::Save => self.did = Some(Did::Saving),
        }
    }

    /// The hit after the one that was gone to, or before it; or the line of which the number is typed.
    fn sought(&mut self, back: bool) -> Option<Lookup> {
        if let Some(line) = self.find.expose().strip_prefix(':') {
            return line.trim().replace([',', '.', ' '], "").parse().ok().map(Lookup::Line);
        }
        let here = self.row(self.shown.row).map_or(0, |row| row.source.start);
        let search = self.search.as_mut()?;
        if search.total == 0 {
            search.goes = true;
            return None;
        }
        let which = match search.current {
            None => Which::From(here),
            Some(current) if back => Which::Number(current.checked_sub(1).unwrap_or(search.total - 1)),
            Some(current) => Which::Number((current + 1) % search.total),
        };
        Some(Lookup::Hit(Arc::clone(&search.search), which))
    }

    /// What was looked up, or why it was not.
    pub(super) fn found(&mut self, found: Result<LookedUp, String>) {
        let found = match found {
            Ok(looked_up) if looked_up.view != self.view => return,
            Ok(looked_up) => looked_up.found,
            Err(problem) => {
                self.failure = Some(problem);
                return;
            }
        };
        match found {
            Found::Rows(rows, place, then) => {
                if rows.is_empty() {
                    // To ask again would bring no more.
                    self.failure = Some("its rows are not where they were".to_owned());
                }
                self.rows = rows.into_iter().map(|row| (row.number, row)).collect();
                self.unfinished = None;
                if then.bytes < self.progress.bytes {
                    self.last_is_unfinished(then);
                }
                self.shown = if self.rows.contains_key(&self.top.row) { self.top } else { place };
            }
            Found::End(row, end) => {
                if let Some(end) = end {
                    self.folds.0.insert(row, end);
                }
            }
            Found::Path(path) => self.path = path,
            // It is on its way to the clipboard.
            Found::Text(text, is_all) => {
                self.did = (!is_all).then(|| Did::CopiedBeginning(text.expose().len()));
            }
            Found::Hit(of, number, row) => {
                if let (Some(search), Some(row)) = (&mut self.search, row)
                    && Arc::ptr_eq(&search.search, &of)
                {
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
        if self.asked.take().is_none() && self.missing().is_none() {
            self.pointed_at = None;
        }
    }

    /// What cannot be done will not be tried again and again.
    pub(super) fn gives_up(&mut self) {
        self.failure = Some("something in Hallpass failed".to_owned());
    }

    /// What a search found so far, or why it did not go on.
    pub(super) fn searched(&mut self, of: &Arc<Mutex<Search>>, found: Result<(u64, u64), String>) {
        let Some(search) = self.search.as_mut().filter(|search| Arc::ptr_eq(&search.search, of)) else {
            return;
        };
        match found {
            Ok((total, searched)) => (search.total, search.searched) = (total, searched),
            Err(problem) => self.failure = Some(problem),
        }
        if search.total > 0 && std::mem::take(&mut search.goes) {
            self.asked = self.sought(false);
        }
    }

    /// The last row that there was then may have been but the beginning of one.
    fn last_is_unfinished(&mut self, then: Progress) {
        self.unfinished = self.unfinished.or(then.counted(self.view).rows.checked_sub(1));
    }

    fn show(&mut self, view: View) {
        self.view = view;
        self.rows.clear();
        self.folds = Folds::default();
        self.unfinished = None;
        (self.top, self.shown) = (Position::default(), Position::default());
        (self.selection, self.path, self.failure) = (None, None, None);
        (self.asked, self.pointed_at) = (None, None);
        // The bytes of a text are others than its characters.
        self.look(Look::Find(self.find.clone()), false);
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
        let is_there = |row: &u64| self.rows.contains_key(row) && self.unfinished != Some(*row);
        let is_missing = |mut range: Range<u64>| !range.all(|row| is_there(&row));
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
    pub fn run(self) -> Result<LookedUp, String> {
        let Self { body, view, lookup } = self;
        let found = match lookup {
            Lookup::Rows(ranges, place) => {
                let then = body.so_far();
                rows(&body, view, ranges).map(|rows| Found::Rows(rows, place, then))
            }
            Lookup::Line(line) => body.row_of_line(view, line).map(Found::Line),
            Lookup::End(row) => body.end_of(&row).and_then(|end| {
                let end = end.map(|end| body.rows(view, end..end + 1)).transpose()?;
                Ok(Found::End(row.number, end.and_then(|mut rows| rows.pop())))
            }),
            Lookup::Path(row) => body.path(&row).map(Found::Path),
            Lookup::Text(copying) => {
                text(&body, view, copying).map(|(text, is_all)| Found::Text(Secret::new(text), is_all))
            }
            Lookup::Hit(search, which) => {
                let locked = search.lock().unwrap_or_else(PoisonError::into_inner);
                let number = match which {
                    Which::From(offset) => locked.first_from(offset),
                    Which::Number(number) => number,
                };
                let at = body.hit(view, &locked, number);
                drop(locked);
                at.and_then(|at| {
                    let row = at.map(|at| body.row_of(view, at)).transpose()?;
                    Ok(Found::Hit(search, number, row))
                })
            }
        };
        found.map(|found| LookedUp { view, found }).map_err(|error| error.to_string())
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

/// The text between two spots, a line a row that starts one; and whether that is all of it.
fn text(body: &Body, view: View, copying: Copying) -> io::Result<(String, bool)> {
    let Copying { range: [start, end], most, whole_lines } = copying;
    let (mut text, mut next) = (String::new(), start.row);
    while next <= end.row {
        if text.len() as u64 >= most {
            return Ok((text, false));
        }
        let rows = body.rows(view, next..next.saturating_add(1000).min(end.row.saturating_add(1)))?;
        let Some(last) = rows.last().map(|row| row.number) else { break };
        for row in rows {
            if row.line.is_some() && row.number > start.row {
                text.push('\n');
            }
            if whole_lines && text.is_empty() && row.line.is_none() {
                continue;
            }
            let from = if row.number == start.row && !whole_lines { start.column } else { 0 };
            let to = if row.number == end.row && !whole_lines { end.column } else { usize::MAX };
            text.extend(row.text.chars().take(to).skip(from));
        }
        next = last + 1;
    }
    Ok((text, true))
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
