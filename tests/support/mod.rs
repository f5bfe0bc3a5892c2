//! The far side for tests: whatever Hallpass speaks to, under our control.
//!
//! | file | its job |
//! |---|---|
//! | `server.rs` | a loopback server that records what it is asked, and answers as it is told |
//! | `provider.rs` | a sound `OpenID` provider on it, of which any answer can be bent |
//! | `keys.rs` | the keys that it signs with, made once a test binary |
//! | `browser.rs` | the system browser, scripted or in the test's own hand |
//! | `vault.rs` | a vault that processes share, and vaults that fail |
//! | `processor.rs` | what a process uses of the processor |
//! | `window.rs` | the window of the app, and a person's hands and eyes |
//! | `worker.rs` | another window, in a process of its own |
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "in a test a failure is a panic, and the far side is met raw"
)]

pub mod browser;
pub mod keys;
#[cfg(target_os = "linux")]
pub mod processor;
pub mod provider;
pub mod server;
pub mod vault;
pub mod window;
pub mod worker;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass::app::state::{FaultItem, Turn};
use hallpass::app::tasks::TurnFault;
use hallpass::config::Profile;
use hallpass::demo::{self, Demo, Fault, Options};
use tempfile::TempDir;

/// How long anything in a test may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What `future` comes to, unless the deadline is over first.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.expect("it happens before the deadline")
}

/// Waits until `condition` holds, letting everything else go on meanwhile.
pub async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The embedded provider and API in a place of their own, and the profile for them: on any free redirect port.
pub async fn demo() -> (Demo, Profile, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let demo = demo::start(Options { ports: [0, 0], ..Options::new(home.path()) }).await.unwrap();
    let profile = demo_profile(&demo);
    (demo, profile, home)
}

/// The profile for a demo, on any free redirect port.
pub fn demo_profile(demo: &Demo) -> Profile {
    let profile = Profile::demo(demo.issuer.as_str(), &demo.client_id, &demo.audience, &demo.api);
    Profile { redirect_ports: vec![0], ..profile }
}

/// The demo's faults, as the window shows them.
pub fn fault_items() -> Vec<FaultItem> {
    let item = |fault: Fault| FaultItem {
        id: fault.id(),
        when: fault.when(),
        title: fault.title(),
        explains: fault.explains(),
    };
    Fault::ALL.map(item).to_vec()
}

/// Turns the faults of the demo that stands there once it was started.
pub fn turn_fault(demo: Arc<Mutex<Option<Demo>>>) -> TurnFault {
    Arc::new(move |turn| {
        let switch = demo.lock().unwrap().as_ref().map(Demo::switch);
        Box::pin(async move {
            let switch = switch.ok_or("there is no demo")?;
            let fault = match turn {
                Turn::Look => switch.look().await,
                Turn::Off => switch.set(None).await,
                Turn::On(id) => switch.set(Fault::from_id(id)).await,
            };
            fault.map(|fault| fault.map(Fault::id)).map_err(|error| error.to_string())
        })
    })
}

/// A client as a browser or an attacker has it: no redirects of its own, no proxy, and no certificates to load.
pub fn raw() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.tls_certs_only([]).timeout(DEADLINE).build().unwrap()
}
