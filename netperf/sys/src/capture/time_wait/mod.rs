//! When does TIME_WAIT begin, and when does it end? No hook says so.
//!
//! The kernel puts a small substitute in the place of a connection that waits, and tells that the full
//! socket went to CLOSE. Whether FIN had arrived says which state the substitute is in; from then on
//! only looks at the sockets show what becomes of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netperf_core::clock::{MonoNs, WallNs};
use netperf_core::sample::event::{ConnectionEvent, EventKind, Transition};
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample};
use netperf_core::sample::{Process, ProcessId, TcpState};

use super::names::kernel;

/// How long TIME_WAIT lasts (`TCP_TIMEWAIT_LEN` of `include/net/tcp.h`).
const LENGTH: Duration = Duration::from_mins(1);

/// Connections whose substitutes wait.
#[derive(Debug)]
pub(super) struct TimeWaits {
    waiting: HashMap<Place, Wait>,
    /// Whose ends were used again, and when: a look that began before may still show that they wait.
    used_again: HashMap<Place, MonoNs>,
    /// Whose those are that were there before.
    nobody: Arc<Process>,
    /// Whether all connections are told: what nobody saw begin was there before.
    all: bool,
}

/// A connection, as only one can be at a time: network namespace, this end, the other end.
type Place = (u32, SocketAddr, SocketAddr);

#[derive(Clone, Debug)]
struct Wait {
    process: Arc<Process>,
    socket: u64,
    accepted: bool,
    /// `FIN_WAIT2` or TIME_WAIT.
    state: TcpState,
    since: MonoNs,
    /// What happened until then was before. A look may show a connection whose records are still on
    /// their way.
    known_at: MonoNs,
    /// When the kernel will end it, as far as it was seen to wait.
    until: Option<MonoNs>,
}

impl TimeWaits {
    /// None yet; `all` says whether all connections are told, not only a share of them.
    pub(super) fn new(all: bool) -> Self {
        Self {
            waiting: HashMap::new(),
            used_again: HashMap::new(),
            nobody: Arc::new(kernel(ProcessId::default())),
            all,
        }
    }

    /// Takes in what a hook told, and adds to `told` what it means.
    pub(super) fn take_in(&mut self, event: ConnectionEvent, told: &mut Vec<ConnectionEvent>) {
        let EventKind::Transition(told_of) = event.what else {
            told.push(event);
            return;
        };
        let Transition { old, new, .. } = told_of;
        let place = (event.netns, event.local, event.remote);
        let is_used_again = |wait: &Wait| event.at > wait.known_at;
        if matches!(new, TcpState::Established | TcpState::SynRecv)
            && self.waiting.get(&place).is_some_and(is_used_again)
            && let Some(wait) = self.waiting.remove(&place)
        {
            self.used_again.insert(place, event.at);
            told.push(wait.ended(place, event.at, (event.at, event.wall)));
        }
        let is_closing = matches!(old, TcpState::FinWait2 | TcpState::Closing);
        if new != TcpState::Close || !is_closing || told_of.failed {
            told.push(event);
            return;
        }
        let waits_for_fin = old == TcpState::FinWait2 && !told_of.fin_arrived;
        let in_old = Duration::from_micros(told_of.in_old_us.unwrap_or_default());
        let (state, since) = if waits_for_fin {
            (TcpState::FinWait2, earlier(event.at, in_old))
        } else {
            (TcpState::TimeWait, event.at)
        };
        let wait = Wait {
            process: Arc::clone(&event.process),
            socket: told_of.socket,
            accepted: told_of.accepted,
            state,
            since,
            known_at: event.at,
            until: None,
        };
        if !waits_for_fin {
            told.push(ConnectionEvent {
                what: EventKind::Transition(Transition {
                    new: TcpState::TimeWait,
                    ..told_of
                }),
                ..event
            });
        }
        self.waiting.insert(place, wait);
    }

    /// Takes in a look at the sockets in TIME_WAIT and `FIN_WAIT2`, and adds to `told` what it shows.
    /// `clocks` are both clocks at one moment.
    pub(super) fn look(
        &mut self,
        sample: &SocketSample,
        clocks: (MonoNs, WallNs),
        told: &mut Vec<ConnectionEvent>,
    ) {
        let mut seen = HashMap::new();
        for socket in &sample.sockets {
            if let Ends::Inet(ends) = &socket.ends {
                seen.insert((socket.netns, ends.local, ends.remote), socket);
            }
        }
        self.waiting.retain(|place, wait| {
            match seen.remove(place) {
                Some(socket) => {
                    if let Some(began) = wait.goes_on(socket, sample.at) {
                        told.push(wait.told(*place, TcpState::TimeWait, began, clocks));
                        wait.state = TcpState::TimeWait;
                        wait.since = began;
                    }
                    true
                }
                // What began after the look did is not in it yet.
                None if wait.since >= sample.at => true,
                None => {
                    let end = wait.until.unwrap_or(sample.at).min(sample.at);
                    told.push(wait.ended(*place, end, clocks));
                    false
                }
            }
        });
        self.used_again.retain(|_, at| *at >= sample.at);
        if !self.all {
            return;
        }
        for (place, socket) in seen {
            if socket.state == TcpState::TimeWait && !self.used_again.contains_key(&place) {
                let wait = Wait {
                    process: Arc::clone(&self.nobody),
                    socket: socket.cookie,
                    accepted: false,
                    state: TcpState::TimeWait,
                    since: began(socket, sample.at).unwrap_or(sample.at),
                    known_at: clocks.0,
                    until: expires(socket, sample.at),
                };
                self.waiting.insert(place, wait);
            }
        }
    }
}

impl Wait {
    /// A look shows it. Gives when TIME_WAIT began, if that was not known.
    fn goes_on(&mut self, socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
        if socket.state != TcpState::TimeWait {
            return None;
        }
        self.until = expires(socket, at);
        let is_new = self.state != TcpState::TimeWait;
        is_new.then(|| began(socket, at).unwrap_or(at).max(self.since))
    }

    fn ended(&self, place: Place, at: MonoNs, clocks: (MonoNs, WallNs)) -> ConnectionEvent {
        self.told(place, TcpState::Close, at, clocks)
    }

    fn told(
        &self,
        (netns, local, remote): Place,
        new: TcpState,
        at: MonoNs,
        (now, wall): (MonoNs, WallNs),
    ) -> ConnectionEvent {
        let in_old = at.since(self.since).unwrap_or_default();
        let in_old_us = u64::try_from(in_old.as_micros()).ok();
        ConnectionEvent {
            at,
            wall: WallNs(wall.0.saturating_sub(now.0.saturating_sub(at.0))),
            process: Arc::clone(&self.process),
            local,
            remote,
            netns,
            what: EventKind::Transition(Transition {
                socket: self.socket,
                old: self.state,
                new,
                in_old_us,
                accepted: self.accepted,
                fin_arrived: true,
                failed: false,
            }),
        }
    }
}

/// When the kernel will end what it shows in TIME_WAIT.
fn expires(socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
    let left = Duration::from_millis(socket.timer?.expires_ms.into());
    Some(MonoNs(at.0 + nanoseconds(left)))
}

/// When it began, by its timer.
fn began(socket: &SocketReading, at: MonoNs) -> Option<MonoNs> {
    expires(socket, at).map(|end| earlier(end, LENGTH).min(at))
}

fn earlier(at: MonoNs, by: Duration) -> MonoNs {
    MonoNs(at.0.saturating_sub(nanoseconds(by)))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::fixtures::{process, socket, transition};
    use netperf_core::sample::socket::{Timer, TimerKind};

    const LOCAL: &str = "10.0.0.5:40000";
    const REMOTE: &str = "10.0.0.10:5432";

    fn second(second: u64) -> MonoNs {
        MonoNs(second * 1_000_000_000)
    }

    fn clocks(now: u64) -> (MonoNs, WallNs) {
        (second(now), WallNs(second(now + 1_000).0))
    }

    fn told_at(at: u64, states: (TcpState, TcpState), fin_arrived: bool) -> ConnectionEvent {
        let (at, wall) = clocks(at);
        let mut event = transition(&process(7, "curl"), (LOCAL, REMOTE), states);
        if let EventKind::Transition(transition) = &mut event.what {
            transition.fin_arrived = fin_arrived;
        }
        ConnectionEvent { at, wall, ..event }
    }

    fn look(at: u64, shown: Option<(TcpState, u32)>) -> Box<SocketSample> {
        let shown = shown.map(|(state, expires_ms)| SocketReading {
            timer: Some(Timer {
                kind: TimerKind::Timewait,
                expires_ms,
                retransmits: 0,
            }),
            ..socket(state, 0, LOCAL, REMOTE)
        });
        Box::new(SocketSample {
            at: second(at),
            sockets: shown.into_iter().collect(),
            ..SocketSample::default()
        })
    }

    enum Step {
        Told(ConnectionEvent),
        Look(Box<SocketSample>),
    }

    /// Old and new state, when in seconds, µs in the old one, and whose.
    type Row = (TcpState, TcpState, u64, Option<u64>, u32);

    fn play(all: bool, steps: Vec<Step>) -> Vec<Row> {
        let mut waits = TimeWaits::new(all);
        let mut told = Vec::new();
        for step in steps {
            match step {
                Step::Told(event) => waits.take_in(event, &mut told),
                Step::Look(sample) => {
                    waits.look(&sample, (sample.at, WallNs(sample.at.0)), &mut told);
                }
            }
        }
        let row = |event: ConnectionEvent| {
            let EventKind::Transition(it) = event.what else {
                panic!("{:?}", event.what)
            };
            let seconds = event.at.0 / 1_000_000_000;
            (it.old, it.new, seconds, it.in_old_us, event.process.id.tgid)
        };
        told.into_iter().map(row).collect()
    }

    use TcpState::{Close, Closing, Established, FinWait1, FinWait2, SynSent, TimeWait};

    #[test]
    fn a_full_close_is_the_beginning_of_time_wait_and_a_look_shows_its_end() {
        for old in [FinWait2, Closing] {
            let rows = play(
                true,
                vec![
                    Step::Told(told_at(10, (old, Close), true)),
                    Step::Look(look(20, Some((TimeWait, 50_000)))),
                    Step::Look(look(71, None)),
                ],
            );
            let begun = (old, TimeWait, 10, Some(500_000), 7);
            assert_eq!(rows, [begun, (TimeWait, Close, 70, Some(60_000_000), 7)]);
        }
    }

    #[test]
    fn a_substitute_that_waits_for_fin_is_shown_when_it_has_come() {
        let rows = play(
            true,
            vec![
                Step::Told(told_at(10, (FinWait2, Close), false)),
                Step::Look(look(11, Some((FinWait2, 59_000)))),
                Step::Look(look(13, Some((TimeWait, 59_000)))),
            ],
        );
        assert_eq!(rows, [(FinWait2, TimeWait, 12, Some(2_500_000), 7)]);
    }

    #[test]
    fn one_that_fin_never_reaches_ends_in_fin_wait_2() {
        let rows = play(
            true,
            vec![
                Step::Told(told_at(10, (FinWait2, Close), false)),
                Step::Look(look(11, Some((FinWait2, 1_000)))),
                Step::Look(look(13, None)),
            ],
        );
        assert_eq!(rows, [(FinWait2, Close, 13, Some(3_500_000), 7)]);
    }

    #[test]
    fn ends_that_are_used_again_end_the_wait() {
        let rows = play(
            true,
            vec![
                Step::Told(told_at(10, (FinWait2, Close), true)),
                Step::Told(told_at(12, (SynSent, Established), false)),
                Step::Look(look(13, None)),
            ],
        );
        let states: Vec<_> = rows.iter().map(|row| (row.0, row.1, row.2)).collect();
        let begun = (FinWait2, TimeWait, 10);
        let reused = [(TimeWait, Close, 12), (SynSent, Established, 12)];
        assert_eq!(states, [&[begun], &reused[..]].concat());
    }

    #[test]
    fn a_look_that_began_before_ends_were_used_again_does_not_end_the_wait_twice() {
        let rows = play(
            true,
            vec![
                Step::Told(told_at(10, (FinWait2, Close), true)),
                Step::Told(told_at(12, (SynSent, Established), false)),
                Step::Look(look(11, Some((TimeWait, 59_000)))),
                Step::Look(look(13, None)),
            ],
        );
        let ends = rows
            .iter()
            .filter(|row| (row.0, row.1) == (TimeWait, Close));
        assert_eq!(ends.count(), 1, "{rows:?}");
    }

    #[test]
    fn a_look_may_be_faster_than_the_records_of_a_connection() {
        let rows = play(
            true,
            vec![
                Step::Look(look(12, Some((TimeWait, 59_000)))),
                Step::Told(told_at(10, (SynSent, Established), false)),
                Step::Told(told_at(11, (FinWait2, Close), true)),
                Step::Look(look(80, None)),
            ],
        );
        let states: Vec<_> = rows.iter().map(|row| (row.0, row.1, row.4)).collect();
        let opened = (SynSent, Established, 7);
        assert_eq!(
            states,
            [opened, (FinWait2, TimeWait, 7), (TimeWait, Close, 7)]
        );
    }

    #[test]
    fn what_began_after_a_look_is_not_missed_in_it() {
        let rows = play(
            true,
            vec![
                Step::Told(told_at(10, (FinWait2, Close), true)),
                Step::Look(look(9, None)),
            ],
        );
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn what_was_there_before_is_nobodys_and_shown_only_where_all_is() {
        let steps = || {
            vec![
                Step::Look(look(100, Some((TimeWait, 30_000)))),
                Step::Look(look(132, None)),
            ]
        };
        let expected = (TimeWait, Close, 130, Some(60_000_000), 0);
        assert_eq!(play(true, steps()), [expected]);
        assert_eq!(play(false, steps()), []);
    }

    #[test]
    fn a_connection_that_failed_does_not_wait() {
        let mut failed = told_at(10, (FinWait2, Close), true);
        if let EventKind::Transition(transition) = &mut failed.what {
            transition.failed = true;
        }
        let rows = play(true, vec![Step::Told(failed), Step::Look(look(20, None))]);
        assert_eq!(rows, [(FinWait2, Close, 10, Some(500_000), 7)]);
        let open = told_at(10, (Established, FinWait1), false);
        assert_eq!(play(true, vec![Step::Told(open)]).len(), 1);
    }
}
