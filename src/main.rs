//! The process: arguments, runtime, window or terminal, exit code.
#![expect(clippy::print_stderr, reason = "this is where the terminal belongs")]

mod terminal;
mod window;

use std::process::ExitCode;

use clap::Parser as _;
use directories::ProjectDirs;
use hallpass::config::{self, Arguments};
use hallpass::demo;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

// The window must be on the main thread (macOS), so the runtime works beside it.
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hallpass: no threads to work with: {error}. Close other programs and start it again.");
            return ExitCode::FAILURE;
        }
    };
    let loaded = config::load(&arguments, |name| std::env::var_os(name));
    for problem in &loaded.problems {
        eprintln!("{problem}");
    }
    let wrong = !loaded.problems.is_empty();
    let code = match window::run(&runtime, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        // What was asked for is not there, and playing something else would look like success.
        Err(no_window) if wrong => {
            eprintln!("hallpass: {no_window} With the settings above as they are, nothing was done.");
            ExitCode::FAILURE
        }
        Err(no_window) => {
            eprintln!("hallpass: {no_window}");
            runtime.block_on(terminal::play())
        }
    };
    // Whatever still waits for a browser or a keyring must not keep the process.
    runtime.shutdown_background();
    code
}

/// Logs what goes wrong, or what `RUST_LOG` asks for: `hallpass=debug,warn`.
fn log_to_stderr() {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|wanted| wanted.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::ERROR));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
}

/// Where the demo provider keeps its ports, keys and grants.
fn demo_options() -> demo::Options {
    let place = ProjectDirs::from("", "", "Hallpass").map(|places| places.data_local_dir().join("demo"));
    demo::Options::new(place.unwrap_or_else(|| std::env::temp_dir().join("hallpass-demo")))
}
