//! Starts and cancels asynchronous work. Every task reports through the one channel, wakes the window, and ends in
//! exactly one terminal event, unless it was cancelled.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use poll_promise::Promise;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::state::{Event, Outgoing, TaskId, Work, Written};
use crate::auth::login::{self, Attempt, OpenBrowser};
use crate::auth::session::Session;
use crate::config::{Profile, ProfileFile};
use crate::http::Http;
use crate::store::{Account, Store};
use crate::{api, auth};

/// Makes the window look at the channel.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Starts the embedded provider and API, and says with which profile it is used.
pub type StartDemo = Box<dyn FnOnce() -> DemoFuture + Send>;
type DemoFuture = std::pin::Pin<Box<dyn Future<Output = Result<Profile, String>> + Send>>;

/// The outside world, as the window is given it.
pub struct World {
    /// Runs the tasks.
    pub runtime: Handle,
    /// Keeps sessions.
    pub store: Store,
    /// Opens the system browser.
    pub open: OpenBrowser,
    /// Starts the embedded provider and API.
    pub start_demo: StartDemo,
}

/// The tasks of a window.
pub struct Tasks {
    runtime: Handle,
    http: Http,
    store: Store,
    open: OpenBrowser,
    start_demo: Option<StartDemo>,
    report: Report,
    running: HashMap<Work, JoinHandle<()>>,
}

/// How a task speaks to the window.
#[derive(Clone)]
struct Report {
    task: TaskId,
    events: mpsc::Sender<Event>,
    wake: Wake,
}

impl Report {
    fn send(&self, event: Event) {
        // Nobody listens any more once the window is closed.
        if self.events.send(event).is_ok() {
            (self.wake)();
        }
    }
}

impl Tasks {
    /// The tasks of a window that `wake` wakes, and the channel that they report through.
    pub fn new(world: World, wake: Wake) -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel();
        let tasks = Self {
            runtime: world.runtime,
            http: Http::new(|_| {}),
            store: world.store,
            open: world.open,
            start_demo: Some(world.start_demo),
            report: Report { task: 0, events, wake },
            running: HashMap::new(),
        };
        (tasks, receiver)
    }

    /// Starts the demo provider, unless that was done before.
    pub fn start_demo(&mut self) -> Option<TaskId> {
        let start = self.start_demo.take()?;
        Some(self.start(Work::Demo, |report, _| async move {
            let result = start().await;
            report.send(Event::DemoStarted(report.task, result));
        }))
    }

    /// Reads the profile's session back.
    pub fn restore(&mut self, profile: &Profile) -> TaskId {
        let (store, account) = (self.store.clone(), Account::of(profile));
        self.start(Work::Restore, |report, _| async move {
            let result = store.load(&account).await;
            report.send(Event::Restored(report.task, result));
        })
    }

    /// Logs in.
    pub fn log_in(&mut self, profile: &Profile) -> TaskId {
        let (open, profile) = (Arc::clone(&self.open), profile.clone());
        self.start(Work::Login, |report, http| async move {
            let step = |step| report.send(Event::Stepped(report.task, step));
            let attempt =
                Attempt { profile: &profile, http: &http, open, report: &step, patience: login::PATIENCE };
            let result = attempt.run().await;
            report.send(Event::LoggedIn(report.task, result.map(Box::new)));
        })
    }

    /// Keeps the session of a log-in that the window has accepted: one that was cancelled in time never gets here.
    pub fn keep(&mut self, profile: &Profile, session: Arc<Session>) -> TaskId {
        let (store, account) = (self.store.clone(), Account::of(profile));
        self.start(Work::Keep, |report, _| async move {
            let kept = store.save(&account, &session).await;
            report.send(Event::Kept(report.task, kept));
        })
    }

    /// Calls the API.
    pub fn call(&mut self, outgoing: Outgoing) -> TaskId {
        self.start(Work::Call, |report, http| async move {
            let result = api::call(outgoing.request, outgoing.token.as_ref(), &http).await;
            report.send(Event::Called(report.task, result.map(Box::new)));
        })
    }

    /// Renews the session, and keeps what comes of it.
    pub fn renew(&mut self, profile: &Profile, session: &Session) -> TaskId {
        let (store, account, session) = (self.store.clone(), Account::of(profile), session.clone());
        self.start(Work::Renewal, |report, http| async move {
            let result = match session.renewed(&http).await {
                Ok(session) => {
                    let kept = store.save(&account, &session).await;
                    Ok((session, kept))
                }
                Err(error) => Err(error),
            };
            report.send(Event::Renewed(report.task, result));
        })
    }

    /// Logs out: here first, whatever the provider answers, then there.
    pub fn log_out(&mut self, profile: &Profile, session: &Session) -> TaskId {
        let pending: Vec<_> =
            [Work::Keep, Work::Renewal].iter().filter_map(|work| self.running.remove(work)).collect();
        let (store, account, mut session) = (self.store.clone(), Account::of(profile), session.clone());
        let open = Arc::clone(&self.open);
        self.start(Work::LogOut, |report, http| async move {
            let mut forgotten = store.delete(&account).await;
            // What was about to be kept when the person logged out must not come back; its tokens are the latest.
            for task in pending {
                let _ = task.await;
            }
            if let Ok(Some(late)) = store.load(&account).await {
                forgotten = store.delete(&account).await;
                session = late;
            }
            report.send(Event::Forgotten(report.task, forgotten));
            let result = match session.revoke(&http).await {
                Ok(Some(page)) => {
                    Ok(tokio::task::spawn_blocking(move || open(&page).is_ok()).await.unwrap_or(false))
                }
                Ok(None) => Ok(false),
                Err(error) => Err(error),
            };
            report.send(Event::LoggedOut(report.task, result));
        })
    }

    /// Opens the browser on a link once more.
    pub fn open(&self, link: &str) {
        let Ok(url) = url::Url::parse(link) else { return };
        let open = Arc::clone(&self.open);
        self.runtime.spawn_blocking(move || open(&url));
    }

    /// Writes `profile` to the file, in the place of the one of the `old` name.
    pub fn save_profile(&mut self, file: ProfileFile, old: Option<String>, profile: Profile) -> TaskId {
        self.write_file(move || {
            let file = file.save(old.as_deref(), &profile)?;
            Ok(Written { file, old, profile: Some(profile) })
        })
    }

    /// Removes the profile of this name from the file.
    pub fn remove_profile(&mut self, file: ProfileFile, name: String) -> TaskId {
        self.write_file(move || {
            let file = file.remove(&name)?;
            Ok(Written { file, old: Some(name), profile: None })
        })
    }

    fn write_file(
        &mut self,
        write: impl FnOnce() -> Result<Written, crate::config::SaveError> + Send + 'static,
    ) -> TaskId {
        self.start(Work::Save, |report, _| async move {
            if let Ok(result) = tokio::task::spawn_blocking(write).await {
                report.send(Event::Saved(report.task, Box::new(result)));
            }
        })
    }

    /// Cancels the work of this kind, if any runs. It reports nothing more that counts.
    pub fn cancel(&mut self, work: Work) {
        if let Some(task) = self.running.remove(&work) {
            task.abort();
        }
    }

    /// A value that one screen waits for; the window wakes when it is there.
    pub fn promise<T: Send + 'static>(&self, work: impl FnOnce(Http) -> BoxFuture<T>) -> Promise<T> {
        let (sender, promise) = Promise::new();
        let (work, wake) = (work(self.http.clone()), Arc::clone(&self.report.wake));
        self.runtime.spawn(async move {
            sender.send(work.await);
            wake();
        });
        promise
    }

    fn start<F>(&mut self, work: Work, task: impl FnOnce(Report, Http) -> F) -> TaskId
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // What keeps, renews or ends a session is seen through: its answer may be the only copy of a token.
        if matches!(work, Work::Demo | Work::Restore | Work::Login | Work::Call) {
            self.cancel(work);
        }
        self.report.task += 1;
        let report = self.report.clone();
        report.send(Event::Began(report.task, work));
        let recorder = report.clone();
        let http =
            self.http.recording(move |exchange| recorder.send(Event::Exchanged(recorder.task, exchange)));
        let handle = self.runtime.spawn(task(report, http));
        self.running.insert(work, handle);
        self.report.task
    }
}

/// A future on the heap.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds out whether a provider can be used, for the settings.
pub fn check_provider(
    issuer: String,
) -> impl FnOnce(Http) -> BoxFuture<Result<(), auth::provider::ProviderError>> {
    |http| Box::pin(async move { auth::provider::Provider::discover(&issuer, &http).await.map(|_| ()) })
}
