//! How is something asked of the network once, or once a tick? The loop of the commands that send
//! something to find out.

use std::io;
use std::pin::pin;

use anyhow::Context;
use netperf_core::clock;
use tokio::time::{Instant, sleep_until};

use super::args::Common;
use super::config::timing;
use super::logging;
use super::session::signals::Signals;
use super::session::timer::{Timer, Timing};
use super::session::{Opening, end, repeats};
use crate::render::sink::Sink;
use crate::render::{hangup, json, width};
use crate::view::envelope::Reason;
use netperf_core::failure::Failure;

/// Where the answers go, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) width: Option<usize>,
    timing: Option<Timing>,
    pub(super) verbosity: u8,
}

impl Output {
    pub(super) fn new(common: &Common) -> Self {
        Self {
            json: common.json,
            width: width::of_stdout().filter(|_| !common.batch),
            timing: repeats(common).then(|| timing(common)),
            verbosity: common.verbose,
        }
    }
}

/// Something that asks the network.
pub(super) trait Probing {
    /// Name of the command.
    const COMMAND: &'static str;

    /// Asks and writes what came; the reason, if a check was not met.
    fn ask(&mut self, out: &mut Vec<u8>) -> impl Future<Output = anyhow::Result<Option<String>>>;
}

/// Asks once, or as the timing says, until it is over or nobody reads any more.
///
/// # Errors
/// [`Failure::CheckFailed`] if a check was not met, at whichever time.
pub(super) async fn run<P: Probing>(mut probing: P, output: Output) -> anyhow::Result<()> {
    logging::start(output.verbosity, None);
    let stop = Signals::open().context("can't handle signals")?.any();
    let mut stop = pin!(async {
        tokio::select! {
            () = stop => Some(Reason::Signal),
            () = hangup::of_stdout() => None,
        }
    });
    let session = Session {
        json: output.json,
        command: P::COMMAND,
        timing: output.timing,
    };
    let mut sink = Sink::unwatched_stdout();
    session.start(sink.pending())?;
    let mut timer = output
        .timing
        .map(|timing| Timer::new(Instant::now(), timing));
    let (mut ticks, mut failed) = (0, None);
    let reason = loop {
        let asked = tokio::select! {
            asked = ask(&mut probing, &mut sink) => asked?,
            reason = stop.as_mut() => break reason,
        };
        ticks += 1;
        failed = asked.or(failed);
        let is_last = output
            .timing
            .is_none_or(|timing| timing.count == Some(ticks));
        let Some(timer) = timer.as_mut().filter(|_| !is_last) else {
            break Some(Reason::Count);
        };
        let next = timer.next();
        let due = timer.deadline().map_or(next, |end| end.min(next));
        tokio::select! {
            () = sleep_until(due) => {}
            reason = stop.as_mut() => break reason,
        }
        if timer.tick(Instant::now()) == Some(Reason::Duration) {
            break Some(Reason::Duration);
        }
    };
    if let Some(reason) = reason {
        session.end(ticks, reason, sink.pending())?;
        sink.finish(reason).await.context("can't write")?;
    }
    match failed {
        None => Ok(()),
        Some(why) => Err(Failure::CheckFailed(why).into()),
    }
}

/// Writes what is pending, then asks, and writes the answer.
async fn ask<P: Probing>(probing: &mut P, sink: &mut Sink) -> anyhow::Result<Option<String>> {
    sink.drain().await.context("can't write")?;
    let mut text = Vec::new();
    let failed = probing.ask(&mut text).await?;
    sink.pending().extend_from_slice(&text);
    sink.drain().await.context("can't write")?;
    Ok(failed)
}

/// What stands around the answers, in JSON.
struct Session {
    json: bool,
    command: &'static str,
    timing: Option<Timing>,
}

impl Session {
    fn start(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let opening = Opening {
            command: self.command,
            wall: clock::now().1,
            timing: self.timing,
            unseen: &[],
            hooks: &[],
        };
        self.line(&opening.start(), out)
    }

    fn end(&self, ticks: u64, reason: Reason, out: &mut Vec<u8>) -> io::Result<()> {
        self.line(&end(ticks, reason), out)
    }

    fn line(&self, object: &impl serde::Serialize, out: &mut Vec<u8>) -> io::Result<()> {
        if self.json {
            json::line(object, out)?;
        }
        Ok(())
    }
}
