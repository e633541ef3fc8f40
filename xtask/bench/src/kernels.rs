//! What does each hook set cost on each kernel? In virtual machines, and so only as ratios.

use anyhow::{Result, ensure};
use serde::Deserialize;
use xtask::vm::{self, Console};

use super::section::Section;
use super::spread::Spread;
use super::table::{Table, cell};
use super::{Bench, progress};

/// The sets, as `--hooks` names them.
const SETS: [&str; 3] = ["tracepoint", "fentry", "kprobe"];

/// Arguments of the guest (`tests/src/guest`).
const ARGUMENTS: [&str; 1] = ["--cost"];

/// The rates that were measured on a kernel.
#[derive(Debug)]
struct Measured {
    /// Release of the kernel.
    kernel: String,
    /// In the order in which they were measured.
    rates: Vec<Rate>,
}

/// Requests and responses per second, as the guest reports them.
#[derive(Clone, Debug, Deserialize)]
struct Rate {
    /// Number of the turn; ratios are between rates of one turn.
    turn: u32,
    /// The hook set; `none` without hooks.
    set: String,
    /// `nothing`, `empty` or `tracer`.
    beside: String,
    rounds_per_s: f64,
}

/// Boots every kernel of `cargo xtask vm-test`, and measures in it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    progress("each hook set on each kernel, in virtual machines");
    let mut table = Table::new(&[
        "kernel",
        "set",
        "of untraced",
        "empty programs, of untraced",
        "of empty programs",
        "of the tracepoint set",
    ]);
    let arguments = ARGUMENTS.map(str::to_owned);
    let consoles = vm::consoles(&bench.workspace, bench.programs.empty.clone(), &arguments)?;
    for measured in consoles.into_iter().map(Measured::read) {
        let measured = measured?;
        for set in SETS.into_iter().filter(|set| measured.has(set)) {
            let ratio = |of, to| cell(measured.ratio(of, to), 3, None);
            table.row([
                measured.kernel.clone(),
                set.to_owned(),
                ratio((set, "tracer"), ("none", "nothing")),
                ratio((set, "empty"), ("none", "nothing")),
                ratio((set, "tracer"), (set, "empty")),
                ratio((set, "tracer"), ("tracepoint", "tracer")),
            ]);
        }
    }
    Ok(Section::new("Requests and responses beside each hook set, in virtual machines")
        .table(&table)
        .remark(
            "Rates of a turn, one to another; seven turns. The processor is emulated: it has no caches and \
             no branch predictor, and a helper call costs it more than a real one, so that these show which \
             set costs more, and not how much.",
        ))
}

impl Measured {
    fn read(console: Console) -> Result<Self> {
        let rates = read(&console.text);
        ensure!(
            !rates.is_empty() && console.ended,
            "`{}` reported no rates: see `{}`",
            console.release,
            console.file.display()
        );
        Ok(Self {
            kernel: console.release,
            rates,
        })
    }

    fn has(&self, set: &str) -> bool {
        self.rates.iter().any(|rate| rate.set == set)
    }

    /// Ratio of the rates of two combinations of hook set and program, turn by turn.
    fn ratio(&self, of: (&str, &str), to: (&str, &str)) -> Option<Spread> {
        let of_this = self.rates.iter().filter(|rate| rate.is(of));
        Spread::of(of_this.filter_map(|rate| {
            let mut others = self.rates.iter().filter(|other| other.turn == rate.turn);
            let other = others.find(|other| other.is(to))?;
            Some(rate.rounds_per_s / other.rounds_per_s)
        }))
    }
}

impl Rate {
    fn is(&self, (set, beside): (&str, &str)) -> bool {
        self.set == set && self.beside == beside
    }
}

/// Rates among the other lines of a console.
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
    fn rates_are_found_among_the_other_lines_of_a_console() {
        let console = "[ 1.0] booting\n{\"type\":\"log\",\"line\":\"x\"}\n\
            {\"type\":\"rate\",\"turn\":2,\"set\":\"fentry\",\"beside\":\"empty\",\"rounds_per_s\":7.5}\r\n";
        let rates = read(console);
        assert_eq!(rates.len(), 1);
        assert_eq!((rates[0].turn, rates[0].rounds_per_s), (2, 7.5));
    }

    #[test]
    fn a_ratio_is_that_of_one_turn() {
        let rate = |turn, set: &str, beside: &str, rounds_per_s| Rate {
            turn,
            set: set.to_owned(),
            beside: beside.to_owned(),
            rounds_per_s,
        };
        let measured = Measured {
            kernel: "6.1".to_owned(),
            rates: vec![
                rate(0, "none", "nothing", 100.0),
                rate(0, "fentry", "tracer", 50.0),
                rate(1, "fentry", "tracer", 90.0),
                rate(1, "none", "nothing", 90.0),
            ],
        };
        let ratio = measured.ratio(("fentry", "tracer"), ("none", "nothing"));
        assert_eq!(ratio, Spread::of([0.5, 1.0]));
        assert_eq!(
            measured.ratio(("kprobe", "tracer"), ("none", "nothing")),
            None
        );
        assert!(measured.has("fentry") && !measured.has("kprobe"));
    }
}
