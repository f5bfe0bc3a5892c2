//! The window as a person uses it: the real app, met by the names that a screen reader says.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hallpass::app::App;
use hallpass::app::state::{Call, State, Work};
use hallpass::app::tasks::World;
use hallpass::auth::login::OpenBrowser;
use hallpass::auth::session::Session;
use hallpass::config::{self, Arguments, Loaded, Profile};
use hallpass::demo::person::{self, Choice};
use hallpass::demo::{self, Demo, Options};
use hallpass::store::{Memory, Store, Vault};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::Url;

use super::provider::Provider;
use super::{DEADLINE, demo_profile, fault_items, turn_fault};

/// A person at the browser: every URL that is opened goes to them.
#[derive(Clone, Default)]
pub struct Person {
    /// What they choose; `None` where they only look.
    choice: Arc<Mutex<Option<Choice>>>,
    opened: Arc<Mutex<Vec<Url>>>,
}

impl Person {
    pub fn who(choice: Choice) -> Self {
        let person = Self::default();
        person.chooses(Some(choice));
        person
    }

    pub fn chooses(&self, choice: Option<Choice>) {
        *self.choice.lock().unwrap() = choice;
    }

    /// The URLs that the browser was opened with.
    pub fn opened(&self) -> Vec<Url> {
        self.opened.lock().unwrap().clone()
    }

    fn browser(&self, runtime: &Runtime) -> OpenBrowser {
        let (person, runtime) = (self.clone(), runtime.handle().clone());
        Arc::new(move |url| {
            person.opened.lock().unwrap().push(url.clone());
            if let Some(choice) = *person.choice.lock().unwrap() {
                let url = url.to_string();
                runtime.spawn(async move { person::visit(&url, choice).await });
            }
            Ok(())
        })
    }
}

/// A computer on which Hallpass is started, once or again.
pub struct Computer {
    pub home: Arc<TempDir>,
    pub vault: Arc<Memory>,
    pub person: Person,
}

impl Computer {
    pub fn of(person: Person) -> Self {
        Self { home: Arc::new(tempfile::tempdir().unwrap()), vault: Arc::default(), person }
    }

    /// What the file of profiles holds, after this text is written to it.
    pub fn profiles(&self, text: &str) -> Loaded {
        let file = self.home.path().join("hallpass.toml");
        std::fs::write(&file, text).unwrap();
        config::load(&Arguments { config: Some(file), profile: None }, |_| None)
    }

    /// Starts Hallpass with nothing configured, and waits for the demo.
    pub fn start(&self) -> Window {
        self.start_with(self.profiles(""), Arc::clone(&self.vault))
    }

    pub fn start_with(&self, loaded: Loaded, vault: impl Vault) -> Window {
        let store = Store::over(vault, self.home.path().join("locks"));
        let runtime = Runtime::new().unwrap();
        let (dir, running) = (self.home.path().join("demo"), Arc::new(Mutex::new(None)));
        let (keeps, switches) = (Arc::clone(&running), Arc::clone(&running));
        let world = World {
            runtime: runtime.handle().clone(),
            store,
            open: self.person.browser(&runtime),
            start_demo: Box::new(|| {
                Box::pin(async move {
                    let demo = demo::start(Options { ports: [0, 0], ..Options::new(dir) });
                    let demo = demo.await.map_err(|error| error.to_string())?;
                    let profile = demo_profile(&demo);
                    *keeps.lock().unwrap() = Some(demo);
                    Ok(profile)
                })
            }),
            faults: fault_items(),
            turn_fault: turn_fault(switches),
        };
        let (wake, wakes) = mpsc::channel();
        let api = Url::parse("http://127.0.0.1:8701/").unwrap();
        let demo =
            Profile::demo("http://127.0.0.1:8700/", "hallpass-demo", "https://api.hallpass.demo", &api);
        let harness =
            Harness::builder().with_size([1280.0, 800.0]).with_max_steps(20).build_eframe(|context| {
                context.egui_ctx.set_request_repaint_callback(move |_| {
                    let _ = wake.send(());
                });
                App::new(&context.egui_ctx, demo, loaded, world)
            });
        let (person, home) = (self.person.clone(), Arc::clone(&self.home));
        Window { harness, wakes, person, demo: running, runtime, _home: home }
    }
}

/// A window, and the person's hands and eyes.
pub struct Window {
    pub harness: Harness<'static, App>,
    wakes: mpsc::Receiver<()>,
    pub person: Person,
    // After the window, so that nothing it started outlives it.
    pub demo: Arc<Mutex<Option<Demo>>>,
    pub runtime: Runtime,
    _home: Arc<TempDir>,
}

impl Window {
    pub fn state(&self) -> &State {
        self.harness.state().state()
    }

    /// Draws until `holds`: each time that the window is woken, as its event loop would.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.harness.step();
            if holds(self) {
                return;
            }
            assert!(Instant::now() < deadline, "{what} never happened; shown is {:#?}", self.shown());
            let _ = self.wakes.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Draws until a widget of this name is there.
    pub fn sees(&mut self, name: &str) {
        self.until(name, |window| window.shows(name));
    }

    pub fn shows(&self, name: &str) -> bool {
        self.harness.query_all_by_label(name).next().is_some()
    }

    /// Whether any name contains this.
    pub fn mentions(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// Every name on the screen.
    pub fn shown(&self) -> Vec<String> {
        let nodes = self.harness.root().children_recursive();
        nodes.filter_map(|node| node.accesskit_node().label().or(node.accesskit_node().value())).collect()
    }

    /// Presses the button of this name, once it is there.
    pub fn press(&mut self, name: &str) {
        self.until(name, |window| {
            let found = window.harness.query_by_role_and_label(Role::Button, name);
            found.is_some_and(|button| !button.accesskit_node().is_disabled())
        });
        let button = self.harness.get_by_role_and_label(Role::Button, name);
        if !self.harness.ctx.content_rect().contains_rect(button.rect()) {
            button.scroll_to_me();
            self.harness.run();
        }
        self.harness.get_by_role_and_label(Role::Button, name).click();
        self.harness.step();
    }

    /// Waits for the answer to a call, of this status line.
    pub fn is_answered(&mut self, status: &str) {
        self.until(status, |window| matches!(window.state().call, Call::Ended { .. }));
        let Call::Ended { response: Some(response), .. } = &self.state().call else {
            panic!("{:?}", self.state().call)
        };
        assert_eq!(response.status_line(), status);
        assert!(self.shows(status));
    }

    /// Opens the menu of profiles, and takes this entry.
    pub fn take(&mut self, entry: &str) {
        let menu = format!("Provider: {}", self.state().profile().name);
        self.harness.get_by_label(&menu).click();
        self.harness.step();
        self.until(entry, |window| window.harness.query_by_role_and_label(Role::Button, entry).is_some());
        self.harness.get_by_role_and_label(Role::Button, entry).click();
        self.harness.step();
    }

    /// Turns this fault of the demo on, in the menu; or with "None" any off.
    pub fn turn(&mut self, title: &str) {
        let button = match self.state().fault {
            Some(_) => self.shown().into_iter().find(|name| name.starts_with("Fault: ")),
            None => Some("Faults".to_owned()),
        };
        self.press(&button.unwrap());
        self.press(title);
        let wanted = (title != "None").then_some(title);
        self.until(title, |window| {
            let fault = window.state().fault.map(|fault| fault.title);
            fault == wanted && !window.state().is_running(Work::Fault)
        });
        self.harness.run();
    }

    /// Types into the field of this name, in the place of what it holds.
    pub fn fill(&mut self, field: &str, text: &str) {
        self.harness.get_by_role_and_label(Role::TextInput, field).focus();
        self.harness.step();
        self.harness.key_combination_modifiers(Modifiers::COMMAND, &[Key::A]);
        self.harness.step();
        self.harness.get_by_role_and_label(Role::TextInput, field).type_text(text);
        self.harness.step();
    }

    pub fn log_in_as(&mut self, name: &str) {
        self.press("Log in");
        self.sees(name);
        self.until("the session is kept", |window| {
            window.state().session.as_ref().is_some_and(|logged_in| logged_in.kept.is_some())
        });
    }

    /// Draws until nothing asks to be drawn again, and checks that every input has a name and no secret is readable.
    pub fn settles(&mut self) {
        self.harness.run();
        if let Some(logged_in) = &self.state().session {
            let Session { access_token, refresh_token, id_token, .. } = &*logged_in.session;
            for secret in
                [Some(access_token), refresh_token.as_ref(), id_token.as_ref()].into_iter().flatten()
            {
                assert!(!self.mentions(secret.expose()), "a token is on the screen");
            }
        }
        for node in self.harness.root().children_recursive() {
            let node = node.accesskit_node();
            let is_input = matches!(
                node.role(),
                Role::Button
                    | Role::TextInput
                    | Role::MultilineTextInput
                    | Role::ComboBox
                    | Role::CheckBox
                    | Role::Image
            );
            let named = node.label().is_some_and(|label| !label.trim().is_empty());
            let label_of_its_own = node.data().is_read_only();
            assert!(!is_input || named || label_of_its_own, "{:?} without a name", node.role());
        }
    }
}

/// A file of profiles that holds the provider's, called Bent.
pub fn profile_text(provider: &Provider) -> String {
    let issuer = &provider.server.url;
    format!(
        "[[profile]]\nname = \"Bent\"\nissuer = \"{issuer}\"\nclient_id = \"the-client\"\nredirect_ports = [0]\n"
    )
}
