//! The process: arguments, runtime, window or terminal, exit code.
#![expect(clippy::print_stderr, reason = "this is where the terminal belongs")]

mod terminal;
mod window;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use directories::ProjectDirs;
use hallpass::config::{self, Arguments};
use hallpass::demo;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

// The command line: what is configured, and what is done. (Its help begins with what `Arguments` says.)
#[derive(Parser)]
#[command(subcommand_help_heading = "Instead of opening the window")]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Check whether a login and a call can work, without logging in
    ///
    /// Discovery, keys, issuer, PKCE, endpoints, callback ports, browser, keyring, clock, proxies, and the API. Nothing is
    /// changed. A check that failed has to be mended; a warning is what a login and a call work without, or might.
    #[command(after_help = terminal::doctor::HELP)]
    Doctor {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

// The window must be on the main thread (macOS), so the runtime works beside it.
fn main() -> ExitCode {
    let CommandLine { arguments, command } = CommandLine::parse();
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
    if let Some(Command::Doctor { json }) = command {
        let code = if wrong {
            eprintln!("hallpass: With the settings above as they are, nothing was examined.");
            ExitCode::from(terminal::doctor::WRONG_USAGE)
        } else {
            runtime.block_on(terminal::doctor::examine(&loaded, json))
        };
        runtime.shutdown_background();
        return code;
    }
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
