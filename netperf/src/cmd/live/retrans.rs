//! The command `retrans`: what is lost, whose, and why.

use std::io;

use clap::Args;
use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::Loss;
use netperf_core::sample::event::ConnectionEvent;

use super::{Scene, View};
use crate::cmd::args::filters::{FlowFilters, ProcessFilters};
use crate::render::output::Output;
use crate::render::retrans::Losses;
use crate::view::retrans::{RetransOptions, RetransTick};
use crate::view::sort::{Figures, Sort, SortKey};

/// Options of `retrans`.
#[derive(Debug, Args)]
pub struct RetransArgs {
    /// Selects processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Selects connections.
    #[command(flatten)]
    pub flows: FlowFilters,
    /// Show at most this many rows of each kind
    #[arg(long, value_name = "N", help_heading = "Order")]
    pub rows: Option<usize>,
    /// Print each retransmission as it happens, on a line of its own
    #[arg(long)]
    pub watch: bool,
}

/// The view of `retrans`.
#[derive(Debug)]
pub(in crate::cmd) struct Retrans {
    options: RetransOptions,
    /// Events that the tracer lost, as reported last.
    known_loss: Loss,
}

impl RetransArgs {
    /// The view of these options.
    pub(in crate::cmd) fn view(self) -> Retrans {
        Retrans {
            options: RetransOptions {
                processes: self.processes.query(),
                flows: self.flows.query(),
                sort: Sort {
                    key: SortKey::Retrans,
                    figures: Figures::Rates,
                },
                rows: self.rows,
                watch: self.watch,
            },
            known_loss: Loss::default(),
        }
    }
}

impl View for Retrans {
    const COMMAND: &'static str = "retrans";

    fn wanted(&self) -> Wanted {
        Wanted {
            flows: true,
            losses: true,
            one_by_one: self.options.watch,
            ..Wanted::default()
        }
    }

    fn iface(&self) -> Option<&str> {
        self.options.flows.iface.as_deref()
    }

    fn wants(&self, event: &ConnectionEvent, model: &Model) -> bool {
        self.options.wants(event, model)
    }

    fn processes(&mut self) -> &mut ProcessQuery {
        &mut self.options.processes
    }

    fn report(&mut self, model: &Model, scene: Scene<'_>, out: &mut Output) -> io::Result<()> {
        let tick = RetransTick::new(model, &self.options, scene.names);
        out.report(&Losses {
            tick: &tick,
            sort: self.options.sort,
            host: scene.host,
            watched_with: self.options.watch.then_some(self.known_loss),
        })?;
        self.known_loss = tick.health.loss;
        Ok(())
    }
}

/// Description of `retrans`.
pub(in crate::cmd) const ABOUT: &str = "\
Shows what TCP had to send again, by connection, process and remote host: how many segments, which share
of those sent, and why. rto: nothing came back in time. fast: what came back showed a gap. tlp: the end of
a burst was sent again early. syn, synack: a connection could not be opened at once. One event may stand
for several segments; the segments are the kernel's own count (RetransSegs, TCP_INFO).

Resets are shown with their sender, and packets that the kernel threw away with the reason in plain words.
Both are collected for this command only. Retransmissions of a connection belong to the process that used
it last, or that holds it, also after it was closed.";

/// Examples of `retrans`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace retrans                           what is lost, once a second
  sudo netperf-trace retrans --watch                   each retransmission as it happens
  sudo netperf-trace retrans -n 1 -d 60                the loss of one minute
  sudo netperf-trace retrans --remote 10.0.0.0/8       only to these hosts
  sudo netperf-trace retrans --name '^nginx$' --json   of one program, for programs";
