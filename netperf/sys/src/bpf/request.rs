//! What a session wants of the kernel side: which hooks, and what they are to count.

use std::fs::File;
use std::num::NonZeroU32;

use netperf_core::collect::HookPreference;

use super::hooks::Asked;
use crate::procfs::Procfs;

/// What is wanted of the kernel side.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for or not")]
pub struct Request<'a> {
    /// Kind of hooks to use.
    pub hooks: HookPreference,
    /// Whether the state of single connections is asked for.
    pub connections: bool,
    /// Whether what is lost is asked for: retransmissions, resets, what is thrown away.
    pub losses: bool,
    /// Whether it is asked for how long it takes.
    pub latency: bool,
    /// Whether every connection that fails is asked for, where what is refused is.
    pub failures: bool,
    /// Whether each transition is to be told, and of which share of the connections: one of so many.
    pub transitions: Option<NonZeroU32>,
    /// Sockets open on this machine now; there will be room for twice as many.
    pub open_sockets: u32,
    /// Root of the cgroup v2 hierarchy, if there is one.
    pub cgroup_root: Option<&'a File>,
    /// What the kernel tells in files.
    pub procfs: &'a Procfs,
}

impl Request<'_> {
    /// Whether single events are asked for.
    pub(super) fn wants_events(&self) -> bool {
        self.losses || self.transitions.is_some()
    }

    /// Whether anything is asked for that is in the structures of the kernel alone.
    pub(super) fn wants_more_than_bytes(&self) -> bool {
        self.wants_events() || self.latency
    }

    /// Whether anything is asked for that needs this kind of hook.
    pub(super) fn asks(&self, asked: Asked) -> bool {
        match asked {
            Asked::Always => true,
            Asked::ForConnections => self.connections || self.wants_more_than_bytes(),
            Asked::ForEvents => self.wants_events(),
            Asked::ForLosses => self.losses,
            Asked::ForLatency => self.latency,
            Asked::ForFailures => self.failures,
        }
    }
}
