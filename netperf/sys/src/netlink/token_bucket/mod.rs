//! How is the queue of an interface made to let go of so many bytes per second, and no more?
//!
//! By a bucket of tokens: what exceeds the rate waits, in order, and what finds no room is dropped. The
//! kernel has two disciplines of this kind.

mod htb;
mod tbf;

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::ask::words;
use super::attributes::{u32_at, value};
use super::dump::Conversation;
use super::own::LOOPBACK;

/// `TC_H_ROOT`, and the numbers of the outer queue, of what it holds, and of the inner one.
const ROOT: u32 = 0xffff_ffff;
const OUTER: u32 = 0x0001_0000;
const INSIDE: u32 = 0x0001_0001;
const INNER: u32 = 0x0002_0000;

/// `TC_LINKLAYER_ETHERNET`: bytes count as they are, without a table of sizes.
const ETHERNET: u32 = 1 << 8;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS2: u16 = 7;
const STATS_QUEUE: u16 = 3;

/// How a bucket is kept. The first is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// `tbf`: even at any rate, since it cuts packets of many segments.
    Tbf,
    /// `htb`: lets such packets go as they are, so that low rates are uneven.
    Htb,
}

impl Discipline {
    /// From the better to the worse.
    pub const ALL: [Self; 2] = [Self::Tbf, Self::Htb];

    /// Puts a bucket at the loopback interface of the calling thread's network namespace, which must be one
    /// for this purpose.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn make_on_loopback(self) -> io::Result<()> {
        let bucket = TokenBucket {
            rate: 1_000_000,
            burst: 1 << 17,
            whole: 1 << 17,
            limit: 1 << 20,
        };
        bucket.put_at(LOOPBACK, self)
    }
}

/// What a bucket of tokens does.
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
    pub fn put_at(self, interface: u32, discipline: Discipline) -> io::Result<()> {
        let new = NLM_F_CREATE | NLM_F_EXCL;
        match discipline {
            Discipline::Tbf => tbf::tell(self, interface, new),
            Discipline::Htb => {
                htb::make(interface)?;
                htb::tell(self, interface, new)
            }
        }
    }

    /// Takes the place of the one that is there; what waits goes on waiting.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn change_at(self, interface: u32, discipline: Discipline) -> io::Result<()> {
        match discipline {
            Discipline::Tbf => tbf::tell(self, interface, 0),
            Discipline::Htb => htb::tell(self, interface, 0),
        }
    }

    /// The kernel takes the rate of 64 bits where that of 32 is full.
    fn rate32(self) -> u32 {
        u32::try_from(self.rate).unwrap_or(u32::MAX)
    }
}

/// `struct tcmsg` in front of what is said of a queue.
fn place(interface: u32, handle: u32, parent: u32) -> Vec<u8> {
    words(&[0, interface, handle, parent, 0])
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
    use super::super::ask::attribute;
    use super::*;

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
