//! The mask of the presentation: whatever leaves the window, for the screen, a screen reader or the clipboard, passes
//! here last, so that no view can forget it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use egui::epaint::text::ByteIndex;
use egui::epaint::{ClippedShape, TextShape};
use egui::text::{LayoutJob, LayoutSection};
use egui::{Context, FullOutput, OutputCommand, Plugin, Shape, accesskit};

use crate::auth::claims;
use crate::redaction::{self, As};
use crate::spelling::Meaning;

/// What stands in the place of a hidden character.
const DOT: char = '•';
/// The shortest word that is hidden within others: shorter ones stand in too many.
const SHORTEST: usize = 3;
/// The shortest piece of a hidden word that is hidden: shorter ones are words of their own.
const PIECE: usize = 16;

/// What is hidden while somebody presents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    words: BTreeSet<String>,
}

impl Hidden {
    /// Hides these words wherever they stand, however they are spelled; and whatever is named like a secret or like
    /// something personal, or looks like a token or an e-mail address.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(|word| Meaning::of(word.trim()).into_word());
        // A number of a digit or two is anybody's.
        let tells = |word: &String| !is_short(word) || word.chars().all(char::is_alphabetic);
        Self { words: words.filter(|word| !word.is_empty() && tells(word)).collect() }
    }

    /// `text` with what is hidden replaced, character by character.
    fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut ranges = self.find(text);
        if ranges.is_empty() {
            return text.into();
        }
        ranges.sort_by_key(|range| range.start);
        let (mut ranges, mut until) = (ranges.into_iter().peekable(), 0);
        let masked = text.char_indices().map(|(at, c)| {
            while let Some(range) = ranges.next_if(|range| range.start <= at) {
                until = range.end.max(until);
            }
            if at < until && !c.is_whitespace() { DOT } else { c }
        });
        masked.collect()
    }

    /// Where in `text` something is hidden.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let meaning = Meaning::of(text);
        let is_long = meaning.text.trim().len() >= PIECE;
        if is_long && self.words.iter().any(|word| meaning.is_piece_of(word)) {
            return std::iter::once(0..text.len()).collect();
        }
        let words = self.words.iter().flat_map(|word| meaning.find(word, is_short(word)));
        let named = redaction::find_named(text, As::Text, &is_hidden).into_iter().map(|found| found.at);
        // A list that goes on in other lines.
        let named = named.filter(|at| !matches!(text[at.clone()].trim(), "[" | "{"));
        words.chain(named).chain(shapes(&meaning)).collect()
    }
}

fn is_short(word: &str) -> bool {
    word.chars().count() < SHORTEST
}

fn is_hidden(name: &str) -> bool {
    redaction::is_secret(name) || claims::is_personal(&redaction::snake(name))
}

/// What looks like an e-mail address or a token, whole or not.
fn shapes(meaning: &Meaning) -> impl Iterator<Item = Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || "._%+-@".contains(c);
    let mut start = 0;
    meaning.text.split(move |c| !is_part(c)).filter_map(move |piece| {
        let at = start..start + piece.len();
        start = at.end + meaning.text[at.end..].chars().next().map_or(0, char::len_utf8);
        let is_address =
            piece.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
        let is_token = piece.starts_with("eyj") && piece.len() > 20;
        (is_address || is_token).then(|| meaning.written(at))
    })
}

/// Shares the mask with the window, which says what is hidden; `None` while nobody presents.
#[derive(Clone, Default)]
pub struct Mask(Arc<Mutex<Current>>);

#[derive(Default)]
struct Current {
    hidden: Option<Hidden>,
    /// How many texts were hidden in the last frame: their dots may be new to the font's texture.
    count: usize,
    /// A copy that the person confirmed.
    confirmed: Option<String>,
}

impl Mask {
    /// Hides this from now on.
    pub fn set(&self, hidden: Option<Hidden>) {
        self.current().hidden = hidden;
    }

    /// The person knows what is copied: it passes once.
    pub fn confirm(&self, copy: &str) {
        self.current().confirmed = Some(copy.to_owned());
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugin for Mask {
    fn debug_name(&self) -> &'static str {
        "mask"
    }

    fn output_hook(&mut self, context: &Context, output: &mut FullOutput) {
        let mut current = self.current();
        let confirmed = current.confirmed.take();
        let Some(hidden) = &current.hidden else { return };
        let mut count = 0;
        for ClippedShape { shape, .. } in &mut output.shapes {
            cover(shape, hidden, context, &mut count);
        }
        for command in &mut output.platform_output.commands {
            if let OutputCommand::CopyText(text) = command
                && Some(&*text) != confirmed.as_ref()
            {
                *text = hidden.mask(text).into_owned();
            }
        }
        if let Some(update) = &mut output.platform_output.accesskit_update {
            silence_runs(&mut update.nodes, hidden);
            update.nodes.iter_mut().for_each(|(_, node)| silence(node, hidden));
        }
        if count != current.count {
            current.count = count;
            context.request_repaint();
        }
    }
}

/// Lays the texts of a shape out anew where something in them is hidden.
fn cover(shape: &mut Shape, hidden: &Hidden, context: &Context, count: &mut usize) {
    match shape {
        Shape::Vec(shapes) => shapes.iter_mut().for_each(|shape| cover(shape, hidden, context, count)),
        Shape::Text(TextShape { galley, .. }) => {
            if let Cow::Owned(masked) = hidden.mask(galley.text()) {
                *count += 1;
                let job = replaced(&galley.job, masked);
                *galley = context.fonts_mut(|fonts| fonts.layout_job(job));
            }
        }
        _ => {}
    }
}

/// The job with another text of as many characters.
fn replaced(job: &LayoutJob, text: String) -> LayoutJob {
    // Characters stay in their places, their bytes do not.
    let moved = |at: usize| {
        let characters = job.text[..at.min(job.text.len())].chars().count();
        text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
    };
    let sections = job.sections.iter().map(|section| {
        let range = ByteIndex(moved(section.byte_range.start.0))..ByteIndex(moved(section.byte_range.end.0));
        LayoutSection { byte_range: range, ..section.clone() }
    });
    let sections = sections.collect();
    LayoutJob { sections, text, ..job.clone() }
}

/// What is wrapped in a field is read out row by row: each says its part of the whole text's mask.
fn silence_runs(nodes: &mut [(accesskit::NodeId, accesskit::Node)], hidden: &Hidden) {
    let places: HashMap<_, _> = nodes.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    for place in 0..nodes.len() {
        let children = nodes[place].1.children().iter().filter_map(|child| places.get(child).copied());
        let runs: Vec<_> = children.filter(|run| nodes[*run].1.role() == accesskit::Role::TextRun).collect();
        let value = |run: &usize| nodes[*run].1.value().unwrap_or_default();
        let whole: String = runs.iter().map(value).collect();
        let Cow::Owned(masked) = hidden.mask(&whole) else { continue };
        let mut rest = masked.chars();
        for run in runs {
            let node = &mut nodes[run].1;
            let length = node.value().map_or(0, |value| value.chars().count());
            say(node, rest.by_ref().take(length).collect());
        }
    }
}

/// Has `node` say another value of as many characters.
fn say(node: &mut accesskit::Node, value: String) {
    // Each dot is longer than what it hides.
    if !node.character_lengths().is_empty() {
        let lengths = value.chars().map(|c| u8::try_from(c.len_utf8()).unwrap_or(1));
        node.set_character_lengths(lengths.collect::<Vec<_>>());
    }
    node.set_value(value);
}

fn silence(node: &mut accesskit::Node, hidden: &Hidden) {
    let masked = |text: Option<&str>| match hidden.mask(text?) {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    };
    if let Some(label) = masked(node.label()) {
        node.set_label(label);
    }
    if let Some(value) = masked(node.value()) {
        say(node, value);
    }
    if let Some(description) = masked(node.description()) {
        node.set_description(description);
    }
    if let Some(placeholder) = masked(node.placeholder()) {
        node.set_placeholder(placeholder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_tokens_are_hidden_wherever_they_stand() {
        let hidden = Hidden::new(["Alice Adams", "auth0|42", "al"]);
        for (text, masked) in [
            ("alice adams is here", "••••• ••••• is here"),
            ("\"sub\": \"auth0|42\"", "\"sub\": \"••••••••\""),
            ("write to a.b+c@example.com, please", "write to •••••••••••••••••, please"),
            ("eyJhbGciOiJSUzI1NiJ9.e30.x", "••••••••••••••••••••••••••"),
            ("nothing personal", "nothing personal"),
            ("é alice adams", "é ••••• •••••"),
            ("İ alice adams", "İ ••••• •••••"),
            ("AL also calls Alan", "•• also calls Alan"),
            ("?who=al&x=Alice+Adams&y=alice%20adams", "?who=••&x=•••••••••••&y=•••••••••••••"),
            ("a%2Bb%40example.com", "•••••••••••••••••••"),
        ] {
            assert_eq!(hidden.mask(text), masked);
        }
        assert_eq!(
            Hidden::new(["Zoë", "7", "é"]).mask(r"zo\u00eb, Zo%C3%AB, 7, \u00e9"),
            "••••••••, ••••••••, 7, ••••••"
        );
    }

    #[test]
    fn what_has_a_name_of_something_secret_or_personal_is_hidden() {
        let hidden = Hidden::default();
        for (text, masked) in [
            (r#"  "email": "x at y","#, r#"  "email": "• •• •","#),
            (r#"  "api_key": "123","#, r#"  "api_key": "•••","#),
            (r#""firstName": "Al", "id": "Al""#, r#""firstName": "••", "id": "Al""#),
            (
                "X-Api-Key: 123\nAuthorization: Bearer abc\nAccept: a/b",
                "X-Api-Key: •••\nAuthorization: Bearer •••\nAccept: a/b",
            ),
            (
                "{\n  \"user\": \"x\",\n  \"password\": \"p w\"\n}",
                "{\n  \"user\": \"x\",\n  \"password\": \"• •\"\n}",
            ),
            ("http://me:pw@h/?access_token=abc&page=2", "http://•••••@h/?access_token=•••&page=2"),
            (r#"  "tokens": ["#, r#"  "tokens": ["#),
        ] {
            assert_eq!(hidden.mask(text), masked);
        }
    }

    #[test]
    fn a_line_of_a_long_word_is_hidden() {
        let word = "0123456789".repeat(5);
        assert_eq!(Hidden::new([word.as_str()]).mask(&word[3..33]), "•".repeat(30));
    }
}
