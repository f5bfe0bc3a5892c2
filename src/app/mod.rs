//! The window: the only place that knows egui.
//!
//! [`App`]'s `logic` takes events from the channel and applies them to the [`State`]; its `ui` draws the state and
//! performs the actions that drawing returned, in order. Views read the state and change nothing.

pub mod history;
pub mod state;
pub mod tasks;

mod api;
mod body;
mod caption;
mod checks;
pub mod detail;
mod doctor;
mod downloads;
mod login;
mod mask;
mod picture;
pub mod report;
mod sequence;
mod session;
mod settings;
mod theme;
mod timeline;
mod token;
mod top_bar;
mod widgets;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use egui::{CentralPanel, Context, Frame, Margin, Panel, Stroke, Ui, ViewportCommand};

use crate::api::request::Draft;
use crate::auth::session::StepUp;
use crate::config::{DEMO, Loaded, Profile};
use crate::explain::Remedy;
use crate::store::Account;
use mask::{Hidden, Mask};
use picture::Pictures;
use settings::ProviderCheck;
use state::{Action, Demo, Event, Found, Look, LookedUp, Next, State, Theme, Turn, Work, Written};
use tasks::{Tasks, World};

/// How much larger everything is in a presentation.
const LARGER: f32 = 1.25;

/// How long closing the window waits for a session that is being kept, renewed or ended.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// The window's contents.
pub struct App {
    state: State,
    tasks: Tasks,
    events: mpsc::Receiver<Event>,
    pictures: Pictures,
    provider_check: ProviderCheck,
    progress: Progress,
    mask: Mask,
    /// How large everything was before the presentation.
    zoom: f32,
    /// Whether a text field had the keyboard when the last frame was drawn.
    typing: bool,
}

/// How far the start is.
#[derive(PartialEq, Eq)]
enum Progress {
    /// Nothing is drawn yet.
    Opening,
    /// The first frame is drawn.
    Drawn,
    /// What the profile needs was started.
    Begun,
}

impl App {
    /// The app on its first screen. Nothing is read or started before the first frame is drawn.
    pub fn new(context: &Context, demo: Profile, loaded: Loaded, mut world: World) -> Self {
        theme::install(context);
        let mask = Mask::default();
        context.add_plugin(mask.clone());
        let waker = context.clone();
        let state = State::new(demo, loaded).with_faults(std::mem::take(&mut world.faults));
        let (tasks, events) = Tasks::new(world, Arc::new(move || waker.request_repaint()));
        Self {
            state,
            tasks,
            events,
            pictures: Pictures::default(),
            provider_check: ProviderCheck::default(),
            progress: Progress::Opening,
            mask,
            zoom: 1.0,
            typing: false,
        }
    }

    /// What the window shows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Starts what the current profile needs: the demo provider, or its session from the keyring.
    fn enter_profile(&mut self) {
        if self.state.is_demo() && self.state.demo == Demo::Starting {
            self.tasks.start_demo();
        } else {
            self.tasks.restore(self.state.profile());
        }
    }

    /// Cancels what the current profile has under way.
    fn leave_profile(&mut self) {
        for work in [Work::Login, Work::Call, Work::Restore, Work::Examine] {
            self.tasks.cancel(work);
        }
    }

    /// A session whose profile is gone, or would get other tokens now, could never be logged out of.
    fn end_orphaned_session(&mut self, written: &Written) {
        let (profile, Some(logged_in)) = (self.state.profile(), &self.state.session) else { return };
        let is_its_own = written.old.as_ref() == Some(&profile.name);
        let account = |profile| Account::of(profile);
        if is_its_own && written.profile.as_ref().map(account) != Some(Account::of(profile)) {
            self.tasks.log_out(profile, Arc::clone(&logged_in.session), false);
        }
    }

    fn take(&mut self, event: Event, context: &Context) {
        if let Event::Saved(_, result) = &event
            && let Ok(written) = &**result
        {
            self.leave_profile();
            self.end_orphaned_session(written);
        }
        if let Event::LookedUp(task, Ok(LookedUp { found: Found::Text(text, _), .. })) = &event
            && self.state.looks_up(*task)
        {
            context.copy_text(text.expose().to_owned());
        }
        let enters = match &event {
            Event::DemoStarted(_, Ok(_)) => self.state.is_demo(),
            Event::Saved(_, result) => result.is_ok(),
            _ => false,
        };
        // Whoever came from the doctor to mend something wants to know whether that helped.
        let examines =
            self.state.doctor.is_some() && matches!(&event, Event::Saved(_, result) if result.is_ok());
        let logs_in = self.state.settings.as_ref().is_some_and(|settings| settings.logs_in)
            && matches!(&event, Event::Saved(_, result) if result.is_ok());
        let attempt = self.state.login.as_ref().map(|login| login.task);
        let came_back = matches!(&event, Event::LoggedIn(task, _) if Some(*task) == attempt);
        let starts = matches!(&event, Event::DemoStarted(_, Ok(_)));
        self.state.apply(event);
        if starts {
            // Another window may run the demo, and have turned one on.
            self.tasks.turn_fault(Turn::Look);
        }
        if enters {
            self.enter_profile();
        }
        if examines && self.state.can_examine() {
            self.tasks.examine(self.state.profile());
        }
        if logs_in {
            self.perform(Action::LogIn(StepUp::default()), context);
        }
        if came_back {
            // The person is still looking at the browser.
            context.send_viewport_cmd(ViewportCommand::Focus);
        }
    }

    /// Starts what the state calls for, if it calls for anything.
    fn follow(&mut self) -> bool {
        let profile = self.state.profile();
        match self.state.next() {
            None => return false,
            Some(Next::Keep(session, again)) => self.tasks.keep(profile, session, again),
            Some(Next::Renew(session, why)) => self.tasks.renew(profile, session, why),
            Some(Next::Call(outgoing)) => self.tasks.call(*outgoing),
            Some(Next::LookUp(looking)) => self.tasks.look_up(looking),
            Some(Next::Search(body, view, search)) => self.tasks.search(body, view, search),
        };
        true
    }

    fn perform(&mut self, action: Action, context: &Context) {
        match &action {
            Action::LogIn(step_up) => {
                // The log-out page of before is answered no more: its port is wanted.
                self.tasks.cancel(Work::EndSession);
                self.tasks.cancel(Work::Examine);
                if self.state.can_log_in() {
                    // What the keyring holds is about to be replaced.
                    self.tasks.cancel(Work::Restore);
                    self.tasks.log_in(self.state.profile(), step_up.clone());
                }
            }
            Action::CancelLogin => self.tasks.cancel(Work::Login),
            Action::Copy(text) => context.copy_text(text.clone()),
            // The person asked for just that, also while presenting.
            Action::CopyLoginLink(secret) | Action::CopyToken(secret) => {
                self.mask.confirm(secret.expose());
                context.copy_text(secret.expose().to_owned());
            }
            Action::OpenLoginLink(link) => self.tasks.open(link.expose()),
            Action::SendTokenTo(_) => {
                self.state.apply(Event::Did(action));
                return self.perform(Action::CallApi, context);
            }
            Action::CancelCall => self.tasks.cancel(Work::Call),
            Action::Restore => {
                self.tasks.restore(self.state.profile());
            }
            Action::Forget => {
                self.tasks.cancel(Work::Call);
                let session = self.state.session.as_ref().map(|logged_in| Arc::clone(&logged_in.session));
                self.tasks.forget(self.state.profile(), session.as_deref());
            }
            Action::LogOut => {
                self.tasks.cancel(Work::Call);
                if let Some(logged_in) = &self.state.session {
                    self.tasks.log_out(self.state.profile(), Arc::clone(&logged_in.session), true);
                }
            }
            Action::SwitchProfile(_) => {
                self.leave_profile();
                self.state.apply(Event::Did(action));
                self.enter_profile();
                return;
            }
            Action::TurnFault(turn) => {
                self.tasks.turn_fault(*turn);
            }
            Action::SaveProfile => self.save_profile(),
            Action::Examine => {
                if self.state.can_examine() {
                    self.tasks.examine(self.state.profile());
                }
            }
            Action::CloseDoctor => self.tasks.cancel(Work::Examine),
            Action::RemoveProfile => {
                if let (Some(settings), Some(file)) = (&self.state.settings, &self.state.file)
                    && let Some(name) = &settings.editing
                {
                    self.tasks.remove_profile(file.clone(), name.clone());
                }
            }
            Action::Present(presenting) if *presenting == self.state.presenting => {}
            Action::Present(presenting) => {
                if *presenting {
                    self.zoom = context.zoom_factor();
                }
                context.set_zoom_factor(if *presenting { self.zoom * LARGER } else { self.zoom });
                // What is selected would be copied and read out piece by piece, past the mask.
                context.all_styles_mut(|style| style.interaction.selectable_labels = !presenting);
            }
            Action::StartOver => {
                self.leave_profile();
                self.forget_demo();
                if self.state.fault.is_some() {
                    self.tasks.turn_fault(Turn::Off);
                }
                self.state.apply(Event::Did(action));
                self.enter_profile();
                return;
            }
            Action::ShowTheme(theme) => context.set_theme(match theme {
                Theme::System => egui::ThemePreference::System,
                Theme::Light => egui::ThemePreference::Light,
                Theme::Dark => egui::ThemePreference::Dark,
            }),
            Action::Look(Look::Save) => {
                if let Some(viewer) = &self.state.viewer {
                    self.tasks.save_body(Arc::clone(&viewer.body), viewer.progress.kind.extension());
                }
            }
            Action::Export(format) => {
                self.tasks.export(self.state.history.entries().cloned().collect(), *format);
            }
            // What the state calls for is started by what follows.
            Action::CallApi
            | Action::CallWithoutToken
            | Action::Renew
            | Action::KeepAgain
            | Action::ShowSession(_)
            | Action::FilterTimeline(_)
            | Action::ClearTimeline
            | Action::OpenEntry(_)
            | Action::Reveal(_)
            | Action::CloseEntry
            | Action::ShowSequence(_)
            | Action::ChooseRequest(_)
            | Action::Look(_)
            | Action::Edit(_)
            | Action::ShowTab(_)
            | Action::ShowToken(_)
            | Action::AskToCopyToken(_)
            | Action::ShowChecks(_)
            | Action::ShowTimeline(_)
            | Action::OpenSettings(_)
            | Action::FillIn(..)
            | Action::EditForm(_)
            | Action::CloseSettings
            | Action::Dismiss => {}
        }
        self.state.apply(Event::Did(action));
    }

    /// Leaves nothing of the demo's session, whether it is shown or only kept.
    fn forget_demo(&mut self) {
        match (&self.state.session, self.state.is_demo()) {
            (Some(logged_in), true) => {
                self.tasks.log_out(self.state.profile(), Arc::clone(&logged_in.session), false);
            }
            _ => {
                if let Some(demo) = self.state.profiles.iter().find(|profile| profile.name == DEMO) {
                    self.tasks.forget(demo, None);
                }
            }
        }
    }

    fn save_profile(&mut self) {
        let (Some(settings), Some(file)) = (&self.state.settings, &self.state.file) else { return };
        if let Ok(profile) = settings.form.check() {
            self.tasks.save_profile(file.clone(), settings.editing.clone(), profile);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _: &mut eframe::Frame) {
        if self.progress == Progress::Drawn {
            // The first frame is on the screen: nothing that follows has delayed it.
            self.progress = Progress::Begun;
            self.enter_profile();
        }
        loop {
            while let Ok(event) = self.events.try_recv() {
                self.take(event, context);
            }
            // What was started says so through the channel.
            if !self.follow() {
                break;
            }
        }
        if context.input(|input| input.viewport().close_requested()) && self.tasks.renews() {
            // The person is done; the renewal is not.
            context.send_viewport_cmd(ViewportCommand::Visible(false));
        }
        if let Some(at) = self.state.tries_again_at() {
            context.request_repaint_after(at.saturating_duration_since(Instant::now()));
        }
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        self.tasks.finish(LAST_WAIT);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        let hidden = || Hidden::new(self.state.personal());
        self.mask.set(self.state.presenting.then(hidden));
        let (session, viewer) = (self.state.session.as_ref(), self.state.viewer.as_ref());
        self.pictures.follow(session, viewer, &self.tasks, ui.ctx());
        // Escape closes a menu or leaves a field, and does no more then: by the end of the frame it has.
        let escapes = self.typing || egui::Popup::is_any_open(ui.ctx());
        let actions = self.screen(ui, escapes);
        self.typing = ui.ctx().text_edit_focused();
        for action in actions {
            self.perform(action, &ui.ctx().clone());
            ui.ctx().request_repaint();
        }
        if self.progress == Progress::Opening {
            self.progress = Progress::Drawn;
            ui.ctx().request_repaint();
        }
    }
}

impl App {
    /// Draws the state; what the person did meanwhile, in order. `escapes` says whether Escape is taken already.
    fn screen(&mut self, ui: &mut Ui, escapes: bool) -> Vec<Action> {
        let (state, mut actions) = (&self.state, Vec::new());
        let palette = theme::palette(ui);
        let bar = Frame::new().fill(palette.surface).inner_margin(Margin::symmetric(20, 0));
        let side = Frame::new().fill(palette.surface).inner_margin(Margin {
            left: 20,
            right: 20,
            top: 18,
            bottom: 0,
        });

        let wide = ui.available_width() >= theme::size::WIDE;
        let timeline_shown = state.timeline.unwrap_or(wide);
        Panel::top("top bar")
            .exact_size(theme::size::TOP_BAR)
            .frame(bar)
            .show(ui, |ui| top_bar::show(ui, &mut actions, state, timeline_shown));
        if timeline_shown {
            Panel::right("timeline")
                .exact_size(theme::size::TIMELINE.min(ui.available_width() * 0.45))
                .resizable(false)
                .frame(side)
                .show(ui, |ui| timeline::show(ui, &mut actions, state));
        }
        if state.presenting {
            let frame = Frame::new().fill(palette.surface).inner_margin(Margin::symmetric(24, 10));
            Panel::bottom("caption").exact_size(72.0).frame(frame).show(ui, |ui| caption::show(ui, state));
        }
        CentralPanel::default().frame(Frame::new().fill(palette.background)).show(ui, |ui| {
            if let Some(detail) = &state.opened {
                detail::show(ui, &mut actions, detail);
            } else if state.sequence {
                sequence::show(ui, &mut actions, state);
            } else if state.settings.is_some() {
                settings::show(ui, &mut actions, state, &mut self.provider_check, &self.tasks);
            } else if let Some(findings) = &state.doctor {
                doctor::show(ui, &mut actions, state, findings);
            } else if state.session.is_some() && state.login.is_none() {
                api::show(ui, &mut actions, state, &self.pictures);
            } else {
                login::show(ui, &mut actions, state);
            }
        });
        shortcuts(ui, &mut actions, state, escapes);
        actions
    }
}

/// What keys do, where no field has the keyboard.
fn shortcuts(ui: &Ui, actions: &mut Vec<Action>, state: &State, escapes: bool) {
    use egui::{Key, KeyboardShortcut, Modifiers};
    let pressed =
        |key| ui.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, key)));
    let over = state.opened.is_some() || state.sequence;
    let panel = state.settings.is_some() || state.doctor.is_some() || over;
    let api = state.session.is_some() && state.login.is_none() && !panel;
    // Once a press: a key that is held must not flash what is hidden.
    let once = |wanted| {
        ui.input(|input| {
            input.events.iter().any(|event| {
                matches!(event, egui::Event::Key { key, pressed: true, repeat: false, .. } if *key == wanted)
            })
        })
    };
    if once(Key::F5) {
        actions.push(Action::Present(!state.presenting));
    }
    if state.presenting && once(Key::F9) {
        actions.push(Action::StartOver);
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) && !escapes {
        match state {
            _ if state.opened.is_some() => actions.push(Action::CloseEntry),
            _ if state.sequence => actions.push(Action::ShowSequence(false)),
            _ if state.settings.is_some() => actions.push(Action::CloseSettings),
            _ if state.doctor.is_some() => actions.push(Action::CloseDoctor),
            _ if state.login.is_some() => actions.push(Action::CancelLogin),
            _ if state.call.is_under_way() => {
                actions.push(Action::CancelCall);
            }
            _ => {}
        }
    }
    if api {
        let digits = [
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
        ];
        let requests = state.profile().requests.len();
        let chosen = digits.into_iter().take(requests).position(&pressed);
        actions.extend(chosen.map(Action::ChooseRequest));
        let calls = state.call.is_under_way();
        if pressed(Key::Enter) && !calls {
            actions.push(Action::CallApi);
        }
        if pressed(Key::R) {
            actions.push(Action::Renew);
        }
    }
    if !panel && state.login.is_none() && pressed(Key::L) {
        actions.push(if state.session.is_some() { Action::LogOut } else { Action::LogIn(StepUp::default()) });
    }
    if state.settings.is_none() && state.can_examine() && pressed(Key::D) {
        actions.push(Action::Examine);
    }
    if state.settings.is_none() && pressed(Key::Comma) {
        actions.push(Action::OpenSettings(Some(state.profile().name.clone())));
    }
}

/// The action that a remedy stands for.
fn remedied(remedy: Remedy, state: &State) -> Action {
    let draft = || state.draft.clone();
    match remedy {
        Remedy::LogIn => Action::LogIn(StepUp::default()),
        Remedy::LogInAsking(step_up) => Action::LogIn(step_up),
        Remedy::Renew => Action::Renew,
        Remedy::Restore => Action::Restore,
        Remedy::KeepAgain => Action::KeepAgain,
        Remedy::Forget => Action::Forget,
        Remedy::CallAgain | Remedy::CallAgainAt(_) => Action::CallApi,
        Remedy::UseUrl(url) => Action::Edit(Draft { url, ..draft() }),
        Remedy::UseMethod(method) => Action::Edit(Draft { method, ..draft() }),
        Remedy::UseHeader(name, value) => Action::Edit(draft().with_header(name, &value)),
        Remedy::Copy(_, text) => Action::Copy(text),
        Remedy::CopyUrls(urls) => Action::Copy(urls.join("\n")),
        Remedy::SeeChecks if state.session.is_some() => Action::ShowTab(state::Tab::Checks),
        Remedy::SeeChecks => Action::ShowChecks(true),
        Remedy::EditProfile => Action::OpenSettings(Some(state.profile().name.clone())),
        Remedy::FillIn(field, value) => Action::FillIn(field, value),
    }
}

/// Repaints when a countdown that stands at `left` shows its next second.
fn repaint_at_next_second(ui: &Ui, left: Duration) {
    let rest = Duration::from_nanos(u64::from(left.subsec_nanos()) + 1_000_000);
    ui.ctx().request_repaint_after(rest);
}

/// A rule across the panel.
fn rule(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, theme::palette(ui).line));
}
