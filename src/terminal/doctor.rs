//! `hallpass doctor`: the examination as lines, or as one JSON document.

use std::io::Write as _;
use std::process::ExitCode;

use hallpass::config::{DEMO, Loaded, Profile};
use hallpass::demo;
use hallpass::doctor::{Examination, Finding, Summary, told};
use hallpass::http::Http;
use hallpass::store::Store;

/// The exit code where the command line or the profile is wrong, as clap has it too.
pub const WRONG_USAGE: u8 = 2;

/// What `--help` says further.
pub const HELP: &str = "\
Exit codes:
  0  no check failed (there may be warnings)
  1  a check failed
  2  the command line, or the profile, is wrong

The JSON document:
  schema                              1; a change that breaks readers takes a new number
  hallpass, profile                   the version, and the name of the profile
  passed, warnings, failed, skipped   how many checks went which way
  checks                              in order, each with
    id, name                          which check; the id never changes
    outcome                           passed, warning, failed or skipped
    found                             what is there: a list of lines
    skipped_because                   why it was not made, or null
    fix                               what to do, or null: headline, cause,
                                      evidence (a list of label and values), urls_to_register
    took_ms                           how long it took";

/// Examines the profile that is started on. Demo is started for it.
pub async fn examine(loaded: &Loaded, json: bool) -> ExitCode {
    let demo = if loaded.start == DEMO {
        match demo::start(crate::demo_options()).await {
            Ok(demo) => Some(demo),
            Err(error) => {
                complain!("hallpass: {error}");
                return ExitCode::FAILURE;
            }
        }
    } else {
        None
    };
    let of_demo = demo.as_ref().map(crate::window::profile);
    let named = || loaded.profiles.iter().find(|profile| profile.name == loaded.start);
    let Some(profile) = of_demo.as_ref().or_else(named) else { return ExitCode::from(WRONG_USAGE) };
    let findings = run(profile, json).await;
    let summary = Summary::of(&findings);
    if json {
        say!("{}", told::json(&profile.name, &findings));
    } else {
        say!("\n{}", told::summary(summary));
    }
    if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(profile: &Profile, json: bool) -> Vec<Finding> {
    if !json {
        say!("{}\n", told::title(&profile.name));
    }
    let examination = Examination {
        profile,
        http: &Http::new(|_| {}),
        store: &Store::keyring(),
        variable: &|name| std::env::var_os(name),
        report: &|finding| {
            if !json {
                let _ = write!(std::io::stdout(), "{}", told::text(&finding));
            }
        },
    };
    Box::pin(examination.run()).await
}
