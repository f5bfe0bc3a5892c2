//! A desk without a screen: a display, a session bus, a keyring, and a home that nobody lived in before.
//!
//! ```text
//! mod.rs       the desk and what stands on it
//! window.rs    eyes and hands: the window through AT-SPI, the keyboard through xdotool
//! browser.rs   a real Chromium, through chromedriver
//! tls.rs       ports that speak TLS, with certificates of their own
//! sheet.rs     a contact sheet of what the window says
//! ```
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

mod browser;
mod sheet;
mod tls;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::env;
use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::TempDir;
use zbus::Connection;
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedObjectPath, OwnedValue, Value};

pub use browser::Browser;
pub use sheet::Sheet;
pub use tls::Certificate;
pub use window::Window;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a test looks whether what it waits for is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The programs that the desk is made of.
const PROGRAMS: [&str; 8] = [
    "Xvfb",
    "dbus-daemon",
    "gnome-keyring-daemon",
    "xdotool",
    "import",
    "convert",
    "chromium",
    "chromedriver",
];
/// What brings them, and the libraries that the window needs, on Debian and Ubuntu.
const INSTALL: &str = "apt-get install xvfb dbus at-spi2-core gnome-keyring xdotool imagemagick chromium \
                       chromium-driver libgl1 libegl1 libgl1-mesa-dri libxkbcommon-x11-0";
/// How the session bus starts the accessibility bus.
const ACCESSIBILITY: &str = "/usr/share/dbus-1/services/org.a11y.Bus.service";

/// How the desk's keyring starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// Unlocked; it is made where there was none.
    Unlocked,
    /// As it lies on the disk: locked, if there is one.
    Locked,
    /// Not at all: nothing answers for it, and nothing can be started that would.
    None,
}

/// What unlocks the keyring.
const PASSWORD: &str = "a password";

/// A desk. Whatever runs on it ends with it.
pub struct Desk {
    keyring: RefCell<Option<Process>>,
    _processes: Vec<Process>,
    home: TempDir,
    display: String,
    address: String,
    session_bus: Connection,
    accessibility_bus: Connection,
    /// How many of the opened URLs were asked for.
    seen: Cell<usize>,
}

impl Desk {
    /// A desk with an empty, unlocked keyring.
    pub async fn set_up() -> Self {
        Self::with(Keyring::Unlocked).await
    }

    /// A desk with or without a keyring.
    pub async fn with(keyring: Keyring) -> Self {
        let missing = PROGRAMS.into_iter().find(|name| !is_installed(name));
        let missing = missing.or((!Path::new(ACCESSIBILITY).exists()).then_some("at-spi2-core"));
        assert!(missing.is_none(), "{} is missing: {INSTALL}", missing.unwrap_or_default());

        let home = tempfile::tempdir().unwrap();
        furnish(home.path());
        let mut display = Process::start(
            tidy(Command::new("Xvfb"), home.path())
                // It must outlast its last window.
                .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
                .stdout(Stdio::piped()),
        );
        let number = format!(":{}", display.line_with("").trim());
        let mut bus = Process::start(
            tidy(Command::new("dbus-daemon"), home.path())
                .args(["--nofork", "--print-address"])
                .arg(format!("--config-file={}", home.path().join("bus.conf").display()))
                .env("DISPLAY", &number)
                .stdout(Stdio::piped()),
        );
        let address = bus.line_with("").trim().to_owned();
        let session_bus = connect(&address).await;

        // A screen reader is there: the window describes itself only to one that listens.
        for property in ["IsEnabled", "ScreenReaderEnabled"] {
            let change = ("org.a11y.Status", property, Value::from(true));
            let properties = "org.freedesktop.DBus.Properties";
            call::<()>(&session_bus, "org.a11y.Bus", "/org/a11y/bus", properties, "Set", &change)
                .await
                .unwrap();
        }
        let accessibility: String =
            call(&session_bus, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", &())
                .await
                .unwrap();
        let desk = Self {
            keyring: RefCell::default(),
            _processes: vec![bus, display],
            home,
            display: number,
            address,
            session_bus,
            accessibility_bus: connect(&accessibility).await,
            seen: Cell::new(0),
        };
        desk.start_keyring(keyring).await;
        // The mouse rests where it points at nothing.
        let moved = desk.command("xdotool").args(["mousemove", "0", "0"]).status().unwrap();
        assert!(moved.success(), "the mouse could not be moved");
        desk
    }

    /// Starts the keyring's daemon, over what the last one left on the disk.
    pub async fn start_keyring(&self, keyring: Keyring) {
        let how = match keyring {
            Keyring::Unlocked => "--unlock",
            Keyring::Locked => "--start",
            Keyring::None => return,
        };
        let mut daemon = Process::start(
            self.command("gnome-keyring-daemon")
                .args([how, "--components=secrets", "--foreground"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null()),
        );
        daemon.0.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        self.keyring.replace(Some(daemon));
        let locked = keyring == Keyring::Locked;
        let started =
            within_patience(async || self.keyring("Locked").await.filter(|is: &bool| *is == locked));
        started.await.expect("the keyring did not start");
    }

    /// Lets the keyring ask for its password in a window of its own, as desktops do. Without that it asks nobody, and is
    /// refused.
    pub async fn set_up_prompter(&self) {
        let service = "org.gnome.keyring.SystemPrompter.service";
        let from = Path::new("/usr/share/dbus-1/services").join(service);
        fs::copy(from, self.home.path().join("services").join(service)).expect("gcr is installed");
        let (dbus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        call::<()>(&self.session_bus, dbus, path, dbus, "ReloadConfig", &()).await.unwrap();
    }

    /// Types the keyring's password where it asks for it.
    pub async fn answer_prompt(&self) {
        let search = ["search", "--onlyvisible", "--class", "gcr-prompter", "windowraise", "windowfocus"];
        let asks = within_patience(async || {
            self.command("xdotool").args(search).status().unwrap().success().then_some(())
        });
        asks.await.expect("the keyring asks for nothing");
        let typed = self.command("xdotool").args(["type", "--delay", "20", PASSWORD]).status().unwrap();
        let entered = self.command("xdotool").args(["key", "Return"]).status().unwrap();
        assert!(typed.success() && entered.success(), "the password could not be typed");
    }

    /// Ends the keyring's daemon. What it holds stays on the disk.
    pub fn stop_keyring(&self) {
        self.keyring.take();
    }

    /// Locks the keyring, as a person does in its own window.
    pub async fn lock_keyring(&self) {
        let (service, path) = ("org.freedesktop.secrets", "/org/freedesktop/secrets");
        let interface = "org.freedesktop.Secret.Service";
        let bus = &self.session_bus;
        let collection: OwnedObjectPath =
            call(bus, service, path, interface, "ReadAlias", &"default").await.unwrap();
        let _: (Vec<OwnedObjectPath>, OwnedObjectPath) =
            call(bus, service, path, interface, "Lock", &vec![collection]).await.unwrap();
        let locked = within_patience(async || self.keyring("Locked").await.filter(|locked: &bool| *locked));
        locked.await.expect("the keyring was not locked");
    }

    /// How many secrets the keyring holds.
    pub async fn secrets(&self) -> usize {
        let items: Vec<OwnedObjectPath> = self.keyring("Items").await.expect("the desk has a keyring");
        items.len()
    }

    /// The session that the keyring holds, as it was written.
    pub async fn kept_session(&self) -> Option<serde_json::Value> {
        const SERVICE: &str = "org.freedesktop.secrets";
        let bus = &self.session_bus;
        let asked = ("plain", Value::from(""));
        let interface = "org.freedesktop.Secret.Service";
        let (_, session): (OwnedValue, OwnedObjectPath) =
            call(bus, SERVICE, "/org/freedesktop/secrets", interface, "OpenSession", &asked).await.unwrap();
        let items: Vec<OwnedObjectPath> = self.keyring("Items").await?;
        let mut entries = HashMap::new();
        for item in items {
            let interface = "org.freedesktop.Secret.Item";
            let attributes = (interface, "Attributes");
            let properties = "org.freedesktop.DBus.Properties";
            // A part of an entry may be replaced meanwhile.
            let attributes: OwnedValue =
                call(bus, SERVICE, &item, properties, "Get", &attributes).await.ok()?;
            let attributes: HashMap<String, String> = attributes.try_into().unwrap();
            let (_, _, bytes, _): (OwnedObjectPath, Vec<u8>, Vec<u8>, String) =
                call::<(_,)>(bus, SERVICE, &item, interface, "GetSecret", &session).await.ok()?.0;
            entries.insert(attributes["username"].clone(), bytes);
        }
        let (name, head) = entries.iter().find(|(name, _)| !name.contains(" #"))?;
        let head = str::from_utf8(head).unwrap();
        let whole = match head.strip_prefix("hallpass-split ").and_then(|split| split.split_once(' ')) {
            None => head.as_bytes().to_vec(),
            Some((generation, parts)) => {
                let part = |number| entries.get(&format!("{name} #{generation}.{number}")).cloned();
                (1..=parts.parse().unwrap()).map(part).collect::<Option<Vec<_>>>()?.concat()
            }
        };
        Some(serde_json::from_slice::<serde_json::Value>(&whole).ok()?["session"].take())
    }

    async fn keyring<T: TryFrom<OwnedValue>>(&self, property: &str) -> Option<T> {
        let (service, path) = ("org.freedesktop.secrets", "/org/freedesktop/secrets/aliases/default");
        let asked = ("org.freedesktop.Secret.Collection", property);
        let properties = "org.freedesktop.DBus.Properties";
        let value: OwnedValue =
            call(&self.session_bus, service, path, properties, "Get", &asked).await.ok()?;
        T::try_from(value).ok()
    }

    /// Every refresh token that the keyring holds one after the other: waits for another one than `last`.
    pub async fn next_refresh_token(&self, last: &str) -> String {
        let next = within_patience(async || {
            let session = self.kept_session().await?;
            session["refresh_token"].as_str().filter(|token| *token != last).map(str::to_owned)
        });
        next.await.expect("the keyring holds no other refresh token")
    }

    /// The next URL that the system browser was asked to open.
    pub async fn opened_url(&self) -> String {
        let next = within_patience(async || self.opened().get(self.seen.get()).cloned());
        let url = next.await.expect("no browser was opened");
        self.seen.set(self.seen.get() + 1);
        url
    }

    /// Whether every URL that the system browser was asked to open was asked for here.
    pub fn browser_is_quiet(&self) -> bool {
        self.opened().len() == self.seen.get()
    }

    fn opened(&self) -> Vec<String> {
        let urls = fs::read_to_string(self.home.path().join("opened")).unwrap_or_default();
        urls.lines().map(str::to_owned).collect()
    }

    /// Waits for the `condition` to hold.
    pub async fn until(&self, condition: impl Fn() -> bool) {
        let holds = within_patience(async || condition().then_some(())).await;
        assert!(holds.is_some(), "it did not come to that:\n{}", self.noise());
    }

    /// Takes a picture of the whole display, once it stands still.
    pub async fn picture(&self, path: &Path) {
        let pixels = self.still().await;
        let small =
            ["-strip", "-depth", "8", "+dither", "-colors", "256", "-define", "png:compression-level=9"];
        let arguments = ["ppm:-"].into_iter().chain(small).chain([path.to_str().unwrap()]);
        self.convert(&arguments.collect::<Vec<_>>(), &pixels);
    }

    /// Makes a picture of others, with what is to be read from its input.
    fn convert(&self, arguments: &[&str], input: &[u8]) {
        let made =
            self.command("convert").args(arguments).stdin(Stdio::piped()).spawn().and_then(|mut convert| {
                convert.stdin.take().unwrap().write_all(input)?;
                convert.wait()
            });
        assert!(made.unwrap().success(), "the picture was not written:\n{}", self.noise());
    }

    /// The whole display as a PPM, once it stands still.
    async fn still(&self) -> Vec<u8> {
        let last = Cell::new(Vec::new());
        let still = within_patience(async || {
            let shot =
                self.command("import").args(["-window", "root", "-depth", "8", "ppm:-"]).output().unwrap();
            assert!(shot.status.success(), "{}", String::from_utf8_lossy(&shot.stderr));
            (last.replace(shot.stdout.clone()) == shot.stdout).then_some(())
        });
        still.await.expect("the window never stood still");
        last.take()
    }

    /// What the programs of the desk have complained of.
    pub fn noise(&self) -> String {
        fs::read_to_string(self.home.path().join("noise")).unwrap_or_default()
    }

    /// A program on this desk: it sees nothing of the environment that the tests run in.
    fn command(&self, program: &str) -> Command {
        let mut command = tidy(Command::new(program), self.home.path());
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

/// Puts into a new home what the desk needs: the configuration of a session bus that can start the accessibility bus
/// and nothing else, and a browser that only notes what it is to open.
fn furnish(home: &Path) {
    fs::create_dir(home.join("services")).unwrap();
    fs::copy(ACCESSIBILITY, home.join("services/org.a11y.Bus.service")).unwrap();
    let configuration = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={home}/bus</listen>
  <servicedir>{home}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        home = home.display()
    );
    fs::write(home.join("bus.conf"), configuration).unwrap();

    fs::create_dir(home.join("bin")).unwrap();
    let browser = home.join("bin/xdg-open");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}/opened'\n", home.display());
    fs::write(&browser, script).unwrap();
    fs::set_permissions(&browser, Permissions::from_mode(0o755)).unwrap();
}

/// A command at home, with no more of an environment than it needs.
fn tidy(mut command: Command, home: &Path) -> Command {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([home.join("bin")].into_iter().chain(env::split_paths(&inherited))).unwrap();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("LANG", "C.UTF-8")
        .env("GSETTINGS_BACKEND", "memory")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .current_dir(home)
        .stdin(Stdio::null())
        .stderr(File::options().create(true).append(true).open(home.join("noise")).unwrap());
    command
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory: PathBuf| directory.join(program).is_file())
}

/// A running program. When this is dropped it is asked to end, and waited for.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Waits for the program to say a line that holds `part`.
    fn line_with(&mut self, part: &str) -> String {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        let line = output.lines().map_while(Result::ok).find(|line| line.contains(part));
        line.expect("a program of the desk did not start")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = Command::new("sh").args(["-c", "kill $0", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Looks until there is something to find, or patience is at an end.
async fn within_patience<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = look().await;
        if found.is_some() || Instant::now() > deadline {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn connect(address: &str) -> Connection {
    zbus::connection::Builder::address(address).unwrap().build().await.unwrap()
}

/// Calls a method on a bus.
async fn call<T>(
    bus: &Connection,
    destination: &str,
    path: &str,
    interface: &str,
    method: &str,
    arguments: &(impl Serialize + DynamicType),
) -> zbus::Result<T>
where
    T: for<'reply> DynamicDeserialize<'reply>,
{
    let reply = bus.call_method(Some(destination), path, Some(interface), method, arguments).await?;
    reply.body().deserialize()
}
