//! DNS packets that processes sent and received.

use std::net::SocketAddr;
use std::sync::Arc;

use super::dns::Rcode;
use super::{Process, Proto};
use crate::clock::MonoNs;

/// A query that a process sent, or an answer that reached its socket.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsPacket {
    /// When the kernel saw the packet.
    pub at: MonoNs,
    /// Cookie of the client's socket.
    pub socket: u64,
    /// Port of the client.
    pub local_port: u16,
    /// Inode number of the network namespace of the querying thread; `None` for an answer.
    pub netns: Option<u32>,
    /// The resolver.
    pub resolver: SocketAddr,
    /// Transport of the packet.
    pub proto: Proto,
    /// DNS message id, which matches an answer with its query.
    pub number: u16,
    /// The name in the query, without a dot at its end. Untrusted text.
    pub name: String,
    /// Type of record: its name, or `TYPE` and its number.
    pub kind: String,
    /// Query or answer.
    pub what: DnsPacketKind,
}

/// Query or answer.
#[derive(Clone, Debug, PartialEq)]
pub enum DnsPacketKind {
    /// A query of this process.
    Question(Arc<Process>),
    /// The answer of a resolver.
    Answer {
        /// Result code.
        rcode: Rcode,
        /// The answer was too long for a datagram.
        truncated: bool,
    },
}

/// What could not be seen since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsUnread {
    /// Packets that found no room on their way to user space.
    pub lost: u64,
    /// Packets that are not DNS, and parts of TCP streams that could not be read.
    pub unread: u64,
}
