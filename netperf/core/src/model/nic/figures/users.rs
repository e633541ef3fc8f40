//! Which processes use an interface?

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Model;
use crate::model::traffic::Traffic;
use crate::sample::nic::NicReading;

/// What somebody counts of the processes.
#[derive(Clone, Copy, Debug)]
pub enum Counted<'m> {
    /// Nothing: no interface is full.
    Not,
    /// All that they move.
    In(&'m Model),
    /// Nothing, for this reason.
    Impossible(&'m str),
}

impl<'m> Counted<'m> {
    /// What was counted, if it was.
    pub fn model(self) -> Option<&'m Model> {
        match self {
            Self::In(model) => Some(model),
            Self::Not | Self::Impossible(_) => None,
        }
    }
}

/// How many are named.
const NAMED_MAX: usize = 3;

/// A process, and what it moves in bytes of payload a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User<'m> {
    /// Process id; 0 is the kernel.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'m str,
    /// Sent.
    pub tx_bytes_per_s: u64,
    /// Received.
    pub rx_bytes_per_s: u64,
}

/// Those that use an interface most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Users<'m> {
    /// The first ones, the greatest first.
    pub processes: Vec<User<'m>>,
    /// Whether their connections begin at an address of the interface. Else they are those of the
    /// whole machine: what they move may go another way.
    pub by_address: bool,
}

/// Who moves most over this interface in the latest tick, by one direction.
pub(super) fn of<'m>(model: &'m Model, nic: &NicReading, by: fn(&User<'_>) -> u64) -> Users<'m> {
    let here = users(model, |netns, local| {
        netns == nic.netns && nic.addresses.contains(&local)
    });
    let here = greatest(here, by);
    if !here.is_empty() {
        return Users {
            processes: here,
            by_address: true,
        };
    }
    let anywhere = users(model, |_, local| !local.is_loopback());
    Users {
        processes: greatest(anywhere, by),
        by_address: false,
    }
}

fn users(model: &Model, takes: impl Fn(u32, std::net::IpAddr) -> bool) -> Vec<User<'_>> {
    let mut found: BTreeMap<(u32, &str), Traffic> = BTreeMap::new();
    for flow in model.flows().iter() {
        let reading = &flow.reading;
        let Some(moved) = flow.moved.filter(|moved| !moved.is_zero()) else {
            continue;
        };
        if takes(reading.netns, reading.local.ip()) && !reading.remote.ip().is_loopback() {
            let process = (reading.process.id.tgid, reading.process.name.as_str());
            *found.entry(process).or_default() += moved;
        }
    }
    let length = model.span().length().unwrap_or_default();
    let all = found.into_iter().map(|((pid, name), moved)| {
        let speed = moved.per_second(length).unwrap_or_default();
        User {
            pid,
            name,
            tx_bytes_per_s: speed.tx_bytes_per_s,
            rx_bytes_per_s: speed.rx_bytes_per_s,
        }
    });
    all.collect()
}

fn greatest(mut users: Vec<User<'_>>, by: fn(&User<'_>) -> u64) -> Vec<User<'_>> {
    users.retain(|user| by(user) > 0);
    users.sort_by_key(|user| std::cmp::Reverse(by(user)));
    users.truncate(NAMED_MAX);
    users
}
