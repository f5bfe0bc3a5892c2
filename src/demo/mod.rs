//! The demo: an `OpenID` provider and an API on loopback, shaped like Auth0, so that Hallpass works with nothing set up.
//!
//! It is the far side. It shares no code with the app, which reaches it as it reaches any provider: by URL.
//!
//! ```text
//! mod.rs        starting, where it stands, sharing it between windows
//! provider.rs   the provider's routes, discovery and state
//!   authorize.rs  may the app ask, and what does the person say
//!   token.rs      codes and refresh tokens in, tokens out; revocation
//!   account.rs    user info, logging out
//!   pages.rs      what the person sees
//! api.rs        the API's routes, and its check of the token
//!   bodies.rs     large, slow and endless bodies, made while they are sent
//! bearer.rs     how a token is sent and refused         users.rs   Alice, Bob, and the scopes
//! keys.rs       the signing keys, and checking JWTs     memory.rs  what a restart must not forget
//! params.rs     the parameters of a request             shelf.rs   what may be forgotten soon
//! guard.rs      what both servers turn away             person.rs  a scripted person with a browser
//! faults.rs     what it does wrong when told to         switch.rs  telling it to
//! ```

mod account;
mod api;
mod authorize;
mod bearer;
mod bodies;
mod faults;
mod guard;
mod keys;
mod memory;
mod pages;
mod params;
pub mod person;
mod provider;
mod shelf;
mod switch;
mod token;
mod users;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::AbortHandle,
    time::sleep,
};
use url::Url;

pub use faults::Fault;
pub use switch::{FaultSwitch, SwitchError};

use api::Trust;
use faults::Faults;
use keys::{KeyError, Keys};
use memory::{Lock, Memory};
use provider::Provider;

/// The identifier of the demo API: what to ask for as `audience`, and what the API wants to find in `aud`.
pub const AUDIENCE: &str = "https://api.hallpass.demo";
/// The one client that the provider knows: Hallpass, a public client.
pub const CLIENT_ID: &str = "hallpass-demo";
/// The one `acr` that the provider knows: a login that was asked to be strong. Nobody has to prove more for it.
pub const STRONG: &str = "urn:hallpass:demo:strong";

/// How long to wait for another process that holds the demo to say where it stands.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look whether that process has ended.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How to run the demo.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its memory is kept: the demo is the same one as long as this is the same.
    pub data_dir: PathBuf,
    /// The ports of the provider and of the API that it wants at its very first start; 0 is any. Later starts
    /// want the ports that it had.
    pub ports: [u16; 2],
    /// How long an access token is good for.
    pub access_ttl: Duration,
}

impl Options {
    /// The usual ports, and access tokens for five minutes, so that an audience sees one renewed.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), ports: [8700, 8701], access_ttl: Duration::from_mins(5) }
    }
}

/// A demo that is up, here or in another window of Hallpass. Dropping it ends what runs here.
#[derive(Debug)]
pub struct Demo {
    /// The provider's issuer identifier, such as `http://127.0.0.1:8700/`.
    pub issuer: Url,
    /// The base URL of the API, such as `http://127.0.0.1:8701/`.
    pub api: Url,
    /// Hallpass's client id at this provider.
    pub client_id: String,
    /// The API's identifier, to be asked for as `audience`.
    pub audience: String,
    switch: FaultSwitch,
    /// Connections end when this does.
    _open: watch::Sender<()>,
    task: AbortHandle,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The memory, its lock or its folder cannot be read or written.
    #[error("the demo cannot keep its memory in {path}: {1}. Make that place writable, or choose another.", path = .0.display())]
    Memory(PathBuf, #[source] io::Error),
    /// There is no port to be had on 127.0.0.1.
    #[error("the demo found no free port on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
    /// The signing key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another process holds the demo but cannot be reached.
    #[error(
        "another Hallpass is running the demo but does not answer. Close it, then start this one again. \
         (It holds {0}.)"
    )]
    Silent(PathBuf),
}

/// Starts the demo on the current runtime; returns once it can be used.
///
/// Only one process at a time runs the demo of a `data_dir`. If another does, this one shares it, and takes over
/// when that one ends.
pub async fn start(options: Options) -> Result<Demo, DemoError> {
    let dir = &options.data_dir;
    fs::create_dir_all(dir).map_err(|e| DemoError::Memory(dir.clone(), e))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = Lock::take(dir)? {
            let servers = Servers::open(&options, lock, None).await?;
            let secret = servers.secret.clone();
            return Ok(Demo::new(servers.ports, secret, |open| servers.run(open)));
        }
        if let Some(Memory { ports, secret, .. }) = ask_holder(dir).await {
            return Ok(Demo::new(ports, secret, |open| take_over(options, ports, open)));
        }
        if Instant::now() > deadline {
            return Err(DemoError::Silent(dir.join("demo.lock")));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

impl Demo {
    /// The switch of its faults, which works wherever the demo runs.
    pub fn switch(&self) -> FaultSwitch {
        self.switch.clone()
    }

    fn new<F>(ports: [u16; 2], secret: String, run: impl FnOnce(watch::Receiver<()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (open, still_open) = watch::channel(());
        Self {
            issuer: base_url(ports[0]),
            api: base_url(ports[1]),
            client_id: CLIENT_ID.into(),
            audience: AUDIENCE.into(),
            switch: FaultSwitch::new(base_url(ports[0]), secret),
            _open: open,
            task: tokio::spawn(run(still_open)).abort_handle(),
        }
    }
}

/// Both servers, bound and ready, and the lock that lets them be.
struct Servers {
    ports: [u16; 2],
    secret: String,
    provider: (TcpListener, axum::Router),
    api: (TcpListener, axum::Router),
    faults: Arc<Faults>,
    // Last, so that the ports are free before the lock is.
    lock: Lock,
}

impl Servers {
    /// Recalls or makes the memory, and binds these ports; or without any, those in the memory, or others if a
    /// stranger has them.
    async fn open(options: &Options, lock: Lock, ports: Option<[u16; 2]>) -> Result<Self, DemoError> {
        let (dir, wanted) = (options.data_dir.clone(), options.ports);
        let opened = tokio::task::spawn_blocking(move || Memory::open(&dir, wanted)).await;
        let (mut memory, key) =
            opened.map_err(|e| DemoError::Memory(options.data_dir.clone(), io::Error::other(e)))??;

        let bound = match ports {
            Some(ports) => ports.map(bind),
            None => memory.ports.map(|port| bind(port).or_else(|_| bind(0))),
        };
        let [(provider, provider_port), (api, api_port)] = both(bound).map_err(DemoError::Port)?;
        memory.ports = [provider_port, api_port];
        memory.save(&options.data_dir)?;

        let (issuer, secret) = (base_url(provider_port).to_string(), memory.secret.clone());
        let (keys, faults) = (Arc::new(Keys::new(key)), Faults::none());
        let trust = Trust { issuer: issuer.clone(), keys: Arc::clone(&keys), faults: Arc::clone(&faults) };
        let (ttl, dir) = (options.access_ttl, options.data_dir.clone());
        let state = Provider::new(issuer, keys, Arc::clone(&faults), ttl, memory, dir);
        Ok(Self {
            ports: [provider_port, api_port],
            secret,
            provider: (provider, provider::router(Arc::new(state), authority(provider_port))),
            api: (api, api::router(trust, authority(api_port))),
            faults,
            lock,
        })
    }

    /// Serves until `open` closes, or this future is dropped.
    async fn run(self, open: watch::Receiver<()>) {
        let Self { ports, provider: (listener, router), api, faults, lock: _lock, .. } = self;
        let serve_provider = axum::serve(listener, router).with_graceful_shutdown(closed(open.clone()));
        let _never_fails =
            tokio::join!(serve_provider.into_future(), serve_api(api, ports[1], &faults, open));
    }
}

/// Serves the API until `open` closes, and closes its port for as long as it is to be unreachable.
async fn serve_api(
    (mut listener, router): (TcpListener, axum::Router),
    port: u16,
    faults: &Arc<Faults>,
    open: watch::Receiver<()>,
) {
    loop {
        let end = {
            let (faults, open) = (Arc::clone(faults), open.clone());
            async move {
                tokio::select! {
                    () = closed(open) => {}
                    () = faults.until_api_is_to_be(false) => {}
                }
            }
        };
        tokio::select! {
            // Its connections end by themselves, as they do at the end.
            () = faults.until_api_is_to_be(false) => {}
            _never_fails = axum::serve(listener, router.clone()).with_graceful_shutdown(end).into_future() => {
                if open.has_changed().is_err() {
                    return;
                }
            }
        }
        // A socket that does not listen refuses, and keeps the port from others.
        let mut reserved = reserve(port).ok();
        faults.api_is(false);
        tokio::select! {
            () = closed(open.clone()) => return,
            () = faults.until_api_is_to_be(true) => {}
        }
        listener = loop {
            let socket = reserved.take().map_or_else(|| reserve(port), Ok);
            match socket.and_then(|socket| socket.listen(BACKLOG)) {
                Ok(listener) => break listener,
                Err(_) => sleep(TAKE_OVER_EVERY).await,
            }
        };
        faults.api_is(true);
    }
}

async fn closed(mut open: watch::Receiver<()>) {
    while open.changed().await.is_ok() {}
}

/// Waits for the process that holds the demo to end, then serves in its place. At the same ports: this window has
/// shown them already.
async fn take_over(options: Options, ports: [u16; 2], open: watch::Receiver<()>) {
    let servers = loop {
        sleep(TAKE_OVER_EVERY).await;
        if let Ok(Some(lock)) = Lock::take(&options.data_dir)
            && let Ok(servers) = Servers::open(&options, lock, Some(ports)).await
        {
            break servers;
        }
    };
    servers.run(open).await;
}

/// The memory of the process that holds the demo, once it has shown that it is ours too: until it has written down
/// its ports, a stranger may be at those in the file.
async fn ask_holder(dir: &Path) -> Option<Memory> {
    let memory = Memory::peek(dir)?;
    let issuer = base_url(memory.ports[0]);
    let challenge = keys::random();
    let request = person::client().ok()?.get(format!("{issuer}proof?challenge={challenge}"));
    let answer = request.timeout(Duration::from_secs(1)).send().await.ok()?.text().await.ok()?;
    (answer == keys::prove(&memory.secret, issuer.as_str(), &challenge)).then_some(memory)
}

/// Listens on a port of 127.0.0.1; 0 is any. Never on a name or a wildcard: nobody else's network reaches it.
fn bind(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = reserve(port)?.listen(BACKLOG)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

fn reserve(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // On Unix, without this, connections of the last run that linger in TIME_WAIT keep the port from the next run;
    // with it, still only one socket can listen. On Windows it means that another may listen too: never there,
    // where TIME_WAIT is no obstacle anyway.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

fn both<T>([first, second]: [io::Result<T>; 2]) -> io::Result<[T; 2]> {
    Ok([first?, second?])
}

fn authority(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

fn base_url(port: u16) -> Url {
    #[expect(clippy::expect_used, reason = "an IPv4 address and a port make a URL")]
    Url::parse(&format!("http://{}/", authority(port))).expect("a URL")
}
