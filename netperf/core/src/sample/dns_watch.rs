//! Which packets of DNS did processes send and get?

use std::net::SocketAddr;
use std::sync::Arc;

use super::dns::Rcode;
use super::{Process, Proto};
use crate::clock::MonoNs;

/// A question that a process sent, or an answer that reached its socket.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsPacket {
    /// When.
    pub at: MonoNs,
    /// Cookie of the client's socket.
    pub socket: u64,
    /// Port of the client.
    pub local_port: u16,
    /// Inode number of the network namespace of the thread that asks; `None` for an answer.
    pub netns: Option<u32>,
    /// Who is asked.
    pub resolver: SocketAddr,
    /// Over what.
    pub proto: Proto,
    /// Number that client and resolver have for it.
    pub number: u16,
    /// The name that is asked for, without a dot at its end. Untrusted text.
    pub name: String,
    /// Type of record: its name, or `TYPE` and its number.
    pub kind: String,
    /// What it is.
    pub what: DnsPacketKind,
}

/// What a packet of DNS is.
#[derive(Clone, Debug, PartialEq)]
pub enum DnsPacketKind {
    /// A question of this process.
    Question(Arc<Process>),
    /// An answer.
    Answer {
        /// Whether it worked.
        rcode: Rcode,
        /// Cut off.
        truncated: bool,
    },
}

/// What could not be seen since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsUnread {
    /// Packets that found no room on their way to user space.
    pub lost: u64,
    /// Packets that are no DNS, and parts of TCP streams that could not be read.
    pub unread: u64,
}
