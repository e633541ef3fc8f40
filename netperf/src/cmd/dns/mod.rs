//! The command `dns`: queries resolvers, or watches the queries of processes.

pub(super) mod args;
mod config;
mod watch;

use netperf_core::failure::Failure;
use netperf_core::sample::dns::DnsSample;
use netperf_probe::dns::{DnsRequest, measure};
use netperf_sys::procfs::Procfs;

use self::args::DnsArgs;
use super::args::common::Common;
use super::logging;
use super::session::{self, Opening, Poll, Reading, Timing};
use super::verdict::Verdict;
use crate::render::output::{Format, Output, Silent};
use crate::view::dns::DnsTick;

/// Queries the resolvers, or watches the queries of processes.
pub(super) async fn run(args: DnsArgs, common: &Common) -> anyhow::Result<()> {
    let format = common.format(Format::Text);
    if args.watch {
        return watch::run(args, common, format).await;
    }
    let resolvers = Resolvers {
        request: config::request(&args)?,
        timing: common.repeated(),
        verdict: Verdict::default(),
    };
    logging::start(common.verbose, None);
    session::poll(resolvers, format, common.repeated()).await
}

/// The resolvers that are queried.
struct Resolvers {
    request: DnsRequest,
    timing: Option<Timing>,
    verdict: Verdict,
}

impl Poll for Resolvers {
    type Snapshot = DnsSample;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let opening = Opening::now("dns", self.timing);
        Ok(out.report(&Silent(&opening.start()))?)
    }

    fn read(&mut self) -> Reading<DnsSample> {
        let request = self.request.clone();
        let service = Procfs::new("/").name_service();
        Box::pin(async move { Ok(measure(&request, service).await) })
    }

    fn report(&mut self, sample: DnsSample, out: &mut Output) -> anyhow::Result<()> {
        let tick = DnsTick::new(&sample);
        self.verdict.note(&tick.findings);
        Ok(out.report(&tick)?)
    }

    fn verdict(self) -> Result<(), Failure> {
        self.verdict.result()
    }
}
