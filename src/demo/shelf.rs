//! A place for things that are worth keeping only for a while, and only so many of them.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Keeps up to `room` things, each for `life`; a full shelf loses its oldest.
pub struct Shelf<T> {
    room: usize,
    life: Duration,
    things: VecDeque<(Instant, String, T)>,
}

impl<T> Shelf<T> {
    /// An empty shelf.
    pub fn new(room: usize, life: Duration) -> Self {
        Self { room, life, things: VecDeque::new() }
    }

    /// Puts a thing there under a name.
    pub fn put(&mut self, name: String, thing: T) {
        self.clear_old();
        if self.things.len() == self.room {
            self.things.pop_front();
        }
        self.things.push_back((Instant::now(), name, thing));
    }

    /// Looks at the thing of this name.
    pub fn get(&mut self, name: &str) -> Option<&mut T> {
        self.clear_old();
        self.things.iter_mut().find(|(_, its, _)| its == name).map(|(_, _, thing)| thing)
    }

    /// Takes the thing of this name away: it can be had once.
    pub fn take(&mut self, name: &str) -> Option<T> {
        self.clear_old();
        let place = self.things.iter().position(|(_, its, _)| its == name)?;
        self.things.remove(place).map(|(_, _, thing)| thing)
    }

    fn clear_old(&mut self) {
        while self.things.front().is_some_and(|(since, ..)| since.elapsed() >= self.life) {
            self.things.pop_front();
        }
    }
}
