//! Every map and global of a limit.

use core::ptr::null;

use aya_ebpf::{
    bindings::{BPF_F_CLONE, BPF_F_NO_PREALLOC, bpf_map_type::BPF_MAP_TYPE_SK_STORAGE},
    btf_maps::{Array, HashMap, LruHashMap},
    macros::btf_map,
};
use netperf_common::limit::{LimitBoard, LimitFacts, LimitedSocket};

/// `BPF_F_MMAPABLE`: user space reads and writes it as memory.
const MMAPABLE: usize = 1 << 10;

/// Storage that accepted sockets inherit from their listener: aya's own type has no flags.
#[repr(C)]
pub(crate) struct InheritedStorage {
    r#type: *const [i32; BPF_MAP_TYPE_SK_STORAGE as usize],
    key: *const i32,
    value: *const LimitedSocket,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; (BPF_F_NO_PREALLOC | BPF_F_CLONE) as usize],
}

// SAFETY: the pointers are null and never followed; only their types mean something.
unsafe impl Sync for InheritedStorage {}

/// The sockets that are limited.
#[btf_map]
pub(crate) static LIMITED: InheritedStorage = InheritedStorage {
    r#type: null(),
    key: null(),
    value: null(),
    max_entries: null(),
    map_flags: null(),
};

/// The processes that are limited, as the kernel numbers them: more than a machine runs.
#[btf_map]
pub(crate) static MEMBERS: HashMap<u32, u32, 65_536> = HashMap::new();

/// What the fragments of a packet have in common.
#[repr(C)]
pub(crate) struct FragmentKey {
    /// Both addresses; the first two words are those of IPv4.
    pub ends: [u32; 8],
    pub identification: u32,
    pub protocol: u32,
}

/// Packets for limited sockets of which later fragments may still come: a second of small ones.
#[btf_map]
pub(crate) static FRAGMENTS: LruHashMap<FragmentKey, u8, 16_384> = LruHashMap::new();

/// What user space and the programs tell each other.
#[btf_map]
pub(crate) static LIMIT_BOARD: Array<LimitBoard, 1, MMAPABLE> = Array::new();

/// What was told before load.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static LIMIT_FACTS: LimitFacts = unsafe { core::mem::zeroed() };

/// Reads a field of [`LIMIT_FACTS`]; the map is frozen, so the verifier sees a constant.
macro_rules! fact {
    ($field:ident) => {
        $crate::maps::read_fact(&$crate::maps::LIMIT_FACTS.$field)
    };
}
pub(crate) use fact;

/// Reads a fact as it is at load.
#[inline(always)]
pub(crate) fn read_fact<T: Copy>(fact: &T) -> T {
    // SAFETY: a reference is valid to read; volatile because user space sets the fact after compilation.
    unsafe { core::ptr::read_volatile(fact) }
}

/// The board.
#[inline(always)]
pub(crate) fn board() -> Option<*mut LimitBoard> {
    LIMIT_BOARD.get_ptr_mut(0)
}
