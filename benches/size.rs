//! The size of the release binary, against a bare window's; and, if asked for, what a clean build takes.
//!
//! `cargo bench --bench size`; with `HALLPASS_CLEAN_BUILD=1` it builds from nothing in a place of its own, which takes
//! minutes.
#![expect(clippy::unwrap_used, reason = "a bench that cannot measure may stop")]

mod support;

use std::path::Path;
use std::time::Instant;

use support::{Row, bare, build};

fn main() {
    against_bare("release binary", Path::new(env!("CARGO_BIN_EXE_hallpass")));
    if std::env::var_os("HALLPASS_CLEAN_BUILD").is_some() {
        clean_build();
    }
}

fn against_bare(what: &str, binary: &Path) {
    let [mb, bare_mb] = [binary, &bare()].map(|path| path.metadata().unwrap().len() as f64 / 1e6);
    Row::new(what, format!("{mb:.1} MB"))
        .against("bare window", format!("{bare_mb:.1} MB"), mb / bare_mb)
        .at_most(1.5)
        .print();
}

fn clean_build() {
    let target = tempfile::tempdir().unwrap();
    let start = Instant::now();
    build(target.path(), &["--release"]);
    Row::new("clean release build", format!("{} s", start.elapsed().as_secs())).print();
    // Without the features that only tests and benches turn on.
    against_bare("release binary of the clean build", &target.path().join("release/hallpass"));
}
