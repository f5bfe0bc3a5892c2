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
    tokio::join!(ports(examination.profile, book), keyring(examination.store, book));
}

/// Each port is taken, and let go at once.
async fn ports(profile: &Profile, book: &Book<'_>) {
    let start = Instant::now();
    let (mut free, mut held) = (Vec::new(), Vec::new());
    for &port in &profile.redirect_ports {
        match Listener::bind(&[port], &profile.redirect_path) {
            Ok(_) if port == 0 => free.push("any other".to_owned()),
            Ok(_) => free.push(port.to_string()),
            Err(PortsBusy(busy)) => held.extend(busy),
        }
    }
    if !held.is_empty() {
        let asked = held.clone();
        let named = tokio::task::spawn_blocking(move || {
            asked
                .into_iter()
                .map(|(port, why)| match holder(port) {
                    Some(program) => (port, format!("{why} by {program}")),
                    None => (port, why),
                })
                .collect()
        });
        held = named.await.unwrap_or(held);
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

/// The program that listens on a port of this computer, where the system tells.
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<String> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<_> = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| listens(line, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let numbered = |process: &PathBuf| {
        process.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok())
    };
    let process = processes.map(|entry| entry.path()).filter(numbered).find(|process| {
        // Those of other people cannot be read.
        let Ok(handles) = std::fs::read_dir(process.join("fd")) else { return false };
        handles
            .flatten()
            .filter_map(|handle| std::fs::read_link(handle.path()).ok())
            .any(|handle| handle.to_str().is_some_and(|handle| sockets.iter().any(|socket| socket == handle)))
    })?;
    let name = std::fs::read_to_string(process.join("comm")).ok()?;
    Some(format!("{} (process {})", name.trim(), process.file_name()?.to_str()?))
}

#[cfg(not(target_os = "linux"))]
fn holder(_: u16) -> Option<String> {
    None
}

/// The socket of a line of `/proc/net/tcp`, where it listens on this port at 127.0.0.1, or at every address.
#[cfg(target_os = "linux")]
fn listens(line: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<_> = line.split_whitespace().collect();
    let (address, its_port) = fields.get(1)?.rsplit_once(':')?;
    // The address is printed in the machine's own order of bytes; of a mapped one the last four count.
    let last = address.get(address.len().checked_sub(8)?..)?;
    let last = u32::from_str_radix(last, 16).ok()?.to_ne_bytes();
    let reaches = last == [127, 0, 0, 1] || last == [0; 4];
    let is_it = reaches && u16::from_str_radix(its_port, 16) == Ok(port) && fields.get(3) == Some(&LISTEN);
    fields.get(9).copied().filter(|_| is_it)
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
    let tried = tokio::time::timeout(DEADLINE, store.probe()).await.unwrap_or_else(|_| {
        let seconds = DEADLINE.as_secs();
        Err(Unavailable::new(format!(
            "it did not answer within {seconds} seconds, and may be asking for its password"
        )))
    });
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

    #[cfg(all(target_os = "linux", target_endian = "little"))]
    #[test]
    fn who_listens_elsewhere_or_is_only_connected_holds_nothing() {
        let line = |address: &str, state: &str| {
            format!(
                "   0: {address}:2206 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 42 1 0"
            )
        };
        for address in ["0100007F", "00000000", &"0".repeat(32), "0000000000000000FFFF00000100007F"] {
            assert_eq!(listens(&line(address, "0A"), 8710), Some("42"), "{address}");
        }
        assert_eq!(listens(&line("0200007F", "0A"), 8710), None);
        assert_eq!(listens(&line("0100007F", "01"), 8710), None);
        assert_eq!(listens(&line("0100007F", "0A"), 8711), None);
        assert_eq!(listens("  sl  local_address", 8710), None);
    }
}
