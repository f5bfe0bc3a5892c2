//! Another window of Hallpass, as far as its session goes: a process of its own, which is this test binary once more.
//!
//! It gets its orders as lines of JSON on its standard input, and says what came of them on its standard output.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex};

use hallpass::auth::renewal::Renewal;
use hallpass::auth::session::{Session, Why};
use hallpass::config::{Profile, ProfileForm};
use hallpass::http::{Exchange, Http, Purpose};
use hallpass::store::{Account, Kept, Store};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::vault::{Files, Full};
use super::within;

/// The environment variable of a process that is to be a worker.
const IS_WORKER: &str = "HALLPASS_TEST_WORKER";

/// What a worker says starts so: a test harness may say more.
const MARK: &str = "the worker says ";

/// Where a session is kept, and whose it is: the same for all who share it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    issuer: String,
    client_id: String,
    audience: String,
    /// The folder of the vault and its locks; `None` for the system's keyring.
    dir: Option<PathBuf>,
    /// After how many entries the vault of a worker gets stuck, if it does.
    room: Option<usize>,
}

impl Place {
    /// The place of the profile's session in this folder, or in the system's keyring.
    pub fn of(profile: &Profile, dir: Option<&Path>) -> Self {
        Self {
            issuer: profile.issuer.clone(),
            client_id: profile.client_id.clone(),
            audience: profile.audience.clone().unwrap_or_default(),
            dir: dir.map(Path::to_owned),
            room: None,
        }
    }

    /// The same place, for a worker that gets stuck once it has written so many entries.
    #[must_use]
    pub fn stuck_after(&self, room: usize) -> Self {
        Self { room: Some(room), ..self.clone() }
    }

    /// Whose session it is.
    pub fn account(&self) -> Account {
        let form = ProfileForm {
            name: "Shared".to_owned(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            audience: self.audience.clone(),
            ..ProfileForm::default()
        };
        Account::of(&form.check().unwrap())
    }

    /// The store there.
    pub fn store(&self) -> Store {
        match &self.dir {
            Some(dir) => Store::over(Files::at(dir), dir.join("locks")),
            None => Store::keyring(),
        }
    }

    /// The store of a worker: where it gets stuck, it says so and waits for the `release`.
    fn store_of_worker(&self, release: mpsc::Receiver<()>) -> Store {
        match (&self.dir, self.room) {
            (Some(dir), Some(room)) => {
                let release = Mutex::new(release);
                let stuck = move || {
                    let release = release.lock().unwrap();
                    if release.try_recv() == Err(TryRecvError::Empty) {
                        say(&Said::Stuck);
                        // It comes to its end when its sender does.
                        let _ = release.recv();
                    }
                    Ok(())
                };
                Store::over(Full::after(room, Files::at(dir), stuck), dir.join("locks"))
            }
            _ => self.store(),
        }
    }
}

/// What a worker is to do.
#[derive(Serialize, Deserialize)]
pub enum Order {
    /// Keep this session.
    Keep(Box<Session>),
    /// Read the kept session, and hold it from now on.
    Restore,
    /// Renew the session that is held, by so many tasks at once.
    Renew(usize),
    /// Renew again and again.
    RenewForEver,
    /// Be stuck no longer.
    GoOn,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// Whether the session is kept in the vault.
    Kept(bool),
    /// The session that is held now.
    Holds(Option<Box<Session>>),
    /// What the tasks got, and the status of each renewal that was answered on the way.
    Renewed(Vec<Result<Session, String>>, Vec<u16>),
    /// It is stuck, between an answer and its being kept.
    Stuck,
}

fn say(said: &Said) {
    let mut out = io::stdout().lock();
    // The harness may have begun a line.
    writeln!(out, "\n{MARK}{}", serde_json::to_string(said).unwrap()).unwrap();
    out.flush().unwrap();
}

/// A worker, from outside. It ends when this is dropped.
pub struct Worker {
    process: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts one: this binary with these arguments, which make it call [`serve`], in this environment beside its own.
    pub async fn start(arguments: &[&str], environment: &BTreeMap<String, String>, place: &Place) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(arguments)
            .envs(environment)
            .env(IS_WORKER, "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (orders, said) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut worker = Self { process, orders, said: BufReader::new(said).lines() };
        worker.send(place).await;
        worker
    }

    async fn send(&mut self, line: &impl Serialize) {
        let line = serde_json::to_string(line).unwrap() + "\n";
        self.orders.write_all(line.as_bytes()).await.unwrap();
    }

    /// Gives an order.
    pub async fn order(&mut self, order: Order) {
        self.send(&order).await;
    }

    /// What it says next.
    pub async fn hear(&mut self) -> Said {
        self.hear_if_any().await.expect("the worker is alive")
    }

    /// What it says next; `None` once it has ended.
    pub async fn hear_if_any(&mut self) -> Option<Said> {
        loop {
            let line = within(self.said.next_line()).await.unwrap()?;
            if let Some(said) = line.strip_prefix(MARK) {
                return Some(serde_json::from_str(said).unwrap());
            }
        }
    }

    /// Makes it keep this session; whether it could.
    pub async fn keep(&mut self, session: &Session) -> bool {
        self.order(Order::Keep(Box::new(session.clone()))).await;
        match self.hear().await {
            Said::Kept(kept) => kept,
            said => panic!("{said:?}"),
        }
    }

    /// Makes it read the kept session, and hold it.
    pub async fn restore(&mut self) -> Option<Session> {
        self.order(Order::Restore).await;
        match self.hear().await {
            Said::Holds(session) => session.map(|session| *session),
            said => panic!("{said:?}"),
        }
    }

    /// What came of a renewal that was ordered.
    pub async fn renewed(&mut self) -> (Vec<Result<Session, String>>, Vec<u16>) {
        match self.hear().await {
            Said::Renewed(results, statuses) => (results, statuses),
            said => panic!("{said:?}"),
        }
    }

    /// Kills it, as nothing that runs can prevent (SIGKILL), and waits for its end.
    pub async fn kill(&mut self) {
        within(self.process.kill()).await.unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    #[cfg(unix)]
    pub async fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }
}

/// Whether this process is to be a worker.
pub fn is_worker() -> bool {
    env::var_os(IS_WORKER).is_some()
}

/// Works until nobody gives orders any more.
pub fn serve() {
    let mut lines = io::BufReader::new(io::stdin()).lines().map(Result::unwrap);
    let place: Place = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let ((orders, to_do), (stuck, release)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let mut stuck = Some(stuck);
        for line in lines {
            match serde_json::from_str(&line).unwrap() {
                Order::GoOn => drop(stuck.take()),
                order => orders.send(order).unwrap(),
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut window = Window::at(&place, release);
    for order in to_do {
        runtime.block_on(window.carry_out(order));
    }
}

/// What a worker has, as a window of the app has it.
struct Window {
    store: Store,
    account: Account,
    http: Http,
    /// The status of each renewal that was answered.
    answered: Arc<Mutex<Vec<u16>>>,
    held: Option<Session>,
}

impl Window {
    fn at(place: &Place, release: mpsc::Receiver<()>) -> Self {
        let answered: Arc<Mutex<Vec<u16>>> = Arc::default();
        let book = Arc::clone(&answered);
        let http = Http::new(move |exchange: Exchange| {
            if let (Purpose::Renewal, Ok(status)) = (exchange.purpose, exchange.outcome) {
                book.lock().unwrap().push(status.as_u16());
            }
        });
        let (store, account) = (place.store_of_worker(release), place.account());
        Self { store, account, http, answered, held: None }
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            Order::Keep(session) => {
                let kept = self.store.save(&self.account, &session).await;
                say(&Said::Kept(kept == Kept::InKeyring));
            }
            Order::Restore => {
                self.held = self.store.load(&self.account).await.unwrap().map(|(session, _)| session);
                say(&Said::Holds(self.held.clone().map(Box::new)));
            }
            Order::Renew(tasks) => {
                let results = self.renew(tasks).await;
                say(&Said::Renewed(results, std::mem::take(&mut *self.answered.lock().unwrap())));
            }
            Order::RenewForEver => loop {
                let results = self.renew(1).await;
                let failed = results.iter().any(Result::is_err);
                say(&Said::Renewed(results, std::mem::take(&mut *self.answered.lock().unwrap())));
                if failed {
                    break;
                }
            },
            Order::GoOn => {}
        }
    }

    async fn renew(&mut self, tasks: usize) -> Vec<Result<Session, String>> {
        let held = self.held.clone().unwrap();
        let tasks: Vec<_> = (0..tasks)
            .map(|_| {
                let (store, account, http) = (self.store.clone(), self.account.clone(), self.http.clone());
                let held = held.clone();
                tokio::spawn(async move {
                    let renewal = Renewal {
                        store: &store,
                        account: &account,
                        http: &http,
                        report: &|_| {},
                        why: Why::BeforeCall,
                    };
                    renewal.run(&held).await
                })
            })
            .collect();
        let mut results = Vec::new();
        for task in tasks {
            let result = task.await.unwrap();
            results.push(result.map(|renewed| renewed.session).map_err(|error| error.to_string()));
        }
        if let Some(Ok(session)) = results.last() {
            self.held = Some(session.clone());
        }
        results
    }
}
