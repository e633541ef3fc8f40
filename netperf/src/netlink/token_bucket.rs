//! How is the queue of an interface made to let go of so many bytes per second, and no more?
//!
//! By a token bucket (`tbf`): what exceeds the rate waits, in order, and what finds no room is dropped. It
//! is the inner one of two. A packet that is larger than its burst would never leave, and those that
//! wait already stay as they are when the burst gets smaller; so the outer one, which has no rate, cuts
//! packets into their segments where they come in.
//! Source: `linux/pkt_sched.h`, `net/sched/sch_tbf.c`.

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::ask::{attribute, order, text, words};
use super::attributes::{u32_at, value};
use super::dump::Conversation;

/// `TC_H_ROOT`, and the numbers of the outer queue, of what it holds, and of the inner one.
const ROOT: u32 = 0xffff_ffff;
const OUTER: u32 = 0x0001_0000;
const INSIDE: u32 = 0x0001_0001;
const INNER: u32 = 0x0002_0000;

/// A rate at which everything takes no time: the kernel rounds down.
const UNLIMITED: u64 = u64::MAX;

/// `TC_LINKLAYER_ETHERNET`: bytes count as they are, without a table of sizes.
const ETHERNET: u32 = 1 << 8;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS2: u16 = 7;
const STATS_QUEUE: u16 = 3;
const PARMS: u16 = 1;
const RATE64: u16 = 4;
const BURST: u16 = 6;

/// What a token bucket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    /// Bytes per second, headers included.
    pub rate: u64,
    /// Bytes that may go at once.
    pub burst: u32,
    /// Bytes of a packet from which on it is cut into its segments; at most `burst`, once nothing larger
    /// waits any more.
    pub whole: u32,
    /// Bytes that may wait.
    pub limit: u32,
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes that wait.
    pub bytes: u32,
    /// Packets that found no room, since the queue was made.
    pub dropped: u32,
}

impl TokenBucket {
    /// Puts it at an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn put_at(self, interface: u32) -> io::Result<()> {
        self.tell(interface, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Takes the place of the one that is there; what waits goes on waiting.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn change_at(self, interface: u32) -> io::Result<()> {
        self.tell(interface, 0)
    }

    fn tell(self, interface: u32, flags: u16) -> io::Result<()> {
        let outer = Self {
            rate: UNLIMITED,
            burst: self.whole,
            ..self
        };
        outer.tell_one(interface, (OUTER, ROOT), flags)?;
        self.tell_one(interface, (INNER, INSIDE), flags)
    }

    fn tell_one(self, interface: u32, (handle, parent): (u32, u32), flags: u16) -> io::Result<()> {
        let options = [
            attribute(PARMS, &self.parameters()),
            attribute(RATE64, &self.rate.to_ne_bytes()),
            attribute(BURST, &self.burst.to_ne_bytes()),
        ];
        let payload = [
            words(&[0, interface, handle, parent, 0]),
            text(KIND, "tbf"),
            attribute(OPTIONS, &options.concat()),
        ];
        order(libc::RTM_NEWQDISC, flags, payload.concat())
    }

    /// `struct tc_tbf_qopt`: a rate, none for peaks, room, and two fields that attributes stand for. The
    /// kernel takes the rate of 64 bits where that of 32 is full.
    fn parameters(self) -> Vec<u8> {
        let rate = u32::try_from(self.rate).unwrap_or(u32::MAX);
        words(&[ETHERNET, 0, rate, 0, 0, 0, self.limit, 0, 0])
    }
}

/// How the queue of an interface of the calling thread's network namespace stands.
///
/// # Errors
/// When the kernel refuses.
pub fn backlog_at(interface: u32) -> io::Result<Backlog> {
    // All of them: asked for one alone, the kernel tells everybody who listens.
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    let ours = words(&[interface, INNER]);
    let mut found = None;
    conversation.dump(
        libc::RTM_GETQDISC,
        libc::RTM_NEWQDISC,
        &words(&[0; 5]),
        |payload| {
            if payload.get(4..12) == Some(&ours[..]) {
                found = backlog(payload);
            }
        },
    )?;
    found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))
}

/// `struct gnet_stats_queue` in the attributes behind a `struct tcmsg`.
fn backlog(payload: &[u8]) -> Option<Backlog> {
    let queue = value(value(payload.get(20..)?, STATS2)?, STATS_QUEUE)?;
    Some(Backlog {
        bytes: u32_at(queue, 4)?,
        dropped: u32_at(queue, 8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_size_of_the_kernels() {
        let bucket = TokenBucket {
            rate: 10_000_000_000,
            burst: 1,
            whole: 1,
            limit: 2,
        };
        let parameters = bucket.parameters();
        assert_eq!(parameters.len(), 36);
        assert_eq!(parameters[8..12], u32::MAX.to_ne_bytes());
    }

    #[test]
    fn a_backlog_is_read_from_nested_attributes() {
        let queue = attribute(STATS_QUEUE, &words(&[3, 4_000, 5, 0, 0]));
        let payload = [words(&[0; 5]), attribute(STATS2, &queue)].concat();
        let expected = Backlog {
            bytes: 4_000,
            dropped: 5,
        };
        assert_eq!(backlog(&payload), Some(expected));
        assert_eq!(backlog(&payload[..30]), None);
    }
}
