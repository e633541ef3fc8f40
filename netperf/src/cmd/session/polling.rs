//! The source of commands that read a whole report at once, or once a tick: a listing, or answers to
//! probes.

use std::future::{pending, ready};
use std::pin::Pin;

use netperf_core::failure::Failure;

use super::{Ending, Source, Step, end};
use crate::render::output::Output;
use crate::view::envelope::Reason;

/// A reading that is under way.
pub(in crate::cmd) type Reading<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>>>>;

/// Something to read once, or once a tick.
pub(in crate::cmd) trait Poll {
    /// The result of one reading.
    type Snapshot: 'static;

    /// Writes the first object or text, if it is known before the first reading.
    fn start(&mut self, _: &mut Output) -> anyhow::Result<()> {
        Ok(())
    }

    /// Begins a reading.
    fn read(&mut self) -> Reading<Self::Snapshot>;

    /// Reports the result of a reading.
    fn report(&mut self, snapshot: Self::Snapshot, out: &mut Output) -> anyhow::Result<()>;

    /// Whether all checks passed, at the end.
    fn verdict(self) -> Result<(), Failure>
    where
        Self: Sized,
    {
        Ok(())
    }
}

/// A reading whose result is there already.
pub(in crate::cmd) fn at_once<T: 'static>(read: anyhow::Result<T>) -> Reading<T> {
    Box::pin(ready(read))
}

/// Reads once, or once a tick. A slow reading makes its tick longer.
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
