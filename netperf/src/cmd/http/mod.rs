//! Where does the time of a request go?

pub(super) mod args;
mod config;
pub(super) mod naming;

use anyhow::anyhow;
use netperf_core::units::Units;
use netperf_probe::http::{HttpRequest, measure};
use netperf_sys::procfs::Procfs;

use super::probing::{self, Output, Probing};
use crate::render::{http, json};
use crate::view::http::{HttpOptions, HttpTick};

/// A run of `http`.
#[derive(Clone, Debug)]
pub struct HttpRun {
    request: HttpRequest,
    options: HttpOptions,
    units: Units,
    output: Output,
}

/// Makes the requests.
pub(super) async fn run(run: HttpRun) -> anyhow::Result<()> {
    let output = run.output;
    probing::run(run, output).await
}

impl Probing for HttpRun {
    const COMMAND: &'static str = "http";

    async fn ask(&mut self, out: &mut Vec<u8>) -> anyhow::Result<Option<String>> {
        let service = Procfs::new("/").name_service();
        let sample = measure(&self.request, &service).await;
        let sample = sample.map_err(|why| anyhow!("TLS can't be used: {why}"))?;
        let tick = HttpTick::new(&sample, &self.options);
        if self.output.json {
            json::line(&tick, out)?;
        } else {
            http::text(&tick, (self.units, self.output.width), out)?;
        }
        let failure = tick.failure();
        Ok(failure.map(|it| format!("{}: {}", it.what, it.evidence)))
    }
}
