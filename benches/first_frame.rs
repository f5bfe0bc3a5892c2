//! Time to the first frame, against a bare eframe window with one button, in the same run.
//!
//! `cargo bench --bench first_frame` on Linux with Xvfb. A window of eframe is mapped once its first frame is
//! painted, so the time is that from starting the process to the X server's `MapNotify`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot measure may stop, and prints its figures"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask};

/// How often each window is opened.
const RUNS: usize = 20;

fn main() {
    if std::env::args().any(|argument| argument == "bare") {
        return bare_window();
    }
    let (mut server, display) = start_x();
    let home = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let run = |program: &std::path::Path, argument: Option<&str>| {
        let mut command = Command::new(program);
        command
            .args(argument)
            .env("DISPLAY", &display)
            .env("HOME", home.path())
            .env_remove("WAYLAND_DISPLAY");
        command.env("XDG_RUNTIME_DIR", home.path()).env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        first_frame(command.env("LIBGL_ALWAYS_SOFTWARE", "1").stderr(Stdio::null()), &display)
    };
    let (mut bare, mut hallpass) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        bare.push(run(&this, Some("bare")));
        hallpass.push(run(env!("CARGO_BIN_EXE_hallpass").as_ref(), None));
    }
    server.kill().unwrap();
    // The first run of each warms the caches of the disk.
    let (bare, hallpass) = (median(&mut bare[1..]), median(&mut hallpass[1..]));
    println!("first frame, median of {RUNS}: bare window {bare:.1?}, Hallpass {hallpass:.1?}");
    println!("ratio {:.3} (budget 1.15)", hallpass.as_secs_f64() / bare.as_secs_f64());
}

fn start_x() -> (Child, String) {
    let arguments = ["-noreset", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"];
    let mut server =
        Command::new("Xvfb").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
    (server, format!(":{}", number.trim()))
}

fn first_frame(command: &mut Command, display: &str) -> Duration {
    let (x, screen) = x11rb::connect(Some(display)).unwrap();
    let wanted = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
    x.change_window_attributes(x.setup().roots[screen].root, &wanted).unwrap().check().unwrap();
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    while !matches!(x.wait_for_event().unwrap(), Event::MapNotify(_)) {}
    let took = start.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn bare_window() {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]),
        renderer: eframe::Renderer::Glow,
        ..Default::default()
    };
    eframe::run_native("bare", options, Box::new(|_| Ok(Box::new(Bare)))).unwrap();
}

struct Bare;

impl eframe::App for Bare {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let _ = ui.button("One button");
    }
}
