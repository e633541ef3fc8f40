//! Every map and global of `dns --watch`.

use aya_ebpf::{
    btf_maps::{Array, RingBuf},
    macros::btf_map,
};
use netperf_common::names::{NameFacts, NamePacket};

/// Packets on their way to user space: some 2500 of them, which is a burst of 50 ms.
#[btf_map]
pub(crate) static PACKETS: RingBuf<NamePacket, 1_048_576> = RingBuf::new();

/// Packets that found no room.
#[btf_map]
pub(crate) static LOST: Array<u64, 1> = Array::new();

/// What was told before load.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static NAME_FACTS: NameFacts = unsafe { core::mem::zeroed() };

/// Reads a field of [`NAME_FACTS`]; the map is frozen, so the verifier sees a constant.
macro_rules! fact {
    ($field:ident) => {
        $crate::maps::read_fact(&$crate::maps::NAME_FACTS.$field)
    };
}
pub(crate) use fact;

/// Reads a fact as it is at load.
#[inline(always)]
pub(crate) fn read_fact<T: Copy>(fact: &T) -> T {
    // SAFETY: a reference is valid to read; volatile because user space sets the fact after compilation.
    unsafe { core::ptr::read_volatile(fact) }
}
