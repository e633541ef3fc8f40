//! What was refused to whom since the start, and who has the ports that others want?

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::MonoNs;
use crate::sample::refusal::{RefusalReading, RefusedCall, RefusedFor};
use crate::sample::socket::{Ends, SocketSample};
use crate::sample::{Loss, Process, ProcessId, Proto, TcpState};

/// What has not happened for so long is left out: programs that are started again and again to fail are
/// many.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// Calls of one process that failed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// The process.
    pub process: ProcessId,
    /// The call that failed.
    pub call: RefusedCall,
    /// Why it failed.
    pub error: RefusedFor,
    /// Transport.
    pub proto: Proto,
    /// The remote end of `connect`, the local one of `bind`.
    pub address: SocketAddr,
    /// Network namespace.
    pub netns: u32,
}

/// Failed calls of one kind.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The process.
    pub process: Arc<Process>,
    /// Failed calls in this tick.
    pub count: u64,
    /// Failed calls since the start.
    pub total: u64,
    /// When this was last seen to grow.
    pub last: MonoNs,
    /// Sockets that have the port now, where one was wanted that another has.
    pub holders: Vec<PortHolder>,
}

/// Sockets that have a port.
#[derive(Clone, Debug)]
pub struct PortHolder {
    /// State of the sockets.
    pub state: TcpState,
    /// The first process that holds them; `None` where none does, or none is seen.
    pub process: Option<Arc<Process>>,
    /// Number of sockets.
    pub count: u32,
}

/// All that was refused.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    /// By what it was.
    pub all: HashMap<Refusal, Refused>,
    /// What could not be counted since the start.
    pub loss: Loss,
}

impl Refusals {
    /// Takes in the next look.
    pub(super) fn advance(&mut self, sample: &SocketSample) {
        let age = |refused: &Refused| sample.at.since(refused.last).unwrap_or_default();
        self.all.retain(|_, refused| age(refused) < FORGOTTEN);
        for refused in self.all.values_mut() {
            refused.count = 0;
            refused.holders.clear();
        }
        for reading in &sample.refusals.readings {
            self.add(reading, sample.at);
        }
        self.loss = sample.refusals.loss;
        self.look_for_holders(sample);
    }

    fn add(&mut self, reading: &RefusalReading, at: MonoNs) {
        let refusal = Refusal {
            process: reading.process.id,
            call: reading.call,
            error: reading.error,
            proto: reading.proto,
            address: reading.address,
            netns: reading.netns,
        };
        let refused = self.all.entry(refusal).or_insert_with(|| Refused {
            process: Arc::clone(&reading.process),
            count: 0,
            total: 0,
            last: at,
            holders: Vec::new(),
        });
        refused.count = reading.count;
        refused.total = reading.total;
        refused.last = at;
    }

    fn look_for_holders(&mut self, sample: &SocketSample) {
        let mut wanted: HashMap<(u32, u16), Vec<(IpAddr, &mut Refused)>> = HashMap::new();
        for (refusal, refused) in &mut self.all {
            if refusal.is_of_port() {
                let at = (refusal.netns, refusal.address.port());
                let who = (refusal.address.ip(), refused);
                wanted.entry(at).or_default().push(who);
            }
        }
        if wanted.is_empty() {
            return;
        }
        for socket in &sample.sockets {
            let Ends::Inet(ends) = &socket.ends else {
                continue;
            };
            let Some(refused) = wanted.get_mut(&(socket.netns, ends.local.port())) else {
                continue;
            };
            let owner = socket
                .inode
                .and_then(|inode| sample.owners.of(inode).first())
                .map(|owner| &owner.process);
            for (address, refused) in refused {
                if overlap(*address, ends.local.ip()) {
                    refused.held_by(socket.state, owner);
                }
            }
        }
    }
}

impl Refused {
    fn held_by(&mut self, state: TcpState, owner: Option<&Arc<Process>>) {
        let id = |process: &Arc<Process>| process.id;
        let is_same = |holder: &&mut PortHolder| {
            holder.state == state && holder.process.as_ref().map(id) == owner.map(id)
        };
        match self.holders.iter_mut().find(is_same) {
            Some(holder) => holder.count += 1,
            None => self.holders.push(PortHolder {
                state,
                process: owner.cloned(),
                count: 1,
            }),
        }
    }
}

impl Refusal {
    /// Whether another socket has a certain TCP port that was wanted.
    fn is_of_port(&self) -> bool {
        self.call == RefusedCall::Bind
            && self.error == RefusedFor::InUse
            && self.proto == Proto::Tcp
            && self.address.port() != 0
    }
}

/// Whether sockets at these addresses can't both have a port.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}
