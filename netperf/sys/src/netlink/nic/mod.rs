//! How do the interfaces of a network namespace stand, as far as netlink and the drivers tell?
//!
//! Sockets stay in the namespace that they were opened in, so others are entered for the opening only.
//! Nothing here needs a right, but for entering.

mod bits;
mod ethtool;
mod ioctl;
mod link;
mod mode;
mod queue;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_sys::protocols::NETLINK_ROUTE;
use netperf_core::sample::nic::NicReading;

pub use self::ethtool::with_feature;

use self::ethtool::Ethtool;
use self::ioctl::Control;
use super::attributes;
use super::dump::{Conversation, DumpError};
use super::enter::inside;

/// Lists that are asked for anew because interfaces came or went meanwhile.
const ATTEMPTS: u32 = 4;

/// `sizeof(struct ifaddrmsg)` (`linux/if_addr.h`).
const ADDRESS_HEADER_BYTES: usize = 8;

/// The interfaces of one network namespace.
pub struct Nics {
    route: Conversation,
    /// `None` where the kernel has no ethtool over netlink (before 5.6).
    ethtool: Option<Ethtool>,
    control: Control,
}

impl Nics {
    /// Those of the namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel opens no sockets.
    pub fn here() -> io::Result<Self> {
        Ok(Self {
            route: Conversation::open(NETLINK_ROUTE)?,
            ethtool: Ethtool::open()?,
            control: Control::open()?,
        })
    }

    /// Those of another namespace. Needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// When the namespace can't be entered.
    pub fn inside(namespace: &File) -> io::Result<Self> {
        inside(namespace, Self::here)
    }

    /// Every interface, in the kernel's order, its namespace left open; counters of the driver's own
    /// only if they are wanted.
    ///
    /// # Errors
    /// When the kernel does not list the interfaces. What else is missing is left out.
    pub fn read(&mut self, driver_counters: bool) -> Result<Vec<NicReading>, DumpError> {
        let mut nics = self.links()?;
        let mut queues = self.lacking(queue::read)?;
        let mut addresses = self.lacking(addresses)?;
        let mut modes = self
            .ethtool
            .as_mut()
            .map(Ethtool::modes)
            .unwrap_or_default();
        let mut rings = self
            .ethtool
            .as_mut()
            .map(Ethtool::rings)
            .unwrap_or_default();
        let mut channels = self
            .ethtool
            .as_mut()
            .map(Ethtool::channels)
            .unwrap_or_default();
        for nic in &mut nics {
            let found = queues.remove(&nic.index).unwrap_or_default();
            nic.queue = found.root;
            nic.ingress_drops = found.ingress_drops;
            nic.addresses = addresses.remove(&nic.index).unwrap_or_default();
            nic.mode = modes.remove(&nic.index).unwrap_or_default();
            nic.rings = rings.remove(&nic.index);
            nic.channels = channels.remove(&nic.index);
            nic.driver = self.control.driver(&nic.name);
            if driver_counters {
                nic.driver_counters = self.control.statistics(&nic.name);
            }
        }
        Ok(nics)
    }

    fn links(&mut self) -> Result<Vec<NicReading>, DumpError> {
        let mut attempt = 1;
        loop {
            let mut nics = Vec::new();
            let interrupted = self.route.dump(
                libc::RTM_GETLINK,
                libc::RTM_NEWLINK,
                &[0; link::HEADER_BYTES],
                |payload| nics.extend(link::nic(payload)),
            )?;
            if !interrupted || attempt == ATTEMPTS {
                return Ok(nics);
            }
            attempt += 1;
        }
    }

    /// A list without which the others still tell something; nothing where the kernel refuses it.
    fn lacking<T: Default>(
        &mut self,
        list: impl FnOnce(&mut Conversation) -> Result<T, DumpError>,
    ) -> Result<T, DumpError> {
        match list(&mut self.route) {
            Err(DumpError::Refused(_)) => Ok(T::default()),
            listed => listed,
        }
    }
}

/// The addresses of each interface, by its number.
fn addresses(route: &mut Conversation) -> Result<HashMap<u32, Vec<IpAddr>>, DumpError> {
    let mut found: HashMap<u32, Vec<IpAddr>> = HashMap::new();
    let everything = [0; ADDRESS_HEADER_BYTES];
    route.dump(
        libc::RTM_GETADDR,
        libc::RTM_NEWADDR,
        &everything,
        |payload| {
            if let Some((index, ip)) = address(payload) {
                found.entry(index).or_default().push(ip);
            }
        },
    )?;
    Ok(found)
}

/// On a link with one other end, `IFA_ADDRESS` is that end's; `IFA_LOCAL` is always this one's, and
/// IPv6 has it there alone.
fn address(payload: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, attributes) = payload.split_at_checked(ADDRESS_HEADER_BYTES)?;
    let index = u32::from_ne_bytes(*header[4..].first_chunk()?);
    let mut ip = None;
    for attribute in attributes::each(attributes) {
        let is_local = attribute.kind() == libc::IFA_LOCAL;
        if is_local || (attribute.kind() == libc::IFA_ADDRESS && ip.is_none()) {
            ip = address_of(attribute.value());
        }
    }
    Some((index, ip?))
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)));
    let v6 = || {
        Some(IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(bytes).ok()?,
        )))
    };
    v4().or_else(v6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    #[test]
    fn this_machine_has_a_loopback_interface_with_its_address() {
        let nics = Nics::here().unwrap().read(true).unwrap();
        let loopback = nics.iter().find(|nic| nic.is_loopback).unwrap();
        assert_eq!(loopback.name, "lo");
        assert!(loopback.addresses.contains(&IpAddr::from([127, 0, 0, 1])));
        assert_eq!(
            loopback.counters.0.len(),
            netperf_core::sample::nic::LinkCounter::ALL.len()
        );
    }

    #[test]
    fn the_own_address_is_told_from_that_of_the_other_end() {
        let header = [0, 0, 0, 0, 7, 0, 0, 0];
        let (peer, own) = ([10, 0, 0, 2], [10, 0, 0, 1]);
        let both = [
            attribute(libc::IFA_ADDRESS, &peer),
            attribute(libc::IFA_LOCAL, &own),
        ];
        for order in [[0, 1], [1, 0]] {
            let payload = [&header[..], &both[order[0]], &both[order[1]]].concat();
            assert_eq!(address(&payload).unwrap().1, IpAddr::from(own));
        }
        let v6 = [&header[..], &attribute(libc::IFA_ADDRESS, &[1; 16])].concat();
        assert_eq!(address(&v6).unwrap().1, IpAddr::from([1; 16]));
        assert_eq!(address(&header), None);
    }
}
