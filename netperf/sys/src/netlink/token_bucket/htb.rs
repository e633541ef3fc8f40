//! How is `htb` told what to do? It has one class, which holds a queue of so many bytes.
//!
//! Source: `linux/pkt_sched.h`, `net/sched/sch_htb.c`, `net/sched/sch_fifo.c`.

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{ETHERNET, INNER, INSIDE, KIND, OPTIONS, OUTER, ROOT, TokenBucket, place};
use crate::netlink::ask::{attribute, order, text, words};

/// `TCA_HTB_PARMS`, `TCA_HTB_INIT`, `TCA_HTB_RATE64` and `TCA_HTB_CEIL64`.
const PARMS: u16 = 1;
const INIT: u16 = 2;
const RATE64: u16 = 6;
const CEIL64: u16 = 7;

/// Bytes that a class may send in its turn: there is only one.
const QUANTUM: u32 = 65_536;

/// Nanoseconds of a tick in which the kernel is told times (`PSCHED_SHIFT`).
const TICK_NS: u64 = 64;

/// Puts it at an interface, without its class.
pub(super) fn make(interface: u32) -> io::Result<()> {
    let payload = [
        place(interface, OUTER, ROOT),
        text(KIND, "htb"),
        attribute(OPTIONS, &attribute(INIT, &init())),
    ];
    let new = NLM_F_CREATE | NLM_F_EXCL;
    order(libc::RTM_NEWQDISC, new, payload.concat())
}

/// Tells its class, and the queue in that.
pub(super) fn tell(bucket: TokenBucket, interface: u32, flags: u16) -> io::Result<()> {
    let options = [
        attribute(PARMS, &parameters(bucket)),
        attribute(RATE64, &bucket.rate.to_ne_bytes()),
        attribute(CEIL64, &bucket.rate.to_ne_bytes()),
    ];
    let class = [
        place(interface, INSIDE, OUTER),
        text(KIND, "htb"),
        attribute(OPTIONS, &options.concat()),
    ];
    order(libc::RTM_NEWTCLASS, flags, class.concat())?;
    let queue = [
        place(interface, INNER, INSIDE),
        text(KIND, "bfifo"),
        attribute(OPTIONS, &words(&[bucket.limit])),
    ];
    order(libc::RTM_NEWQDISC, flags, queue.concat())
}

/// `struct tc_htb_glob`: version 3, quanta by rate, and the class that all packets go to.
fn init() -> Vec<u8> {
    words(&[3, 10, INSIDE & 0xffff, 0, 0])
}

/// `struct tc_htb_opt`: the rate, the same at the most, how long a burst of each lasts, the quantum, and two
/// fields of its place among others.
fn parameters(bucket: TokenBucket) -> Vec<u8> {
    let rate = bucket.rate32();
    let burst = ticks(bucket);
    words(&[
        ETHERNET, 0, rate, ETHERNET, 0, rate, burst, burst, QUANTUM, 0, 0,
    ])
}

/// How long a burst takes at the rate.
fn ticks(bucket: TokenBucket) -> u32 {
    let ns = u128::from(bucket.burst) * 1_000_000_000 / u128::from(bucket.rate.max(1));
    u32::try_from(ns / u128::from(TICK_NS))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_size_of_the_kernels_and_bursts_are_times() {
        let bucket = TokenBucket {
            rate: 1_000_000,
            burst: 64_000,
            whole: 1,
            limit: 2,
        };
        assert_eq!(parameters(bucket).len(), 44);
        assert_eq!(init().len(), 20);
        assert_eq!(ticks(bucket), 1_000_000, "64 ms");
    }
}
