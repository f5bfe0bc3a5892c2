//! What a frame costs the processor with 10,000 entries in the timeline, against one with a few, in the same run.
//!
//! `cargo bench --bench timeline`: the real app without a screen. A frame is its layout and its tessellation; what the
//! graphics card does with the triangles is not in it. It takes about two minutes, most of them for the calls that make
//! the entries.

#[path = "../tests/support/mod.rs"]
mod far_side;
mod support;

use std::time::{Duration, Instant};

use egui::{Event, MouseWheelUnit, Pos2, Vec2};
use far_side::window::{Computer, Person, Window};
use hallpass::app::state::Call;
use hallpass::demo::person::Choice;
use support::Row;

const ENTRIES: usize = 10_000;
const FRAMES: usize = 200;

fn main() {
    let mut window = Computer::of(Person::who(Choice::Alice)).start();
    window.log_in_as("Alice Adams");
    window.press("Public");
    window.press("Call API");
    window.is_answered("200 OK");
    window.harness.run();
    let [few_scrolling, few_closed] = measured(&mut window);
    while window.state().history.entries().len() < ENTRIES {
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
        window.harness.step();
        window.until("the answer", |window| matches!(window.state().call, Call::Ended { .. }));
    }
    let [many_scrolling, many_closed] = measured(&mut window);
    for (name, few, many) in
        [("scrolling", few_scrolling, many_scrolling), ("closed", few_closed, many_closed)]
    {
        let what = format!("frame with {ENTRIES} entries in the timeline, {name}");
        Row::time(format!("{what}: median"), many[0], "with a few", few[0]).print();
        let held = many[1] <= Duration::from_millis(16);
        Row::new(format!("{what}: worst"), format!("{:.1?}", many[1])).within("≤ 16 ms", held).print();
    }
}

/// Median and worst frame, scrolling through the timeline and with it closed.
fn measured(window: &mut Window) -> [[Duration; 2]; 2] {
    let over_it = Pos2::new(1100.0, 400.0);
    window.harness.event(Event::PointerMoved(over_it));
    let mut up = true;
    let scrolling = frames(window, |window, frame| {
        if frame % 50 == 0 {
            up = !up;
        }
        let delta = Vec2::new(0.0, if up { -2_000.0 } else { 2_000.0 });
        let modifiers = egui::Modifiers::NONE;
        let phase = egui::TouchPhase::Move;
        let (unit, source) = (MouseWheelUnit::Point, egui::MouseWheelSource::Wheel);
        window.harness.event(Event::MouseWheel { unit, delta, phase, source, modifiers });
    });
    window.press("Timeline");
    window.harness.run();
    let closed = frames(window, |window, frame| {
        window.harness.event(Event::PointerMoved(Pos2::new(300.0 + (frame % 100) as f32, 500.0)));
    });
    window.press("Timeline");
    window.harness.run();
    [scrolling, closed]
}

fn frames(window: &mut Window, mut act: impl FnMut(&mut Window, usize)) -> [Duration; 2] {
    let mut times: Vec<_> = (0..FRAMES)
        .map(|frame| {
            act(window, frame);
            let start = Instant::now();
            window.harness.step();
            let laid_out = start.elapsed();
            let shapes = window.harness.output().shapes.clone();
            let start = Instant::now();
            let triangles = window.harness.ctx.tessellate(shapes, 1.0);
            std::hint::black_box(triangles);
            laid_out + start.elapsed()
        })
        .collect();
    times.sort_unstable();
    [times[FRAMES / 2], times[FRAMES - 1]]
}
