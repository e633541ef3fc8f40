//! Who is a process? What the kernel side saw, completed from `/proc` while it lives.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use netperf_common::flow::Owner;

use crate::bpf::Tally;
use crate::clock::{self, MonoNs, WallNs};
use crate::procfs::{
    BootOffset, Cgroups, ProcessFacts, Procfs, Users, boot_time, same_process, unit_and_container,
};
use crate::sample::{Process, ProcessId};

/// What `/proc` said is read again after so long: arguments and cgroup may change unseen.
const FRESH: Duration = Duration::from_secs(10);

/// How long a process that nothing tells the end of is taken to live on after it was last seen to
/// move bytes.
const UNSEEN: Duration = Duration::from_hours(1);

/// Name of what no process can be named for.
const KERNEL: &str = "[kernel]";

/// Descriptions of all processes that moved bytes.
pub(super) struct Names {
    procfs: Procfs,
    users: Users,
    cgroups: Cgroups,
    boot_offset: BootOffset,
    booted: WallNs,
    /// Whether `/proc` numbers processes as the tracer's own pid namespace does.
    own_numbers: bool,
    known: HashMap<ProcessId, Known>,
}

struct Known {
    process: Arc<Process>,
    owner: Owner,
    read_at: MonoNs,
}

impl Names {
    pub(super) fn new(procfs: Procfs, cgroups: Cgroups) -> Self {
        let (now, wall) = clock::now();
        Self {
            users: procfs.users(),
            boot_offset: procfs.boot_offset(),
            booted: boot_time(now, wall).unwrap_or_default(),
            own_numbers: procfs.numbers_as(std::process::id()),
            procfs,
            cgroups,
            known: HashMap::new(),
        }
    }

    /// Describes a process; reads `/proc` where it is new, has changed, or was read long ago.
    pub(super) fn describe(&mut self, id: ProcessId, tally: &Tally, now: MonoNs) -> Arc<Process> {
        let fresh = self.known.get(&id).filter(|known| {
            known.owner == tally.owner && now.since(known.read_at).is_none_or(|age| age < FRESH)
        });
        if let Some(known) = fresh {
            return Arc::clone(&known.process);
        }
        let before = self.known.get(&id).map(|known| Arc::clone(&known.process));
        let process = Arc::new(self.read(id, tally, before.as_deref(), now));
        let known = Known {
            process: Arc::clone(&process),
            owner: tally.owner,
            read_at: now,
        };
        self.known.insert(id, known);
        process
    }

    /// Whether this very process still exists; the kernel always does.
    pub(super) fn is_alive(&self, id: ProcessId, now: MonoNs) -> bool {
        let Some(known) = self.known.get(&id).filter(|_| id.tgid != 0) else {
            return id.tgid == 0;
        };
        let start = self.boot_offset.to_own_clock(id.start.0);
        match self.listed_as(&known.owner) {
            Some(tgid) if self.own_numbers => self.procfs.is_alive(tgid, start),
            Some(tgid) => self.procfs.is_listed(tgid, start),
            None => now.since(known.read_at).is_none_or(|age| age < UNSEEN),
        }
    }

    /// The number under which `/proc` has a process; `None` for one outside the tracer's pid
    /// namespace where `/proc` is that namespace's.
    fn listed_as(&self, owner: &Owner) -> Option<u32> {
        let tgid = if self.own_numbers {
            owner.tgid
        } else {
            owner.host_tgid
        };
        Some(tgid).filter(|&tgid| tgid != 0)
    }

    pub(super) fn forget(&mut self, id: ProcessId) {
        self.known.remove(&id);
    }

    fn read(
        &mut self,
        id: ProcessId,
        tally: &Tally,
        before: Option<&Process>,
        now: MonoNs,
    ) -> Process {
        if id.tgid == 0 {
            return Process {
                id,
                name: KERNEL.to_owned(),
                ..Process::default()
            };
        }
        let start = self.boot_offset.to_own_clock(id.start.0);
        let facts = self
            .listed_as(&tally.owner)
            .and_then(|tgid| self.procfs.process(tgid))
            .filter(|facts| same_process(facts.start, start));
        let uid = facts
            .as_ref()
            .and_then(|facts| facts.uid)
            .unwrap_or(tally.owner.uid);
        let cgroup = facts
            .as_ref()
            .and_then(|facts| facts.cgroup.clone())
            .or_else(|| {
                self.cgroups
                    .path(tally.owner.cgroup_id, now)
                    .map(str::to_owned)
            });
        let (unit, container) = cgroup
            .as_deref()
            .map(unit_and_container)
            .unwrap_or_default();
        let ProcessFacts {
            comm,
            exe,
            cmdline,
            netns,
            ..
        } = facts.unwrap_or_else(|| ended(tally, before));
        Process {
            id,
            host_tgid: host_tgid(&tally.owner),
            started: WallNs(self.booted.0.saturating_add(start.0)),
            name: comm,
            exe,
            cmdline,
            uid: Some(uid),
            user: self.users.name(uid).map(str::to_owned),
            cgroup,
            unit,
            container,
            // Where the kernel side can't tell that of the socket, it is that of the process.
            netns: Some(tally.netns).filter(|&inode| inode != 0).or(netns),
        }
    }
}

/// The number in the initial pid namespace, where it is not the one in the tracer's.
fn host_tgid(owner: &Owner) -> Option<u32> {
    (owner.tgid != owner.host_tgid).then_some(owner.host_tgid)
}

/// What remains of a process that ended: its name from the kernel, the rest from an earlier look.
fn ended(tally: &Tally, before: Option<&Process>) -> ProcessFacts {
    ProcessFacts {
        start: crate::procfs::StartTicks(0),
        comm: comm(&tally.owner.comm),
        exe: before.and_then(|before| before.exe.clone()),
        cmdline: before.and_then(|before| before.cmdline.clone()),
        uid: None,
        netns: None,
        cgroup: None,
    }
}

fn comm(bytes: &[u8; 16]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_the_first_zero_and_may_fill_the_field() {
        assert_eq!(comm(b"rsync\0\0\0\0\0\0\0\0\0\0\0"), "rsync");
        assert_eq!(comm(b"0123456789abcdef"), "0123456789abcdef");
        assert_eq!(
            comm(b"\xff\xfe\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            "\u{fffd}\u{fffd}"
        );
    }
}
