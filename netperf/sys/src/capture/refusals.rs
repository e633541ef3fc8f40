//! To whom does the kernel refuse ports and addresses, and whose connections fail? Its counts, joined with
//! names.

use std::net::SocketAddr;

use netperf_common::flow::{FlowKey, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE};
use netperf_common::refusal::{BIND, CONNECT, IN_USE, NOT_AVAILABLE, RefusalKey};
use netperf_core::clock::{self, MonoNs};
use netperf_core::collect::{AttachedHook, HookPreference};
use netperf_core::sample::Proto;
use netperf_core::sample::refusal::{
    FailedConnect, RefusalReading, Refusals, RefusedCall, RefusedFor,
};
use netperf_core::sample::socket::Unseen;
use netperf_core::text::chain;

use super::address::remote_end;
use super::names::Names;
use super::valid_rights;
use crate::bpf::{self, Refused, Tally, process_id};
use crate::procfs::Procfs;
use crate::rights;

/// Calls that fail for want of a port or an address.
pub struct RefusalFeed {
    /// Kilobytes, which every future around it would hold.
    counts: Box<bpf::Refusals>,
    names: Names,
}

impl RefusalFeed {
    /// Starts counting; also connections that fail for another reason, if `failures`.
    ///
    /// # Errors
    /// What can't be seen if it does not work, and why.
    pub fn open(hooks: HookPreference, failures: bool) -> Result<Self, Unseen> {
        let procfs = Procfs::new("/");
        rights::check(valid_rights(&procfs)).map_err(|missing| unseen(&missing.in_short()))?;
        let counts = bpf::Refusals::open(hooks, failures, &procfs)
            .map_err(|error| unseen(&chain(&error)))?;
        let cgroups = procfs.cgroups();
        Ok(Self {
            counts: Box::new(counts),
            names: Names::new(procfs, cgroups),
        })
    }

    /// Which hooks count.
    pub fn hooks(&self) -> &[AttachedHook] {
        &self.counts.provenance().hooks
    }

    /// What these hooks can't see on this kernel.
    pub fn unseen(&self) -> Vec<Unseen> {
        self.counts.provenance().unavailable.clone()
    }

    /// What was refused since the last call.
    ///
    /// # Errors
    /// What can't be seen if the kernel does not tell, and why.
    pub fn read(&mut self) -> Result<Refusals, Unseen> {
        self.take().map_err(|error| unseen(&format!("{error:#}")))
    }

    /// The same for the last time: nothing counts any more.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn finish(&mut self) -> Result<Refusals, Unseen> {
        let last = self.read();
        self.counts.detach();
        last
    }

    fn take(&mut self) -> anyhow::Result<Refusals> {
        let now = clock::now().0;
        let grown = self.counts.take()?;
        Ok(Refusals {
            readings: grown
                .iter()
                .filter_map(|one| reading(one, &mut self.names, now))
                .collect(),
            failed: self.counts.tells_failures().then(|| {
                let failed = grown.iter();
                failed
                    .filter_map(|one| failure(one, &mut self.names, now))
                    .collect()
            }),
            loss: self.counts.loss()?,
        })
    }
}

/// On one line, however many the reason has.
fn unseen(why: &str) -> Unseen {
    let lines: Vec<_> = why.lines().map(str::trim).collect();
    Unseen {
        what: "which calls of connect and bind the kernel refuses for want of a port or an address"
            .to_owned(),
        why: lines.join(" "),
    }
}

/// `None` for a call or an error that this program does not know.
fn reading(refused: &Refused, names: &mut Names, now: MonoNs) -> Option<RefusalReading> {
    let (key, owner) = (refused.key, refused.owner);
    let tally = Tally {
        owner,
        ..Tally::default()
    };
    Some(RefusalReading {
        process: names.describe(process_id(&owner), &tally, now),
        call: match key.call {
            CONNECT => RefusedCall::Connect,
            BIND => RefusedCall::Bind,
            _ => return None,
        },
        error: match key.error {
            IN_USE => RefusedFor::InUse,
            NOT_AVAILABLE => RefusedFor::NotAvailable,
            _ => return None,
        },
        proto: match key.protocol {
            IPPROTO_UDP | IPPROTO_UDPLITE => Proto::Udp,
            _ => Proto::Tcp,
        },
        address: address(&key),
        netns: key.netns,
        count: refused.count,
        total: refused.total,
    })
}

/// `None` of what is no connection.
fn failure(refused: &Refused, names: &mut Names, now: MonoNs) -> Option<FailedConnect> {
    let (key, owner) = (refused.key, refused.owner);
    let tally = Tally {
        owner,
        ..Tally::default()
    };
    (key.call == CONNECT && key.protocol == IPPROTO_TCP).then(|| FailedConnect {
        process: names.describe(process_id(&owner), &tally, now),
        errno: key.error,
        remote: address(&key),
        netns: key.netns,
        count: refused.count,
    })
}

fn address(key: &RefusalKey) -> SocketAddr {
    remote_end(&FlowKey {
        remote_addr: key.address,
        remote_port: key.port,
        family: key.family,
        ..FlowKey::default()
    })
}
