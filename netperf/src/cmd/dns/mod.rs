//! How fast do resolvers answer, and what?

pub(super) mod args;
mod asked;

use super::probing::{self, Output, Probing};
use crate::probe::dns::{DnsRequest, measure};
use crate::procfs::Procfs;
use crate::render::{dns, json};
use crate::view::dns::DnsTick;

/// A run of `dns`.
#[derive(Clone, Debug)]
pub struct DnsRun {
    request: DnsRequest,
    output: Output,
}

/// Asks the resolvers.
pub(super) async fn run(run: DnsRun) -> anyhow::Result<()> {
    let output = run.output;
    probing::run(run, output).await
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
