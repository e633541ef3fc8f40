//! How is something looked at once, or once a tick? The loop of the commands that need no hooks.

mod envelope;
pub(super) mod signals;
pub(super) mod timer;

use std::io;
use std::pin::pin;

use anyhow::Context;
use tokio::time::{Instant, sleep_until};

pub(super) use self::envelope::{Opening, end, failure, repeats};
use self::signals::Signals;
use self::timer::{Timer, Timing};
use crate::render::hangup;
use crate::render::limit::{Key, Keys};
use crate::render::sink::Sink;
use crate::view::envelope::{End, Reason};
use netperf_core::failure::Failure;

/// Something that can be looked at.
pub(super) trait Look {
    /// Takes a look and writes it; the first one writes what stands before it as well.
    fn look(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()>;

    /// Whether the first look is only what the others are compared with, and no tick.
    fn first_is_base(&self) -> bool {
        false
    }

    /// Whether somebody watches on a terminal, and may press `q`.
    fn is_live(&self) -> bool {
        false
    }

    /// Writes what stands after the last look.
    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()>;

    /// Whether all is as was asked for, after the last look.
    fn verdict(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Looks once, or as `timing` says, until it is over or nobody reads any more.
pub(super) async fn run(look: impl Look, timing: Option<Timing>) -> anyhow::Result<()> {
    let stop = Signals::open().context("can't handle signals")?.any();
    let keys = if look.is_live() {
        Keys::open().context("can't hear the keys")?
    } else {
        Keys::none()
    };
    let mut stop = pin!(async {
        tokio::select! {
            () = stop => Some(Reason::Signal),
            () = quit(keys) => Some(Reason::Signal),
            () = hangup::of_stdout() => None,
        }
    });
    let mut looks = Looks::new(look, timing)?;
    loop {
        let ended = tokio::select! {
            reason = stop.as_mut() => reason.map_or(Ended::Unseen, Ended::For),
            next = looks.wait() => next?,
        };
        match ended {
            Ended::Not => looks.look()?,
            Ended::For(reason) => return looks.end(reason).await,
            Ended::Unseen => return Ok(()),
        }
    }
}

/// Waits for the key that ends a session.
async fn quit(mut keys: Keys) {
    while keys.next().await != Key::Quit {}
}

/// Whether a session goes on.
enum Ended {
    /// It does.
    Not,
    /// It does not.
    For(Reason),
    /// Nobody looks any more.
    Unseen,
}

/// One look after the other.
struct Looks<L> {
    look: L,
    count: Option<u64>,
    timer: Option<Timer>,
    ticks: u64,
    sink: Sink,
}

impl<L: Look> Looks<L> {
    /// Takes the first look.
    fn new(look: L, timing: Option<Timing>) -> anyhow::Result<Self> {
        let mut looks = Self {
            look,
            count: timing.and_then(|timing| timing.count),
            timer: None,
            ticks: 0,
            sink: Sink::unwatched_stdout(),
        };
        looks.look()?;
        if looks.look.first_is_base() {
            looks.ticks = 0;
        }
        looks.timer = timing.map(|timing| Timer::new(Instant::now(), timing));
        Ok(looks)
    }

    /// Waits until the last look has been read and the next is due, if there is to be one.
    async fn wait(&mut self) -> anyhow::Result<Ended> {
        self.sink.drain().await.context("can't write")?;
        let is_last = self.count == Some(self.ticks);
        let Some(timer) = self.timer.as_mut().filter(|_| !is_last) else {
            return Ok(Ended::For(Reason::Count));
        };
        let next = timer.next();
        sleep_until(timer.deadline().map_or(next, |end| end.min(next))).await;
        Ok(match timer.tick(Instant::now()) {
            Some(Reason::Duration) => Ended::For(Reason::Duration),
            _ => Ended::Not,
        })
    }

    fn look(&mut self) -> anyhow::Result<()> {
        self.ticks += 1;
        self.look.look(self.sink.pending())
    }

    async fn end(mut self, reason: Reason) -> anyhow::Result<()> {
        self.look
            .end(&end(self.ticks, reason), self.sink.pending())?;
        self.sink.finish(reason).await.context("can't write")?;
        Ok(self.look.verdict()?)
    }
}
