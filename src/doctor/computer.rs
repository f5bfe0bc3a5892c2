//! This computer's part: the way back from the browser, the way there, the keyring, and what stands in between.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use url::Url;

use super::{Book, Check, DEADLINE, Examination, Outcome};
use crate::auth::loopback::{Listener, PortsBusy};
use crate::config::Profile;
use crate::explain::setup;
use crate::store::{KEYRING, Store, Unavailable};

pub(super) async fn examine(examination: &Examination<'_>, book: &Book<'_>) {
    proxies(examination, book);
    browser(examination, book);
    ports(examination.profile, book);
    keyring(examination.store, book).await;
}

/// Each port is taken, and let go at once.
fn ports(profile: &Profile, book: &Book<'_>) {
    let start = Instant::now();
    let (mut free, mut held) = (Vec::new(), Vec::new());
    for &port in &profile.redirect_ports {
        match Listener::bind(&[port], &profile.redirect_path) {
            Ok(_) if port == 0 => free.push("any other".to_owned()),
            Ok(_) => free.push(port.to_string()),
            Err(PortsBusy(busy)) => held.extend(busy),
        }
    }
    let mut found = Vec::new();
    if !free.is_empty() {
        found.push(format!("free: {}", free.join(", ")));
    }
    found.push(format!("to register: {}", profile.redirect_uris().join(", ")));
    let outcome = if held.is_empty() {
        Outcome::Passed
    } else if free.is_empty() {
        Outcome::failed(setup::ports_held(PortsBusy(held), true, profile))
    } else {
        Outcome::warning(setup::ports_held(PortsBusy(held), false, profile))
    };
    book.put(Check::CallbackPorts, start, outcome, found);
}

fn browser(examination: &Examination<'_>, book: &Book<'_>) {
    let start = Instant::now();
    let variable = |name| (examination.variable)(name).filter(|value| !value.is_empty());
    let openers: Vec<_> = open::commands("https://example.com/")
        .iter()
        .map(|command| command.get_program().to_string_lossy().into_owned())
        .collect();
    if cfg!(any(target_os = "macos", windows)) {
        let opener = openers.first().map(String::as_str).unwrap_or_default();
        return book.put(Check::Browser, start, Outcome::Passed, [format!("the system's own, by {opener}")]);
    }
    let path = variable("PATH").unwrap_or_default();
    let Some((opener, at)) =
        openers.iter().find_map(|opener| Some((opener, on_path(opener.as_ref(), &path)?)))
    else {
        return book.put(Check::Browser, start, Outcome::warning(setup::no_opener(&openers)), [""; 0]);
    };
    let mut found = vec![format!("opened by {opener}, at {}", at.display())];
    // A list, of commands with their arguments.
    let named = variable("BROWSER").map(|named| named.to_string_lossy().into_owned());
    let program = named.as_deref().and_then(|named| named.split([':', ' ']).next());
    if let Some(named) = &named {
        found.push(format!("BROWSER is {named}"));
    }
    let outcome = match program {
        Some(program) if on_path(program.as_ref(), &path).is_none() => {
            Outcome::warning(setup::browser_not_there(program))
        }
        _ if variable("DISPLAY").or_else(|| variable("WAYLAND_DISPLAY")).is_none() => {
            Outcome::warning(setup::no_display())
        }
        _ => Outcome::Passed,
    };
    book.put(Check::Browser, start, outcome, found);
}

/// Where a program is, by its name or its path.
fn on_path(program: &Path, path: &OsStr) -> Option<PathBuf> {
    if program.is_absolute() {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

async fn keyring(store: &Store, book: &Book<'_>) {
    let start = Instant::now();
    let tried = tokio::time::timeout(DEADLINE, store.probe()).await;
    let tried = tried.unwrap_or_else(|_| Err(Unavailable::silent(DEADLINE)));
    match tried {
        Ok(()) => {
            let found = format!("{KEYRING}: wrote, read and removed an entry of the size of a session");
            book.put(Check::Keyring, start, Outcome::Passed, [found]);
        }
        Err(why) => book.put(Check::Keyring, start, Outcome::warning(setup::keyring(&why)), [KEYRING]),
    }
}

/// The proxies as the client reads them: the first of each pair that is set counts. None is ever used for this
/// computer's own addresses.
fn proxies(examination: &Examination<'_>, book: &Book<'_>) {
    const PROXIES: [[&str; 2]; 3] =
        [["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];
    let start = Instant::now();
    let set = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| {
            let value = (examination.variable)(name).filter(|value| !value.is_empty())?;
            Some((name, value.to_string_lossy().into_owned()))
        })
    };
    let (mut found, mut outcome) = (Vec::new(), Outcome::Passed);
    for (name, value) in PROXIES.into_iter().filter_map(set) {
        if let Some(address) = address(&value) {
            found.push(format!("{name} is {address}"));
        } else {
            outcome = Outcome::warning(setup::proxy_unreadable(name));
        }
    }
    match set(["NO_PROXY", "no_proxy"]) {
        Some((name, value)) if !found.is_empty() => found.push(format!("{name} is {value}")),
        _ if found.is_empty() => found.push("none in the environment".to_owned()),
        _ => {}
    }
    book.put(Check::Proxies, start, outcome, found);
}

/// A proxy's address without the name and password that may stand in it.
fn address(proxy: &str) -> Option<String> {
    let url = if proxy.contains("://") { Url::parse(proxy) } else { Url::parse(&format!("http://{proxy}")) };
    let url = url.ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_told() {
        assert_eq!(address("http://me:canary@proxy:3128/").as_deref(), Some("http://proxy:3128"));
        assert_eq!(address("me:canary@proxy:3128").as_deref(), Some("http://proxy:3128"));
        assert_eq!(address("socks5://proxy").as_deref(), Some("socks5://proxy"));
        assert_eq!(address("http://"), None);
    }
}
