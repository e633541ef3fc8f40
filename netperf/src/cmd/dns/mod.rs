//! How fast do resolvers answer, and what? And which names do processes look up?

pub(super) mod args;
mod config;
pub(super) mod watch;

use netperf_probe::dns::{DnsRequest, measure};
use netperf_sys::procfs::Procfs;

use self::args::DnsArgs;
use self::watch::DnsWatchRun;
use super::args::Common;
use super::probing::{self, Output, Probing};
use crate::render::{dns, json};
use crate::view::dns::DnsTick;
use netperf_core::failure::Failure;

/// What `dns` is asked to do.
#[derive(Clone, Debug)]
pub enum DnsJob {
    /// Ask resolvers.
    Ask(DnsRun),
    /// See what processes ask.
    Watch(DnsWatchRun),
}

impl DnsJob {
    /// Reads the options.
    ///
    /// # Errors
    /// When they can't be understood.
    pub(super) fn new(args: &DnsArgs, common: &Common) -> Result<Self, Failure> {
        if args.watch {
            let run = DnsWatchRun::new(&args.pid, args.timeout, common);
            return Ok(Self::Watch(run));
        }
        // The parser does not ask for --watch where a name is given, which --watch does not go with.
        if !args.pid.is_empty() {
            let why = "--pid selects queries for --watch: this program itself looks a NAME up";
            return Err(Failure::Usage(why.to_owned()));
        }
        DnsRun::new(args, common).map(Self::Ask)
    }
}

/// A run of `dns`.
#[derive(Clone, Debug)]
pub struct DnsRun {
    request: DnsRequest,
    output: Output,
}

/// Asks the resolvers, or watches.
pub(super) async fn run(job: DnsJob) -> anyhow::Result<()> {
    match job {
        DnsJob::Ask(run) => {
            let output = run.output;
            probing::run(run, output).await
        }
        DnsJob::Watch(run) => watch::run(run).await,
    }
}

impl Probing for DnsRun {
    const COMMAND: &'static str = "dns";

    async fn ask(&mut self, out: &mut Vec<u8>) -> anyhow::Result<Option<String>> {
        let service = Procfs::new("/").name_service();
        let sample = measure(&self.request, service).await;
        let tick = DnsTick::new(&sample);
        if self.output.json {
            json::line(&tick, out)?;
        } else {
            dns::text(&tick, self.output.width, out)?;
        }
        let failure = tick.failure();
        Ok(failure.map(|it| format!("{}: {}", it.what, it.evidence)))
    }
}
