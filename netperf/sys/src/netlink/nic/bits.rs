//! Which bits does ethtool list in a set, and what are they called?

use crate::netlink::attributes::{self, text};

/// `ETHTOOL_A_BITSET_BITS`, a list of `ETHTOOL_A_BITSET_BIT_*` (`linux/ethtool_netlink.h`).
pub(super) const BITS: u16 = 3;
pub(super) const BIT_NAME: u16 = 2;
pub(super) const BIT_VALUE: u16 = 3;

/// A bit of a set.
pub(super) struct Bit {
    /// As the kernel calls it.
    pub(super) name: String,
    /// Of a set with a mask.
    pub(super) is_set: bool,
}

/// Each bit of a set that is told; of a set with a mask, those in the mask, of others those that are set.
pub(super) fn bits(set: &[u8]) -> Vec<Bit> {
    let Some(list) = attributes::value(set, BITS) else {
        return Vec::new();
    };
    let list = attributes::each(list);
    list.map(|one| bit(one.value())).collect()
}

fn bit(attributes: &[u8]) -> Bit {
    let mut bit = Bit {
        name: String::new(),
        is_set: false,
    };
    for attribute in attributes::each(attributes) {
        match attribute.kind() {
            BIT_NAME => bit.name = text(attribute.value()),
            BIT_VALUE => bit.is_set = true,
            _ => {}
        }
    }
    bit
}
