//! The command `nic`: the state of the interfaces, and which of them is the trouble.

pub(super) mod args;
mod config;
mod traffic;

use std::io;

use anyhow::Context;
use netperf_core::failure::Failure;
use netperf_core::model::nic::NicModel;
use netperf_core::sample::nic::NicSample;
use netperf_sys::capture::{NicFeed, NicsError};
use tokio::time::Instant;

use self::args::NicArgs;
use self::traffic::Traffic;
use super::args::common::Common;
use super::logging;
use super::session::{Opening, Poll, Polling, Reading, Session, Signals, Timer, Timing, at_once};
use crate::render::keys::Keys;
use crate::render::output::{Format, Output};
use crate::render::prose::NotShown;
use crate::view::nic::{NicOptions, NicTick};

/// Conditions that the last message names.
const NAMED_MAX: usize = 5;

/// Shows the interfaces.
pub(super) async fn run(args: NicArgs, common: &Common) -> anyhow::Result<()> {
    logging::start(common.verbose, None);
    let output = Output::new(common.format(Format::Live));
    let timing = config::timing(common, output.is_live());
    let session = Session {
        signals: Signals::open()?,
        keys: if output.is_live() {
            Keys::open().context("can't read the keys")?
        } else {
            Keys::none()
        },
        timer: Timer::new(Instant::now(), timing),
        output,
    };
    let interfaces = Interfaces {
        feed: NicFeed::open(config::request(&args)),
        model: NicModel::default(),
        traffic: Traffic::new(common.hooks),
        exceeded: Vec::new(),
        options: config::options(args, common.text_units()),
        timing,
    };
    session.run(Polling::new(interfaces)).await
}

/// The interfaces of this machine.
struct Interfaces {
    options: NicOptions,
    timing: Timing,
    feed: NicFeed,
    model: NicModel,
    traffic: Traffic,
    /// Conditions of `--fail-if` that held in any tick, and interfaces that went, in words.
    exceeded: Vec<String>,
}

impl Interfaces {
    fn sample(&mut self) -> anyhow::Result<NicSample> {
        let mut sample = self.feed.read().map_err(failure)?;
        sample.unseen.extend(self.options.unmeasured(&sample));
        Ok(sample)
    }
}

impl Poll for Interfaces {
    type Snapshot = NicSample;

    /// Takes the readings that the first tick is compared with.
    fn start(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let sample = self.sample()?;
        check_names(&self.options, &sample)?;
        let opening = Opening {
            command: "nic",
            wall: sample.wall,
            timing: Some(self.timing),
            unseen: &sample.unseen,
            hooks: &[],
        };
        out.report(&NotShown(&opening.start()))?;
        self.model.advance(sample);
        Ok(())
    }

    fn read(&mut self) -> Reading<NicSample> {
        at_once(self.sample())
    }

    fn report(&mut self, sample: NicSample, out: &mut Output) -> anyhow::Result<()> {
        self.model.advance(sample);
        self.traffic.tick(&self.model, &self.options);
        let tick = NicTick::new(&self.model, self.traffic.counted(), &self.options);
        out.report(&tick)?;
        let gone = tick.figures.missing.iter();
        let gone = gone.map(|name| format!("interface `{name}` is gone"));
        for exceeded in tick.exceeded.iter().cloned().chain(gone) {
            if !self.exceeded.contains(&exceeded) {
                self.exceeded.push(exceeded);
            }
        }
        Ok(())
    }

    fn verdict(self) -> Result<(), Failure> {
        if self.exceeded.is_empty() {
            return Ok(());
        }
        let mut named: Vec<&str> = self.exceeded.iter().map(String::as_str).collect();
        let more = named.len().saturating_sub(NAMED_MAX);
        named.truncate(NAMED_MAX);
        let rest = (more > 0).then(|| format!("; and {more} more"));
        let text = named.join("; ") + &rest.unwrap_or_default();
        Err(Failure::CheckFailed(text))
    }
}

/// Refuses an unknown interface: its figures would never come.
fn check_names(options: &NicOptions, sample: &NicSample) -> Result<(), Failure> {
    let missing = options.missing(sample);
    let Some(missing) = missing.first() else {
        return Ok(());
    };
    let known = sample.nics.iter().map(|nic| format!("`{}`", nic.name));
    let known = known.collect::<Vec<_>>().join(", ");
    Err(Failure::Usage(format!(
        "there is no interface `{missing}`, but {known}"
    )))
}

/// The error with its exit status.
pub(super) fn failure(error: NicsError) -> Failure {
    let named = match &error {
        NicsError::Namespace { source, .. } => Some(source.kind()),
        NicsError::NoList(_) => None,
    };
    let text = format!("{:#}", anyhow::Error::new(error));
    match named {
        Some(io::ErrorKind::PermissionDenied) => {
            Failure::NotAllowed(format!("{text}: run it as root"))
        }
        Some(_) => Failure::Usage(text),
        None => Failure::Lacking(text),
    }
}
