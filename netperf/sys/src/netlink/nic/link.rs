//! What does a link message say of an interface? (`linux/rtnetlink.h`, `linux/if_link.h`)

use netperf_core::sample::nic::{LinkCounter, LinkCounters, NicReading, OperState};

use crate::netlink::attributes::{self, text, u32_at};

/// `sizeof(struct ifinfomsg)`.
pub(super) const HEADER_BYTES: usize = 16;

/// The attributes that the C library's names lack.
const CARRIER: u16 = 33;
const CARRIER_CHANGES: u16 = 35;
const OPERSTATE: u16 = 16;
const LINKINFO: u16 = 18;
/// Within `LINKINFO`.
const INFO_KIND: u16 = 1;

/// An interface without what other lists tell; `None` if its counters are missing.
pub(super) fn nic(payload: &[u8]) -> Option<NicReading> {
    let (header, attributes) = payload.split_at_checked(HEADER_BYTES)?;
    let flags = i32::from_ne_bytes(*header[8..].first_chunk()?);
    let mut nic = NicReading {
        index: u32_at(header, 4)?,
        is_loopback: flags & libc::IFF_LOOPBACK != 0,
        is_up: flags & libc::IFF_UP != 0,
        ..NicReading::default()
    };
    for attribute in attributes::each(attributes) {
        let value = attribute.value();
        match attribute.kind() {
            libc::IFLA_IFNAME => nic.name = text(value),
            libc::IFLA_MTU => nic.mtu = u32_at(value, 0)?,
            libc::IFLA_STATS64 => nic.counters = counters(value),
            OPERSTATE => nic.state = state(*value.first()?),
            CARRIER => nic.carrier = value.first().map(|&byte| byte != 0),
            CARRIER_CHANGES => nic.carrier_changes = u32_at(value, 0),
            LINKINFO => nic.kind = kind(value),
            _ => {}
        }
    }
    let is_whole = !nic.name.is_empty() && !nic.counters.0.is_empty();
    is_whole.then_some(nic)
}

fn counters(stats: &[u8]) -> LinkCounters {
    let (words, _) = stats.as_chunks::<8>();
    let known = words.iter().take(LinkCounter::ALL.len());
    LinkCounters(known.copied().map(u64::from_ne_bytes).collect())
}

fn kind(info: &[u8]) -> Option<String> {
    attributes::value(info, INFO_KIND).map(text)
}

/// `IF_OPER_*` (`linux/if.h`).
fn state(number: u8) -> OperState {
    match number {
        1 => OperState::NotPresent,
        2 => OperState::Down,
        3 => OperState::LowerLayerDown,
        4 => OperState::Testing,
        5 => OperState::Dormant,
        6 => OperState::Up,
        _ => OperState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    fn message() -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[8..12].copy_from_slice(&libc::IFF_UP.to_ne_bytes());
        let stats: Vec<u8> = (0..30_u64).flat_map(u64::to_ne_bytes).collect();
        bytes.extend(attribute(libc::IFLA_IFNAME, b"a\x1b:\0"));
        bytes.extend(attribute(libc::IFLA_MTU, &1_400_u32.to_ne_bytes()));
        bytes.extend(attribute(OPERSTATE, &[6]));
        bytes.extend(attribute(CARRIER, &[1]));
        bytes.extend(attribute(CARRIER_CHANGES, &5_u32.to_ne_bytes()));
        bytes.extend(attribute(LINKINFO, &attribute(INFO_KIND, b"veth\0")));
        bytes.extend(attribute(libc::IFLA_STATS64, &stats));
        bytes
    }

    #[test]
    fn a_link_is_read_with_its_kind_and_counters() {
        let nic = nic(&message()).unwrap();
        assert_eq!(
            (nic.index, nic.name.as_str(), nic.mtu),
            (7, "a\u{1b}:", 1_400)
        );
        assert_eq!((nic.is_up, nic.state), (true, OperState::Up));
        assert_eq!((nic.carrier, nic.carrier_changes), (Some(true), Some(5)));
        assert_eq!(nic.kind.as_deref(), Some("veth"));
        assert_eq!(nic.counters.of(LinkCounter::RxNohandler), Some(23));
        assert_eq!(nic.counters.0.len(), LinkCounter::ALL.len());
    }

    #[test]
    fn a_link_that_was_cut_before_its_counters_is_left_out() {
        let whole = message();
        for length in 0..whole.len() - 30 * 8 {
            assert_eq!(nic(&whole[..length]), None, "{length} bytes");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, at: usize, byte: u8) {
            let _ = nic(&bytes);
            let mut changed = message();
            let at = at % changed.len();
            changed[at] = byte;
            let _ = nic(&changed);
        }
    }
}
