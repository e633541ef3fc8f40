//! CPU time from `/proc/stat`, with the share that the hypervisor took (steal): it must not count in any ratio.

use std::fs;

use anyhow::{Context as _, Result};

/// Which CPUs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cpus {
    /// The one that both ends of a load share.
    Shared,
    /// Every CPU.
    All,
}

/// Ticks of the clock in a second (`USER_HZ`), everywhere.
const TICKS: f64 = 100.0;

/// Time of CPUs since boot, in ticks of the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CpuTimes {
    total: f64,
    idle: f64,
    stolen: f64,
}

impl CpuTimes {
    /// Reads the current times from `/proc/stat`.
    pub(super) fn now(cpus: Cpus) -> Result<Self> {
        Self::parse(&fs::read_to_string("/proc/stat")?, cpus)
            .context("`/proc/stat` does not tell the times of the CPUs")
    }

    fn parse(text: &str, cpus: Cpus) -> Option<Self> {
        let name = match cpus {
            Cpus::Shared => "cpu0 ",
            Cpus::All => "cpu ",
        };
        let times: Vec<f64> = text
            .lines()
            .find_map(|line| line.strip_prefix(name))?
            .split_whitespace()
            // Guest time, behind these, is in the user's already.
            .take(8)
            .filter_map(|word| word.parse().ok())
            .collect();
        Some(Self {
            total: times.iter().sum(),
            // Waiting for disks is being idle, too.
            idle: times.get(3)? + times.get(4)?,
            stolen: *times.get(7)?,
        })
    }

    /// Seconds since `earlier` in which they were busy.
    pub(super) fn busy_since(self, earlier: Self) -> f64 {
        let not_busy = |times: Self| times.idle + times.stolen;
        (self.total - earlier.total - not_busy(self) + not_busy(earlier)) / TICKS
    }

    /// The share of the time since `earlier` that the hypervisor did not take, from 0 to 1.
    pub(super) fn share_left_since(self, earlier: Self) -> f64 {
        let total = self.total - earlier.total;
        if total <= 0.0 {
            return 1.0;
        }
        1.0 - (self.stolen - earlier.stolen) / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  10 0 20 60 0 0 0 10 0 0\ncpu0 5 0 10 30 0 0 0 5 7 0\n";

    #[test]
    fn what_the_host_took_is_not_left() {
        let before = CpuTimes::parse(STAT, Cpus::Shared).unwrap();
        let later = STAT.replace("cpu0 5 0 10 30 0 0 0 5", "cpu0 5 0 55 30 0 0 0 10");
        let after = CpuTimes::parse(&later, Cpus::Shared).unwrap();
        assert!((after.share_left_since(before) - 0.9).abs() < 1e-9);
        assert!((after.share_left_since(after) - 1.0).abs() < 1e-9);
        assert!((after.busy_since(before) - 0.45).abs() < 1e-9);
    }

    #[test]
    fn the_line_of_all_cpus_is_another() {
        let all = CpuTimes::parse(STAT, Cpus::All).unwrap();
        assert!((all.total - 100.0).abs() < 1e-9);
    }
}
