//! JSON laid out as it comes, without a tree: names, order and numbers stay as they are. What is no JSON is shown as it
//! came from where it goes wrong, and that is said (RFC 8259).

use memchr::memchr2;

use super::layout::{Part, Pen, Raw, Sink};

/// The deepest nesting that is laid out; nobody reads more, and each level has to be remembered.
pub const DEEPEST: usize = 256;

/// Where a text stops being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Offset of the first byte that does not fit.
    pub at: u64,
    /// Why.
    pub why: Why,
}

/// Why a text is not laid out any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is no JSON: this would have fitted.
    Expected(&'static str),
    /// It is nested deeper than [`DEEPEST`].
    TooDeep,
    /// It ended before it was whole.
    TooEarly,
}

/// JSON, and how far it is.
#[derive(Clone, Debug)]
pub(super) struct Json {
    pen: Pen,
    next: Next,
    /// The containers that are open, the innermost last.
    open: Vec<Container>,
    /// Whether one value may follow another.
    many: bool,
    least_depth: usize,
    flaw: Option<Flaw>,
    /// The rest, where it is no JSON.
    rest: Option<Raw>,
}

/// A container that is open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Container {
    /// An object; where in the source the name of its last member stands, quotes included.
    Object { key: (u64, u64) },
    /// An array; the index of its last element.
    Array { index: u64 },
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Value,
    FirstElement,
    FirstKey,
    Key,
    Colon,
    /// A comma, or the end of the container.
    Comma,
    /// Nothing, or another value.
    End,
    Text {
        is_key: bool,
        escape: Escape,
    },
    Word(&'static [u8]),
    Number(Number),
}

/// Where in an escape a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    /// So many hexadecimal digits are missing.
    Digits(u8),
}

/// Where in a number it is (RFC 8259, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Json {
    /// One value, or `many`.
    pub fn new(many: bool) -> Self {
        Self {
            pen: Pen::new(),
            next: Next::Value,
            open: Vec::new(),
            many,
            least_depth: 0,
            flaw: None,
            rest: None,
        }
    }

    /// The containers that are open, the innermost last.
    pub fn open(&self) -> &[Container] {
        &self.open
    }

    pub fn pen(&mut self) -> &mut Pen {
        &mut self.pen
    }

    /// Where it stops being JSON, as far as it came.
    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    /// Where it stops being JSON, if nothing follows.
    pub fn flaw_at_end(&self) -> Option<Flaw> {
        let is_whole = match self.next {
            Next::End => true,
            Next::Number(number) => self.open.is_empty() && number.is_whole(),
            // Between values, or before the first.
            Next::Value => self.many && self.open.is_empty(),
            _ => false,
        };
        let early = Flaw { at: self.pen.at, why: Why::TooEarly };
        self.flaw.or((!is_whole).then_some(early))
    }

    pub fn least_depth(&mut self) -> usize {
        std::mem::replace(&mut self.least_depth, self.open.len())
    }

    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut at = 0;
        while at < bytes.len() {
            if let Some(rest) = &mut self.rest {
                return rest.feed(&bytes[at..], sink);
            }
            at = match self.next {
                Next::Text { is_key, escape } => self.text(bytes, at, is_key, escape, sink),
                Next::Word(left) => self.word(bytes, at, left, sink),
                Next::Number(number) => self.number(bytes, at, number, sink),
                _ => self.token(bytes, at, sink),
            };
        }
    }

    /// White space, and the first byte of what comes after it.
    fn token(&mut self, bytes: &[u8], mut at: usize, sink: &mut impl Sink) -> usize {
        let from = at;
        // A record separator stands before each of a sequence (RFC 7464).
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t') || self.many && *byte == 0x1E;
        while bytes.get(at).is_some_and(is_space) {
            at += 1;
        }
        self.pen.skip(at - from);
        let Some(&byte) = bytes.get(at) else { return at };
        let depth = self.open.len();
        match (self.next, byte) {
            (Next::FirstElement, b']') | (Next::FirstKey, b'}') => self.close(byte, sink),
            (Next::Comma, b']' | b'}') if self.closes(byte) => {
                self.pen.start_row(depth - 1, sink);
                self.close(byte, sink);
            }
            (Next::Comma, b',') => {
                self.pen.write_sign(b",", sink);
                self.pen.start_row(depth, sink);
                self.next = match self.open.last_mut() {
                    Some(Container::Array { index }) => {
                        *index += 1;
                        Next::Value
                    }
                    _ => Next::Key,
                };
            }
            (Next::Colon, b':') => {
                self.pen.write_sign(b": ", sink);
                self.next = Next::Value;
            }
            (Next::FirstKey | Next::Key, b'"') => {
                if self.next == Next::FirstKey {
                    self.pen.start_row(depth, sink);
                }
                if let Some(Container::Object { key }) = self.open.last_mut() {
                    key.0 = self.pen.at;
                }
                self.pen.write(Part::Key, b"\"", sink);
                self.next = Next::Text { is_key: true, escape: Escape::None };
            }
            (Next::Value | Next::FirstElement | Next::End, _) if self.takes_value() => {
                return self.value(bytes, at, sink);
            }
            (next, _) => return self.give_up(at, next.name()),
        }
        at + 1
    }

    fn takes_value(&self) -> bool {
        self.next != Next::End || self.many
    }

    fn value(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) -> usize {
        let byte = bytes[at];
        let next = match byte {
            b'{' => Next::FirstKey,
            b'[' => Next::FirstElement,
            b'"' => Next::Text { is_key: false, escape: Escape::None },
            b't' => Next::Word(b"true"),
            b'f' => Next::Word(b"false"),
            b'n' => Next::Word(b"null"),
            b'-' => Next::Number(Number::Minus),
            b'0' => Next::Number(Number::Zero),
            b'1'..=b'9' => Next::Number(Number::Whole),
            _ => return self.give_up(at, self.next.name()),
        };
        if self.open.len() >= DEEPEST && matches!(byte, b'{' | b'[') {
            return self.give_up_because(at, Why::TooDeep);
        }
        if matches!(self.next, Next::FirstElement | Next::End) {
            self.pen.start_row(self.open.len(), sink);
        }
        self.next = next;
        match byte {
            b'{' => {
                self.pen.write_sign(b"{", sink);
                self.open.push(Container::Object { key: (0, 0) });
            }
            b'[' => {
                self.pen.write_sign(b"[", sink);
                self.open.push(Container::Array { index: 0 });
            }
            b'"' => self.pen.write(Part::String, b"\"", sink),
            b'-' | b'0'..=b'9' => self.pen.write(Part::Literal, &bytes[at..=at], sink),
            // A word is read from its first letter on.
            _ => return at,
        }
        at + 1
    }

    /// The rest of a string, or as much of it as is here.
    fn text(&mut self, bytes: &[u8], at: usize, is_key: bool, escape: Escape, sink: &mut impl Sink) -> usize {
        let part = if is_key { Part::Key } else { Part::String };
        let byte = bytes[at];
        let escape = match escape {
            Escape::None => {
                let end = memchr2(b'"', b'\\', &bytes[at..]).map_or(bytes.len(), |length| at + length);
                if bytes[at..end].iter().any(|&byte| byte < 0x20) {
                    let control = bytes[at..end].iter().position(|&byte| byte < 0x20).unwrap_or_default();
                    self.pen.write(part, &bytes[at..at + control], sink);
                    let expected = "an escape: a control character cannot stand in a string";
                    return self.give_up(at + control, expected);
                }
                self.pen.write(part, &bytes[at..end], sink);
                match bytes.get(end) {
                    None => return end,
                    Some(b'"') => {
                        self.pen.write(part, b"\"", sink);
                        self.text_is_over(is_key);
                        return end + 1;
                    }
                    Some(_) => {
                        self.pen.write(part, b"\\", sink);
                        self.next = Next::Text { is_key, escape: Escape::Begun };
                        return end + 1;
                    }
                }
            }
            Escape::Begun => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Escape::None,
                b'u' => Escape::Digits(4),
                _ => return self.give_up(at, "an escape such as \\n or \\u00e9"),
            },
            Escape::Digits(left) if byte.is_ascii_hexdigit() => match left {
                1 => Escape::None,
                left => Escape::Digits(left - 1),
            },
            Escape::Digits(_) => return self.give_up(at, "four hexadecimal digits after \\u"),
        };
        self.pen.write(part, &bytes[at..=at], sink);
        self.next = Next::Text { is_key, escape };
        at + 1
    }

    fn text_is_over(&mut self, is_key: bool) {
        if !is_key {
            return self.value_is_over();
        }
        if let Some(Container::Object { key }) = self.open.last_mut() {
            key.1 = self.pen.at;
        }
        self.next = Next::Colon;
    }

    fn word(&mut self, bytes: &[u8], at: usize, left: &'static [u8], sink: &mut impl Sink) -> usize {
        let here = left.iter().zip(&bytes[at..]).take_while(|(wanted, byte)| wanted == byte).count();
        self.pen.write(Part::Literal, &bytes[at..at + here], sink);
        let left = &left[here..];
        if left.is_empty() {
            self.value_is_over();
        } else if at + here < bytes.len() {
            return self.give_up(at + here, "true, false or null");
        } else {
            self.next = Next::Word(left);
        }
        at + here
    }

    fn number(&mut self, bytes: &[u8], at: usize, mut number: Number, sink: &mut impl Sink) -> usize {
        let mut end = at;
        while let Some(after) = bytes.get(end).and_then(|&byte| number.after(byte)) {
            number = after;
            end += 1;
        }
        self.pen.write(Part::Literal, &bytes[at..end], sink);
        self.next = Next::Number(number);
        if end < bytes.len() {
            if !number.is_whole() {
                return self.give_up(end, "a digit");
            }
            self.value_is_over();
        }
        end
    }

    fn value_is_over(&mut self) {
        self.next = if self.open.is_empty() { Next::End } else { Next::Comma };
    }

    fn closes(&self, byte: u8) -> bool {
        matches!(
            (self.open.last(), byte),
            (Some(Container::Object { .. }), b'}') | (Some(Container::Array { .. }), b']')
        )
    }

    fn close(&mut self, byte: u8, sink: &mut impl Sink) {
        self.pen.write_sign(if byte == b'}' { b"}" } else { b"]" }, sink);
        self.open.pop();
        self.least_depth = self.least_depth.min(self.open.len());
        sink.closed(self.open.len());
        self.value_is_over();
    }

    /// From here on it is no JSON.
    fn give_up(&mut self, at: usize, expected: &'static str) -> usize {
        self.give_up_because(at, Why::Expected(expected))
    }

    fn give_up_because(&mut self, at: usize, why: Why) -> usize {
        self.flaw = Some(Flaw { at: self.pen.at, why });
        self.least_depth = 0;
        self.pen.break_row();
        self.rest = Some(Raw::going_on(self.pen.clone()));
        at
    }
}

impl Next {
    fn name(self) -> &'static str {
        match self {
            Self::Value => "a value",
            Self::FirstElement => "a value, or ]",
            Self::FirstKey => "a name in quotes, or }",
            Self::Key => "a name in quotes",
            Self::Colon => "a colon",
            Self::Comma => "a comma, or the end of what is open",
            Self::End => "the end",
            Self::Text { .. } => "the end of the string",
            Self::Word(_) => "true, false or null",
            Self::Number(_) => "a digit",
        }
    }
}

impl Number {
    /// Where it is after this byte, if that belongs to it.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Zero | Self::Whole | Self::Fraction | Self::Exponent)
    }
}
