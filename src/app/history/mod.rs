//! What happened: the entries of the timeline, oldest first, within bounds, and those of them that a filter lets through.

mod entry;

use std::collections::VecDeque;

pub(super) use entry::because;
pub use entry::{Entry, Mark, Party};

use super::state::{TaskId, Work};

/// The most entries that are kept; the oldest go first.
const LONGEST: usize = 10_000;
/// The most bytes of what was said that are kept; the oldest goes first, and its entry stays.
const HEAVIEST: usize = 32 << 20;
/// How many tasks are remembered by what they work at: more than can run at a time.
const TASKS: usize = 32;

/// The entries.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: VecDeque<Entry>,
    /// The number of the next entry.
    next: u64,
    /// What the filter lets through, by number.
    shown: VecDeque<u64>,
    filter: Filter,
    /// The bytes of what was said in all entries.
    weight: usize,
    /// The number of the first entry that still has what was said.
    first_whole: u64,
    tasks: VecDeque<(TaskId, Work)>,
}

/// Which entries are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of which kind.
    pub kind: Kind,
    /// What their words hold, in any case.
    pub text: String,
}

/// A kind of entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Every one.
    #[default]
    All,
    /// About logging in, staying in and logging out.
    Login,
    /// About calls to the API.
    Calls,
    /// About what went wrong.
    Problems,
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        let kind = match self.kind {
            Kind::All => true,
            Kind::Login => entry.is_about_login(),
            Kind::Calls => !entry.is_about_login(),
            Kind::Problems => entry.mark == Mark::Bad,
        };
        let holds = |words: &str| words.to_lowercase().contains(&self.text.to_lowercase());
        kind && (self.text.is_empty() || holds(&entry.title) || holds(&entry.detail))
    }
}

impl History {
    /// Every entry, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// How many entries the filter lets through.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shown.len()
    }

    /// The entry at `index` among those that the filter lets through, counted from the oldest.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Entry> {
        self.numbered(*self.shown.get(index)?)
    }

    /// The entry of this number, if it is still kept.
    #[must_use]
    pub fn numbered(&self, number: u64) -> Option<&Entry> {
        let first = self.entries.front()?.number;
        self.entries.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the filter is.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The entries of one task.
    pub fn of(&self, task: TaskId) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.task == task)
    }

    /// A task works at this.
    pub(super) fn began(&mut self, task: TaskId, work: Work) {
        if self.tasks.len() == TASKS {
            self.tasks.pop_front();
        }
        self.tasks.push_back((task, work));
    }

    pub(super) fn add(&mut self, mut entry: Entry) {
        // One that counts goes into the place of the one that counted fewer.
        let is_before = |before: &&mut Entry| before.task == entry.task && before.counts == entry.counts;
        if entry.counts.is_some()
            && let Some(before) = self.entries.iter_mut().rev().find(is_before)
        {
            before.detail = entry.detail;
            return;
        }
        if self.entries.len() == LONGEST
            && let Some(oldest) = self.entries.pop_front()
        {
            self.weight -= weight(&oldest);
            self.shown.pop_front_if(|number| *number == oldest.number);
        }
        entry.number = self.next;
        entry.work = self.tasks.iter().find(|(task, _)| *task == entry.task).map(|(_, work)| *work);
        self.next += 1;
        self.weight += weight(&entry);
        if self.filter.admits(&entry) {
            self.shown.push_back(entry.number);
        }
        self.entries.push_back(entry);
        self.lighten();
    }

    /// Lets go of what was said longest ago, while it is too much in all.
    fn lighten(&mut self) {
        let first = self.entries.front().map_or(self.next, |entry| entry.number);
        self.first_whole = self.first_whole.max(first);
        while self.weight > HEAVIEST && self.first_whole + 1 < self.next {
            let index = usize::try_from(self.first_whole - first).unwrap_or(usize::MAX);
            if let Some(entry) = self.entries.get_mut(index) {
                self.weight -= weight(entry);
                entry.exchange = None;
            }
            self.first_whole += 1;
        }
    }

    pub(super) fn show(&mut self, filter: Filter) {
        self.filter = filter;
        let admitted = self.entries.iter().filter(|entry| self.filter.admits(entry));
        self.shown = admitted.map(|entry| entry.number).collect();
    }

    /// Forgets every entry; those that come are numbered on.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.shown.clear();
        self.weight = 0;
    }
}

fn weight(entry: &Entry) -> usize {
    entry.exchange.as_ref().map_or(0, |exchange| exchange.weight())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Step;
    use crate::auth::loopback::Stray;

    fn history(entries: usize) -> History {
        let mut history = History::default();
        history.began(1, Work::Login);
        history.began(2, Work::Call);
        for number in 0..entries {
            let mark = if number % 10 == 0 { Mark::Bad } else { Mark::Good };
            history.add(Entry::new(1 + number as TaskId % 2, mark, &format!("Entry {number}"), "detail"));
        }
        history
    }

    #[test]
    fn the_oldest_entries_go_when_there_are_too_many() {
        let history = history(LONGEST + 5);
        assert_eq!((history.entries().len(), history.count()), (LONGEST, LONGEST));
        assert_eq!(history.get(0).map(|entry| entry.number), Some(5));
        assert!(history.numbered(4).is_none());
        assert_eq!(history.numbered(7).map(|entry| entry.title.as_str()), Some("Entry 7"));
    }

    #[test]
    fn a_filter_lets_through_what_it_says_and_what_comes_later_too() {
        let mut history = history(100);
        let mut count = |kind, text: &str| {
            history.show(Filter { kind, text: text.to_owned() });
            history.count()
        };
        assert_eq!(count(Kind::All, ""), 100);
        assert_eq!(count(Kind::Login, ""), 50);
        assert_eq!(count(Kind::Calls, ""), 50);
        assert_eq!(count(Kind::Problems, ""), 10);
        assert_eq!(count(Kind::All, "ENTRY 9"), 11);
        assert_eq!(count(Kind::Calls, "nothing"), 0);
        history.show(Filter { kind: Kind::Problems, text: String::new() });
        history.add(Entry::new(1, Mark::Bad, "late", ""));
        history.add(Entry::new(1, Mark::Good, "later", ""));
        assert_eq!((history.count(), history.get(10).map(|entry| entry.title.as_str())), (11, Some("late")));
    }

    #[test]
    fn an_entry_that_counts_is_one_however_much_it_counts() {
        let mut history = history(3);
        let ignored = |count| Step::IgnoredCallback { why: Stray::OtherState, count };
        for (task, count) in [(1, 1), (1, 2), (1, 9_000), (3, 1)] {
            history.add(Entry::step(task, &ignored(count)).unwrap());
        }
        let told: Vec<_> = history.entries().skip(3).map(|entry| entry.detail.as_str()).collect();
        let why = Stray::OtherState;
        assert_eq!(told, [format!("{why} · 9000 times"), why.to_string()]);
    }

    #[test]
    fn who_clears_the_timeline_starts_with_nothing() {
        let mut history = history(10);
        history.clear();
        assert!(history.is_empty() && history.count() == 0 && history.numbered(3).is_none());
        history.add(Entry::new(1, Mark::Good, "next", ""));
        assert_eq!(history.get(0).map(|entry| entry.number), Some(10));
    }
}
