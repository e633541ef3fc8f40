//! The command `sockets`: lists sockets, or closes them.

pub(super) mod args;
mod close;
mod config;

use netperf_core::clock::MonoNs;
use netperf_core::sample::socket::SocketSample;
use netperf_sys::capture::{SocketFeed, SocketRequest};

use self::args::SocketsArgs;
use super::args::common::Common;
use super::args::existing;
use super::listing::failure;
use super::logging;
use super::session::{self, Opening, Poll, Reading, Timing, at_once};
use crate::render::output::{Format, Output};
use crate::render::prose::NotShown;
use crate::render::sockets::{Listing, Show};
use crate::view::envelope::Start;
use crate::view::sockets::{SocketsOptions, SocketsTick};

/// A run of `sockets`.
#[derive(Debug)]
struct SocketsRun {
    request: SocketRequest,
    options: SocketsOptions,
    show: Show,
    format: Format,
    /// Timing of several snapshots; `None` for one.
    timing: Option<Timing>,
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

    fn listing<'t>(&self, tick: &'t SocketsTick<'t>) -> Listing<'t> {
        Listing {
            tick,
            show: self.show,
            repeated: self.timing.is_some(),
        }
    }
}

/// Lists the sockets, or closes them with `--kill`.
pub(super) async fn run(args: SocketsArgs, common: &Common) -> anyhow::Result<()> {
    let (kill, is_agreed) = (args.kill, args.yes);
    let mut run = SocketsRun::new(args, common)?;
    existing::check(&mut run.options.processes)?;
    logging::start(common.verbose, None);
    if kill {
        return close::close(&run, is_agreed);
    }
    let (format, timing) = (run.format, run.timing);
    let sockets = Sockets {
        feed: SocketFeed::open(),
        before: None,
        run,
    };
    session::poll(sockets, format, timing).await
}

/// The sockets of this machine.
struct Sockets {
    run: SocketsRun,
    feed: SocketFeed,
    before: Option<MonoNs>,
}

impl Poll for Sockets {
    type Snapshot = SocketSample;

    fn read(&mut self) -> Reading<SocketSample> {
        let read = self.feed.read(&self.run.request);
        at_once(read.map_err(|error| failure(error).into()))
    }

    fn report(&mut self, sample: SocketSample, out: &mut Output) -> anyhow::Result<()> {
        let run = &self.run;
        if self.before.is_none() {
            out.report(&NotShown(&run.start(&sample)))?;
        }
        let length = self.before.and_then(|before| sample.at.since(before));
        let interval_s = length.map(|length| length.as_secs_f64());
        let tick = SocketsTick::new(&sample, &run.options, interval_s);
        out.report(&run.listing(&tick))?;
        self.before = Some(sample.at);
        Ok(())
    }
}
