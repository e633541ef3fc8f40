use std::cell::Cell;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncReadExt, duplex};
use tokio::time::{Instant, sleep};

use super::{Poll, Polling, Reading, Session, Stop, Stops, Timer, Timing};
use crate::render::hangup;
use crate::render::keys::Keys;
use crate::render::output::{Format, Output, Report, Style};
use crate::render::sink::Sink;

const SECOND: Duration = Duration::from_secs(1);

/// No signal comes.
struct Never;

impl Stops for Never {
    async fn next(&mut self) -> Stop {
        pending().await
    }
}

/// A number that takes so long to find.
struct Numbers {
    takes: Duration,
    begun: Rc<Cell<u64>>,
}

#[derive(Serialize)]
struct Number(u64);

impl Report for Number {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(format!("{}\n", self.0).as_bytes());
        Ok(())
    }
}

impl Poll for Numbers {
    type Snapshot = u64;

    fn read(&mut self) -> Reading<u64> {
        let number = self.begun.get();
        self.begun.set(number + 1);
        let takes = self.takes;
        Box::pin(async move {
            sleep(takes).await;
            Ok(number)
        })
    }

    fn report(&mut self, number: u64, out: &mut Output) -> anyhow::Result<()> {
        Ok(out.report(&Number(number))?)
    }
}

/// How many readings were begun, and what a reader gets that begins after `pause`.
async fn polled(takes: Duration, timing: Option<Timing>, pause: Duration) -> (u64, Vec<String>) {
    let (writer, mut source) = duplex(4);
    let session = Session {
        signals: Never,
        keys: Keys::none(),
        timer: Timer::at_once(Instant::now(), timing),
        output: Output::to(Sink::new(writer, hangup::never()), Format::Json),
    };
    let begun = Rc::new(Cell::new(0));
    let numbers = Numbers {
        takes,
        begun: Rc::clone(&begun),
    };
    let mut text = String::new();
    let read = async {
        sleep(pause).await;
        source.read_to_string(&mut text).await.unwrap();
    };
    let (ended, ()) = tokio::join!(session.run(Polling::new(numbers)), read);
    ended.unwrap();
    (begun.get(), text.lines().map(str::to_owned).collect())
}

fn timing(count: u64) -> Timing {
    Timing {
        interval: SECOND,
        count: Some(count),
        duration: None,
    }
}

#[tokio::test(start_paused = true)]
async fn one_report_reaches_a_slow_reader_whole() {
    let (begun, lines) = polled(SECOND, None, SECOND * 60).await;
    assert_eq!(begun, 1);
    assert_eq!(lines[0], "0");
    assert!(lines[1].contains(r#""reason":"count""#), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn no_reading_begins_while_another_is_under_way() {
    let start = Instant::now();
    let (begun, lines) = polled(SECOND * 5 / 2, Some(timing(3)), Duration::ZERO).await;
    assert_eq!(begun, 3);
    assert_eq!(lines[..3], ["0", "1", "2"]);
    // At once, and then whenever the one before has ended: what was missed is one longer tick.
    assert_eq!(start.elapsed(), SECOND * 15 / 2);
}

#[tokio::test(start_paused = true)]
async fn a_tick_waits_until_the_reader_has_taken_the_one_before() {
    let long = 6 + u64::from(u8::MAX);
    let (begun, lines) = polled(Duration::ZERO, Some(timing(long)), SECOND * 10).await;
    assert_eq!(begun, long);
    let ticks: Vec<u64> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    assert!(ticks.iter().copied().eq(0..long), "{lines:?}");
}
