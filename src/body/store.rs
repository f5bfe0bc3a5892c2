//! The bytes of a body: in memory while they are few, then in a temporary file that nobody else can open.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many bytes stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// Bytes that one side appends and others read meanwhile.
#[derive(Default)]
pub struct Store(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    place: Place,
    length: u64,
}

enum Place {
    Memory(Vec<u8>),
    File(File),
}

impl Default for Place {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Store {
    /// Appends `bytes`.
    ///
    /// # Errors
    /// When the disk does not take them; what was appended before can still be read.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.kept();
        let Kept { place, length } = &mut *kept;
        if let Place::Memory(memory) = place {
            if memory.len() + bytes.len() <= IN_MEMORY {
                memory.extend_from_slice(bytes);
                *length += bytes.len() as u64;
                return Ok(());
            }
            let mut file = temporary_file()?;
            file.write_all(memory)?;
            *place = Place::File(file);
        }
        if let Place::File(file) = place {
            file.seek(SeekFrom::Start(*length))?;
            file.write_all(bytes)?;
            *length += bytes.len() as u64;
        }
        Ok(())
    }

    /// The bytes of `range`, as far as they are here.
    ///
    /// # Errors
    /// When the disk does not give them back.
    pub fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut kept = self.kept();
        let range = range.start.min(kept.length)..range.end.min(kept.length);
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        match &mut kept.place {
            // What is in memory is short enough for any `usize`.
            #[expect(clippy::cast_possible_truncation, reason = "an offset within a vector")]
            Place::Memory(memory) => Ok(memory[range.start as usize..range.start as usize + length].to_vec()),
            Place::File(file) => {
                let mut bytes = vec![0; length];
                file.seek(SeekFrom::Start(range.start))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.kept().length
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    /// Giving back the room of a large file takes a while, and the window may be what lets go of it.
    fn drop(&mut self) {
        if let Place::File(file) = std::mem::take(&mut self.kept().place) {
            thread::spawn(move || drop(file));
        }
    }
}

/// A file without a name, which is gone with its handle: where caches live, because the system's place for temporary
/// files is often memory.
fn temporary_file() -> io::Result<File> {
    let Some(places) = directories::BaseDirs::new() else { return tempfile::tempfile() };
    let folder = places.cache_dir();
    fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder)).or_else(|_| tempfile::tempfile())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_before_and_after_it_leaves_memory() {
        let store = Store::default();
        let part: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        for parts in 1..=6_u64 {
            store.append(&part).unwrap();
            let length = parts << 20;
            assert_eq!(store.len(), length);
            assert_eq!(store.read(length - 3..length + 3).unwrap(), [253, 254, 255]);
            assert_eq!(store.read(254..258).unwrap(), [254, 255, 0, 1]);
        }
        assert!(matches!(store.kept().place, Place::File(_)));
        assert!(store.read(9 << 20..10 << 20).unwrap().is_empty());
    }
}
