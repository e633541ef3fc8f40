//! What does a driver say over ethtool's netlink family? Link modes, rings and channels.
//!
//! Its dumps go through the same loop as all others. The crate `ethtool` has a loop of its own, which
//! would bind each network namespace to a task of the event loop; what is asked here is three lists.

use std::collections::{HashMap, HashSet};
use std::io;

use netlink_sys::protocols::NETLINK_GENERIC;
use netperf_core::sample::nic::{Channels, LinkMode, Rings};

use super::bits::{Bit, bits};
use super::mode::mode;
use crate::netlink::ask::{attribute, text};
use crate::netlink::attributes::{self, u32_at};
use crate::netlink::dump::Conversation;

/// `struct genlmsghdr`: command, version, two bytes of nothing.
const HEADER_BYTES: usize = 4;
/// `GENL_ID_CTRL`: the family that knows the others.
const CONTROL: u16 = 16;
const CONTROL_GET_FAMILY: u8 = 3;
const CONTROL_FAMILY_ID: u16 = 1;
const CONTROL_FAMILY_NAME: u16 = 2;

/// `ETHTOOL_MSG_*_GET` (`linux/ethtool_netlink.h`).
const GET_MODES: u8 = 4;
const GET_FEATURES: u8 = 11;
const GET_RINGS: u8 = 15;
const GET_CHANNELS: u8 = 17;
/// `ETHTOOL_A_FEATURES_ACTIVE`: a set without a mask.
const ACTIVE: u16 = 4;
/// The header has the same number in each message.
const HEADER: u16 = 1;
const HEADER_INDEX: u16 = 1;
const NESTED: u16 = 1 << 15;

/// Ethtool in the network namespace that it was opened in. Since Linux 5.6.
pub(super) struct Ethtool {
    conversation: Conversation,
    family: u16,
}

impl Ethtool {
    /// `None` where the kernel does not have it.
    pub(super) fn open() -> io::Result<Option<Self>> {
        let mut conversation = Conversation::open(NETLINK_GENERIC)?;
        let family = family(&mut conversation);
        Ok(family.map(|family| Self {
            conversation,
            family,
        }))
    }

    /// Of each interface that has some, by its number.
    pub(super) fn modes(&mut self) -> HashMap<u32, LinkMode> {
        self.list(GET_MODES, mode)
    }

    pub(super) fn rings(&mut self) -> HashMap<u32, Rings> {
        self.list(GET_RINGS, rings)
    }

    pub(super) fn channels(&mut self) -> HashMap<u32, Channels> {
        self.list(GET_CHANNELS, channels)
    }

    /// Numbers of the interfaces that have this feature switched on. Since Linux 5.8.
    fn with_feature(&mut self, name: &str) -> HashSet<u32> {
        let has_it = |bits: &[Bit]| bits.iter().any(|bit| bit.name == name);
        let all = self.list(GET_FEATURES, active_features).into_iter();
        all.filter_map(|(index, bits)| has_it(&bits).then_some(index))
            .collect()
    }

    /// What each interface says, by its number; nothing where this kernel has no such list.
    fn list<T>(&mut self, command: u8, read: fn(&[u8]) -> T) -> HashMap<u32, T> {
        let mut found = HashMap::new();
        let request = [vec![command, 1, 0, 0], attribute(HEADER | NESTED, &[])].concat();
        let family = self.family;
        let listed = self.conversation.dump(family, family, &request, |payload| {
            let attributes = payload.get(HEADER_BYTES..).unwrap_or_default();
            if let Some(index) = index(attributes) {
                found.insert(index, read(attributes));
            }
        });
        if let Err(error) = listed {
            log::debug!("ethtool has no list {command}: {error}");
        }
        found
    }
}

/// Numbers of the interfaces of the calling thread's network namespace that have a feature switched on, by the
/// kernel's name for it (`net/ethtool/common.c`). Since Linux 5.8; before, none has.
///
/// # Errors
/// When netlink fails.
pub fn with_feature(name: &str) -> io::Result<HashSet<u32>> {
    let ethtool = Ethtool::open()?;
    Ok(ethtool.map_or_else(HashSet::new, |mut ethtool| ethtool.with_feature(name)))
}

fn active_features(attributes: &[u8]) -> Vec<Bit> {
    attributes::value(attributes, ACTIVE).map_or_else(Vec::new, bits)
}

fn family(conversation: &mut Conversation) -> Option<u16> {
    let request = [
        vec![CONTROL_GET_FAMILY, 1, 0, 0],
        text(CONTROL_FAMILY_NAME, "ethtool"),
    ]
    .concat();
    let mut family = None;
    let asked = conversation.question(CONTROL, CONTROL, &request, |payload| {
        let attributes = payload.get(HEADER_BYTES..).unwrap_or_default();
        let found = attributes::value(attributes, CONTROL_FAMILY_ID);
        family = found.and_then(|id| Some(u16::from_ne_bytes(*id.first_chunk()?)));
    });
    asked.ok().and(family)
}

/// Which interface a message is about.
fn index(attributes: &[u8]) -> Option<u32> {
    let header = attributes::value(attributes, HEADER)?;
    numbers(header).get(&HEADER_INDEX).copied()
}

fn rings(attributes: &[u8]) -> Rings {
    let numbers = numbers(attributes);
    let number = |kind| numbers.get(&kind).copied();
    Rings {
        rx_max: number(2),
        tx_max: number(5),
        rx: number(6),
        tx: number(9),
    }
}

fn channels(attributes: &[u8]) -> Channels {
    let numbers = numbers(attributes);
    let number = |kind| numbers.get(&kind).copied();
    Channels {
        combined_max: number(5),
        rx: number(6),
        tx: number(7),
        combined: number(9),
    }
}

/// Every attribute of four bytes.
fn numbers(attributes: &[u8]) -> HashMap<u16, u32> {
    let all = attributes::each(attributes);
    let numbers = all.filter(|attribute| attribute.value().len() == 4);
    numbers
        .filter_map(|attribute| Some((attribute.kind(), u32_at(attribute.value(), 0)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(kind: u16, number: u32) -> Vec<u8> {
        attribute(kind, &number.to_ne_bytes())
    }

    #[test]
    fn rings_and_channels_are_read_by_their_numbers() {
        let header = attribute(HEADER | NESTED, &number(HEADER_INDEX, 3));
        let bytes = [header, number(2, 4_096), number(6, 256), number(9, 512)].concat();
        assert_eq!(index(&bytes), Some(3));
        let expected = Rings {
            rx: Some(256),
            rx_max: Some(4_096),
            tx: Some(512),
            tx_max: None,
        };
        assert_eq!(rings(&bytes), expected);
        let channels = channels(&[number(5, 8), number(9, 4)].concat());
        assert_eq!(
            (channels.combined, channels.combined_max),
            (Some(4), Some(8))
        );
        assert_eq!(index(&number(2, 1)), None);
    }

    #[test]
    fn this_kernel_lists_what_it_has() {
        let mut ethtool = Ethtool::open().unwrap().unwrap();
        // Loopback has no link mode, so there may be none at all, but each is of an interface.
        assert!(ethtool.modes().keys().all(|&index| index > 0));
        assert!(ethtool.list(250, mode).is_empty(), "no such list");
        let loopback = 1;
        assert!(ethtool.with_feature("loopback").contains(&loopback));
        assert!(ethtool.with_feature("tls-hw-record").is_empty());
        assert!(ethtool.channels().keys().all(|&index| index > 0));
    }
}
