use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use crate::view::fixtures::start;
use netperf_core::collect::{Feed, Provenance};
use netperf_core::fixtures::{link, moved, process, second};
use netperf_core::host_names::Numeric;
use netperf_core::sample::Sample;
use serde_json::Value;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::{Live, check_iface};
use crate::cmd::session::{Session, Stop, Stops, Timer, Timing};
use crate::render::hangup;
use crate::render::keys::Keys;
use crate::render::output::{Format, Output};
use crate::render::sink::Sink;
use crate::view::top::TopOptions;

/// A feed that has its samples ready.
struct Script {
    samples: VecDeque<Sample>,
    last: Option<Sample>,
    provenance: Provenance,
    pumped: u32,
    finished: u32,
}

impl Script {
    /// An opening, then ten bytes more in each tick; a last sample with one byte more.
    fn of_ticks(ticks: u64) -> Self {
        let rsync = process(8821, "rsync");
        let sample = |n, bytes| Sample {
            processes: vec![moved(&rsync, bytes, 0)],
            ..second(n)
        };
        Self {
            samples: (0..=ticks).map(|n| sample(n, n * 10)).collect(),
            last: Some(sample(ticks + 1, ticks * 10 + 1)),
            provenance: Provenance::default(),
            pumped: 0,
            finished: 0,
        }
    }
}

impl Feed for Script {
    fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn pump(&mut self) -> anyhow::Result<Duration> {
        self.pumped += 1;
        Ok(Duration::from_millis(100))
    }

    fn next(&mut self) -> anyhow::Result<Option<Sample>> {
        Ok(self.samples.pop_front())
    }

    fn finish(&mut self) -> anyhow::Result<Option<Sample>> {
        self.finished += 1;
        Ok(self.last.take())
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn timing() -> Timing {
    Timing {
        interval: SECOND,
        count: None,
        duration: None,
    }
}

/// A signal that comes when something is over, and then no other.
struct After<F>(Option<F>);

impl<F: Future<Output = ()> + Unpin> Stops for After<F> {
    async fn next(&mut self) -> Stop {
        if let Some(event) = &mut self.0 {
            event.await;
            self.0 = None;
            return Stop::Interrupt;
        }
        pending().await
    }
}

/// Runs `top` as JSON.
async fn run(
    feed: &mut Script,
    sink: Sink,
    timing: Timing,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let base = feed.next().unwrap();
    let live = Live::new(
        feed,
        TopOptions::default(),
        (start(), base),
        Rc::new(Numeric),
    );
    let session = Session {
        signals: After(Some(pin!(stop))),
        keys: Keys::none(),
        timer: Timer::new(Instant::now(), timing),
        output: Output::to(sink, Format::Json),
    };
    session.run(live).await
}

fn sink(writer: DuplexStream) -> Sink {
    Sink::new(writer, hangup::never())
}

/// Everything that the run wrote, as objects.
async fn shown(feed: &mut Script, timing: Timing, stop: impl Future<Output = ()>) -> Vec<Value> {
    let (writer, mut source) = duplex(1 << 20);
    run(feed, sink(writer), timing, stop).await.unwrap();
    let mut text = String::new();
    source.read_to_string(&mut text).await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn bytes(ticks: &[Value]) -> Vec<u64> {
    let ticks = ticks.iter().filter(|object| object["type"] == "top");
    ticks
        .map(|tick| tick["processes"][0]["tx_bytes"].as_u64().unwrap_or(0))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_count_ends_after_so_many_ticks_and_stops_counting() {
    let mut feed = Script::of_ticks(2);
    let lines = shown(
        &mut feed,
        Timing {
            count: Some(3),
            ..timing()
        },
        pending(),
    )
    .await;
    assert_eq!(lines[0]["type"], "start");
    assert_eq!(bytes(&lines), [10, 10, 1]);
    assert_eq!(lines.last().unwrap()["reason"], "count");
    assert_eq!(lines.last().unwrap()["ticks"], 3);
    assert_eq!(feed.finished, 1);
    assert!(feed.pumped >= 29, "pumped {} times", feed.pumped);
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_with_a_last_shorter_tick() {
    let mut feed = Script::of_ticks(2);
    let lines = shown(&mut feed, timing(), tokio::time::sleep(SECOND * 5 / 2)).await;
    assert_eq!(bytes(&lines), [10, 10, 1]);
    assert_eq!(lines.last().unwrap()["reason"], "signal");
    assert_eq!(lines.len(), 5, "start, three ticks, end");
}

#[tokio::test(start_paused = true)]
async fn a_duration_ends_with_the_tick_that_falls_on_it() {
    let mut feed = Script::of_ticks(5);
    let timing = Timing {
        duration: Some(SECOND * 3),
        ..timing()
    };
    let lines = shown(&mut feed, timing, pending()).await;
    assert_eq!(lines.len(), 5, "start, three ticks, end");
    assert_eq!(lines.last().unwrap()["reason"], "duration");
}

#[tokio::test(start_paused = true)]
async fn a_recording_ends_with_its_last_sample() {
    let mut feed = Script::of_ticks(2);
    let lines = shown(&mut feed, timing(), pending()).await;
    assert_eq!(bytes(&lines), [10, 10]);
    assert_eq!(lines.last().unwrap()["reason"], "eof");
    let mut nothing = Script {
        samples: VecDeque::new(),
        ..Script::of_ticks(0)
    };
    let lines = shown(&mut nothing, timing(), pending()).await;
    assert_eq!(lines.len(), 2, "start, end");
}

#[tokio::test(start_paused = true)]
async fn a_closed_pipe_ends_quietly_and_stops_counting() {
    let mut feed = Script::of_ticks(100);
    let (writer, source) = duplex(64);
    drop(source);
    run(&mut feed, sink(writer), timing(), pending())
        .await
        .unwrap();
    assert_eq!(feed.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_away_is_noticed_between_ticks() {
    let mut feed = Script::of_ticks(100);
    let (writer, _source) = duplex(1 << 20);
    let gone = Box::pin(tokio::time::sleep(SECOND / 2));
    let sink = Sink::new(writer, gone);
    let long = Timing {
        interval: SECOND * 3600,
        ..timing()
    };
    let run = run(&mut feed, sink, long, pending());
    tokio::time::timeout(SECOND, run)
        .await
        .expect("noticed within the tick")
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_makes_a_tick_longer_and_loses_nothing() {
    let mut feed = Script::of_ticks(100);
    let (writer, mut source) = duplex(16);
    let mut text = String::new();
    let reader = async {
        tokio::time::sleep(SECOND * 10).await;
        source.read_to_string(&mut text).await.unwrap();
    };
    let session = async {
        let timing = Timing {
            duration: Some(SECOND * 20),
            ..timing()
        };
        run(&mut feed, sink(writer), timing, pending())
            .await
            .unwrap();
    };
    tokio::join!(reader, session);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.last().unwrap()["reason"], "duration");
    assert!(
        (9..=12).contains(&lines.last().unwrap()["ticks"].as_u64().unwrap()),
        "{text}"
    );
    assert!(
        feed.pumped >= 190,
        "counting went on: pumped {} times",
        feed.pumped
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_never_reads_does_not_hold_up_the_end() {
    let mut feed = Script::of_ticks(100);
    let (writer, _source) = duplex(16);
    let stop = tokio::time::sleep(SECOND * 2);
    let run = run(&mut feed, sink(writer), timing(), stop);
    tokio::time::timeout(SECOND * 10, run)
        .await
        .expect("ends in time")
        .unwrap();
    assert_eq!(feed.finished, 1);
}

#[test]
fn an_interface_that_is_not_there_is_wrong_usage() {
    let links = [link("lo", 0, 0), link("eth0", 0, 0)];
    assert!(check_iface("eth0", &links).is_ok());
    let error = check_iface("eht0", &links).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no interface `eht0`, but `lo`, `eth0`"
    );
    assert!(
        check_iface("eth0", &[]).is_ok(),
        "where no interface can be read, none is denied"
    );
}
