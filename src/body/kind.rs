//! What a body is, by its headers and its beginning.

use encoding_rs::{Encoding, UTF_8};
use oauth2::http::{HeaderMap, header};

use super::layout::MARK;

/// How many bytes are waited for, at the most, before it is said what a body is.
const MOST_HELD: usize = 1 << 10;

/// What a body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    #[default]
    Empty,
    /// JSON, or said to be.
    Json,
    /// Other text.
    Text,
    /// A picture.
    Image,
    /// No text.
    Binary,
}

impl Kind {
    /// What a file of this kind ends in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Empty | Self::Text => "txt",
            Self::Image => "img",
            Self::Binary => "bin",
        }
    }
}

/// What the headers say of a body.
#[derive(Clone, Debug)]
pub(super) struct Said {
    essence: String,
    charset: Option<&'static Encoding>,
}

impl Said {
    pub fn read(headers: &HeaderMap) -> Self {
        let said =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (essence, parameters) = said.split_once(';').unwrap_or((said, ""));
        let charset = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            name.eq_ignore_ascii_case("charset").then_some(value)
        });
        let charset = charset.and_then(|label| Encoding::for_label(label.trim_matches('"').as_bytes()));
        Self { essence: essence.trim().to_ascii_lowercase(), charset }
    }

    /// Whether it is said to be JSON.
    pub fn is_json(&self) -> bool {
        ["application/json", "text/json"].contains(&&*self.essence)
            || self.essence.ends_with("+json")
            || self.is_many()
    }

    /// Whether it is one JSON text after the other.
    pub fn is_many(&self) -> bool {
        ["ndjson", "jsonl", "json-lines", "jsonlines", "json-seq"].iter().any(|name| {
            self.essence
                .strip_prefix("application/")
                .is_some_and(|kind| kind.trim_start_matches("x-") == *name)
        })
    }

    /// The charset: what its first bytes mark, else what is said, else UTF-8 (RFC 8259, section 8.1).
    pub fn encoding(&self, beginning: &[u8]) -> &'static Encoding {
        Encoding::for_bom(beginning).map(|(encoding, _)| encoding).or(self.charset).unwrap_or(UTF_8)
    }

    /// What a body that begins like this is.
    pub fn kind(&self, beginning: &[u8], is_utf_8: bool) -> Kind {
        let is_media =
            ["image/", "audio/", "video/", "font/"].iter().any(|kind| self.essence.starts_with(kind));
        let looks_json = (self.essence.is_empty() || self.essence == "text/plain")
            && text_of(beginning).first().is_some_and(|byte| b"{[".contains(byte));
        if beginning.is_empty() {
            Kind::Empty
        } else if image::guess_format(beginning).is_ok_and(is_shown) {
            Kind::Image
        } else if self.is_json() || looks_json {
            Kind::Json
        } else if is_media && self.essence != "image/svg+xml" || is_utf_8 && beginning.contains(&0) {
            Kind::Binary
        } else {
            Kind::Text
        }
    }
}

/// Whether the beginning of a body is enough to tell what it is.
pub(super) fn tells(beginning: &[u8]) -> bool {
    beginning.len() > MOST_HELD || beginning.len() >= 4 && !text_of(beginning).is_empty()
}

/// What comes after a mark and white space.
fn text_of(beginning: &[u8]) -> &[u8] {
    beginning.strip_prefix(MARK).unwrap_or(beginning).trim_ascii_start()
}

/// The formats that a picture can be shown of.
fn is_shown(format: image::ImageFormat) -> bool {
    format.reading_enabled()
}
