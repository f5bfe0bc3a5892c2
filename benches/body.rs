//! Bodies of 1, 10, 100 and 1000 MB in a real window: how soon there is something to read, how long all of it takes, what
//! a frame costs meanwhile and while one scrolls from end to end, and what it takes in memory.
//!
//! `cargo bench --bench body` on Linux with Xvfb. Each size has a process of its own, and the demo API another; the
//! yardstick is a bare reqwest that receives the same body and keeps nothing of it. A frame is what eframe takes from its
//! start to its end on the processor: layout, tessellation and painting, without the wait for the next one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench that cannot measure may stop, prints its figures, and receives without the app"
)]

#[path = "support/screen.rs"]
mod screen;
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Context, Event, Key, Modifiers, PointerButton, Pos2, RawInput, Ui, Vec2, ViewportCommand};
use hallpass::app::App;
use hallpass::app::state::{Call, Viewer};
use hallpass::app::tasks::World;
use hallpass::body::View;
use hallpass::config::{DEMO, Loaded, Profile};
use hallpass::demo::person::{self, Choice};
use hallpass::demo::{self, Options};
use hallpass::store::{Memory, Store};
use screen::Screen;
use support::Row;
use tokio::runtime::Runtime;
use url::Url;

/// In millions of bytes.
const SIZES: [u64; 4] = [1, 10, 100, 1000];
/// The longest that a frame may take: sixty a second.
const FRAME: Duration = Duration::from_millis(16);
/// How many frames one scrolls through from end to end.
const SCROLLED: usize = 300;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["serve", ..] => serve(),
        ["view", mb, issuer, api, ..] => view(mb.parse().unwrap(), issuer, api),
        _ => measure(),
    }
}

fn measure() {
    let screen = Screen::new();
    let this = std::env::current_exe().unwrap();
    let mut server = Command::new(&this).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
    let (issuer, api) = address.trim().split_once(' ').unwrap();
    for mb in SIZES {
        let bare = Runtime::new().unwrap().block_on(receive(&format!("{api}api/large?mb={mb}")));
        let mut command = screen.command(&this);
        let output = command.args(["view", &mb.to_string(), issuer, api]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print(mb, &String::from_utf8(output.stdout).unwrap(), bare);
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Rows of what a window found: figures in nanoseconds and bytes; of frames their median, the worst, and how many were late.
fn print(mb: u64, figures: &str, bare: Duration) {
    let figures: Vec<u64> = figures.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    let [first, whole, before, peak, ref frames @ ..] = figures[..] else { panic!("{figures:?}") };
    let [first, whole] = [first, whole].map(Duration::from_nanos);
    let [idle, loading, scrolling] = [0, 1, 2].map(|at| {
        let [median, worst] = [frames[3 * at], frames[3 * at + 1]].map(Duration::from_nanos);
        (median, worst, frames[3 * at + 2])
    });
    let what = |what: &str| format!("{mb} MB of JSON: {what}");
    Row::new(what("from the call to its first rows"), format!("{first:.1?}"))
        .within("≤ 1 s", first <= Duration::from_secs(1))
        .print();
    Row::time(what("from the call to all of it laid out"), whole, "received by bare reqwest", bare).print();
    for (when, (median, worst, late)) in
        [("while it comes", loading), ("scrolling from end to end", scrolling)]
    {
        let what = |which: &str| what(&format!("{which} frame {when}"));
        let yardstick = "of the screen before the call";
        Row::time(what("median"), median, yardstick, idle.0).print();
        let worst_row = Row::time(what("worst"), worst, yardstick, idle.1);
        worst_row.within(format!("≤ 16 ms ({late} over it; {} before)", idle.2), worst <= FRAME).print();
    }
    let most = if mb == 1000 { 300_000_000 } else { 3 * mb * 1_000_000 };
    let more = peak.saturating_sub(before);
    let name = format!("{} MB before the call", before / 1_000_000);
    let row = Row::new(what("most memory held"), format!("{:.0} MB", peak as f64 / 1e6));
    let row = row.against("the window", name, peak as f64 / before as f64);
    match mb {
        1000 => row.within("≤ 300 MB in all", peak <= most),
        100 => row.within("≤ 3 × the body more", more <= most),
        _ => row,
    }
    .print();
}

/// Receives the body and keeps nothing of it; how long that took.
async fn receive(url: &str) -> Duration {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    let mut response = client.get(url).send().await.unwrap();
    while response.chunk().await.unwrap().is_some() {}
    start.elapsed()
}

/// The demo provider and API, until the process is ended.
fn serve() {
    let home = tempfile::tempdir().unwrap();
    Runtime::new().unwrap().block_on(async {
        let demo = demo::start(Options { ports: [0, 0], ..Options::new(home.path()) }).await.unwrap();
        println!("{} {}", demo.issuer, demo.api);
        std::future::pending::<()>().await;
    });
}

/// Hallpass in a window, and somebody who logs in, calls the API, and scrolls through the body.
fn view(mb: u64, issuer: &str, api: &str) {
    let runtime = Runtime::new().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut profile = Profile::demo(issuer, demo::CLIENT_ID, demo::AUDIENCE, &Url::parse(api).unwrap());
    profile.requests.truncate(1);
    profile.requests[0].url = format!("/api/large?mb={mb}");
    let (started, browser) = (profile.clone(), runtime.handle().clone());
    let world = World {
        runtime: runtime.handle().clone(),
        store: Store::over(Memory::default(), home.path().join("locks")),
        open: Arc::new(move |link| {
            let link = link.to_string();
            browser.spawn(async move { person::visit(&link, Choice::Alice).await });
            Ok(())
        }),
        start_demo: Box::new(|| Box::pin(async { Ok(started) })),
        faults: Vec::new(),
        turn_fault: Arc::new(|_| Box::pin(async { Ok(None) })),
    };
    let (profiles, problems) = (Vec::new(), Vec::new());
    let loaded = Loaded { profiles, start: DEMO.to_owned(), overridden: false, problems, file: None };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]),
        renderer: eframe::Renderer::Glow,
        ..Default::default()
    };
    eframe::run_native(
        "body",
        options,
        Box::new(|creation| {
            let app = App::new(&creation.egui_ctx, profile, loaded, world);
            Ok(Box::new(Watched {
                app,
                at: At::Start,
                frames: Frames::default(),
                called: Instant::now(),
                before: 0,
            }))
        }),
    )
    .unwrap();
}

/// The app, with somebody who uses it and a clock.
struct Watched {
    app: App,
    at: At,
    frames: Frames,
    called: Instant,
    before: u64,
}

/// How far the person is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    LoggingIn,
    Idle(usize),
    Calling,
    Reading,
    Scrolling(usize),
    Done,
    Closing,
}

#[derive(Default)]
struct Frames {
    first: Duration,
    whole: Duration,
    idle: Vec<Duration>,
    loading: Vec<Duration>,
    scrolling: Vec<Duration>,
}

impl eframe::App for Watched {
    fn raw_input_hook(&mut self, _: &Context, input: &mut RawInput) {
        let state = self.app.state();
        match self.at {
            At::Start if state.can_log_in() => {
                press(input, Key::L);
                self.at = At::LoggingIn;
            }
            At::LoggingIn if state.session.as_ref().is_some_and(|session| session.kept.is_some()) => {
                self.at = At::Idle(0);
            }
            // The screen as it is, with a pointer that moves: what a frame takes here anyway.
            At::Idle(frame) if frame < SCROLLED => {
                input.events.push(Event::PointerMoved(Pos2::new(400.0 + frame as f32, 600.0)));
                self.at = At::Idle(frame + 1);
            }
            At::Idle(_) => {
                self.before = memory("VmRSS");
                press(input, Key::Enter);
                (self.called, self.at) = (Instant::now(), At::Calling);
            }
            At::Reading if matches!(state.call, Call::Ended { .. }) => {
                self.frames.whole = self.called.elapsed();
                self.at = At::Scrolling(0);
            }
            At::Scrolling(frame) => {
                self.at = if frame < 2 * SCROLLED {
                    scroll(input, frame);
                    At::Scrolling(frame + 1)
                } else {
                    At::Done
                };
            }
            _ => {}
        }
    }

    fn logic(&mut self, context: &Context, frame: &mut eframe::Frame) {
        self.app.logic(context, frame);
        let rows = |viewer: &Viewer| viewer.row(viewer.shown.row).is_some();
        if self.at == At::Calling && self.app.state().viewer.as_ref().is_some_and(rows) {
            self.at = At::Reading;
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let took = frame.info().cpu_usage.map(Duration::from_secs_f32).unwrap_or_default();
        match self.at {
            At::Idle(_) => self.frames.idle.push(took),
            At::Reading => {
                if self.frames.first.is_zero() {
                    self.frames.first = self.called.elapsed();
                }
                self.frames.loading.push(took);
            }
            At::Scrolling(frame) => {
                self.frames.scrolling.push(took);
                let viewer = self.app.state().viewer.as_ref().unwrap();
                assert_eq!(viewer.view, View::Pretty);
                let rows = viewer.seen();
                // What is not there costs nothing to draw, and is none of what is measured.
                assert!(viewer.row(viewer.shown.row).is_some(), "nothing is shown at {:?}", viewer.shown);
                assert!(
                    frame != SCROLLED || rows < 200 || viewer.top.row > rows / 2,
                    "{:?} of {rows}",
                    viewer.top
                );
            }
            At::Done => {
                self.tell();
                self.at = At::Closing;
                ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            }
            _ => {}
        }
        self.app.ui(ui, frame);
        ui.ctx().request_repaint_after(FRAME);
    }
}

impl Watched {
    fn tell(&mut self) {
        let Frames { first, whole, idle, loading, scrolling } = &mut self.frames;
        print!("{} {} {} {}", first.as_nanos(), whole.as_nanos(), self.before, memory("VmHWM"));
        for frames in [idle, loading, scrolling] {
            frames.sort_unstable();
            let late = frames.iter().filter(|frame| **frame > FRAME).count();
            let worst = frames.last().copied().unwrap_or_default();
            let median = frames.get(frames.len() / 2).copied().unwrap_or_default();
            print!(" {} {} {late}", median.as_nanos(), worst.as_nanos());
        }
        println!();
    }
}

fn press(input: &mut RawInput, key: Key) {
    for pressed in [true, false] {
        let modifiers = Modifiers::COMMAND;
        input.events.push(Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
    }
}

/// First the handle of the scroll bar from top to bottom, then the wheel back up.
fn scroll(input: &mut RawInput, frame: usize) {
    let bar = |part: f32| Pos2::new(901.0, 415.0 + 330.0 * part);
    if frame < SCROLLED {
        let part = frame as f32 / (SCROLLED - 1) as f32;
        input.events.push(Event::PointerMoved(bar(part)));
        if frame == 0 || frame + 1 == SCROLLED {
            let (button, pressed, modifiers) = (PointerButton::Primary, frame == 0, Modifiers::NONE);
            input.events.push(Event::PointerButton { pos: bar(part), button, pressed, modifiers });
        }
        return;
    }
    input.events.push(Event::PointerMoved(Pos2::new(500.0, 600.0)));
    let (unit, source) = (egui::MouseWheelUnit::Point, egui::MouseWheelSource::Wheel);
    let (delta, phase, modifiers) = (Vec2::new(0.0, 900.0), egui::TouchPhase::Move, Modifiers::NONE);
    input.events.push(Event::MouseWheel { unit, delta, phase, source, modifiers });
}

/// What this process holds in memory, in bytes, by the name that the system gives it.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
