//! Eyes and hands: the window as a screen reader sees and presses it, and the keyboard.

use std::cell::RefCell;
use std::fs;
use std::time::Duration;

use serde::Serialize;
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedObjectPath};

use super::{Desk, Process, call, within_patience};
use crate::support::processor::Used;

/// An object on the accessibility bus: whose it is, and where.
type Object = (String, OwnedObjectPath);
/// As `org.a11y.atspi.Cache.GetItems` lists it: object, application, parent, index, number of children, interfaces,
/// name, role, description, states.
type Item = (Object, Object, Object, i32, i32, Vec<String>, String, u32, String, Vec<u32>);

/// Bits of an item's states.
const ENABLED: u32 = 1 << 8;
const FOCUSABLE: u32 = 1 << 11;
const FOCUSED: u32 = 1 << 12;
const PRESSED: u32 = 1 << 20;

/// Something in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    path: OwnedObjectPath,
    name: String,
    states: u32,
}

impl Node {
    fn is(&self, states: u32) -> bool {
        self.states & states == states
    }
}

/// The real program in a real window. When this is dropped it ends, as it does when a desktop session ends.
pub struct Window<'a> {
    desk: &'a Desk,
    process: Process,
    /// Its name on the accessibility bus.
    name: String,
}

impl Desk {
    /// Starts Hallpass, and waits for its window.
    pub async fn open(&self) -> Window<'_> {
        self.open_with(&[]).await
    }

    /// Starts Hallpass with these environment variables, and waits for its window.
    pub async fn open_with(&self, variables: &[(&str, String)]) -> Window<'_> {
        let mut command = self.command(env!("CARGO_BIN_EXE_hallpass"));
        let process = Process::start(command.envs(variables.iter().map(|(name, value)| (name, value))));
        let name = within_patience(async || self.application(process.0.id()).await);
        let name = name.await.unwrap_or_else(|| panic!("Hallpass did not show a window:\n{}", self.noise()));
        let window = Window { desk: self, process, name };
        window.to_front().await;
        window
    }

    /// The name of a process on the accessibility bus, once it is there.
    async fn application(&self, process: u32) -> Option<String> {
        let (registry, root) = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root");
        let bus = &self.accessibility_bus;
        let applications: Vec<Object> =
            call(bus, registry, root, "org.a11y.atspi.Accessible", "GetChildren", &()).await.ok()?;
        for (name, _) in applications {
            let (dbus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            let owner = call::<u32>(bus, dbus, path, dbus, "GetConnectionUnixProcessID", &name).await;
            if owner.is_ok_and(|owner| owner == process) {
                return Some(name);
            }
        }
        None
    }
}

impl Window<'_> {
    /// Whether something in the window has exactly this name.
    pub async fn shows(&self, name: &str) -> bool {
        self.nodes().await.iter().any(|node| node.name == name)
    }

    /// Waits for something with exactly this name.
    pub async fn wait(&self, name: &str) {
        self.find(name, |node| node.name == name).await;
    }

    /// Waits for something with exactly this name, longer than Hallpass waits for anything.
    pub async fn wait_long(&self, name: &str) {
        for _ in 0..2 {
            if within_patience(async || self.shows(name).await.then_some(())).await.is_some() {
                return;
            }
        }
        panic!("{name:?} did not come; the window says:\n{}", self.text().await);
    }

    /// Waits for something whose name holds `part`.
    pub async fn wait_for(&self, part: &str) {
        self.find(part, |node| node.name.contains(part)).await;
    }

    /// Waits for nothing to have exactly this name.
    pub async fn wait_until_gone(&self, name: &str) {
        let gone = within_patience(async || (!self.shows(name).await).then_some(()));
        gone.await.unwrap_or_else(|| panic!("{name:?} does not go away"));
    }

    /// Where the leftmost thing stands whose name holds `part`, in the window: left, top, width and height.
    pub async fn place(&self, part: &str) -> [usize; 4] {
        let mut places = Vec::new();
        for node in self.nodes().await.iter().filter(|node| node.name.contains(part)) {
            let in_the_window = 1u32;
            let asked = ("org.a11y.atspi.Component", "GetExtents");
            let ((x, y, width, height),): ((i32, i32, i32, i32),) =
                self.ask(node, asked.0, asked.1, &in_the_window).await;
            places.push([x, y, width, height].map(|length| usize::try_from(length).unwrap_or_default()));
        }
        places.into_iter().min().unwrap_or_else(|| panic!("{part:?} is nowhere"))
    }

    /// Presses the control of this name, once it can be pressed and stands still: a row that comes in above it makes
    /// it another one.
    pub async fn click(&self, name: &str) {
        self.click_where(name, |its| its == name).await;
    }

    /// The same with the control whose name begins so.
    pub async fn click_beginning(&self, start: &str) {
        self.click_where(start, |its| its.starts_with(start)).await;
    }

    async fn click_where(&self, what: &str, is_its_name: impl Fn(&str) -> bool) {
        let pressed = within_patience(async || {
            let last = RefCell::new(None);
            let still = self.find(what, |node| {
                let found = is_its_name(&node.name) && node.is(ENABLED | FOCUSABLE);
                found && last.borrow_mut().replace(node.clone()).as_ref() == Some(node)
            });
            let node = still.await;
            // It may have gone since, as where an answer came.
            self.try_ask::<bool>(&node, "org.a11y.atspi.Action", "DoAction", &0).await.ok()
        });
        pressed.await.unwrap_or_else(|| panic!("{what:?} cannot be pressed"));
    }

    /// Presses the one of several of this name, and waits for it to be the chosen one.
    pub async fn choose(&self, name: &str) {
        self.click(name).await;
        self.wait_until_chosen(name).await;
    }

    /// Waits for the one of several of this name to be the chosen one.
    pub async fn wait_until_chosen(&self, name: &str) {
        self.find(name, |node| node.name == name && node.is(PRESSED)).await;
    }

    /// Waits for the field of this name to hold this text.
    pub async fn wait_until_holds(&self, name: &str, text: &str) {
        let field = self.find(name, |node| node.name == name && node.is(FOCUSABLE)).await;
        let holds = within_patience(async || {
            let held: String = self.ask(&field, "org.a11y.atspi.Text", "GetText", &(0, -1)).await;
            (held == text).then_some(())
        });
        holds.await.unwrap_or_else(|| panic!("{name:?} does not hold {text:?}"));
    }

    /// Presses the control of this name again and again, until something comes whose name holds `part`.
    pub async fn click_until(&self, name: &str, part: &str) {
        let came = within_patience(async || {
            self.click(name).await;
            self.nodes().await.iter().any(|node| node.name.contains(part)).then_some(())
        });
        came.await.unwrap_or_else(|| panic!("{part:?} did not come"));
    }

    /// What anyone on this computer can read of how the program was started.
    pub fn command_line(&self) -> String {
        fs::read_to_string(format!("/proc/{}/cmdline", self.process.0.id())).unwrap()
    }

    /// Brings the window before every other, and gives it the keyboard, as a window manager would. A window that is
    /// wholly covered draws nothing, and so says nothing new.
    pub async fn to_front(&self) {
        self.manage(&["windowraise", "windowfocus"]).await;
    }

    /// Gives the window the upper or the lower half of the display, so that two of them are seen at once.
    pub async fn to_half(&self, lower: bool) {
        let top = if lower { "400" } else { "0" };
        self.manage(&["windowsize", "1280", "400", "windowmove", "0", top]).await;
    }

    /// Does with the window what a window manager would.
    async fn manage(&self, commands: &[&str]) {
        let id = self.process.0.id().to_string();
        let search = ["search", "--all", "--onlyvisible", "--pid", &id, "--name", "Hallpass"];
        let done = within_patience(async || {
            let mut command = self.desk.command("xdotool");
            command.args(search).args(commands).status().unwrap().success().then_some(())
        });
        done.await.unwrap_or_else(|| panic!("there is no window for {commands:?}"));
    }

    /// Presses keys, by their X names: `Tab`, `ctrl+a`.
    pub fn press(&self, keys: &str) {
        let pressed = self.desk.command("xdotool").args(["key", keys]).status().unwrap();
        assert!(pressed.success(), "{keys} could not be pressed");
    }

    /// Makes everything larger by so many steps of a tenth.
    pub async fn enlarge(&self, steps: usize) {
        for _ in 0..steps {
            let before = self.place("Settings").await;
            self.press("ctrl+equal");
            let larger = within_patience(async || (self.place("Settings").await != before).then_some(()));
            larger.await.expect("Ctrl++ makes nothing larger");
        }
    }

    /// Types in the place of what the focused field holds.
    pub fn type_over(&self, text: &str) {
        self.press("ctrl+a");
        let typed = self.desk.command("xdotool").args(["type", "--delay", "5", text]).status().unwrap();
        assert!(typed.success(), "{text} could not be typed");
    }

    /// Presses Tab until the control of this name has the keyboard. Each one on the way must have a name.
    pub async fn tab_to(&self, name: &str) {
        let mut way = Vec::new();
        while way.last().is_none_or(|at| at != name) {
            assert!(way.len() < 60, "Tab does not lead to {name:?}, but to {way:?}");
            let before = self.focused().await;
            self.press("Tab");
            let moved =
                within_patience(async || self.focused().await.filter(|now| Some(now) != before.as_ref()));
            let now = moved.await.unwrap_or_else(|| panic!("Tab leads nowhere after {way:?}"));
            assert!(!now.name.is_empty(), "after {way:?}, a control has no name");
            way.push(now.name);
        }
    }

    /// Waits for the control of this name to have the keyboard.
    pub async fn wait_for_focus(&self, name: &str) {
        self.find(name, |node| node.name == name && node.is(FOCUSED)).await;
    }

    /// Waits for five seconds in which the program uses no more than a thousandth of them, and says what it used.
    pub async fn rest(&self) -> Duration {
        const SPAN: Duration = Duration::from_secs(5);
        let rests = within_patience(async || {
            let before = Used::by(self.process.0.id());
            tokio::time::sleep(SPAN).await;
            Some(before.since()).filter(|used| *used <= SPAN / 1000)
        });
        rests.await.expect("the idle window uses the processor")
    }

    async fn focused(&self) -> Option<Node> {
        self.nodes().await.into_iter().find(|node| node.is(FOCUSED))
    }

    async fn find(&self, what: &str, is_it: impl Fn(&Node) -> bool) -> Node {
        let found = within_patience(async || self.nodes().await.into_iter().find(|node| is_it(node))).await;
        match found {
            Some(node) => node,
            None => panic!("{what:?} did not come; the window says:\n{}", self.text().await),
        }
    }

    /// Everything that a screen reader would say of the window, a line for each thing.
    pub async fn text(&self) -> String {
        let names: Vec<_> = self.nodes().await.into_iter().map(|node| node.name).collect();
        names.join("\n")
    }

    /// All that is in the window.
    async fn nodes(&self) -> Vec<Node> {
        let bus = &self.desk.accessibility_bus;
        let cache = ("/org/a11y/atspi/cache", "org.a11y.atspi.Cache");
        let items: zbus::Result<Vec<Item>> = call(bus, &self.name, cache.0, cache.1, "GetItems", &()).await;
        let items = items.expect("the window is there to be read");
        items
            .into_iter()
            .map(|((_, path), .., name, _, _, states)| Node {
                path,
                name,
                states: states.first().copied().unwrap_or_default(),
            })
            .collect()
    }

    async fn ask<T>(
        &self,
        node: &Node,
        interface: &str,
        method: &str,
        arguments: &(impl Serialize + DynamicType),
    ) -> T
    where
        T: for<'reply> DynamicDeserialize<'reply>,
    {
        self.try_ask(node, interface, method, arguments).await.unwrap()
    }

    async fn try_ask<T>(
        &self,
        node: &Node,
        interface: &str,
        method: &str,
        arguments: &(impl Serialize + DynamicType),
    ) -> zbus::Result<T>
    where
        T: for<'reply> DynamicDeserialize<'reply>,
    {
        let bus = &self.desk.accessibility_bus;
        call(bus, &self.name, node.path.as_str(), interface, method, arguments).await
    }
}
