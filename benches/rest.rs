//! A window at rest, before the login and after a call: frames, processor, and memory against a bare window's.
//!
//! `cargo bench --bench rest` on Linux with Xvfb. It takes two minutes, most of them for watching nothing happen.
#![expect(clippy::unwrap_used, reason = "a bench that cannot measure may stop")]

#[path = "support/screen.rs"]
mod screen;
mod support;

use std::time::Duration;

use hallpass::demo::person::{self, Choice};
use screen::{Rest, Screen, pause};
use support::{Row, bare};

/// How long it is watched.
const SPAN: Duration = Duration::from_secs(30);
/// How long it has to come to rest: tooltips, notices and steps are shown for a moment.
const SETTLING: Duration = Duration::from_secs(8);

/// X key symbols.
const ONE: u32 = 0x31;
const L: u32 = 0x6c;
const ENTER: u32 = 0xff0d;

fn main() {
    let screen = Screen::new();
    let bare = {
        let window = screen.show(&bare());
        pause(SETTLING);
        window.rest(Duration::from_secs(1)).memory
    };
    let window = screen.show(env!("CARGO_BIN_EXE_hallpass").as_ref());
    pause(SETTLING);
    at_rest("Login screen", &window.rest(SPAN), bare);
    window.press_with_control(L);
    let link = screen.opened();
    tokio::runtime::Runtime::new().unwrap().block_on(person::visit(&link, Choice::Alice)).unwrap();
    pause(SETTLING);
    window.press_with_control(ONE);
    window.press_with_control(ENTER);
    pause(SETTLING);
    at_rest("API screen", &window.rest(SPAN), bare);
}

fn at_rest(screen: &str, rest: &Rest, bare: u64) {
    let Rest { frames, processor, memory } = rest;
    let seconds = SPAN.as_secs();
    // The token's time left is said in whole minutes, until its last.
    Row::new(format!("{screen} at rest: frames in {seconds} s"), frames.to_string())
        .within("none unless a visible value changes: ≤ 1", *frames <= 1)
        .print();
    let share = processor.as_secs_f64() / SPAN.as_secs_f64() * 100.0;
    Row::new(format!("{screen} at rest: processor"), format!("{share:.3} %"))
        .within("≤ 0.1 %", share <= 0.1)
        .print();
    let [mb, bare_mb] = [*memory, bare].map(|bytes| bytes as f64 / 1e6);
    Row::new(format!("{screen} at rest: memory"), format!("{mb:.1} MB"))
        .against("bare window", format!("{bare_mb:.1} MB"), mb / bare_mb)
        .within("≤ + 20 MB", mb <= bare_mb + 20.0)
        .print();
}
