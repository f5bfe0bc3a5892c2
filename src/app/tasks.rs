//! Starts and cancels asynchronous work. Every task reports through the one channel, wakes the window, and ends in
//! exactly one terminal event, unless it was cancelled.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use poll_promise::Promise;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use super::state::{Event, Outgoing, TaskId, Work, Written};
use crate::auth::login::{self, Attempt, OpenBrowser};
use crate::auth::session::{Session, StepUp};
use crate::config::{Profile, ProfileFile, SaveError};
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
    running: HashMap<Work, JoinHandle<Option<Session>>>,
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
            None
        }))
    }

    /// Reads the profile's session back, once what is about to be kept is kept.
    pub fn restore(&mut self, profile: &Profile) -> TaskId {
        let (store, account, pending) = (self.store.clone(), Account::of(profile), self.pending());
        self.start(Work::Restore, |report, _| async move {
            pending.settle().await;
            let result = store.load(&account).await;
            report.send(Event::Restored(report.task, result));
            None
        })
    }

    /// Logs in, and asks for `step_up` beyond the profile.
    pub fn log_in(&mut self, profile: &Profile, step_up: StepUp) -> TaskId {
        let (open, profile) = (Arc::clone(&self.open), profile.clone());
        self.start(Work::Login, |report, http| async move {
            let step = |step| report.send(Event::Stepped(report.task, step));
            let attempt = Attempt {
                profile: &profile,
                step_up: &step_up,
                http: &http,
                open,
                report: &step,
                patience: login::PATIENCE,
            };
            let result = Box::pin(attempt.run()).await;
            report.send(Event::LoggedIn(report.task, result.map(Box::new)));
            None
        })
    }

    /// Keeps the session of a log-in that the window has accepted: one that was cancelled in time never gets here.
    pub fn keep(&mut self, profile: &Profile, session: Arc<Session>) -> TaskId {
        let (store, account, pending) = (self.store.clone(), Account::of(profile), self.pending());
        self.start(Work::Keep, |report, _| async move {
            // The session of this login comes after whatever an older one's renewal brings.
            pending.settle().await;
            let kept = store.save(&account, &session).await;
            report.send(Event::Kept(report.task, kept));
            Some(Session::clone(&session))
        })
    }

    /// Calls the API.
    pub fn call(&mut self, outgoing: Outgoing) -> TaskId {
        self.start(Work::Call, |report, http| async move {
            let result = api::call(outgoing.request, outgoing.token.as_ref(), &http).await;
            report.send(Event::Called(report.task, result.map(Box::new)));
            None
        })
    }

    /// Renews the session, and keeps what comes of it. Where the store has a younger one of the same person, as by
    /// another window's renewal, that is taken instead: the refresh token of this one is spent.
    pub fn renew(&mut self, profile: &Profile, session: &Session) -> TaskId {
        let (store, account, session) = (self.store.clone(), Account::of(profile), session.clone());
        self.start(Work::Renewal, |report, http| async move {
            if let Ok(Some((stored, kept))) = store.load(&account).await
                && stored.issued_at > session.issued_at
                && stored.user.subject == session.user.subject
            {
                report.send(Event::Renewed(report.task, Ok((stored, kept))));
                return None;
            }
            match session.renewed(&http).await {
                Ok(session) => {
                    let kept = store.save(&account, &session).await;
                    report.send(Event::Renewed(report.task, Ok((session.clone(), kept))));
                    Some(session)
                }
                Err(error) => {
                    report.send(Event::Renewed(report.task, Err(error)));
                    None
                }
            }
        })
    }

    /// Logs out: here first, whatever the provider answers, then there, in the browser too if `in_browser`.
    pub fn log_out(&mut self, profile: &Profile, session: &Session, in_browser: bool) -> TaskId {
        let (store, account, pending) = (self.store.clone(), Account::of(profile), self.pending());
        let (mut session, open) = (session.clone(), Arc::clone(&self.open));
        self.start(Work::LogOut, |report, http| async move {
            let mut forgotten = store.delete(&account).await;
            // What was about to be kept when the person logged out must not come back; its tokens are the latest.
            if let Some(late) = pending.settle().await {
                if let Ok(Some((stored, _))) = store.load(&account).await
                    && stored == late
                {
                    forgotten = store.delete(&account).await;
                }
                session = late;
            }
            report.send(Event::Forgotten(report.task, forgotten));
            let result = match session.revoke(&http).await {
                Ok(Some(page)) if in_browser => {
                    Ok(tokio::task::spawn_blocking(move || open(&page).is_ok()).await.unwrap_or(false))
                }
                Ok(_) => Ok(false),
                Err(error) => Err(error),
            };
            report.send(Event::LoggedOut(report.task, result));
            None
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

    fn write_file(&mut self, write: impl FnOnce() -> Result<Written, SaveError> + Send + 'static) -> TaskId {
        self.start(Work::Save, |report, _| async move {
            match tokio::task::spawn_blocking(write).await {
                Ok(result) => report.send(Event::Saved(report.task, Box::new(result))),
                Err(_) => report.send(Event::Died(report.task)),
            }
            None
        })
    }

    /// Waits for what keeps or ends a session, so that closing the window loses nothing; `patience` at the most.
    pub fn finish(&mut self, patience: Duration) {
        let pending: Vec<_> = SEEN_THROUGH.iter().filter_map(|work| self.running.remove(work)).collect();
        self.runtime.block_on(async {
            let all = async {
                for task in pending {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(patience, all).await;
        });
    }

    /// What is about to be kept.
    fn pending(&mut self) -> Pending {
        Pending([Work::Keep, Work::Renewal].iter().filter_map(|work| self.running.remove(work)).collect())
    }

    /// Cancels the work of this kind, if any runs. It reports nothing more that counts.
    pub fn cancel(&mut self, work: Work) {
        if let Some(task) = self.running.remove(&work) {
            task.abort();
        }
    }

    /// A value that one screen waits for; the window wakes when it is there. It is no part of the timeline.
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
        F: Future<Output = Option<Session>> + Send + 'static,
    {
        if !SEEN_THROUGH.contains(&work) {
            self.cancel(work);
        }
        self.report.task += 1;
        let report = self.report.clone();
        report.send(Event::Began(report.task, work));
        let recorder = report.clone();
        let http =
            self.http.recording(move |exchange| recorder.send(Event::Exchanged(recorder.task, exchange)));
        let task = task(report.clone(), http);
        let handle = self.runtime.spawn(async move {
            // A set of one, because it cancels its task when it is cancelled, and tells when its task panics.
            let mut tasks = JoinSet::new();
            tasks.spawn(task);
            if let Some(Ok(kept)) = tasks.join_next().await {
                kept
            } else {
                report.send(Event::Died(report.task));
                None
            }
        });
        self.running.insert(work, handle);
        self.report.task
    }
}

/// What is not cancelled once it has begun: its answer may be the only copy of a token.
const SEEN_THROUGH: [Work; 4] = [Work::Keep, Work::Renewal, Work::LogOut, Work::Save];

/// Tasks that are about to keep a session.
struct Pending(Vec<JoinHandle<Option<Session>>>);

impl Pending {
    /// Waits for them; the last session that one of them kept.
    async fn settle(self) -> Option<Session> {
        let mut last = None;
        for task in self.0 {
            if let Ok(Some(kept)) = task.await {
                last = Some(kept);
            }
        }
        last
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
