//! Which states are the sockets in, and is that a problem?

mod asked;

use std::io;

pub(super) use self::asked::{churn, every_tcp_socket, sockets_that_wait};

use super::logging;
use super::looks::{self, Look, Opening, failure};
use super::timer::Timing;
use crate::capture::{SocketFeed, SocketRequest};
use crate::model::states::StatesModel;
use crate::render::states::Written;
use crate::view::envelope::End;
use crate::view::states::{StatesOptions, StatesTick};

/// A run of `states`.
#[derive(Clone, Debug)]
pub struct StatesRun {
    request: SocketRequest,
    options: StatesOptions,
    written: Written,
    /// More than one look.
    timing: Option<Timing>,
    verbosity: u8,
}

/// Shows the states.
pub(super) async fn run(run: StatesRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    let counting = Counting {
        written: run.written.clone(),
        feed: SocketFeed::open(),
        model: StatesModel::default(),
        run: &run,
    };
    looks::run(counting, run.timing).await
}

/// Looks at the states.
struct Counting<'r> {
    run: &'r StatesRun,
    written: Written,
    feed: SocketFeed,
    model: StatesModel,
}

impl Look for Counting<'_> {
    fn look(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let StatesRun {
            request, options, ..
        } = self.run;
        let sample = self.feed.read(request).map_err(failure)?;
        let is_first = !self.model.has_looked();
        self.model
            .advance(&sample, &|socket| options.takes(&sample, socket));
        if is_first {
            let opening = Opening {
                command: "states",
                wall: sample.wall,
                timing: self.run.timing,
                unseen: &sample.unseen,
            };
            self.written.start(&opening.start(), out)?;
        }
        drop(sample);
        let tick = StatesTick::new(&self.model, options);
        self.written.tick(&tick, out)?;
        Ok(())
    }

    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        self.written.end(end, out)
    }
}
