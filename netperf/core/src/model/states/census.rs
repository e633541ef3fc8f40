//! How many sockets are in which state, of whom and with whom?

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::ages::{Age, Ages};
use super::counts::StateCounts;
use super::ports::Ports;
use crate::sample::socket::{Ends, InetEnds, SocketProto, SocketReading, SocketSample};
use crate::sample::{Process, ProcessId, TcpState};

/// Retransmissions of a FIN after which the other end is taken to be silent.
const SILENT_AFTER: u8 = 3;

/// One look, counted.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// All sockets.
    pub counts: StateCounts,
    /// By holder. One that several processes hold counts for each of them.
    pub holders: HashMap<Holder, Held>,
    /// By remote host.
    pub remotes: HashMap<IpAddr, StateCounts>,
    /// Connections whose other end has closed, by holder.
    pub close_wait: HashMap<Holder, CloseWait>,
    /// Connections that this end closes, by state.
    pub closing: BTreeMap<TcpState, Closing>,
    /// Ports of all connections.
    pub ports: Ports,
    /// All listening sockets.
    pub listeners: Vec<Listener>,
}

/// Who holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A process.
    Process(ProcessId),
    /// A process that could not be seen.
    Unseen,
    /// No process: TIME_WAIT, `SYN_RECV`, orphans, what was not accepted yet.
    Kernel,
}

/// Sockets with the same holder.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The process; `None` where the holder is no process, or could not be seen.
    pub process: Option<Arc<Process>>,
    /// Sockets by state.
    pub counts: StateCounts,
}

/// Connections whose other end has closed and this one has not.
#[derive(Clone, Debug, Default)]
pub struct CloseWait {
    /// The process that has to close them.
    pub process: Option<Arc<Process>>,
    /// Number of connections.
    pub count: u32,
    /// Those of them that wait to be accepted.
    pub unaccepted: u32,
    /// Numbers of the files.
    pub fds: Vec<u32>,
    /// The sockets, by the kernel's cookies.
    pub cookies: Vec<u64>,
    /// How many of which peer.
    pub peers: HashMap<Peer, u32>,
    /// The age of the oldest.
    pub oldest: Option<Age>,
}

/// The other end of connections: a service that was called, or a host that called one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// It was called.
    Service(SocketAddr),
    /// It called this port.
    Client(IpAddr, u16),
}

/// Connections in one of the states in which this end closes.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    /// Number of connections.
    pub count: u32,
    /// Those whose FIN was sent again so often that the other end must be silent.
    pub silent: u32,
    /// Those that no process holds.
    pub orphans: u32,
    /// The age of the oldest, of those that do not end by themselves.
    pub oldest: Option<Age>,
    /// How often the FIN was sent again at most.
    pub retransmits: u8,
    /// Connections by remote host.
    pub remotes: HashMap<IpAddr, u32>,
}

/// A listening socket.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The kernel's socket cookie.
    pub cookie: u64,
    /// Network namespace.
    pub netns: u32,
    /// Local address and port.
    pub local: SocketAddr,
    /// Processes that hold it.
    pub owners: Vec<Arc<Process>>,
    /// Connections that wait to be accepted.
    pub backlog: u32,
    /// Limit of that queue.
    pub backlog_max: u32,
    /// Connections that it turned away since it began to listen.
    pub turned_away: Option<u32>,
    /// Half-open connections.
    pub syn_recv: u32,
}

impl Census {
    /// Counts a look. Ports and queues are those of all sockets, the rest of those that are taken.
    pub fn of(sample: &SocketSample, ages: &Ages, takes: &dyn Fn(&SocketReading) -> bool) -> Self {
        let mut census = Self {
            ports: Ports::of(sample),
            listeners: listeners(sample),
            ..Self::default()
        };
        for socket in &sample.sockets {
            let Ends::Inet(ends) = &socket.ends else {
                continue;
            };
            if socket.proto == SocketProto::Tcp && takes(socket) {
                census.add(sample, ages, socket, ends);
            }
        }
        census
    }

    /// Names for destinations whose connections had owners at an earlier look only.
    pub fn remember_makers(&mut self, before: &Self) {
        for (destination, used) in &mut self.ports.destinations {
            if !used.makers.is_empty() {
                continue;
            }
            if let Some(earlier) = before.ports.destinations.get(destination) {
                used.makers.clone_from(&earlier.makers);
                used.makers_are_gone = true;
            }
        }
    }

    /// The processes that accept what comes to this end.
    pub fn acceptors(&self, netns: u32, local: SocketAddr) -> &[Arc<Process>] {
        let found = listener_of(&self.listeners, netns, local);
        found.map_or(&[], |at| &self.listeners[at].owners)
    }

    fn add(&mut self, sample: &SocketSample, ages: &Ages, socket: &SocketReading, ends: &InetEnds) {
        self.counts.add(socket.state);
        for (holder, process) in holders(sample, socket) {
            let held = self.holders.entry(holder).or_insert_with(|| Held {
                process: process.cloned(),
                ..Held::default()
            });
            held.counts.add(socket.state);
        }
        if !ends.remote.ip().is_unspecified() {
            let remote = self.remotes.entry(ends.remote.ip()).or_default();
            remote.add(socket.state);
        }
        if socket.state == TcpState::CloseWait {
            self.add_close_wait(sample, ages, socket, ends);
        } else if Ages::slow().contains(socket.state) {
            let closing = self.closing.entry(socket.state).or_default();
            closing.add(ages, socket, ends);
        }
    }

    fn add_close_wait(
        &mut self,
        sample: &SocketSample,
        ages: &Ages,
        socket: &SocketReading,
        ends: &InetEnds,
    ) {
        let listener = listener_of(&self.listeners, socket.netns, ends.local);
        let peer = match listener {
            Some(_) => Peer::Client(ends.remote.ip(), ends.local.port()),
            None => Peer::Service(ends.remote),
        };
        let acceptor = listener.and_then(|at| self.listeners[at].owners.first());
        let unaccepted = socket.inode.is_none();
        let who = match acceptor.filter(|_| unaccepted) {
            Some(process) => vec![(Holder::Process(process.id), Some(process))],
            None => holders(sample, socket),
        };
        for (holder, process) in who {
            let leak = self.close_wait.entry(holder).or_default();
            leak.process = process.cloned();
            leak.count += 1;
            leak.cookies.push(socket.cookie);
            leak.unaccepted += u32::from(unaccepted);
            *leak.peers.entry(peer).or_default() += 1;
            leak.oldest = leak.oldest.max(ages.of(socket));
            let files = socket.inode.map_or(&[][..], |it| sample.owners.of(it));
            let own = files
                .iter()
                .filter(|file| holder == Holder::Process(file.process.id));
            leak.fds.extend(own.map(|file| file.fd));
        }
    }
}

impl Closing {
    fn add(&mut self, ages: &Ages, socket: &SocketReading, ends: &InetEnds) {
        self.count += 1;
        let retransmits = socket.timer.map_or(0, |timer| timer.retransmits);
        self.retransmits = self.retransmits.max(retransmits);
        self.silent += u32::from(retransmits >= SILENT_AFTER);
        self.orphans += u32::from(socket.inode.is_none());
        *self.remotes.entry(ends.remote.ip()).or_default() += 1;
        // The kernel ends an orphan's FIN_WAIT2 by a timer.
        if socket.inode.is_some() || socket.state != TcpState::FinWait2 {
            self.oldest = self.oldest.max(ages.of(socket));
        }
    }
}

/// Each holder of a socket once.
fn holders<'s>(
    sample: &'s SocketSample,
    socket: &SocketReading,
) -> Vec<(Holder, Option<&'s Arc<Process>>)> {
    let Some(inode) = socket.inode else {
        return vec![(Holder::Kernel, None)];
    };
    let mut found: Vec<(Holder, Option<&Arc<Process>>)> = Vec::with_capacity(1);
    for owner in sample.owners.of(inode) {
        let holder = Holder::Process(owner.process.id);
        // They are in the order of processes.
        if found.last().is_none_or(|&(last, _)| last != holder) {
            found.push((holder, Some(&owner.process)));
        }
    }
    if found.is_empty() {
        found.push((Holder::Unseen, None));
    }
    found
}

fn listeners(sample: &SocketSample) -> Vec<Listener> {
    let sockets = sample.sockets.iter();
    let listening = sockets
        .clone()
        .filter(|socket| socket.state == TcpState::Listen);
    let mut listeners: Vec<_> = listening
        .filter_map(|socket| listener(sample, socket))
        .collect();
    listeners.sort_by_key(|listener| (listener.netns, listener.local.port(), listener.local));
    for socket in sockets.filter(|socket| socket.state == TcpState::SynRecv) {
        if let Ends::Inet(ends) = &socket.ends
            && let Some(at) = listener_of(&listeners, socket.netns, ends.local)
        {
            listeners[at].syn_recv += 1;
        }
    }
    listeners
}

fn listener(sample: &SocketSample, socket: &SocketReading) -> Option<Listener> {
    let Ends::Inet(ends) = &socket.ends else {
        return None;
    };
    let owners = holders(sample, socket).into_iter();
    Some(Listener {
        cookie: socket.cookie,
        netns: socket.netns,
        local: ends.local,
        owners: owners.filter_map(|(_, process)| process.cloned()).collect(),
        backlog: socket.recv_q,
        backlog_max: socket.send_q,
        turned_away: socket.memory.and_then(|memory| memory.drops),
        syn_recv: 0,
    })
}

/// The listening socket that connections to `local` come to: one of this address rather than one of
/// all. They are in the order of namespaces and ports.
fn listener_of(listeners: &[Listener], netns: u32, local: SocketAddr) -> Option<usize> {
    let place = (netns, local.port());
    let start = listeners.partition_point(|it| (it.netns, it.local.port()) < place);
    let of_port = || {
        let rest = listeners[start..].iter().enumerate();
        rest.take_while(|(_, it)| (it.netns, it.local.port()) == place)
    };
    let exact = of_port().find(|(_, it)| it.local.ip() == local.ip());
    let any = || of_port().find(|(_, it)| it.local.ip().is_unspecified());
    exact.or_else(any).map(|(at, _)| start + at)
}
