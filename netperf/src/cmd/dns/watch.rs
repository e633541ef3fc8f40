//! `dns --watch`: the DNS queries of all processes on this machine.

use std::time::Duration;

use netperf_core::clock::{self, MonoNs};
use netperf_core::model::dns_watch::{DnsQuery, DnsWatch};
use netperf_sys::capture::DnsFeed;
use tokio::time::{Instant, sleep_until};

use super::args::DnsArgs;
use crate::cmd::args::common::Common;
use crate::cmd::logging;
use crate::cmd::session::{Ending, Opening, Session, Signals, Source, Step, Timer, end};
use crate::render::dns_watch::Waiting;
use crate::render::output::{Format, Output};
use crate::view::dns_watch::query_row::QueryRow;
use crate::view::dns_watch::{DnsWatchOptions, DnsWatchTick};
use crate::view::envelope::{Reason, Start};

/// How long packets may wait in the ring buffer, which has room for some 2500.
const PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for an answer without `--timeout`: as long as the C library waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reports queries as they end, and their processes once a tick.
pub(super) async fn run(args: DnsArgs, common: &Common, format: Format) -> anyhow::Result<()> {
    logging::start(common.verbose, None);
    let signals = Signals::open()?;
    let feed = DnsFeed::open()?;
    let hooks = feed.hooks();
    let opening = Opening {
        hooks: &hooks,
        ..Opening::now("dns", Some(common.timing()))
    };
    let queries = Queries {
        start: opening.start(),
        feed,
        model: DnsWatch::new(args.timeout.unwrap_or(PATIENCE)),
        options: DnsWatchOptions { pids: args.pid },
        ticked: clock::now().0,
        next: Instant::now() + PAUSE,
        ticks: 0,
        unshown: 0,
    };
    let timer = Timer::new(Instant::now(), common.timing());
    let session = Session::new(signals, timer, format);
    session.run(queries).await
}

/// The source of queries.
struct Queries {
    start: Start,
    feed: DnsFeed,
    model: DnsWatch,
    options: DnsWatchOptions,
    ticked: MonoNs,
    /// When to read the ring buffer again.
    next: Instant,
    ticks: u64,
    /// Queries without a line of their own, because the reader was too slow. The ticks count them.
    unshown: u64,
}

impl Queries {
    /// Reports the queries that have ended since the last call.
    fn drain(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let now = clock::now();
        let mut ended: Vec<DnsQuery> = Vec::new();
        for packet in self.feed.take() {
            ended.extend(self.model.take(&packet));
        }
        let late = self.model.expire(now.0).into_iter();
        ended.extend(late.filter(|query| !query.is_settled));
        for query in &ended {
            if !self.options.wants(query.process.id.tgid) {
                continue;
            }
            if out.has_room() {
                out.report(&QueryRow::new(query, now))?;
            } else {
                self.unshown += 1;
            }
        }
        Ok(())
    }
}

impl Source for Queries {
    type Event = ();

    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        out.report(&Waiting(&self.start))?;
        Ok(Step::GoOn)
    }

    async fn next(&mut self, _: bool) -> anyhow::Result<()> {
        sleep_until(self.next).await;
        Ok(())
    }

    fn take(&mut self, (): (), out: &mut Output) -> anyhow::Result<Step> {
        self.next = Instant::now() + PAUSE;
        self.drain(out)?;
        Ok(Step::GoOn)
    }

    fn tick(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        self.drain(out)?;
        let (now, wall) = clock::now();
        let interval = now.since(self.ticked).unwrap_or_default();
        self.ticked = now;
        self.ticks += 1;
        let mut unread = self.feed.unread()?;
        unread.unread += self.unshown;
        out.report(&DnsWatchTick::new(
            (wall, interval.as_secs_f64()),
            self.model.end_tick(),
            unread,
            &self.options,
        ))?;
        Ok(Step::GoOn)
    }

    fn finish(mut self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending> {
        self.tick(out)?;
        Ok(Ending {
            end: end(self.ticks, reason),
            verdict: Ok(()),
        })
    }
}
