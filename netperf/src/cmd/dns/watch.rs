//! Which names do the processes of this machine look up? The loop of `dns --watch`.

use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use netperf_core::clock::{self, MonoNs};
use netperf_core::model::dns_watch::{DnsQuery, DnsWatch};
use netperf_sys::capture::DnsFeed;
use tokio::time::{Instant, sleep_until};

use crate::cmd::args::Common;
use crate::cmd::config::timing;
use crate::cmd::logging;
use crate::cmd::probing::Output;
use crate::cmd::session::signals::Signals;
use crate::cmd::session::timer::{Timer, Timing};
use crate::cmd::session::{Opening, end};
use crate::render::sink::Sink;
use crate::render::{dns_watch, json};
use crate::view::dns_watch::query_row::QueryRow;
use crate::view::dns_watch::{DnsWatchOptions, DnsWatchTick};
use crate::view::envelope::{Reason, Start};

/// How long packets may wait in the ring buffer, which has room for some 2500.
const PAUSE: Duration = Duration::from_millis(50);

/// How long an answer is waited for if nothing else is asked for: as long as the C library waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run of `dns --watch`.
#[derive(Clone, Debug)]
pub struct DnsWatchRun {
    patience: Duration,
    options: DnsWatchOptions,
    timing: Timing,
    output: Output,
}

impl DnsWatchRun {
    pub(super) fn new(pids: &[u32], patience: Option<Duration>, common: &Common) -> Self {
        Self {
            patience: patience.unwrap_or(PATIENCE),
            options: DnsWatchOptions {
                pids: pids.to_vec(),
            },
            timing: timing(common),
            output: Output::new(common),
        }
    }
}

/// Shows queries as they end, and once a tick who asked.
pub(in crate::cmd) async fn run(run: DnsWatchRun) -> anyhow::Result<()> {
    logging::start(run.output.verbosity, None);
    let mut stop = pin!(Signals::open().context("can't handle signals")?.any());
    let mut watching = Watching::open(&run)?;
    let mut sink = Sink::stdout();
    watching.start(sink.pending())?;
    let mut timer = Timer::new(Instant::now(), run.timing);
    let reason = loop {
        let deadline = timer.deadline();
        let pause = Instant::now() + PAUSE;
        // While the reader is busy, a tick that is due would wake the loop at once, again and again.
        let next = if sink.is_ready() {
            timer.next().min(pause)
        } else {
            pause
        };
        let wake = deadline.map_or(next, |end| end.min(next));
        tokio::select! {
            () = sleep_until(wake) => {}
            () = stop.as_mut() => break Reason::Signal,
            closed = sink.write_until_closed() => return closed.context("can't write"),
        }
        let is_ready = sink.is_ready();
        watching.look(&mut sink)?;
        let now = Instant::now();
        let is_over = deadline.is_some_and(|end| end <= now);
        // A tick waits until the one before has been read, and is longer then.
        let is_due = is_over || is_ready && timer.next() <= now;
        if !is_due {
            continue;
        }
        watching.tick(sink.pending())?;
        if let Some(reason) = timer.tick(now) {
            watching.end(reason, sink.pending())?;
            return sink.finish(reason).await.context("can't write");
        }
    };
    watching.look(&mut sink)?;
    watching.tick(sink.pending())?;
    watching.end(reason, sink.pending())?;
    sink.finish(reason).await.context("can't write")
}

/// A session.
struct Watching<'r> {
    run: &'r DnsWatchRun,
    feed: DnsFeed,
    model: DnsWatch,
    ticked: MonoNs,
    ticks: u64,
    /// Queries that are counted in the ticks and have no line of their own, since the reader was too slow.
    unshown: u64,
}

impl<'r> Watching<'r> {
    fn open(run: &'r DnsWatchRun) -> anyhow::Result<Self> {
        Ok(Self {
            feed: DnsFeed::open()?,
            model: DnsWatch::new(run.patience),
            ticked: clock::now().0,
            ticks: 0,
            unshown: 0,
            run,
        })
    }

    fn start(&self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let hooks = self.feed.hooks();
        let opening = Opening {
            command: "dns",
            wall: clock::now().1,
            timing: Some(self.run.timing),
            unseen: &[],
            hooks: &hooks,
        };
        let start: Start = opening.start();
        if self.run.output.json {
            json::line(&start, out)?;
        } else {
            let hooks = start.attachments().join(" ");
            writeln!(out, "waiting for queries to port 53; hooks: {hooks}")?;
        }
        Ok(())
    }

    /// Shows what has ended since the last look.
    fn look(&mut self, sink: &mut Sink) -> anyhow::Result<()> {
        let now = clock::now();
        let mut ended: Vec<DnsQuery> = Vec::new();
        for packet in self.feed.take() {
            ended.extend(self.model.take(&packet));
        }
        ended.extend(self.model.expire(now.0));
        for query in &ended {
            if !self.run.options.takes(query.process.id.tgid) {
                continue;
            }
            if !sink.has_room() {
                self.unshown += 1;
                continue;
            }
            let row = QueryRow::new(query, now);
            if self.run.output.json {
                json::line(&row, sink.pending())?;
            } else {
                dns_watch::query(&row, sink.pending())?;
            }
        }
        Ok(())
    }

    fn tick(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let (now, wall) = clock::now();
        let interval = now.since(self.ticked).unwrap_or_default();
        self.ticked = now;
        self.ticks += 1;
        let mut unread = self.feed.unread()?;
        unread.unread += self.unshown;
        let tick = DnsWatchTick::new(
            (wall, interval.as_secs_f64()),
            self.model.end_tick(),
            unread,
            &self.run.options,
        );
        if self.run.output.json {
            json::line(&tick, out)?;
        } else {
            dns_watch::tick(&tick, self.run.output.width, out)?;
        }
        Ok(())
    }

    fn end(&self, reason: Reason, out: &mut Vec<u8>) -> anyhow::Result<()> {
        if self.run.output.json {
            json::line(&end(self.ticks, reason), out)?;
        }
        Ok(())
    }
}
