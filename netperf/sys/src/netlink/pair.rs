//! How is a pair of interfaces made, one end here and one in another network namespace?

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use nix::net::if_::if_nametoindex;

use super::ask::{attribute, order, text, words};

/// `IN6_ADDR_GEN_MODE_NONE`: the interface gets no address of its own accord.
const NO_ADDRESS: u8 = 1;

/// `VETH_INFO_PEER`, and attributes of `linux/if_link.h` that libc does not name.
const PEER: u16 = 1;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const INET6_ADDR_GEN_MODE: u16 = 8;

/// Makes a pair (veth) whose ends have one name: one in the network namespace of the calling thread, one
/// in another. Both go with either. Neither is up. Packets of `mtu` bytes pass, and those of many such
/// segments.
///
/// # Errors
/// When the kernel refuses.
pub fn add_pair(name: &str, mtu: u32, far_netns: &File) -> io::Result<()> {
    let far_netns = far_netns.as_raw_fd().to_ne_bytes();
    let end = || end(name, mtu);
    let peer = [end(), attribute(libc::IFLA_NET_NS_FD, &far_netns)].concat();
    let kind = [
        text(INFO_KIND, "veth"),
        attribute(INFO_DATA, &attribute(PEER, &peer)),
    ];
    let payload = [end(), attribute(libc::IFLA_LINKINFO, &kind.concat())];
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    order(libc::RTM_NEWLINK, flags, payload.concat())
}

/// Removes a pair by the end of it in the network namespace of the calling thread.
///
/// # Errors
/// When the kernel refuses, or there is none.
pub fn remove_pair(index: u32) -> io::Result<()> {
    order(libc::RTM_DELLINK, 0, header(index, false))
}

/// The number of an interface of the calling thread's network namespace.
///
/// # Errors
/// When there is none of this name.
pub fn index_of(name: &str) -> io::Result<u32> {
    Ok(if_nametoindex(name)?)
}

/// Brings up an interface of the calling thread's network namespace, without any address of its own
/// accord. Gives its number.
///
/// # Errors
/// When the kernel refuses.
pub fn bring_up(name: &str) -> io::Result<u32> {
    let index = index_of(name)?;
    // One after the other: the kernel would bring it up before it looks at the rest.
    without_address(index)?;
    order(libc::RTM_NEWLINK, 0, header(index, true))?;
    Ok(index)
}

/// An end with one queue each way.
fn end(name: &str, mtu: u32) -> Vec<u8> {
    [
        header(0, false),
        text(libc::IFLA_IFNAME, name),
        attribute(libc::IFLA_MTU, &mtu.to_ne_bytes()),
        attribute(libc::IFLA_NUM_TX_QUEUES, &1_u32.to_ne_bytes()),
        attribute(libc::IFLA_NUM_RX_QUEUES, &1_u32.to_ne_bytes()),
    ]
    .concat()
}

fn without_address(index: u32) -> io::Result<()> {
    let mode = attribute(INET6_ADDR_GEN_MODE, &[NO_ADDRESS]);
    let family = u16::try_from(libc::AF_INET6).unwrap_or_default();
    let of_family = attribute(libc::IFLA_AF_SPEC, &attribute(family, &mode));
    match order(
        libc::RTM_NEWLINK,
        0,
        [header(index, false), of_family].concat(),
    ) {
        // A kernel without IPv6.
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(()),
        done => done,
    }
}

/// `struct ifinfomsg`.
fn header(index: u32, up: bool) -> Vec<u8> {
    let flags = if up { libc::IFF_UP.unsigned_abs() } else { 0 };
    words(&[0, index, flags, flags])
}
