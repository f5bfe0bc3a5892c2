//! Profiles: which provider, which application, which API. From a file, the environment and the command line.
//!
//! | file | its job |
//! |---|---|
//! | `mod.rs` | [`Profile`], [`load`]: what the rest of the app sees |
//! | `form.rs` | [`ProfileForm`]: a profile as a person types it, and [`ProfileForm::check`] |
//! | `check.rs` | the rules, one function a setting |
//! | `file.rs` | [`ProfileFile`]: the file itself, read and replaced in one step |
//! | `read.rs` | its text → profiles and problems with line numbers |
//! | `edit.rs` | one profile changed in its text, every other byte kept |
//! | `environment.rs` | the `HALLPASS_…` variables |
//! | `arguments.rs` | the command line and its help |
//! | `problem.rs` | [`Problem`]: what is wrong, where, and the fix |
//!
//! There is one way to a [`Profile`]: the file, the environment and the window all fill in a [`ProfileForm`],
//! and its `check` either makes the profile or says what is wrong with each field.

mod arguments;
mod check;
mod edit;
mod environment;
mod file;
mod form;
mod problem;
mod read;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use read::Found;
use url::Url;

pub use arguments::Arguments;
pub use file::{ProfileFile, SaveError};
pub use form::{Field, FieldProblem, ProfileForm, RequestField, RequestForm};
pub use problem::{Place, Problem};

/// The name of the built-in profile. A file may not define another of this name.
pub const DEMO: &str = "Demo";

/// The ports that are tried when a profile names none.
const DEFAULT_REDIRECT_PORTS: [u16; 3] = [8710, 8711, 8712];
/// The path at which the browser comes back from the provider's log-out page.
pub const LOGGED_OUT_PATH: &str = "/logged-out";

const DEFAULT_REDIRECT_PATH: &str = "/callback";
const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Everything that has to be known to log in at a provider and to call an API.
///
/// Made by [`ProfileForm::check`], so that what it says has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What it is called in the window; unique.
    pub name: String,
    /// The issuer, byte for byte as discovery must repeat it (OIDC Discovery 4.3): never normalised.
    pub issuer: String,
    /// The identifier of the application at the provider; a public client (RFC 8252 section 8.4).
    pub client_id: String,
    /// The API that the access token is for, as Auth0 and others name it.
    pub audience: Option<String>,
    /// The API that the access token is for, as RFC 8707 names it.
    pub resource: Option<String>,
    /// The scopes to ask for; `openid` is among them.
    pub scopes: Vec<String>,
    /// The base address of the API. Its origin is the only one that is given the access token.
    pub api: Option<Url>,
    /// Ready-made requests, in the order in which they are shown.
    pub requests: Vec<ReadyRequest>,
    /// The loopback ports for the redirect, tried in this order; 0 is any free port.
    pub redirect_ports: Vec<u16>,
    /// The path of the redirect, such as `/callback`.
    pub redirect_path: String,
    /// Further parameters of the authorization request, such as `prompt`.
    pub authorize_params: Vec<(String, String)>,
}

/// A request that is ready to be sent with one choice.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadyRequest {
    /// What it is called in the window; unique within its profile.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// As written: a path that begins with `/` and continues [`Profile::api`], or a whole URL.
    pub url: String,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body, if the request has one.
    pub body: Option<String>,
}

impl Profile {
    /// The profile of the embedded provider and API.
    pub fn demo(issuer: &str, client_id: &str, audience: &str, api: &Url) -> Profile {
        let get = |name: &str, path: &str| ReadyRequest {
            name: name.to_owned(),
            method: "GET".to_owned(),
            url: path.to_owned(),
            headers: Vec::new(),
            body: None,
        };
        Profile {
            name: DEMO.to_owned(),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            audience: Some(audience.to_owned()),
            resource: None,
            scopes: DEFAULT_SCOPES.into_iter().chain(["read:messages"]).map(str::to_owned).collect(),
            api: Some(api.clone()),
            requests: vec![
                get("Public", "/api/public"),
                get("Private", "/api/private"),
                get("Private (scoped)", "/api/private-scoped"),
                get("Large (100 MB)", "/api/large?mb=100"),
                get("Stream", "/api/stream"),
            ],
            redirect_ports: DEFAULT_REDIRECT_PORTS.into_iter().chain([0]).collect(),
            redirect_path: DEFAULT_REDIRECT_PATH.to_owned(),
            authorize_params: Vec::new(),
        }
    }

    /// The callback URLs to register at the provider, in the order in which their ports are tried.
    ///
    /// Port 0 gives the URL without a port: a provider that follows RFC 8252 section 7.3 accepts any port for it.
    #[must_use]
    pub fn redirect_uris(&self) -> Vec<String> {
        redirect_uris(&self.redirect_ports, &self.redirect_path)
    }

    /// The log-out URLs to register at the provider (`post_logout_redirect_uris`), in the same order and of the same
    /// kind.
    #[must_use]
    pub fn logged_out_uris(&self) -> Vec<String> {
        redirect_uris(&self.redirect_ports, LOGGED_OUT_PATH)
    }

    /// The whole URL of a path at the API; `None` where `path` is no path, or the profile has no API.
    ///
    /// The path continues the API's address: `/messages` under `https://example.com/v1` is
    /// `https://example.com/v1/messages`. It never leaves the API's origin.
    #[must_use]
    pub fn url_of(&self, path: &str) -> Option<String> {
        let api = self.api.as_ref().filter(|_| path.starts_with('/'))?;
        Some(format!("{}{path}", api.as_str().trim_end_matches('/')))
    }

    /// The whole URL of a ready-made request.
    #[must_use]
    pub fn request_url(&self, request: &ReadyRequest) -> String {
        self.url_of(&request.url).unwrap_or_else(|| request.url.clone())
    }
}

fn redirect_uris(ports: &[u16], path: &str) -> Vec<String> {
    let uri = |port: &u16| match port {
        0 => format!("http://127.0.0.1{path}"),
        port => format!("http://127.0.0.1:{port}{path}"),
    };
    ports.iter().map(uri).collect()
}

impl fmt::Debug for ReadyRequest {
    /// Leaves out the values of the headers and the body: either may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("ReadyRequest")
            .field("name", &self.name)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &headers)
            .field("body", &self.body.as_ref().map(|body| format!("{} bytes", body.len())))
            .finish()
    }
}

/// What the file, the environment and the command line say together.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The profiles that passed every check, in the order of the file. The demo is not among them.
    pub profiles: Vec<Profile>,
    /// The name of the profile to start on: one of `profiles`, or [`DEMO`].
    pub start: String,
    /// Whether variables made or changed the profile to start on: it is for this run only, not to be saved.
    pub overridden: bool,
    /// What is wrong. A wrong profile does not take the others away.
    pub problems: Vec<Problem>,
    /// The file, for saving changes; `None` where the system names no place for it.
    pub file: Option<ProfileFile>,
}

/// Reads the profiles and decides on which to start.
///
/// The start is the profile that `--profile` or `HALLPASS_PROFILE` names; else one made of the variables, when
/// they hold an issuer and a client id; else the first of the file; else the demo. Every other settings variable
/// changes that profile, for this run only.
///
/// `variable` looks up an environment variable: `|name| std::env::var_os(name)`.
pub fn load(arguments: &Arguments, variable: impl Fn(&str) -> Option<OsString>) -> Loaded {
    let (variables, mut problems) = environment::Variables::read(variable);
    let (path, named_by) = match (&arguments.config, &variables.config) {
        (Some(path), _) => (Some(path.clone()), Some(Place::CommandLine("--config"))),
        (None, Some(path)) => (Some(path.clone()), Some(Place::Environment("HALLPASS_CONFIG".into()))),
        (None, None) => (default_file(), None),
    };
    let Some(path) = path else {
        problems.push(Problem {
            place: Place::CommandLine("--config"),
            key: String::new(),
            value: String::new(),
            what: "This account has no home directory, so there is no place for the file of profiles.".into(),
            fix: "name a file with `--config FILE`, or set HOME.".into(),
        });
        return Loaded {
            profiles: Vec::new(),
            start: DEMO.to_owned(),
            overridden: false,
            problems,
            file: None,
        };
    };
    let contents = ProfileFile::read(path, named_by);
    let Found { profiles, refused, problems: in_the_file } = contents.found;
    problems.extend(in_the_file);
    let mut loaded =
        Loaded { profiles, start: DEMO.to_owned(), overridden: false, problems, file: Some(contents.file) };
    let chosen = match (&arguments.profile, &variables.profile) {
        (Some(name), _) => Some((Place::CommandLine("--profile"), name)),
        (None, Some(name)) => Some((Place::Environment("HALLPASS_PROFILE".into()), name)),
        (None, None) => None,
    };
    match chosen {
        Some((_, name)) if name == DEMO || loaded.profiles.iter().any(|profile| profile.name == *name) => {
            loaded.start.clone_from(name);
        }
        Some((place, name)) => {
            loaded.problems.push(unknown_profile(place, name, &loaded.profiles, &refused));
            return loaded;
        }
        None if variables.make_a_profile() => {}
        None => {
            if let Some(first) = loaded.profiles.first() {
                loaded.start.clone_from(&first.name);
            }
        }
    }
    variables.apply(&mut loaded, chosen.is_some());
    loaded
}

/// Where the file of profiles is unless another is named.
///
/// Linux `~/.config/hallpass/hallpass.toml` (or under `$XDG_CONFIG_HOME`), macOS
/// `~/Library/Application Support/Hallpass/hallpass.toml`, Windows
/// `%APPDATA%\Hallpass\config\hallpass.toml`.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    let places = directories::ProjectDirs::from("", "", "Hallpass")?;
    Some(places.config_dir().join("hallpass.toml"))
}

fn unknown_profile(place: Place, name: &str, known: &[Profile], refused: &[String]) -> Problem {
    let names: Vec<&str> = [DEMO].into_iter().chain(known.iter().map(|p| p.name.as_str())).collect();
    let (what, fix) = if refused.iter().any(|refused| refused == name) {
        (
            format!("The profile `{name}` is in the file, but it has mistakes, so it cannot be used."),
            "correct what is said about it, or choose another.".to_owned(),
        )
    } else {
        let fix = problem::closest(name, names.iter().copied());
        (
            format!("There is no profile of this name. There are: {}.", names.join(", ")),
            fix.map_or("choose one of these.".to_owned(), |name| format!("did you mean `{name}`?")),
        )
    };
    Problem { place, key: String::new(), value: name.to_owned(), what, fix }
}
