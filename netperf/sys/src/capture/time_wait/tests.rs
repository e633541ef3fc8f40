//! Looks and events play a connection in TIME_WAIT: each transition is told once, with its time.

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
    Event(ConnectionEvent),
    Look(Box<SocketSample>),
}

/// Old and new state, when in seconds, µs in the old one, and whose.
type Row = (TcpState, TcpState, u64, Option<u64>, u32);

fn play(all: bool, steps: Vec<Step>) -> Vec<Row> {
    let mut waits = TimeWaits::new(all);
    let mut told = Vec::new();
    for step in steps {
        match step {
            Step::Event(event) => waits.take_in(event, &mut told),
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
                Step::Event(told_at(10, (old, Close), true)),
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
            Step::Event(told_at(10, (FinWait2, Close), false)),
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
            Step::Event(told_at(10, (FinWait2, Close), false)),
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
            Step::Event(told_at(10, (FinWait2, Close), true)),
            Step::Event(told_at(12, (SynSent, Established), false)),
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
            Step::Event(told_at(10, (FinWait2, Close), true)),
            Step::Event(told_at(12, (SynSent, Established), false)),
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
            Step::Event(told_at(10, (SynSent, Established), false)),
            Step::Event(told_at(11, (FinWait2, Close), true)),
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
            Step::Event(told_at(10, (FinWait2, Close), true)),
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
    let rows = play(true, vec![Step::Event(failed), Step::Look(look(20, None))]);
    assert_eq!(rows, [(FinWait2, Close, 10, Some(500_000), 7)]);
    let open = told_at(10, (Established, FinWait1), false);
    assert_eq!(play(true, vec![Step::Event(open)]).len(), 1);
}
