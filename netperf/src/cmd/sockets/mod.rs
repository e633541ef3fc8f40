//! Which sockets are there, and which of them are to be closed?

pub(super) mod args;
mod close;
mod config;

use std::io;

use netperf_core::clock::MonoNs;
use netperf_core::sample::socket::SocketSample;
use netperf_sys::capture::{SocketFeed, SocketRequest};

use super::logging;
use super::session::timer::Timing;
use super::session::{self, Look, Opening, failure};
use crate::render::sockets::Written;
use crate::view::envelope::{End, Start};
use crate::view::sockets::{SocketsOptions, SocketsTick};

/// A run of `sockets`.
#[derive(Clone, Debug)]
pub struct SocketsRun {
    request: SocketRequest,
    options: SocketsOptions,
    written: Written,
    /// More than one look.
    timing: Option<Timing>,
    verbosity: u8,
    /// The sockets are to be closed.
    kill: Option<Consent>,
}

/// Whether sockets may be closed without asking.
#[derive(Clone, Copy, Debug)]
struct Consent {
    given: bool,
}

impl SocketsRun {
    fn start(&self, sample: &SocketSample) -> Start {
        let opening = Opening {
            command: "sockets",
            wall: sample.wall,
            timing: self.timing,
            unseen: &sample.unseen,
            hooks: &[],
        };
        opening.start()
    }
}

/// Shows the sockets, and closes them if that was asked for.
pub(super) async fn run(run: SocketsRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    if let Some(consent) = run.kill {
        return close::close(&run, consent);
    }
    let listing = Listing {
        feed: SocketFeed::open(),
        before: None,
        run: &run,
    };
    session::run(listing, run.timing).await
}

/// Looks at the sockets.
struct Listing<'r> {
    run: &'r SocketsRun,
    feed: SocketFeed,
    before: Option<MonoNs>,
}

impl Look for Listing<'_> {
    fn look(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let run = self.run;
        let sample = self.feed.read(&run.request).map_err(failure)?;
        if self.before.is_none() {
            run.written.start(&run.start(&sample), out)?;
        }
        let length = self.before.and_then(|before| sample.at.since(before));
        let interval_s = length.map(|length| length.as_secs_f64());
        let tick = SocketsTick::new(&sample, &run.options, interval_s);
        run.written.tick(&tick, out)?;
        self.before = Some(sample.at);
        Ok(())
    }

    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        self.run.written.end(end, out)
    }
}
