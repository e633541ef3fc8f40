//! The summary of `sockets`: counts by protocol, as in `ss -s`.

use std::collections::BTreeMap;

use netperf_core::sample::socket::{Ends, SocketProto, SocketReading};
use serde::Serialize;

use super::row::{Fileless, state_name};

/// Counts of sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// All sockets.
    pub total: usize,
    /// Network namespaces in view.
    pub namespaces: usize,
    /// TCP sockets.
    pub tcp: Count,
    /// UDP sockets.
    pub udp: Count,
    /// Raw sockets.
    pub raw: Count,
    /// Unix sockets.
    pub unix: Count,
    /// TCP sockets without a file whose connection is not yet over.
    pub orphaned: usize,
}

/// Counts of one protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Count {
    /// All sockets of the protocol.
    pub total: usize,
    /// Sockets of IPv4.
    pub ipv4: usize,
    /// Sockets of IPv6, including those that also accept IPv4.
    pub ipv6: usize,
    /// Sockets by state.
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
