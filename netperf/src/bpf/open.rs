//! How does the kernel side get into the kernel, and why does it not?

use std::fs::File;
use std::io::Read as _;

use anyhow::Context as _;
use aya::programs::Iter;
use aya::{Ebpf, EbpfLoader};

use super::attach::{self, Kernel};
use super::btf::{Btf, BtfError, KERNEL_BTF};
use super::hooks::{HookSet, SETS};
use super::offsets;
use super::slots::Slots;
use crate::collect::{HookPreference, Provenance};

/// The kernel side, compiled by build.rs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETPERF_EBPF_OBJECT"));

/// Slots at the least: 4 MiB.
const MIN_SLOTS: u32 = 32_768;
/// Slots at the most: 142 MiB.
const MAX_SLOTS: u32 = 1 << 20;

/// What is wanted of the kernel side.
#[derive(Debug)]
pub struct Request<'a> {
    /// Which hooks.
    pub hooks: HookPreference,
    /// Sockets open on this machine now; there will be room for twice as many.
    pub open_sockets: u32,
    /// Root of the cgroup v2 hierarchy, if there is one.
    pub cgroup_root: Option<&'a File>,
}

/// Why this kernel can't count.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No BTF.
    #[error(
        "this kernel has no type information (`{KERNEL_BTF}`), without which the places of \
         addresses and counters in its structures are not known; it needs CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf(#[source] std::io::Error),
    /// BTF without something needed.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The maps or the object were refused.
    #[error("the kernel refused the tables that count")]
    Load(#[source] anyhow::Error),
    /// No set of hooks could be attached.
    #[error("this kernel accepts none of the hooks that were tried:{tried}")]
    NoHooks {
        /// Each set on a line of its own, with what the kernel said.
        tried: String,
    },
}

/// A kernel side that counts.
pub(super) struct Opened {
    pub(super) ebpf: Ebpf,
    pub(super) slots: Slots,
    pub(super) set: HookSet,
    pub(super) provenance: Provenance,
}

/// Loads the object, attaches the first set that the kernel accepts, and notes what was open before.
pub(super) fn open(request: &Request<'_>) -> Result<Opened, OpenError> {
    let data = std::fs::read(KERNEL_BTF).map_err(OpenError::NoBtf)?;
    let btf = Btf::parse(&data)?;
    let aya_btf = aya::Btf::from_sys_fs()
        .context("aya")
        .map_err(OpenError::Load)?;
    let mut ebpf = load(&btf, &aya_btf, slot_count(request.open_sockets))?;
    let slots = take_slots(&mut ebpf).map_err(OpenError::Load)?;
    let kernel = Kernel {
        btf: &btf,
        aya_btf: &aya_btf,
        cgroup_root: request.cgroup_root,
    };
    if let Err(error) = iterate(&mut ebpf, &aya_btf, "task", "iter_own_namespace") {
        log::warn!("processes are numbered as in the initial pid namespace: {error:#}");
    }
    let (set, provenance) = attach_first(&mut ebpf, &kernel, request.hooks)?;
    if let Err(error) = iterate(&mut ebpf, &aya_btf, "task_file", set.positions) {
        // What such a socket receives first is then counted as `unread`.
        log::warn!("cannot look at the sockets that were open before: {error:#}");
    }
    Ok(Opened {
        ebpf,
        slots,
        set,
        provenance,
    })
}

/// Room for twice the sockets that are open.
fn slot_count(open_sockets: u32) -> u32 {
    open_sockets
        .saturating_mul(2)
        .clamp(MIN_SLOTS, MAX_SLOTS)
        .next_power_of_two()
}

fn load(btf: &Btf<'_>, aya_btf: &aya::Btf, slots: u32) -> Result<Ebpf, OpenError> {
    let offsets = offsets::resolve(btf)?;
    let settings = offsets::settings(btf)?;
    EbpfLoader::new()
        .btf(Some(aya_btf))
        .override_global("OFFSETS", &offsets, true)
        .override_global("SETTINGS", &settings, true)
        .map_max_entries("SLOTS", slots)
        .map_max_entries("FREE_SLOTS", slots)
        .load(OBJECT)
        .context("loading the maps failed")
        .map_err(OpenError::Load)
}

fn take_slots(ebpf: &mut Ebpf) -> anyhow::Result<Slots> {
    let slots = ebpf
        .take_map("SLOTS")
        .context("the object has no `SLOTS`")?;
    let free = ebpf
        .take_map("FREE_SLOTS")
        .context("the object has no `FREE_SLOTS`")?;
    Slots::open(slots, free)
}

fn attach_first(
    ebpf: &mut Ebpf,
    kernel: &Kernel<'_>,
    preference: HookPreference,
) -> Result<(HookSet, Provenance), OpenError> {
    let mut tried = String::new();
    for set in SETS.iter().filter(|set| preference.accepts(set.kind)) {
        match attach::attach(ebpf, set, kernel) {
            Ok(provenance) => return Ok((*set, provenance)),
            Err(refused) => tried.extend(["\n  ", set.kind.word(), ": ", &refused.to_string()]),
        }
    }
    Err(OpenError::NoHooks { tried })
}

/// Lets an iterator run over everything of its kind.
fn iterate(ebpf: &mut Ebpf, btf: &aya::Btf, kind: &str, program: &str) -> anyhow::Result<()> {
    let program = ebpf.program_mut(program).context("not in the object")?;
    let program: &mut Iter = program.try_into()?;
    program.load(kind, btf)?;
    let link = program.attach()?;
    let mut nothing = Vec::new();
    program
        .take_link(link)?
        .into_file()?
        .read_to_end(&mut nothing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_twice_the_open_sockets() {
        assert_eq!(slot_count(0), MIN_SLOTS);
        assert_eq!(slot_count(100_000), 262_144);
        assert_eq!(slot_count(u32::MAX), MAX_SLOTS);
    }
}
