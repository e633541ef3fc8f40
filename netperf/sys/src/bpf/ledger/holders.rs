//! Who waits at which port? Sockets without a fixed other end, such as those that listen.

use netperf_common::flow::FlowKey;
use netperf_core::sample::ProcessId;
use rustc_hash::FxHashMap;

/// A network namespace, a protocol and a port.
type Place = (u32, u16, u16);

/// By place, the process that has such a socket there.
#[derive(Debug, Default)]
pub struct Holders {
    now: FxHashMap<Place, ProcessId>,
    /// Places whose socket is closed; what happened there before may still be told.
    left: Vec<(Place, ProcessId)>,
}

impl Holders {
    /// A process has a socket with these ends.
    pub(super) fn note(&mut self, key: &FlowKey, process: ProcessId) {
        if let Some(place) = place(key) {
            self.now.insert(place, process);
        }
    }

    /// It has closed it.
    pub(super) fn leave(&mut self, key: &FlowKey, process: ProcessId) {
        if let Some(place) = place(key) {
            self.left.push((place, process));
        }
    }

    /// Forgets the places of closed sockets: all that happened there has been told.
    pub(super) fn forget_left(&mut self) {
        for (place, process) in self.left.drain(..) {
            if self.now.get(&place) == Some(&process) {
                self.now.remove(&place);
            }
        }
    }

    /// The process at a port; in network namespace 0, which is none, that of any.
    pub fn of(&self, netns: u32, protocol: u16, port: u16) -> Option<ProcessId> {
        if netns != 0 {
            return self.now.get(&(netns, protocol, port)).copied();
        }
        let mut all = self.now.iter();
        let found = all.find(|((_, other, held), _)| (*other, *held) == (protocol, port));
        found.map(|(_, process)| *process)
    }
}

/// Where a socket waits for whoever comes, if it does.
fn place(key: &FlowKey) -> Option<Place> {
    let waits = key.local_port != 0 && key.remote_port == 0;
    waits.then_some((key.netns, key.protocol, key.local_port))
}
