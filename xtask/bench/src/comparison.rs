//! Runs one load beside each of several variants, in turn, and compares the rates.

use std::time::Duration;

use anyhow::Result;

use super::accuracy::Accuracy;
use super::cpu_times::CpuTimes;
use super::load::Load;
use super::process::Process;
use super::spread::Spread;
use super::variant::{Running, Variant};
use super::{Bench, now, progress};

/// A load beside a variant, once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Operations per second, without the time that the hypervisor took.
    pub(super) per_second: f64,
    /// CPU time of the variant as a share of one core, in percent.
    pub(super) cpu_percent: f64,
    /// Accuracy for the processes that drove the load.
    pub(super) drivers: Accuracy,
    /// Accuracy for all processes of the load.
    pub(super) everyone: Accuracy,
}

/// Several runs beside each variant.
#[derive(Debug)]
pub(super) struct Comparison {
    measured: Vec<(Variant, Vec<Run>)>,
}

impl Comparison {
    /// Runs a load beside all variants in turn, again and again, each time beginning with another,
    /// so that what changes on the machine meanwhile meets them all.
    pub(super) fn run(
        bench: &Bench,
        load: Load,
        variants: &[Variant],
        repeats: usize,
    ) -> Result<Self> {
        let mut measured: Vec<_> = variants.iter().map(|&c| (c, Vec::new())).collect();
        for repeat in 0..repeats {
            let Load { workload, link, .. } = load;
            progress(&format!(
                "{workload:?} over {link:?}, {} of {repeats}",
                repeat + 1
            ));
            for turn in 0..measured.len() {
                let entry = (turn + repeat) % measured.len();
                let run = run(bench, load, measured[entry].0)?;
                measured[entry].1.push(run);
            }
        }
        Ok(Self { measured })
    }

    fn runs(&self, variant: Variant) -> &[Run] {
        let entry = self.measured.iter().find(|(entry, _)| *entry == variant);
        entry.map_or(&[], |(_, runs)| runs)
    }

    /// A figure over all runs.
    pub(super) fn spread(&self, of: Variant, figure: fn(&Run) -> f64) -> Option<Spread> {
        Spread::of(self.runs(of).iter().map(figure))
    }

    /// The ratio of a figure to that beside `to`, within the same repeat.
    pub(super) fn ratio(
        &self,
        of: Variant,
        to: Variant,
        figure: fn(&Run) -> f64,
    ) -> Option<Spread> {
        if of == to {
            return None;
        }
        let pairs = self.runs(of).iter().zip(self.runs(to));
        Spread::of(pairs.map(|(one, other)| figure(one) / figure(other)))
    }

    /// The ratio of the largest figure to the largest beside `to`.
    pub(super) fn fastest(&self, of: Variant, to: Variant, figure: fn(&Run) -> f64) -> Option<f64> {
        let most = |variant| Some(self.spread(variant, figure)?.most);
        (of != to).then(|| Some(most(of)? / most(to)?))?
    }

    /// Accuracy of a variant over all runs.
    pub(super) fn accuracy(&self, of: Variant, whose: fn(&Run) -> &Accuracy) -> Accuracy {
        let runs = self.runs(of).iter().map(whose);
        runs.fold(Accuracy::default(), Accuracy::and)
    }
}

fn run(bench: &Bench, load: Load, variant: Variant) -> Result<Run> {
    let running = variant.start(&bench.programs, load.link)?;
    let (began, before) = (now(), cpu_time(&running)?);
    let cpus = load.cpus();
    let times = CpuTimes::now(cpus)?;
    let outcome = load.run(&bench.programs.load, bench.effort.seconds)?;
    let share_left = CpuTimes::now(cpus)?.share_left_since(times);
    let used = cpu_time(&running)?.saturating_sub(before);
    let cpu_percent = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let reported = running.stop()?;
    let everyone = outcome.drivers.iter().chain([&outcome.server]);
    Ok(Run {
        per_second: outcome.per_second / share_left,
        cpu_percent,
        drivers: reported.compare(&outcome.drivers),
        everyone: reported.compare(everyone),
    })
}

fn cpu_time(running: &Running) -> Result<Duration> {
    running
        .program()
        .map_or(Ok(Duration::ZERO), Process::cpu_time)
}
