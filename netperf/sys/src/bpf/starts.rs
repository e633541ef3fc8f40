//! When did a process start that the kernel side could not ask? `/proc` says it while it lives.

use netperf_common::flow::Owner;
use netperf_core::clock::MonoNs;
use rustc_hash::FxHashMap;

use crate::procfs::{BootOffset, Procfs};

/// Starts of processes by their number, as far as they were seen.
pub(super) struct Starts {
    procfs: Procfs,
    boot_offset: BootOffset,
    seen: FxHashMap<u32, u64>,
}

impl Starts {
    pub(super) fn new(procfs: Procfs) -> Self {
        Self {
            boot_offset: procfs.boot_offset(),
            procfs,
            seen: FxHashMap::default(),
        }
    }

    /// Sets the start of an owner that has none: to `before`, if it was told before. One that has
    /// ended is taken for the last one seen with its number; without one, its start stays 0.
    pub(super) fn complete(&mut self, owner: &mut Owner, before: Option<MonoNs>) {
        if owner.start_ns != 0 || owner.host_tgid == 0 {
            return;
        }
        owner.start_ns = match before {
            Some(start) => start.0,
            None => self.look(owner.host_tgid),
        };
    }

    fn look(&mut self, tgid: u32) -> u64 {
        if let Some(ticks) = self.procfs.start(tgid) {
            let start = self.boot_offset.to_kernel_ns(ticks.to_mono());
            self.seen.insert(tgid, start);
        }
        self.seen.get(&tgid).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(host_tgid: u32, start_ns: u64) -> Owner {
        Owner {
            host_tgid,
            start_ns,
            ..Owner::default()
        }
    }

    #[test]
    fn a_start_is_that_of_proc_and_stays_after_the_end() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("proc/7");
        std::fs::create_dir_all(&dir).unwrap();
        let stat = "7 (x) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 300 99 1 2 3\n";
        std::fs::write(dir.join("stat"), stat).unwrap();
        let mut starts = Starts::new(Procfs::new(root.path()));
        let mut complete = |tgid, before| {
            let mut owner = owner(tgid, 0);
            starts.complete(&mut owner, before);
            owner.start_ns
        };
        assert_eq!(complete(7, None), 3_000_000_000);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(complete(7, None), 3_000_000_000);
        assert_eq!(complete(7, Some(MonoNs(5))), 5);
        assert_eq!(complete(8, None), 0);
    }

    #[test]
    fn what_the_kernel_said_and_the_kernel_itself_stay_as_they_are() {
        let mut starts = Starts::new(Procfs::new("/"));
        for (tgid, start) in [(1, 9), (0, 0)] {
            let mut owner = owner(tgid, start);
            starts.complete(&mut owner, Some(MonoNs(5)));
            assert_eq!(owner.start_ns, start);
        }
    }
}
