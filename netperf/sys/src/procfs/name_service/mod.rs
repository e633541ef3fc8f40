//! What do `/etc/resolv.conf`, `/etc/nsswitch.conf` and `/etc/hosts` say? Read as the C library does:
//! what it does not understand it leaves out.

mod resolv_conf;

use std::net::IpAddr;

use netperf_core::sample::name_service::NameService;

use self::resolv_conf::resolv_conf;
use super::{Procfs, lossy};

/// No sane configuration is longer.
const FILE_MAX_BYTES: u64 = 1 << 20;

impl Procfs {
    /// How this machine looks names up.
    pub fn name_service(&self) -> NameService {
        let text = |path| {
            let bytes = self.read(path, FILE_MAX_BYTES);
            bytes.map(|bytes| lossy(&bytes)).unwrap_or_default()
        };
        let mut service = resolv_conf(&text("etc/resolv.conf"));
        if service.search.is_empty() {
            let host = text("proc/sys/kernel/hostname");
            let domain = host.trim().split_once('.').map(|(_, domain)| domain);
            service.search.extend(domain.map(str::to_owned));
        }
        service.sources = sources(&text("etc/nsswitch.conf"));
        service.hosts = hosts(&text("etc/hosts"));
        service
    }
}

/// The sources of host names, without what to do about their results. Without a line: glibc's own.
fn sources(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let mut found = lines.filter_map(|line| line.trim().strip_prefix("hosts:"));
    let line = found.next().unwrap_or("files dns");
    let mut in_brackets = false;
    let words = line.split_whitespace().filter(|word| {
        let was_in = in_brackets || word.starts_with('[');
        in_brackets = was_in && !word.ends_with(']');
        !was_in
    });
    words.map(str::to_owned).collect()
}

fn hosts(text: &str) -> Vec<(IpAddr, Vec<String>)> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let named = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        Some((address, words.map(str::to_owned).collect()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_words_without_their_actions() {
        assert_eq!(
            sources(
                "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns [ !UNAVAIL=return ] x # y\n"
            ),
            ["files", "mdns4_minimal", "dns", "x"]
        );
        assert_eq!(sources(""), ["files", "dns"]);
    }

    #[test]
    fn hosts_have_all_their_names() {
        let read = hosts("127.0.0.1 localhost me # no\nx y\n::1 six\n10.0.0.2\n");
        let read: Vec<_> = read
            .iter()
            .map(|(address, names)| format!("{address} {}", names.join(" ")))
            .collect();
        assert_eq!(read, ["127.0.0.1 localhost me", "::1 six", "10.0.0.2 "]);
    }
}
