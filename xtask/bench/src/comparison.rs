//! How does one load fare beside each of several companions?

use std::time::Duration;

use anyhow::Result;

use super::companion::{Companion, Running};
use super::load::Scene;
use super::program::Program;
use super::shown::Accuracy;
use super::spread::Spread;
use super::steal::CpuTimes;
use super::{Bench, now, progress};

/// A load beside a companion, once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heat {
    /// Operations a second of the time that the host left to this machine.
    pub(super) per_second: f64,
    /// CPU time of the companion as a share of one core, in percent.
    pub(super) companion_percent: f64,
    /// What the companion showed of the processes that drove the load.
    pub(super) drivers: Accuracy,
    /// The same of all processes of the load.
    pub(super) everyone: Accuracy,
}

/// Several repeats beside each companion.
#[derive(Debug)]
pub(super) struct Contest {
    lanes: Vec<(Companion, Vec<Heat>)>,
}

impl Contest {
    /// Runs a load beside all companions in turn, again and again, each time beginning with another,
    /// so that what changes on the machine meanwhile meets them all.
    pub(super) fn run(
        bench: &Bench,
        scene: Scene,
        companions: &[Companion],
        repeats: usize,
    ) -> Result<Self> {
        let mut lanes: Vec<_> = companions.iter().map(|&c| (c, Vec::new())).collect();
        for repeat in 0..repeats {
            let Scene { work, wire, .. } = scene;
            progress(&format!(
                "{work:?} over {wire:?}, {} of {repeats}",
                repeat + 1
            ));
            for turn in 0..lanes.len() {
                let lane = (turn + repeat) % lanes.len();
                let heat = heat(bench, scene, lanes[lane].0)?;
                lanes[lane].1.push(heat);
            }
        }
        Ok(Self { lanes })
    }

    fn heats(&self, companion: Companion) -> &[Heat] {
        let lane = self.lanes.iter().find(|(lane, _)| *lane == companion);
        lane.map_or(&[], |(_, heats)| heats)
    }

    /// A figure of all repeats.
    pub(super) fn spread(&self, of: Companion, figure: fn(&Heat) -> f64) -> Option<Spread> {
        Spread::of(self.heats(of).iter().map(figure))
    }

    /// A figure as a share of that beside `to` in the same repeat.
    pub(super) fn ratio(
        &self,
        of: Companion,
        to: Companion,
        figure: fn(&Heat) -> f64,
    ) -> Option<Spread> {
        if of == to {
            return None;
        }
        let pairs = self.heats(of).iter().zip(self.heats(to));
        Spread::of(pairs.map(|(one, other)| figure(one) / figure(other)))
    }

    /// The most of a figure as a share of the most of it beside `to`.
    pub(super) fn fastest(
        &self,
        of: Companion,
        to: Companion,
        figure: fn(&Heat) -> f64,
    ) -> Option<f64> {
        let most = |companion| Some(self.spread(companion, figure)?.most);
        (of != to).then(|| Some(most(of)? / most(to)?))?
    }

    /// What a companion showed in all repeats.
    pub(super) fn accuracy(&self, of: Companion, whose: fn(&Heat) -> &Accuracy) -> Accuracy {
        let heats = self.heats(of).iter().map(whose);
        heats.fold(Accuracy::default(), Accuracy::and)
    }
}

fn heat(bench: &Bench, scene: Scene, companion: Companion) -> Result<Heat> {
    let running = companion.start(&bench.programs, scene.wire)?;
    let (began, before) = (now(), cpu_time(&running)?);
    let cpus = scene.cpus();
    let times = CpuTimes::now(cpus)?;
    let outcome = scene.run(&bench.programs.load, bench.effort.seconds)?;
    let share_left = CpuTimes::now(cpus)?.share_left_since(times);
    let used = cpu_time(&running)?.saturating_sub(before);
    let companion_percent = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let shown = running.stop()?;
    let everyone = outcome.drivers.iter().chain([&outcome.server]);
    Ok(Heat {
        per_second: outcome.per_second / share_left,
        companion_percent,
        drivers: shown.compare(&outcome.drivers),
        everyone: shown.compare(everyone),
    })
}

fn cpu_time(running: &Running) -> Result<Duration> {
    running
        .program()
        .map_or(Ok(Duration::ZERO), Program::cpu_time)
}
