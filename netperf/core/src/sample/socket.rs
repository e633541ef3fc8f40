//! One snapshot of the sockets: what the kernel lists for each, and which processes hold them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::network::NetworkReading;
use super::refusal::Refusals;
use super::{Process, TcpState};
use crate::clock::{MonoNs, WallNs};

/// One snapshot of the sockets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SocketSample {
    /// When it was taken, for rates.
    pub at: MonoNs,
    /// When it was taken, on the wall clock.
    pub wall: WallNs,
    /// The sockets, namespace by namespace, in the kernel's order.
    pub sockets: Vec<SocketReading>,
    /// The processes that hold them.
    pub owners: SocketOwners,
    /// Names of users that own sockets, by user id. Untrusted text.
    pub users: HashMap<u32, String>,
    /// Paths of cgroups that sockets were made in, by cgroup id. Untrusted text.
    pub cgroups: HashMap<u64, String>,
    /// Network namespaces in view, by inode number.
    pub namespaces: Vec<u32>,
    /// The tracer's own network namespace.
    pub own_namespace: Option<u32>,
    /// TCP settings and counters of each namespace, where the command needs them.
    pub networks: Vec<NetworkReading>,
    /// Files that set `tcp_tw_recycle`, where the command needs them.
    pub recycle_set_in: Vec<String>,
    /// Failed calls and connections, where they are counted.
    pub refusals: Refusals,
    /// What could not be seen: shown, never fatal.
    pub unseen: Vec<Unseen>,
}

/// Something that can't be seen on this machine, or could not be seen this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unseen {
    /// What the user misses.
    pub what: String,
    /// The reason, with what was tried.
    pub why: String,
}

/// A socket as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketReading {
    /// Protocol of the socket.
    pub proto: SocketProto,
    /// Its state; those without a connection are in [`TcpState::Close`].
    pub state: TcpState,
    /// Its addresses.
    pub ends: Ends,
    /// Inode number of its network namespace.
    pub netns: u32,
    /// Inode number of the socket; `None` where it has no file, as in TIME_WAIT and SYN_RECV.
    pub inode: Option<u32>,
    /// The kernel's cookie, which is never reused.
    pub cookie: u64,
    /// User that made it; `None` where the kernel does not keep the user.
    pub uid: Option<u32>,
    /// Bytes received and not read; of a listening TCP socket, connections to be accepted.
    pub recv_q: u32,
    /// Bytes sent and not acknowledged; of a listening TCP socket, the limit of `recv_q`.
    pub send_q: u32,
    /// Its running timer.
    pub timer: Option<Timer>,
    /// Cgroup that it was made in. Since Linux 5.9, without a cgroup namespace of its own.
    pub cgroup_id: Option<u64>,
    /// Which directions have been shut down: 1 receive, 2 send.
    pub shutdown: Option<u8>,
    /// Its memory, where the command needs it.
    pub memory: Option<SocketMemory>,
    /// Figures of the TCP connection, where the command needs them.
    pub tcp: Option<Box<TcpInfo>>,
}

/// Protocols of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SocketProto {
    /// TCP, MPTCP included.
    Tcp,
    /// UDP, UDP-Lite included.
    Udp,
    /// Raw IP sockets.
    Raw,
    /// Unix stream sockets.
    UnixStream,
    /// Unix datagram sockets.
    UnixDgram,
    /// Unix sockets with sequenced packets.
    UnixSeqpacket,
}

impl SocketProto {
    /// The name in JSON and in `ss`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Raw => "raw",
            Self::UnixStream => "u_str",
            Self::UnixDgram => "u_dgr",
            Self::UnixSeqpacket => "u_seq",
        }
    }

    /// Whether it is a Unix socket, which has no IP addresses.
    pub fn is_unix(self) -> bool {
        matches!(
            self,
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket
        )
    }
}

/// Addresses of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ends {
    /// IP addresses and ports.
    Inet(InetEnds),
    /// Names of Unix sockets.
    Unix(UnixEnds),
}

/// IP addresses and ports. Those of IPv4 connections over IPv6 sockets are given as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InetEnds {
    /// Local address. The port of a raw socket is its IP protocol.
    pub local: SocketAddr,
    /// Remote address; unspecified with port 0 where the socket is not connected.
    pub remote: SocketAddr,
    /// Index of the interface that it is bound to, or 0.
    pub interface: u32,
    /// Whether the socket itself is of IPv6, whatever the family of its addresses.
    pub is_ipv6: bool,
    /// Whether it accepts IPv6 only.
    pub ipv6_only: bool,
}

/// Names of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixEnds {
    /// Path, or `@` and an abstract name; `None` for an unnamed socket. Untrusted text.
    pub path: Option<String>,
    /// Inode number of the socket at the other end.
    pub peer: Option<u32>,
}

/// The timer of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timer {
    /// What the timer triggers.
    pub kind: TimerKind,
    /// Milliseconds until it expires.
    pub expires_ms: u32,
    /// How often it has expired already.
    pub retransmits: u8,
}

/// Kinds of timers, named as in `ss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TimerKind {
    /// A retransmission, or a tail loss probe.
    On,
    /// A keepalive probe.
    Keepalive,
    /// The end of TIME_WAIT or of an orphan's `FIN_WAIT2`.
    Timewait,
    /// A zero-window probe.
    Persist,
}

/// Memory of a socket in bytes (`SK_MEMINFO_*` of `linux/sock_diag.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SocketMemory {
    /// Memory of received data.
    pub rmem: u32,
    /// Limit of `rmem`.
    pub rcvbuf: u32,
    /// Memory of data to be sent.
    pub wmem: u32,
    /// Limit of `wmem`.
    pub sndbuf: u32,
    /// Packets dropped since the socket was made.
    pub drops: Option<u32>,
}

/// Figures of a TCP connection (`struct tcp_info` of `linux/tcp.h`). `None` where this kernel has no
/// such figure, or does not know it yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpInfo {
    /// Congestion control. Untrusted text.
    pub congestion: Option<String>,
    /// Smoothed round-trip time.
    pub srtt_us: Option<u32>,
    /// Mean deviation of the round-trip time.
    pub rttvar_us: Option<u32>,
    /// Smallest recent round-trip time.
    pub min_rtt_us: Option<u32>,
    /// Retransmission timeout now.
    pub rto_us: Option<u32>,
    /// Congestion window in segments.
    pub cwnd: Option<u32>,
    /// Slow-start threshold in segments; `None` while there was no congestion.
    pub ssthresh: Option<u32>,
    /// Largest payload of a segment sent.
    pub mss: Option<u32>,
    /// MTU of the path.
    pub pmtu: Option<u32>,
    /// Segments sent and not acknowledged.
    pub unacked: Option<u32>,
    /// Segments considered lost.
    pub lost: Option<u32>,
    /// Segments retransmitted and not acknowledged.
    pub retrans_out: Option<u32>,
    /// Segments retransmitted in the connection's life.
    pub retrans: Option<u32>,
    /// Payload that the other end has acknowledged.
    pub bytes_acked: Option<u64>,
    /// Payload received in order.
    pub bytes_received: Option<u64>,
    /// Payload sent, retransmissions included. Since Linux 4.19.
    pub bytes_sent: Option<u64>,
    /// Bytes in the send queue that were never sent.
    pub notsent_bytes: Option<u32>,
    /// Recent delivery rate, bytes per second.
    pub delivery_rate: Option<u64>,
    /// Time with something to send.
    pub busy_us: Option<u64>,
    /// Part of it in which the other end's window was closed.
    pub rwnd_limited_us: Option<u64>,
    /// Part of it in which the send buffer was too small.
    pub sndbuf_limited_us: Option<u64>,
    /// Time since data was sent last.
    pub last_sent_ms: Option<u32>,
    /// Time since data was received last.
    pub last_received_ms: Option<u32>,
    /// Time since the other end last acknowledged something, or sent its FIN.
    pub last_acked_ms: Option<u32>,
}

/// An open file that is a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOwner {
    /// Inode number of the socket.
    pub inode: u32,
    /// File descriptor in the process.
    pub fd: u32,
    /// The process.
    pub process: Arc<Process>,
}

/// Processes that hold sockets, sorted by inode, then by process and file descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOwners(Vec<SocketOwner>);

impl SocketOwners {
    /// Sorts the owners.
    pub fn new(mut owners: Vec<SocketOwner>) -> Self {
        owners.sort_unstable_by_key(|owner| (owner.inode, owner.process.id.tgid, owner.fd));
        Self(owners)
    }

    /// The owners of one socket: several if it was inherited or passed on, none if they could not be
    /// seen.
    pub fn of(&self, inode: u32) -> &[SocketOwner] {
        let start = self.0.partition_point(|owner| owner.inode < inode);
        let length = self.0[start..].partition_point(|owner| owner.inode == inode);
        &self.0[start..start + length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::process;

    #[test]
    fn a_shared_socket_has_all_its_owners_and_no_other() {
        let owner = |inode, tgid, fd| SocketOwner {
            inode,
            fd,
            process: process(tgid, "nginx"),
        };
        let owners = SocketOwners::new(vec![
            owner(7, 30, 4),
            owner(9, 10, 3),
            owner(7, 20, 5),
            owner(5, 10, 4),
        ]);
        let found = |inode| -> Vec<_> {
            let of = owners.of(inode).iter();
            of.map(|owner| (owner.process.id.tgid, owner.fd)).collect()
        };
        assert_eq!(found(7), [(20, 5), (30, 4)]);
        assert_eq!(found(9), [(10, 3)]);
        assert_eq!(found(6), []);
        assert_eq!(found(10), []);
    }
}
