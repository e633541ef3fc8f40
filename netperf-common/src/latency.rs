//! Histograms of latencies, which the kernel side fills.
//!
//! Times are in µs. Up to 8 µs each has a bucket of its own; from there on, eight share each doubling, so
//! that a bucket is no wider than an eighth of where it begins.

use crate::flow::Owner;

/// From here on buckets are wider than one.
const FINE: u32 = 8;
/// Its logarithm to base 2, which is that of the buckets of a doubling as well.
const FINE_BITS: u32 = 3;

/// Buckets of a [`Histogram`]: a power of two, so that one mask makes an index of any number. The last
/// ones are never used.
pub const BUCKETS: usize = 256;

/// From the first SYN to the end of the handshake, of a connection that this host opened.
pub const CONNECT: u16 = 1;
/// The smoothed round-trip time at each segment that arrives.
pub const RTT: u16 = 2;
/// From the end of the handshake to `accept`.
pub const ACCEPT: u16 = 3;

/// What a histogram is of.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LatencyKey {
    /// Start of the process, as in [`Owner::start_ns`].
    pub start_ns: u64,
    /// Address of the other end, as in [`crate::flow::FlowKey`].
    pub remote_addr: [u8; 16],
    /// Thread group in the initial pid namespace.
    pub host_tgid: u32,
    /// [`crate::flow::AF_INET`] or [`crate::flow::AF_INET6`].
    pub family: u16,
    /// [`CONNECT`], [`RTT`] or [`ACCEPT`].
    pub kind: u16,
}

/// How often it took how long, since it was made.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Histogram {
    /// The process.
    pub owner: Owner,
    /// How often, by bucket.
    pub counts: [u32; BUCKETS],
}

impl Histogram {
    /// Nothing yet.
    pub const EMPTY: Self = Self {
        owner: Owner::NONE,
        counts: [0; BUCKETS],
    };
}

/// Index of the bucket that a time belongs to.
#[inline]
pub fn bucket(us: u32) -> u32 {
    if us < FINE {
        return us;
    }
    let doubling = us.ilog2() - FINE_BITS;
    let part = (us >> doubling) & (FINE - 1);
    FINE + doubling * FINE + part
}

/// Where a bucket begins, and where the next one does, in µs.
pub fn bounds(bucket: u32) -> (u32, u32) {
    let begin = |bucket: u32| {
        if bucket < FINE {
            return bucket;
        }
        let (doubling, part) = ((bucket - FINE) / FINE, (bucket - FINE) % FINE);
        let begin = u64::from(FINE + part) << doubling;
        u32::try_from(begin).unwrap_or(u32::MAX)
    };
    (begin(bucket), begin(bucket + 1))
}

const _: () = {
    assert!(size_of::<LatencyKey>() == 32);
    assert!(size_of::<Histogram>() == 48 + 4 * BUCKETS);
};

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::LatencyKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::Histogram {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_within_its_bucket() {
        let times = (0..5_000).chain([65_535, 1_000_000, 20_000, (1 << 26) - 1]);
        for us in times {
            let (from, to) = bounds(bucket(us));
            assert!(from <= us && us < to, "{us} is not in {from}..{to}");
            assert!(to - from <= (from / 8).max(1), "{from}..{to} is wide");
        }
    }

    #[test]
    fn there_is_a_bucket_for_the_longest_time() {
        let last = bucket(u32::MAX);
        assert!((last as usize) < BUCKETS);
        assert_eq!(bounds(last), (15 << 28, u32::MAX));
    }
}
