//! Sets the receive window of limited connections: how much the other ends may send at once.

use std::thread;
use std::time::Duration;

use netperf_common::limit::AHEAD_US;
use netperf_core::units::ByteRate;
use netperf_sys::bpf::{LimitPrograms, Waiting};

/// Rounds without data after which a connection no longer counts as receiving.
const ROUNDS: usize = 4;

/// Largest queue of data to send, where TCP can be throttled: this fraction of a second, and at least
/// so many bytes.
const SENDING: (u64, u64) = (10, 32 * 1024);

/// Largest queue of received datagrams, whose senders can't be throttled: what comes beyond is dropped.
const RECEIVING: (u64, u64) = (2, 64 * 1024);

/// How long data within the old window is still let in at the old rate.
const AHEAD: Duration = Duration::from_micros(AHEAD_US);

/// The connections that receive now.
#[derive(Debug, Default)]
pub(super) struct Invitation {
    rounds: [u64; ROUNDS],
}

impl Invitation {
    /// Begins another round.
    pub(super) fn next_round(&mut self, programs: &mut LimitPrograms) {
        self.rounds.rotate_right(1);
        self.rounds[0] = programs.next_round();
    }

    /// Gives each receiving connection its part of the rate.
    pub(super) fn tell(&self, programs: &mut LimitPrograms, rate: ByteRate) {
        let connections = self.rounds.iter().copied().max().unwrap_or(0).max(1);
        programs.set_window_rate(rate.0, connections);
    }

    /// Announces smaller windows, then waits until the data within the old ones is in.
    pub(super) fn lower(&self, programs: &mut LimitPrograms, rate: ByteRate) {
        self.tell(programs, rate);
        thread::sleep(AHEAD);
    }
}

/// Sets how much may wait to be sent, or received, before senders are throttled.
pub(super) fn tell_plenty(programs: &mut LimitPrograms, which: Waiting, rate: ByteRate) {
    let (a_second, least) = match which {
        Waiting::Sending => SENDING,
        Waiting::Receiving => RECEIVING,
    };
    programs.set_plenty(which, (rate.0 / a_second).max(least));
}
