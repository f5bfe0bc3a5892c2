//! What the window shows, and the one place where it changes: [`State::apply`]. No egui and no tokio here.

mod call;
mod event;
mod session;
mod viewer;

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use oauth2::http::StatusCode;

pub use call::{Call, NotYet, Outgoing, Upcoming};
pub use event::{Action, Event, FaultItem, Tab, TaskId, Theme, Turn, Work, Written};
pub use session::{LoggedIn, Renewal, Trouble};
pub use viewer::{Did, Found, Look, LookedUp, LookingUp, MOST_COPIED, Position, Selection, Spot, Viewer};

use super::detail::Detail;
use super::history::{Entry, Filter, History, Mark};
use crate::api::CallError;
use crate::api::refusal::Refusal;
use crate::api::request::Draft;
use crate::api::response::{Cut, Response};
use crate::auth::Step;
use crate::auth::claims::Which;
use crate::auth::log_out::{EndSessionError, Ended, RevocationError};
use crate::auth::login::LoginError;
use crate::auth::renewal::{RenewalError, Renewed};
use crate::auth::session::{Session, Why};
use crate::auth::verification::{Occasion, Verification};
use crate::body::{Body, Search, View};
use crate::config::{
    DEMO, Field, FieldProblem, Loaded, Problem, Profile, ProfileFile, ProfileForm, SaveError,
};
use crate::doctor::{Finding, Summary, told};
use crate::explain::{self, Caller, Explanation};
use crate::http::{self, Exchange, Purpose};
use crate::redaction::Instead;
use crate::secret::Secret;
use crate::store::{Kept, StoreError, Unavailability, Unavailable};

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
    /// What it can be told to do wrong.
    pub faults: Vec<FaultItem>,
    /// The one of them that is on.
    pub fault: Option<FaultItem>,
    /// The session of the current profile, if there is one.
    pub session: Option<LoggedIn>,
    /// The attempt to log in, while it runs.
    pub login: Option<Attempt>,
    /// The news that the provider could not be told of a log-out yet.
    not_revoked: Option<Explanation>,
    /// Running tasks other than logins and calls.
    running: HashSet<(Work, TaskId)>,
    /// The task that said last that it waits for the keyring.
    at_keyring: Option<TaskId>,
    /// What the last attempt, renewal or log-out came to, until it is dismissed.
    pub news: Option<Explanation>,
    /// The request as it is written.
    pub draft: Draft,
    /// The ready-made request that the draft is, while it is unchanged.
    pub chosen: Option<usize>,
    /// The call to the API.
    pub call: Call,
    /// The call that was given up halfway, until what came of it was told.
    given_up: Option<TaskId>,
    /// The body of its answer, as it is shown.
    pub viewer: Option<Viewer>,
    /// The part of the response that is shown.
    pub tab: Tab,
    /// The token that is shown.
    pub token: Which,
    /// Whether it is asked if the token shall be copied.
    pub copying_token: bool,
    /// What was checked in this run, for the profile that is used.
    pub verification: Verifications,
    /// Whether the Login screen shows the checks of the last login.
    pub checks_shown: bool,
    /// Origins other than the profile's API that the person lets have the token in this run.
    trusted: HashSet<String>,
    /// The profile that is being edited.
    pub settings: Option<Settings>,
    /// What the examination of the setup has found so far, while it is shown.
    pub doctor: Option<Vec<Finding>>,
    /// Light or dark.
    pub theme: Theme,
    /// Whether the session is shown in detail.
    pub session_shown: bool,
    /// How far this computer's clock is ahead of the others', as the last answer told.
    pub clock_ahead: SignedDuration,
    /// Whether the timeline is shown; `None` for wherever there is room.
    pub timeline: Option<bool>,
    /// Everything that happened.
    pub history: History,
    /// The entry of it that is opened.
    pub opened: Option<Detail>,
    /// What is personal or secret of the sessions that there were.
    personal: BTreeSet<String>,
    /// What is secret in the last exchange with the API.
    told: Vec<String>,
    /// Whether somebody presents: large type, and nothing personal readable.
    pub presenting: bool,
    /// Whether it is shown as a sequence of messages.
    pub sequence: bool,
    /// Where it was last written to, or why it was not.
    pub exported: Option<Result<PathBuf, String>>,
}

/// The checks of the last login, also where it failed, and those of the last renewal.
#[derive(Clone, Debug, Default)]
pub struct Verifications {
    /// Those of the login, and when they were over.
    pub login: Option<(Timestamp, Verification)>,
    /// Those of the renewal that came after it, if one did.
    pub renewal: Option<(Timestamp, Verification)>,
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

/// What is to be started next, by the state.
#[derive(Debug)]
pub enum Next {
    /// Keep the session of a log-in; or of one that was kept in memory, once more.
    Keep(Arc<Session>, bool),
    /// Renew the session.
    Renew(Arc<Session>, Why),
    /// Make the call.
    Call(Box<Outgoing>),
    /// Look something up in the body of the answer.
    LookUp(LookingUp),
    /// Search it.
    Search(Arc<Body>, View, Arc<Mutex<Search>>),
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
    /// Whether saving it goes on to a login: whoever mends what a login failed for wants that next.
    pub logs_in: bool,
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
            faults: Vec::new(),
            fault: None,
            session: None,
            login: None,
            not_revoked: None,
            running: HashSet::new(),
            at_keyring: None,
            news: None,
            draft: Draft::default(),
            chosen: None,
            call: Call::None,
            given_up: None,
            viewer: None,
            tab: Tab::Body,
            token: Which::Access,
            copying_token: false,
            verification: Verifications::default(),
            checks_shown: false,
            trusted: HashSet::new(),
            settings: None,
            doctor: None,
            theme: Theme::System,
            session_shown: false,
            clock_ahead: SignedDuration::ZERO,
            timeline: None,
            history: History::default(),
            opened: None,
            personal: BTreeSet::new(),
            told: Vec::new(),
            presenting: false,
            sequence: false,
            exported: None,
        };
        state.choose(0);
        state
    }

    /// The same, with a demo that can be told to do these things wrong.
    #[must_use]
    pub fn with_faults(self, faults: Vec<FaultItem>) -> Self {
        Self { faults, ..self }
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

    /// Whether the setup can be examined: a login holds a port, and the demo provider must stand first, or have failed.
    #[must_use]
    pub fn can_examine(&self) -> bool {
        self.login.is_none() && !(self.is_demo() && self.demo == Demo::Starting)
    }

    /// Whether a task of this kind runs.
    #[must_use]
    pub fn is_running(&self, work: Work) -> bool {
        self.running.iter().any(|(running, _)| *running == work)
    }

    /// Whether this task looks something up in the body that is shown.
    #[must_use]
    pub fn looks_up(&self, task: TaskId) -> bool {
        self.running.contains(&(Work::LookUp, task))
    }

    /// Whether something waits for the keyring, which may be asking for its password.
    #[must_use]
    pub fn waits_for_keyring(&self) -> bool {
        self.at_keyring.is_some_and(|task| self.runs(task))
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

    /// What is to be started now; once it is, its task's [`Event::Began`] is applied before this is asked again.
    #[must_use]
    pub fn next(&self) -> Option<Next> {
        if let Some(logged_in) = &self.session {
            let session = &logged_in.session;
            let idle = !self.is_running(Work::Keep) && !self.is_running(Work::Renewal);
            if logged_in.kept.is_none() && idle {
                return Some(Next::Keep(Arc::clone(session), logged_in.kept_again));
            }
            let why = match &logged_in.renewal {
                Renewal::Wanted(why) => Some(*why),
                Renewal::Failed(Trouble { again: Some((at, _)), why, .. }) => {
                    Some(*why).filter(|_| *at <= Instant::now())
                }
                _ => None,
            };
            if let Some(why) = why.filter(|_| logged_in.kept.is_some() && idle) {
                return Some(Next::Renew(Arc::clone(session), why));
            }
        }
        match &self.call {
            Call::Upcoming(Upcoming { request, with_token, waits: false, .. }) => {
                let session = self.session.as_ref().filter(|_| *with_token);
                let token = session.map(|logged_in| logged_in.session.access_token.clone());
                Some(Next::Call(Box::new(Outgoing { request: request.clone(), token })))
            }
            _ => self.next_look(),
        }
    }

    /// What is to be looked up in the body of the answer, or searched.
    fn next_look(&self) -> Option<Next> {
        let viewer = self.viewer.as_ref()?;
        let lookup = viewer.next().filter(|_| !self.is_running(Work::LookUp)).map(Next::LookUp);
        lookup.or_else(|| {
            let (body, view, search) = viewer.next_search().filter(|_| !self.is_running(Work::Search))?;
            Some(Next::Search(body, view, search))
        })
    }

    /// What is personal or secret, as far as it is known: what a presentation hides.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let clients = self.profiles.iter().map(|profile| &profile.client_id);
        self.personal.iter().chain(&self.told).chain(clients).map(String::as_str)
    }

    /// What this session tells of a person is hidden from now on, also once it has ended.
    fn note_session(&mut self, logged_in: &LoggedIn) {
        let LoggedIn { session, access_token, id_token, .. } = logged_in;
        let user = &session.user;
        let known = [Some(&user.subject), user.name.as_ref(), user.email.as_ref(), user.picture.as_ref()];
        self.personal.extend(known.into_iter().flatten().cloned());
        let tokens = [Some(&session.access_token), session.refresh_token.as_ref(), session.id_token.as_ref()];
        self.personal.extend(tokens.into_iter().flatten().map(|token| token.expose().to_owned()));
        for layout in [Some(access_token), id_token.as_ref()].into_iter().flatten() {
            self.personal.extend(layout.personal().map(str::to_owned));
        }
    }

    /// And so is everything that user info says.
    fn note_user_info(&mut self, exchange: &Exchange) {
        let body = exchange.response(Instead::Itself).and_then(|message| message.body);
        let claims = body.and_then(|body| serde_json::from_str::<serde_json::Value>(&body).ok());
        let claims = claims.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
        self.personal.extend(claims.filter_map(|(_, claim)| claim.as_str()).map(str::to_owned));
    }

    /// When a renewal that failed is tried again, if nothing stands in its way.
    #[must_use]
    pub fn tries_again_at(&self) -> Option<Instant> {
        let logged_in = self.session.as_ref().filter(|logged_in| logged_in.kept.is_some())?;
        logged_in.trouble()?.again.map(|(at, _)| at).filter(|_| !self.is_running(Work::Keep))
    }

    /// Changes the state by what happened. What a task says after it was cancelled or replaced changes nothing.
    pub fn apply(&mut self, event: Event) {
        self.happened(event);
        // A body is kept as long as its answer is shown, whatever ended that.
        if !self.call.has_response() && self.viewer.take().is_some() {
            for work in [Work::LookUp, Work::Search, Work::SaveBody] {
                self.stop(work);
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Did(action) => self.did(action),
            Event::Began(task, work) => self.began(task, work),
            Event::Exchanged(task, exchange) => {
                self.got_past_keyring(task);
                if self.runs(task) || self.given_up.take_if(|given_up| *given_up == task).is_some() {
                    // The provider's clock is the one that its tokens are measured by.
                    if exchange.purpose != Purpose::Api {
                        self.clock_ahead = exchange.clock_ahead.unwrap_or(self.clock_ahead);
                    }
                    match exchange.purpose {
                        Purpose::UserInfo => self.note_user_info(&exchange),
                        Purpose::Api => self.told = exchange.secrets().collect(),
                        _ => {}
                    }
                    self.history.add(Entry::exchange(task, exchange));
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
            Event::Answered(task, response) => {
                if let Call::Running { task: running, response: known, .. } = &mut self.call
                    && *running == task
                {
                    // Before its exchange is over and can tell.
                    self.told = response.request.secrets().collect();
                    self.viewer = Some(Viewer::new(&response));
                    *known = Some(Arc::from(response));
                }
            }
            Event::Grew(task, progress, took) => {
                if let Some(viewer) = self.viewer.as_mut().filter(|_| self.call.is_running_as(task)) {
                    viewer.grew(progress, took);
                }
            }
            Event::Called(task, result) => {
                if let Call::Running { task: running, renewed, response } = &self.call
                    && *running == task
                {
                    let (renewed, is_known) = (*renewed, response.is_some());
                    self.show_body(result.as_deref().ok(), is_known);
                    self.called(result, renewed);
                }
            }
            Event::LookedUp(task, found) => {
                if self.ends(Work::LookUp, task)
                    && let Some(viewer) = &mut self.viewer
                {
                    viewer.found(found);
                }
            }
            Event::Searched(task, search, found) => {
                if let Some(viewer) =
                    self.viewer.as_mut().filter(|_| self.running.contains(&(Work::Search, task)))
                {
                    viewer.searched(&search, found);
                }
            }
            Event::SearchedAll(task) => {
                self.ends(Work::Search, task);
            }
            Event::BodySaved(task, result) => {
                if self.ends(Work::SaveBody, task)
                    && let Some(viewer) = &mut self.viewer
                {
                    viewer.did = Some(result.map_or_else(Did::NotSaved, Did::Saved));
                }
            }
            Event::Renewed(task, result) => {
                if self.ends(Work::Renewal, task) {
                    self.renewed(task, result);
                }
            }
            Event::Forgotten(task, result) => {
                self.got_past_keyring(task);
                if self.ends(Work::LogOut, task) {
                    self.forgotten(task, result);
                }
            }
            Event::NotRevokedYet(task, error) => {
                if self.runs(task) {
                    self.not_revoked(task, &error, true);
                }
            }
            Event::Revoked(task, result) => {
                if self.ends(Work::Revocation, task) {
                    self.revoked(task, result);
                }
            }
            Event::SessionEnded(task, result) => {
                if self.ends(Work::EndSession, task) {
                    self.session_ended(task, result);
                }
            }
            Event::Exported(task, result) => {
                if self.ends(Work::Export, task) {
                    self.exported = Some(result);
                }
            }
            Event::Found(task, finding) => {
                if self.runs(task)
                    && let Some(findings) = &mut self.doctor
                {
                    findings.push(finding);
                }
            }
            Event::Examined(task) => {
                if self.ends(Work::Examine, task) {
                    self.examined(task);
                }
            }
            Event::Saved(task, result) => {
                if self.ends(Work::Save, task) {
                    self.saved(*result);
                }
            }
            Event::FaultIs(task, turn, result) => {
                if self.ends(Work::Fault, task) {
                    self.fault_is(task, turn, result);
                }
            }
            Event::Died(task) => self.died(task),
        }
    }

    fn runs(&self, task: TaskId) -> bool {
        self.login.as_ref().is_some_and(|attempt| attempt.task == task)
            || self.call.is_running_as(task)
            || self.running.iter().any(|(_, running)| *running == task)
    }

    fn got_past_keyring(&mut self, task: TaskId) {
        self.at_keyring.take_if(|waiting| *waiting == task);
    }

    fn ends(&mut self, work: Work, task: TaskId) -> bool {
        self.running.remove(&(work, task))
    }

    fn stop(&mut self, work: Work) {
        self.running.retain(|(running, _)| *running != work);
    }

    fn did(&mut self, action: Action) {
        if action.leads_elsewhere() {
            (self.opened, self.sequence) = (None, false);
        }
        match action {
            Action::LogIn(_) => {
                self.news = None;
                self.stop(Work::EndSession);
                self.close_doctor();
            }
            Action::Dismiss | Action::Restore => {
                self.news = None;
                self.checks_shown = false;
            }
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
                Ok(outgoing) => self.upcoming(outgoing),
                Err(NotYet::Ask { origin, safe }) => self.call = Call::Asking { origin, safe },
                Err(NotYet::Draft(error)) => {
                    self.call = Call::Ended { response: None, explanation: Some(explain::draft(&error)) };
                }
            },
            Action::CallWithoutToken => {
                if let Ok(outgoing) = self.outgoing(false) {
                    self.upcoming(outgoing);
                }
            }
            Action::SendTokenTo(origin) => {
                self.trusted.insert(origin);
            }
            Action::CancelCall => {
                if let Call::Running { task, response, .. } = &self.call {
                    self.given_up = response.is_some().then_some(*task);
                    let what = if response.is_some() {
                        "the rest of its answer is not awaited"
                    } else {
                        "its answer is not awaited"
                    };
                    self.history.add(Entry::new(*task, Mark::Neutral, "Cancelled the call", what));
                }
                self.call = self.answer();
            }
            Action::Look(look) => {
                if let Some(viewer) = &mut self.viewer {
                    if matches!(look, Look::Find(_) | Look::Show(_)) {
                        self.running.retain(|(work, _)| *work != Work::Search);
                    }
                    if matches!(look, Look::Show(_)) {
                        self.running.retain(|(work, _)| *work != Work::LookUp);
                    }
                    viewer.look(look, self.presenting);
                }
            }
            Action::Renew => self.want_renewal(Why::Asked),
            Action::KeepAgain => {
                if let Some(logged_in) = &mut self.session {
                    logged_in.kept = None;
                    logged_in.kept_again = true;
                }
            }
            Action::ShowSession(shown) => self.session_shown = shown,
            Action::FilterTimeline(filter) => self.history.show(filter),
            Action::ClearTimeline => {
                self.history.clear();
                self.opened = None;
                self.exported = None;
            }
            Action::OpenEntry(number) => {
                self.opened = self.history.numbered(number).map(|entry| Detail::of(entry, false));
            }
            Action::Reveal(revealed) => {
                let revealed = revealed && !self.presenting;
                let entry = self.opened.as_ref().map(|detail| detail.entry.clone());
                self.opened = entry.map(|entry| Detail::of(&entry, revealed));
            }
            Action::CloseEntry => self.opened = None,
            Action::ShowSequence(shown) => {
                self.sequence = shown;
                self.opened = None;
            }
            Action::ShowTab(tab) => {
                self.tab = tab;
                self.copying_token = false;
            }
            Action::ShowToken(which) => {
                self.token = which;
                self.copying_token = false;
            }
            Action::AskToCopyToken(asked) => self.copying_token = asked,
            Action::CopyToken(_) => self.copying_token = false,
            Action::ShowChecks(shown) => self.checks_shown = shown,
            Action::LogOut | Action::Forget => {
                self.news = None;
                self.call = Call::None;
                self.forget_checks();
                self.end_session();
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
                self.settings = Some(Settings {
                    editing,
                    form,
                    touched: false,
                    problems: Vec::new(),
                    failure: None,
                    logs_in: false,
                });
            }
            Action::FillIn(field, value) => {
                self.did(Action::OpenSettings(Some(self.profile().name.clone())));
                if let Some(settings) = &mut self.settings {
                    match field {
                        Field::Issuer => settings.form.issuer = value,
                        Field::Audience => settings.form.audience = value,
                        Field::Resource => settings.form.resource = value,
                        // No remedy fills in another one.
                        _ => return,
                    }
                    settings.touched = true;
                    // The doctor examines it anew instead.
                    settings.logs_in = self.doctor.is_none();
                }
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
            Action::CloseDoctor => self.close_doctor(),
            Action::ShowTheme(theme) => self.theme = theme,
            Action::ShowTimeline(shown) => self.timeline = Some(shown),
            Action::Present(presenting) => {
                self.presenting = presenting;
                self.copying_token = false;
                // Revealed secrets do not stay so.
                let entry = self.opened.as_ref().map(|detail| detail.entry.clone());
                self.opened = entry.map(|entry| Detail::of(&entry, false));
            }
            Action::StartOver => {
                self.settings = None;
                self.switch(DEMO);
                self.history.clear();
                self.history.show(Filter::default());
                (self.opened, self.sequence, self.exported) = (None, false, None);
                (self.session_shown, self.tab) = (false, Tab::default());
            }
            Action::Copy(_)
            | Action::CopyLoginLink(_)
            | Action::OpenLoginLink(_)
            | Action::Export(_)
            | Action::Examine
            | Action::RemoveProfile
            | Action::TurnFault(_) => {}
        }
    }

    fn began(&mut self, task: TaskId, work: Work) {
        // What is looked up in a body is nothing that happened.
        if !matches!(work, Work::LookUp | Work::Search) {
            self.history.began(task, work);
        }
        match work {
            Work::Login => {
                self.stop(Work::Restore);
                // Those of the session that there is stay, in case this login is given up.
                self.verification.login.take_if(|(_, checks)| checks.failed().is_some());
                self.checks_shown = false;
                self.login = Some(Attempt { task, waiting: None, browser_problem: None });
            }
            Work::Call => {
                let renewed = matches!(&self.call, Call::Upcoming(upcoming) if upcoming.renewal.is_some());
                self.call = Call::Running { task, renewed, response: None };
            }
            work => {
                if work == Work::Renewal
                    && let Some(logged_in) = &mut self.session
                {
                    let why = match &logged_in.renewal {
                        Renewal::Wanted(why) | Renewal::Failed(Trouble { why, .. }) => *why,
                        Renewal::Idle | Renewal::Running(_) => Why::Asked,
                    };
                    logged_in.failed = logged_in.trouble().map_or(logged_in.failed, |trouble| trouble.failed);
                    logged_in.renewal = Renewal::Running(why);
                    self.history.add(Entry::renewing(task, why));
                }
                if work == Work::Examine {
                    self.doctor = Some(Vec::new());
                }
                if let Some(viewer) = self.viewer.as_mut().filter(|_| work == Work::LookUp) {
                    viewer.begins_to_look();
                }
                self.stop(work);
                self.running.insert((work, task));
            }
        }
    }

    /// A call as it was written; its token is renewed first where little of it is left.
    fn upcoming(&mut self, Outgoing { request, token }: Outgoing) {
        let due = self.session.as_ref().filter(|_| token.is_some()).is_some_and(|logged_in| {
            logged_in.is_renewable() && logged_in.session.is_due(logged_in.time_left())
        });
        if due {
            self.want_renewal(Why::BeforeCall);
        }
        let instead = Box::new(self.answer());
        let renewal = due.then_some(Why::BeforeCall);
        self.call =
            Call::Upcoming(Upcoming { request, with_token: token.is_some(), renewal, waits: due, instead });
    }

    fn want_renewal(&mut self, why: Why) {
        if let Some(logged_in) = &mut self.session {
            logged_in.wants_renewal(why);
        }
    }

    /// The last answer, as far as there is one; no call is under way then.
    fn answer(&mut self) -> Call {
        match std::mem::take(&mut self.call) {
            Call::Upcoming(upcoming) => *upcoming.instead,
            ended @ Call::Ended { .. } => ended,
            Call::Running { response: Some(response), .. } => self.broken_off(&response),
            Call::None | Call::Asking { .. } | Call::Running { .. } => Call::None,
        }
    }

    /// What there is of an answer whose rest the person does not wait for.
    fn broken_off(&mut self, response: &Response) -> Call {
        let progress = self.viewer.as_ref().map_or(response.progress, |viewer| viewer.progress);
        let response = response.broken_off(Cut::Cancelled, progress);
        self.show_body(Some(&response), true);
        Call::Ended { response: Some(Arc::new(response)), explanation: None }
    }

    /// Shows the body of this response, if there is one; `is_known` where its beginning was shown before.
    fn show_body(&mut self, response: Option<&Response>, is_known: bool) {
        match (&mut self.viewer, response) {
            (Some(viewer), Some(response)) if is_known => viewer.ended(response),
            (viewer, response) => *viewer = response.map(Viewer::new),
        }
    }

    /// What was asked was about another request.
    fn no_longer_asking(&mut self) {
        if matches!(self.call, Call::Asking { .. }) {
            self.call = Call::None;
        }
    }

    fn stepped(&mut self, task: TaskId, step: Step) {
        if !self.runs(task) {
            return;
        }
        if let Some(entry) = Entry::step(task, &step) {
            self.history.add(entry);
        }
        if matches!(step, Step::WaitingForKeyring) {
            self.at_keyring = Some(task);
        }
        let step = match step {
            Step::Checked(checks) => return self.checked(checks),
            step => step,
        };
        let Some(attempt) = self.login.as_mut().filter(|attempt| attempt.task == task) else { return };
        match step {
            Step::Waiting { link, redirect_uri, until } => {
                attempt.waiting = Some(Waiting { link, redirect_uri, until });
            }
            Step::BrowserDidNotOpen(problem) => attempt.browser_problem = Some(problem),
            Step::CameBack { .. } => attempt.waiting = None,
            _ => {}
        }
    }

    fn checked(&mut self, checks: Verification) {
        let occasion = checks.occasion;
        let checked = Some((Timestamp::now(), checks));
        match occasion {
            Occasion::Login => self.verification = Verifications { login: checked, renewal: None },
            Occasion::Renewal => self.verification.renewal = checked,
        }
    }

    fn forget_checks(&mut self) {
        self.verification = Verifications::default();
        self.checks_shown = false;
        self.copying_token = false;
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

    fn fault_is(&mut self, task: TaskId, turn: Turn, result: Result<Option<&'static str>, String>) {
        let id = match result {
            Ok(id) => id,
            // Nobody asked for a look.
            Err(_) if turn == Turn::Look => return,
            Err(problem) => {
                self.news = Some(explain::not_switched(&problem));
                return;
            }
        };
        let fault = self.faults.iter().find(|fault| Some(fault.id) == id).copied();
        if fault != self.fault {
            self.history.add(match fault {
                Some(fault) => {
                    Entry::new(task, Mark::Neutral, &format!("Fault on: {}", fault.title), fault.explains)
                }
                None => Entry::new(task, Mark::Neutral, "Fault off", "the demo is sound again"),
            });
        }
        self.fault = fault;
    }

    fn restored(&mut self, task: TaskId, result: Result<Option<(Session, Kept)>, StoreError>) {
        match result {
            Ok(Some((session, kept))) if session.belongs_to(self.profile()) => {
                self.history.add(Entry::restored(task, &kept));
                self.news = None;
                let mut logged_in = LoggedIn::new(session, Some(kept));
                self.note_session(&logged_in);
                if logged_in.has_expired() {
                    logged_in.wants_renewal(Why::Restored);
                }
                self.session = Some(logged_in);
            }
            Ok(_) => {}
            Err(error) => {
                // That there is no keyring is told when there is something to keep.
                if !matches!(&error, StoreError::Unavailable(why) if why.kind() == Unavailability::Absent) {
                    self.news = Some(explain::not_restored(&error));
                }
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
                let before = self.end_session();
                let same_person =
                    before.is_some_and(|before| before.session.user.subject == session.user.subject);
                let logged_in = LoggedIn::new(*session, None);
                self.note_session(&logged_in);
                self.session = Some(logged_in);
                self.news = None;
                // What the old session was refused says nothing of the new one.
                self.call = match std::mem::take(&mut self.call) {
                    Call::Ended { response: Some(response), .. } if same_person => {
                        Call::Ended { response: Some(response), explanation: None }
                    }
                    _ => Call::None,
                };
            }
            Err(error) => {
                let explanation = explain::login(&error, self.profile(), self.clock_ahead);
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

    fn called(&mut self, result: Result<Box<Response>, CallError>, renewed: bool) {
        let session = self.session.as_ref();
        self.call = match result {
            Ok(response) => {
                let caller = Caller {
                    profile: self.profile(),
                    session: session.map(|logged_in| &*logged_in.session),
                    expired: session.is_some_and(LoggedIn::has_expired),
                    now: Timestamp::now(),
                    clock_ahead: self.clock_ahead,
                };
                let explanation = explain::response(&response, &caller);
                // A token that the API no longer takes may be worth renewing, once a call.
                let wants_more = response.refusal.as_ref().is_some_and(Refusal::is_about_the_person);
                let refused =
                    response.with_token && response.status == StatusCode::UNAUTHORIZED && !wants_more;
                let again = refused && !renewed && session.is_some_and(LoggedIn::is_renewable);
                let request = again.then(|| response.request.clone());
                let ended = Call::Ended { response: Some(Arc::from(response)), explanation };
                match request {
                    None => ended,
                    Some(request) => {
                        self.want_renewal(Why::Refused);
                        let instead = Box::new(ended);
                        let renewal = Some(Why::Refused);
                        Call::Upcoming(Upcoming { request, with_token: true, renewal, waits: true, instead })
                    }
                }
            }
            Err(error) => {
                let url = self.draft.check(self.profile()).ok().map(|request| request.url);
                let explanation = explain::no_response(&error, url.as_ref());
                Call::Ended { response: None, explanation: Some(explanation) }
            }
        };
    }

    fn renewed(&mut self, task: TaskId, result: Result<Box<Renewed>, RenewalError>) {
        let Some(logged_in) = &mut self.session else { return };
        match result {
            Ok(renewed) => {
                let Renewed { session, kept } = *renewed;
                self.history.add(Entry::kept(task, &kept));
                let renewed = LoggedIn::new(session, Some(kept));
                *logged_in = renewed.clone();
                self.note_session(&renewed);
            }
            Err(error) => {
                let explanation = explain::renewal(&error);
                self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, error.to_string()));
                if error == RenewalError::EndedHere {
                    self.news = Some(explanation);
                    self.end_session();
                } else {
                    logged_in.has_trouble(explanation, &error);
                }
            }
        }
        self.call_after_renewal();
    }

    /// A call that waited for a renewal is made, if there is a token to make it with.
    fn call_after_renewal(&mut self) {
        let Call::Upcoming(upcoming) = &mut self.call else { return };
        let usable = self.session.as_ref().is_some_and(|logged_in| match logged_in.renewal {
            Renewal::Idle => true,
            // It was not refused yet, and has a few seconds left.
            _ => upcoming.renewal == Some(Why::BeforeCall) && !logged_in.has_expired(),
        });
        if usable {
            upcoming.waits = false;
        } else if upcoming.renewal == Some(Why::BeforeCall) {
            // The last answer is not this call's.
            let response = match &*upcoming.instead {
                Call::Ended { response, .. } => response.clone(),
                _ => None,
            };
            self.call = Call::Ended { response, explanation: Some(explain::not_called()) };
        } else {
            self.call = self.answer();
        }
    }

    /// There is no session any more; what it was.
    fn end_session(&mut self) -> Option<LoggedIn> {
        self.stop(Work::Keep);
        self.stop(Work::Renewal);
        self.session.take()
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

    fn revoked(&mut self, task: TaskId, result: Result<(), RevocationError>) {
        let said = self.not_revoked.take();
        self.news.take_if(|news| said.as_ref() == Some(news));
        if let Err(error) = result {
            self.not_revoked(task, &error, false);
        }
    }

    fn not_revoked(&mut self, task: TaskId, error: &RevocationError, again: bool) {
        let explanation = explain::not_revoked(error, again);
        self.history.add(Entry::new(task, Mark::Bad, &explanation.headline, error.to_string()));
        // That the session is still on this computer is the graver news.
        if self.news.is_none() {
            self.not_revoked = again.then(|| explanation.clone());
            self.news = Some(explanation);
        }
    }

    fn session_ended(&mut self, task: TaskId, result: Result<Ended, EndSessionError>) {
        match result {
            // Each step was told.
            Ok(Ended::CameBack | Ended::Opened) => {}
            Ok(Ended::NoPage) => {
                let detail = "it has no page to log out on";
                self.history.add(Entry::new(
                    task,
                    Mark::Neutral,
                    "The browser may still be logged in",
                    detail,
                ));
            }
            Err(error) => {
                let explanation = explain::session_not_ended(&error, self.profile());
                self.history.add(Entry::new(task, Mark::Neutral, &explanation.headline, error.to_string()));
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
        let (kept, renewed) = (self.ends(Work::Keep, task), self.ends(Work::Renewal, task));
        let looked = self.ends(Work::LookUp, task) || self.ends(Work::Search, task);
        if let Some(viewer) = self.viewer.as_mut().filter(|_| looked) {
            viewer.gives_up();
        }
        self.running.retain(|(_, running)| *running != task);
        if let Some(logged_in) = &mut self.session {
            if kept {
                logged_in.kept = Some(Kept::ThisRunOnly(Unavailable::new("it could not be reached")));
            }
            if renewed {
                logged_in.renewal = Renewal::Idle;
            }
        }
        if renewed {
            self.call_after_renewal();
        }
        if self.call.is_running_as(task) {
            self.call = Call::None;
        }
        self.news = Some(explanation);
    }

    fn examined(&mut self, task: TaskId) {
        let Some(findings) = &self.doctor else { return };
        let summary = Summary::of(findings);
        let mark = if summary.failed == 0 { Mark::Good } else { Mark::Bad };
        self.history.add(Entry::new(task, mark, "Examined the setup", told::summary(summary)));
    }

    fn close_doctor(&mut self) {
        self.doctor = None;
        self.stop(Work::Examine);
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
        self.end_session();
        self.login = None;
        self.news = None;
        self.call = Call::None;
        self.trusted.clear();
        self.forget_checks();
        // A log-out goes on: that it failed is news under any profile.
        self.stop(Work::Restore);
        self.stop(Work::EndSession);
        self.close_doctor();
        self.choose(0);
    }

    fn choose(&mut self, index: usize) {
        let ready = self.profile().requests.get(index).map(|ready| Draft::ready(ready, self.profile()));
        self.chosen = ready.as_ref().map(|_| index);
        self.draft = ready.unwrap_or_else(|| Draft { method: "GET".to_owned(), ..Draft::default() });
    }
}
