//! What is one look at the sockets? What the kernel lists of each, and which processes hold them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::network::NetworkReading;
use super::refusal::Refusals;
use super::{Process, TcpState};
use crate::clock::{MonoNs, WallNs};

/// One look at the sockets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SocketSample {
    /// When, for rates.
    pub at: MonoNs,
    /// When, for people.
    pub wall: WallNs,
    /// The sockets, namespace by namespace, in the kernel's order.
    pub sockets: Vec<SocketReading>,
    /// Who holds them.
    pub owners: SocketOwners,
    /// Names of users that have sockets, by user id. Untrusted text.
    pub users: HashMap<u32, String>,
    /// Paths of cgroups that sockets were made in, by cgroup id. Untrusted text.
    pub cgroups: HashMap<u64, String>,
    /// Network namespaces that were looked at, by inode number.
    pub namespaces: Vec<u32>,
    /// The tracer's own.
    pub own_namespace: Option<u32>,
    /// What they say of TCP as a whole, where that was asked for.
    pub networks: Vec<NetworkReading>,
    /// Files that set `tcp_tw_recycle`, where that was asked for.
    pub recycle_set_in: Vec<String>,
    /// What was refused for want of a port or an address, where that is counted.
    pub refusals: Refusals,
    /// What could not be seen: shown, never fatal.
    pub unseen: Vec<Unseen>,
}

/// Something that can't be seen on this machine, or could not be this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unseen {
    /// What is missing to the user.
    pub what: String,
    /// Why, with what was tried.
    pub why: String,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketReading {
    /// Its protocol.
    pub proto: SocketProto,
    /// Its state; those without a connection are in [`TcpState::Close`].
    pub state: TcpState,
    /// Where its ends are.
    pub ends: Ends,
    /// Inode number of its network namespace.
    pub netns: u32,
    /// Inode number of the socket itself; `None` where it belongs to no file any more or not yet, as
    /// in TIME_WAIT and SYN_RECV.
    pub inode: Option<u32>,
    /// The kernel's cookie: never used twice.
    pub cookie: u64,
    /// User that made it; `None` where the kernel does not keep that.
    pub uid: Option<u32>,
    /// Bytes received and not read; of a listening TCP socket, connections to be accepted.
    pub recv_q: u32,
    /// Bytes sent and not acknowledged; of a listening TCP socket, the limit of `recv_q`.
    pub send_q: u32,
    /// What the kernel waits for.
    pub timer: Option<Timer>,
    /// Cgroup that it was made in. Since Linux 5.9, without a cgroup namespace of its own.
    pub cgroup_id: Option<u64>,
    /// Which directions have been shut down: 1 receive, 2 send.
    pub shutdown: Option<u8>,
    /// Its memory, where that was asked for.
    pub memory: Option<SocketMemory>,
    /// State of the TCP connection, where that was asked for.
    pub tcp: Option<Box<TcpInfo>>,
}

/// Protocols that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SocketProto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// IP protocols that the process itself speaks.
    Raw,
    /// Stream within this machine.
    UnixStream,
    /// Datagrams within this machine.
    UnixDgram,
    /// Messages in order within this machine.
    UnixSeqpacket,
}

impl SocketProto {
    /// As the contract and `ss` write it.
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

    /// Within this machine, without addresses.
    pub fn is_unix(self) -> bool {
        matches!(
            self,
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket
        )
    }
}

/// Where the ends of a socket are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ends {
    /// Internet addresses.
    Inet(InetEnds),
    /// Names within this machine.
    Unix(UnixEnds),
}

/// Internet addresses. Those of IPv4 connections over IPv6 sockets are given as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InetEnds {
    /// This end. The port of a raw socket is its IP protocol.
    pub local: SocketAddr,
    /// The other end; unspecified with port 0 where there is none.
    pub remote: SocketAddr,
    /// Interface that it is bound to, or 0.
    pub interface: u32,
    /// The family of the socket, whatever the family of its addresses.
    pub is_ipv6: bool,
    /// It takes IPv6 only, not IPv4 as well.
    pub ipv6_only: bool,
}

/// Names within this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixEnds {
    /// Path, or `@` and a name that is no path; `None` for a socket without a name. Untrusted text.
    pub path: Option<String>,
    /// Inode number of the socket at the other end.
    pub peer: Option<u32>,
}

/// What the kernel waits for before it acts on a socket by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timer {
    /// What will happen.
    pub kind: TimerKind,
    /// In how many milliseconds.
    pub expires_ms: u32,
    /// How often it happened already.
    pub retransmits: u8,
}

/// Kinds of timers, in the words of `ss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TimerKind {
    /// A retransmission, or a probe for a lost tail.
    On,
    /// A look whether the other end is still there.
    Keepalive,
    /// The end of TIME_WAIT or of an orphan's `FIN_WAIT2`.
    Timewait,
    /// A probe of a closed window.
    Persist,
}

/// Memory of a socket in bytes (`SK_MEMINFO_*` of `linux/sock_diag.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SocketMemory {
    /// Held by what was received.
    pub rmem: u32,
    /// Limit of `rmem`.
    pub rcvbuf: u32,
    /// Held by what is to be sent.
    pub wmem: u32,
    /// Limit of `wmem`.
    pub sndbuf: u32,
    /// Packets that were dropped in the socket's life.
    pub drops: Option<u32>,
}

/// What a TCP connection has come to (`struct tcp_info` of `linux/tcp.h`). `None` is what this kernel
/// does not tell, or does not know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TcpInfo {
    /// Congestion control. Untrusted text.
    pub congestion: Option<String>,
    /// Smoothed round-trip time.
    pub srtt_us: Option<u32>,
    /// Its mean deviation.
    pub rttvar_us: Option<u32>,
    /// Smallest round-trip time of late.
    pub min_rtt_us: Option<u32>,
    /// Retransmission timeout.
    pub rto_us: Option<u32>,
    /// Congestion window in segments.
    pub cwnd: Option<u32>,
    /// Slow-start threshold in segments; `None` while there was no congestion.
    pub ssthresh: Option<u32>,
    /// Payload of the largest segment sent.
    pub mss: Option<u32>,
    /// Path MTU.
    pub pmtu: Option<u32>,
    /// Segments sent and not acknowledged.
    pub unacked: Option<u32>,
    /// Segments taken for lost.
    pub lost: Option<u32>,
    /// Segments retransmitted and not acknowledged.
    pub retrans_out: Option<u32>,
    /// Segments retransmitted in the connection's life.
    pub retrans: Option<u32>,
    /// Payload that the other end has acknowledged.
    pub bytes_acked: Option<u64>,
    /// Payload received.
    pub bytes_received: Option<u64>,
    /// Payload sent, retransmissions included. Since Linux 4.19.
    pub bytes_sent: Option<u64>,
    /// Bytes in the send queue that were never sent.
    pub notsent_bytes: Option<u32>,
    /// Delivery rate of late, bytes per second.
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
    /// Time since the other end acknowledged something last; its FIN does that too.
    pub last_acked_ms: Option<u32>,
}

/// One open file that is a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOwner {
    /// Inode number of the socket.
    pub inode: u32,
    /// Number of the file in the process.
    pub fd: u32,
    /// Who.
    pub process: Arc<Process>,
}

/// Which processes hold which sockets: by inode, then by process and file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOwners(Vec<SocketOwner>);

impl SocketOwners {
    /// Puts them in order.
    pub fn new(mut owners: Vec<SocketOwner>) -> Self {
        owners.sort_unstable_by_key(|owner| (owner.inode, owner.process.id.tgid, owner.fd));
        Self(owners)
    }

    /// Those of one socket: several if it was inherited or passed on, none if that could not be seen.
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
