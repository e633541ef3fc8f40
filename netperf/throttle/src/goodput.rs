//! Computes the rate of a queue, headers included, from the limit on payload.

use std::time::Duration;

use netperf_common::limit::LimitCounters;
use netperf_core::units::ByteRate;
use netperf_sys::netlink::TokenBucket;

/// A burst is what the rate sends in this time.
const BURST: Duration = Duration::from_millis(10);

/// The queue holds what the rate sends in this time, within [`LEAST_ROOM`] and [`MOST_ROOM`] bytes.
const ROOM: Duration = Duration::from_millis(400);
const LEAST_ROOM: u64 = 64 << 20;

/// Largest size of a queue, in bytes.
const MOST_ROOM: u64 = 1 << 30;

/// Longest packet of many segments, headers included, that may stay whole in the queue when the rate
/// falls.
const LONGEST: u32 = 80_000;

/// Payload in bytes after which the measured share of headers is trusted.
const ENOUGH: u64 = 64 * 1024;

/// Wire bytes per million payload bytes before any measurement: full segments of TCP with timestamps
/// over IPv4, 1514 bytes for 1448.
const FIRST_GUESS: u64 = 1_514 * MILLION / 1_448;

const MILLION: u64 = 1_000_000;

/// The rate of one direction, and its share of headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goodput {
    rate: ByteRate,
    /// Smallest burst in bytes: one packet of any interface goes as it is.
    largest_packet: u32,
    /// Wire bytes per million bytes of payload.
    share: u64,
    seen: LimitCounters,
    /// Wire bytes that the queue was short of since the share was learnt; negative if it was too fast.
    behind: i64,
    /// Packets longer than the rate allows may stay in the queue until so many wire bytes have left it.
    long_until: Option<u64>,
}

impl Goodput {
    /// For interfaces whose packets have at most `largest_packet` bytes, headers included.
    pub(super) fn new(rate: ByteRate, largest_packet: u32) -> Self {
        Self {
            rate,
            largest_packet,
            share: FIRST_GUESS,
            seen: LimitCounters::default(),
            behind: 0,
            long_until: None,
        }
    }

    pub(super) fn rate(&self) -> ByteRate {
        self.rate
    }

    /// Sets another rate, while `waiting` bytes are in the queue and `gone` have left it, headers
    /// included.
    pub(super) fn set_rate(&mut self, rate: ByteRate, waiting: u64, gone: u64) {
        let cuts_more = rate < self.rate;
        self.rate = rate;
        if cuts_more && waiting > 0 {
            self.long_until = Some(gone + waiting + u64::from(LONGEST));
        }
    }

    /// The parameters of the queue.
    pub(super) fn bucket(&self) -> TokenBucket {
        let wire = u128::from(self.rate.0) * u128::from(self.share) / u128::from(MILLION);
        let rate = u64::try_from(wire).unwrap_or(u64::MAX).max(1);
        let whole = self.whole(rate);
        let room = in_time(rate, ROOM).clamp(LEAST_ROOM, MOST_ROOM);
        TokenBucket {
            rate,
            burst: self.long_until.map_or(whole, |_| whole.max(LONGEST)),
            whole,
            limit: u32::try_from(room).unwrap_or(u32::MAX),
        }
    }

    fn whole(&self, rate: u64) -> u32 {
        let whole = in_time(rate, BURST).max(self.largest_packet.into());
        u32::try_from(whole).unwrap_or(u32::MAX)
    }

    /// Takes in the current counters; true if the queue has to change.
    pub(super) fn learn(&mut self, seen: LimitCounters) -> bool {
        let has_gone = self.long_until.take_if(|until| seen.wire >= *until);
        self.learn_share(seen) || has_gone.is_some()
    }

    /// Learns the share of headers. Changing a queue releases a burst at once, so it waits until the
    /// error is as large as a burst.
    fn learn_share(&mut self, seen: LimitCounters) -> bool {
        let payload = seen.payload - self.seen.payload;
        if payload < ENOUGH {
            return false;
        }
        let wire = seen.wire - self.seen.wire;
        self.seen = seen;
        let expected = payload * self.share / MILLION;
        self.behind += wire.cast_signed() - expected.cast_signed();
        if self.behind.unsigned_abs() < self.whole(self.rate.0).into() {
            return false;
        }
        self.behind = 0;
        self.share = wire * MILLION / payload;
        true
    }
}

fn in_time(rate: u64, time: Duration) -> u64 {
    let bytes = u128::from(rate) * time.as_micros() / u128::from(MILLION);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(packets: u64, payload: u64, wire: u64) -> LimitCounters {
        LimitCounters {
            packets,
            payload,
            wire,
        }
    }

    #[test]
    fn headers_come_on_top_of_the_rate() {
        let bucket = Goodput::new(ByteRate(20_000_000), 1_514).bucket();
        assert!(
            (20_911_000..20_912_000).contains(&bucket.rate),
            "{bucket:?}"
        );
        assert_eq!(bucket.burst, 209_116);
        assert_eq!(u64::from(bucket.limit), LEAST_ROOM);
        let slow = Goodput::new(ByteRate(10_000), 9_014).bucket();
        assert_eq!(slow.burst, 9_014, "one packet goes as it is");
    }

    #[test]
    fn the_share_of_headers_is_learnt_once_it_has_made_up_for_a_burst() {
        let mut goodput = Goodput::new(ByteRate(1_000_000), 1_514);
        assert!(!goodput.learn(seen(1, 1_448, 1_514)), "too little to tell");
        assert!(!goodput.learn(seen(100, 144_800, 151_400)), "as guessed");
        // Headers of 42 bytes for 1 472, where 66 for 1 448 were expected: 2 500 bytes for each 100 packets.
        let (mut now, mut times) = (seen(100, 144_800, 151_400), 0);
        loop {
            now = seen(now.packets + 100, now.payload + 147_200, now.wire + 151_400);
            times += 1;
            if goodput.learn(now) {
                break;
            }
        }
        assert_eq!(times, 4, "a burst is 10 000 bytes");
        assert_eq!(goodput.bucket().rate, 1_028_532);
        now = seen(
            now.packets + 1_000,
            now.payload + 66_000,
            now.wire + 108_000,
        );
        assert!(goodput.learn(now), "tiny packets are told at once");
    }

    #[test]
    fn what_waits_in_one_piece_can_still_leave_when_the_rate_gets_lower() {
        let mut goodput = Goodput::new(ByteRate(20_000_000), 1_514);
        goodput.set_rate(ByteRate(1_000_000), 200_000, 0);
        let bucket = goodput.bucket();
        assert_eq!((bucket.burst, bucket.whole), (LONGEST, 10_455));
        assert!(!goodput.learn(seen(1, 1_448, 200_000)));
        assert!(goodput.learn(seen(1, 1_448, 280_000)));
        assert_eq!(goodput.bucket().burst, 10_455);
    }

    #[test]
    fn the_fastest_rate_needs_more_than_32_bits() {
        let bucket = Goodput::new(ByteRate(10_000_000_000), 65_550).bucket();
        assert!(bucket.rate > u64::from(u32::MAX));
        assert_eq!(u64::from(bucket.limit), MOST_ROOM);
    }
}
