//! Loads the kernel side, with the facts that it needs and tables of the right size.

use std::num::NonZeroU32;

use anyhow::Context as _;
use aya::{Ebpf, EbpfLoader};
use netperf_common::kernel::{ByteRecords, Offsets, PacketOffsets, Settings, StateRecord};
use netperf_core::collect::HookKind;
use netperf_core::sample::losses::DropReason;

use super::attach::Types;
use super::error::OpenError;
use super::hooks::{HookSet, Memory, Reads, SENT, STATE_TRACEPOINT, TAKEN};
use super::request::Request;
use super::{drops, kernel_log, offsets};
use crate::procfs::Procfs;

/// The kernel side, compiled by build.rs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETPERF_EBPF_OBJECT"));

/// Slots at the least: room for 80 000 sockets in 11 MiB.
const MIN_SLOTS: u32 = 81_920;
/// Slots at the most: 144 MiB.
const MAX_SLOTS: u32 = 1 << 20;

/// Slots where nothing takes one.
const NO_SLOTS: u32 = 2;

/// A [`netperf_common::event::SlotEvent`] in the ring buffer, with its header.
const RECORD_BYTES: u32 = 24;

/// Room at the least where transitions and retransmissions are told one by one: half a second of 20 000
/// connections.
const EVENT_BYTES: u32 = 16 << 20;

/// Pairs of a process and a remote host whose times are kept, each of three kinds: 9 MiB.
const LATENCIES: u32 = 8_192;

/// What was refused to whom, and threads that call at the moment: 3 MiB. Connections that wait for an
/// answer, where they are asked for: 2 MiB more.
const REFUSALS: u32 = 16_384;

/// Where the records of tracepoints have what is read of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Records {
    states: StateRecord,
    bytes: ByteRecords,
}

impl Records {
    /// Reads what the kernel tells of those that a set reads; says why they can't be used.
    pub(super) fn read(reads: Reads, procfs: &Procfs) -> Result<Self, String> {
        let fields = |tracepoint| {
            let fields = procfs.record_fields(tracepoint);
            fields.map_err(|error| format!("no format of its record: {error}"))
        };
        let found = match reads {
            Reads::Nothing => Ok(Self::default()),
            Reads::States => offsets::state_record(&fields(STATE_TRACEPOINT)?).map(|states| Self {
                states,
                ..Self::default()
            }),
            Reads::Bytes => {
                offsets::byte_records(&fields(SENT)?, &fields(TAKEN)?).map(|bytes| Self {
                    bytes,
                    ..Self::default()
                })
            }
        };
        found.map_err(|why| format!("its record is another: {why}"))
    }
}

/// What has to be known of packets that are thrown away, where they are asked for.
#[derive(Default)]
struct LostPackets {
    packet: PacketOffsets,
    numbers: Vec<(u16, DropReason)>,
}

impl LostPackets {
    fn of(request: &Request<'_>, types: Option<Types<'_>>) -> Result<Self, OpenError> {
        Ok(match types.filter(|_| request.losses) {
            Some(types) => Self {
                packet: offsets::packet(types.btf)?,
                numbers: drops::numbers(types.btf),
            },
            None => Self::default(),
        })
    }
}

/// The kernel side, loaded and not attached.
pub(super) struct Loaded {
    pub(super) ebpf: Ebpf,
    /// Numbers of the reasons for which packets are thrown away.
    pub(super) drop_numbers: Vec<(u16, DropReason)>,
}

/// Makes the maps, as large as this set needs them.
pub(super) fn load(
    request: &Request<'_>,
    types: Option<Types<'_>>,
    set: &HookSet,
    records: Option<&Records>,
) -> Result<Loaded, OpenError> {
    let slots = match set.memory {
        Memory::Nowhere => NO_SLOTS,
        Memory::InSocket | Memory::ByAddress => slot_count(request.open_sockets),
    };
    let (offsets, settings) = facts(request, types, set, slots)?;
    let lost = LostPackets::of(request, types)?;
    let counted = drops::counted(&lost.numbers);
    let records = records.copied().unwrap_or_default();
    let mut loader = EbpfLoader::new();
    loader
        .btf(types.map(|types| types.aya_btf))
        .override_global("OFFSETS", &offsets, true)
        .override_global("SETTINGS", &settings, true)
        .override_global("STATE_RECORD", &records.states, true)
        .override_global("BYTE_RECORDS", &records.bytes, true)
        .override_global("PACKET", &lost.packet, true)
        .override_global("COUNTED_DROPS", &counted[..], true)
        .map_max_entries("SLOTS", slots)
        .map_max_entries("FREE_SLOTS", slots)
        .map_max_entries("AYA_LOGS", kernel_log::ring_bytes())
        .map_max_entries("EVENTS", ring_bytes(slots, request.wants_events()));
    size_maps(&mut loader, request, set.memory, slots);
    match types {
        Some(_) => loader
            .map_max_entries("CONNECTIONS", 1)
            .map_max_entries("READS", 1),
        None => loader.map_max_entries("CONNECTIONS", slots),
    };
    let ebpf = loader.load(OBJECT).context("loading the maps failed");
    Ok(Loaded {
        ebpf: ebpf.map_err(OpenError::Load)?,
        drop_numbers: lost.numbers,
    })
}

/// Makes the maps that this run does not need as small as the kernel allows.
fn size_maps(loader: &mut EbpfLoader<'_>, request: &Request<'_>, memory: Memory, slots: u32) {
    match memory {
        Memory::InSocket => loader
            .map_max_entries("PROBED_SOCK_STATES", 1)
            .map_max_entries("ENTRIES", 1),
        Memory::ByAddress => loader.map_max_entries("PROBED_SOCK_STATES", slots),
        Memory::Nowhere => loader
            .map_max_entries("PROBED_SOCK_STATES", 1)
            .map_max_entries("ENTRIES", 1)
            .map_max_entries("SHARED", 1)
            .map_max_entries("REFUSALS", REFUSALS)
            .map_max_entries("CALLS", REFUSALS),
    };
    if request.latency {
        loader
            .map_max_entries("LATENCIES", LATENCIES)
            .map_max_entries("HANDSHAKES", slots);
    }
    if request.failures {
        loader.map_max_entries("ATTEMPTS", REFUSALS);
    }
    if !request.losses {
        loader.map_max_entries("DROPS", 1);
    }
}

/// What the kernel side has to know of this kernel and of this run.
fn facts(
    request: &Request<'_>,
    types: Option<Types<'_>>,
    set: &HookSet,
    slots: u32,
) -> Result<(Offsets, Settings), OpenError> {
    let (offsets, mut settings) = match types {
        Some(types) => (
            offsets::resolve(types.btf)?,
            offsets::settings(types.btf, slots)?,
        ),
        None => (
            Offsets::default(),
            Settings {
                slots,
                ..Settings::default()
            },
        ),
    };
    settings.by_position = u32::from(set.kind != HookKind::Tracepoint);
    settings.emit_retrans = u32::from(request.losses);
    settings.emit_states = u32::from(request.transitions.is_some());
    settings.sample = request.transitions.map_or(0, NonZeroU32::get);
    settings.latency = u32::from(request.latency);
    settings.failures = u32::from(request.failures);
    settings.log = u32::from(kernel_log::is_wanted());
    Ok((offsets, settings))
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
    fn there_is_room_for_twice_the_open_sockets() {
        assert_eq!(slot_count(0), MIN_SLOTS);
        assert_eq!(slot_count(100_000), 200_000);
        assert_eq!(slot_count(u32::MAX), MAX_SLOTS);
    }
}
