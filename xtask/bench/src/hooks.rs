//! Attaches empty programs and reads run times of programs, through `tests/src/bin/hooks.rs`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Programs;
use super::process::Process;

/// The process that holds the empty programs and keeps `bpf_stats` switched on.
#[derive(Debug)]
pub(super) struct Hooks {
    program: Process,
}

/// Run times by program name, of which the kernel keeps 15 bytes.
pub(super) type RunTimes = HashMap<String, RunTime>;

/// Time and count of a program's runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunTime {
    ns: f64,
    /// Number of runs.
    pub(super) count: f64,
}

impl RunTime {
    /// The runs since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            ns: self.ns - earlier.ns,
            count: self.count - earlier.count,
        }
    }

    /// Nanoseconds of one run, the measurement's own time included.
    pub(super) fn mean_ns(self) -> f64 {
        self.ns / self.count
    }
}

impl Hooks {
    /// Empty programs on every hook of the tracepoint set.
    pub(super) fn empty(programs: &Programs) -> Result<Self> {
        Self::start(
            Command::new(&programs.hooks)
                .arg("--empty")
                .arg(&programs.empty),
        )
    }

    /// The same, with `bpf_stats` switched on.
    pub(super) fn empty_measured(programs: &Programs) -> Result<Self> {
        let mut command = Command::new(&programs.hooks);
        Self::start(command.arg("--stats").arg("--empty").arg(&programs.empty))
    }

    /// `bpf_stats` switched on, without empty programs.
    pub(super) fn measure(programs: &Programs) -> Result<Self> {
        Self::start(Command::new(&programs.hooks).arg("--stats"))
    }

    fn start(command: &mut Command) -> Result<Self> {
        let program = Process::start(command)?;
        let line = program.line()?;
        ensure!(line == "ready", "`{line}`");
        Ok(Self { program })
    }

    /// The process of the program.
    pub(super) fn program(&self) -> &Process {
        &self.program
    }

    /// Run times of the programs that process `holder` holds; others have hooks as well.
    pub(super) fn run_times(&mut self, holder: u32) -> Result<RunTimes> {
        let held = held_by(holder)?;
        self.program.tell("")?;
        let programs: Vec<Value> = serde_json::from_str(&self.program.line()?)?;
        let run_times = programs
            .iter()
            .filter(|program| program["id"].as_u64().is_some_and(|id| held.contains(&id)))
            .filter_map(run_time);
        Ok(run_times.collect())
    }

    /// Ends the process: its programs are detached and `bpf_stats` is switched off.
    pub(super) fn stop(self) -> Result<()> {
        self.program.finish().map(drop)
    }
}

fn run_time(program: &Value) -> Option<(String, RunTime)> {
    let run_time = RunTime {
        ns: program["run_time_ns"].as_f64()?,
        count: program["run_count"].as_f64()?,
    };
    Some((program["name"].as_str()?.to_owned(), run_time))
}

/// Ids of the programs that a process has descriptors of.
fn held_by(pid: u32) -> Result<HashSet<u64>> {
    let mut held = HashSet::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        // A descriptor may be closed between the two looks.
        let text = fs::read_to_string(descriptor?.path()).unwrap_or_default();
        let id = text.lines().find_map(|line| line.strip_prefix("prog_id:"));
        held.extend(id.and_then(|id| id.trim().parse::<u64>().ok()));
    }
    Ok(held)
}
