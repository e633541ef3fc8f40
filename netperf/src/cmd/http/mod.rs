//! The command `http`: where does the time of a request go?

pub(super) mod args;
mod config;

use std::rc::Rc;

use anyhow::anyhow;
use netperf_core::failure::Failure;
use netperf_core::sample::http::HttpSample;
use netperf_probe::http::{HttpRequest, measure};
use netperf_sys::procfs::Procfs;

use self::args::HttpArgs;
use super::args::common::Common;
use super::logging;
use super::session::{self, Opening, Poll, Reading, Timing};
use super::verdict::Verdict;
use crate::render::output::{Format, Output, Silent};
use crate::view::http::{HttpOptions, HttpTick};

/// Sends the requests and reports them.
pub(super) async fn run(args: HttpArgs, common: &Common) -> anyhow::Result<()> {
    let (request, options) = config::read(args, common.text_units())?;
    let requests = Requests {
        request: Rc::new(request),
        options,
        timing: common.repeated(),
        verdict: Verdict::default(),
    };
    logging::start(common.verbose, None);
    session::poll(requests, common.format(Format::Text), common.repeated()).await
}

/// The requests to send.
struct Requests {
    request: Rc<HttpRequest>,
    options: HttpOptions,
    timing: Option<Timing>,
    verdict: Verdict,
}

impl Poll for Requests {
    type Snapshot = HttpSample;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let opening = Opening::now("http", self.timing);
        Ok(out.report(&Silent(&opening.start()))?)
    }

    fn read(&mut self) -> Reading<HttpSample> {
        let request = Rc::clone(&self.request);
        let service = Procfs::new("/").name_service();
        Box::pin(async move {
            let sample = measure(&request, &service).await;
            sample.map_err(|why| anyhow!("TLS can't be used: {why}"))
        })
    }

    fn report(&mut self, sample: HttpSample, out: &mut Output) -> anyhow::Result<()> {
        let tick = HttpTick::new(&sample, &self.options);
        self.verdict.note(&tick.findings);
        Ok(out.report(&tick)?)
    }

    fn verdict(self) -> Result<(), Failure> {
        self.verdict.result()
    }
}
