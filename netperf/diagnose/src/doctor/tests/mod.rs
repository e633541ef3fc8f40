mod process;
mod verdict;

use netperf_core::clock::MonoNs;
use netperf_core::fixtures::process;
use netperf_core::sample::Sample;
use netperf_core::sample::pressure::{
    CpuTimes, KernelTables, Memory, PressureSample, ProcessStrain, Stalls,
};
use netperf_core::sample::refusal::FailedConnect;
use netperf_core::sample::socket::{SocketOwner, SocketOwners, SocketReading};

use super::*;

const LENGTH: Duration = Duration::from_secs(10);

/// Everything that a verdict is made of; calm unless changed.
pub(super) struct Scene {
    before: PressureSample,
    after: PressureSample,
    first: SocketSample,
    last: SocketSample,
    lookups: Result<Lookups, &'static str>,
    pub(super) about: Option<u32>,
}

impl Scene {
    pub(super) fn calm() -> Self {
        let pressure = |second: u64| PressureSample {
            at: MonoNs(second * 1_000_000_000),
            cpu: CpuTimes {
                busy: 10 * second,
                idle: 190 * second,
                ..CpuTimes::default()
            },
            processors: 2,
            stalls: Stalls {
                cpu_some: Some(0),
                io_some: Some(0),
                io_full: Some(0),
                memory_some: Some(0),
                memory_full: Some(0),
            },
            memory: Memory {
                total_kib: Some(1_024_000),
                available_kib: Some(512_000),
                ..Memory::default()
            },
            processes: vec![ProcessStrain {
                tgid: 7,
                name: "worker".to_owned(),
                ..ProcessStrain::default()
            }],
            tables: KernelTables {
                conntrack: Some(10),
                conntrack_max: Some(1_000),
                conntrack_drops: Some(0),
                ..KernelTables::default()
            },
        };
        let look = |second: u64| SocketSample {
            at: MonoNs(second * 1_000_000_000),
            wall: WallNs(1),
            ..SocketSample::default()
        };
        Self {
            before: pressure(1),
            after: pressure(11),
            first: look(1),
            last: look(11),
            lookups: Ok(Lookups::default()),
            about: None,
        }
    }

    pub(super) fn with_lookups(self, lookups: Result<Lookups, &'static str>) -> Self {
        Self { lookups, ..self }
    }

    pub(super) fn with_failures(mut self, failed: Vec<FailedConnect>) -> Self {
        self.last.refusals.failed = Some(failed);
        self
    }

    /// Connections of `worker` at both ends of the time.
    fn with_sockets(mut self, first: Vec<SocketReading>, last: Vec<SocketReading>) -> Self {
        let owner = || {
            SocketOwners::new(vec![SocketOwner {
                inode: 7,
                fd: 3,
                process: process(7, "worker"),
            }])
        };
        (self.first.sockets, self.first.owners) = (first, owner());
        (self.last.sockets, self.last.owners) = (last, owner());
        self
    }

    pub(super) fn judged<T>(
        &self,
        traffic: Result<&Model, &str>,
        look: impl FnOnce(&Diagnosis) -> T,
    ) -> T {
        let mut pressure = Pressure::new(self.before.clone());
        pressure.end(self.after.clone());
        let mut states = StatesModel::default();
        states.advance(&self.first, &|_| true);
        states.advance(&self.last, &|_| true);
        let nics = NicModel::default();
        let measured = Measured {
            wall: WallNs(1),
            length: LENGTH,
            pressure: &pressure,
            nics: &nics,
            states: &states,
            traffic,
            lookups: self.lookups.as_ref().map_err(|why| *why),
            first: &self.first,
            last: &self.last,
            unseen: &[],
            namespaces: None,
            about: self.about,
            units: Units::Auto,
        };
        look(&Diagnosis::new(&measured))
    }

    /// With hooks that saw nothing.
    pub(super) fn judge<T>(&self, look: impl FnOnce(&Diagnosis) -> T) -> T {
        let mut model = Model::new(&Sample::default());
        model.advance(&Sample {
            at: MonoNs(11_000_000_000),
            ..Sample::default()
        });
        self.judged(Ok(&model), look)
    }
}
