//! Rows of bytes: their offset, their value, and the characters that they are in ASCII.

use std::fmt::Write as _;
use std::io;
use std::ops::Range;

use super::layout::Part;
use super::row::Row;
use super::store::Store;

/// How many bytes a row shows.
pub(super) const ROW: u64 = 16;

/// The rows of `range`.
pub(super) fn rows(bytes: &Store, range: Range<u64>) -> io::Result<Vec<Row>> {
    let here = bytes.read(range.start * ROW..range.end * ROW)?;
    #[expect(clippy::cast_possible_truncation, reason = "sixteen")]
    let rows = here.chunks(ROW as usize).zip(range.start..);
    Ok(rows.map(|(bytes, number)| row(number, bytes)).collect())
}

fn row(number: u64, bytes: &[u8]) -> Row {
    let at = number * ROW;
    let mut text = format!("{at:010x}");
    let offset_ends = text.len();
    for index in 0..16 {
        // A gap in the middle, so that one finds the place.
        text.push_str(if index % 8 == 0 { "  " } else { " " });
        // Writing to a string does not fail.
        let _ = match bytes.get(index) {
            Some(byte) => write!(text, "{byte:02x}"),
            None => write!(text, "  "),
        };
    }
    let bytes_end = text.len();
    text.push_str("  ");
    text.extend(bytes.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte),
        _ => '·',
    }));
    let parts = vec![
        (0..offset_ends, Part::Sign),
        (offset_ends..bytes_end, Part::Text),
        (bytes_end..text.len(), Part::String),
    ];
    let source = at..at + bytes.len() as u64;
    Row { number, line: Some(number + 1), source, text, parts, ..Row::default() }
}
