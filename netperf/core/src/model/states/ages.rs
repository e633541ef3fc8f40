//! How long has a socket been in its state? At least.
//!
//! The kernel keeps no such time. What it keeps is when the other end acknowledged something last:
//! its FIN did that, so `CLOSE_WAIT` is no younger, and so did what began `FIN_WAIT2`. With more than
//! one look, the socket is no younger than its first sight in this state.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::MonoNs;
use crate::sample::TcpState;
use crate::sample::socket::{SocketReading, SocketSample};
use crate::sample::state_set::StateSet;

/// Since when sockets that end slowly are in their state.
#[derive(Clone, Debug, Default)]
pub struct Ages {
    has_looked: bool,
    at: MonoNs,
    seen: HashMap<u64, Seen>,
}

/// An age that is not known but bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// It is no younger.
    pub at_least: Duration,
    /// It was in this state at the first look already.
    pub before_start: bool,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    state: TcpState,
    since: MonoNs,
    before_start: bool,
}

impl Ages {
    /// States of a connection that ends.
    pub fn slow() -> StateSet {
        StateSet::of([
            TcpState::CloseWait,
            TcpState::FinWait1,
            TcpState::FinWait2,
            TcpState::LastAck,
            TcpState::Closing,
        ])
    }

    /// Takes in the next look.
    pub fn advance(&mut self, sample: &SocketSample) {
        let slow = Self::slow();
        let sockets = sample.sockets.iter();
        let ending = sockets.filter(|socket| slow.contains(socket.state));
        let seen = ending.map(|socket| {
            let known = self.seen.get(&socket.cookie);
            let known = known.filter(|seen| seen.state == socket.state);
            let new = Seen {
                state: socket.state,
                since: sample.at,
                before_start: !self.has_looked,
            };
            (socket.cookie, known.copied().unwrap_or(new))
        });
        self.seen = seen.collect();
        self.at = sample.at;
        self.has_looked = true;
    }

    /// The age of a socket of the latest look; `None` if nothing bounds it.
    pub fn of(&self, socket: &SocketReading) -> Option<Age> {
        let seen = self.seen.get(&socket.cookie)?;
        let watched = self.at.since(seen.since);
        let told = told(socket);
        let bounded = watched.or(told).or_else(|| {
            // It came between the look before and this one.
            (!seen.before_start).then_some(Duration::ZERO)
        })?;
        Some(Age {
            at_least: bounded.max(told.unwrap_or_default()),
            before_start: seen.before_start,
        })
    }
}

/// What the kernel's own times say.
fn told(socket: &SocketReading) -> Option<Duration> {
    let began_with_a_packet = matches!(socket.state, TcpState::CloseWait | TcpState::FinWait2);
    let tcp = socket.tcp.as_ref().filter(|_| began_with_a_packet)?;
    Some(Duration::from_millis(tcp.last_acked_ms?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::socket;
    use crate::sample::socket::TcpInfo;

    fn sample(second: u64, state: TcpState, acked_ms: Option<u32>) -> SocketSample {
        let tcp = TcpInfo {
            last_acked_ms: acked_ms,
            ..TcpInfo::default()
        };
        SocketSample {
            at: MonoNs(second * 1_000_000_000),
            sockets: vec![SocketReading {
                tcp: Some(Box::new(tcp)),
                ..socket(state, 3, "10.0.0.5:80", "10.0.0.6:40000")
            }],
            ..SocketSample::default()
        }
    }

    fn age(looks: &[SocketSample]) -> Option<(u64, bool)> {
        let mut ages = Ages::default();
        for look in looks {
            ages.advance(look);
        }
        let age = ages.of(&looks.last()?.sockets[0])?;
        Some((age.at_least.as_secs(), age.before_start))
    }

    #[test]
    fn one_look_knows_what_the_kernel_tells() {
        let state = TcpState::CloseWait;
        assert_eq!(age(&[sample(9, state, Some(7_000))]), Some((7, true)));
        assert_eq!(age(&[sample(9, state, None)]), None);
        assert_eq!(age(&[sample(9, TcpState::LastAck, Some(7_000))]), None);
    }

    #[test]
    fn the_later_looks_add_what_they_have_seen() {
        let state = TcpState::CloseWait;
        let looks = [sample(9, state, Some(500)), sample(12, state, Some(500))];
        assert_eq!(age(&looks), Some((3, true)));
        let looks = [sample(9, state, Some(500)), sample(12, state, Some(60_000))];
        assert_eq!(age(&looks), Some((60, true)));
    }

    #[test]
    fn another_state_begins_anew() {
        let looks = [
            sample(9, TcpState::CloseWait, None),
            sample(12, TcpState::LastAck, None),
        ];
        assert_eq!(age(&looks), Some((0, false)));
        let looks = [&looks[..], &[sample(20, TcpState::LastAck, None)]].concat();
        assert_eq!(age(&looks), Some((8, false)));
    }
}
