//! Which servers and names does the system's configuration have?

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};

/// As many servers as the C library asks.
const SERVERS: usize = 3;
/// No sane configuration is longer.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Name servers of `/etc/resolv.conf`.
pub(super) fn servers() -> Vec<SocketAddr> {
    servers_in(&read("/etc/resolv.conf"))
}

/// Names of `/etc/hosts`, the first of each line.
pub(super) fn hosts() -> Vec<(IpAddr, String)> {
    hosts_in(&read("/etc/hosts"))
}

fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_MAX_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        log::info!("`{path}` can't be read: {error}");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn servers_in(text: &str) -> Vec<SocketAddr> {
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse::<IpAddr>().ok())?
    });
    addresses
        .map(|address| (address, 53).into())
        .take(SERVERS)
        .collect()
}

fn hosts_in(text: &str) -> Vec<(IpAddr, String)> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let named = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_servers_are_taken_and_other_lines_are_not() {
        let text = "# c\nsearch x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver bad\n\
                    nameserver\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n";
        let servers: Vec<_> = servers_in(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.53:53", "[::1]:53", "10.0.0.1:53"]);
    }

    #[test]
    fn the_first_name_of_a_line_counts() {
        let text = "127.0.0.1 localhost me\n# 10.0.0.1 no\n10.0.0.2\n::1 six # seven\nx y\n";
        let hosts: Vec<_> = hosts_in(text)
            .iter()
            .map(|(address, name)| format!("{address} {name}"))
            .collect();
        assert_eq!(hosts, ["127.0.0.1 localhost", "::1 six"]);
    }
}
