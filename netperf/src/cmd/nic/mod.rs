//! How do the interfaces stand, and which of them is the trouble?

pub(super) mod args;
mod asked;
mod traffic;

use std::io;

use netperf_core::collect::HookPreference;
use netperf_core::model::nic::NicModel;
use netperf_core::sample::nic::NicSample;
use netperf_sys::capture::{NicFeed, NicRequest, NicsError};

use self::traffic::Traffic;
use super::logging;
use super::looks::{self, Look, Opening};
use super::timer::Timing;
use crate::render::nic::Written;
use crate::render::width;
use crate::view::envelope::End;
use crate::view::nic::{NicOptions, NicTick};
use netperf_core::failure::Failure;

/// A run of `nic`.
#[derive(Clone, Debug)]
pub struct NicRun {
    request: NicRequest,
    options: NicOptions,
    written: Written,
    timing: Timing,
    hooks: HookPreference,
    verbosity: u8,
}

/// Conditions that held which the last message names.
const NAMED_MAX: usize = 5;

/// Shows the interfaces.
pub(super) async fn run(run: NicRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    let timing = Some(run.timing);
    let watching = Watching {
        feed: NicFeed::open(run.request),
        model: NicModel::default(),
        traffic: Traffic::new(run.hooks),
        exceeded: Vec::new(),
        run,
    };
    looks::run(watching, timing).await
}

/// Looks at the interfaces.
struct Watching {
    run: NicRun,
    feed: NicFeed,
    model: NicModel,
    traffic: Traffic,
    /// Conditions of `--fail-if` that held in any tick, in words.
    exceeded: Vec<String>,
}

impl Watching {
    fn start(&self, sample: &NicSample, out: &mut Vec<u8>) -> anyhow::Result<()> {
        check_names(&self.run.options, sample)?;
        let opening = Opening {
            command: "nic",
            wall: sample.wall,
            timing: Some(self.run.timing),
            unseen: &sample.unseen,
            hooks: &[],
        };
        Ok(self.run.written.start(&opening.start(), out)?)
    }
}

impl Look for Watching {
    fn look(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let mut sample = self.feed.read().map_err(failure)?;
        sample.unseen.extend(self.run.options.unmeasured(&sample));
        if self.model.now.nics.is_empty() {
            self.start(&sample, out)?;
            self.model.advance(sample);
            return Ok(());
        }
        self.model.advance(sample);
        self.traffic.tick(&self.model, &self.run.options);
        let tick = NicTick::new(&self.model, self.traffic.counted(), &self.run.options);
        let new = tick
            .exceeded
            .iter()
            .filter(|it| !self.exceeded.contains(it));
        let new: Vec<_> = new.cloned().collect();
        self.run
            .written
            .tick(&tick, width::lines_of_stdout(), out)?;
        self.exceeded.extend(new);
        Ok(())
    }

    fn first_is_base(&self) -> bool {
        true
    }

    fn is_live(&self) -> bool {
        matches!(self.run.written, Written::Live(_))
    }

    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        self.run.written.end(end, out)
    }

    fn verdict(&self) -> Result<(), Failure> {
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

/// A wrong name would wait for ever.
fn check_names(options: &NicOptions, sample: &NicSample) -> Result<(), Failure> {
    let is_there = |name: &&String| sample.nics.iter().any(|nic| nic.name == **name);
    let Some(missing) = options.names.iter().find(|name| !is_there(name)) else {
        return Ok(());
    };
    let there = sample.nics.iter().map(|nic| format!("`{}`", nic.name));
    let there = there.collect::<Vec<_>>().join(", ");
    Err(Failure::Usage(format!(
        "there is no interface `{missing}`, but {there}"
    )))
}

/// The exit status that fits.
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
