//! How long does it take to list all sockets, compared with `ss`?

use std::process::Stdio;

use anyhow::{Result, ensure};

use super::netns::{self, Side};
use super::open_sockets::OpenSockets;
use super::section::Section;
use super::spread::Spread;
use super::table::{Table, Target, cell};
use super::{Bench, now, progress};

/// How many are open.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// `ss`: all TCP sockets, with processes.
const SS: [&str; 2] = ["ss", "-tanp"];

/// Our commands: name and arguments.
const OURS: [(&str, &[&str]); 2] = [
    ("sockets -ta", &["sockets", "-ta", "-b", "--netns", "self"]),
    ("states", &["states", "-b", "--netns", "self"]),
];

/// Runs each command in turn, several times, for each number of sockets.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut table = Table::new(&["open sockets", "command", "ms", "of `ss -tanp`"]);
    for sockets in SIZES {
        progress(&format!("listing {sockets} sockets"));
        let open_sockets = OpenSockets::open(&bench.programs, sockets)?;
        let tracer = bench.programs.tracer.display().to_string();
        let mut commands = vec![("ss -tanp", SS.map(str::to_owned).to_vec(), Vec::new())];
        commands.extend(OURS.map(|(name, arguments)| {
            let words = arguments.iter().map(|&word| word.to_owned());
            let command = std::iter::once(tracer.clone()).chain(words);
            (name, command.collect(), Vec::new())
        }));
        for _ in 0..bench.effort.few() {
            for (_, command, times) in &mut commands {
                times.push(time(command)?);
            }
        }
        let of_ss = commands[0].2.clone();
        for (index, (name, _, times)) in commands.into_iter().enumerate() {
            let ratios = times.iter().zip(&of_ss).map(|(one, ss)| one / ss);
            let ratio = Spread::of(ratios).filter(|_| index > 0);
            table.row([
                sockets.to_string(),
                name.to_owned(),
                cell(Spread::of(times), 1, None),
                cell(ratio, 3, Some(Target::AtMost(1.0))),
            ]);
        }
        open_sockets.close()?;
    }
    Ok(Section::new("Listing all sockets, as text").table(&table).remark(
        "Wall-clock time from the start of the program to its end, its output read and dropped; in the \
         network namespace of the sockets.",
    ))
}

/// In milliseconds.
fn time(command: &[String]) -> Result<f64> {
    let began = now();
    let status = netns::command(Side::Near)
        .args(command)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "`{}`: {status}", command.join(" "));
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
