//! Which interfaces does a network namespace have, and of which kind are they?

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;

use super::attributes::{self, u32_at};
use super::dump::Conversation;

/// `sizeof(struct ifinfomsg)`.
const HEADER_BYTES: usize = 16;

/// What the packets of an interface begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkHeader {
    /// An Ethernet header; loopback has one, too.
    Ethernet,
    /// None: they begin with their IP header, as those of tunnels do.
    None,
    /// Another one.
    Other,
}

impl LinkHeader {
    /// By the kind of interface, as `dev_is_mac_header_xmit` of the kernel tells them.
    fn of(kind: u16) -> Self {
        match kind {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Self::Ethernet,
            libc::ARPHRD_TUNNEL
            | libc::ARPHRD_TUNNEL6
            | libc::ARPHRD_SIT
            | libc::ARPHRD_IPGRE
            | IP6GRE
            | libc::ARPHRD_VOID
            | libc::ARPHRD_NONE
            | libc::ARPHRD_PPP
            | RAWIP => Self::None,
            _ => Self::Other,
        }
    }
}

/// `IFLA_INFO_KIND` and `IFLA_INFO_SLAVE_KIND` (`linux/if_link.h`).
const INFO_KIND: u16 = 1;
const INFO_PORT_KIND: u16 = 4;

/// What passes a port of these passes the interface itself, too.
const WITH_PORTS: [&str; 3] = ["bridge", "bond", "team"];

/// `ARPHRD_RAWIP` and `ARPHRD_IP6GRE` of `linux/if_arp.h`.
const RAWIP: u16 = 519;
const IP6GRE: u16 = 823;

/// A network interface and its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Interface index.
    pub index: u32,
    /// Name of the interface.
    pub name: String,
    /// What its packets begin with.
    pub header: LinkHeader,
    /// Whether it is loopback.
    pub is_loopback: bool,
    /// Whether it is up.
    pub is_up: bool,
    /// Largest packet without its header, in bytes.
    pub mtu: u32,
    /// Whether it is an end of a pair (veth).
    pub is_of_pair: bool,
    /// Number of the bridge, bond or team whose port it is: what processes send and receive over it passes that,
    /// too, which is before it on the way out, and after it on the way in.
    pub port_of: Option<u32>,
}

/// Every interface of the calling thread's network namespace. Needs no privilege.
///
/// # Errors
/// When netlink fails.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    let mut found = Vec::new();
    conversation.dump(
        libc::RTM_GETLINK,
        libc::RTM_NEWLINK,
        &[0; HEADER_BYTES],
        |payload| found.extend(interface(payload)),
    )?;
    Ok(found)
}

fn interface(payload: &[u8]) -> Option<Interface> {
    let (header, attributes) = payload.split_at_checked(HEADER_BYTES)?;
    let kind = u16::from_ne_bytes(*header[2..].first_chunk()?);
    let index = u32_at(header, 4)?;
    let flags = i32::from_ne_bytes(*header[8..].first_chunk()?);
    let (mut name, mut mtu) = (None, 0);
    let mut of = None;
    for attribute in attributes::each(attributes) {
        match attribute.kind() {
            libc::IFLA_IFNAME => name = Some(attributes::text(attribute.value())),
            libc::IFLA_MTU => mtu = u32_at(attribute.value(), 0).unwrap_or(0),
            libc::IFLA_MASTER => of = u32_at(attribute.value(), 0),
            _ => {}
        }
    }
    let info = attributes::value(attributes, libc::IFLA_LINKINFO).unwrap_or_default();
    let kind_in_words = |which| attributes::value(info, which).map(attributes::text);
    let has_ports = kind_in_words(INFO_PORT_KIND).is_some_and(|kind| WITH_PORTS.contains(&&*kind));
    Some(Interface {
        index,
        name: name?,
        header: LinkHeader::of(kind),
        is_loopback: flags & libc::IFF_LOOPBACK != 0,
        is_up: flags & libc::IFF_UP != 0,
        mtu,
        is_of_pair: kind_in_words(INFO_KIND).is_some_and(|kind| kind == "veth"),
        port_of: of.filter(|_| has_ports),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    #[test]
    fn loopback_is_found_and_known_as_such() {
        let all = interfaces().unwrap();
        let loopback = all.iter().find(|interface| interface.is_loopback).unwrap();
        assert_eq!(
            (loopback.name.as_str(), loopback.header),
            ("lo", LinkHeader::Ethernet)
        );
        assert!(loopback.mtu >= 1_280, "{loopback:?}");
    }

    #[test]
    fn a_port_of_a_bridge_is_told_from_one_of_a_routing_table() {
        let port = |kind: &str| {
            let info = attribute(INFO_PORT_KIND, &[kind.as_bytes(), &[0]].concat());
            let message = [
                vec![0; HEADER_BYTES],
                attribute(libc::IFLA_IFNAME, b"eth0\0"),
                attribute(libc::IFLA_MASTER, &9_u32.to_ne_bytes()),
                attribute(libc::IFLA_LINKINFO, &info),
            ];
            interface(&message.concat()).unwrap().port_of
        };
        assert_eq!((port("bridge"), port("bond")), (Some(9), Some(9)));
        assert_eq!(port("vrf"), None);
    }

    #[test]
    fn a_cut_message_is_no_interface() {
        assert_eq!(interface(&[0; 15]), None);
        assert_eq!(interface(&[0; 16]), None);
    }
}
