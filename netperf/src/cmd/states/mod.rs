//! Which states are the sockets in, and is that a problem?

pub(super) mod args;
mod config;

use std::io;

pub(super) use self::config::{churn, every_tcp_socket, sockets_that_wait};

use netperf_core::collect::{AttachedHook, HookPreference};
use netperf_core::model::states::StatesModel;
use netperf_core::sample::refusal::{RefusalReading, Refusals};
use netperf_core::sample::socket::{SocketSample, Unseen};
use netperf_sys::capture::{RefusalFeed, Scope, SocketFeed, SocketRequest};

use super::logging;
use super::session::timer::Timing;
use super::session::{self, Look, Opening, failure};
use crate::render::states::Written;
use crate::view::envelope::End;
use crate::view::states::{StatesOptions, StatesTick};

/// A run of `states`.
#[derive(Clone, Debug)]
pub struct StatesRun {
    request: SocketRequest,
    options: StatesOptions,
    written: Written,
    /// More than one look.
    timing: Option<Timing>,
    /// Which kind, for what is refused between two looks.
    hooks: HookPreference,
    verbosity: u8,
}

impl StatesRun {
    /// Whether there is a time between looks: what happens in it is seen by hooks alone.
    fn looks_again(&self) -> bool {
        self.timing.is_some_and(|timing| timing.count != Some(1))
    }
}

/// Shows the states.
pub(super) async fn run(run: StatesRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    let counting = Counting {
        written: run.written.clone(),
        refusals: run
            .looks_again()
            .then(|| RefusalFeed::open(run.hooks, false)),
        feed: SocketFeed::open(),
        model: StatesModel::default(),
        run: &run,
    };
    session::run(counting, run.timing).await
}

/// Looks at the states.
struct Counting<'r> {
    run: &'r StatesRun,
    written: Written,
    feed: SocketFeed,
    /// `None` where one look is all.
    refusals: Option<Result<RefusalFeed, Unseen>>,
    model: StatesModel,
}

impl Counting<'_> {
    /// Looks at the sockets, and at what was refused since the look before.
    fn sample(&mut self) -> anyhow::Result<SocketSample> {
        let mut sample = self.feed.read(&self.run.request).map_err(failure)?;
        match self.refusals.as_mut().map(refused) {
            Some(Ok(mut refused)) => {
                if self.run.request.namespaces != Scope::All {
                    let is_there = |it: &RefusalReading| sample.namespaces.contains(&it.netns);
                    refused.readings.retain(is_there);
                }
                sample.refusals = refused;
            }
            Some(Err(unseen)) => sample.unseen.push(unseen),
            None => {}
        }
        Ok(sample)
    }

    fn hooks(&self) -> &[AttachedHook] {
        match &self.refusals {
            Some(Ok(feed)) => feed.hooks(),
            Some(Err(_)) | None => &[],
        }
    }
}

fn refused(feed: &mut Result<RefusalFeed, Unseen>) -> Result<Refusals, Unseen> {
    match feed {
        Ok(feed) => feed.read(),
        Err(unseen) => Err(unseen.clone()),
    }
}

impl Look for Counting<'_> {
    fn look(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let options = &self.run.options;
        let sample = self.sample()?;
        let is_first = !self.model.has_looked();
        self.model
            .advance(&sample, &|socket| options.takes(&sample, socket));
        if is_first {
            let opening = Opening {
                command: "states",
                wall: sample.wall,
                timing: self.run.timing,
                unseen: &sample.unseen,
                hooks: self.hooks(),
            };
            self.written.start(&opening.start(), out)?;
        }
        drop(sample);
        let tick = StatesTick::new(&self.model, options);
        self.written.tick(&tick, out)?;
        Ok(())
    }

    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        self.written.end(end, out)
    }
}
