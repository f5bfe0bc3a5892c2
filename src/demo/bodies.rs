//! Bodies worth looking at: a large one whose length is known, one that comes slowly, and one that goes on and on.
//!
//! None of them needs a token, and none is held: each is made piece by piece, no quicker than the client takes it, and
//! dropped when the client goes away.

use std::{
    convert::Infallible,
    iter,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{api::message, params::Params};

/// How large a body may be, in millions of bytes.
const MOST_MB: usize = 4096;
/// How long the slow answer may take.
const MOST_SECONDS: usize = 120;
/// How often a part of the slow answer comes.
const SLOW_PACE: Duration = Duration::from_millis(500);
/// How often a line of the stream comes, and how many come at the most: ten minutes' worth.
const STREAM_PACE: Duration = Duration::from_millis(50);
const STREAM_LINES: usize = 12_000;

/// `GET /api/large?mb=10&kind=json`: so many million bytes, give or take a line, and the same ones every time.
pub async fn large(params: Params) -> Result<Response, BadRequest> {
    let length = number(&params, "mb", 10, MOST_MB)? * 1_000_000;
    let (content_type, body) = match params.get("kind").unwrap_or("json") {
        "json" => ("application/json", Large::json(length)),
        "broken" => ("application/json", Large::json(length).broken()),
        "line" => ("application/json", Large::new(length, "\"", words, "\"")),
        "text" => ("text/plain; charset=utf-8", Large::new(length, "", log_line, "")),
        "binary" => ("application/octet-stream", Large::new(length, "", noise, "")),
        _ => return Err(BadRequest("kind can be json, broken, line, text or binary".to_owned())),
    };
    Ok(answer(content_type, Pieces { left: Some(body.len()), pace: None, rest: body.pieces() }))
}

/// `GET /api/slow?seconds=20`: a JSON array, of which an element comes every half second.
pub async fn slow(params: Params) -> Result<Response, BadRequest> {
    let elements = number(&params, "seconds", 20, MOST_SECONDS)? * 2;
    let element = move |index: usize| {
        let end = if index < elements { ",\n" } else { "\n]\n" };
        format!("  {}{end}", json!({ "id": index, "of": elements, "at": Timestamp::now() })).into_bytes()
    };
    let rest = iter::once(b"[\n".to_vec()).chain((1..=elements).map(element));
    Ok(answer("application/json", Pieces { left: None, pace: Some(interval(SLOW_PACE)), rest }))
}

/// `GET /api/stream`: JSON objects, a line each.
pub async fn stream() -> Response {
    let line = |index: usize| {
        let event = ["order.created", "order.paid", "order.sent", "message.read"][index % 4];
        let (name, _) = NAMES[index % NAMES.len()];
        let line =
            json!({ "id": index, "at": Timestamp::now(), "event": event, "by": name, "total": price(index) });
        format!("{line}\n").into_bytes()
    };
    let mut pace = interval(STREAM_PACE);
    // What a client that does not read has missed is not sent all at once.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let rest = (1..=STREAM_LINES).map(line);
    answer("application/x-ndjson", Pieces { left: None, pace: Some(pace), rest })
}

/// A number among the parameters, from 1 to `most`.
fn number(params: &Params, name: &str, usual: usize, most: usize) -> Result<usize, BadRequest> {
    let Some(text) = params.get(name) else { return Ok(usual) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| BadRequest(format!("{name} can be a number from 1 to {most}")))
}

/// What can be asked for instead.
pub struct BadRequest(String);

impl IntoResponse for BadRequest {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, message(&self.0)).into_response()
    }
}

fn answer(
    content_type: &str,
    body: Pieces<impl Iterator<Item = Vec<u8>> + Send + Unpin + 'static>,
) -> Response {
    ([(CONTENT_TYPE, content_type)], Body::new(body)).into_response()
}

/// A body whose next piece is made when the last one has been taken, and not before its time.
struct Pieces<I> {
    rest: I,
    /// How many bytes are still to come, where that is known: it becomes `Content-Length`.
    left: Option<usize>,
    pace: Option<Interval>,
}

impl<I: Iterator<Item = Vec<u8>> + Unpin> hyper::body::Body for Pieces<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { rest, left, pace } = self.get_mut();
        if let Some(pace) = pace {
            ready!(pace.poll_tick(context));
        }
        let Some(piece) = rest.next() else { return Poll::Ready(None) };
        if let Some(left) = left {
            *left -= piece.len();
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, |left| SizeHint::with_exact(left as u64))
    }
}

// ---- the large one ----

/// Some lines, which are repeated with other numbers, between a head and a tail.
struct Large {
    head: String,
    block: Block,
    lines: usize,
    tail: String,
    /// The line that misses its comma.
    broken: Option<usize>,
}

impl Large {
    fn new(length: usize, head: &str, line: impl Fn(usize) -> Vec<u8>, tail: &str) -> Self {
        let block = Block::new(line);
        let lines = block.lines_in(length);
        Self { head: head.to_owned(), block, lines, tail: tail.to_owned(), broken: None }
    }

    fn json(length: usize) -> Self {
        let mut json =
            Self::new(length, "", |line| format!("    {},\n", person(line, FIRST)).into_bytes(), "");
        let count = json.lines + 1;
        json.head =
            format!("{{\n  \"title\": \"People of the demo\",\n  \"count\": {count},\n  \"people\": [\n");
        json.tail = format!("    {}\n  ]\n}}\n", person(0, FIRST + json.lines));
        json
    }

    fn broken(self) -> Self {
        Self { broken: Some(self.lines / 2), ..self }
    }

    fn len(&self) -> usize {
        self.head.len() + self.block.len_of(self.lines) + self.tail.len()
    }

    fn pieces(self) -> impl Iterator<Item = Vec<u8>> {
        let Self { head, block, lines, tail, broken } = self;
        let many = block.ends.len();
        let piece = move |first: usize| {
            let mut piece = block.numbered(first, many.min(lines - first));
            if let Some(line) = broken.and_then(|line| line.checked_sub(first)).filter(|line| *line < many) {
                piece[block.ends[line] - ",\n".len()] = b' ';
            }
            piece
        };
        let pieces = (0..lines).step_by(many).map(piece);
        iter::once(head.into_bytes()).chain(pieces).chain(iter::once(tail.into_bytes()))
    }
}

/// The first number. All have as many digits, so that putting one in the place of another moves nothing.
const FIRST: usize = 100_000_000;
const DIGITS: usize = 9;
/// How large a block is at the least: what is sent at once.
const BLOCK: usize = 256 * 1024;

/// A quarter of a million bytes, made once: copying them and writing the numbers is quicker than a disk.
struct Block {
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Where the numbers stand, and in which line.
    numbers: Vec<(usize, usize)>,
}

impl Block {
    /// Made of lines that hold [`FIRST`] where their number goes.
    fn new(line: impl Fn(usize) -> Vec<u8>) -> Self {
        let number = FIRST.to_string();
        let mut block = Self { text: Vec::new(), ends: Vec::new(), numbers: Vec::new() };
        while block.text.len() < BLOCK {
            let index = block.ends.len();
            let line = line(index);
            let found = line.windows(DIGITS).enumerate().filter(|(_, at)| *at == number.as_bytes());
            block.numbers.extend(found.map(|(at, _)| (block.text.len() + at, index)));
            block.text.extend(line);
            block.ends.push(block.text.len());
        }
        block
    }

    /// How many lines go into this length, beginning the block again where it ends.
    fn lines_in(&self, length: usize) -> usize {
        let (blocks, rest) = (length / self.text.len(), length % self.text.len());
        blocks * self.ends.len() + self.ends.partition_point(|end| *end <= rest)
    }

    /// How long so many lines are.
    fn len_of(&self, lines: usize) -> usize {
        let (blocks, rest) = (lines / self.ends.len(), lines % self.ends.len());
        blocks * self.text.len() + rest.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    /// The first `lines` of it, numbered from [`FIRST`] plus `first` on.
    fn numbered(&self, first: usize, lines: usize) -> Vec<u8> {
        let mut text = self.text[..self.ends[lines - 1]].to_vec();
        for &(at, line) in self.numbers.iter().take_while(|(_, line)| *line < lines) {
            let mut number = FIRST + first + line;
            for digit in text[at..at + DIGITS].iter_mut().rev() {
                *digit = b"0123456789"[number % 10];
                number /= 10;
            }
        }
        text
    }
}

// ---- what the lines say ----

/// Names as people have them, and as their addresses spell them.
const NAMES: [(&str, &str); 12] = [
    ("Alice Adams", "alice.adams"),
    ("Bob Brown", "bob.brown"),
    ("Zoë Ångström", "zoe.angstrom"),
    ("Carol Clark", "carol.clark"),
    ("José Núñez", "jose.nunez"),
    ("Dan Davis", "dan.davis"),
    ("Søren Kjærgård", "soren.kjaergard"),
    ("Erin O'Neill", "erin.oneill"),
    ("Łukasz Wójcik", "lukasz.wojcik"),
    ("Frank Fischer", "frank.fischer"),
    ("Ελένη Παππά", "eleni.pappa"),
    ("Наталья Ким", "natalya.kim"),
];

const CITIES: [(&str, [f64; 2]); 5] = [
    ("London", [51.51, -0.13]),
    ("Kraków", [50.06, 19.94]),
    ("São Paulo", [-23.55, -46.63]),
    ("Springfield", [39.8, -89.65]),
    ("東京", [35.68, 139.69]),
];

const NOTES: [&str; 7] = [
    "",
    "Called back.",
    "Asked for \\\"the other one\\\".",
    "Prefers a letter to a call, and an answer in the morning.",
    "First line,\\nsecond line.",
    "Naïve café \u{1f980}",
    "Has moved twice since the account was opened: ask for the address again before anything is sent there.",
];

/// A record on one line of JSON.
fn person(line: usize, number: usize) -> String {
    let ((name, address), (city, [north, east])) = (NAMES[line % NAMES.len()], CITIES[line % CITIES.len()]);
    let (note, price, active) = (NOTES[line % NOTES.len()], price(line), !line.is_multiple_of(3));
    let (month, day, house) = (line % 12 + 1, line % 28 + 1, line % 211 + 1);
    let orders: Vec<_> = (0..line % 4).map(|index| format!("[{},{}]", index + 1, line % 97)).collect();
    let (orders, manager) = (orders.join(","), if active { "null" } else { "{\"id\":7,\"name\":\"Grace\"}" });
    format!(
        r#"{{"id":{number},"name":"{name}","email":"{address}.{number}@example.com","active":{active},"balance":{price},"joined":"2026-{month:02}-{day:02}T09:26:53Z","address":{{"street":"{house} Mill Lane","city":"{city}","at":[{north},{east}]}},"orders":[{orders}],"manager":{manager},"note":"{note}"}}"#
    )
}

/// A line of a log.
fn log_line(line: usize) -> Vec<u8> {
    let (level, (name, _)) = (["INFO", "INFO", "DEBUG", "WARN"][line % 4], NAMES[line % NAMES.len()]);
    let (minute, second, took) = (line / 60 % 60, line % 60, line % 89);
    format!(
        "2026-11-01T12:{minute:02}:{second:02}.000Z {level:>5} request{{id={FIRST}}}: GET /api/orders/{line} 200 in {took} ms for {name}\n"
    )
    .into_bytes()
}

/// Words without a line break.
fn words(line: usize) -> Vec<u8> {
    let (name, _) = NAMES[line % NAMES.len()];
    format!("{FIRST} and on it goes, said {name}, in one line; ").into_bytes()
}

/// Bytes that are no text: NULs, and what is no UTF-8.
fn noise(line: usize) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    fastrand::Rng::with_seed(line as u64).fill(&mut bytes);
    bytes[..2].copy_from_slice(&[0, 0xff]);
    bytes
}

fn price(line: usize) -> f64 {
    (line * 37 % 100_000) as f64 / 100.0
}
