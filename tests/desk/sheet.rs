//! A contact sheet: what the window says, cut out of its pictures and set in columns.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use super::{Desk, Window, within_patience};

const FONTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fonts");
/// The window's own colours, in light.
const GROUND: &str = "#f5f5f1";
const INK: &str = "#1b1b1a";
const SOFT: &str = "#62625c";
/// The width of a tile and the space around it, in pixels of the display.
const TILE: usize = 888;
const SPACE: usize = 20;
/// The most room between a card's edge and its text.
const PADDING: usize = 28;
/// How high a tile's title and the line below it are, about.
const TITLE: usize = 90;

/// The tiles so far, by their numbers.
pub struct Sheet {
    folder: TempDir,
    heights: BTreeMap<usize, usize>,
}

impl Sheet {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), heights: BTreeMap::new() }
    }

    /// The numbers that are on it.
    pub fn numbers(&self) -> Vec<usize> {
        self.heights.keys().copied().collect()
    }

    /// Adds what the window says in the card with this headline, under a title and a line of how it came to it.
    pub async fn add(
        &mut self,
        desk: &Desk,
        window: &Window<'_>,
        (number, title, by): (usize, &str, &str),
        headline: &str,
    ) {
        // A card that has just come may still be on its way to its place.
        let found = within_patience(async || {
            let pixels = Pixels::read(desk.still().await);
            let place = window.place(headline).await;
            pixels.card(place).map(|card| (pixels, card))
        });
        let Some((pixels, [left, top, width, height])) = found.await else {
            panic!("there is no card around {headline:?}")
        };
        let card = self.folder.path().join("card.png");
        let cut = format!("{width}x{height}+{left}+{top}");
        desk.convert(&["ppm:-", "-crop", &cut, "+repage", card.to_str().unwrap()], &pixels.ppm);

        let (bold, plain) = (format!("{FONTS}/Inter-SemiBold.ttf"), format!("{FONTS}/Inter-Regular.ttf"));
        let (title, size) = (format!("{number}  {title}"), format!("{TILE}x"));
        let border = format!("{SPACE}x{SPACE}");
        #[rustfmt::skip]
        let arguments = [
            "-background", GROUND, "-size", &size,
            "-fill", INK, "-font", &bold, "-pointsize", "24", &format!("caption:{title}"),
            "-fill", SOFT, "-font", &plain, "-pointsize", "16", &format!("caption:{by}"),
            "-size", "1x8", &format!("xc:{GROUND}"), card.to_str().unwrap(),
            "-append", "-bordercolor", GROUND, "-border", &border, &self.tile(number),
        ];
        desk.convert(&arguments, &[]);
        self.heights.insert(number, height + TITLE);
    }

    /// Writes the sheet: `columns` of about the same height, read from top to bottom.
    pub fn write(&self, desk: &Desk, columns: usize, path: &Path) {
        let whole: usize = self.heights.values().sum();
        let mut set: Vec<Vec<String>> = vec![Vec::new(); columns];
        let mut above = 0;
        for (&number, height) in &self.heights {
            set[((above + height / 2) * columns / whole).min(columns - 1)].push(self.tile(number));
            above += height;
        }
        let mut arguments = vec!["-background", GROUND];
        for column in &set {
            arguments.push("(");
            arguments.extend(column.iter().map(String::as_str));
            arguments.extend(["-append", ")"]);
        }
        arguments.extend(["+append", "-strip", "-depth", "8", "+dither", "-colors", "128"]);
        arguments.extend(["-define", "png:compression-level=9", path.to_str().unwrap()]);
        desk.convert(&arguments, &[]);
    }

    fn tile(&self, number: usize) -> String {
        self.folder.path().join(format!("{number:02}.png")).to_str().unwrap().to_owned()
    }
}

/// The display as a PPM: a header of four words, then three bytes a pixel.
struct Pixels {
    ppm: Vec<u8>,
    start: usize,
    width: usize,
    height: usize,
}

impl Pixels {
    fn read(ppm: Vec<u8>) -> Self {
        let mut ends =
            ppm.iter().enumerate().filter(|(_, byte)| byte.is_ascii_whitespace()).map(|(at, _)| at);
        let start = ends.nth(3).unwrap() + 1;
        let header = str::from_utf8(&ppm[..start]).unwrap();
        let words: Vec<_> = header.split_ascii_whitespace().collect();
        let [width, height] = [words[1], words[2]].map(|word| word.parse().unwrap());
        assert_eq!((words[0], words[3]), ("P6", "255"));
        Self { ppm, start, width, height }
    }

    fn at(&self, x: usize, y: usize) -> Option<&[u8]> {
        let at = self.start + 3 * (y * self.width + x);
        self.ppm.get(at..at + 3)
    }

    /// The card that begins with the text at this place: its ground goes on in every direction, and ends near the text
    /// above and to the left.
    fn card(&self, [left, top, _, height]: [usize; 4]) -> Option<[usize; 4]> {
        let (x, y) = (left.checked_sub(6)?, top + height / 2);
        let ground = self.at(x, y)?;
        let row = |y: &usize| self.at(x, *y) == Some(ground);
        let above = (0..=y).rev().take_while(row).last()?;
        let below = (y..self.height).take_while(row).last()?;
        // Over the text, and under the rounding of the corners.
        let line = above + 5;
        let column = |x: &usize| self.at(*x, line) == Some(ground);
        let before = (0..=x).rev().take_while(column).last()?;
        let after = (x..self.width).take_while(column).last()?;
        let close = top.checked_sub(above)? <= PADDING && left.checked_sub(before)? <= PADDING;
        let (left, top) = (before.saturating_sub(4), above.saturating_sub(2));
        close.then(|| [left, top, (after + 5).min(self.width) - left, (below + 3).min(self.height) - top])
    }
}
