//! Many windows share one session while its token expires again and again: exactly one of them renews it each time, and
//! all of them go on with what it got.
//!
//! Every window is a process of its own with two tasks that want the token at the same moment; the provider is the demo's,
//! which ends a session whose refresh token is spent twice. `cargo test` does it in small. In full, also over the real
//! keyring where there is one to be had:
//!
//! ```text
//! cargo soak                # its last line gives the figures
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "in a test a failure is a panic, and this one prints its figures"
)]

mod support;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hallpass::demo::person::Choice;
use support::vault::Files;
use support::worker::{self, Order, Place, Worker};
use support::{DEADLINE, browser, demo, within};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;

/// What `cargo test` shows, and may be asked for by.
const NAME: &str = "many_windows_share_a_session_and_lose_nothing";

/// How many tasks of each process want the token at once.
const TASKS: usize = 2;

/// It has no harness: the figures are to be its last line.
fn main() {
    if worker::is_worker() {
        return worker::serve();
    }
    let arguments: Vec<_> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--list") {
        return println!("{NAME}: test");
    }
    let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    if filters.peek().is_some() && !filters.any(|filter| NAME.contains(filter.as_str())) {
        return;
    }
    let runtime = Runtime::new().unwrap();
    if has("--ignored") || has("--include-ignored") {
        runtime.block_on(in_full());
    } else {
        println!("{}", runtime.block_on(in_files(4, 6)));
    }
}

async fn in_full() {
    let in_files = in_files(16, 50).await;
    println!("over a vault in files: {in_files}");
    match Desk::set_up().await {
        Ok(desk) => {
            let figures = soak(16, 50, None, &desk.environment).await;
            println!("over the keyring: {figures}; over a vault in files: {in_files}");
        }
        Err(why) => println!("over a vault in files: {in_files}; over the keyring: skipped, as {why}"),
    }
}

async fn in_files(processes: usize, expiries: usize) -> Figures {
    let dir = tempfile::tempdir().unwrap();
    soak(processes, expiries, Some(dir.path()), &BTreeMap::new()).await
}

/// What came of it.
#[derive(Default)]
struct Figures {
    processes: usize,
    expiries: usize,
    /// How often a task asked for the token and got it.
    answered: usize,
    /// How many times the provider issued tokens for a refresh token.
    grants: usize,
    /// How often a task did not get it.
    lost: usize,
    /// How many refresh tokens were refused.
    reused: usize,
    /// How long each expiry took, until everyone had the token.
    took: Vec<Duration>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut took = self.took.clone();
        took.sort_unstable();
        let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
        write!(
            f,
            "{} processes, {} expiries, {} renewals answered, {} grants, {} lost, {} reuse detections, \
             {} ms median and {} ms at worst until everyone had the token",
            self.processes,
            self.expiries,
            self.answered,
            self.grants,
            self.lost,
            self.reused,
            median.as_millis(),
            worst.as_millis()
        )
    }
}

/// Lets the token of one session expire so many times among so many processes; they keep it in `dir`, or in the keyring
/// of this `environment`.
async fn soak(
    processes: usize,
    expiries: usize,
    dir: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Figures {
    let (_demo, profile, _home) = demo().await;
    let mut session = browser::log_in(&profile, Choice::Alice).await;
    // So that it takes more than one entry, as many a provider's does.
    session.user.picture = Some("x".repeat(4000));

    let place = Place::of(&profile, dir);
    let mut windows = Vec::new();
    for _ in 0..processes {
        windows.push(Worker::start(&[], environment, &place).await);
    }
    let since = Instant::now();
    while !windows[0].keep(&session).await {
        assert!(since.elapsed() < DEADLINE, "the keyring opens");
    }
    if let Some(dir) = dir {
        assert!(Files::at(dir).count() > 2, "it takes more than one entry");
    }
    for window in &mut windows {
        assert_eq!(window.restore().await.as_ref(), Some(&session));
    }

    let mut figures = Figures { processes, expiries, ..Figures::default() };
    for _ in 0..expiries {
        let since = Instant::now();
        for window in &mut windows {
            window.order(Order::Renew(TASKS)).await;
        }
        let mut held = Vec::new();
        for window in &mut windows {
            let (results, statuses) = window.renewed().await;
            figures.grants += statuses.iter().filter(|&&status| status == 200).count();
            figures.reused += statuses.iter().filter(|&&status| status == 403).count();
            figures.lost += results.iter().filter(|result| result.is_err()).count();
            held.extend(results.into_iter().flatten());
        }
        figures.took.push(since.elapsed());
        figures.answered += held.len();
        let rounds = figures.took.len();
        assert!(figures.lost == 0 && figures.reused == 0 && figures.grants == rounds, "{rounds}: {figures}");
        assert!(held.iter().all(|session| *session == held[0]), "all have the same session");
        assert_ne!(held[0].access_token, session.access_token);
        session = held.swap_remove(0);
    }
    // What is kept is what they hold, and it is as good as ever.
    assert_eq!(windows[0].restore().await.as_ref(), Some(&session));
    windows[0].order(Order::Renew(1)).await;
    let (results, statuses) = windows[0].renewed().await;
    assert!(results[0].is_ok() && statuses == [200], "{statuses:?}");
    figures
}

/// A home that nobody lived in before, with a session bus and an empty, unlocked keyring.
struct Desk {
    environment: BTreeMap<String, String>,
    // Before the home that they live in.
    _processes: Vec<Child>,
    _home: TempDir,
}

/// A session bus that starts nothing by itself.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=HOME/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

impl Desk {
    /// Sets it up, or says why that cannot be.
    async fn set_up() -> Result<Self, String> {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().display().to_string();
        let config = home.path().join("bus.conf");
        std::fs::write(&config, BUS.replace("HOME", &at)).unwrap();
        let mut environment: BTreeMap<_, _> =
            ["HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"].map(|name| (name.to_owned(), at.clone())).into();
        let start = |program: &str, arguments: &[&str], environment: &BTreeMap<String, String>| {
            Command::new(program)
                .args(arguments)
                // Nothing leads to the keyring of whoever runs this.
                .env_clear()
                .env("PATH", env::var_os("PATH").unwrap_or_default())
                .envs(environment)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .map_err(|error| format!("{program} did not start: {error}"))
        };
        let config = format!("--config-file={}", config.display());
        let mut bus = start("dbus-daemon", &["--nofork", "--print-address", &config], &environment)?;
        let mut address = String::new();
        within(BufReader::new(bus.stdout.as_mut().unwrap()).read_line(&mut address)).await.unwrap();
        environment.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), address.trim().to_owned());
        let mut keyring = start(
            "gnome-keyring-daemon",
            &["--unlock", "--components=secrets", "--foreground"],
            &environment,
        )?;
        keyring.stdin.take().unwrap().write_all(b"a password\n").await.unwrap();
        Ok(Self { environment, _processes: vec![keyring, bus], _home: home })
    }
}
