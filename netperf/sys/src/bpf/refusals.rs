//! What was refused for want of a port or an address, and which connections failed? A kernel side that counts
//! nothing else.

use anyhow::Context as _;
use aya::maps::{HashMap, MapData};
use netperf_common::flow::Owner;
use netperf_common::kernel::LossCounters;
use netperf_common::refusal::{RefusalCount, RefusalKey};
use netperf_core::collect::{HookPreference, Provenance};
use netperf_core::sample::Loss;
use rustc_hash::FxHashMap;

use super::error::OpenError;
use super::hooks::CONNECT_FAILED;
use super::missed::missed;
use super::open::{Opened, open_refused};
use super::request::Request;
use crate::procfs::Procfs;

/// What was refused since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Kind of failed call.
    pub key: RefusalKey,
    /// The process.
    pub owner: Owner,
    /// Number of failed calls.
    pub count: u64,
    /// How often since the start.
    pub total: u64,
}

/// The kernel side, attached, and what was told of its counts.
pub struct Refusals {
    kernel: Opened,
    map: HashMap<MapData, RefusalKey, RefusalCount>,
    told: FxHashMap<RefusalKey, u64>,
    tick: u64,
    lost_before: LossCounters,
    missed_before: u64,
}

impl Refusals {
    /// Starts counting; also connections that fail for another reason, if `failures`.
    ///
    /// # Errors
    /// If this kernel can't count, with everything that was tried.
    pub fn open(hooks: HookPreference, failures: bool, procfs: &Procfs) -> Result<Self, OpenError> {
        let kernel = open_refused(&Request {
            hooks,
            connections: false,
            losses: false,
            latency: false,
            failures,
            transitions: None,
            open_sockets: 0,
            cgroup_root: None,
            procfs,
        })?;
        Self::read_from(kernel).map_err(OpenError::Load)
    }

    fn read_from(mut kernel: Opened) -> anyhow::Result<Self> {
        let map = kernel.ebpf.take_map("REFUSALS");
        let map = map.context("the object has no `REFUSALS`")?;
        let tick = 1;
        kernel.begin_log_tick();
        Ok(Self {
            map: map.try_into()?,
            told: FxHashMap::default(),
            tick,
            lost_before: kernel.control.sync(&mut kernel.ebpf, tick)?,
            missed_before: missed(&kernel.ebpf, &kernel.set),
            kernel,
        })
    }

    /// Which hooks count.
    pub fn provenance(&self) -> &Provenance {
        &self.kernel.provenance
    }

    /// Whether it counts every connection that fails after it has begun.
    pub fn tells_failures(&self) -> bool {
        let mut hooks = self.kernel.provenance.hooks.iter();
        hooks.any(|hook| hook.name == CONNECT_FAILED)
    }

    /// What was added since the last call.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub fn take(&mut self) -> anyhow::Result<Vec<Refused>> {
        let mut grown = Vec::new();
        for entry in &self.map {
            let (key, now) = entry.context("cannot read what was refused")?;
            let before = self.told.insert(key, now.count).unwrap_or(0);
            if now.count > before {
                grown.push(Refused {
                    key,
                    owner: now.owner,
                    count: now.count - before,
                    total: now.count,
                });
            }
        }
        Ok(grown)
    }

    /// Stops counting; what was counted stays readable.
    pub fn detach(&mut self) {
        self.kernel.detach();
    }

    /// What found no room from the start until now, calls at which the kernel ran no program, and connections
    /// whose error was taken before it could be read.
    ///
    /// # Errors
    /// If the kernel refuses to tell.
    pub fn loss(&mut self) -> anyhow::Result<Loss> {
        self.tick += 1;
        self.kernel.begin_log_tick();
        let lost = self.kernel.control.sync(&mut self.kernel.ebpf, self.tick)?;
        let missed = missed(&self.kernel.ebpf, &self.kernel.set) - self.missed_before;
        Ok(Loss {
            map_full: lost.map_full - self.lost_before.map_full,
            unread: lost.unread - self.lost_before.unread + missed,
            ..Loss::default()
        })
    }
}
