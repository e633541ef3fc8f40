//! How strained is the machine, and the tables of the network namespace that is looked at?

use netperf_core::clock::MonoNs;
use netperf_core::sample::pressure::{KernelTables, PressureSample, ProcessStrain};

use super::Scope;
use crate::netlink;
use crate::procfs::Procfs;

/// Reads the machine itself. Needs no right, but for the tables of another network namespace.
pub struct PressureFeed {
    procfs: Procfs,
    /// A process in the namespace whose tables are read; `None` for the own one.
    elsewhere: Option<u32>,
}

impl PressureFeed {
    /// With the tables of the namespace that a scope names; of all, those of the own one.
    pub fn open(scope: Scope) -> Self {
        let procfs = Procfs::new("/");
        let own = procfs.own_network_namespace();
        let is_elsewhere = |tgid: &u32| procfs.network_namespace(*tgid).is_ok_and(|it| it != own);
        let elsewhere = match scope {
            Scope::Of(tgid) => Some(tgid).filter(is_elsewhere),
            Scope::All | Scope::Own => None,
        };
        Self { procfs, elsewhere }
    }

    /// The machine at the moment `at`.
    pub fn read(&self, at: MonoNs) -> PressureSample {
        let mut sample = self.procfs.pressure(at);
        if let Some(tgid) = self.elsewhere {
            sample.tables = self.tables_of(tgid).unwrap_or_default();
        }
        sample
    }

    /// Every process that can be seen now.
    pub fn processes(&self) -> Vec<ProcessStrain> {
        self.procfs.strains()
    }

    fn tables_of(&self, tgid: u32) -> std::io::Result<KernelTables> {
        let namespace = self.procfs.open_network_namespace(tgid)?;
        netlink::inside(&namespace, || Ok(self.procfs.kernel_tables()))
    }
}
