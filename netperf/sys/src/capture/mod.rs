//! What does this machine do now? The live feed: kernel counters joined with names.

mod address;
mod dns;
mod events;
mod latency;
mod names;
mod nics;
mod pressure;
mod refusals;
mod sockets;
mod time_wait;

pub use self::dns::DnsFeed;
#[cfg(fuzzing)]
pub use self::dns::{fuzz_message, fuzz_stream};
pub use self::nics::{NicFeed, NicRequest, NicsError};
pub use self::pressure::PressureFeed;
pub use self::refusals::RefusalFeed;
pub use self::sockets::{Scope, SocketFeed, SocketRequest, SocketsError, network_namespace};
pub use crate::netlink::{Detail, Listed};

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context as _;
use netperf_core::clock::{self, MonoNs};
use netperf_core::collect::{Feed, FeedConfig, Provenance, Wanted};
use netperf_core::failure::Failure;
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::sample::latency::LatencyReading;
use netperf_core::sample::losses::DropReading;
use netperf_core::sample::socket::SocketSample;
use netperf_core::sample::{
    FlowReading, LinkReading, Loss, ProcessId, ProcessReading, Sample, TracerCost,
};
use netperf_core::text::chain;

use self::events::{ConnectionEvents, describe, drop_reading};
use self::names::Names;
use crate::bpf::{AT_ONCE, Counters, FlowTotals, OpenError, Request, Tally};
use crate::netlink::{Links, addresses};
use crate::procfs::Procfs;
use crate::rights::{self, Valid};

/// How long records may wait in the ring buffer when there are few: it has room for one of each slot.
const CALM: Duration = Duration::from_millis(100);
/// The same when there are many.
const BUSY: Duration = Duration::from_millis(40);
/// Records between two looks from which on there are many; from [`AT_ONCE`] on, more wait already.
const MANY: usize = 2_000;

/// Quiet processes whose end is looked for in one tick.
const LIVENESS_CHECKS: usize = 256;

/// The live feed.
pub struct Capture {
    counters: Counters,
    provenance: Provenance,
    procfs: Procfs,
    names: Names,
    links: Links,
    wanted: Wanted,
    events: ConnectionEvents,
    map_bytes: u64,
    /// Quiet processes that are still to be checked for their end.
    unchecked: Vec<ProcessId>,
    /// Seen to have ended. What they moved just before is in the counters of the tick after.
    ended: HashSet<ProcessId>,
}

/// Starts counting on this machine.
///
/// # Errors
/// [`Failure::NotAllowed`] if a capability is missing, [`Failure::Lacking`] if this kernel can't
/// count, with everything that was tried.
pub fn open(config: &FeedConfig) -> anyhow::Result<Capture> {
    let procfs = Procfs::new("/");
    let degraded = rights::check(valid_rights(&procfs)).map_err(Failure::from)?;
    let cgroups = procfs.cgroups();
    let cgroup_root = cgroups.open_root();
    let request = Request {
        hooks: config.hooks,
        connections: config.wanted.flows,
        losses: config.wanted.losses,
        latency: config.wanted.latency,
        failures: false,
        transitions: config.wanted.transitions,
        open_sockets: procfs.open_sockets(),
        cgroup_root: cgroup_root.as_ref(),
        procfs: &procfs,
    };
    let mut counters = Counters::open(&request).map_err(|error| explain(&error))?;
    counters.ledger().keep_flows(config.wanted.flows);
    let mut provenance = counters.provenance().clone();
    provenance.unavailable.extend(degraded);
    Ok(Capture {
        counters,
        provenance,
        names: Names::new(procfs.clone(), cgroups),
        links: Links::default(),
        wanted: config.wanted,
        events: ConnectionEvents::new(config.wanted),
        map_bytes: procfs.own_map_bytes(),
        unchecked: Vec::new(),
        ended: HashSet::new(),
        procfs,
    })
}

/// What the capabilities of this process are valid for.
pub fn valid_rights(procfs: &Procfs) -> Valid {
    if procfs.is_in_initial_user_namespace() {
        Valid::Everywhere
    } else {
        Valid::OwnUsers
    }
}

/// The whole chain in one text, with the exit status that fits.
fn explain(error: &OpenError) -> Failure {
    Failure::Lacking(chain(error))
}

impl Feed for Capture {
    fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn pump(&mut self) -> anyhow::Result<Duration> {
        let records = self.counters.pump()?;
        self.take_in_events();
        Ok(match records {
            AT_ONCE.. => Duration::ZERO,
            MANY.. => BUSY,
            _ => CALM,
        })
    }

    fn drain_events(&mut self) -> Vec<ConnectionEvent> {
        self.events.take()
    }

    fn wants_sockets(&self) -> bool {
        self.wanted.transitions.is_some()
    }

    fn sockets(&mut self, look: &SocketSample) {
        self.events.look(look, clock::now());
    }

    fn next(&mut self) -> anyhow::Result<Option<Sample>> {
        self.counters.end_tick()?;
        self.take_in_events();
        let (at, wall) = clock::now();
        let mut degraded = Vec::new();
        let flow_totals = self.counters.ledger().take_changed_flows();
        let flows = flow_totals
            .iter()
            .map(|totals| self.flow(totals, at))
            .collect();
        let sample = Sample {
            at,
            wall,
            processes: self.processes(at),
            flows,
            links: self.link_readings(&mut degraded),
            resets: self.events.take_resets(),
            drops: self.drops(at)?,
            latencies: self.latencies(at)?,
            loss: self.loss(),
            tracer: self.tracer(),
            slots_in_use: self.counters.ledger().open_count() as u64,
            degraded,
        };
        self.counters.ledger().forget_left();
        Ok(Some(sample))
    }

    fn finish(&mut self) -> anyhow::Result<Option<Sample>> {
        self.counters.detach();
        self.next().context("cannot read the last counters")
    }
}

impl Capture {
    /// Names what happened while its processes may still be there.
    fn take_in_events(&mut self) {
        let clocks = clock::now();
        for event in self.counters.drain_events() {
            let ledger = self.counters.ledger();
            let process = describe(&mut self.names, ledger, event.owner.as_ref(), clocks.0);
            let key = &event.key;
            let listener = ledger.holders().of(key.netns, key.protocol, key.local_port);
            let accepted = listener.is_some();
            self.events.take_in(&event, process, accepted, clocks);
        }
    }

    /// How long things took in this tick.
    fn latencies(&mut self, now: MonoNs) -> anyhow::Result<Vec<LatencyReading>> {
        if !self.wanted.latency {
            return Ok(Vec::new());
        }
        let grown = self.counters.take_latencies()?;
        let (names, ledger) = (&mut self.names, self.counters.ledger());
        let readings = grown
            .iter()
            .filter_map(|one| latency::reading(one, names, ledger, now));
        Ok(readings.collect())
    }

    /// What the kernel threw away in this tick.
    fn drops(&mut self, now: MonoNs) -> anyhow::Result<Vec<DropReading>> {
        if !self.wanted.losses {
            return Ok(Vec::new());
        }
        let dropped = self.counters.take_dropped()?;
        let (names, ledger) = (&mut self.names, self.counters.ledger());
        let readings = dropped
            .iter()
            .map(|one| drop_reading(one, names, ledger, now));
        Ok(readings.collect())
    }

    fn loss(&self) -> Loss {
        let mut loss = self.counters.loss();
        loss.ring_lost += self.events.lost();
        loss
    }

    /// Readings of the processes that changed, and of some that may have ended.
    fn processes(&mut self, now: MonoNs) -> Vec<ProcessReading> {
        let changed = self.counters.ledger().take_changed();
        let quiet = self.next_quiet(&changed);
        let mut readings: Vec<_> = changed
            .into_iter()
            .map(|(id, tally)| self.reading(id, &tally, now))
            .collect();
        for id in quiet {
            if !self.is_alive(id, now)
                && let Some(tally) = self.counters.ledger().tally(id)
                && tally.slots == 0
            {
                readings.push(self.reading(id, &tally, now));
            }
        }
        for reading in readings.iter().filter(|reading| reading.last) {
            self.counters.ledger().drop_process(reading.process.id);
            self.names.forget(reading.process.id);
            self.ended.remove(&reading.process.id);
        }
        readings
    }

    fn reading(&mut self, id: ProcessId, tally: &Tally, now: MonoNs) -> ProcessReading {
        let process = self.names.describe(id, tally, now);
        let alive = self.is_alive(id, now);
        let had_ended = !alive && !self.ended.insert(id);
        ProcessReading {
            process,
            tx_bytes: tally.tx_bytes,
            rx_bytes: tally.rx_bytes,
            retrans: tally.retrans,
            alive,
            last: had_ended && tally.slots == 0,
        }
    }

    /// Whether a process still exists; one that has ended once has ended for good.
    fn is_alive(&self, id: ProcessId, now: MonoNs) -> bool {
        !self.ended.contains(&id) && self.names.is_alive(id, now)
    }

    /// Processes that did not change and may have ended: all that are known to have, and the next few
    /// in a round through the others.
    fn next_quiet(&mut self, changed: &[(ProcessId, Tally)]) -> Vec<ProcessId> {
        if self.unchecked.is_empty() {
            self.unchecked = self
                .counters
                .ledger()
                .processes()
                .map(|(id, _)| id)
                .collect();
        }
        let keep = self.unchecked.len().saturating_sub(LIVENESS_CHECKS);
        let mut quiet: HashSet<ProcessId> = self.unchecked.split_off(keep).into_iter().collect();
        quiet.extend(&self.ended);
        for (id, _) in changed {
            quiet.remove(id);
        }
        quiet.into_iter().collect()
    }

    fn flow(&mut self, totals: &FlowTotals, now: MonoNs) -> FlowReading {
        let tally = self
            .counters
            .ledger()
            .tally(totals.id.process)
            .unwrap_or_default();
        let process = self.names.describe(totals.id.process, &tally, now);
        address::flow_reading(totals, process, self.wanted.losses)
    }

    fn link_readings(&mut self, degraded: &mut Vec<String>) -> Vec<LinkReading> {
        let procfs = &self.procfs;
        let mut links = match self.links.read(|name| procfs.link_speed_mbit(name)) {
            Ok(links) => links,
            Err(error) => {
                degraded.push(format!("interfaces: {error}"));
                return Vec::new();
            }
        };
        if self.wanted.flows {
            match addresses() {
                Ok(addresses) => {
                    for link in &mut links {
                        link.addresses = addresses.get(&link.name).cloned().unwrap_or_default();
                    }
                }
                Err(error) => degraded.push(format!("interface addresses: {error}")),
            }
        }
        links
    }

    fn tracer(&self) -> TracerCost {
        let memory = self.procfs.own_anonymous_bytes().unwrap_or(0);
        TracerCost {
            cpu: clock::own_cpu(),
            memory_bytes: memory + self.map_bytes,
        }
    }
}
