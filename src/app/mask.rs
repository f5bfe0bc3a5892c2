//! The mask of the presentation: whatever leaves the window, for the screen, a screen reader or the clipboard, passes
//! here last, so that no view can forget it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use egui::epaint::text::ByteIndex;
use egui::epaint::{ClippedShape, TextShape};
use egui::text::{LayoutJob, LayoutSection};
use egui::{Context, FullOutput, OutputCommand, Plugin, Shape, accesskit};

/// What stands in the place of a hidden character.
const DOT: char = '•';
/// The shortest word that is hidden: shorter ones stand in too many others.
const SHORTEST: usize = 3;

/// What is hidden while somebody presents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    words: BTreeSet<String>,
}

impl Hidden {
    /// Hides these words wherever they stand, in any case; and whatever looks like a token or an e-mail address.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(str::trim).filter(|word| word.chars().count() >= SHORTEST);
        Self { words: words.map(str::to_lowercase).collect() }
    }

    /// `text` with what is hidden replaced, character by character.
    fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let ranges = self.find(text);
        if ranges.is_empty() {
            return text.into();
        }
        let is_hidden = |at| ranges.iter().any(|range| range.contains(&at));
        text.char_indices().map(|(at, c)| if is_hidden(at) && !c.is_whitespace() { DOT } else { c }).collect()
    }

    /// Where in `text` something is hidden.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let lower = text.to_lowercase();
        // Where lower case has other lengths, positions would not fit: rather hide too much.
        let fits = lower.len() == text.len();
        for word in &self.words {
            if fits {
                found.extend(lower.match_indices(word.as_str()).map(|(at, word)| at..at + word.len()));
            } else if lower.contains(word.as_str()) {
                found.push(0..text.len());
            }
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
        let mut start = 0;
        for piece in text.split(|c| !is_part(c)) {
            let at = start..start + piece.len();
            let is_address =
                piece.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
            let is_token = piece.starts_with("eyJ") && piece.len() > 20;
            if is_address || is_token {
                found.push(at.clone());
            }
            start = at.end + text[at.end..].chars().next().map_or(0, char::len_utf8);
        }
        found
    }
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

fn silence(node: &mut accesskit::Node, hidden: &Hidden) {
    let masked = |text: Option<&str>| match hidden.mask(text?) {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    };
    if let Some(label) = masked(node.label()) {
        node.set_label(label);
    }
    if let Some(value) = masked(node.value()) {
        // Each dot is longer than what it hides.
        if !node.character_lengths().is_empty() {
            node.set_character_lengths(
                value.chars().map(|c| u8::try_from(c.len_utf8()).unwrap_or(1)).collect::<Vec<_>>(),
            );
        }
        node.set_value(value);
    }
    if let Some(description) = masked(node.description()) {
        node.set_description(description);
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
        ] {
            assert_eq!(hidden.mask(text), masked);
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_hidden_whole() {
        assert_eq!(Hidden::new(["alice"]).mask("İ alice"), "• •••••");
    }
}
