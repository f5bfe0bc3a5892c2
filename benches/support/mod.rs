//! What the benches share.
//!
//! | file | its job |
//! |---|---|
//! | `mod.rs` | a row of the table that `cargo measure` makes; building what is measured |
//! | `screen.rs` | a screen without a display, and windows on it: a module of the benches that show one |
//! | `bare.rs` | the bare window, an example of its own |
#![allow(dead_code, reason = "each bench uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot measure may stop, and prints its figures"
)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How a row begins on the standard output, where nothing else begins so.
pub const ROW: &str = "| ";
/// What stands above the rows.
pub const HEAD: &str = "| what | figure | yardstick | ratio | budget | held |\n|---|---|---|---|---|---|";

/// A figure of Hallpass's, with what it is measured by and may be.
pub struct Row {
    what: String,
    figure: String,
    yardstick: Option<(String, f64)>,
    budget: Option<(String, bool)>,
}

impl Row {
    pub fn new(what: impl Into<String>, figure: impl Into<String>) -> Self {
        Self { what: what.into(), figure: figure.into(), yardstick: None, budget: None }
    }

    /// A time, which is to be measured by another.
    pub fn time(what: impl Into<String>, figure: Duration, name: &str, yardstick: Duration) -> Self {
        let ratio = figure.as_secs_f64() / yardstick.as_secs_f64();
        Self::new(what, format!("{figure:.1?}")).against(name, format!("{yardstick:.1?}"), ratio)
    }

    /// What it is measured by, in the same run, and the figure over that.
    pub fn against(self, name: &str, yardstick: impl fmt::Display, ratio: f64) -> Self {
        Self { yardstick: Some((format!("{name}: {yardstick}"), ratio)), ..self }
    }

    /// How many times the yardstick it may be.
    pub fn at_most(self, times: f64) -> Self {
        let held = self.yardstick.as_ref().is_some_and(|(_, ratio)| *ratio <= times);
        self.within(format!("≤ {times:.2} ×"), held)
    }

    /// What it may be, and whether that is held.
    pub fn within(self, budget: impl Into<String>, held: bool) -> Self {
        Self { budget: Some((budget.into(), held)), ..self }
    }

    /// Prints it for whoever looks on, and for `cargo measure`.
    pub fn print(&self) {
        let Self { what, figure, yardstick, budget } = self;
        let none = || "–".to_owned();
        let (yardstick, ratio) = yardstick.as_ref().map_or_else(
            || (none(), none()),
            |(yardstick, ratio)| (yardstick.clone(), format!("{ratio:.3} ×")),
        );
        let (budget, held) = budget.as_ref().map_or_else(
            || (none(), "–"),
            |(budget, held)| (budget.clone(), if *held { "yes" } else { "**no**" }),
        );
        println!("{ROW}{what} | {figure} | {yardstick} | {ratio} | {budget} | {held} |");
    }
}

/// The one in the middle.
pub fn median<T: Ord + Copy>(figures: &mut [T]) -> T {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// The bare window, `bare.rs`, built as Hallpass is for a bench.
pub fn bare() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_hallpass")).parent().unwrap();
    let profile = if folder.ends_with("debug") { "dev" } else { "release" };
    build(folder.parent().unwrap(), &["--profile", profile, "--example", "bare"]);
    folder.join("examples/bare")
}

/// Builds something in this target folder.
pub fn build(target: &Path, what: &[&str]) {
    let mut cargo = cargo("build");
    cargo.args(["--quiet", "--locked"]).args(what).arg("--target-dir").arg(target);
    assert!(cargo.status().unwrap().success(), "{cargo:?} failed");
}

/// The cargo that runs this bench.
pub fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.arg(command).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}
