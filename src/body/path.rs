//! Where in a JSON text a row stands, as a path that other tools take (RFC 9535).

use std::fmt::Write as _;
use std::io;

use super::index::Index;
use super::json::Container;
use super::row::Row;
use super::store::Store;
use crate::untrusted;

/// The longest name that is read, in bytes.
const LONGEST_NAME: u64 = 4 << 10;

/// The path of the row, such as `$.items[3].name`; `None` where it has none, or one with a name that nobody reads.
pub(super) fn of(index: &Index, source: &Store, row: &Row) -> io::Result<Option<String>> {
    let Some(mut open) = index.open_at(source, row.named_at)? else { return Ok(None) };
    if row.closes {
        // It stands for the container that it ends.
        open.pop();
    }
    let mut path = "$".to_owned();
    for container in open {
        match container {
            // Writing to a string does not fail.
            Container::Array { index } => drop(write!(path, "[{index}]")),
            Container::Object { key: (start, end) } if start < end => {
                let name = source.read(start..end.min(start + LONGEST_NAME))?;
                let Ok(name) = serde_json::from_slice::<String>(&name) else { return Ok(None) };
                push_name(&mut path, &name);
            }
            Container::Object { .. } => {}
        }
    }
    Ok(Some(path))
}

fn push_name(path: &mut String, name: &str) {
    let is_first =
        |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() && untrusted::visible(c) == c;
    if name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        path.extend([".", name]);
        return;
    }
    path.push_str("['");
    for c in name.chars() {
        match c {
            '\'' | '\\' => path.extend(['\\', c]),
            c if untrusted::visible(c) == c => path.push(c),
            // Nothing in it acts on the screen.
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing to a string does not fail.
                let _ = write!(path, "\\u{unit:04x}");
            }),
        }
    }
    path.push_str("']");
}
