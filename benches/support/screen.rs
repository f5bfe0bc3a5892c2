//! A screen without a display (Xvfb), and windows on it, in a home that nobody lived in before.
#![allow(dead_code, reason = "each bench uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that cannot measure may stop, and waits where nothing else is to be done"
)]

#[path = "../../tests/support/processor.rs"]
mod processor;

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use processor::Used;

/// Ends with the bench, and whatever was shown on it before it.
pub struct Screen {
    server: Child,
    display: String,
    home: TempDir,
}

impl Screen {
    pub fn new() -> Self {
        let arguments = ["-noreset", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"];
        let server =
            Command::new("Xvfb").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut server = server.expect("Xvfb is there: apt-get install xvfb");
        let mut number = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        let home = tempfile::tempdir().unwrap();
        // A browser that only notes what it is to open.
        let (browser, opened) = (home.path().join("xdg-open"), home.path().join("opened"));
        fs::write(&browser, format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", opened.display())).unwrap();
        fs::set_permissions(&browser, Permissions::from_mode(0o755)).unwrap();
        Self { server, display: format!(":{}", number.trim()), home }
    }

    /// A program that opens its window here.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.display).env("HOME", self.home.path()).env_remove("WAYLAND_DISPLAY");
        command.env("XDG_RUNTIME_DIR", self.home.path()).env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        command.env("PATH", self.home.path()).env("LIBGL_ALWAYS_SOFTWARE", "1");
        command
    }

    /// Opens a window, and waits for its first frame: eframe maps a window once that is painted.
    pub fn show(&self, program: &Path) -> Shown {
        let (x, screen) = x11rb::connect(Some(&self.display)).unwrap();
        let wanted = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        x.change_window_attributes(x.setup().roots[screen].root, &wanted).unwrap().check().unwrap();
        let mut command = self.command(program);
        command.stderr(Stdio::null());
        let start = Instant::now();
        let process = command.spawn().unwrap();
        let window = loop {
            if let Event::MapNotify(mapped) = x.wait_for_event().unwrap() {
                break mapped.window;
            }
        };
        Shown { first_frame: start.elapsed(), process, x, window }
    }

    /// What the browser was asked to open last, once it was.
    pub fn opened(&self) -> String {
        let file = self.home.path().join("opened");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !file.exists() {
            assert!(Instant::now() < deadline, "no browser was opened");
            pause(Duration::from_millis(10));
        }
        fs::read_to_string(file).unwrap()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A window. When this is dropped its process ends.
pub struct Shown {
    /// From starting the process until the window was mapped.
    pub first_frame: Duration,
    process: Child,
    x: RustConnection,
    window: Window,
}

/// What a window cost while nobody touched it.
pub struct Rest {
    /// How often it was painted on.
    pub frames: usize,
    /// What its threads used of the processor.
    pub processor: Duration,
    /// What it holds in memory, in bytes.
    pub memory: u64,
}

impl Shown {
    /// Presses a key with Control, by its X key symbol.
    pub fn press_with_control(&self, symbol: u32) {
        const CONTROL: u32 = 0xffe3;
        self.x.set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME).unwrap();
        let [control, key] = [CONTROL, symbol].map(|symbol| self.key_code(symbol));
        for (event, code) in [
            (KEY_PRESS_EVENT, control),
            (KEY_PRESS_EVENT, key),
            (KEY_RELEASE_EVENT, key),
            (KEY_RELEASE_EVENT, control),
        ] {
            let root = self.x.setup().roots[0].root;
            self.x
                .xtest_fake_input(event, code, x11rb::CURRENT_TIME, root, 0, 0, 0)
                .unwrap()
                .check()
                .unwrap();
            pause(Duration::from_millis(50));
        }
    }

    fn key_code(&self, symbol: u32) -> u8 {
        let (first, last) = (self.x.setup().min_keycode, self.x.setup().max_keycode);
        let keys = self.x.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let each = usize::from(keys.keysyms_per_keycode);
        let index = keys.keysyms.chunks(each).position(|symbols| symbols[0] == symbol).unwrap();
        first + u8::try_from(index).unwrap()
    }

    /// Leaves it alone for so long, and says what it did meanwhile.
    pub fn rest(&self, span: Duration) -> Rest {
        self.x.damage_query_version(1, 1).unwrap().reply().unwrap();
        let damage = self.x.generate_id().unwrap();
        self.x.damage_create(damage, self.window, ReportLevel::NON_EMPTY).unwrap().check().unwrap();
        // All of the window counts as painted on at first.
        pause(Duration::from_millis(100));
        self.painted_on(damage);
        let (before, end) = (Used::by(self.process.id()), Instant::now() + span);
        let mut frames = 0;
        while Instant::now() < end {
            frames += self.painted_on(damage);
            pause(Duration::from_millis(10));
        }
        let processor = before.since();
        self.x.damage_destroy(damage).unwrap().check().unwrap();
        Rest { frames, processor, memory: self.memory() }
    }

    /// How often the window was painted on since last asked, as far as one can tell frames so close together apart.
    fn painted_on(&self, damage: Damage) -> usize {
        let mut times = 0;
        while let Some(event) = self.x.poll_for_event().unwrap() {
            if matches!(event, Event::DamageNotify(_)) {
                times += 1;
                self.x.damage_subtract(damage, x11rb::NONE, x11rb::NONE).unwrap();
            }
        }
        self.x.flush().unwrap();
        times
    }

    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets time go by, where there is nothing to wait for but time.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
