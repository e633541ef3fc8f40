//! Events of connections: the kernel's, joined with names while their processes may still be there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use netperf_common::flow::{IPPROTO_TCP, IPPROTO_UDP, Owner};
use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::collect::Wanted;
use netperf_core::sample::event::{ConnectionEvent, EventKind, Retransmission, Transition};
use netperf_core::sample::losses::{DropReading, ResetDirection, ResetReading};
use netperf_core::sample::socket::SocketSample;
use netperf_core::sample::{Process, ProcessId, Proto, TcpState};

use super::address::{local_end, remote_end};
use super::names::Names;
use super::time_wait::TimeWaits;
use crate::bpf::{Dropped, KernelEvent, KernelEventKind, Ledger, Tally, process_id};

/// Events that wait to be shown at the most: a reader that pauses must not cost all memory.
const MOST_EVENTS: usize = 1 << 20;

/// What happened since it was last taken.
#[derive(Debug)]
pub(super) struct ConnectionEvents {
    /// Whether single events are wanted.
    one_by_one: bool,
    time_waits: TimeWaits,
    waiting: Vec<ConnectionEvent>,
    resets: HashMap<ResetKey, ResetReading>,
    /// Events that found no room to wait.
    lost: u64,
}

/// Resets are put together by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ResetKey {
    process: ProcessId,
    direction: ResetDirection,
    local: SocketAddr,
    remote: std::net::IpAddr,
    netns: u32,
}

impl ConnectionEvents {
    /// No events yet.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            one_by_one: wanted.one_by_one,
            time_waits: TimeWaits::new(wanted.transitions == Some(NonZeroU32::MIN)),
            waiting: Vec::new(),
            resets: HashMap::new(),
            lost: 0,
        }
    }

    /// Events that nobody took in time.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes in one event; `now` on both clocks. `accepted` says whether somebody listens at its local
    /// port.
    pub(super) fn take_in(
        &mut self,
        event: &KernelEvent,
        process: Arc<Process>,
        accepted: bool,
        (now, wall): (MonoNs, WallNs),
    ) {
        let (local, remote) = (local_end(&event.key), remote_end(&event.key));
        let netns = event.key.netns;
        if let KernelEventKind::Reset { direction, state } = event.what {
            let key = ResetKey {
                process: process.id,
                direction,
                local,
                remote: remote.ip(),
                netns,
            };
            let reading = self.resets.entry(key).or_insert_with(|| ResetReading {
                process: Arc::clone(&process),
                direction,
                local,
                remote,
                netns,
                state: None,
                count: 0,
            });
            reading.count += 1;
            reading.remote = remote;
            reading.state = TcpState::from_kernel(state);
        }
        let what = what(event, accepted).filter(|_| self.one_by_one);
        let Some(what) = what else {
            return;
        };
        if self.waiting.len() >= MOST_EVENTS {
            self.lost += 1;
            return;
        }
        let age = now.0.saturating_sub(event.at.0);
        let event = ConnectionEvent {
            at: event.at,
            wall: WallNs(wall.0.saturating_sub(age)),
            process,
            local,
            remote,
            netns,
            what,
        };
        self.time_waits.take_in(event, &mut self.waiting);
    }

    /// Takes in a look at the sockets in TIME_WAIT and `FIN_WAIT2`.
    pub(super) fn look(&mut self, sample: &SocketSample, clocks: (MonoNs, WallNs)) {
        self.time_waits.look(sample, clocks, &mut self.waiting);
    }

    /// Events in order, since the last call.
    pub(super) fn take(&mut self) -> Vec<ConnectionEvent> {
        std::mem::take(&mut self.waiting)
    }

    /// Resets since the last call.
    pub(super) fn take_resets(&mut self) -> Vec<ResetReading> {
        self.resets.drain().map(|(_, reading)| reading).collect()
    }
}

/// The event for those who want single ones; resets are only counted.
fn what(event: &KernelEvent, accepted: bool) -> Option<EventKind> {
    match event.what {
        KernelEventKind::Retransmit {
            kind,
            state,
            srtt_us,
            cwnd,
        } => Some(EventKind::Retransmit(Retransmission {
            kind,
            state: TcpState::from_kernel(state),
            srtt_us: Some(srtt_us).filter(|&us| us > 0),
            cwnd,
        })),
        KernelEventKind::Transition {
            old,
            new,
            in_old_ns,
            fin_arrived,
            failed,
        } => Some(EventKind::Transition(Transition {
            socket: event.socket,
            old: TcpState::from_kernel(old)?,
            new: TcpState::from_kernel(new)?,
            in_old_us: Some(in_old_ns / 1_000).filter(|_| in_old_ns > 0),
            accepted,
            fin_arrived,
            failed,
        })),
        KernelEventKind::Reset { .. } => None,
    }
}

/// Describes the process of an event; the kernel itself where none is known.
pub(super) fn describe(
    names: &mut Names,
    ledger: &Ledger,
    owner: Option<&Owner>,
    now: MonoNs,
) -> Arc<Process> {
    let owner = owner.copied().unwrap_or_default();
    let id = process_id(&owner);
    let unknown = Tally {
        owner,
        ..Tally::default()
    };
    names.describe(id, &ledger.tally(id).unwrap_or(unknown), now)
}

/// What was thrown away, with the process whose socket it was for.
pub(super) fn drop_reading(
    dropped: &Dropped,
    names: &mut Names,
    ledger: &Ledger,
    now: MonoNs,
) -> DropReading {
    let key = dropped.key;
    let holder = || ledger.holders().of(key.netns, key.protocol, key.local_port);
    let id = ledger
        .process_of(key.slot)
        .or_else(|| holder().filter(|_| key.local_port != 0));
    let process = id.map(|id| names.describe(id, &ledger.tally(id).unwrap_or_default(), now));
    DropReading {
        reason: dropped.reason,
        process,
        proto: match key.protocol {
            IPPROTO_TCP => Some(Proto::Tcp),
            IPPROTO_UDP => Some(Proto::Udp),
            _ => None,
        },
        local_port: Some(key.local_port).filter(|&port| port != 0),
        netns: key.netns,
        packets: dropped.packets,
    }
}
