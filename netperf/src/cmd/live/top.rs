//! The command `top`: bytes by process.

use std::io;

use clap::Args;
use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;

use super::{Scene, View};
use crate::cmd::args::filters::{Arrangement, ProcessFilters};
use crate::render::batch::OnHost;
use crate::render::output::Output;
use crate::render::tui::FirstPage;
use crate::view::top::{Top, TopOptions};

/// Options of `top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    /// Selects processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Sorts rows and limits their number.
    #[command(flatten)]
    pub arrangement: Arrangement,
    /// Show the connections of each process below it
    #[arg(long)]
    pub connections: bool,
}

impl TopArgs {
    /// The options of the view.
    pub(in crate::cmd) fn options(self) -> TopOptions {
        TopOptions {
            processes: self.processes.query(),
            sort: self.arrangement.order(),
            rows: self.arrangement.rows,
            connections: self.connections,
            idle: false,
        }
    }
}

impl View for TopOptions {
    const COMMAND: &'static str = "top";

    fn wanted(&self) -> Wanted {
        Wanted {
            flows: self.connections,
            ..Wanted::default()
        }
    }

    fn first_page(&self) -> Option<FirstPage> {
        Some(FirstPage::Top(self.clone()))
    }

    fn processes(&mut self) -> &mut ProcessQuery {
        &mut self.processes
    }

    fn report(&mut self, model: &Model, scene: Scene<'_>, out: &mut Output) -> io::Result<()> {
        out.report(&OnHost {
            tick: &Top::new(model, self, scene.names),
            sort: self.sort,
            host: scene.host,
        })
    }
}

/// Description of `top`.
pub(in crate::cmd) const ABOUT: &str = "\
Shows the bytes that each process handed to its sockets (SENT) and took from them (RECEIVED), the
largest first. These are payload bytes: headers and retransmissions are not in them.

A process that has ended is shown in the tick in which it moved bytes. What no process can be named
for is in the row [kernel] with PID 0.";

/// Examples of `top`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace top                          live, on the whole screen
  sudo netperf-trace top --sort rx --rows 5 -b    the five that receive most, as text
  sudo netperf-trace top --name '^(nginx|php)'    only these
  sudo netperf-trace top --cgroup /system.slice   only services
  sudo netperf-trace top --connections -b -n 1    with the connections of each
  sudo netperf-trace top --json --duration 60     a minute for a program

Keys:
  q quit            s sent            a rates or totals   up, k     previous
  ? help            r received        l command line      down, j   next
  / filter          t total           m units             Enter     its connections
  space pause       Tab next view     L limit it        U lift the limit";
