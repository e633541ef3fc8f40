//! State transitions of connections in one tick: how many into which state, by process and destination.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::states::counts::StateCounts;
use crate::sample::event::{ConnectionEvent, EventKind, Transition};
use crate::sample::{Process, ProcessId, TcpState};

/// The transitions of a tick, put together.
#[derive(Clone, Debug, Default)]
pub struct Churn {
    /// Transitions by the state after.
    pub counts: StateCounts,
    /// The same by process.
    pub processes: HashMap<ProcessId, (Arc<Process>, StateCounts)>,
    /// Beginnings and ends of TIME_WAIT.
    pub time_wait: BTreeMap<Route, Waits>,
}

/// Which connections compete, or are of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Begun here: each takes one of the ports to this destination.
    To {
        /// Network namespace.
        netns: u32,
        /// This end's address.
        local: IpAddr,
        /// The other end.
        remote: SocketAddr,
    },
    /// Accepted here: they take no port.
    At {
        /// Network namespace.
        netns: u32,
        /// This end.
        local: SocketAddr,
    },
}

/// Connections of a route that wait.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    /// How many began to.
    pub begun: u32,
    /// How many were done.
    pub ended: u32,
    /// The processes of these connections.
    pub processes: BTreeSet<ProcessId>,
}

impl Churn {
    /// Takes in what happened, if it is a transition.
    pub fn add(&mut self, event: &ConnectionEvent) {
        let EventKind::Transition(transition) = event.what else {
            return;
        };
        let Transition { old, new, .. } = transition;
        self.counts.add(new);
        let process = &event.process;
        let (_, counts) = self
            .processes
            .entry(process.id)
            .or_insert_with(|| (Arc::clone(process), StateCounts::default()));
        counts.add(new);
        if new != TcpState::TimeWait && old != TcpState::TimeWait {
            return;
        }
        let waits = self
            .time_wait
            .entry(route(event, transition.accepted))
            .or_default();
        waits.processes.insert(process.id);
        if new == TcpState::TimeWait {
            waits.begun += 1;
        } else {
            waits.ended += 1;
        }
    }
}

fn route(event: &ConnectionEvent, accepted: bool) -> Route {
    let &ConnectionEvent {
        netns,
        local,
        remote,
        ..
    } = event;
    if accepted {
        Route::At { netns, local }
    } else {
        let local = local.ip();
        Route::To {
            netns,
            local,
            remote,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{process, transition};

    #[test]
    fn transitions_are_counted_by_state_process_and_route() {
        use TcpState::{Close, FinWait2, SynSent, TimeWait};
        let mut churn = Churn::default();
        let curl = process(7, "curl");
        for port in [40_000, 40_001] {
            let local = format!("10.0.0.5:{port}");
            let change = |states| transition(&curl, (&local, "10.0.0.10:5432"), states);
            churn.add(&change((Close, SynSent)));
            churn.add(&change((FinWait2, TimeWait)));
        }
        let nginx = process(8, "nginx");
        for client in ["10.0.0.7:5000", "10.0.0.8:5000"] {
            let mut ended = transition(&nginx, ("10.0.0.5:443", client), (TimeWait, Close));
            if let EventKind::Transition(transition) = &mut ended.what {
                transition.accepted = true;
            }
            churn.add(&ended);
        }
        let count = |state| churn.counts.of(state);
        assert_eq!((count(SynSent), count(TimeWait), count(Close)), (2, 2, 2));
        assert_eq!(churn.processes[&curl.id].1.of(TimeWait), 2);
        let routes: Vec<_> = churn
            .time_wait
            .iter()
            .map(|(route, waits)| (*route, waits.begun, waits.ended))
            .collect();
        let netns = crate::fixtures::NETNS;
        let to = Route::To {
            netns,
            local: "10.0.0.5".parse().unwrap(),
            remote: "10.0.0.10:5432".parse().unwrap(),
        };
        let at = Route::At {
            netns,
            local: "10.0.0.5:443".parse().unwrap(),
        };
        assert_eq!(routes, [(to, 2, 0), (at, 0, 2)]);
    }
}
