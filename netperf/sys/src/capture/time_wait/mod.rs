//! Tells when TIME_WAIT begins and ends, which no hook does.
//!
//! The kernel puts a small substitute in the place of a connection that waits, and tells that the full
//! socket went to CLOSE. Whether FIN had arrived says which state the substitute is in; from then on
//! only looks at the sockets show what becomes of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::sample::event::{ConnectionEvent, EventKind, Transition};
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample};
use netperf_core::sample::{Process, ProcessId, TcpState};

use super::names::kernel;

/// How long TIME_WAIT lasts (`TCP_TIMEWAIT_LEN` of `include/net/tcp.h`).
const LENGTH: Duration = Duration::from_mins(1);

/// Connections whose substitutes wait.
#[derive(Debug)]
pub(super) struct TimeWaits {
    waiting: HashMap<Place, Wait>,
    /// Whose ends were used again, and when: a look that began before may still show that they wait.
    used_again: HashMap<Place, MonoNs>,
    /// Whose those are that were there before.
    nobody: Arc<Process>,
    /// Whether all connections are told: what nobody saw begin was there before.
    all: bool,
}

/// A connection, as only one can be at a time: network namespace, this end, the other end.
type Place = (u32, SocketAddr, SocketAddr);

#[derive(Clone, Debug)]
struct Wait {
    process: Arc<Process>,
    socket: u64,
    accepted: bool,
    /// `FIN_WAIT2` or TIME_WAIT.
    state: TcpState,
    since: MonoNs,
    /// What happened until then was before. A look may show a connection whose records are still on
    /// their way.
    known_at: MonoNs,
    /// When the kernel will end it, as far as it was seen to wait.
    until: Option<MonoNs>,
}

impl TimeWaits {
    /// None yet; `all` says whether all connections are told, not only a share of them.
    pub(super) fn new(all: bool) -> Self {
        Self {
            waiting: HashMap::new(),
            used_again: HashMap::new(),
            nobody: Arc::new(kernel(ProcessId::default())),
            all,
        }
    }

    /// Takes in what a hook told, and adds to `told` what it means.
    pub(super) fn take_in(&mut self, event: ConnectionEvent, told: &mut Vec<ConnectionEvent>) {
        let EventKind::Transition(told_of) = event.what else {
            told.push(event);
            return;
        };
        let Transition { old, new, .. } = told_of;
        let place = (event.netns, event.local, event.remote);
        let is_used_again = |wait: &Wait| event.at > wait.known_at;
        if matches!(new, TcpState::Established | TcpState::SynRecv)
            && self.waiting.get(&place).is_some_and(is_used_again)
            && let Some(wait) = self.waiting.remove(&place)
        {
            self.used_again.insert(place, event.at);
            told.push(wait.ended(place, event.at, (event.at, event.wall)));
        }
        let is_closing = matches!(old, TcpState::FinWait2 | TcpState::Closing);
        if new != TcpState::Close || !is_closing || told_of.failed {
            told.push(event);
            return;
        }
        let waits_for_fin = old == TcpState::FinWait2 && !told_of.fin_arrived;
        let in_old = Duration::from_micros(told_of.in_old_us.unwrap_or_default());
        let (state, since) = if waits_for_fin {
            (TcpState::FinWait2, earlier(event.at, in_old))
        } else {
            (TcpState::TimeWait, event.at)
        };
        let wait = Wait {
            process: Arc::clone(&event.process),
            socket: told_of.socket,
            accepted: told_of.accepted,
            state,
            since,
            known_at: event.at,
            until: None,
        };
        if !waits_for_fin {
            told.push(ConnectionEvent {
                what: EventKind::Transition(Transition {
                    new: TcpState::TimeWait,
                    ..told_of
                }),
                ..event
            });
        }
        self.waiting.insert(place, wait);
    }

    /// Takes in a look at the sockets in TIME_WAIT and `FIN_WAIT2`, and adds to `told` what it shows.
    /// `clocks` are both clocks at one moment.
    pub(super) fn look(
        &mut self,
        sample: &SocketSample,
        clocks: (MonoNs, WallNs),
        told: &mut Vec<ConnectionEvent>,
    ) {
        let mut seen = HashMap::new();
        for socket in &sample.sockets {
            if let Ends::Inet(ends) = &socket.ends {
                seen.insert((socket.netns, ends.local, ends.remote), socket);
            }
        }
        self.waiting.retain(|place, wait| {
            match seen.remove(place) {
                Some(socket) => {
                    if let Some(began) = wait.goes_on(socket, sample.at) {
                        told.push(wait.told(*place, TcpState::TimeWait, began, clocks));
                        wait.state = TcpState::TimeWait;
                        wait.since = began;
                    }
                    true
                }
                // What began after the look did is not in it yet.
                None if wait.since >= sample.at => true,
                None => {
                    let end = wait.until.unwrap_or(sample.at).min(sample.at);
                    told.push(wait.ended(*place, end, clocks));
                    false
                }
            }
        });
        self.used_again.retain(|_, at| *at >= sample.at);
        if !self.all {
            return;
        }
        for (place, socket) in seen {
            if socket.state == TcpState::TimeWait && !self.used_again.contains_key(&place) {
                let wait = Wait {
                    process: Arc::clone(&self.nobody),
                    socket: socket.cookie,
                    accepted: false,
                    state: TcpState::TimeWait,
                    since: began(socket, sample.at).unwrap_or(sample.at),
                    known_at: clocks.0,
                    until: expires(socket, sample.at),
                };
                self.waiting.insert(place, wait);
            }
        }
    }
}

impl Wait {
    /// A look shows it. Gives when TIME_WAIT began, if that was not known.
    fn goes_on(&mut self, socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
        if socket.state != TcpState::TimeWait {
            return None;
        }
        self.until = expires(socket, at);
        let is_new = self.state != TcpState::TimeWait;
        is_new.then(|| began(socket, at).unwrap_or(at).max(self.since))
    }

    fn ended(&self, place: Place, at: MonoNs, clocks: (MonoNs, WallNs)) -> ConnectionEvent {
        self.told(place, TcpState::Close, at, clocks)
    }

    fn told(
        &self,
        (netns, local, remote): Place,
        new: TcpState,
        at: MonoNs,
        (now, wall): (MonoNs, WallNs),
    ) -> ConnectionEvent {
        let in_old = at.since(self.since).unwrap_or_default();
        let in_old_us = u64::try_from(in_old.as_micros()).ok();
        ConnectionEvent {
            at,
            wall: WallNs(wall.0.saturating_sub(now.0.saturating_sub(at.0))),
            process: Arc::clone(&self.process),
            local,
            remote,
            netns,
            what: EventKind::Transition(Transition {
                socket: self.socket,
                old: self.state,
                new,
                in_old_us,
                accepted: self.accepted,
                fin_arrived: true,
                failed: false,
            }),
        }
    }
}

/// When the kernel will end what it shows in TIME_WAIT.
fn expires(socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
    let left = Duration::from_millis(socket.timer?.expires_ms.into());
    Some(MonoNs(at.0 + nanoseconds(left)))
}

/// When it began, by its timer.
fn began(socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
    expires(socket, at).map(|end| earlier(end, LENGTH).min(at))
}

fn earlier(at: MonoNs, by: Duration) -> MonoNs {
    MonoNs(at.0.saturating_sub(nanoseconds(by)))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
