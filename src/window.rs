//! Opens the window, or says why there can be none.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use eframe::{NativeOptions, Renderer};
use egui::{IconData, ViewportBuilder};
use hallpass::app::App;
use hallpass::app::state::{FaultItem, Turn};
use hallpass::app::tasks::World;
use hallpass::config::{Loaded, Profile};
use hallpass::demo::{self, Demo, Fault, FaultSwitch};
use hallpass::store::Store;
use thiserror::Error;
use tokio::runtime::Runtime;
use url::Url;

/// Why no window can be opened.
#[derive(Debug, Error)]
pub enum NoWindow {
    /// There is no screen.
    #[error("there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set).")]
    NoDisplay,
    /// There is one, and windowing failed.
    #[error("no window could be opened: {0}.{hint}", hint = hint())]
    Failed(String),
}

/// What most often stands in the way.
fn hint() -> &'static str {
    if cfg!(target_os = "linux") {
        " If libraries are missing, install them: on Debian and Ubuntu `apt-get install libgl1 libegl1 \
         libxkbcommon-x11-0`, on Fedora `dnf install mesa-libGL mesa-libEGL libxkbcommon-x11`."
    } else {
        ""
    }
}

/// Runs the window until it is closed.
pub fn run(runtime: &Runtime, loaded: Loaded) -> Result<(), NoWindow> {
    if cfg!(all(unix, not(target_os = "macos")))
        && !["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().any(is_set)
    {
        return Err(NoWindow::NoDisplay);
    }
    let viewport = ViewportBuilder::default()
        .with_title("Hallpass")
        .with_app_id("hallpass")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([640.0, 480.0]);
    let viewport = match icon() {
        Some(icon) => viewport.with_icon(icon),
        None => viewport,
    };
    let options = NativeOptions { viewport, renderer: Renderer::Glow, ..NativeOptions::default() };
    // There once the demo is.
    let switch = Arc::new(OnceLock::new());
    let switches = Arc::clone(&switch);
    let world = World {
        runtime: runtime.handle().clone(),
        store: Store::keyring(),
        // `that` would wait for the browser to be closed.
        open: Arc::new(|url| open::that_detached(url.as_str()).map_err(|error| not_opened(&error))),
        start_demo: Box::new(|| Box::pin(start_demo(switches))),
        faults: Fault::ALL.map(item).to_vec(),
        turn_fault: Arc::new(move |turn| Box::pin(turn_fault(switch.get().cloned(), turn))),
    };
    let created = AtomicBool::new(false);
    let create = |context: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        created.store(true, Ordering::Relaxed);
        // There is a window: from here on a panic is a fault of ours, and is told.
        drop(panic::take_hook());
        runtime.spawn(close_when_told(context.egui_ctx.clone()));
        Ok(Box::new(App::new(&context.egui_ctx, demo_at_its_usual_place(), loaded, world)))
    };
    // Where a windowing library is missing, its loader panics. That is no news for the terminal.
    panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
    let result =
        panic::catch_unwind(AssertUnwindSafe(|| eframe::run_native("Hallpass", options, Box::new(create))));
    drop(panic::take_hook());
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(eframe::Error::NoGlutinConfigs(..))) => {
            Err(NoWindow::Failed("no OpenGL driver was found".to_owned()))
        }
        Ok(Err(error)) => Err(NoWindow::Failed(cause(&error.to_string()))),
        Err(panic) if created.load(Ordering::Relaxed) => panic::resume_unwind(panic),
        Err(panic) => {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(NoWindow::Failed(cause(text.unwrap_or("windowing failed"))))
        }
    }
}

/// Closes the window as the person would when the system says that the process shall end, as at the end of a session: a
/// renewal under way is then still seen through.
async fn close_when_told(context: egui::Context) {
    #[cfg(unix)]
    let told = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! { _ = terminate.recv() => (), _ = tokio::signal::ctrl_c() => () }
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let told = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    told.await;
    context.send_viewport_cmd(egui::ViewportCommand::Close);
    context.request_repaint();
}

/// The last part of an error's text: what the layers above passed on.
fn cause(text: &str) -> String {
    text.rsplit(": ").next().unwrap_or(text).trim_end_matches('.').to_owned()
}

/// Why no browser was opened; where there is nothing to open it with, what that was looked for is worth more than the
/// system's words.
fn not_opened(error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return error.to_string();
    }
    let tried = open::commands("https://example.com/");
    let tried: Vec<_> = tried.iter().map(|command| command.get_program().to_string_lossy()).collect();
    format!("none of these programs is there: {}", tried.join(", "))
}

fn is_set(name: &&str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn icon() -> Option<IconData> {
    eframe::icon_data::from_png_bytes(include_bytes!("../assets/icon.png")).ok()
}

/// What the Login screen shows until the demo provider stands.
fn demo_at_its_usual_place() -> Profile {
    let [provider, api] = super::demo_options().ports;
    #[expect(clippy::expect_used, reason = "an address and a port make a URL")]
    let api = Url::parse(&format!("http://127.0.0.1:{api}/")).expect("a URL");
    Profile::demo(&format!("http://127.0.0.1:{provider}/"), demo::CLIENT_ID, demo::AUDIENCE, &api)
}

async fn start_demo(switch: Arc<OnceLock<FaultSwitch>>) -> Result<Profile, String> {
    let demo = demo::start(super::demo_options()).await.map_err(|error| error.to_string())?;
    let profile = profile(&demo);
    // It starts once.
    let _ = switch.set(demo.switch());
    tokio::spawn(async move {
        // It serves until the runtime ends.
        let _serving = demo;
        std::future::pending::<()>().await;
    });
    Ok(profile)
}

/// A fault of the demo, as the window shows it.
fn item(fault: Fault) -> FaultItem {
    FaultItem { id: fault.id(), when: fault.when(), title: fault.title(), explains: fault.explains() }
}

async fn turn_fault(switch: Option<FaultSwitch>, turn: Turn) -> Result<Option<&'static str>, String> {
    let switch = switch.ok_or("the demo has not started")?;
    let fault = match turn {
        Turn::Look => switch.look().await,
        Turn::Off => switch.set(None).await,
        Turn::On(id) => switch.set(Fault::from_id(id)).await,
    };
    fault.map(|fault| fault.map(Fault::id)).map_err(|error| error.to_string())
}

/// The profile that uses a demo provider.
pub fn profile(demo: &Demo) -> Profile {
    Profile::demo(demo.issuer.as_str(), &demo.client_id, &demo.audience, &demo.api)
}
