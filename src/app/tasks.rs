//! Starts and cancels asynchronous work. Every task reports through the one channel, wakes the window, and ends in
//! exactly one terminal event, unless it was cancelled.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use poll_promise::Promise;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::state::{Event, FaultItem, Outgoing, TaskId, Turn, Work, Written};
use crate::auth::log_out::{self, EndSession};
use crate::auth::login::{self, Attempt, OpenBrowser};
use crate::auth::renewal::{self, Renewal};
use crate::auth::session::{Session, StepUp, Why};
use crate::config::{Profile, ProfileFile, SaveError};
use crate::http::Http;
use crate::store::{Account, Store};
use crate::{api, auth};

/// Makes the window look at the channel.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Starts the embedded provider and API, and says with which profile it is used.
pub type StartDemo = Box<dyn FnOnce() -> DemoFuture + Send>;
type DemoFuture = std::pin::Pin<Box<dyn Future<Output = Result<Profile, String>> + Send>>;

/// Turns a fault of the demo on or off, and says which one is on then.
pub type TurnFault = Arc<dyn Fn(Turn) -> BoxFuture<Result<Option<&'static str>, String>> + Send + Sync>;

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
    /// What those can be told to do wrong.
    pub faults: Vec<FaultItem>,
    /// Tells them.
    pub turn_fault: TurnFault,
}

/// The tasks of a window.
pub struct Tasks {
    runtime: Handle,
    http: Http,
    store: Store,
    open: OpenBrowser,
    start_demo: Option<StartDemo>,
    turn_fault: TurnFault,
    report: Report,
    running: HashMap<Work, Running>,
}

/// A task that was started.
struct Running {
    handle: JoinHandle<()>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
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
            turn_fault: world.turn_fault,
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

    /// Turns a fault of the demo on or off, or looks which one is on.
    pub fn turn_fault(&mut self, turn: Turn) -> TaskId {
        let turned = (self.turn_fault)(turn);
        self.start(Work::Fault, |report, _| async move {
            let result = match turned.await {
                // Nobody asked for it, so that it failed is no news.
                Err(_) if turn == Turn::Look => Ok(None),
                result => result,
            };
            report.send(Event::FaultIs(report.task, result));
        })
    }

    /// Reads the profile's session back, once what is about to be kept is kept.
    pub fn restore(&mut self, profile: &Profile) -> TaskId {
        let (store, account, kept) = (self.store.clone(), Account::of(profile), self.end_of(Work::Keep));
        self.start(Work::Restore, |report, _| async move {
            kept.await;
            let result = store.load(&account).await;
            report.send(Event::Restored(report.task, result));
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
    pub fn renew(&mut self, profile: &Profile, session: Arc<Session>, why: Why) -> TaskId {
        let (store, account) = (self.store.clone(), Account::of(profile));
        self.start(Work::Renewal, |report, http| async move {
            let step = |step| report.send(Event::Stepped(report.task, step));
            let renewal = Renewal { store: &store, account: &account, http: &http, report: &step, why };
            let result = renewal.run(&session).await;
            report.send(Event::Renewed(report.task, result.map(Box::new)));
        })
    }

    /// Forgets the session on this computer; the provider is not told.
    pub fn forget(&mut self, profile: &Profile) -> TaskId {
        let (store, account, kept) = (self.store.clone(), Account::of(profile), self.end_of(Work::Keep));
        self.start(Work::LogOut, |report, _| async move {
            kept.await;
            report.send(Event::Forgotten(report.task, store.delete(&account).await));
            report.send(Event::LoggedOut(report.task, Ok(())));
        })
    }

    /// Logs out: here first, whatever the provider answers, then there: its tokens are revoked, with some patience, and
    /// its own session is ended in the browser, if `in_browser`.
    pub fn log_out(&mut self, profile: &Profile, session: Arc<Session>, in_browser: bool) {
        let (gone, forgotten) = oneshot::channel();
        if in_browser {
            self.end_session(profile, Arc::clone(&session), forgotten);
        }
        let (store, account) = (self.store.clone(), Account::of(profile));
        let (kept, renewed) = (self.end_of(Work::Keep), self.end_of(Work::Renewal));
        self.start(Work::LogOut, |report, http| async move {
            kept.await;
            report.send(Event::Forgotten(report.task, store.delete(&account).await));
            let _ = gone.send(());
            // A renewal that finds its session gone revokes what it got.
            renewed.await;
            let mut result = log_out::revoke(&session, &http).await;
            for failed in 0..REVOCATIONS {
                match result {
                    Err(error) if error.may_pass() => report.send(Event::NotRevokedYet(report.task, error)),
                    _ => break,
                }
                tokio::time::sleep(renewal::back_off(failed)).await;
                result = log_out::revoke(&session, &http).await;
            }
            report.send(Event::LoggedOut(report.task, result));
        });
    }

    /// Ends the provider's own session in the browser, once the session here is gone. Unlike the log-out itself it can
    /// be cancelled: whoever logs in again wants its port.
    fn end_session(&mut self, profile: &Profile, session: Arc<Session>, forgotten: oneshot::Receiver<()>) {
        let (profile, open) = (profile.clone(), Arc::clone(&self.open));
        self.start(Work::EndSession, |report, http| async move {
            let _ = forgotten.await;
            let step = |step| report.send(Event::Stepped(report.task, step));
            let ending = EndSession {
                profile: &profile,
                session: &session,
                http: &http,
                open,
                report: &step,
                patience: log_out::PATIENCE,
            };
            let result = ending.run().await;
            report.send(Event::SessionEnded(report.task, result));
        });
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
        })
    }

    /// Waits for what keeps or ends a session, so that closing the window loses nothing; `patience` at the most.
    pub fn finish(&self, patience: Duration) {
        let all = SEEN_THROUGH.map(|work| self.end_of(work));
        self.runtime.block_on(async {
            let all = async {
                for end in all {
                    end.await;
                }
            };
            let _ = tokio::time::timeout(patience, all).await;
        });
    }

    /// Comes when the work of this kind that runs now has ended.
    fn end_of(&self, work: Work) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.running.get(&work).map(|running| running.ended.clone());
        async move {
            if let Some(mut ended) = ended {
                // Nothing is ever sent: it ends with its sender.
                let _ = ended.changed().await;
            }
        }
    }

    /// Cancels the work of this kind, if any runs. It reports nothing more that counts.
    pub fn cancel(&mut self, work: Work) {
        if let Some(task) = self.running.remove(&work) {
            task.handle.abort();
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
        F: Future<Output = ()> + Send + 'static,
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
        let (runs, ended) = watch::channel(());
        let handle = self.runtime.spawn(async move {
            let _runs = runs;
            // A set of one, because it cancels its task when it is cancelled, and tells when its task panics.
            let mut tasks = JoinSet::new();
            tasks.spawn(task);
            if !matches!(tasks.join_next().await, Some(Ok(()))) {
                report.send(Event::Died(report.task));
            }
        });
        self.running.insert(work, Running { handle, ended });
        self.report.task
    }
}

/// How often a revocation is tried again, which takes half a minute.
const REVOCATIONS: u32 = 4;

/// What is not cancelled once it has begun: its answer may be the only copy of a token.
const SEEN_THROUGH: [Work; 4] = [Work::Keep, Work::Renewal, Work::LogOut, Work::Save];

/// A future on the heap.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds out whether a provider can be used, for the settings.
pub fn check_provider(
    issuer: String,
) -> impl FnOnce(Http) -> BoxFuture<Result<(), auth::provider::ProviderError>> {
    |http| Box::pin(async move { auth::provider::Provider::discover(&issuer, &http).await.map(|_| ()) })
}
