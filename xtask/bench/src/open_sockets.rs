//! Very many open sockets: several processes, each with both ends of its connections.

use anyhow::{Result, ensure};

use super::Programs;
use super::load::Moved;
use super::netns::{self, Side};
use super::process::Process;

/// Sockets of one process; more than some 20 000 descriptors may need a privilege.
const HELD_BY_ONE: usize = 10_000;

/// Sockets of a connection.
const ENDS: usize = 2;

/// Processes that hold sockets.
#[derive(Debug)]
pub(super) struct OpenSockets {
    holders: Vec<Process>,
    /// How many sockets are open.
    pub(super) sockets: usize,
}

impl OpenSockets {
    /// Opens at least `sockets`.
    pub(super) fn open(programs: &Programs, sockets: usize) -> Result<Self> {
        let of_one = sockets.min(HELD_BY_ONE);
        let connections = (of_one / ENDS).to_string();
        let start = |_| {
            let mut hold = netns::command(Side::Near);
            Process::start(hold.arg(&programs.load).args(["hold", &connections]))
        };
        let holders: Vec<Process> = (0..sockets.div_ceil(HELD_BY_ONE))
            .map(start)
            .collect::<Result<_>>()?;
        for holder in &holders {
            let line = holder.line()?;
            ensure!(line == "ready", "`{line}`");
        }
        let sockets = holders.len() * of_one;
        Ok(Self { holders, sockets })
    }

    /// Uses `sockets` of them, evenly over all processes: moves one byte over each connection.
    pub(super) fn use_sockets(&mut self, sockets: usize) -> Result<()> {
        let connections = sockets / ENDS / self.holders.len();
        for holder in &mut self.holders {
            holder.tell(&connections.to_string())?;
        }
        for holder in &self.holders {
            let line = holder.line()?;
            ensure!(line == "done", "`{line}`");
        }
        Ok(())
    }

    /// Closes all and returns what each process has moved.
    pub(super) fn close(self) -> Result<Vec<Moved>> {
        let report = |holder: Process| {
            let lines = holder.finish()?;
            Moved::of(&serde_json::from_str(&lines.concat())?)
        };
        self.holders.into_iter().map(report).collect()
    }
}
