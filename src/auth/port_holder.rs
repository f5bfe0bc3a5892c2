//! Which program holds a port, where the system tells: for saying so, nothing is decided by it.

use std::fs;
use std::path::Path;

/// The most processes that are looked at.
const PROCESSES: usize = 10_000;

/// The name and the process id of the program that listens on this loopback port: `node (4711)`. Linux tells in
/// `/proc`, of the same person's programs only; elsewhere nothing does that a program may read without more ado.
#[must_use]
pub fn holder(port: u16) -> Option<String> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let sockets = tables.iter().flat_map(|table| table.lines().skip(1));
    let links: Vec<_> =
        sockets.filter_map(|socket| listens(socket, port)).map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok).take(PROCESSES);
    processes.filter(|process| holds(&process.path(), &links)).find_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} ({id})", crate::untrusted::line(name.trim_end())))
    })
}

fn holds(process: &Path, links: &[String]) -> bool {
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return false };
    handles
        .filter_map(Result::ok)
        .filter_map(|handle| fs::read_link(handle.path()).ok())
        .any(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
}

/// The inode of a socket in the system's table, where it listens on `port` at 127.0.0.1, or at every address.
fn listens(socket: &str, port: u16) -> Option<&str> {
    const LISTENING: &str = "0A";
    let columns: Vec<_> = socket.split_whitespace().collect();
    let (address, its_port) = columns.get(1)?.split_once(':')?;
    // The address is printed in the machine's own order of bytes; of a mapped one the last four count.
    let last = address.get(address.len().checked_sub(8)?..)?;
    let last = u32::from_str_radix(last, 16).ok()?.to_ne_bytes();
    let reaches = last == [127, 0, 0, 1] || last == [0; 4];
    let is_it =
        reaches && u16::from_str_radix(its_port, 16) == Ok(port) && columns.get(3) == Some(&LISTENING);
    columns.get(9).copied().filter(|_| is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn who_listens_elsewhere_or_is_only_connected_holds_nothing() {
        let socket = |address: &str, state: &str| {
            format!(
                "   0: {address}:2206 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 42 1 0"
            )
        };
        for address in ["0100007F", "00000000", &"0".repeat(32), "0000000000000000FFFF00000100007F"] {
            assert_eq!(listens(&socket(address, "0A"), 8710), Some("42"), "{address}");
        }
        assert_eq!(listens(&socket("0200007F", "0A"), 8710), None);
        assert_eq!(listens(&socket("0100007F", "01"), 8710), None);
        assert_eq!(listens(&socket("0100007F", "0A"), 8711), None);
        assert_eq!(listens("  sl  local_address", 8710), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_port_is_named() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let named = holder(socket.local_addr().unwrap().port()).unwrap();
        assert!(named.ends_with(&format!(" ({})", std::process::id())), "{named}");
    }
}
