//! What does each hook set cost on each kernel? The guest measures; here is what it tells.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::image::Modules;
use super::kernels::Wanted;
use super::{KERNELS, Machines, guest};
use crate::workspace::Workspace;

/// A kernel, and what was measured on it.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Its release.
    pub(crate) kernel: String,
    /// In the order in which it was measured.
    pub(crate) rates: Vec<Rate>,
}

/// Requests and answers in a second.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rate {
    /// Which turn; ratios are those of one turn.
    pub(crate) turn: u32,
    /// Which hook set; `none` where there is none.
    pub(crate) set: String,
    /// `nothing`, `empty` or `tracer`.
    pub(crate) beside: String,
    /// How many.
    pub(crate) rounds_per_s: f64,
}

/// Measures on every kernel of the matrix. `empty` is the object of the empty programs.
pub(crate) fn rates(workspace: &Workspace, empty: PathBuf) -> Result<Vec<Measured>> {
    let hooks = guest::build_hooks(workspace)?;
    let machines = Machines::obtain(workspace, guest::build(workspace, &[hooks, empty])?)?;
    let on_each = KERNELS.split(',').map(|wanted| {
        let kernel = machines.kernel(&Wanted::new(wanted))?;
        let (ended, console) = machines.boot(&kernel, Modules::None, &["--cost".to_owned()], 1)?;
        let rates = read(&String::from_utf8_lossy(&fs::read(&console)?));
        ensure!(
            !rates.is_empty() && ended.status.is_some(),
            "`{}` told nothing: see `{}`",
            kernel.release,
            console.display()
        );
        Ok(Measured {
            kernel: kernel.release,
            rates,
        })
    });
    on_each.collect()
}

fn read(console: &str) -> Vec<Rate> {
    let lines = console.lines().map(str::trim_end);
    lines
        .filter(|line| line.starts_with("{\""))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_among_what_else_a_console_has() {
        let console = "[ 1.0] booting\n{\"type\":\"log\",\"line\":\"x\"}\n\
            {\"type\":\"rate\",\"turn\":2,\"set\":\"fentry\",\"beside\":\"empty\",\"rounds_per_s\":7.5}\r\n";
        let rates = read(console);
        assert_eq!(rates.len(), 1);
        assert_eq!((rates[0].turn, rates[0].rounds_per_s), (2, 7.5));
    }
}
