//! Time to the first frame, against a bare eframe window with one button.
//!
//! `cargo bench --bench first_frame` on Linux with Xvfb: from starting the process until the window is mapped.
#[path = "support/screen.rs"]
mod screen;
mod support;

use screen::Screen;
use support::{Row, bare, median};

/// How often each window is opened, one after the other.
const RUNS: usize = 20;

fn main() {
    let (screen, bare) = (Screen::new(), bare());
    let (mut yardstick, mut figure) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        yardstick.push(screen.show(&bare).first_frame);
        figure.push(screen.show(env!("CARGO_BIN_EXE_hallpass").as_ref()).first_frame);
    }
    // The first run of each warms the caches of the disk.
    let (yardstick, figure) = (median(&mut yardstick[1..]), median(&mut figure[1..]));
    Row::time("first frame, median", figure, "bare window", yardstick).at_most(1.15).print();
}
