//! TCP in one network namespace: its settings, and its counters since the namespace was made.

use serde::{Deserialize, Serialize};

/// One network namespace. `None` where this kernel or this namespace has no such figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkReading {
    /// Inode number of the namespace.
    pub netns: u32,
    /// Ports for outgoing connections.
    pub ports: Option<PortRange>,
    /// Settings of TCP.
    pub settings: TcpSettings,
    /// Counters of TCP.
    pub counters: TcpCounters,
    /// Sockets and memory in use.
    pub usage: TcpUsage,
}

/// Ports that the kernel gives to outgoing connections: `ip_local_port_range` without
/// `ip_local_reserved_ports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// First port of the range.
    pub first: u16,
    /// Last port of the range.
    pub last: u16,
    /// Reserved spans, ends included.
    pub reserved: Vec<(u16, u16)>,
}

impl PortRange {
    /// Whether the kernel gives this port to outgoing connections.
    pub fn contains(&self, port: u16) -> bool {
        let is_within = |&(first, last): &(u16, u16)| (first..=last).contains(&port);
        (self.first..=self.last).contains(&port) && !self.reserved.iter().any(is_within)
    }

    /// Number of ports that are not reserved.
    pub fn available(&self) -> usize {
        let all = self.first..=self.last;
        all.filter(|&port| self.contains(port)).count()
    }
}

/// Settings below `/proc/sys/net`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpSettings {
    /// Reuse of ports in TIME_WAIT for outgoing connections: 0 never, 1 always, 2 to loopback only.
    pub tw_reuse: Option<u64>,
    /// TCP timestamps, which `tw_reuse` needs: 0 is off.
    pub timestamps: Option<u64>,
    /// Limit of sockets in TIME_WAIT; the kernel drops further ones at once.
    pub max_tw_buckets: Option<u64>,
    /// SYN cookies: 0 off, 1 when the queue is full, 2 always.
    pub syncookies: Option<u64>,
    /// Upper limit of the backlog of `listen()`.
    pub somaxconn: Option<u64>,
    /// Seconds that an orphan stays in `FIN_WAIT2`.
    pub fin_timeout: Option<u64>,
    /// Limit of sockets without a process; the kernel resets further ones. Machine-wide, in the first
    /// network namespace only.
    pub max_orphans: Option<u64>,
    /// Pages of memory: below, pressure, limit. Machine-wide, in the first network namespace only.
    pub tcp_mem: Option<[u64; 3]>,
    /// The kernel still has `tcp_tw_recycle` (before 4.12), and it is on.
    pub tw_recycle: bool,
}

/// Counters of `/proc/net/netstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpCounters {
    /// Connections that found the queue of a listening socket full.
    pub listen_overflows: Option<u64>,
    /// Connections that a listening socket rejected for any reason.
    pub listen_drops: Option<u64>,
    /// SYN cookies sent: the queue of half-open connections was full.
    pub syncookies_sent: Option<u64>,
    /// SYN cookies that came back: real clients.
    pub syncookies_received: Option<u64>,
    /// Acknowledgements with an invalid SYN cookie.
    pub syncookies_failed: Option<u64>,
    /// Half-open connections that were dropped because their queue was full.
    pub syn_drops: Option<u64>,
    /// Sockets that got no place in TIME_WAIT.
    pub time_wait_overflows: Option<u64>,
    /// Connections that ended because TCP had no memory.
    pub aborts_on_memory: Option<u64>,
    /// How often TCP came under memory pressure.
    pub memory_pressures: Option<u64>,
}

/// Figures of `/proc/net/sockstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpUsage {
    /// Sockets without a process. Machine-wide.
    pub orphans: Option<u64>,
    /// Sockets in TIME_WAIT.
    pub time_wait: Option<u64>,
    /// Pages of memory. Machine-wide.
    pub pages: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_are_left_out_once_and_only_within_the_range() {
        let range = PortRange {
            first: 32_768,
            last: 60_999,
            reserved: vec![(8_080, 8_080), (32_760, 32_769), (60_999, 61_000)],
        };
        assert_eq!(range.available(), 28_232 - 3);
        for (port, contained) in [
            (8_080, false),
            (32_769, false),
            (32_770, true),
            (60_998, true),
            (60_999, false),
            (61_000, false),
        ] {
            assert_eq!(range.contains(port), contained, "{port}");
        }
    }

    #[test]
    fn a_range_may_span_every_port_and_be_reserved_as_a_whole() {
        let all = PortRange {
            first: 1,
            last: u16::MAX,
            reserved: Vec::new(),
        };
        assert_eq!(all.available(), 65_535);
        let none = PortRange {
            reserved: vec![(0, u16::MAX)],
            ..all
        };
        assert_eq!(none.available(), 0);
    }
}
