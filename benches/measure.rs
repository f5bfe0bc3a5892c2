//! `cargo measure`: runs every bench, and writes what they found to `MEASURED.md`.
//!
//! A bench prints rows of the table (`support::Row`) among whatever else it prints.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot measure may stop, and prints its figures"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use support::{HEAD, ROW, cargo};

/// In the order of the table.
const BENCHES: [&str; 6] = ["first_frame", "rest", "size", "call", "timeline", "body"];

fn main() {
    let mut table = HEAD.to_owned();
    for bench in BENCHES {
        println!("== {bench}");
        for line in lines(cargo("bench").args(["--locked", "--bench", bench])) {
            println!("{line}");
            if line.starts_with(ROW) {
                table = table + "\n" + &line;
            }
        }
    }
    let text = format!(
        "# Measured\n\nBy `cargo measure`, on {}: {}. Each ratio is that of two figures of one run.\n\n{table}\n",
        Timestamp::now().strftime("%-d %B %Y"),
        machine()
    );
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("MEASURED.md"), &text).unwrap();
    println!("\n{text}");
}

/// What a command prints, line by line as it does.
fn lines(command: &mut Command) -> impl Iterator<Item = String> {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let end = std::iter::from_fn(move || {
        assert!(process.wait().unwrap().success(), "a bench failed");
        None
    });
    output.lines().map(Result::unwrap).chain(end)
}

/// What it was measured on.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("unknown");
        line.trim_start_matches(['\t', ' ', ':', '=']).trim_matches('"').to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory: u64 = value(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let mut machine = value(&read("/proc/cpuinfo"), "model name");
    let system = value(&read("/etc/os-release"), "PRETTY_NAME");
    let kernel = read("/proc/sys/kernel/osrelease");
    let _ = write!(machine, ", {cores} cores, {:.0} GB of memory, {system}", memory as f64 / 1e6);
    let _ = write!(machine, ", Linux {}", kernel.trim());
    machine
}
