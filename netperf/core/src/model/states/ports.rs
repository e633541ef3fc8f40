//! Which ports do outgoing connections take up, for each destination?
//!
//! The kernel tells connections apart by both addresses and ports, so each pair of a local address
//! and a destination has the whole range of ports for itself.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::sample::network::{NetworkReading, PortRange};
use crate::sample::socket::{Ends, InetEnds, SocketReading, SocketSample};
use crate::sample::{Process, TcpState};

/// Seconds that TIME_WAIT lasts (`TCP_TIMEWAIT_LEN` of `include/net/tcp.h`).
pub const TIME_WAIT_SECS: u32 = 60;

/// Seconds over which the beginnings of TIME_WAIT are averaged.
pub const FRESH_SECS: u32 = 5;

/// Processes that are named for one destination.
const MAKERS_MAX: usize = 8;

/// Where connections go to, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// Network namespace.
    pub netns: u32,
    /// Local address.
    pub local: IpAddr,
    /// Remote address and port.
    pub remote: SocketAddr,
}

/// What connections to a destination take up.
#[derive(Clone, Debug, Default)]
pub struct PortUse {
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Those of them that began in the last [`FRESH_SECS`].
    pub fresh: u32,
    /// Ports of the range that are taken, TIME_WAIT included.
    pub in_use: u32,
    /// Processes that have connections there.
    pub makers: Vec<Arc<Process>>,
    /// They had some at an earlier look, and none now.
    pub makers_are_gone: bool,
}

/// Ports of outgoing connections, and what accepted ones leave behind.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// Outgoing.
    pub destinations: HashMap<Destination, PortUse>,
    /// TIME_WAIT of accepted connections, by network namespace and local end. They take up no port.
    pub accepted: HashMap<(u32, SocketAddr), u32>,
}

impl Ports {
    /// Those of all sockets of a look.
    pub fn of(sample: &SocketSample) -> Self {
        let sides = Sides::of(sample);
        let mut ports = Self::default();
        for socket in &sample.sockets {
            if let Ends::Inet(ends) = &socket.ends {
                ports.add(sample, &sides, socket, ends);
            }
        }
        ports
    }

    fn add(
        &mut self,
        sample: &SocketSample,
        sides: &Sides<'_>,
        socket: &SocketReading,
        ends: &InetEnds,
    ) {
        let is_over = socket.state == TcpState::TimeWait;
        match sides.of_socket(socket, ends) {
            Side::Accepted if is_over => {
                *self.accepted.entry((socket.netns, ends.local)).or_default() += 1;
            }
            Side::None | Side::Accepted => {}
            Side::Outgoing { in_range } => {
                let destination = Destination {
                    netns: socket.netns,
                    local: ends.local.ip(),
                    remote: ends.remote,
                };
                let used = self.destinations.entry(destination).or_default();
                used.time_wait += u32::from(is_over);
                used.fresh += u32::from(is_over && is_fresh(socket));
                used.in_use += u32::from(in_range);
                for owner in socket.inode.map_or(&[][..], |it| sample.owners.of(it)) {
                    used.add_maker(&owner.process);
                }
            }
        }
    }
}

impl PortUse {
    fn add_maker(&mut self, process: &Arc<Process>) {
        let is_new = self.makers.iter().all(|maker| maker.id != process.id);
        if is_new && self.makers.len() < MAKERS_MAX {
            self.makers.push(Arc::clone(process));
        }
    }

    /// So many connections to it end in TIME_WAIT, per second.
    pub fn made_per_s(&self) -> f64 {
        f64::from(self.fresh) / f64::from(FRESH_SECS)
    }
}

/// TIME_WAIT tells its age: its timer began at 60 s.
fn is_fresh(socket: &SocketReading) -> bool {
    let left = socket.timer.map_or(0, |timer| timer.expires_ms);
    left > (TIME_WAIT_SECS - FRESH_SECS) * 1_000
}

/// On which side of a connection a socket is.
enum Side {
    /// It has no other end, or is not known to have one yet.
    None,
    /// The other end began it.
    Accepted,
    /// This end began it.
    Outgoing {
        /// Its port is one that the kernel gives to outgoing connections.
        in_range: bool,
    },
}

/// What tells sides apart.
struct Sides<'s> {
    listening: HashSet<(u32, u16)>,
    ranges: HashMap<u32, &'s PortRange>,
}

impl<'s> Sides<'s> {
    fn of(sample: &'s SocketSample) -> Self {
        let port = |socket: &SocketReading| match &socket.ends {
            Ends::Inet(ends) => Some((socket.netns, ends.local.port())),
            Ends::Unix(_) => None,
        };
        let is_listening = |socket: &&SocketReading| socket.state == TcpState::Listen;
        let listening = sample.sockets.iter().filter(is_listening);
        let range = |network: &'s NetworkReading| Some((network.netns, network.ports.as_ref()?));
        Self {
            listening: listening.filter_map(port).collect(),
            ranges: sample.networks.iter().filter_map(range).collect(),
        }
    }

    fn of_socket(&self, socket: &SocketReading, ends: &InetEnds) -> Side {
        let (local, remote) = (ends.local.port(), ends.remote.port());
        if matches!(socket.state, TcpState::Listen | TcpState::Close) {
            return Side::None;
        }
        let is_listening = self.listening.contains(&(socket.netns, local));
        if is_listening || socket.state == TcpState::SynRecv {
            return Side::Accepted;
        }
        let range = self.ranges.get(&socket.netns);
        let is_in = |port| range.is_some_and(|range| range.contains(port));
        // What listened has gone: a port of a server talks to a port of a client.
        if !is_in(local) && is_in(remote) {
            return Side::Accepted;
        }
        Side::Outgoing {
            in_range: is_in(local),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NETNS, process, socket};
    use crate::sample::socket::{SocketOwner, SocketOwners, Timer, TimerKind};

    fn sample(sockets: Vec<SocketReading>) -> SocketSample {
        let ports = PortRange {
            first: 32_768,
            last: 60_999,
            reserved: vec![(50_000, 50_000)],
        };
        SocketSample {
            sockets,
            owners: SocketOwners::new(vec![SocketOwner {
                inode: 7,
                fd: 3,
                process: process(8_821, "worker"),
            }]),
            networks: vec![NetworkReading {
                netns: NETNS,
                ports: Some(ports),
                ..NetworkReading::default()
            }],
            ..SocketSample::default()
        }
    }

    fn over(local: &str, remote: &str, left_ms: u32) -> SocketReading {
        SocketReading {
            timer: Some(Timer {
                kind: TimerKind::Timewait,
                expires_ms: left_ms,
                retransmits: 0,
            }),
            ..socket(TcpState::TimeWait, 0, local, remote)
        }
    }

    fn only(ports: &Ports) -> (&Destination, &PortUse) {
        assert_eq!(ports.destinations.len(), 1, "{ports:?}");
        ports.destinations.iter().next().unwrap()
    }

    #[test]
    fn ports_are_counted_by_destination_and_only_those_of_the_range() {
        let database = "10.0.0.10:5432";
        let ports = Ports::of(&sample(vec![
            over("10.0.0.5:40000", database, 59_000),
            over("10.0.0.5:40001", database, 20_000),
            // Bound to a port outside, and to one that the kernel keeps out of the range.
            over("10.0.0.5:900", database, 20_000),
            over("10.0.0.5:50000", database, 20_000),
            socket(TcpState::Established, 7, "10.0.0.5:40002", database),
            socket(TcpState::SynSent, 7, "10.0.0.5:40003", database),
        ]));
        let (destination, used) = only(&ports);
        assert_eq!(destination.remote.to_string(), database);
        assert_eq!((used.time_wait, used.in_use, used.fresh), (4, 4, 1));
        let makers: Vec<_> = used.makers.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(makers, ["worker"]);
    }

    #[test]
    fn a_destination_is_also_a_local_address_and_a_namespace() {
        let remote = "10.0.0.10:5432";
        let elsewhere = SocketReading {
            netns: 1,
            ..over("10.0.0.5:40000", remote, 0)
        };
        let ports = Ports::of(&sample(vec![
            over("10.0.0.5:40000", remote, 0),
            over("10.0.0.6:40000", remote, 0),
            over("10.0.0.5:40000", "10.0.0.10:5433", 0),
            elsewhere,
        ]));
        assert_eq!(ports.destinations.len(), 4);
        let in_use: u32 = ports.destinations.values().map(|it| it.in_use).sum();
        assert_eq!(in_use, 3, "the range of the other namespace is not known");
    }

    #[test]
    fn what_a_listener_accepted_is_not_outgoing() {
        let ports = Ports::of(&sample(vec![
            socket(TcpState::Listen, 7, "0.0.0.0:40080", "0.0.0.0:0"),
            over("10.0.0.5:40080", "192.0.2.7:50001", 0),
            over("10.0.0.5:40080", "192.0.2.8:50002", 0),
            socket(TcpState::SynRecv, 0, "10.0.0.5:40080", "192.0.2.9:50003"),
            socket(
                TcpState::Established,
                7,
                "10.0.0.5:40080",
                "192.0.2.9:50004",
            ),
        ]));
        assert!(ports.destinations.is_empty(), "{ports:?}");
        let accepted: Vec<_> = ports.accepted.into_iter().collect();
        let end = "10.0.0.5:40080".parse().unwrap();
        assert_eq!(accepted, [((NETNS, end), 2)]);
    }

    #[test]
    fn what_a_listener_accepted_that_has_gone_is_told_by_its_ports() {
        let ports = Ports::of(&sample(vec![over("10.0.0.5:443", "192.0.2.7:50001", 0)]));
        assert!(ports.destinations.is_empty(), "{ports:?}");
        assert_eq!(ports.accepted.len(), 1);
    }
}
