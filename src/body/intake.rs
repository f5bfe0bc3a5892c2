//! Taking in a body as it comes.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use encoding_rs::{CoderResult, Decoder, UTF_8};
use oauth2::http::HeaderMap;

use super::index::Index;
use super::json::Json;
use super::kind::{self, Kind, Said};
use super::layout::{Layout, Raw};
use super::store::Store;
use super::{Body, Counted, Progress};

/// Takes in a body; what it is shows with its first bytes.
pub struct Intake {
    said: Said,
    /// The beginning, until it tells what this is.
    held: Vec<u8>,
    taking: Option<Taking>,
}

struct Taking {
    body: Arc<Body>,
    /// Makes UTF-8 of it, where it comes otherwise.
    decoder: Option<Decoder>,
}

impl Intake {
    /// Nothing yet of a body with these headers.
    #[must_use]
    pub fn new(headers: &HeaderMap) -> Self {
        Self { said: Said::read(headers), held: Vec::new(), taking: None }
    }

    /// Goes on with these bytes.
    ///
    /// # Errors
    /// When the disk does not take them; what came before can still be read.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(taking) = &mut self.taking {
            return taking.take(bytes);
        }
        self.held.extend_from_slice(bytes);
        if kind::tells(&self.held) { self.begin().map(|_| ()) } else { Ok(()) }
    }

    fn begin(&mut self) -> io::Result<&mut Taking> {
        let held = std::mem::take(&mut self.held);
        let taking = self.taking.insert(Taking::new(&self.said, &held));
        taking.take(&held)?;
        Ok(taking)
    }

    /// The body as far as it came; `None` before there is enough to tell what it is.
    #[must_use]
    pub fn so_far(&self) -> Option<(Arc<Body>, Progress)> {
        let body = &self.taking.as_ref()?.body;
        Some((Arc::clone(body), body.progress(false)))
    }

    /// The body, of which nothing more comes.
    #[must_use]
    pub fn end(mut self) -> (Arc<Body>, Progress) {
        if self.taking.is_none() {
            // So little of it is in memory, and needs no disk.
            let _ = self.begin();
        }
        let mut taking = self.taking.unwrap_or_else(|| Taking::new(&self.said, b""));
        // Half a character at the end is worth no error: the bytes themselves are kept.
        let _ = taking.feed(b"", true);
        let progress = taking.body.progress(true);
        (taking.body, progress)
    }
}

impl Taking {
    fn new(said: &Said, beginning: &[u8]) -> Self {
        let encoding = said.encoding(beginning);
        let kind = said.kind(beginning, encoding == UTF_8);
        let json =
            (kind == Kind::Json).then(|| RwLock::new(Index::new(Layout::Json(Json::new(said.is_many())))));
        let is_said = said.is_json();
        let decodes = encoding != UTF_8;
        let body = Arc::new(Body {
            kind,
            is_said,
            encoding,
            bytes: Store::default(),
            laid_out: AtomicU64::new(0),
            text: decodes.then(Store::default),
            lines: RwLock::new(Index::new(Layout::Raw(Raw::new()))),
            json,
        });
        Self { body, decoder: decodes.then(|| encoding.new_decoder_with_bom_removal()) }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body.bytes.append(bytes)?;
        self.feed(bytes, false)?;
        self.body.laid_out.fetch_add(bytes.len() as u64, Ordering::Release);
        Ok(())
    }

    fn feed(&mut self, bytes: &[u8], is_last: bool) -> io::Result<()> {
        match (&mut self.decoder, &self.body.text) {
            (Some(decoder), Some(text)) => {
                let mut rest = bytes;
                loop {
                    let mut decoded = String::with_capacity(rest.len() + 64);
                    let (result, read, _) = decoder.decode_to_string(rest, &mut decoded, is_last);
                    text.append(decoded.as_bytes())?;
                    self.body.lay_out(decoded.as_bytes());
                    rest = &rest[read..];
                    if result == CoderResult::InputEmpty {
                        return Ok(());
                    }
                }
            }
            _ => self.body.lay_out(bytes),
        }
        Ok(())
    }
}

impl Body {
    fn lay_out(&self, bytes: &[u8]) {
        for index in [Some(&self.lines), self.json.as_ref()].into_iter().flatten() {
            // Whoever reads rows waits no longer than this takes.
            for part in bytes.chunks(256 << 10) {
                index.write().unwrap_or_else(PoisonError::into_inner).feed(part);
            }
        }
    }

    /// How far it is, and whether that is all.
    pub(super) fn progress(&self, is_over: bool) -> Progress {
        let index = |index: &RwLock<Index>| {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            (index.counted(), index.flaw(is_over))
        };
        // Before the rows: there may be more of them by then, and never fewer.
        let bytes = self.laid_out.load(Ordering::Acquire);
        let (raw, _) = index(&self.lines);
        let (pretty, flaw) = self.json.as_ref().map_or((Counted::default(), None), index);
        // What only looked like JSON is not blamed for being something else.
        let is_something_else = self.kind == Kind::Json && !self.is_said && flaw.is_some();
        Progress {
            bytes,
            pretty,
            raw,
            flaw: flaw.filter(|_| !is_something_else),
            kind: if is_something_else { Kind::Text } else { self.kind },
            is_over,
        }
    }
}
