//! What time is it? The only reader of clocks; everything else takes time as an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds on `CLOCK_BOOTTIME`: monotonic, counts suspended time, the base of the kernel's
/// process start times.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct MonoNs(pub u64);

impl MonoNs {
    /// Time since `earlier`, or `None` if the clock stood still or went back.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let ns = self.0.checked_sub(earlier.0).filter(|&ns| ns > 0)?;
        Some(Duration::from_nanos(ns))
    }
}

/// Nanoseconds since 1970-01-01 UTC on the wall clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct WallNs(pub u64);

/// Reads both clocks at (nearly) the same moment.
pub fn now() -> (MonoNs, WallNs) {
    (
        MonoNs(read(libc::CLOCK_BOOTTIME)),
        WallNs(read(libc::CLOCK_REALTIME)),
    )
}

/// CPU time that this process has used, user and system, since its start.
pub fn own_cpu() -> Duration {
    Duration::from_nanos(read(libc::CLOCK_PROCESS_CPUTIME_ID))
}

fn read(clock: libc::clockid_t) -> u64 {
    #![expect(
        unsafe_code,
        reason = "clock_gettime has no safe wrapper in std for these clocks"
    )]
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid, writable timespec for the whole call.
    let status = unsafe { libc::clock_gettime(clock, &raw mut time) };
    debug_assert_eq!(status, 0, "these clocks exist on every supported kernel");
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    secs * 1_000_000_000 + nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stood_still_gives_no_duration() {
        assert_eq!(MonoNs(5).since(MonoNs(5)), None);
        assert_eq!(MonoNs(4).since(MonoNs(5)), None);
        assert_eq!(MonoNs(9).since(MonoNs(5)), Some(Duration::from_nanos(4)));
    }
}
