//! The options of `tbf`, as netlink takes them.
//!
//! There are two, one in the other. A packet that is larger than the burst of the inner one would never leave,
//! and those that wait already stay as they are when the burst gets smaller; so the outer one, which
//! has no rate, cuts packets into their segments where they come in.
//! Source: `linux/pkt_sched.h`, `net/sched/sch_tbf.c`.

use std::io;

use super::{ETHERNET, INNER, INSIDE, KIND, OPTIONS, OUTER, ROOT, TokenBucket, place};
use crate::netlink::ask::{attribute, order, text, words};

/// A rate at which everything takes no time: the kernel rounds down.
const UNLIMITED: u64 = u64::MAX;

/// `TCA_TBF_PARMS`, `TCA_TBF_RATE64` and `TCA_TBF_BURST`.
const PARMS: u16 = 1;
const RATE64: u16 = 4;
const BURST: u16 = 6;

/// Tells both.
pub(super) fn tell(bucket: TokenBucket, interface: u32, flags: u16) -> io::Result<()> {
    let outer = TokenBucket {
        rate: UNLIMITED,
        burst: bucket.whole,
        ..bucket
    };
    tell_one(outer, interface, (OUTER, ROOT), flags)?;
    tell_one(bucket, interface, (INNER, INSIDE), flags)
}

fn tell_one(
    bucket: TokenBucket,
    interface: u32,
    (handle, parent): (u32, u32),
    flags: u16,
) -> io::Result<()> {
    let options = [
        attribute(PARMS, &parameters(bucket)),
        attribute(RATE64, &bucket.rate.to_ne_bytes()),
        attribute(BURST, &bucket.burst.to_ne_bytes()),
    ];
    let payload = [
        place(interface, handle, parent),
        text(KIND, "tbf"),
        attribute(OPTIONS, &options.concat()),
    ];
    order(libc::RTM_NEWQDISC, flags, payload.concat())
}

/// `struct tc_tbf_qopt`: a rate, none for peaks, room, and two fields that attributes stand for.
fn parameters(bucket: TokenBucket) -> Vec<u8> {
    let rate = bucket.rate32();
    words(&[ETHERNET, 0, rate, 0, 0, 0, bucket.limit, 0, 0])
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
        let parameters = parameters(bucket);
        assert_eq!(parameters.len(), 36);
        assert_eq!(parameters[8..12], u32::MAX.to_ne_bytes());
    }
}
