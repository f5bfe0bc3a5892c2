//! What the window shows, and the one place where it changes: [`State::apply`]. No egui and no tokio here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::history::{Entry, History, Mark};
use crate::api::CallError;
use crate::api::request::{Draft, DraftError, Request};
use crate::api::response::Response;
use crate::auth::Step;
use crate::auth::login::LoginError;
use crate::auth::session::{RenewalError, RevocationError, Session, StepUp};
use crate::config::{DEMO, FieldProblem, Loaded, Problem, Profile, ProfileFile, ProfileForm, SaveError};
use crate::explain::{self, Explanation};
use crate::http::{self, Exchange};
use crate::secret::Secret;
use crate::store::{Kept, StoreError};

/// A task, told from every other of this run.
pub type TaskId = u64;

/// What a task works at. Of each there is one at a time: a new one replaces the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Starting the embedded provider and API.
    Demo,
    /// Reading the kept session back.
    Restore,
    /// An attempt to log in.
    Login,
    /// Keeping the session that came of it.
    Keep,
    /// A call to the API.
    Call,
    /// A renewal of the access token.
    Renewal,
    /// Logging out.
    LogOut,
    /// Writing the profile file.
    Save,
}

/// What the person did. Drawing a screen returns one of these and changes nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Action {
    /// Log in, and ask for this beyond the profile.
    LogIn(StepUp),
    CancelLogin,
    Copy(String),
    CopyLoginLink(Secret),
    OpenLoginLink(Secret),
    ChooseRequest(usize),
    Edit(Draft),
    CallApi,
    /// Yes, send the token to this origin too.
    SendTokenTo(String),
    CallWithoutToken,
    CancelCall,
    ShowTab(Tab),
    Renew,
    LogOut,
    SwitchProfile(String),
    /// Edit the profile of this name, or a new one.
    OpenSettings(Option<String>),
    EditForm(ProfileForm),
    SaveProfile,
    RemoveProfile,
    CloseSettings,
    Dismiss,
    ShowTheme(Theme),
    ShowTimeline(bool),
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The person did something; what it needs of the outside world is already under way.
    Did(Action),
    /// A task began.
    Began(TaskId, Work),
    /// A task exchanged a request and a response.
    Exchanged(TaskId, Exchange),
    /// An attempt to log in took a step.
    Stepped(TaskId, Step),
    /// The demo provider stands, with this profile; or does not, and why.
    DemoStarted(TaskId, Result<Profile, String>),
    /// The kept session was read.
    Restored(TaskId, Result<Option<(Session, Kept)>, StoreError>),
    /// An attempt to log in ended.
    LoggedIn(TaskId, Result<Box<Session>, LoginError>),
    /// The session was put where it is kept.
    Kept(TaskId, Kept),
    /// A call ended.
    Called(TaskId, Result<Box<Response>, CallError>),
    /// A renewal ended.
    Renewed(TaskId, Result<(Session, Kept), RenewalError>),
    /// The session is gone from this computer, or not, and why.
    Forgotten(TaskId, Result<(), StoreError>),
    /// The provider was told; `true` where its own session ends in the browser.
    LoggedOut(TaskId, Result<bool, RevocationError>),
    /// A task ended without a result, through a fault of Hallpass.
    Died(TaskId),
    /// The profile file was written with this profile in the place of the one of the old name.
    Saved(TaskId, Box<Result<Written, SaveError>>),
}

/// What writing the profile file left.
#[derive(Debug)]
pub struct Written {
    /// The file as it is now.
    pub file: ProfileFile,
    /// The name of the profile before, if it was there.
    pub old: Option<String>,
    /// The profile as it is now; `None` where it was removed.
    pub profile: Option<Profile>,
}

/// The part of the response that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Its body.
    #[default]
    Body,
    /// Its headers.
    Headers,
    /// What was sent.
    Request,
}

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// Everything that the window shows.
#[derive(Debug)]
pub struct State {
    /// The profiles, Demo first.
    pub profiles: Vec<Profile>,
    /// Index of the profile that is used.
    current: usize,
    /// Where profiles are kept, if anywhere.
    pub file: Option<ProfileFile>,
    /// What is wrong with the profile file.
    pub problems: Vec<Problem>,
    /// Whether what runs was made by environment variables, for this run only.
    overridden: bool,
    /// Whether the demo provider stands.
    pub demo: Demo,
    /// The session of the current profile, if there is one.
    pub session: Option<LoggedIn>,
    /// The attempt to log in, while it runs.
    pub login: Option<Attempt>,
    /// Running tasks other than logins and calls.
    running: HashSet<(Work, TaskId)>,
    /// What the last attempt, renewal or log-out came to, until it is dismissed.
    pub news: Option<Explanation>,
    /// The request as it is written.
    pub draft: Draft,
    /// The ready-made request that the draft is, while it is unchanged.
    pub chosen: Option<usize>,
    /// The call to the API.
    pub call: Call,
    /// The part of the response that is shown.
    pub tab: Tab,
    /// Origins other than the profile's API that the person lets have the token in this run.
    trusted: HashSet<String>,
    /// The profile that is being edited.
    pub settings: Option<Settings>,
    /// Light or dark.
    pub theme: Theme,
    /// Whether the timeline is shown; `None` for wherever there is room.
    pub timeline: Option<bool>,
    /// Everything that happened.
    pub history: History,
}

/// Whether the demo provider stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demo {
    /// Not asked for yet, or on its way.
    Starting,
    /// It stands.
    Ready,
    /// It does not, and why.
    Failed(String),
}

/// A session and where it is kept.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The session.
    pub session: Arc<Session>,
    /// Where it is kept, once that is known.
    pub kept: Option<Kept>,
}

/// An attempt to log in that runs.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its task.
    pub task: TaskId,
    /// Waiting for the person, once the browser is open.
    pub waiting: Option<Waiting>,
    /// Why the browser did not open, if it did not.
    pub browser_problem: Option<String>,
}

/// What an attempt waits for.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The authorization request.
    pub link: Secret,
    /// Where the callback is awaited.
    pub redirect_uri: String,
    /// When the attempt gives up.
    pub until: Instant,
}

/// The call to the API.
#[derive(Clone, Debug, Default)]
pub enum Call {
    /// None was made.
    #[default]
    None,
    /// It would take the token to another origin than the profile's API.
    Asking {
        /// That origin.
        origin: String,
        /// Whether the token would travel safely.
        safe: bool,
    },
    /// It runs.
    Running(TaskId),
    /// It ended: with a response or without, and explained where that helps.
    Ended {
        /// The response.
        response: Option<Arc<Response>>,
        /// Why it is not a success.
        explanation: Option<Explanation>,
    },
}

/// A profile that is being edited.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the file; `None` for a new one.
    pub editing: Option<String>,
    /// What is typed.
    pub form: ProfileForm,
    /// Whether anything was.
    pub touched: bool,
    /// What is wrong with it, once it was tried to be saved.
    pub problems: Vec<FieldProblem>,
    /// Why the file was not written.
    pub failure: Option<String>,
}

/// What a call needs.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The request.
    pub request: Request,
    /// The token that goes with it.
    pub token: Option<Secret>,
}

/// Why a call cannot start as it is.
#[derive(Clone, Debug)]
pub enum NotYet {
    /// The draft is no request.
    Draft(DraftError),
    /// The token would go to another origin.
    Ask {
        /// That origin.
        origin: String,
        /// Whether the token would travel safely.
        safe: bool,
    },
}

impl State {
    /// The state at start: the built-in profile, the `loaded` ones, and nothing else known.
    #[must_use]
    pub fn new(demo: Profile, loaded: Loaded) -> Self {
        let profiles: Vec<_> = std::iter::once(demo).chain(loaded.profiles).collect();
        let current = profiles.iter().position(|profile| profile.name == loaded.start).unwrap_or(0);
        let mut state = Self {
            profiles,
            current,
            file: loaded.file,
            overridden: loaded.overridden,
            problems: loaded.problems,
            demo: Demo::Starting,
            session: None,
            login: None,
            running: HashSet::new(),
            news: None,
            draft: Draft::default(),
            chosen: None,
            call: Call::None,
            tab: Tab::Body,
            trusted: HashSet::new(),
            settings: None,
            theme: Theme::System,
            timeline: None,
            history: History::default(),
        };
        state.choose(0);
        state
    }

    /// The profile that is used.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profiles[self.current]
    }

    /// Whether the profile that is used is the built-in one.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.profile().name == DEMO
    }

    /// Whether a log-in can start: the demo provider must stand first.
    #[must_use]
    pub fn can_log_in(&self) -> bool {
        !self.is_demo() || self.demo == Demo::Ready
    }

    /// Whether a task of this kind runs.
    #[must_use]
    pub fn is_running(&self, work: Work) -> bool {
        self.running.iter().any(|(running, _)| *running == work)
    }

    /// What the call that is written needs, or why it cannot start. `with_token` is what the person says, where the
    /// token would go to an origin that is not the API's.
    ///
    /// # Errors
    /// Why it cannot start.
    pub fn outgoing(&self, with_token: bool) -> Result<Outgoing, NotYet> {
        let request = self.draft.check(self.profile()).map_err(NotYet::Draft)?;
        let Some(session) = self.session.as_ref().filter(|_| with_token) else {
            return Ok(Outgoing { request, token: None });
        };
        let origin = request.url.origin();
        let name = origin.ascii_serialization();
        let safe = http::is_safe(&request.url);
        let is_the_api = self.profile().api.as_ref().is_some_and(|api| api.origin() == origin);
        if !(is_the_api && safe || self.trusted.contains(&name)) {
            return Err(NotYet::Ask { origin: name, safe });
        }
        Ok(Outgoing { request, token: Some(session.session.access_token.clone()) })
    }

    /// Changes the state by what happened. What a task says after it was cancelled or replaced changes nothing.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Did(action) => self.did(action),
            Event::Began(task, work) => self.began(task, work),
            Event::Exchanged(task, exchange) => {
                if self.runs(task) {
                    self.history.add(Entry::exchange(task, &exchange));
                }
            }
            Event::Stepped(task, step) => self.stepped(task, step),
            Event::DemoStarted(task, result) => {
                if self.ends(Work::Demo, task) {
                    self.demo_started(result);
                }
            }
            Event::Restored(task, result) => {
                if self.ends(Work::Restore, task) {
                    self.restored(task, result);
                }
            }
            Event::LoggedIn(task, result) => {
                if self.login.take_if(|attempt| attempt.task == task).is_some() {
                    self.logged_in(task, result);
                }
            }
            Event::Kept(task, kept) => {
                if self.ends(Work::Keep, task) {
                    self.kept(task, kept);
                }
            }
            Event::Called(task, result) => {
                if matches!(self.call, Call::Running(running) if running == task) {
                    self.called(result);
                }
            }
            Event::Renewed(task, result) => {
                if self.ends(Work::Renewal, task) {
                    self.renewed(task, result);
                }
            }
            Event::Forgotten(task, result) => {
                if self.runs(task) {
                    self.forgotten(task, result);
                }
            }
            Event::LoggedOut(task, result) => {
                if self.ends(Work::LogOut, task) {
                    self.logged_out(task, result);
                }
            }
            Event::Saved(task, result) => {
                if self.ends(Work::Save, task) {
                    self.saved(*result);
                }
            }
            Event::Died(task) => self.died(task),
        }
    }

    fn runs(&self, task: TaskId) -> bool {
        self.login.as_ref().is_some_and(|attempt| attempt.task == task)
            || matches!(self.call, Call::Running(running) if running == task)
            || self.running.iter().any(|(_, running)| *running == task)
    }

    fn ends(&mut self, work: Work, task: TaskId) -> bool {
        self.running.remove(&(work, task))
    }

    fn stop(&mut self, work: Work) {
        self.running.retain(|(running, _)| *running != work);
    }

    fn did(&mut self, action: Action) {
        match action {
            Action::LogIn(_) | Action::Dismiss => self.news = None,
            Action::CancelLogin => {
                if let Some(attempt) = self.login.take() {
                    self.history.add(Entry::new(
                        attempt.task,
                        Mark::Neutral,
                        "Cancelled the login",
                        "nothing was kept",
                    ));
                }
            }
            Action::ChooseRequest(index) => {
                self.no_longer_asking();
                self.choose(index);
            }
            Action::Edit(draft) => {
                self.no_longer_asking();
                let ready = self.chosen.and_then(|index| self.profile().requests.get(index));
                let same = ready.is_some_and(|ready| Draft::ready(ready, self.profile()) == draft);
                self.chosen = self.chosen.filter(|_| same);
                self.draft = draft;
            }
            Action::CallApi => match self.outgoing(true) {
                Ok(_) => {}
                Err(NotYet::Ask { origin, safe }) => self.call = Call::Asking { origin, safe },
                Err(NotYet::Draft(error)) => {
                    self.call = Call::Ended { response: None, explanation: Some(explain::draft(&error)) };
                }
            },
            Action::SendTokenTo(origin) => {
                self.trusted.insert(origin);
            }
            Action::CancelCall => {
                if let Call::Running(task) = self.call {
                    self.history.add(Entry::new(
                        task,
                        Mark::Neutral,
                        "Cancelled the call",
                        "its answer is not awaited",
                    ));
                }
                self.call = Call::None;
            }
            Action::ShowTab(tab) => self.tab = tab,
            Action::LogOut => {
                self.session = None;
                self.news = None;
                self.call = Call::None;
                self.stop(Work::Keep);
                self.stop(Work::Renewal);
            }
            Action::SwitchProfile(name) => self.switch(&name),
            // What is typed is not thrown away.
            Action::OpenSettings(_) if self.settings.as_ref().is_some_and(|settings| settings.touched) => {}
            Action::OpenSettings(name) => {
                let profile =
                    name.as_ref().and_then(|name| self.profiles.iter().find(|profile| profile.name == *name));
                let form = profile.map_or_else(ProfileForm::default, ProfileForm::from);
                // What environment variables made or changed is not in the file as it stands here.
                let editing = name.filter(|name| !(self.overridden && *name == self.profile().name));
                self.settings =
                    Some(Settings { editing, form, touched: false, problems: Vec::new(), failure: None });
            }
            Action::EditForm(form) => {
                if let Some(settings) = &mut self.settings {
                    // Once it was tried, each change is checked, so that a corrected field says so at once.
                    if !settings.problems.is_empty() {
                        settings.problems = form.check().err().unwrap_or_default();
                    }
                    settings.form = form;
                    settings.touched = true;
                    settings.failure = None;
                }
            }
            Action::SaveProfile => {
                if let Some(settings) = &mut self.settings {
                    settings.problems = settings.form.check().err().unwrap_or_default();
                    settings.failure = None;
                }
            }
            Action::CloseSettings => self.settings = None,
            Action::ShowTheme(theme) => self.theme = theme,
            Action::ShowTimeline(shown) => self.timeline = Some(shown),
            Action::Copy(_)
            | Action::CopyLoginLink(_)
            | Action::OpenLoginLink(_)
            | Action::CallWithoutToken
            | Action::Renew
            | Action::RemoveProfile => {}
        }
    }

    fn began(&mut self, task: TaskId, work: Work) {
        match work {
            Work::Login => {
                self.stop(Work::Restore);
                self.login = Some(Attempt { task, waiting: None, browser_problem: None });
            }
            Work::Call => self.call = Call::Running(task),
            work => {
                self.stop(work);
                self.running.insert((work, task));
            }
        }
    }

    /// What was asked was about another request.
    fn no_longer_asking(&mut self) {
        if matches!(self.call, Call::Asking { .. }) {
            self.call = Call::None;
        }
    }

    fn stepped(&mut self, task: TaskId, step: Step) {
        let Some(attempt) = self.login.as_mut().filter(|attempt| attempt.task == task) else { return };
        if let Some(entry) = Entry::step(task, &step) {
            self.history.add(entry);
        }
        match step {
            Step::Waiting { link, redirect_uri, until } => {
                attempt.waiting = Some(Waiting { link, redirect_uri, until });
            }
            Step::BrowserDidNotOpen(problem) => attempt.browser_problem = Some(problem),
            Step::CameBack { .. } => attempt.waiting = None,
            _ => {}
        }
    }

    fn demo_started(&mut self, result: Result<Profile, String>) {
        match result {
            Ok(profile) => {
                self.demo = Demo::Ready;
                if let Some(demo) = self.profiles.iter_mut().find(|profile| profile.name == DEMO) {
                    *demo = profile;
                }
                if self.is_demo() && self.chosen.is_some() {
                    self.choose(self.chosen.unwrap_or(0));
                }
            }
            Err(problem) => self.demo = Demo::Failed(problem),
        }
    }

    fn restored(&mut self, task: TaskId, result: Result<Option<(Session, Kept)>, StoreError>) {
        match result {
            Ok(Some((session, kept))) if session.belongs_to(self.profile()) => {
                self.history.add(Entry::restored(task, &kept));
                self.session = Some(LoggedIn { session: Arc::new(session), kept: Some(kept) });
            }
            Ok(_) => {}
            Err(error) => {
                self.history.add(Entry::new(
                    task,
                    Mark::Neutral,
                    "No kept session could be read",
                    error.to_string(),
                ));
            }
        }
    }

    fn logged_in(&mut self, task: TaskId, result: Result<Box<Session>, LoginError>) {
        match result {
            Ok(session) => {
                // What a renewal of the old session brings is no longer wanted.
                self.stop(Work::Renewal);
                self.session = Some(LoggedIn { session: Arc::from(session), kept: None });
                self.news = None;
                // What the old session was refused says nothing of the new one.
                self.call = Call::None;
            }
            Err(error) => {
                let explanation = explain::login(&error, self.profile());
                let mark = if explanation.tone == explain::Tone::Refused { Mark::Neutral } else { Mark::Bad };
                self.history.add(Entry::new(task, mark, &explanation.headline, error.to_string()));
                self.news = Some(explanation);
            }
        }
    }

    fn kept(&mut self, task: TaskId, kept: Kept) {
        self.history.add(Entry::kept(task, &kept));
        if let Some(logged_in) = &mut self.session {
            logged_in.kept = Some(kept);
        }
    }

    fn called(&mut self, result: Result<Box<Response>, CallError>) {
        let session = self.session.as_ref().map(|logged_in| &*logged_in.session);
        self.call = match result {
            Ok(response) => {
                let explanation = explain::response(&response, session, Timestamp::now());
                Call::Ended { response: Some(Arc::from(response)), explanation }
            }
            Err(error) => Call::Ended { response: None, explanation: Some(explain::no_response(&error)) },
        };
    }

    fn renewed(&mut self, task: TaskId, result: Result<(Session, Kept), RenewalError>) {
        match result {
            Ok((session, kept)) => {
                self.history.add(Entry::kept(task, &kept));
                self.session = Some(LoggedIn { session: Arc::new(session), kept: Some(kept) });
                self.news = None;
            }
            Err(error) => {
                let explanation = explain::renewal(&error);
                self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, error.to_string()));
                self.news = Some(explanation);
            }
        }
    }

    fn forgotten(&mut self, task: TaskId, result: Result<(), StoreError>) {
        match result {
            Ok(()) => self.history.add(Entry::new(
                task,
                Mark::Good,
                "Forgot you on this computer",
                crate::store::KEYRING,
            )),
            Err(error) => {
                let explanation = explain::not_forgotten(&error);
                self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, error.to_string()));
                self.news = Some(explanation);
            }
        }
    }

    fn logged_out(&mut self, task: TaskId, result: Result<bool, RevocationError>) {
        match result {
            Ok(true) => self.history.add(Entry::new(
                task,
                Mark::Good,
                "Opened the provider's log-out page",
                "in your browser",
            )),
            Ok(false) => {}
            Err(error) => {
                let explanation = explain::not_revoked(&error);
                self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, error.to_string()));
                // That the session is still on this computer is the graver news.
                self.news.get_or_insert(explanation);
            }
        }
    }

    fn died(&mut self, task: TaskId) {
        if !self.runs(task) {
            return;
        }
        let explanation = explain::fault();
        self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, ""));
        self.login.take_if(|attempt| attempt.task == task);
        self.running.retain(|(_, running)| *running != task);
        if matches!(self.call, Call::Running(running) if running == task) {
            self.call = Call::None;
        }
        self.news = Some(explanation);
    }

    fn saved(&mut self, result: Result<Written, SaveError>) {
        let written = match result {
            Ok(written) => written,
            Err(error) => {
                if let Some(settings) = &mut self.settings {
                    settings.failure = Some(error.to_string());
                }
                return;
            }
        };
        self.settings = None;
        self.file = Some(written.file);
        self.overridden = false;
        // One that environment variables made has no old name in the file, and is replaced all the same.
        let old = written.old.or(written.profile.as_ref().map(|profile| profile.name.clone()));
        let old = old.and_then(|old| self.profiles.iter().position(|profile| profile.name == old));
        match (written.profile, old) {
            (Some(profile), old) => {
                let name = profile.name.clone();
                match old {
                    Some(index) => self.profiles[index] = profile,
                    None => self.profiles.push(profile),
                }
                self.switch(&name);
            }
            (None, Some(index)) => {
                self.profiles.remove(index);
                let first = self.profiles[0].name.clone();
                self.switch(&first);
            }
            (None, None) => {}
        }
    }

    /// Leaves the current profile: nothing of it is shown under another's name.
    fn switch(&mut self, name: &str) {
        let Some(index) = self.profiles.iter().position(|profile| profile.name == name) else { return };
        self.current = index;
        self.session = None;
        self.login = None;
        self.news = None;
        self.call = Call::None;
        self.trusted.clear();
        // A log-out goes on: that it failed is news under any profile.
        for work in [Work::Restore, Work::Keep, Work::Renewal] {
            self.stop(work);
        }
        self.choose(0);
    }

    fn choose(&mut self, index: usize) {
        let ready = self.profile().requests.get(index).map(|ready| Draft::ready(ready, self.profile()));
        self.chosen = ready.as_ref().map(|_| index);
        self.draft = ready.unwrap_or_else(|| Draft { method: "GET".to_owned(), ..Draft::default() });
    }
}
