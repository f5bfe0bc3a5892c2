//! Which program holds a port, where the system tells: for saying so, nothing is decided by it.

use std::fs;
use std::path::Path;

/// The most processes that are looked at.
const PROCESSES: usize = 10_000;

/// The name and the process id of the program that listens on this loopback port: `node (4711)`. Linux tells in
/// `/proc`, of the same person's programs only; elsewhere nothing does that a program may read without more ado.
#[must_use]
pub fn holder(port: u16) -> Option<String> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = listening_socket(&table, port)?;
    let link = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok).take(PROCESSES);
    processes.filter(|process| holds(&process.path(), &link)).find_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} ({id})", crate::untrusted::line(name.trim_end())))
    })
}

fn holds(process: &Path, link: &str) -> bool {
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return false };
    handles
        .filter_map(Result::ok)
        .any(|handle| fs::read_link(handle.path()).is_ok_and(|target| target.as_os_str() == link))
}

/// The inode of the socket that listens on `port`, on loopback or everywhere, by the system's table of sockets.
fn listening_socket(table: &str, port: u16) -> Option<&str> {
    const LISTENING: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (_, local) = columns.get(1)?.split_once(':')?;
        let is_it = u16::from_str_radix(local, 16) == Ok(port) && columns.get(3) == Some(&LISTENING);
        columns.get(9).copied().filter(|_| is_it)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sockets_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                     0: 0100007F:2206 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000 0 1 1 0\n\
                     1: 0100007F:2206 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 4711 1 0\n";
        assert_eq!(listening_socket(table, 0x2206), Some("4711"));
        assert_eq!(listening_socket(table, 80), None);
        assert_eq!(listening_socket("odd\nodd\n", 80), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_port_is_named() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let named = holder(socket.local_addr().unwrap().port()).unwrap();
        assert!(named.ends_with(&format!(" ({})", std::process::id())), "{named}");
    }
}
