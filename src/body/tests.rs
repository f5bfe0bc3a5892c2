//! Whole bodies, taken in by pieces of many sizes.

use std::sync::Arc;

use oauth2::http::{HeaderMap, HeaderValue, header};

use super::*;

fn headers(content_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
    headers
}

fn taken_in(content_type: &str, bytes: &[u8], piece: usize) -> (Arc<Body>, Progress) {
    let mut intake = Intake::new(&headers(content_type));
    for piece in bytes.chunks(piece) {
        intake.push(piece).unwrap();
    }
    intake.end()
}

fn text(body: &Body, view: View, rows: u64) -> String {
    let rows = body.rows(view, 0..rows).unwrap();
    rows.iter().flat_map(|row| [&row.text, "\n"]).collect()
}

fn read(content_type: &str, bytes: &[u8]) -> (Arc<Body>, Progress) {
    taken_in(content_type, bytes, usize::MAX)
}

#[test]
fn json_is_laid_out_with_names_order_and_numbers_as_they_came_however_it_came() {
    let bytes = r#" {"b":[1.50,{}, [ ] ,{"x":null}],"a":"t\"{:,é","n":12345678901234567890123 } "#.as_bytes();
    let expected = "{\n  \"b\": [\n    1.50,\n    {},\n    [],\n    {\n      \"x\": null\n    }\n  ],\n  \
                    \"a\": \"t\\\"{:,é\",\n  \"n\": 12345678901234567890123\n}\n";
    for piece in [1, 2, 3, 7, usize::MAX] {
        let (body, progress) = taken_in("application/json; charset=utf-8", bytes, piece);
        assert_eq!((progress.kind, progress.flaw, progress.pretty.rows), (Kind::Json, None, 12));
        assert_eq!(text(&body, View::Pretty, 99), expected, "in pieces of {piece}");
        assert_eq!(text(&body, View::Raw, 99).as_bytes(), [bytes, b"\n"].concat());
    }
}

#[test]
fn names_strings_literals_and_signs_are_told_apart() {
    let (body, _) = read("application/json", br#"{"k":"v","n":-1e5}"#);
    let rows = body.rows(View::Pretty, 1..3).unwrap();
    assert_eq!(
        rows[0].parts,
        [(2..5, Part::Key), (5..7, Part::Sign), (7..10, Part::String), (10..11, Part::Sign)]
    );
    assert_eq!(rows[1].parts, [(2..5, Part::Key), (5..7, Part::Sign), (7..11, Part::Literal)]);
}

#[test]
fn what_is_no_json_is_shown_as_it_came_from_where_it_goes_wrong() {
    for (bytes, at, shown) in [
        (&b"{\"a\":\n1,}\nx"[..], 8, "{\n  \"a\": 1,\n}\nx\n"),
        (b"{\"a\":1} x", 8, "{\n  \"a\": 1\n}\nx\n"),
        (b"[1 2]", 3, "[\n  1\n2]\n"),
        (b"[01]", 2, "[\n  0\n1]\n"),
        (b"[\"a\nb\"]", 3, "[\n  \"a\n\nb\"]\n"),
        (b"[tru3]", 4, "[\n  tru\n3]\n"),
        (b"nope", 1, "n\nope\n"),
        (b"<html>", 0, "<html>\n"),
        (b"[\"\\x\"]", 3, "[\n  \"\\\nx\"]\n"),
        (b"{\"a\":[}", 6, "{\n  \"a\": [\n}\n"),
    ] {
        for piece in [1, usize::MAX] {
            let (body, progress) = taken_in("application/json", bytes, piece);
            let name = String::from_utf8_lossy(bytes);
            assert_eq!(progress.flaw.map(|flaw| flaw.at), Some(at), "{name}");
            assert_eq!(text(&body, View::Pretty, 99), shown, "{name}");
        }
    }
}

#[test]
fn what_ends_too_early_is_said_once_it_ended_and_not_before() {
    for bytes in [&b"{\"a\":1"[..], b"[1,", b"\"abc", b"tru", b"-", b"1e"] {
        let mut intake = Intake::new(&headers("application/json"));
        intake.push(bytes).unwrap();
        assert!(intake.so_far().is_none_or(|(_, progress)| progress.flaw.is_none()));
        assert_eq!(intake.end().1.flaw, Some(Flaw { at: bytes.len() as u64, why: Why::TooEarly }));
    }
    for bytes in ["12", "0", "true", "\"\"", "[]", " {} "] {
        assert_eq!(read("application/json", bytes.as_bytes()).1.flaw, None, "{bytes}");
    }
}

#[test]
fn one_value_after_the_other_is_json_where_it_is_said_to_be() {
    for (kind, bytes) in [
        ("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n"),
        ("application/json-seq", "\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n"),
    ] {
        let (body, progress) = read(kind, bytes.as_bytes());
        assert_eq!((progress.flaw, progress.pretty.rows), (None, 6), "{kind}");
        assert_eq!(text(&body, View::Pretty, 9), "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n");
    }
}

#[test]
fn json_nested_without_end_is_shown_as_it_came_from_some_depth_on() {
    let (body, progress) = read("application/json", "[".repeat(1 << 20).as_bytes());
    assert_eq!(progress.flaw, Some(Flaw { at: 256, why: Why::TooDeep }));
    assert_eq!(body.rows(View::Pretty, 255..257).unwrap()[1].text.len(), layout::LONGEST);
}

#[test]
fn what_only_looks_like_json_is_not_blamed_for_being_a_text() {
    let (body, progress) = read("text/plain", b"[12:00] started\n[12:01] stopped\n");
    assert_eq!((progress.kind, progress.flaw, progress.views()[0]), (Kind::Text, None, View::Raw));
    assert_eq!(text(&body, View::Raw, 9), "[12:00] started\n[12:01] stopped\n");
    assert_eq!(read("text/plain", b"[1]").1.kind, Kind::Json);
}

#[test]
fn a_charset_is_honoured_whether_it_is_said_or_marked() {
    let utf_16: Vec<u8> = "\u{feff}{\"ü\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content_type, bytes, shown) in [
        ("text/plain; charset=iso-8859-1", &b"gr\xfc\xdfe"[..], "grüße\n"),
        ("text/plain; Charset=\"windows-1251\"", b"\xcf\xf0\xe8", "При\n"),
        ("text/plain", b"gr\xfc", "gr\u{fffd}\n"),
        ("text/plain", b"\xef\xbb\xbfx", "x\n"),
        ("text/plain", b"\xef\xbb\xbf [1]", "[\n  1\n]\n"),
        ("application/json", &utf_16, "{\n  \"ü\": 1\n}\n"),
    ] {
        for piece in [1, usize::MAX] {
            let (body, progress) = taken_in(content_type, bytes, piece);
            assert_eq!(text(&body, progress.views()[0], 9), shown, "{content_type}");
            assert_eq!(body.read(0..99).unwrap(), bytes, "what came is kept as it came");
        }
    }
}

#[test]
fn lines_end_where_they_did_and_none_is_made_up() {
    let (body, progress) = read("text/plain", b"a\r\n\n\tb\nc\n");
    assert_eq!(text(&body, View::Raw, 9), "a\n\n    b\nc\n");
    assert_eq!(progress.raw, Counted { rows: 4, lines: 4 });
}

#[test]
fn a_long_line_goes_on_in_the_next_row_with_its_characters_whole() {
    let line = "é".repeat(layout::LONGEST);
    let (body, progress) = read("text/plain", format!("{line}\nx").as_bytes());
    assert_eq!(progress.raw, Counted { rows: 3, lines: 2 });
    let rows = body.rows(View::Raw, 0..3).unwrap();
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [Some(1), None, Some(2)]);
    assert_eq!(rows[0].text.clone() + &rows[1].text, line);

    let (body, _) = read("application/json", format!("[\"{line}\"]").as_bytes());
    let rows = body.rows(View::Pretty, 0..9).unwrap();
    assert!(rows.iter().all(|row| row.text.len() <= layout::LONGEST + 3 && !row.text.contains('\u{fffd}')));
    assert_eq!(rows[2].parts, [(0..rows[2].text.len(), Part::String)]);
}

#[test]
fn nothing_in_a_row_acts_on_the_screen() {
    let (body, _) = read("text/plain", "a\u{1b}[2J\u{202e}b".as_bytes());
    assert_eq!(text(&body, View::Raw, 1), "a\u{fffd}[2J\u{fffd}b\n");
}

#[test]
fn what_is_no_text_is_shown_as_bytes() {
    let (body, progress) = read("application/octet-stream", b"a\0b\xff0123456789abcdef");
    assert_eq!((progress.kind, progress.views()[0]), (Kind::Binary, View::Hex));
    let rows = body.rows(View::Hex, 0..9).unwrap();
    assert_eq!(
        rows[0].text,
        "0000000000  61 00 62 ff 30 31 32 33  34 35 36 37 38 39 61 62  a·b·0123456789ab"
    );
    assert_eq!(rows[1].source, 16..20);
    assert_eq!(read("image/png", b"\x89PNG\r\n\x1a\n").1.kind, Kind::Image);
    assert_eq!(read("image/x-unknown", b"abc").1.kind, Kind::Binary);
    assert_eq!(read("application/json", b"").1.kind, Kind::Empty);
}

/// An array of records that goes on over many segments, and its members as `serde_json` reads them.
fn records(count: usize) -> Vec<u8> {
    let records: Vec<_> = (0..count)
        .map(|number| serde_json::json!({ "number": number, "tags": ["a", "é", {}], "of": { "it's": [number] } }))
        .collect();
    serde_json::to_vec(&serde_json::json!({ "records": records, "last": true })).unwrap()
}

#[test]
fn any_row_of_a_long_body_is_the_one_that_the_whole_has_there() {
    let bytes = records(6_000);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let whole = serde_json::to_string_pretty(&value).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let (body, progress) = taken_in("application/json", &bytes, 10_000);
    assert_eq!(progress.pretty.rows, lines.len() as u64);
    for start in (0..lines.len()).step_by(977).chain([lines.len() - 3]) {
        let rows = body.rows(View::Pretty, start as u64..start as u64 + 5).unwrap();
        assert_eq!(rows.len(), 5.min(lines.len() - start));
        for (row, line) in rows.iter().zip(&lines[start..]) {
            assert_eq!(row.text, *line);
            assert_eq!(row.line, Some(row.number + 1));
        }
    }
}

#[test]
fn a_container_ends_where_its_bracket_is_however_far_that_is() {
    let bytes = records(6_000);
    let (body, progress) = taken_in("application/json", &bytes, 10_000);
    let rows = body.rows(View::Pretty, 0..4).unwrap();
    let end_of = |number: usize| body.end_of(&rows[number]).unwrap();
    assert!(rows[2].opens && rows[2].text == "  \"records\": [", "{rows:?}");
    assert_eq!((end_of(0), end_of(2)), (Some(progress.pretty.rows - 1), Some(progress.pretty.rows - 2)));
    let end = end_of(3).unwrap();
    let closing = &body.rows(View::Pretty, end..end + 1).unwrap()[0];
    assert!(closing.closes && closing.text == "    },", "{closing:?}");

    let (body, _) = read("application/json", b"[[1,");
    let row = &body.rows(View::Pretty, 0..1).unwrap()[0];
    assert_eq!(body.end_of(row).unwrap(), None);
}

#[test]
fn the_path_of_a_row_leads_to_it() {
    let bytes = records(6_000);
    let (body, progress) = taken_in("application/json", &bytes, 10_000);
    let path = |number| body.path(&body.rows(View::Pretty, number..number + 1).unwrap()[0]).unwrap().unwrap();
    assert_eq!((path(0), path(1), path(2)), ("$".into(), "$.last".into(), "$.records".into()));
    let middle = progress.pretty.rows / 2;
    for number in middle..middle + 14 {
        let row = &body.rows(View::Pretty, number..number + 1).unwrap()[0];
        let path = path(number);
        assert!(path.starts_with("$.records["), "{path}");
        if row.text.contains("\"number\"") {
            let index: usize = path["$.records[".len()..].split(']').next().unwrap().parse().unwrap();
            assert_eq!(path, format!("$.records[{index}].number"));
            assert_eq!(row.text.trim(), format!("\"number\": {index},"));
        }
        if row.text.contains("it's") {
            assert!(path.ends_with(r".of['it\'s']"), "{path}");
        }
    }
    assert_eq!(path(progress.pretty.rows - 1), "$");
}

#[test]
fn a_search_counts_each_hit_and_finds_it_again() {
    let bytes = records(6_000);
    let (body, _) = taken_in("application/json", &bytes, 10_000);
    let mut search = Search::new(Needle::new("\"NUMBER\":".to_lowercase().as_str()).unwrap());
    while !body.search(View::Pretty, &mut search).unwrap() {}
    assert_eq!(search.total(), 6_000);
    for number in [0, 1, 2_999, 5_999] {
        let at = body.hit(View::Pretty, &search, number).unwrap().unwrap();
        let row = body.row_of(View::Pretty, at).unwrap();
        let row = &body.rows(View::Pretty, row..row + 1).unwrap()[0];
        assert_eq!(row.text.trim(), format!("\"number\": {number},"));
    }
    assert_eq!(body.hit(View::Pretty, &search, 6_000).unwrap(), None);

    let (body, _) = read("text/plain", "aA".repeat(100_000).as_bytes());
    let total = |needle| {
        let mut search = Search::new(Needle::new(needle).unwrap());
        while !body.search(View::Raw, &mut search).unwrap() {}
        search.total()
    };
    assert_eq!((total("aa"), total("aA"), total("A"), total("b")), (100_000, 100_000, 100_000, 0));
}

#[test]
fn blank_lines_do_not_lead_a_search_astray() {
    let (body, _) = read("text/plain", b"one\n\nhit\n\n\nend\n");
    let rows: Vec<_> = [0, 4, 5, 9, 10, 11].map(|at| body.row_of(View::Raw, at).unwrap()).into();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5]);
    assert_eq!(body.row_of_line(View::Raw, 6).unwrap(), 5);
}

#[test]
fn what_is_no_text_is_cut_into_the_same_rows_however_it_comes() {
    let bytes = vec![0x80; 3 * layout::LONGEST];
    let [whole, pieces] = [usize::MAX, 1].map(|piece| taken_in("text/plain", &bytes, piece).1.raw);
    assert_eq!(whole, pieces);
}

#[test]
fn a_hit_across_a_segment_is_found_although_its_end_comes_later() {
    let mut intake = Intake::new(&headers("text/plain"));
    let mut bytes = vec![b'.'; usize::try_from(index::SEGMENT).unwrap() - 1];
    bytes.extend(b"ab");
    intake.push(&bytes).unwrap();
    let (body, _) = intake.so_far().unwrap();
    let mut search = Search::new(Needle::new("abc").unwrap());
    body.search(View::Raw, &mut search).unwrap();
    intake.push(b"c...").unwrap();
    body.search(View::Raw, &mut search).unwrap();
    assert_eq!(search.total(), 1);
}

#[test]
fn nothing_in_a_path_acts_on_the_screen_and_what_is_no_json_has_none() {
    let (body, _) = read("application/json", "{\"\u{202e}a\\n'\": 1, \"b\": x}".as_bytes());
    let path = |row: u64| body.path(&body.rows(View::Pretty, row..row + 1).unwrap()[0]).unwrap();
    assert_eq!(path(1).unwrap(), r"$['\u202ea\u000a\'']");
    assert_eq!(path(3), None);
}

#[test]
fn a_search_goes_on_with_what_comes_later() {
    let mut intake = Intake::new(&headers("text/plain"));
    intake.push(b"one two on").unwrap();
    let (body, _) = intake.so_far().unwrap();
    let mut search = Search::new(Needle::new("one").unwrap());
    assert!(body.search(View::Raw, &mut search).unwrap());
    assert_eq!(search.total(), 1);
    intake.push(b"e three").unwrap();
    assert!(body.search(View::Raw, &mut search).unwrap());
    assert_eq!(search.total(), 2);
}

#[test]
fn white_space_without_end_hides_nothing() {
    let bytes = [b"[1,".to_vec(), vec![b' '; 9 << 20], b"2]".to_vec()].concat();
    let (body, progress) = taken_in("application/json", &bytes, 1 << 20);
    assert_eq!(progress.pretty.rows, 4);
    let first = body.rows(View::Pretty, 0..4).unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(body.rows(View::Pretty, 2..4).unwrap()[0].text, "  2");
}
