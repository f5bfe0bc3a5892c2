//! Starts and cancels asynchronous work. Every task reports through the one channel, wakes the window, and ends in
//! exactly one terminal event, unless it was cancelled.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use poll_promise::Promise;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::downloads;
use super::history::Entry;
use super::report::{self, Format};
use super::state::{Event, FaultItem, LookingUp, Outgoing, TaskId, Turn, Work, Written};
use crate::api::arrival::Arrival;
use crate::auth::Step;
use crate::auth::log_out::{self, EndSession};
use crate::auth::login::{self, Attempt, OpenBrowser};
use crate::auth::renewal::{self, Renewal};
use crate::auth::session::{Session, StepUp, Why};
use crate::body::{Body, Search, View};
use crate::config::{Profile, ProfileFile, SaveError};
use crate::doctor::Examination;
use crate::http::Http;
use crate::store::{self, Account, Kept, Store, Unavailable};
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
    /// What was started and may still run; several of a kind where that is seen through.
    running: HashMap<Work, Vec<Running>>,
}

/// A task that was started.
struct Running {
    handle: JoinHandle<()>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Running {
    fn runs(&self) -> bool {
        self.ended.has_changed().is_ok()
    }
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

impl Report {
    /// What the store answers; the window is told where that takes long.
    async fn told<T>(&self, answer: impl Future<Output = T>) -> T {
        store::told(answer, || self.send(Event::Stepped(self.task, Step::WaitingForKeyring))).await
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
            let result = turned.await;
            report.send(Event::FaultIs(report.task, turn, result));
        })
    }

    /// Reads the profile's session back, once what was to be kept or removed is.
    pub fn restore(&mut self, profile: &Profile) -> TaskId {
        let (store, account, before) = (self.store.clone(), Account::of(profile), self.ends_of(&STORING));
        self.start(Work::Restore, |report, _| async move {
            before.await;
            let result = report.told(store.load(&account)).await;
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
    /// `again` says that it was kept in memory until now: then it must not push another out of the keyring.
    pub fn keep(&mut self, profile: &Profile, session: Arc<Session>, again: bool) -> TaskId {
        let (store, account, before) = (self.store.clone(), Account::of(profile), self.ends_of(&STORING));
        self.start(Work::Keep, move |report, _| async move {
            before.await;
            let keeping = async {
                if again {
                    let kept = store.replace(&account, &session, &session).await;
                    kept.unwrap_or_else(|| Kept::ThisRunOnly(Unavailable::taken()))
                } else {
                    store.save(&account, &session).await
                }
            };
            let kept = report.told(keeping).await;
            report.send(Event::Kept(report.task, kept));
        })
    }

    /// Calls the API.
    pub fn call(&mut self, outgoing: Outgoing) -> TaskId {
        self.start(Work::Call, |report, http| async move {
            let start = Instant::now();
            let tell = |arrival| {
                report.send(match arrival {
                    Arrival::Answered(response) => Event::Answered(report.task, response),
                    Arrival::Grew(progress) => Event::Grew(report.task, progress, start.elapsed()),
                });
            };
            let result = api::call(outgoing.request, outgoing.token.as_ref(), &http, tell).await;
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

    /// Forgets the session on this computer, or whatever is kept where there is none; the provider is not told.
    pub fn forget(&mut self, profile: &Profile, session: Option<&Session>) {
        let subject = session.map(|session| session.user.subject.clone());
        drop(self.remove(profile, subject));
    }

    /// Logs out: here first, whatever the provider answers, then there: its tokens are revoked, with some patience, and
    /// its own session is ended in the browser, if `in_browser`.
    pub fn log_out(&mut self, profile: &Profile, session: Arc<Session>, in_browser: bool) {
        let renewed = self.ends_of(&[Work::Renewal]);
        let removed = self.remove(profile, Some(session.user.subject.clone()));
        if in_browser {
            // A keyring that waits for its password does not keep the provider waiting.
            let removed = self.ends_of(&[Work::LogOut]);
            let removed = async { tokio::time::timeout(store::SOON, removed).await };
            self.end_session(profile, Arc::clone(&session), removed);
        }
        self.start(Work::Revocation, |report, http| async move {
            // Another window may have renewed it: then what was kept is what the provider knows.
            let removed = tokio::time::timeout(store::SOON, removed).await.ok().and_then(Result::ok);
            let session = removed.flatten().unwrap_or_else(|| Session::clone(&session));
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
            report.send(Event::Revoked(report.task, result));
        });
    }

    /// Removes the session of this person from this computer, whoever they are if it is not said; what was removed.
    fn remove(&mut self, profile: &Profile, subject: Option<String>) -> oneshot::Receiver<Option<Session>> {
        let (tell, removed) = oneshot::channel();
        let (store, account, before) = (self.store.clone(), Account::of(profile), self.ends_of(&STORING));
        self.start(Work::LogOut, |report, _| async move {
            before.await;
            let result = match report.told(store.delete(&account, subject.as_deref())).await {
                Ok(session) => {
                    // Nobody asks where the provider is not told.
                    let _ = tell.send(session);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            report.send(Event::Forgotten(report.task, result));
        });
        removed
    }

    /// Ends the provider's own session in the browser, once the session here is gone. Unlike the log-out itself it can
    /// be cancelled: whoever logs in again wants its port.
    fn end_session(
        &mut self,
        profile: &Profile,
        session: Arc<Session>,
        removed: impl Future + Send + 'static,
    ) {
        let (profile, open) = (profile.clone(), Arc::clone(&self.open));
        self.start(Work::EndSession, |report, http| async move {
            let _ = removed.await;
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

    /// Examines the setup of the profile. What it asks is no part of the timeline: a refusal that it hopes for would
    /// stand there as a failure.
    pub fn examine(&mut self, profile: &Profile) -> TaskId {
        let (store, profile) = (self.store.clone(), profile.clone());
        self.start(Work::Examine, |report, http| async move {
            let examination = Examination {
                profile: &profile,
                http: &http.recording(|_| {}),
                store: &store,
                variable: &|name| std::env::var_os(name),
                report: &|finding| report.send(Event::Found(report.task, finding)),
            };
            Box::pin(examination.run()).await;
            report.send(Event::Examined(report.task));
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

    /// Writes a report of the timeline where the person finds downloads.
    pub fn export(&mut self, entries: Vec<Entry>, format: Format) -> TaskId {
        self.start(Work::Export, move |report_to, _| async move {
            let written = tokio::task::spawn_blocking(move || {
                let report = report::of(format, entries.iter());
                downloads::save(format.extension(), |file| file.write_all(report.as_bytes()))
            })
            .await;
            let result = written.unwrap_or_else(|error| Err(error.to_string()));
            report_to.send(Event::Exported(report_to.task, result));
        })
    }

    /// Looks something up in the body of the answer.
    pub fn look_up(&mut self, looking: LookingUp) -> TaskId {
        self.start(Work::LookUp, |report, _| async move {
            match tokio::task::spawn_blocking(|| looking.run()).await {
                Ok(found) => report.send(Event::LookedUp(report.task, found)),
                Err(_) => report.send(Event::Died(report.task)),
            }
        })
    }

    /// Searches what is there of the body, as long as somebody wants to know.
    pub fn search(&mut self, body: Arc<Body>, view: View, search: Arc<Mutex<Search>>) -> TaskId {
        self.start(Work::Search, |report, _| async move {
            let done = report.clone();
            let searching = move || {
                let mut next_report = Instant::now();
                loop {
                    let there = body.so_far().bytes;
                    let mut locked = search.lock().unwrap_or_else(PoisonError::into_inner);
                    let is_all = body.search(view, &mut locked);
                    let result =
                        is_all.as_ref().map(|is_all| (locked.total(), if *is_all { there } else { 0 }));
                    drop(locked);
                    let is_last = !matches!(is_all, Ok(false));
                    if is_last || Instant::now() >= next_report {
                        let result = result.map_err(ToString::to_string);
                        report.send(Event::Searched(report.task, Arc::clone(&search), result));
                        next_report = Instant::now() + Duration::from_millis(100);
                    }
                    // The window lets go of a search that it does not want any more.
                    if is_last || Arc::strong_count(&search) == 1 {
                        return;
                    }
                }
            };
            match tokio::task::spawn_blocking(searching).await {
                Ok(()) => done.send(Event::SearchedAll(done.task)),
                Err(_) => done.send(Event::Died(done.task)),
            }
        })
    }

    /// Saves the body where the person finds downloads.
    pub fn save_body(&mut self, body: Arc<Body>, extension: &'static str) -> TaskId {
        self.start(Work::SaveBody, move |report, _| async move {
            let saved =
                tokio::task::spawn_blocking(move || downloads::save(extension, |file| body.copy_to(file)))
                    .await;
            let result = saved.unwrap_or_else(|error| Err(error.to_string()));
            report.send(Event::BodySaved(report.task, result));
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

    /// Waits for what keeps or ends a session, so that closing the window loses nothing; `patience` at the most, and
    /// longer for a renewal, whose answer may be the only copy of a token.
    pub fn finish(&self, patience: Duration) {
        let (renewals, others) = (self.ends_of(&[Work::Renewal]), self.ends_of(&SEEN_THROUGH));
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(RENEWALS_WAIT, renewals).await;
            let _ = tokio::time::timeout(patience, others).await;
        });
    }

    /// Whether closing the window has to wait for a renewal.
    pub fn renews(&self) -> bool {
        self.running.get(&Work::Renewal).is_some_and(|running| running.iter().any(Running::runs))
    }

    /// Comes when all that works at one of these now has ended.
    fn ends_of(&self, works: &[Work]) -> impl Future<Output = ()> + Send + use<> {
        let running = works.iter().filter_map(|work| self.running.get(work)).flatten();
        let ends: Vec<_> = running.map(|running| running.ended.clone()).collect();
        async move {
            for mut end in ends {
                // Nothing is ever sent: it ends with its sender.
                let _ = end.changed().await;
            }
        }
    }

    /// Cancels the work of this kind, if any runs. It reports nothing more that counts.
    pub fn cancel(&mut self, work: Work) {
        for task in self.running.remove(&work).into_iter().flatten() {
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
        let running = self.running.entry(work).or_default();
        running.retain(Running::runs);
        running.push(Running { handle, ended });
        self.report.task
    }
}

/// How often a revocation is tried again, which takes half a minute.
const REVOCATIONS: u32 = 4;

/// What is not cancelled once it has begun: its answer may be the only copy of a token.
const SEEN_THROUGH: [Work; 5] = [Work::Keep, Work::Renewal, Work::LogOut, Work::Revocation, Work::Save];

/// How long closing the window waits for a renewal.
const RENEWALS_WAIT: Duration = Duration::from_secs(30);

/// What changes the keyring: done one after the other, in the order in which it was started.
const STORING: [Work; 2] = [Work::Keep, Work::LogOut];

/// A future on the heap.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds out whether a provider can be used, for the settings.
pub fn check_provider(
    issuer: String,
) -> impl FnOnce(Http) -> BoxFuture<Result<(), auth::provider::ProviderError>> {
    |http| Box::pin(async move { auth::provider::Provider::discover(&issuer, &http).await.map(|_| ()) })
}
