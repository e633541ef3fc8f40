//! What connections lose: retransmissions by kind, resets, and packets that the kernel dropped.

use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Process, Proto, TcpState};

/// What triggered a retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RetransKind {
    /// The retransmission timeout passed without an acknowledgement; also what follows such a timeout.
    Rto,
    /// Acknowledgements showed a gap (fast retransmit).
    Fast,
    /// The end of a burst was not acknowledged (tail loss probe).
    Tlp,
    /// A SYN was sent again.
    Syn,
    /// A SYN-ACK was sent again.
    Synack,
}

/// Retransmission events by kind. One event may stand for several segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "they are the kinds of `RetransKind`")]
pub struct Kinds {
    pub rto: u32,
    pub fast: u32,
    pub tlp: u32,
    pub synack: u32,
    pub syn: u32,
}

/// Losses of a connection since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Retransmission events by kind.
    pub events: Kinds,
    /// Segments sent, including retransmissions and empty ones; as of the connection's last update.
    pub sent_segments: u32,
    /// Congestion window in segments at the last retransmission; `None` before the first.
    pub cwnd: Option<u32>,
}

/// Which end reset a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResetDirection {
    /// This host sent the reset.
    Sent,
    /// The other end sent the reset.
    Received,
}

/// Resets of one process between two addresses, since the sample before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetReading {
    /// Owner of the socket; the kernel where no process had it, or there was no socket.
    pub process: Arc<Process>,
    /// Which end sent the reset.
    pub direction: ResetDirection,
    /// Local address.
    pub local: SocketAddr,
    /// Remote address; the latest of several.
    pub remote: SocketAddr,
    /// Inode number of the network namespace; 0 if not known.
    pub netns: u32,
    /// State before the reset; the latest of several. `None` without a socket.
    pub state: Option<TcpState>,
    /// Number of resets.
    pub count: u64,
}

/// Packets that the kernel dropped for one reason, since the sample before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropReading {
    /// Why the kernel dropped them.
    pub reason: DropReason,
    /// Owner of the destination socket; `None` if the kernel does not name it and no known socket has the
    /// port.
    pub process: Option<Arc<Process>>,
    /// Transport; `None` if neither TCP nor UDP.
    pub proto: Option<Proto>,
    /// Local destination port; `None` if not known.
    pub local_port: Option<u16>,
    /// Inode number of the network namespace; 0 if not known.
    pub netns: u32,
    /// Number of packets.
    pub packets: u64,
}

/// Makes an enumeration of drop reasons with the kernel's names and plain words.
macro_rules! reasons {
    ($($variant:ident $name:literal $words:literal,)*) => {
        /// Why the kernel dropped a received packet: the reasons that point to a process, a setting or the
        /// path. Kernel 5.17 and later, source `include/net/dropreason-core.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[expect(missing_docs, reason = "their words say what they are")]
        pub enum DropReason {
            $(#[serde(rename = $name)] $variant,)*
        }

        impl DropReason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kernel's name, without `SKB_DROP_REASON_`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// A plain explanation.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)*
                }
            }
        }
    };
}

reasons! {
    SocketRcvbuff "SOCKET_RCVBUFF" "the receive queue is full: the program does not read fast enough",
    SocketBacklog "SOCKET_BACKLOG" "the socket was busy for too long, and its backlog is full",
    ProtoMem "PROTO_MEM" "the memory for sockets of this protocol is used up (tcp_mem, udp_mem)",
    TcpListenOverflow "TCP_LISTEN_OVERFLOW" "the listen queue is full: the program does not accept fast enough",
    TcpZerowindow "TCP_ZEROWINDOW" "the receive window is closed: the program does not read",
    TcpOverwindow "TCP_OVERWINDOW" "beyond the receive window",
    TcpOfoQueuePrune "TCP_OFO_QUEUE_PRUNE" "what came out of order had to go: memory is short",
    TcpOfoDrop "TCP_OFO_DROP" "came out of order, and memory is short",
    TcpAbortOnData "TCP_ABORT_ON_DATA" "data for a connection that the program has closed",
    TcpClose "TCP_CLOSE" "for a connection that is closed",
    TcpInvalidSyn "TCP_INVALID_SYN" "a SYN within a connection",
    TcpPaws "TCP_RFC7323_PAWS" "older than what has arrived (timestamps, PAWS)",
    TcpFastopen "TCP_FASTOPEN" "early data that was not taken (TCP Fast Open)",
    NoSocket "NO_SOCKET" "nothing listens on the port",
    SocketFilter "SOCKET_FILTER" "a filter on the socket refused it",
    NetfilterDrop "NETFILTER_DROP" "a firewall rule dropped it",
    TcIngress "TC_INGRESS" "a traffic control filter dropped it on arrival",
    TcpCsum "TCP_CSUM" "damaged on its way (checksum of TCP)",
    UdpCsum "UDP_CSUM" "damaged on its way (checksum of UDP)",
    IpCsum "IP_CSUM" "damaged on its way (checksum of IP)",
    IpRpfilter "IP_RPFILTER" "came over an interface that does not lead back (rp_filter)",
    CpuBacklog "CPU_BACKLOG" "the queue of a CPU is full (net.core.netdev_max_backlog)",
    NoMemory "NOMEM" "no memory",
}

impl Kinds {
    /// Counts one event.
    pub fn add(&mut self, kind: RetransKind) {
        let counter = match kind {
            RetransKind::Rto => &mut self.rto,
            RetransKind::Fast => &mut self.fast,
            RetransKind::Tlp => &mut self.tlp,
            RetransKind::Syn => &mut self.syn,
            RetransKind::Synack => &mut self.synack,
        };
        *counter = counter.saturating_add(1);
    }

    /// Events since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            rto: self.rto.saturating_sub(earlier.rto),
            fast: self.fast.saturating_sub(earlier.fast),
            tlp: self.tlp.saturating_sub(earlier.tlp),
            synack: self.synack.saturating_sub(earlier.synack),
            syn: self.syn.saturating_sub(earlier.syn),
        }
    }
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, other: Self) {
        self.rto = self.rto.saturating_add(other.rto);
        self.fast = self.fast.saturating_add(other.fast);
        self.tlp = self.tlp.saturating_add(other.tlp);
        self.synack = self.synack.saturating_add(other.synack);
        self.syn = self.syn.saturating_add(other.syn);
    }
}

impl RetransKind {
    /// The kind of a retransmission, from the state of the kernel at that moment.
    ///
    /// `state` is as in `tcp_states.h`; `ca_state` is `icsk_ca_state` (3 recovers from a gap, 4 from a
    /// timeout), `pending` the timer that was set (`icsk_pending`), which is still that of the tail loss
    /// probe while one is sent: `tcp_send_loss_probe` in `net/ipv4/tcp_output.c`. A probe is sent before any
    /// recovery; during recovery, the timer may be left over.
    pub fn of(state: u8, ca_state: u8, pending: u8) -> Self {
        const SYN_SENT: u8 = 2;
        const SYN_RECV: u8 = 3;
        const RECOVERY: u8 = 3;
        const LOSS: u8 = 4;
        const LOSS_PROBE: u8 = 5;
        match state {
            SYN_SENT => Self::Syn,
            SYN_RECV => Self::Synack,
            _ if ca_state == LOSS => Self::Rto,
            _ if ca_state < RECOVERY && pending == LOSS_PROBE => Self::Tlp,
            _ => Self::Fast,
        }
    }

    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rto => "rto",
            Self::Fast => "fast",
            Self::Tlp => "tlp",
            Self::Syn => "syn",
            Self::Synack => "synack",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_what_the_kernel_was_at() {
        for (state, ca_state, pending, kind) in [
            (2, 4, 0, RetransKind::Syn),
            (1, 4, 0, RetransKind::Rto),
            (1, 4, 5, RetransKind::Rto),
            (1, 0, 5, RetransKind::Tlp),
            (4, 1, 5, RetransKind::Tlp),
            (1, 3, 5, RetransKind::Fast),
            (1, 3, 1, RetransKind::Fast),
            (3, 0, 0, RetransKind::Synack),
        ] {
            assert_eq!(
                RetransKind::of(state, ca_state, pending),
                kind,
                "{state} {ca_state} {pending}"
            );
        }
    }

    #[test]
    fn kinds_grow_apart() {
        let mut kinds = Kinds::default();
        kinds.add(RetransKind::Rto);
        let before = kinds;
        kinds.add(RetransKind::Rto);
        kinds.add(RetransKind::Synack);
        let grown = kinds.since(before);
        assert_eq!((grown.rto, grown.synack, grown.fast), (1, 1, 0));
        assert_eq!(before.since(kinds), Kinds::default());
    }

    #[test]
    fn each_reason_has_its_name_once() {
        for reason in DropReason::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.name());
            let same = DropReason::ALL
                .iter()
                .filter(|other| other.name() == reason.name());
            assert_eq!(same.count(), 1);
        }
    }
}
