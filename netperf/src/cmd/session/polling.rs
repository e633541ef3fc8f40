//! How is something read once, or once a tick? The source of commands that report what they read as a
//! whole: a listing, or the answers to what they send.

use std::future::{pending, ready};
use std::pin::Pin;

use netperf_core::failure::Failure;

use super::{Ending, Source, Step, end};
use crate::render::output::Output;
use crate::view::envelope::Reason;

/// A reading that is under way.
pub(in crate::cmd) type Reading<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>>>>;

/// Something that can be read.
pub(in crate::cmd) trait Poll {
    /// What is read.
    type Snapshot: 'static;

    /// Writes what stands before the first report, where that is known before.
    fn start(&mut self, _: &mut Output) -> anyhow::Result<()> {
        Ok(())
    }

    /// Begins to read.
    fn read(&mut self) -> Reading<Self::Snapshot>;

    /// Reports what was read.
    fn report(&mut self, snapshot: Self::Snapshot, out: &mut Output) -> anyhow::Result<()>;

    /// Whether all is as was asked for, after the end.
    fn verdict(self) -> Result<(), Failure>
    where
        Self: Sized,
    {
        Ok(())
    }
}

/// What was read without waiting for anybody.
pub(in crate::cmd) fn at_once<T: 'static>(read: anyhow::Result<T>) -> Reading<T> {
    Box::pin(ready(read))
}

/// Reads once, or once a tick. A reading that is under way makes the tick longer.
pub(in crate::cmd) struct Polling<P: Poll> {
    poll: P,
    reading: Option<Reading<P::Snapshot>>,
    is_last: bool,
    ticks: u64,
}

impl<P: Poll> Polling<P> {
    pub(in crate::cmd) fn new(poll: P) -> Self {
        Self {
            poll,
            reading: None,
            is_last: false,
            ticks: 0,
        }
    }
}

impl<P: Poll> Source for Polling<P> {
    type Event = P::Snapshot;

    const IS_PATIENT: bool = true;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        self.poll.start(out)?;
        Ok(Step::GoOn)
    }

    async fn next(&mut self, _: bool) -> anyhow::Result<P::Snapshot> {
        let Some(reading) = &mut self.reading else {
            return pending().await;
        };
        let snapshot = reading.await;
        self.reading = None;
        snapshot
    }

    fn take(&mut self, snapshot: P::Snapshot, out: &mut Output) -> anyhow::Result<Step> {
        self.ticks += 1;
        self.poll.report(snapshot, out)?;
        Ok(if self.is_last {
            Step::End(Reason::Count)
        } else {
            Step::GoOn
        })
    }

    fn is_busy(&self) -> bool {
        self.reading.is_some()
    }

    fn tick(&mut self, _: &mut Output) -> anyhow::Result<Step> {
        self.reading = Some(self.poll.read());
        Ok(Step::GoOn)
    }

    fn last_tick(&mut self, reason: Reason) -> anyhow::Result<Step> {
        if reason != Reason::Count {
            return Ok(Step::End(reason));
        }
        self.is_last = true;
        self.reading = Some(self.poll.read());
        Ok(Step::GoOn)
    }

    fn finish(self, reason: Reason, _: &mut Output) -> anyhow::Result<Ending> {
        Ok(Ending {
            end: end(self.ticks, reason),
            verdict: self.poll.verdict().map_err(Into::into),
        })
    }
}
