//! The command `states`: sockets by TCP state, and whether that is a problem.

pub(super) mod args;
mod config;
mod watch;

use netperf_core::collect::AttachedHook;
use netperf_core::model::states::StatesModel;
use netperf_core::sample::refusal::{RefusalReading, Refusals};
use netperf_core::sample::socket::{SocketSample, Unseen};
use netperf_sys::capture::{RefusalFeed, Scope, SocketFeed, SocketRequest};

use self::args::StatesArgs;
use super::args::common::Common;
use super::args::existing;
use super::listing::{every_tcp_socket, failure};
use super::session::{self, Opening, Poll, Reading, Timing, at_once};
use super::{live, logging};
use crate::render::output::{Format, Output};
use crate::render::prose::NotShown;
use crate::render::states::States;
use crate::view::states::{StatesOptions, StatesTick};
use crate::view::without_filter::WithoutFilter;

/// Shows the states, or each transition.
pub(super) async fn run(args: StatesArgs, common: &Common) -> anyhow::Result<()> {
    if args.watch {
        return Box::pin(live::run(config::churn(args)?, common)).await;
    }
    logging::start(common.verbose, None);
    let timing = common.repeated();
    let namespaces = args.netns;
    let mut options = config::options(args);
    existing::check(&mut options.processes)?;
    // What happens in the time between two snapshots is seen by hooks alone.
    let goes_on = timing.is_some_and(|timing| timing.count != Some(1));
    let counting = Counting {
        refusals: goes_on.then(|| RefusalFeed::open(common.hooks, false)),
        feed: SocketFeed::open(),
        model: StatesModel::default(),
        request: every_tcp_socket(namespaces),
        options,
        timing,
        known_advice: Vec::new(),
    };
    session::poll(counting, common.format(Format::Text), timing).await
}

/// Counts the sockets of this machine.
struct Counting {
    request: SocketRequest,
    options: StatesOptions,
    timing: Option<Timing>,
    feed: SocketFeed,
    /// `None` if there is a single snapshot.
    refusals: Option<Result<RefusalFeed, Unseen>>,
    model: StatesModel,
    /// Advice of the report before.
    known_advice: Vec<Vec<String>>,
}

impl Counting {
    /// Reads the sockets, and the calls that failed since the last reading.
    fn sample(&mut self) -> anyhow::Result<SocketSample> {
        let mut sample = self.feed.read(&self.request).map_err(failure)?;
        match self.refusals.as_mut().map(refused) {
            Some(Ok(mut refused)) => {
                if self.request.namespaces != Scope::All {
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

impl Poll for Counting {
    type Snapshot = SocketSample;

    fn read(&mut self) -> Reading<SocketSample> {
        at_once(self.sample())
    }

    fn report(&mut self, sample: SocketSample, out: &mut Output) -> anyhow::Result<()> {
        let options = &self.options;
        if !self.model.has_looked() {
            let opening = Opening {
                command: "states",
                wall: sample.wall,
                timing: self.timing,
                unseen: &sample.unseen,
                hooks: self.hooks(),
            };
            out.report(&NotShown(&opening.start()))?;
        }
        self.model
            .advance(&sample, &|socket| options.takes(&sample, socket));
        let all = sample.sockets.len();
        drop(sample);
        let mut tick = StatesTick::new(&self.model, options);
        if tick.figures.counts.total() == 0 && options.has_filter() {
            tick.without_filter = Some(WithoutFilter::rows(all));
        }
        out.report(&States {
            tick: &tick,
            known_advice: &self.known_advice,
        })?;
        let advice = tick.findings.iter().map(|found| found.advice.clone());
        self.known_advice = advice.collect();
        Ok(())
    }
}
