//! `states --watch`: transitions between TCP states.

use std::io;

use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::event::ConnectionEvent;

use crate::cmd::live::{Scene, View};
use crate::render::output::Output;
use crate::view::churn::{ChurnOptions, ChurnTick};

impl View for ChurnOptions {
    const COMMAND: &'static str = "states";

    fn wanted(&self) -> Wanted {
        Wanted {
            one_by_one: true,
            transitions: Some(self.sample),
            ..Wanted::default()
        }
    }

    fn wants(&self, event: &ConnectionEvent, _: &Model) -> bool {
        ChurnOptions::wants(self, event)
    }

    fn processes(&mut self) -> &mut ProcessQuery {
        &mut self.states.processes
    }

    fn report(&mut self, model: &Model, _: Scene<'_>, out: &mut Output) -> io::Result<()> {
        out.report(&ChurnTick::new(model, self))
    }
}
