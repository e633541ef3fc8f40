//! Load of the machine since boot: processors, disks, memory, and the kernel's network tables.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// One reading of the machine's load. `None` where this kernel has no such figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PressureSample {
    /// When it was read.
    pub at: MonoNs,
    /// Time of all processors together.
    pub cpu: CpuTimes,
    /// Number of processors.
    pub processors: u32,
    /// Time that tasks spent waiting.
    pub stalls: Stalls,
    /// Memory and swap.
    pub memory: Memory,
    /// Every process in view.
    pub processes: Vec<ProcessStrain>,
    /// The kernel's tables of the reader's network namespace.
    pub tables: KernelTables,
}

/// Processor time in ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// In user space, and in the kernel on its behalf.
    pub busy: u64,
    /// Idle.
    pub idle: u64,
    /// Idle while a task waits for a disk.
    pub io_wait: u64,
    /// In interrupts, those of the network included. Part of `busy`.
    pub interrupts: u64,
    /// Used by the hypervisor for other virtual machines (steal).
    pub stolen: u64,
}

impl CpuTimes {
    /// The sum of all times.
    pub fn total(self) -> u64 {
        self.busy + self.idle + self.io_wait + self.stolen
    }
}

/// Time that tasks waited (`/proc/pressure`), in µs: some of them, or all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalls {
    /// At least one task waited for a processor.
    pub cpu_some: Option<u64>,
    /// At least one task waited for a disk.
    pub io_some: Option<u64>,
    /// All tasks waited for a disk.
    pub io_full: Option<u64>,
    /// At least one task waited for memory.
    pub memory_some: Option<u64>,
    /// All tasks waited for memory.
    pub memory_full: Option<u64>,
}

/// Memory and swap of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Total memory, in KiB.
    pub total_kib: Option<u64>,
    /// Memory available without swapping, in KiB.
    pub available_kib: Option<u64>,
    /// Pages read back from swap, since boot.
    pub swapped_in: Option<u64>,
    /// Pages written to swap, since boot.
    pub swapped_out: Option<u64>,
    /// Processes that the kernel killed because memory ran out, since boot.
    pub oom_kills: Option<u64>,
}

/// What one process uses of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStrain {
    /// Process id.
    pub tgid: u32,
    /// Start time in ticks since boot; it tells processes with a reused pid apart.
    pub start: u64,
    /// Its name. Untrusted text.
    pub name: String,
    /// Processor time in ticks of 10 ms.
    pub cpu: u64,
    /// Page faults that had to wait for a disk.
    pub major_faults: u64,
    /// Whether it is in uninterruptible sleep now, mostly for a disk.
    pub is_blocked: bool,
}

/// Tables of the kernel that can fill up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTables {
    /// Connections in the firewall's table (conntrack).
    pub conntrack: Option<u64>,
    /// Limit of that table.
    pub conntrack_max: Option<u64>,
    /// Connections dropped because the table was full, since boot.
    pub conntrack_drops: Option<u64>,
    /// Entries in the neighbour table (ARP).
    pub neighbours: Option<u64>,
    /// Limit of that table (`gc_thresh3`).
    pub neighbours_max: Option<u64>,
    /// How often that table was full, since boot.
    pub neighbours_full: Option<u64>,
    /// Packets too large for a link that must not be fragmented (`FragFails`), since the namespace was
    /// made.
    pub too_large: Option<u64>,
    /// Lost TCP probes for a larger packet size, since the namespace was made.
    pub mtu_probes_failed: Option<u64>,
    /// Outgoing connections that failed (`AttemptFails`), since the namespace was made.
    pub attempts_failed: Option<u64>,
    /// Packets without a route (`OutNoRoutes`), since the namespace was made.
    pub no_route: Option<u64>,
}
