//! How does the kernel side get into the kernel, and why does it not?

use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroU32;

use anyhow::Context as _;
use aya::maps::MapType;
use aya::programs::Iter;
use aya::sys::{SyscallError, is_map_supported};
use aya::{Ebpf, EbpfLoader, Endianness};
use netperf_common::kernel::{
    ByteRecords, DROP_REASONS, Offsets, PacketOffsets, Settings, StateRecord,
};

use super::attach::{self, Kernel, Refused, Types};
use super::board::{Board, fill_free_slots};
use super::btf::{Btf, BtfError};
use super::hooks::{HookSet, Memory, PLAIN, Reads, SENT, SETS, STATE_TRACEPOINT, TAKEN};
use super::slots::Slots;
use super::{drops, offsets};
use crate::collect::{HookKind, HookPreference, Provenance, Unavailable};
use crate::procfs::Procfs;
use crate::sample::losses::DropReason;
use crate::text::chain;

/// The kernel side, compiled by build.rs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETPERF_EBPF_OBJECT"));

/// Slots at the least: room for 80 000 sockets in 11 MiB.
const MIN_SLOTS: u32 = 81_920;
/// Slots at the most: 144 MiB.
const MAX_SLOTS: u32 = 1 << 20;

/// A [`netperf_common::event::SlotEvent`] in the ring buffer, with its header.
const RECORD_BYTES: u32 = 24;

/// Room at the least where transitions and retransmissions are told one by one: half a second of 20 000
/// connections.
const EVENT_BYTES: u32 = 16 << 20;

/// Bytes from which on the allocator takes pages for a table alone, and gives them back with it.
const LARGE: i32 = 128 << 10;

/// What is wanted of the kernel side.
#[derive(Debug)]
pub struct Request<'a> {
    /// Which hooks.
    pub hooks: HookPreference,
    /// Whether the state of single connections is asked for.
    pub connections: bool,
    /// Whether what is lost is asked for: retransmissions, resets, what is thrown away.
    pub losses: bool,
    /// Whether each transition is to be told, and of which share of the connections: one of so many.
    pub transitions: Option<NonZeroU32>,
    /// Sockets open on this machine now; there will be room for twice as many.
    pub open_sockets: u32,
    /// Root of the cgroup v2 hierarchy, if there is one.
    pub cgroup_root: Option<&'a File>,
    /// What the kernel tells in files.
    pub procfs: &'a Procfs,
}

impl Request<'_> {
    /// Whether single events are asked for.
    fn wants_events(&self) -> bool {
        self.losses || self.transitions.is_some()
    }
}

/// Why this kernel can't count.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No ring buffer, kernel 5.8.
    #[error(
        "this kernel has no BPF ring buffer (making one was tried), through which connections are \
         told; it came with Linux 5.8"
    )]
    NoRingBuffer,
    /// No BTF, and the hooks that do without were refused.
    #[error(
        "{without}, without which the places of addresses and counters in its structures are not \
         known (it needs CONFIG_DEBUG_INFO_BTF); of the hooks that do without, it accepts \
         none:{tried}"
    )]
    NoBtf {
        /// Why it can't be had.
        without: String,
        /// What was tried, and what the kernel said.
        tried: String,
    },
    /// No BTF, and more than bytes was asked for.
    #[error(
        "{without}, without which the places of addresses and counters in its structures are not \
         known (it needs CONFIG_DEBUG_INFO_BTF); what connections lose and which states they go \
         through can't be told without"
    )]
    NoEvents {
        /// Why it can't be had.
        without: String,
    },
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
    pub(super) board: Board,
    pub(super) set: HookSet,
    pub(super) provenance: Provenance,
    /// Numbers of the reasons for which packets are thrown away.
    pub(super) drop_numbers: Vec<(u16, DropReason)>,
}

/// What the running kernel tells about itself.
struct Machine<'a> {
    /// Its types, or why it does not show them.
    types: Result<Types<'a>, String>,
    request: &'a Request<'a>,
    /// Its version.
    release: (u32, u32),
}

/// Where the records of tracepoints have what is read of them.
#[derive(Clone, Copy, Default)]
struct Records {
    states: StateRecord,
    bytes: ByteRecords,
}

/// Loads the object and attaches the first set of hooks that the kernel accepts.
pub(super) fn open(request: &Request<'_>) -> Result<Opened, OpenError> {
    on_this_machine(request, open_first)
}

/// Loads and attaches each wanted set in turn, and detaches it before the next.
pub(super) fn try_sets(request: &Request<'_>) -> Result<Vec<(HookKind, Tried)>, OpenError> {
    on_this_machine(request, |machine| {
        let wanted = SETS.iter().filter(|set| machine.would_use(set));
        let Err(without) = &machine.types else {
            return Ok(wanted.map(|set| (set.kind, machine.try_set(set))).collect());
        };
        Ok(wanted
            .map(|set| match set.kind {
                HookKind::Kprobe => (set.kind, machine.try_set(&PLAIN)),
                HookKind::Tracepoint | HookKind::Fentry => (set.kind, Err(without.clone())),
            })
            .collect())
    })
}

/// What a set counts, or why it can't.
type Tried = Result<Provenance, String>;

fn on_this_machine<T>(
    request: &Request<'_>,
    act: impl FnOnce(&Machine<'_>) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    keep_large_tables_apart();
    require_ring_buffer(is_map_supported(MapType::RingBuf))?;
    let release = request.procfs.kernel_version();
    let path = request.procfs.btf_path();
    let data = match std::fs::read(&path) {
        Ok(data) => data,
        Err(error) => {
            let path = path.display();
            let without = format!("this kernel has no type information (`{path}`: {error})");
            return act(&Machine {
                types: Err(without),
                request,
                release,
            });
        }
    };
    let btf = Btf::parse(&data)?;
    let aya_btf = aya::Btf::parse(&data, Endianness::default())
        .context("aya can't read the kernel's type information")
        .map_err(OpenError::Load)?;
    let machine = Machine {
        types: Ok(Types {
            btf: &btf,
            aya_btf: &aya_btf,
        }),
        request,
        release,
    };
    let done = act(&machine);
    drop((btf, aya_btf));
    drop(data);
    return_freed_memory();
    done
}

/// What the trial said: a kernel that does not know the kind says no; other failures (no rights, no
/// memory) are told as such when the tables are made.
fn require_ring_buffer(trial: Result<bool, SyscallError>) -> Result<(), OpenError> {
    match trial {
        Ok(false) => Err(OpenError::NoRingBuffer),
        Ok(true) => Ok(()),
        Err(error) => {
            log::debug!("cannot try to make a ring buffer: {error}");
            Ok(())
        }
    }
}

/// From now on the allocator gives the memory of large tables back when they are outgrown.
fn keep_large_tables_apart() {
    #![expect(unsafe_code, reason = "a call of the C library without a safe wrapper")]
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// What parsing the kernel's types took is megabytes, which the allocator would keep.
fn return_freed_memory() {
    #![expect(unsafe_code, reason = "a call of the C library without a safe wrapper")]
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers and may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn open_first(machine: &Machine<'_>) -> Result<Opened, OpenError> {
    let mut tried = String::new();
    let plain = [PLAIN];
    if let Err(without) = &machine.types
        && machine.request.wants_events()
    {
        let without = without.clone();
        return Err(OpenError::NoEvents { without });
    }
    let sets = match machine.types {
        Ok(_) => SETS,
        Err(_) => &plain,
    };
    for set in sets.iter().filter(|set| machine.would_use(set)) {
        match machine.open_set(set)? {
            Ok(opened) => return Ok(opened),
            Err(refused) => tried.extend(["\n  ", set.kind.word(), ": ", &refused.to_string()]),
        }
    }
    Err(match &machine.types {
        Ok(_) => OpenError::NoHooks { tried },
        Err(without) => {
            if tried.is_empty() {
                tried.push_str(" only those of `--hooks kprobe` do");
            }
            let without = without.clone();
            OpenError::NoBtf { without, tried }
        }
    })
}

impl Machine<'_> {
    /// Whether a set is of a wanted kind, and worth trying on this kernel.
    fn would_use(&self, set: &HookSet) -> bool {
        let is_worth = set.from.is_none_or(|from| self.release >= from);
        is_worth && self.request.hooks.accepts(set.kind)
    }

    fn try_set(&self, set: &HookSet) -> Tried {
        match self.open_set(set) {
            Ok(Ok(opened)) => Ok(opened.provenance),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Attaches one set, and notes what was open before.
    fn open_set(&self, set: &HookSet) -> Result<Result<Opened, Refused>, OpenError> {
        if self.types.is_err() && !self.request.procfs.is_in_initial_pid_namespace() {
            return Ok(Err(Refused {
                what: "processes",
                why: "they are numbered as in the initial pid namespace, and this is another"
                    .to_owned(),
            }));
        }
        let records = self.records(set.reads);
        let mut ebpf = self.load(set, records.as_ref().ok())?;
        let (slots, board) = take_tables(&mut ebpf).map_err(OpenError::Load)?;
        if let Ok(types) = &self.types
            && let Err(error) = iterate(&mut ebpf, *types, "task", "iter_own_namespace")
        {
            log::warn!("processes are numbered as in the initial pid namespace: {error:#}");
        }
        let kernel = Kernel {
            types: self.types.as_ref().ok().copied(),
            no_records: records.as_ref().err().map(String::as_str),
            cgroup_root: self.request.cgroup_root,
            connections: self.request.connections || self.request.wants_events(),
            losses: self.request.losses,
        };
        let mut provenance = match attach::attach(&mut ebpf, set, &kernel) {
            Ok(provenance) => provenance,
            Err(refused) => return Ok(Err(refused)),
        };
        match &self.types {
            Ok(types) => note_positions(&mut ebpf, *types, set.memory),
            Err(without) => provenance.unavailable.extend(unseen(set, without)),
        }
        Ok(Ok(Opened {
            ebpf,
            slots,
            board,
            set: *set,
            provenance,
            drop_numbers: match &self.types {
                Ok(types) if self.request.losses => drops::numbers(types.btf),
                _ => Vec::new(),
            },
        }))
    }

    /// Where the records have what, or why they can't be used.
    fn records(&self, reads: Reads) -> Result<Records, String> {
        let fields = |tracepoint| {
            let fields = self.request.procfs.record_fields(tracepoint);
            fields.map_err(|error| format!("no format of its record: {error}"))
        };
        let found = match reads {
            Reads::Nothing => Ok(Records::default()),
            Reads::States => {
                offsets::state_record(&fields(STATE_TRACEPOINT)?).map(|states| Records {
                    states,
                    ..Records::default()
                })
            }
            Reads::Bytes => {
                offsets::byte_records(&fields(SENT)?, &fields(TAKEN)?).map(|bytes| Records {
                    bytes,
                    ..Records::default()
                })
            }
        };
        found.map_err(|why| format!("its record is another: {why}"))
    }

    /// What the kernel side needs to know of packets, where they are asked for.
    fn lost_packets(&self) -> Result<LostPackets, OpenError> {
        match &self.types {
            Ok(types) if self.request.losses => Ok(LostPackets {
                packet: offsets::packet(types.btf)?,
                counted: drops::counted(&drops::numbers(types.btf)),
            }),
            _ => Ok(LostPackets {
                packet: PacketOffsets::default(),
                counted: [0; DROP_REASONS],
            }),
        }
    }

    /// Makes the maps, as large as this set needs them.
    fn load(&self, set: &HookSet, records: Option<&Records>) -> Result<Ebpf, OpenError> {
        let slots = slot_count(self.request.open_sockets);
        let (offsets, mut settings) = match &self.types {
            Ok(types) => (
                offsets::resolve(types.btf)?,
                offsets::settings(types.btf, slots)?,
            ),
            Err(_) => (
                Offsets::default(),
                Settings {
                    slots,
                    ..Settings::default()
                },
            ),
        };
        settings.by_position = u32::from(set.kind != HookKind::Tracepoint);
        settings.emit_retrans = u32::from(self.request.losses);
        settings.emit_states = u32::from(self.request.transitions.is_some());
        settings.sample = self.request.transitions.map_or(0, NonZeroU32::get);
        let lost = self.lost_packets()?;
        let records = records.copied().unwrap_or_default();
        let mut loader = EbpfLoader::new();
        loader
            .btf(self.types.as_ref().ok().map(|types| types.aya_btf))
            .override_global("OFFSETS", &offsets, true)
            .override_global("SETTINGS", &settings, true)
            .override_global("STATE_RECORD", &records.states, true)
            .override_global("BYTE_RECORDS", &records.bytes, true)
            .override_global("PACKET", &lost.packet, true)
            .override_global("COUNTED_DROPS", &lost.counted[..], true)
            .map_max_entries("SLOTS", slots)
            .map_max_entries("FREE_SLOTS", slots)
            .map_max_entries("EVENTS", ring_bytes(slots, self.request.wants_events()));
        match set.memory {
            Memory::InSocket => loader.map_max_entries("PROBED_SOCK_STATES", 1),
            Memory::ByAddress => loader.map_max_entries("PROBED_SOCK_STATES", slots),
        };
        if set.kind != HookKind::Kprobe {
            loader.map_max_entries("ENTRIES", 1);
        }
        if !self.request.losses {
            loader.map_max_entries("DROPS", 1);
        }
        match self.types {
            Ok(_) => loader
                .map_max_entries("CONNECTIONS", 1)
                .map_max_entries("READS", 1),
            Err(_) => loader.map_max_entries("CONNECTIONS", slots),
        };
        loader
            .load(OBJECT)
            .context("loading the maps failed")
            .map_err(OpenError::Load)
    }
}

/// What the kernel side needs to know of packets that are thrown away.
struct LostPackets {
    packet: PacketOffsets,
    counted: [u8; DROP_REASONS],
}

/// What a set can't see on any kernel.
fn unseen(set: &HookSet, why: &str) -> impl Iterator<Item = Unavailable> {
    set.unseen.iter().map(move |what| Unavailable {
        what: (*what).to_owned(),
        why: why.to_owned(),
    })
}

/// Notes the positions of sockets that are open. Without, what such a socket receives first is counted
/// as `unread`.
fn note_positions(ebpf: &mut Ebpf, types: Types<'_>, memory: Memory) {
    if let Err(error) = iterate(ebpf, types, "task_file", memory.positions()) {
        log::warn!("cannot look at the sockets that were open before: {error:#}");
    }
}

/// Lets an iterator run over everything of its kind.
fn iterate(ebpf: &mut Ebpf, types: Types<'_>, kind: &str, program: &str) -> anyhow::Result<()> {
    let program = ebpf.program_mut(program).context("not in the object")?;
    let program: &mut Iter = program.try_into()?;
    program.load(kind, types.aya_btf)?;
    let link = program.attach()?;
    let mut nothing = Vec::new();
    program
        .take_link(link)?
        .into_file()?
        .read_to_end(&mut nothing)?;
    Ok(())
}

/// Room for twice the sockets that are open.
fn slot_count(open_sockets: u32) -> u32 {
    open_sockets.saturating_mul(2).clamp(MIN_SLOTS, MAX_SLOTS)
}

/// Room for a record of every slot, which each writes once a tick when it is used. Events come besides:
/// 20 000 connections a second write 18 MB. The kernel takes powers of two only.
fn ring_bytes(slots: u32, events: bool) -> u32 {
    let records = slots.saturating_mul(RECORD_BYTES).next_power_of_two();
    if events {
        (records * 2).max(EVENT_BYTES)
    } else {
        records
    }
}

/// The tables that user space has to do with, ready for use.
fn take_tables(ebpf: &mut Ebpf) -> anyhow::Result<(Slots, Board)> {
    let mut take = |name: &str| {
        ebpf.take_map(name)
            .with_context(|| format!("the object has no `{name}`"))
    };
    let (slots, page) = (take("SLOTS")?, take("BOARD")?);
    let slots = Slots::open(slots)?;
    fill_free_slots(ebpf, slots.count())?;
    Ok((slots, Board::open(ebpf, page)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_has_room_for_every_slot() {
        assert_eq!(ring_bytes(MIN_SLOTS, false), 2 << 20);
        assert_eq!(ring_bytes(MAX_SLOTS, false), 32 << 20);
        assert_eq!(ring_bytes(MIN_SLOTS, true), EVENT_BYTES);
        assert_eq!(ring_bytes(MAX_SLOTS, true), 64 << 20);
    }

    #[test]
    fn only_a_kernel_that_says_no_lacks_the_ring_buffer() {
        let error = require_ring_buffer(Ok(false)).unwrap_err();
        assert!(error.to_string().contains("5.8"), "{error}");
        assert!(require_ring_buffer(Ok(true)).is_ok());
        let refused = SyscallError {
            call: "bpf_map_create",
            io_error: std::io::Error::from_raw_os_error(libc::EPERM),
        };
        assert!(require_ring_buffer(Err(refused)).is_ok());
    }

    #[test]
    fn there_is_room_for_twice_the_open_sockets() {
        assert_eq!(slot_count(0), MIN_SLOTS);
        assert_eq!(slot_count(100_000), 200_000);
        assert_eq!(slot_count(u32::MAX), MAX_SLOTS);
    }
}
