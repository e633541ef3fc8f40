//! The loop that drives a command: timer, source, reader of the output, keys and signals. No reader can
//! block it.

mod envelope;
mod polling;
mod signals;
#[cfg(test)]
mod tests;
mod timer;

use std::future::pending;

use anyhow::Context;
use tokio::time::{Instant, sleep_until};

pub(super) use self::envelope::{Opening, end};
pub(super) use self::polling::{Poll, Polling, Reading, at_once};
pub(super) use self::signals::{Signals, Stop, Stops};
pub(super) use self::timer::{Timer, Timing};
use crate::render::keys::{Key, Keys};
use crate::render::output::{Format, Output, Silent};
use crate::render::sink::Reader;
use crate::view::envelope::{End, Reason};

/// The source of a command's reports.
pub(super) trait Source {
    /// An event between ticks.
    type Event;

    /// Whether to wait until the reader has the whole last report. A signal ends the wait.
    const IS_PATIENT: bool = false;

    /// Writes the first object or text.
    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step>;

    /// Waits for an event between ticks: a ring buffer to read, an answer, an order, a key of the
    /// screen. Dropping the future loses nothing. `is_ready` is false while the reader is busy.
    async fn next(&mut self, is_ready: bool) -> anyhow::Result<Self::Event>;

    /// Handles an event.
    fn take(&mut self, event: Self::Event, out: &mut Output) -> anyhow::Result<Step>;

    /// Whether the next tick has to wait.
    fn is_busy(&self) -> bool {
        false
    }

    /// Ends a tick and reports it. Not called if the timer has no ticks.
    fn tick(&mut self, _: &mut Output) -> anyhow::Result<Step> {
        Ok(Step::GoOn)
    }

    /// Ends the last tick, by count or by duration.
    fn last_tick(&mut self, reason: Reason) -> anyhow::Result<Step> {
        Ok(Step::End(reason))
    }

    /// Handles a signal to end.
    fn stop(&mut self, _: Stop) -> anyhow::Result<Step> {
        Ok(Step::End(Reason::Signal))
    }

    /// Handles a key.
    fn press(&mut self, key: Key, _: &mut Output) -> anyhow::Result<Step> {
        Ok(match key {
            Key::Quit => Step::End(Reason::Signal),
            Key::Faster | Key::Slower => Step::GoOn,
        })
    }

    /// Handles that the reader has gone.
    fn closed(&mut self, _: &mut Output) -> anyhow::Result<Step> {
        Ok(Step::Leave)
    }

    /// Stops without output.
    fn leave(self) -> anyhow::Result<()>
    where
        Self: Sized,
    {
        Ok(())
    }

    /// Stops, and reports what came since the last tick.
    fn finish(self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending>;
}

/// The end of a session.
pub(super) struct Ending {
    /// The last object.
    pub(super) end: End,
    /// Whether all checks passed.
    pub(super) verdict: anyhow::Result<()>,
}

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    GoOn,
    /// It ends, for this reason.
    End(Reason),
    /// It ends without output, because the reader has gone.
    Leave,
}

/// The signals, timer, keys and output of a session.
pub(super) struct Session<S> {
    pub(super) signals: S,
    pub(super) keys: Keys,
    pub(super) timer: Timer,
    pub(super) output: Output,
}

impl Session<Signals> {
    /// A session without keys.
    pub(super) fn new(signals: Signals, timer: Timer, format: Format) -> Self {
        Self {
            signals,
            keys: Keys::none(),
            timer,
            output: Output::new(format),
        }
    }
}

/// Polls once, or as `timing` says.
pub(super) async fn poll(
    poll: impl Poll,
    format: Format,
    timing: Option<Timing>,
) -> anyhow::Result<()> {
    let signals = Signals::open()?;
    let timer = Timer::at_once(Instant::now(), timing);
    let session = Session::new(signals, timer, format);
    session.run(Polling::new(poll)).await
}

impl<S: Stops> Session<S> {
    /// Reports what `source` delivers, until it ends or the reader has gone.
    pub(super) async fn run<F: Source>(mut self, mut source: F) -> anyhow::Result<()> {
        let mut step = source.start(&mut self.output)?;
        let reason = loop {
            match step {
                Step::GoOn => step = self.step(&mut source).await?,
                Step::End(reason) => break reason,
                Step::Leave => return source.leave(),
            }
        };
        self.end(source, reason).await
    }

    async fn step<F: Source>(&mut self, source: &mut F) -> anyhow::Result<Step> {
        let (is_ready, is_busy) = (self.output.is_ready(), source.is_busy());
        let (next, deadline) = (self.timer.next(), self.timer.deadline());
        tokio::select! {
            stop = self.signals.next() => source.stop(stop),
            key = self.keys.next() => source.press(key, &mut self.output),
            reader = self.output.reader() => match reader.context("can't write")? {
                Reader::TookAll => Ok(Step::GoOn),
                Reader::Gone => source.closed(&mut self.output),
            },
            () = until(next), if is_ready && !is_busy => self.tick(source),
            () = until(deadline), if !is_busy => self.tick(source),
            event = source.next(is_ready) => source.take(event?, &mut self.output),
        }
    }

    fn tick(&mut self, source: &mut impl Source) -> anyhow::Result<Step> {
        match self.timer.tick(Instant::now()) {
            None => source.tick(&mut self.output),
            Some(reason) => source.last_tick(reason),
        }
    }

    async fn end<F: Source>(mut self, source: F, mut reason: Reason) -> anyhow::Result<()> {
        // The terminal is in order before the last is said on it.
        self.keys = Keys::none();
        let Ending { end, verdict } = source.finish(reason, &mut self.output)?;
        self.output.report(&Silent(&end))?;
        if F::IS_PATIENT && reason != Reason::Signal {
            tokio::select! {
                drained = self.output.drain() => drained.context("can't write")?,
                _ = self.signals.next() => reason = Reason::Signal,
            }
        }
        self.output.finish(reason).await.context("can't write")?;
        verdict
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
