//! Names of processes: what the kernel side saw, completed from `/proc` while they live.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use netperf_common::flow::Owner;
use netperf_core::clock::{self, MonoNs, WallNs};
use netperf_core::sample::{Process, ProcessId};

use crate::bpf::Tally;
use crate::procfs::{
    BootOffset, Cgroups, ProcessFacts, Procfs, Users, boot_time, same_process, unit_and_container,
};

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
            return kernel(id);
        }
        let start = self.boot_offset.to_own_clock(id.start.0);
        let listed = self
            .listed_as(&tally.owner)
            .and_then(|tgid| self.procfs.process(tgid))
            .filter(|facts| same_process(facts.start, start));
        let mut facts = listed.unwrap_or_else(|| ended(tally, before));
        facts.uid = facts.uid.or(Some(tally.owner.uid));
        // Where the kernel side can't tell that of the socket, it is that of the process.
        facts.netns = Some(tally.netns)
            .filter(|&inode| inode != 0)
            .or(facts.netns);
        if facts.cgroup.is_none() {
            facts.cgroup = self.cgroup(tally.owner.cgroup_id, now);
        }
        Process {
            host_tgid: host_tgid(&tally.owner),
            ..self.with_facts(id, start, facts)
        }
    }

    /// Describes a process that `/proc` lists now; `None` if it has gone. Its start is known to 10 ms.
    pub(super) fn describe_listed(&mut self, tgid: u32) -> Option<Process> {
        let facts = self.procfs.process(tgid)?;
        let start = facts.start.to_mono();
        Some(self.with_facts(ProcessId { tgid, start }, start, facts))
    }

    /// Name of a user.
    pub(super) fn user(&mut self, uid: u32) -> Option<String> {
        self.users.name(uid).map(str::to_owned)
    }

    /// Path of a cgroup by its identifier.
    pub(super) fn cgroup(&mut self, id: u64, now: MonoNs) -> Option<String> {
        self.cgroups.path(id, now).map(str::to_owned)
    }

    fn with_facts(&mut self, id: ProcessId, start: MonoNs, facts: ProcessFacts) -> Process {
        let cgroup = facts.cgroup.as_deref();
        let (unit, container) = cgroup.map(unit_and_container).unwrap_or_default();
        Process {
            id,
            host_tgid: None,
            started: WallNs(self.booted.0.saturating_add(start.0)),
            name: facts.comm,
            exe: facts.exe,
            cmdline: facts.cmdline,
            uid: facts.uid,
            user: facts.uid.and_then(|uid| self.user(uid)),
            cgroup: facts.cgroup,
            unit,
            container,
            netns: facts.netns,
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

/// What no process can be named for.
pub(super) fn kernel(id: ProcessId) -> Process {
    Process {
        id,
        name: KERNEL.to_owned(),
        ..Process::default()
    }
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
