//! At which speed does a link run, and at which could it? From what ethtool says of link modes.
//!
//! Modes come with their names, such as `1000baseT/Full`: the number before `base` is the speed in
//! Mbit/s, so no table of modes has to be kept here.

use netperf_core::sample::nic::{Duplex, LinkMode};

use super::bits::{Bit, bits};
use crate::netlink::attributes::{self, u32_at};

/// `ETHTOOL_A_LINKMODES_*` (`linux/ethtool_netlink.h`).
const AUTONEG: u16 = 2;
const OURS: u16 = 3;
const PEER: u16 = 4;
const SPEED: u16 = 5;
const DUPLEX: u16 = 6;

/// Reads the attributes of one interface.
pub(super) fn mode(attributes: &[u8]) -> LinkMode {
    let mut mode = LinkMode::default();
    for attribute in attributes::each(attributes) {
        let value = attribute.value();
        match attribute.kind() {
            // Beside off and on there is `unknown`.
            AUTONEG => mode.autoneg = value.first().filter(|&&it| it < 2).map(|&it| it == 1),
            OURS => {
                let all = bits(value);
                mode.supported_mbit = fastest(all.iter());
                mode.advertised_mbit = fastest(all.iter().filter(|bit| bit.is_set));
            }
            PEER => mode.peer_mbit = fastest(bits(value).iter()),
            SPEED => mode.speed_mbit = u32_at(value, 0).filter(|&it| it != 0 && it != u32::MAX),
            DUPLEX => mode.duplex = value.first().copied().and_then(duplex),
            _ => {}
        }
    }
    mode
}

/// `DUPLEX_*` (`linux/ethtool.h`).
fn duplex(number: u8) -> Option<Duplex> {
    match number {
        0 => Some(Duplex::Half),
        1 => Some(Duplex::Full),
        _ => None,
    }
}

fn fastest<'b>(bits: impl Iterator<Item = &'b Bit>) -> Option<u32> {
    bits.filter_map(|bit| speed(&bit.name)).max()
}

/// `None` for what is no speed, such as `Autoneg` or `Pause`.
fn speed(name: &str) -> Option<u32> {
    name.split_once("base")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::bits::{BIT_NAME, BIT_VALUE, BITS};
    use super::*;
    use crate::netlink::ask::attribute;

    fn set(modes: &[(&str, bool)]) -> Vec<u8> {
        let bit = |&(name, is_set): &(&str, bool)| {
            let mut parts = attribute(BIT_NAME, &[name.as_bytes(), &[0]].concat());
            if is_set {
                parts.extend(attribute(BIT_VALUE, &[]));
            }
            attribute(1, &parts)
        };
        attribute(BITS, &modes.iter().flat_map(bit).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_possible_is_told_from_what_is_offered() {
        let ours = set(&[
            ("100baseT/Half", true),
            ("1000baseT/Full", true),
            ("10000baseT/Full", false),
            ("Autoneg", true),
        ]);
        let bytes = [
            attribute(AUTONEG, &[1]),
            attribute(OURS, &ours),
            attribute(PEER, &set(&[("100baseT/Full", true), ("Pause", true)])),
            attribute(SPEED, &100_u32.to_ne_bytes()),
            attribute(DUPLEX, &[0]),
        ]
        .concat();
        let expected = LinkMode {
            speed_mbit: Some(100),
            duplex: Some(Duplex::Half),
            autoneg: Some(true),
            supported_mbit: Some(10_000),
            advertised_mbit: Some(1_000),
            peer_mbit: Some(100),
        };
        assert_eq!(mode(&bytes), expected);
    }

    #[test]
    fn what_the_driver_does_not_know_is_not_known() {
        let bytes = [
            attribute(AUTONEG, &[2]),
            attribute(SPEED, &u32::MAX.to_ne_bytes()),
            attribute(DUPLEX, &[0xFF]),
        ]
        .concat();
        assert_eq!(mode(&bytes), LinkMode::default());
        assert_eq!(mode(&[]), LinkMode::default());
    }

    #[test]
    fn the_speed_is_in_the_name_of_a_mode() {
        for (name, mbit) in [
            ("10baseT/Half", Some(10)),
            ("2500baseX/Full", Some(2_500)),
            ("10000baseR_FEC", Some(10_000)),
            ("400000baseLR8_ER8_FR8/Full", Some(400_000)),
            ("TP", None),
            ("Asym_Pause", None),
        ] {
            assert_eq!(speed(name), mbit, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
            let _ = mode(&bytes);
            let _ = mode(&attribute(OURS, &attribute(BITS, &bytes)));
        }
    }
}
