//! The interfaces and queues that are made for a limit, and how they go again.
//!
//! For each direction a pair of interfaces: the near end, with the queue, where the processes are, and
//! the far end in a network namespace that only a descriptor here keeps. When that is closed, however
//! this process ends, the kernel removes the namespace, the far ends and with them the near ones.

use std::fs::File;
use std::io;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use netperf_core::sample::limit::Rates;
use netperf_sys::bpf::{LimitPrograms, Point};
use netperf_sys::netlink::{self, Backlog, Discipline, TokenBucket};
use netperf_sys::procfs::Procfs;

use super::goodput::Goodput;
use super::hooks::Hooks;

/// How often to try a name that the kernel has not released yet.
const ATTEMPTS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(50);

/// The Ethernet header, with a VLAN tag.
const HEADER_BYTES: u32 = 18;

/// A rate that delays nothing, in bytes per second.
const AT_ONCE: u64 = u64::MAX;

/// The queue of one direction.
#[derive(Debug)]
pub(super) struct Queue {
    /// Interface index of the near end.
    pub(super) index: u32,
    name: String,
    pub(super) goodput: Goodput,
}

/// Parameters of a limit's queues.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueKind {
    /// Number of the limit.
    pub(super) id: u8,
    /// Size of the largest packet, without its link header, in bytes.
    pub(super) mtu: u32,
    pub(super) discipline: Discipline,
}

/// The interfaces and queues of one limit.
#[derive(Debug)]
pub(super) struct Network {
    kind: QueueKind,
    /// Network namespace of the processes.
    target_netns: File,
    /// Network namespace of the far ends; everything goes with it.
    far_netns: File,
    pub(super) up: Option<Queue>,
    pub(super) down: Option<Queue>,
}

impl Network {
    /// Makes the queues.
    ///
    /// # Errors
    ///
    /// The kernel refuses; nothing is left then.
    pub(super) fn make(
        target_netns: File,
        kind: QueueKind,
        rates: Rates,
        procfs: &Procfs,
    ) -> anyhow::Result<Self> {
        let root = procfs.clone();
        let far_netns = netlink::in_own_namespace(move || root.open_thread_network_namespace());
        let far_netns = far_netns.and_then(|opened| opened);
        let mut made = Self {
            kind,
            target_netns,
            far_netns: far_netns.context("can't make a network namespace")?,
            up: None,
            down: None,
        };
        let queue = |rate, letter: char, made: &Self| -> anyhow::Result<Queue> {
            let name = format!("{NAME}{}{letter}", kind.id);
            let goodput = Goodput::new(rate, kind.mtu + HEADER_BYTES);
            let index = made.add(&name, goodput.bucket());
            let index = index.with_context(|| {
                format!("can't make the pair of interfaces (veth) `{name}` with its queue")
            })?;
            Ok(Queue {
                index,
                name,
                goodput,
            })
        };
        made.up = rates.up.map(|rate| queue(rate, 'u', &made)).transpose()?;
        made.down = rates.down.map(|rate| queue(rate, 'd', &made)).transpose()?;
        Ok(made)
    }

    fn add(&self, name: &str, bucket: TokenBucket) -> io::Result<u32> {
        self.in_target(|| self.add_pair(name))?;
        netlink::inside(&self.far_netns, || netlink::bring_up(name))?;
        self.in_target(|| {
            let index = netlink::bring_up(name)?;
            bucket.put_at(index, self.kind.discipline)?;
            Ok(index)
        })
    }

    /// Adds a pair of interfaces. The kernel may take a moment to release the name of a previous limit.
    fn add_pair(&self, name: &str) -> io::Result<()> {
        let mut attempts = 1;
        loop {
            match netlink::add_pair(name, self.kind.mtu, &self.far_netns) {
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS =>
                {
                    attempts += 1;
                    thread::sleep(BETWEEN);
                }
                done => return done,
            }
        }
    }

    /// Attaches the programs that return packets from the queues.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(super) fn attach_queue_programs(
        &self,
        hooks: &Hooks,
        programs: &mut LimitPrograms,
    ) -> anyhow::Result<()> {
        for (queue, point) in [
            (&self.up, Point::DequeuedTx),
            (&self.down, Point::DequeuedRx),
        ] {
            let Some(queue) = queue else { continue };
            let name = &queue.name;
            let far = || {
                let index = netlink::index_of(name)?;
                hooks.attach(programs, Point::Reflect, name, index)
            };
            netlink::inside(&self.far_netns, far)?;
            let near = || hooks.attach(programs, point, name, queue.index);
            netlink::inside(&self.target_netns, near)?;
        }
        Ok(())
    }

    /// Runs `act` in the network namespace of the processes.
    ///
    /// # Errors
    ///
    /// `act` fails.
    pub(super) fn in_target<T: Send>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        netlink::inside(&self.target_netns, act)
    }

    /// Sets the rate of a queue.
    ///
    /// # Errors
    ///
    /// The kernel refuses, or the interface is gone.
    pub(super) fn tell(&self, queue: &Queue) -> io::Result<()> {
        self.change(queue, queue.goodput.bucket())
    }

    fn change(&self, queue: &Queue, bucket: TokenBucket) -> io::Result<()> {
        self.in_target(|| bucket.change_at(queue.index, self.kind.discipline))
    }

    /// What waits in each queue.
    ///
    /// # Errors
    ///
    /// The interface is gone.
    pub(super) fn backlogs(&self) -> io::Result<[Option<Backlog>; 2]> {
        self.in_target(|| {
            let of = |queue: &Option<Queue>| {
                let index = queue.as_ref().map(|queue| queue.index);
                index.map(netlink::backlog_at).transpose()
            };
            Ok([of(&self.up)?, of(&self.down)?])
        })
    }

    /// Lets all queued packets go, and waits until they have.
    pub(super) fn empty(&self, patience: Duration) {
        let queues = [&self.up, &self.down];
        for queue in queues.into_iter().flatten() {
            let bucket = TokenBucket {
                rate: AT_ONCE,
                ..queue.goodput.bucket()
            };
            if let Err(error) = self.change(queue, bucket) {
                log::debug!("what waits in `{}` is lost: {error}", queue.name);
            }
        }
        let step = Duration::from_millis(2);
        for _ in 0..patience.as_millis() / step.as_millis() {
            let waiting = self.backlogs().unwrap_or_default();
            if waiting.iter().flatten().all(|backlog| backlog.bytes == 0) {
                return;
            }
            thread::sleep(step);
        }
    }
}

impl Drop for Network {
    /// Removes the interfaces. The kernel would do so itself, but some time after this process has
    /// ended.
    fn drop(&mut self) {
        let queues = [&self.up, &self.down];
        for queue in queues.into_iter().flatten() {
            let remove = || {
                let is_ours = netlink::index_of(&queue.name)? == queue.index;
                is_ours
                    .then(|| netlink::remove_pair(queue.index))
                    .transpose()
            };
            if let Err(error) = self.in_target(remove) {
                log::debug!("`{}` goes later: {error}", queue.name);
            }
        }
    }
}

/// Prefix of the names of our interfaces; a number and a letter follow.
const NAME: &str = "npt";

/// Whether an interface is the near end of a limit.
pub(super) fn is_ours(name: &str) -> bool {
    let number = name
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_suffix(['u', 'd']));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_ours() {
        assert!(is_ours("npt1u") && is_ours("npt16d"));
        for name in ["npt", "nptu", "npt1", "npt1x", "eth0", "xnpt1u", "npt1uu"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
