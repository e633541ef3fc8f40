//! Sets the receive window of limited connections: how much the other ends may send at once.

use std::thread;
use std::time::Duration;

use netperf_common::limit::AHEAD_US;
use netperf_core::units::ByteRate;
use netperf_sys::bpf::{LimitPrograms, Waiting};

/// Rounds in which a connection counts as one that receives.
const ROUNDS: usize = 4;

/// What is sent waits for this part of a second at the most where connections can be asked to wait; so many bytes
/// are not plenty at any rate.
const SENDING: (u64, u64) = (10, 32 * 1024);

/// What is received, where it is datagrams, whose senders can't be asked: what comes then is dropped.
const RECEIVING: (u64, u64) = (2, 64 * 1024);

/// How long what was invited before is let in at the rate of before.
const AHEAD: Duration = Duration::from_micros(AHEAD_US);

/// The connections that receive.
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

    /// Each connection that receives may invite its part of the rate.
    pub(super) fn tell(&self, programs: &mut LimitPrograms, rate: ByteRate) {
        let connections = self.rounds.iter().copied().max().unwrap_or(0).max(1);
        programs.set_window_rate(rate.0, connections);
    }

    /// Lets in what was invited at a higher rate, while less is invited already.
    pub(super) fn lower(&self, programs: &mut LimitPrograms, rate: ByteRate) {
        self.tell(programs, rate);
        thread::sleep(AHEAD);
    }
}

/// How much may wait to be sent, or received, before somebody is told.
pub(super) fn tell_plenty(programs: &mut LimitPrograms, which: Waiting, rate: ByteRate) {
    let (a_second, least) = match which {
        Waiting::Sending => SENDING,
        Waiting::Receiving => RECEIVING,
    };
    programs.set_plenty(which, (rate.0 / a_second).max(least));
}
