//! Load of the machine between two readings.

use std::collections::HashMap;
use std::time::Duration;

use crate::sample::pressure::{CpuTimes, KernelTables, PressureSample, ProcessStrain, Stalls};

/// The machine over a span of time.
#[derive(Clone, Debug, Default)]
pub struct Pressure {
    before: PressureSample,
    /// The latest reading.
    pub now: PressureSample,
    /// How often each process was seen to wait for a disk, and how often was looked.
    blocked: HashMap<(u32, u64), u32>,
    looks: u32,
}

/// A process, and its part of something.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'m> {
    /// The process.
    pub process: &'m ProcessStrain,
    /// How much of the whole, or of one processor.
    pub share: f64,
}

impl Pressure {
    /// Begins with a reading.
    pub fn new(before: PressureSample) -> Self {
        let mut pressure = Self {
            now: before.clone(),
            before,
            ..Self::default()
        };
        let processes = std::mem::take(&mut pressure.now.processes);
        pressure.look(&processes);
        pressure.now.processes = processes;
        pressure
    }

    /// Takes in who waits for a disk at this moment.
    pub fn look(&mut self, processes: &[ProcessStrain]) {
        self.looks += 1;
        for process in processes.iter().filter(|process| process.is_blocked) {
            *self
                .blocked
                .entry((process.tgid, process.start))
                .or_default() += 1;
        }
    }

    /// Ends the span with a reading.
    pub fn end(&mut self, now: PressureSample) {
        self.look(&now.processes);
        self.now = now;
    }

    /// How long it was.
    pub fn length(&self) -> Option<Duration> {
        self.now.at.since(self.before.at)
    }

    /// Share of the time of all processors.
    pub fn cpu(&self, part: fn(CpuTimes) -> u64) -> Option<f64> {
        let difference =
            |of: fn(CpuTimes) -> u64| of(self.now.cpu).checked_sub(of(self.before.cpu));
        let total = difference(CpuTimes::total).filter(|&total| total > 0)?;
        Some(float(difference(part)?) / float(total))
    }

    /// Share of the span in which tasks waited.
    pub fn stalled(&self, who: fn(&Stalls) -> Option<u64>) -> Option<f64> {
        let waited = who(&self.now.stalls)?.checked_sub(who(&self.before.stalls)?)?;
        let length = self.length()?.as_secs_f64();
        Some((float(waited) / 1e6 / length).min(1.0))
    }

    /// By how much a counter of memory or of the tables grew.
    pub fn growth(&self, counter: fn(&PressureSample) -> Option<u64>) -> Option<u64> {
        counter(&self.now)?.checked_sub(counter(&self.before)?)
    }

    /// The tables now.
    pub fn tables(&self) -> &KernelTables {
        &self.now.tables
    }

    /// Who used the processors, the greatest first, in shares of one processor.
    pub fn by_cpu(&self) -> Vec<Part<'_>> {
        let seconds = self.length().map_or(f64::INFINITY, |it| it.as_secs_f64());
        // Ticks of 10 ms.
        self.parts(|grown| float(grown.cpu) / 100.0 / seconds)
    }

    /// Who waited for pages from a disk, the greatest first, in pages a second.
    pub fn by_faults(&self) -> Vec<Part<'_>> {
        let seconds = self.length().map_or(f64::INFINITY, |it| it.as_secs_f64());
        self.parts(|grown| float(grown.major_faults) / seconds)
    }

    /// Who waited for a disk, the greatest first, in shares of the looks.
    pub fn by_blocked(&self) -> Vec<Part<'_>> {
        let looks = f64::from(self.looks.max(1));
        let part = |process| {
            let times = self.blocked.get(&id(process)).copied().unwrap_or(0);
            let share = f64::from(times) / looks;
            Part { process, share }
        };
        ordered(self.now.processes.iter().map(part).collect())
    }

    fn parts(&self, share: impl Fn(&ProcessStrain) -> f64) -> Vec<Part<'_>> {
        let before: HashMap<_, _> = self
            .before
            .processes
            .iter()
            .map(|it| (id(it), it))
            .collect();
        let part = |process| {
            let since = before.get(&id(process)).copied();
            let grown = ProcessStrain {
                cpu: process.cpu.saturating_sub(since.map_or(0, |it| it.cpu)),
                major_faults: process
                    .major_faults
                    .saturating_sub(since.map_or(0, |it| it.major_faults)),
                ..ProcessStrain::default()
            };
            let share = share(&grown);
            Part { process, share }
        };
        ordered(self.now.processes.iter().map(part).collect())
    }

    /// One process and what it used, in shares of one processor.
    pub fn cpu_of(&self, tgid: u32) -> Option<f64> {
        let all = self.by_cpu();
        let part = all.iter().find(|part| part.process.tgid == tgid);
        part.map(|part| part.share)
    }
}

fn ordered(mut parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    parts.retain(|part| part.share > 0.0);
    parts.sort_by(|a, b| b.share.total_cmp(&a.share));
    parts
}

fn id(process: &ProcessStrain) -> (u32, u64) {
    (process.tgid, process.start)
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonoNs;

    fn process(tgid: u32, start: u64, cpu: u64, is_blocked: bool) -> ProcessStrain {
        ProcessStrain {
            tgid,
            start,
            name: format!("p{tgid}"),
            cpu,
            major_faults: 0,
            is_blocked,
        }
    }

    fn sample(second: u64, busy: u64, processes: Vec<ProcessStrain>) -> PressureSample {
        PressureSample {
            at: MonoNs(second * 1_000_000_000),
            cpu: CpuTimes {
                busy,
                idle: 1_000 * second - busy,
                ..CpuTimes::default()
            },
            stalls: Stalls {
                io_some: Some(second * 250_000),
                ..Stalls::default()
            },
            processes,
            ..PressureSample::default()
        }
    }

    #[test]
    fn shares_are_of_the_span_between_the_readings() {
        let mut pressure = Pressure::new(sample(1, 100, vec![process(7, 1, 50, true)]));
        let mine = vec![process(7, 1, 250, false), process(8, 9, 100, false)];
        pressure.end(sample(3, 600, mine));
        assert_eq!(pressure.cpu(|it| it.busy), Some(0.25));
        assert_eq!(pressure.stalled(|it| it.io_some), Some(0.25));
        assert_eq!(pressure.stalled(|it| it.cpu_some), None);
        let shares: Vec<_> = pressure
            .by_cpu()
            .iter()
            .map(|it| (it.process.tgid, it.share))
            .collect();
        assert_eq!(shares, [(7, 1.0), (8, 0.5)]);
        let blocked = pressure.by_blocked();
        let blocked: Vec<_> = blocked
            .iter()
            .map(|it| (it.process.tgid, it.share))
            .collect();
        assert_eq!(blocked, [(7, 0.5)]);
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let mut pressure = Pressure::new(sample(1, 0, vec![process(7, 1, 500, false)]));
        pressure.end(sample(2, 0, vec![process(7, 2, 10, false)]));
        assert_eq!(pressure.cpu_of(7), Some(0.1));
    }
}
