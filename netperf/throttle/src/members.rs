//! The processes under a limit, and their sockets.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use netperf_sys::bpf::LimitPrograms;
use netperf_sys::procfs::{Procfs, Relative, SocketFile, same_process};
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::sockopt::{socket_acceptconn, socket_domain};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{LimitError, Plan, Target};

/// How long an open connection that sends nothing may receive without a limited window: only packets
/// that it sends can announce one.
const GRACE: Duration = Duration::from_millis(100);

/// `AF_SMC` (`linux/socket.h`).
const SMC: AddressFamily = AddressFamily::from_raw(43);

/// Any process that the plan names, or that is in its cgroup.
pub(super) fn any(plan: &Plan, procfs: &Procfs) -> Option<u32> {
    let alive = |target: &&Target| procfs.is_alive(target.pid, target.start);
    let named = plan.targets.iter().find(alive).map(|target| target.pid);
    let in_cgroup = || procfs.members(plan.cgroup.as_ref()?).first().copied();
    named.or_else(in_cgroup)
}

/// The processes that the plan names and, with children, all their descendants.
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

/// Why some sockets of these processes can't be limited: their packets bypass the kernel's queues.
pub(super) fn passes_by(tgids: &[u32], procfs: &Procfs) -> Option<String> {
    let mut copies = Copies::default();
    let files = open_sockets(tgids, procfs);
    files.into_iter().find_map(|file| {
        let family = socket_domain(copies.of(file).ok()?).ok()?;
        let kind = match family {
            AddressFamily::XDP => "AF_XDP",
            SMC => "AF_SMC",
            _ => return None,
        };
        let SocketFile { tgid, fd, .. } = file;
        Some(format!(
            "process {tgid} has a socket of the family {kind} (file {fd}), whose packets pass all queues and \
             filters of the kernel by: what it moves over that can't be limited"
        ))
    })
}

/// The sockets of limited processes.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// Whether each socket, by its inode, is of TCP or UDP.
    known: HashMap<u32, bool>,
}

impl Sockets {
    /// Limits every open socket of these processes that is not limited yet: at first all, later those
    /// that other processes have passed to them. A socket that closes meanwhile is skipped.
    ///
    /// # Errors
    ///
    /// A process does not allow it, or the kernel refuses.
    pub(super) fn take_in(
        &mut self,
        tgids: &[u32],
        programs: &mut LimitPrograms,
        procfs: &Procfs,
    ) -> Result<(), LimitError> {
        let mut copies = Copies::default();
        let mut now = HashMap::new();
        for file in open_sockets(tgids, procfs) {
            if now.contains_key(&file.inode) {
                continue;
            }
            let is_network = match self.known.get(&file.inode) {
                Some(&is_network) => is_network,
                None => match copies.of(file) {
                    Ok(socket) => {
                        programs.mark(&socket, grace(&socket))?;
                        is_network(&socket)
                    }
                    Err(Errno::PERM) => {
                        return Err(LimitError::Rights(format!(
                            "the sockets of process {} can't be taken hold of: CAP_SYS_PTRACE is needed, \
                             and a security module may refuse it",
                            file.tgid
                        )));
                    }
                    Err(error) => {
                        log::debug!("file {} of {}: {error}", file.fd, file.tgid);
                        continue;
                    }
                },
            };
            now.insert(file.inode, is_network);
        }
        self.known = now;
        Ok(())
    }

    /// Number of TCP and UDP sockets at the last search.
    pub(super) fn count(&self) -> usize {
        self.known
            .values()
            .filter(|&&is_network| is_network)
            .count()
    }
}

/// Open sockets of these processes, or of all processes if there are none.
fn open_sockets(tgids: &[u32], procfs: &Procfs) -> Vec<SocketFile> {
    if tgids.is_empty() {
        return Vec::new();
    }
    procfs.socket_files(tgids).files
}

/// The grace of a socket; none for a listening one, whose connections inherit its mark.
fn grace(socket: &OwnedFd) -> Duration {
    if socket_acceptconn(socket) == Ok(false) {
        GRACE
    } else {
        Duration::ZERO
    }
}

fn is_network(socket: &OwnedFd) -> bool {
    let family = socket_domain(socket);
    family.is_ok_and(|family| family == AddressFamily::INET || family == AddressFamily::INET6)
}

/// Copies descriptors of other processes into this one.
#[derive(Default)]
struct Copies {
    /// The latest process: sockets of one process come together.
    process: Option<(u32, OwnedFd)>,
}

impl Copies {
    fn of(&mut self, file: SocketFile) -> rustix::io::Result<OwnedFd> {
        let fd = i32::try_from(file.fd).map_err(|_too_large| Errno::SRCH)?;
        pidfd_getfd(self.process(file.tgid)?, fd, PidfdGetfdFlags::empty())
    }

    fn process(&mut self, tgid: u32) -> rustix::io::Result<&OwnedFd> {
        let process = match self.process.take() {
            Some(known) if known.0 == tgid => known,
            _ => {
                let pid = i32::try_from(tgid).ok().and_then(Pid::from_raw);
                let opened = pidfd_open(pid.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
                (tgid, opened)
            }
        };
        Ok(&self.process.insert(process).1)
    }
}
