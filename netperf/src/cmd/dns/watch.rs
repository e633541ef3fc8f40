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
use crate::cmd::looks::{Opening, end};
use crate::cmd::probing::{Output, write};
use crate::cmd::signals::Signals;
use crate::cmd::timer::{Timer, Timing};
use crate::render::{dns_watch, hangup, json};
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
    let stop = Signals::open().context("can't handle signals")?.any();
    let mut stop = pin!(async {
        tokio::select! {
            () = stop => Some(Reason::Signal),
            () = hangup::of_stdout() => None,
        }
    });
    let mut watching = Watching::open(&run)?;
    watching.start()?;
    let mut timer = Timer::new(Instant::now(), run.timing);
    let reason = loop {
        let next = timer.next();
        let due = timer.deadline().map_or(next, |end| end.min(next));
        let wake = due.min(Instant::now() + PAUSE);
        tokio::select! {
            () = sleep_until(wake) => {}
            reason = stop.as_mut() => break reason,
        }
        watching.look()?;
        if Instant::now() < due {
            continue;
        }
        watching.tick()?;
        if let Some(reason) = timer.tick(Instant::now()) {
            return watching.end(reason);
        }
    };
    match reason {
        None => Ok(()),
        Some(reason) => {
            watching.look()?;
            watching.tick()?;
            watching.end(reason)
        }
    }
}

/// A session.
struct Watching<'r> {
    run: &'r DnsWatchRun,
    feed: DnsFeed,
    model: DnsWatch,
    ticked: MonoNs,
    ticks: u64,
}

impl<'r> Watching<'r> {
    fn open(run: &'r DnsWatchRun) -> anyhow::Result<Self> {
        Ok(Self {
            feed: DnsFeed::open()?,
            model: DnsWatch::new(run.patience),
            ticked: clock::now().0,
            ticks: 0,
            run,
        })
    }

    fn start(&self) -> anyhow::Result<()> {
        let hooks = self.feed.hooks();
        let opening = Opening {
            command: "dns",
            wall: clock::now().1,
            timing: Some(self.run.timing),
            unseen: &[],
            hooks: &hooks,
        };
        let start: Start = opening.start();
        let mut out = Vec::new();
        if self.run.output.json {
            json::line(&start, &mut out)?;
        } else {
            let hooks = start.attachments().join(" ");
            writeln!(out, "waiting for queries to port 53; hooks: {hooks}")?;
        }
        write(&out)
    }

    /// Shows what has ended since the last look.
    fn look(&mut self) -> anyhow::Result<()> {
        let now = clock::now();
        let mut ended: Vec<DnsQuery> = Vec::new();
        for packet in self.feed.take() {
            ended.extend(self.model.take(&packet));
        }
        ended.extend(self.model.expire(now.0));
        let mut out = Vec::new();
        for query in &ended {
            if !self.run.options.takes(query.process.id.tgid) {
                continue;
            }
            let row = QueryRow::new(query, now);
            if self.run.output.json {
                json::line(&row, &mut out)?;
            } else {
                dns_watch::query(&row, &mut out)?;
            }
        }
        write(&out)
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        let (now, wall) = clock::now();
        let interval = now.since(self.ticked).unwrap_or_default();
        self.ticked = now;
        self.ticks += 1;
        let tick = DnsWatchTick::new(
            (wall, interval.as_secs_f64()),
            self.model.end_tick(),
            self.feed.unread()?,
            &self.run.options,
        );
        let mut out = Vec::new();
        if self.run.output.json {
            json::line(&tick, &mut out)?;
        } else {
            dns_watch::tick(&tick, self.run.output.width, &mut out)?;
        }
        write(&out)
    }

    fn end(&self, reason: Reason) -> anyhow::Result<()> {
        let mut out = Vec::new();
        if self.run.output.json {
            json::line(&end(self.ticks, reason), &mut out)?;
        }
        write(&out)
    }
}
