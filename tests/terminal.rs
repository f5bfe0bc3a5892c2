//! The program without a display: what it plays, and what it refuses to play.
//!
//! Windows and macOS open a window wherever they are.
#![cfg(all(unix, not(target_os = "macos")))]
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::path::Path;
use std::process::{Command, Output};

fn hallpass(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap()
}

#[test]
fn with_nothing_configured_the_main_job_is_played_and_each_answer_printed() {
    let home = tempfile::tempdir().unwrap();
    let output = hallpass(home.path(), &[]);
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(complained.lines().count(), 1, "why there is no window, in one line: {complained}");
    for answer in
        ["Logged in as Alice Adams", "Public: 200 OK", "Private: 200 OK", "Private (scoped): 200 OK"]
    {
        assert!(said.contains(answer), "{said}");
    }
}

#[test]
fn a_wrong_setting_is_said_and_is_no_success() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [["--config", "/nowhere/hallpass.toml"], ["--profile", "Nobody"]] {
        let output = hallpass(home.path(), &arguments);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(complained.contains(arguments[1]) && complained.contains("Fix:"), "{complained}");
    }
}
