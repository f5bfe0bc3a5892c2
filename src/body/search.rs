//! Searching a body: how often a text stands in each segment of the source, so that any hit is found again by searching
//! one segment.

use std::fmt;
use std::io;
use std::ops::Range;

use memchr::memmem::Finder;

use super::index::SEGMENT;
use super::store::Store;

/// How much is searched at once, in bytes.
const STRIDE: u64 = 64 * SEGMENT;

/// A search and what it has found so far.
#[derive(Debug)]
pub struct Search {
    needle: Needle,
    /// How many hits start in each segment.
    hits: Vec<u32>,
    /// How many segments were searched with all that follows them in mind.
    done: usize,
}

/// A text that is looked for as it came; in any case of ASCII, unless it has a capital letter.
#[derive(Clone)]
pub struct Needle {
    text: Vec<u8>,
    any_case: bool,
}

impl fmt::Debug for Needle {
    /// Leaves out what it is: people look for tokens too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needle({} bytes)", self.text.len())
    }
}

impl Needle {
    /// Looks for `text`; `None` where there is nothing to look for.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let any_case = !text.chars().any(char::is_uppercase);
        (!text.is_empty()).then(|| Self { text: text.as_bytes().to_vec(), any_case })
    }

    /// Where it stands in `bytes`: the starts, in order, none within another.
    pub fn find_in(&self, bytes: &[u8], mut found: impl FnMut(usize)) {
        let length = self.text.len();
        if !self.any_case {
            Finder::new(&self.text).find_iter(bytes).for_each(found);
            return;
        }
        let (lower, upper) = (self.text[0].to_ascii_lowercase(), self.text[0].to_ascii_uppercase());
        let mut from = 0;
        while let Some(start) = memchr::memchr2(lower, upper, &bytes[from..]).map(|at| from + at) {
            let Some(here) = bytes.get(start..start + length) else { return };
            if here.eq_ignore_ascii_case(&self.text) {
                found(start);
                from = start + length;
            } else {
                from = start + 1;
            }
        }
    }

    /// Where it stands in a text.
    #[must_use]
    pub fn ranges_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        self.find_in(text.as_bytes(), |start| ranges.push(start..start + self.text.len()));
        ranges
    }
}

impl Search {
    /// A search that has not begun.
    #[must_use]
    pub fn new(needle: Needle) -> Self {
        Self { needle, hits: Vec::new(), done: 0 }
    }

    /// How many hits there are so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.hits.iter().map(|&hits| u64::from(hits)).sum()
    }

    /// Goes on for some megabytes; whether that was all that is here.
    ///
    /// # Errors
    /// When the disk does not give the bytes back.
    pub fn go_on(&mut self, source: &Store) -> io::Result<bool> {
        let there = source.len();
        let start = self.done as u64 * SEGMENT;
        let bytes = source.read(start..start + STRIDE + self.overhang())?;
        let mut from = 0;
        while from < bytes.len() && from < as_size(STRIDE) {
            let end = from + as_size(SEGMENT + self.overhang());
            let mut hits = 0;
            let within = as_size(SEGMENT);
            self.needle.find_in(&bytes[from..end.min(bytes.len())], |at| hits += u32::from(at < within));
            let segment = as_size(start / SEGMENT) + from / as_size(SEGMENT);
            self.hits.resize(segment + 1, 0);
            self.hits[segment] = hits;
            // What has not come yet may change what is at the end.
            if end <= bytes.len() && self.done == segment {
                self.done += 1;
            }
            from += as_size(SEGMENT);
        }
        Ok(start + STRIDE >= there)
    }

    /// Where the hit of this number, from 0, starts in the source.
    ///
    /// # Errors
    /// When the disk does not give the bytes back.
    pub fn hit(&self, source: &Store, number: u64) -> io::Result<Option<u64>> {
        let mut before = 0;
        for (segment, &hits) in self.hits.iter().enumerate() {
            if number < before + u64::from(hits) {
                let start = segment as u64 * SEGMENT;
                let bytes = source.read(start..start + SEGMENT + self.overhang())?;
                let mut starts = Vec::new();
                self.needle.find_in(&bytes, |at| starts.push(start + at as u64));
                return Ok(starts.get(as_size(number - before)).copied());
            }
            before += u64::from(hits);
        }
        Ok(None)
    }

    /// The number of the first hit in the segment of this offset, or after it; 0 where none follows.
    #[must_use]
    pub fn first_from(&self, offset: u64) -> u64 {
        let segments = as_size(offset / SEGMENT).min(self.hits.len());
        let before: u64 = self.hits[..segments].iter().map(|&hits| u64::from(hits)).sum();
        if before < self.total() { before } else { 0 }
    }

    /// How far a hit can reach out of its segment.
    fn overhang(&self) -> u64 {
        self.needle.text.len() as u64 - 1
    }
}

/// An offset that is known to be within memory.
fn as_size(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
