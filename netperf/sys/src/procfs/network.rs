//! What does the network namespace of the calling thread say of TCP as a whole?
//!
//! `/proc/sys/net` shows the settings of whoever reads it, so a thread has to be in the namespace.

use std::collections::HashMap;

use netperf_core::sample::network::{
    NetworkReading, PortRange, TcpCounters, TcpSettings, TcpUsage,
};

use super::{Procfs, lossy};

/// `ip_local_reserved_ports` may name every second port of all.
const SETTING_MAX_BYTES: u64 = 512 * 1024;
const COUNTERS_MAX_BYTES: u64 = 64 * 1024;

impl Procfs {
    /// The namespace of the calling thread; its number is left open.
    pub fn network(&self) -> NetworkReading {
        NetworkReading {
            netns: 0,
            ports: self.port_range(),
            settings: self.tcp_settings(),
            counters: self.tcp_counters(),
            usage: self.tcp_usage(),
        }
    }

    fn port_range(&self) -> Option<PortRange> {
        let range = self.setting("ipv4/ip_local_port_range")?;
        let mut ends = range.split_ascii_whitespace().map(str::parse);
        let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
        let reserved = self.setting("ipv4/ip_local_reserved_ports");
        let spans = reserved.as_deref().unwrap_or_default().trim().split(',');
        Some(PortRange {
            first,
            last,
            reserved: spans.filter_map(span).collect(),
        })
    }

    fn tcp_settings(&self) -> TcpSettings {
        let number = |name: &str| self.setting(name)?.trim().parse::<u64>().ok();
        let memory = || {
            let text = self.setting("ipv4/tcp_mem")?;
            let mut pages = text.split_ascii_whitespace().map(|it| it.parse().ok());
            Some([pages.next()??, pages.next()??, pages.next()??])
        };
        TcpSettings {
            tw_reuse: number("ipv4/tcp_tw_reuse"),
            timestamps: number("ipv4/tcp_timestamps"),
            max_tw_buckets: number("ipv4/tcp_max_tw_buckets"),
            syncookies: number("ipv4/tcp_syncookies"),
            somaxconn: number("core/somaxconn"),
            fin_timeout: number("ipv4/tcp_fin_timeout"),
            max_orphans: number("ipv4/tcp_max_orphans"),
            tcp_mem: memory(),
            tw_recycle: number("ipv4/tcp_tw_recycle").is_some_and(|it| it > 0),
        }
    }

    fn tcp_counters(&self) -> TcpCounters {
        let text = self.of_thread("netstat");
        let found = counters(&text, "TcpExt:");
        let counter = |name| found.get(name).copied();
        TcpCounters {
            listen_overflows: counter("ListenOverflows"),
            listen_drops: counter("ListenDrops"),
            syncookies_sent: counter("SyncookiesSent"),
            syncookies_received: counter("SyncookiesRecv"),
            syncookies_failed: counter("SyncookiesFailed"),
            syn_drops: counter("TCPReqQFullDrop"),
            time_wait_overflows: counter("TCPTimeWaitOverflow"),
            aborts_on_memory: counter("TCPAbortOnMemory"),
            memory_pressures: counter("TCPMemoryPressures"),
        }
    }

    fn tcp_usage(&self) -> TcpUsage {
        let text = self.of_thread("sockstat");
        let line = text.lines().find_map(|line| line.strip_prefix("TCP:"));
        let words: Vec<_> = line.unwrap_or_default().split_ascii_whitespace().collect();
        let figure = |name| {
            let mut pairs = words.chunks_exact(2);
            pairs.find(|pair| pair[0] == name)?[1].parse().ok()
        };
        TcpUsage {
            orphans: figure("orphan"),
            time_wait: figure("tw"),
            pages: figure("mem"),
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        let bytes = self.read(&format!("proc/sys/net/{name}"), SETTING_MAX_BYTES)?;
        Some(lossy(&bytes))
    }

    /// `/proc/net` would be that of the process.
    fn of_thread(&self, table: &str) -> String {
        let path = format!("proc/thread-self/net/{table}");
        lossy(&self.read(&path, COUNTERS_MAX_BYTES).unwrap_or_default())
    }
}

/// `8080` or `9000-9100`.
fn span(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// A line of names, and the next one of values, both begun by the same word.
pub(super) fn counters<'t>(text: &'t str, group: &str) -> HashMap<&'t str, u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(group));
    let (names, values) = (lines.next(), lines.next());
    let names = names.unwrap_or_default().split_ascii_whitespace();
    let values = values.unwrap_or_default().split_ascii_whitespace();
    let pairs = names.zip(values.map(str::parse));
    pairs
        .filter_map(|(name, value)| Some((name, value.ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> NetworkReading {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("proc").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Procfs::new(root.path()).network()
    }

    #[test]
    fn ports_are_read_with_those_that_are_reserved() {
        let range = ("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        let reserved = |text| tree(&[range, ("sys/net/ipv4/ip_local_reserved_ports", text)]).ports;
        let some = reserved("8080,40000-40009\n").unwrap();
        assert_eq!((some.first, some.last), (32_768, 60_999));
        assert_eq!(some.reserved, [(8_080, 8_080), (40_000, 40_009)]);
        assert_eq!(reserved("\n").unwrap().reserved, []);
        assert_eq!(tree(&[range]).ports.unwrap().available(), 28_232);
        assert_eq!(tree(&[]).ports, None);
    }

    #[test]
    fn counters_are_found_by_their_names() {
        let netstat = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 2 3\n\
                       IpExt: ListenDrops\nIpExt: 9\n";
        let sockstat = "sockets: used 5\nTCP: inuse 1 orphan 7 tw 8 alloc 1 mem 9\nUDP: mem 1\n";
        let read = tree(&[
            ("thread-self/net/netstat", netstat),
            ("thread-self/net/sockstat", sockstat),
        ]);
        let TcpCounters {
            syncookies_sent,
            listen_overflows,
            listen_drops,
            memory_pressures,
            ..
        } = read.counters;
        let shown = (syncookies_sent, listen_overflows, listen_drops);
        assert_eq!(shown, (Some(1), Some(2), Some(3)));
        assert_eq!(memory_pressures, None);
        let TcpUsage {
            orphans,
            time_wait,
            pages,
        } = read.usage;
        assert_eq!((orphans, time_wait, pages), (Some(7), Some(8), Some(9)));
    }

    #[test]
    fn settings_that_a_namespace_lacks_are_not_known() {
        let read = tree(&[
            ("sys/net/ipv4/tcp_tw_reuse", "2\n"),
            ("sys/net/ipv4/tcp_mem", "1\t2\t3\n"),
            ("sys/net/ipv4/tcp_tw_recycle", "0\n"),
        ]);
        let settings = read.settings;
        assert_eq!((settings.tw_reuse, settings.max_orphans), (Some(2), None));
        assert_eq!(settings.tcp_mem, Some([1, 2, 3]));
        assert!(!settings.tw_recycle);
        let old = tree(&[("sys/net/ipv4/tcp_tw_recycle", "1\n")]);
        assert!(old.settings.tw_recycle);
    }

    #[test]
    fn this_machine_tells_its_own() {
        let read = Procfs::new("/").network();
        assert!(read.ports.is_some_and(|ports| ports.available() > 0));
        assert!(read.counters.listen_overflows.is_some());
        assert!(read.usage.time_wait.is_some());
    }
}
