//! Which processes are held to a rate, and which sockets do they have?

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::net::AddressFamily;
use rustix::net::sockopt::socket_domain;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{Plan, Target};
use crate::bpf::LimitPrograms;
use crate::procfs::{Procfs, Relative, same_process};

/// One of the processes that a plan names, or that are in its cgroup.
pub(super) fn any(plan: &Plan, procfs: &Procfs) -> Option<u32> {
    let alive = |target: &&Target| procfs.is_alive(target.pid, target.start);
    let named = plan.targets.iter().find(alive).map(|target| target.pid);
    let in_cgroup = || procfs.members(plan.cgroup.as_ref()?).first().copied();
    named.or_else(in_cgroup)
}

/// The processes that a plan names and, where they count, all that descend from them.
pub(super) fn of(plan: &Plan, procfs: &Procfs) -> Vec<u32> {
    let mut members = if plan.children {
        let family = procfs.families(|one| plan.targets.iter().any(|&target| is(one, target)));
        family.into_iter().map(|one| one.tgid).collect()
    } else {
        let alive = |target: &&Target| procfs.is_alive(target.pid, target.start);
        let alive = plan.targets.iter().filter(alive);
        alive.map(|target| target.pid).collect::<Vec<_>>()
    };
    if let Some(cgroup) = &plan.cgroup {
        members.extend(procfs.members(cgroup));
    }
    members.sort_unstable();
    members.dedup();
    members
}

fn is(one: &Relative, target: Target) -> bool {
    one.tgid == target.pid && same_process(one.start, target.start)
}

/// Limits every socket that these processes have open now. One that goes meanwhile is no matter.
pub(super) fn mark_sockets(
    tgids: &[u32],
    programs: &mut LimitPrograms,
    procfs: &Procfs,
) -> anyhow::Result<()> {
    let mut refused = None;
    for file in procfs.socket_files(tgids).files {
        match copy_of(file.tgid, file.fd) {
            Ok(socket) => programs.mark(&socket)?,
            Err(rustix::io::Errno::PERM) => refused = Some(file.tgid),
            Err(error) => log::debug!("file {} of {}: {error}", file.fd, file.tgid),
        }
    }
    match refused {
        Some(tgid) => anyhow::bail!("the sockets of process {tgid} can't be taken hold of"),
        None => Ok(()),
    }
}

/// The sockets of processes that packets come from.
#[derive(Debug, Default)]
pub(super) struct NetworkSockets {
    /// Whether each socket, by its inode, is one; the others are of other families.
    known: HashMap<u32, bool>,
}

impl NetworkSockets {
    /// How many these processes have open now. One that can't be asked counts.
    pub(super) fn count(&mut self, tgids: &[u32], procfs: &Procfs) -> usize {
        if tgids.is_empty() {
            return 0;
        }
        let files = procfs.socket_files(tgids).files;
        let mut now = HashMap::new();
        for file in files {
            let is_one = self
                .known
                .get(&file.inode)
                .copied()
                .or_else(|| now.get(&file.inode).copied())
                .unwrap_or_else(|| {
                    copy_of(file.tgid, file.fd).map_or(true, |copy| is_network(&copy))
                });
            now.insert(file.inode, is_one);
        }
        self.known = now;
        self.known.values().filter(|&&is_one| is_one).count()
    }
}

fn is_network(socket: &OwnedFd) -> bool {
    let family = socket_domain(socket);
    family.is_ok_and(|family| family == AddressFamily::INET || family == AddressFamily::INET6)
}

/// A descriptor of this process for an open file of another.
fn copy_of(tgid: u32, fd: u32) -> rustix::io::Result<OwnedFd> {
    let invalid = rustix::io::Errno::SRCH;
    let pid = i32::try_from(tgid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(invalid)?;
    let fd = i32::try_from(fd).map_err(|_too_large| invalid)?;
    pidfd_getfd(
        pidfd_open(pid, PidfdFlags::empty())?,
        fd,
        PidfdGetfdFlags::empty(),
    )
}
