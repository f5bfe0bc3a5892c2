//! Where in a JSON text a row stands, as a path that other tools take (RFC 9535).

use std::io;

use super::index::Index;
use super::json::Container;
use super::row::Row;
use super::store::Store;

/// The longest name that is read, in bytes.
const LONGEST_NAME: u64 = 4 << 10;

/// The path of the row, such as `$.items[3].name`.
pub(super) fn of(index: &Index, source: &Store, row: &Row) -> io::Result<String> {
    let mut open = index.open_at(source, row.named_at)?;
    if row.closes {
        // It stands for the container that it ends.
        open.pop();
    }
    let mut path = "$".to_owned();
    for container in open {
        match container {
            Container::Array { index } => path.push_str(&format!("[{index}]")),
            Container::Object { key: (start, end) } if start < end => {
                let quoted = source.read(start..end.min(start + LONGEST_NAME))?;
                push_name(&mut path, &quoted);
            }
            Container::Object { .. } => {}
        }
    }
    Ok(path)
}

fn push_name(path: &mut String, quoted: &[u8]) {
    let name: String = serde_json::from_slice(quoted)
        .unwrap_or_else(|_| String::from_utf8_lossy(quoted).trim_matches('"').to_owned());
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let is_short = name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
    if is_short {
        path.extend([".", &name]);
    } else {
        let escaped =
            name.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
        path.extend(["['", &escaped, "']"]);
    }
}
