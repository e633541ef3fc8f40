//! The command `latency`: how long it takes to connect, to get an answer, to be accepted.

use std::io;

use clap::Args;
use ipnet::IpNet;
use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;

use super::{Scene, View};
use crate::cmd::args::filters::ProcessFilters;
use crate::cmd::args::values::network;
use crate::render::latency::Latencies;
use crate::render::output::Output;
use crate::view::latency::{LatencyOptions, LatencyTick};

/// Options of `latency`.
#[derive(Debug, Args)]
pub struct LatencyArgs {
    /// Selects processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Only with hosts in this network
    #[arg(long, value_name = "CIDR", help_heading = "Filters", value_parser = network)]
    pub remote: Option<IpNet>,
    /// Show at most this many rows
    #[arg(long, value_name = "N", help_heading = "Order")]
    pub rows: Option<usize>,
    /// Print a latency histogram below each row
    #[arg(long)]
    pub histogram: bool,
}

impl LatencyArgs {
    /// The options of the view.
    pub(in crate::cmd) fn options(self) -> LatencyOptions {
        LatencyOptions {
            processes: self.processes.query(),
            remote: self.remote,
            rows: self.rows,
            histogram: self.histogram,
        }
    }
}

impl View for LatencyOptions {
    const COMMAND: &'static str = "latency";

    fn wanted(&self) -> Wanted {
        Wanted {
            latency: true,
            ..Wanted::default()
        }
    }

    fn processes(&mut self) -> &mut ProcessQuery {
        &mut self.processes
    }

    fn report(&mut self, model: &Model, scene: Scene<'_>, out: &mut Output) -> io::Result<()> {
        out.report(&Latencies {
            tick: &LatencyTick::new(model, self, scene.names),
            histogram: self.histogram,
            host: scene.host,
        })
    }
}

/// Description of `latency`.
pub(in crate::cmd) const ABOUT: &str = "\
Shows how long it takes, by process and remote host, without sending anything: the kernel counts real
connections while they work. P50 is the time that half of them stayed below, P99 that of 99 in a hundred.

connect: from the first SYN until the connection is open. One round trip if all is well; a second and more if
the first SYN was lost. rtt: the round-trip time as TCP measures it (srtt), at each segment that
arrives: the network and the other kernel, not its program. accept: from the end of the handshake until the
local program accepts the connection; long if the program is busy, and no matter of the network.

So: long connect and round trips, the network is slow. Short ones and a slow program: it is the program at
the other end, or this one. It is collected for this command only.";

/// Examples of `latency`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace latency                           how long it takes, once a second
  sudo netperf-trace latency --name '^java' -d 10      of one program, over ten seconds each
  sudo netperf-trace latency --remote 10.0.0.10/32 --histogram
  sudo netperf-trace latency -n 1 -d 60 --json         one minute, for programs";
