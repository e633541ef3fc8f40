//! Our own program: starts it and reads what it reports.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::accuracy::Reported;
use super::process::Process;

/// `netperf-trace top --json` with a tick a second, every hook attached.
#[derive(Debug)]
pub(super) struct Tracer {
    program: Process,
    reported: Reported,
}

impl Tracer {
    /// Starts it, on one CPU or on any, and waits until every byte counts.
    pub(super) fn start(tracer: &Path, cpu: Option<&str>) -> Result<Self> {
        Self::start_with(tracer, cpu, &[])
    }

    /// Like [`Self::start`], with more arguments.
    pub(super) fn start_with(tracer: &Path, cpu: Option<&str>, more: &[&str]) -> Result<Self> {
        let mut command = match cpu {
            Some(cpu) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["--cpu-list", cpu]).arg(tracer);
                taskset
            }
            None => Command::new(tracer),
        };
        let program = Process::start(
            command
                .args(["top", "--json", "--interval", "1"])
                .args(more),
        )?;
        let start: Value = serde_json::from_str(&program.line()?)?;
        ensure!(start["type"] == "start", "`{start}` is no `start` line");
        Ok(Self {
            program,
            reported: Reported::default(),
        })
    }

    /// The process.
    pub(super) fn program(&self) -> &Process {
        &self.program
    }

    /// CPU time of each of the next ticks; `active` is called in each.
    pub(super) fn cost_of_ticks(
        &mut self,
        count: usize,
        mut active: impl FnMut() -> Result<()>,
    ) -> Result<Vec<Duration>> {
        let mut costs = Vec::with_capacity(count);
        self.tick()?;
        let mut before = self.program.cpu_time()?;
        for _ in 0..count {
            active()?;
            self.tick()?;
            let now = self.program.cpu_time()?;
            costs.push(now.saturating_sub(before));
            before = now;
        }
        Ok(costs)
    }

    /// Waits for the end of a tick.
    fn tick(&mut self) -> Result<()> {
        let line = self.program.line()?;
        self.reported.add_tick(&serde_json::from_str(&line)?)
    }

    /// Ends it; its last tick is among what it has reported.
    pub(super) fn stop(self) -> Result<Reported> {
        let Self {
            program,
            mut reported,
        } = self;
        let lines = program.interrupt()?;
        for line in &lines {
            let tick = serde_json::from_str(line).with_context(|| format!("`{line}`"))?;
            reported.add_tick(&tick)?;
        }
        ensure!(
            lines
                .last()
                .is_some_and(|line| line.contains(r#""type":"end""#)),
            "the tracer ended without its `end` line"
        );
        Ok(reported)
    }
}
