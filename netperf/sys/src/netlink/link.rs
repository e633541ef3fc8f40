//! How many bytes went through each network interface? By `RTM_GETLINK` dumps.
//!
//! Attributes are taken out of the raw messages: a decoder of whole link messages fails on one
//! attribute that it does not know or a name that is no UTF-8, and would lose the interface.

use netlink_sys::protocols::NETLINK_ROUTE;
use netperf_core::sample::LinkReading;

use super::attributes;
use super::dump::{Conversation, DumpError};

/// Dumps that are begun anew because interfaces came or went in between. After the last one the
/// list is taken as it is: it may lack an interface of this very moment.
const ATTEMPTS: u32 = 4;

/// `sizeof(struct ifinfomsg)`.
const LINK_HEADER_BYTES: usize = 16;

/// The interfaces could not be read.
#[derive(Debug, thiserror::Error)]
#[error("can't list the network interfaces")]
pub struct LinkError(#[from] DumpError);

/// Reader of the interfaces of the network namespace that the calling thread is in at the first
/// read. Needs no privilege.
#[derive(Default)]
pub struct Links {
    conversation: Option<Conversation>,
}

impl Links {
    /// Reads every interface, with speeds from `speed_mbit`, in the kernel's order. An interface
    /// whose counters the kernel does not tell is left out.
    ///
    /// # Errors
    /// When netlink fails; the next call begins with a new socket.
    pub fn read(
        &mut self,
        speed_mbit: impl Fn(&str) -> Option<u32>,
    ) -> Result<Vec<LinkReading>, LinkError> {
        let mut links = self
            .dump_consistently()
            .inspect_err(|_| self.conversation = None)?;
        for link in &mut links {
            link.speed_mbit = speed_mbit(&link.name);
        }
        Ok(links)
    }

    fn dump_consistently(&mut self) -> Result<Vec<LinkReading>, DumpError> {
        let mut attempt = 1;
        loop {
            let (links, interrupted) = self.dump()?;
            if !interrupted || attempt == ATTEMPTS {
                return Ok(links);
            }
            attempt += 1;
        }
    }

    fn dump(&mut self) -> Result<(Vec<LinkReading>, bool), DumpError> {
        let conversation = match &mut self.conversation {
            Some(conversation) => conversation,
            none => none.insert(Conversation::open(NETLINK_ROUTE)?),
        };
        let mut links = Vec::new();
        let interrupted = conversation.dump(
            libc::RTM_GETLINK,
            libc::RTM_NEWLINK,
            &[0; LINK_HEADER_BYTES],
            |payload| links.extend(link(payload)),
        )?;
        Ok((links, interrupted))
    }
}

/// Decodes `struct ifinfomsg` (`linux/rtnetlink.h`) and the attributes behind it.
fn link(payload: &[u8]) -> Option<LinkReading> {
    let (header, attributes) = payload.split_at_checked(LINK_HEADER_BYTES)?;
    let (mut name, mut counters) = (None, None);
    for attribute in attributes::each(attributes) {
        match attribute.kind() {
            libc::IFLA_IFNAME => name = Some(attributes::text(attribute.value())),
            libc::IFLA_STATS64 => counters = byte_counters(attribute.value()),
            _ => {}
        }
    }
    let (rx_bytes, tx_bytes) = counters?;
    let flags = first_i32(&header[8..])?;
    Some(LinkReading {
        name: name?,
        index: first_i32(&header[4..])?.try_into().ok()?,
        tx_bytes,
        rx_bytes,
        speed_mbit: None,
        up: flags & libc::IFF_UP != 0,
        addresses: Vec::new(),
    })
}

/// `rx_bytes` and `tx_bytes` of `struct rtnl_link_stats64` (`linux/if_link.h`), not aligned.
fn byte_counters(stats: &[u8]) -> Option<(u64, u64)> {
    let (counters, _) = stats.as_chunks::<8>();
    Some((
        u64::from_ne_bytes(*counters.get(2)?),
        u64::from_ne_bytes(*counters.get(3)?),
    ))
}

fn first_i32(bytes: &[u8]) -> Option<i32> {
    bytes.first_chunk().copied().map(i32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::netlink::ask::attribute;

    fn link_payload(name: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; LINK_HEADER_BYTES];
        payload[4..8].copy_from_slice(&7i32.to_ne_bytes());
        payload[8..12].copy_from_slice(&libc::IFF_UP.to_ne_bytes());
        payload.extend(attribute(999, b"from a later kernel"));
        payload.extend(attribute(libc::IFLA_IFNAME, name));
        let stats: Vec<u8> = (10u64..34).flat_map(u64::to_ne_bytes).collect();
        payload.extend(attribute(libc::IFLA_STATS64, &stats));
        payload
    }

    #[test]
    fn names_of_odd_bytes_and_unknown_attributes_do_not_hide_a_link() {
        let link = link(&link_payload(b"a\x1b\xff:\0")).unwrap();
        assert_eq!((link.name.as_str(), link.index), ("a\u{1b}\u{fffd}:", 7));
        assert_eq!((link.rx_bytes, link.tx_bytes, link.up), (12, 13, true));
    }

    #[test]
    fn a_link_that_was_cut_anywhere_is_left_out() {
        let whole = link_payload(b"eth0\0");
        let stats = whole.len() - 24 * 8;
        for length in 0..stats + 4 * 8 {
            assert_eq!(link(&whole[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn loopback_counts_what_is_sent_over_it() {
        let mut links = Links::default();
        let mut loopback = || {
            let all = links.read(|name| (name == "lo").then_some(10)).unwrap();
            all.into_iter().find(|link| link.name == "lo").unwrap()
        };
        let before = loopback();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            socket
                .send_to(&[0; 1000], socket.local_addr().unwrap())
                .unwrap();
        }
        let after = loopback();
        assert_eq!(
            (before.index, before.up, before.speed_mbit),
            (1, true, Some(10))
        );
        assert!(after.tx_bytes >= before.tx_bytes + 10_000);
        assert!(after.rx_bytes >= before.rx_bytes + 10_000);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, at: usize, byte: u8) {
            let _ = link(&bytes);
            let mut payload = link_payload(b"eth0\0");
            let at = at % payload.len();
            payload[at] = byte;
            let _ = link(&payload);
        }
    }
}
