//! How strained is the machine itself? Processors, disks, memory and the kernel's tables, since boot.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// One reading. `None` is what this kernel does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PressureSample {
    /// When.
    pub at: MonoNs,
    /// Of all processors together.
    pub cpu: CpuTimes,
    /// How many processors there are.
    pub processors: u32,
    /// Time in which somebody waited.
    pub stalls: Stalls,
    /// Memory.
    pub memory: Memory,
    /// Every process that can be seen.
    pub processes: Vec<ProcessStrain>,
    /// The kernel's tables of the reader's network namespace.
    pub tables: KernelTables,
}

/// Time of the processors in ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// Programs and the kernel for them.
    pub busy: u64,
    /// Nothing to do.
    pub idle: u64,
    /// Nothing to do but to wait for a disk.
    pub io_wait: u64,
    /// The kernel for interrupts, those of the network among them. Part of `busy`.
    pub interrupts: u64,
    /// Taken by the machine that this virtual one runs on.
    pub stolen: u64,
}

impl CpuTimes {
    /// All of it.
    pub fn total(self) -> u64 {
        self.busy + self.idle + self.io_wait + self.stolen
    }
}

/// Time in which tasks waited (`/proc/pressure`), in µs: some of them, or all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalls {
    /// Some for a processor.
    pub cpu_some: Option<u64>,
    /// Some for a disk.
    pub io_some: Option<u64>,
    /// All for a disk.
    pub io_full: Option<u64>,
    /// Some for memory.
    pub memory_some: Option<u64>,
    /// All for memory.
    pub memory_full: Option<u64>,
}

/// Memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// All of it, in KiB.
    pub total_kib: Option<u64>,
    /// What can be had without swapping, in KiB.
    pub available_kib: Option<u64>,
    /// Pages read back from swap, since boot.
    pub swapped_in: Option<u64>,
    /// Pages put into swap, since boot.
    pub swapped_out: Option<u64>,
    /// Processes that the kernel killed for want of memory, since boot.
    pub oom_kills: Option<u64>,
}

/// What one process takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStrain {
    /// Which.
    pub tgid: u32,
    /// Its start in ticks since boot: a number that is used again has another.
    pub start: u64,
    /// Its name. Untrusted text.
    pub name: String,
    /// Time of processors that it used, in ticks of 10 ms.
    pub cpu: u64,
    /// Pages that it had to wait for a disk for.
    pub major_faults: u64,
    /// Whether it waits for a disk (or something else that can't be interrupted) at this moment.
    pub is_blocked: bool,
}

/// Tables of the kernel that can be full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTables {
    /// Connections that the firewall tracks.
    pub conntrack: Option<u64>,
    /// How many it can.
    pub conntrack_max: Option<u64>,
    /// Connections that it threw away because the table was full, since boot.
    pub conntrack_drops: Option<u64>,
    /// Neighbours (ARP).
    pub neighbours: Option<u64>,
    /// How many there may be (`gc_thresh3`).
    pub neighbours_max: Option<u64>,
    /// How often there was no room for one more, since boot.
    pub neighbours_full: Option<u64>,
    /// Packets that were too large for a link and must not be cut (`FragFails`), since the namespace
    /// was made.
    pub too_large: Option<u64>,
    /// Probes of TCP for a larger packet size that were lost, since the namespace was made.
    pub mtu_probes_failed: Option<u64>,
    /// Connections that this end began and that failed (`AttemptFails`), since the namespace was made.
    pub attempts_failed: Option<u64>,
    /// Packets that no route was found for (`OutNoRoutes`), since the namespace was made.
    pub no_route: Option<u64>,
}
