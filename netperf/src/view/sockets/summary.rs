//! The summary of `sockets`: how many there are of which kind, as `ss -s` counts.

use std::collections::BTreeMap;

use netperf_core::sample::socket::{Ends, SocketProto, SocketReading};
use serde::Serialize;

use super::row::{Fileless, state_name};

/// Counts of sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// All of them.
    pub total: usize,
    /// Network namespaces that were looked at.
    pub namespaces: usize,
    /// TCP.
    pub tcp: Count,
    /// UDP.
    pub udp: Count,
    /// Raw.
    pub raw: Count,
    /// Within this machine.
    pub unix: Count,
    /// TCP sockets that no file belongs to any more and that still have something to say.
    pub orphaned: usize,
}

/// Counts of one protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Count {
    /// All of them.
    pub total: usize,
    /// Sockets of IPv4.
    pub ipv4: usize,
    /// Sockets of IPv6, those that speak IPv4 as well included.
    pub ipv6: usize,
    /// By state.
    pub states: BTreeMap<&'static str, usize>,
}

impl Summary {
    pub(super) fn add(&mut self, socket: &SocketReading) {
        self.total += 1;
        self.orphaned += usize::from(Fileless::of(socket) == Some(Fileless::Orphan));
        let count = match socket.proto {
            SocketProto::Tcp => &mut self.tcp,
            SocketProto::Udp => &mut self.udp,
            SocketProto::Raw => &mut self.raw,
            SocketProto::UnixStream | SocketProto::UnixDgram | SocketProto::UnixSeqpacket => {
                &mut self.unix
            }
        };
        count.total += 1;
        if let Ends::Inet(ends) = &socket.ends {
            count.ipv4 += usize::from(!ends.is_ipv6);
            count.ipv6 += usize::from(ends.is_ipv6);
        }
        *count.states.entry(state_name(socket)).or_default() += 1;
    }
}
