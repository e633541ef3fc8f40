//! The command `flows`: bytes by connection.

use std::io;

use clap::{Args, ValueEnum};
use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::sample::Proto;

use super::{Scene, View};
use crate::cmd::args::filters::{Arrangement, FlowFilters, ProcessFilters};
use crate::render::batch::OnHost;
use crate::render::output::Output;
use crate::render::tui::FirstPage;
use crate::view::flows::{FlowsOptions, FlowsTick};

/// Options of `flows`.
#[derive(Debug, Args)]
pub struct FlowsArgs {
    /// Selects processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Selects connections.
    #[command(flatten)]
    pub flows: FlowFilters,
    /// Only this transport
    #[arg(long, value_name = "tcp|udp", help_heading = "Filters")]
    pub proto: Option<Proto>,
    /// Sorts rows and limits their number.
    #[command(flatten)]
    pub arrangement: Arrangement,
    /// Group connections
    #[arg(long, value_name = "WHAT")]
    pub by: Option<GroupBy>,
}

/// What connections are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// The remote host
    Remote,
}

impl FlowsArgs {
    /// The options of the view.
    pub(in crate::cmd) fn options(self) -> FlowsOptions {
        FlowsOptions {
            processes: self.processes.query(),
            flows: FlowQuery {
                proto: self.proto,
                ..self.flows.query()
            },
            sort: self.arrangement.order(),
            rows: self.arrangement.rows,
            by_remote: self.by.is_some(),
        }
    }
}

impl View for FlowsOptions {
    const COMMAND: &'static str = "flows";

    fn wanted(&self) -> Wanted {
        Wanted {
            flows: true,
            ..Wanted::default()
        }
    }

    fn first_page(&self) -> Option<FirstPage> {
        Some(FirstPage::Flows(self.clone()))
    }

    fn iface(&self) -> Option<&str> {
        self.flows.iface.as_deref()
    }

    fn processes(&mut self) -> &mut ProcessQuery {
        &mut self.processes
    }

    fn report(&mut self, model: &Model, scene: Scene<'_>, out: &mut Output) -> io::Result<()> {
        out.report(&OnHost {
            tick: &FlowsTick::new(model, self, scene.names),
            sort: self.sort,
            host: scene.host,
        })
    }
}

/// Description of `flows`.
pub(in crate::cmd) const ABOUT: &str = "\
Shows each connection with its process: the speed over the tick, and averages over the last 2, 10 and
40 seconds. UDP sockets without a fixed remote host have a `*` there.

Local and remote are seen from the socket's owner: a connection within this host is there twice, once
from each end.";

/// Examples of `flows`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace flows                         live, on the whole screen
  sudo netperf-trace flows --by remote -b          by remote host, as text
  sudo netperf-trace flows --port 443 --resolve    with host names
  sudo netperf-trace flows --remote 10.0.0.0/8     only with these hosts
  sudo netperf-trace flows --iface eth0 --proto udp
  sudo netperf-trace flows -p 8821 --json";
