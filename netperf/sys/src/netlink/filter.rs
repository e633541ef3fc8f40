//! How do programs get at the packets of an interface where the kernel has no tcx? As filters (`cls_bpf`)
//! of the queue `clsact`, which stay until somebody removes them.
//! Source: `linux/pkt_sched.h`, `linux/pkt_cls.h`, `net/sched/cls_bpf.c`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::ask::{attribute, order, text, words};
use super::attributes::{self, u32_at, value};
use super::dump::Conversation;

/// `TC_H_CLSACT`, its handle, and its sides.
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
const INGRESS: u32 = 0xffff_fff2;
const EGRESS: u32 = 0xffff_fff3;

/// `ETH_P_ALL`, as a packet has it.
const ANY_PROTOCOL: u32 = 0x0003_u16.to_be() as u32;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;

/// `TCA_BPF_FD`, `TCA_BPF_NAME` and `TCA_BPF_FLAGS`.
const FD: u16 = 6;
const NAME: u16 = 7;
const FLAGS: u16 = 8;

/// `TCA_BPF_FLAG_ACT_DIRECT`: what the program returns is what happens.
const DIRECT: u32 = 1;

/// `sizeof(struct tcmsg)`.
const HEADER_BYTES: usize = 20;

/// Priorities that are tried, one after the other: another kind of filter may have the first.
const PRIORITIES: std::ops::RangeInclusive<u32> = 1..=8;

/// On which side of an interface a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It sees what arrives.
    Arrives,
    /// It sees what leaves.
    Leaves,
}

impl Side {
    fn parent(self) -> u32 {
        match self {
            Self::Arrives => INGRESS,
            Self::Leaves => EGRESS,
        }
    }
}

/// A filter that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its number, and `priority << 16 | protocol`.
    handle: u32,
    info: u32,
    /// What its program is called; empty for one of another kind.
    pub name: String,
}

/// Makes an interface of the calling thread's network namespace ready for filters. False if it was.
///
/// # Errors
/// When the kernel refuses.
pub fn add_clsact(interface: u32) -> io::Result<bool> {
    match clsact(libc::RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, interface) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// The reverse: all filters go with it.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_clsact(interface: u32) -> io::Result<()> {
    clsact(libc::RTM_DELQDISC, 0, interface)
}

/// Lets a program see the packets of an interface.
///
/// # Errors
/// When the kernel refuses.
pub fn add_filter(
    interface: u32,
    side: Side,
    name: &str,
    program: BorrowedFd<'_>,
) -> io::Result<()> {
    let options = [
        attribute(FD, &program.as_raw_fd().to_ne_bytes()),
        text(NAME, name),
        attribute(FLAGS, &DIRECT.to_ne_bytes()),
    ];
    let mut outcome = Ok(());
    for priority in PRIORITIES {
        let payload = [
            header(interface, side, 0, priority << 16 | ANY_PROTOCOL),
            text(KIND, "bpf"),
            attribute(OPTIONS, &options.concat()),
        ];
        outcome = order(
            libc::RTM_NEWTFILTER,
            NLM_F_CREATE | NLM_F_EXCL,
            payload.concat(),
        );
        // The priority is one of another kind of filter.
        let is_taken = matches!(&outcome, Err(error) if error.raw_os_error() == Some(libc::EINVAL));
        if !is_taken {
            break;
        }
    }
    outcome
}

/// Removes a filter.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_filter(interface: u32, side: Side, filter: &Filter) -> io::Result<()> {
    let payload = [
        header(interface, side, filter.handle, filter.info),
        text(KIND, "bpf"),
    ];
    order(libc::RTM_DELTFILTER, 0, payload.concat())
}

/// Every filter on one side of an interface; none where it is not ready for any.
///
/// # Errors
/// When the kernel refuses.
pub fn filters_at(interface: u32, side: Side) -> io::Result<Vec<Filter>> {
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    let mut found = Vec::new();
    conversation.dump(
        libc::RTM_GETTFILTER,
        libc::RTM_NEWTFILTER,
        &header(interface, side, 0, 0),
        |payload| found.extend(filter(payload)),
    )?;
    Ok(found)
}

fn filter(payload: &[u8]) -> Option<Filter> {
    let (header, attributes) = payload.split_at_checked(HEADER_BYTES)?;
    let (handle, info) = (u32_at(header, 8)?, u32_at(header, 16)?);
    let name = value(attributes, OPTIONS).and_then(|options| value(options, NAME));
    let name = name.map(attributes::text).unwrap_or_default();
    // Each priority is told, too, as a filter without a number.
    (handle != 0).then_some(Filter { handle, info, name })
}

fn clsact(kind: u16, flags: u16, interface: u32) -> io::Result<()> {
    let payload = [
        words(&[0, interface, CLSACT_HANDLE, CLSACT, 0]),
        text(KIND, "clsact"),
    ];
    order(kind, flags, payload.concat())
}

/// `struct tcmsg`.
fn header(interface: u32, side: Side, handle: u32, info: u32) -> Vec<u8> {
    words(&[0, interface, handle, side.parent(), info])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_with_the_name_of_its_program() {
        let options = attribute(OPTIONS, &text(NAME, "netperf-trace 3"));
        let told = [words(&[0, 7, 5, INGRESS, 0x0001_0300]), options].concat();
        let expected = Filter {
            handle: 5,
            info: 0x0001_0300,
            name: "netperf-trace 3".to_owned(),
        };
        assert_eq!(filter(&told), Some(expected));
        let priority = words(&[0, 7, 0, INGRESS, 0x0001_0300]);
        assert_eq!(filter(&priority), None);
        assert_eq!(filter(&told[..19]), None);
    }
}
