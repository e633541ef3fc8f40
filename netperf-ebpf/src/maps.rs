//! Every map and global: what it holds, how large it is, and why.

use aya_ebpf::{
    btf_maps::{Array, HashMap, LruHashMap, RingBuf, SkStorage, Stack},
    macros::btf_map,
};
use netperf_common::{
    event::{DropKey, SlotEvent},
    flow::{FlowKey, Owner, Slot},
    kernel::{
        ByteRecords, ControlPage, DROP_REASONS, LossCounters, Offsets, PacketOffsets, PairKey,
        PidNamespace, Settings, StateRecord,
    },
    latency::{Histogram, LatencyKey},
    refusal::{RefusalCount, RefusalKey},
};
use netperf_ebpf::atomic::Shared;

/// `BPF_F_MMAPABLE`: user space reads the slots as memory, without a system call.
const MMAPABLE: usize = 1 << 10;

/// Slots when user space does not say how many. It does, by the number of sockets on the machine.
const SLOT_COUNT: usize = 32_768;

/// What the tracer remembers of a socket.
#[repr(C)]
pub(crate) struct SockState {
    /// Thread group that last moved bytes (high half) and its slot (low half), as one word, so that
    /// two CPUs can't leave one's process with the other's slot. 0 is none.
    pub current: u64,
    /// When the state last changed, in nanoseconds on `CLOCK_BOOTTIME`.
    pub state_since_ns: u64,
    /// Receive position up to which bytes are counted.
    pub seen_seq: u32,
    /// 1 once `seen_seq` holds.
    pub seq_known: u32,
    /// Where the connection began that `seen_seq` belongs to; a socket may have several in turn.
    pub first_seq: u32,
    /// Segments that the socket had sent when its first slot was taken, where retransmissions are asked
    /// for.
    pub sent_before: u32,
    /// Identifier of a socket that is known by its address; others have their cookie.
    pub probed_id: u64,
    /// Send position up to which bytes are counted, where a hook counts by position.
    pub sent_seq: u32,
    /// 1 once `sent_seq` holds.
    pub sent_known: u32,
}

/// A function that a thread is in. A softirq may run in the middle of a send and retransmit, in the
/// same thread, so that the thread alone is not enough.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct EntryKey {
    pub thread: u64,
    pub function: u64,
}

/// A read that a thread is in, or was in last.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Read {
    /// Address of the socket whose bytes count in it; 0 while there is none.
    pub socket: u64,
    /// Bytes of this read that are counted.
    pub seen: u32,
    /// 1 where each report is of new bytes, from whatever socket.
    pub whole: u32,
    /// Flags of the call.
    pub flags: i32,
    /// Padding.
    pub reserved: u32,
}

/// The arguments of a call that gives a socket an address.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// The socket: its descriptor, or where the kernel has it.
    pub socket: u64,
    /// Where the address is.
    pub address: u64,
}

/// A connection that waits for its first answer, or that has failed since.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    /// Who connects.
    pub owner: Owner,
    /// The error that it failed with, which the process has not been told yet; 0 while it waits.
    pub error: u32,
    /// Padding.
    pub reserved: u32,
}

/// What the kernel has told of a connection.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Connection {
    /// Its addresses.
    pub key: FlowKey,
    /// Its state.
    pub state: u32,
}

/// Counters of each (socket, process) pair; index 0 is never used.
#[btf_map]
pub(crate) static SLOTS: Array<Slot, SLOT_COUNT, MMAPABLE> = Array::new();

/// What user space and `sync` tell each other.
#[btf_map]
pub(crate) static CONTROL: Array<ControlPage, 1, MMAPABLE> = Array::new();

/// Indices of free slots, the last freed on top, so that the slots in use stay close together.
/// `fill_free_slots` fills it, and `sync` returns the slots of sockets that have ended.
#[btf_map]
pub(crate) static FREE_SLOTS: Stack<u32, SLOT_COUNT> = Stack::new();

/// State of each socket; goes with the socket, so it can't leak and has no size.
#[btf_map]
pub(crate) static SOCK_STATES: SkStorage<SockState> = SkStorage::new();

/// The same for hooks that hold no trusted socket (kprobes, and trampolines before 5.11), by the
/// socket's address.
#[btf_map]
pub(crate) static PROBED_SOCK_STATES: HashMap<u64, SockState, 65_536> = HashMap::new();

/// Slots of sockets that more than one process uses. Such sockets are few.
#[btf_map]
pub(crate) static SHARED: HashMap<PairKey, u32, 16_384> = HashMap::new();

/// Records for user space, which makes it large enough for one of every slot.
#[btf_map]
pub(crate) static EVENTS: RingBuf<SlotEvent, 1_048_576> = RingBuf::new();

/// Sockets that a kretprobe needs of its function's entry.
#[btf_map]
pub(crate) static ENTRIES: HashMap<EntryKey, u64, 16_384> = HashMap::new();

/// Reads of each thread, where sockets tell nothing: nobody tells the end of a thread, so that the
/// oldest make room.
#[btf_map]
pub(crate) static READS: LruHashMap<u64, Read, 65_536> = LruHashMap::new();

/// Connections by the address of their socket, where sockets tell nothing.
#[btf_map]
pub(crate) static CONNECTIONS: HashMap<u64, Connection, 65_536> = HashMap::new();

/// How many packets were thrown away, where that is asked for. Flooded ports share one count when it is
/// full.
#[btf_map]
pub(crate) static DROPS: HashMap<DropKey, u64, 16_384> = HashMap::new();

/// 1 at each number of `enum skb_drop_reason` that counts.
#[unsafe(no_mangle)]
pub(crate) static COUNTED_DROPS: [u8; DROP_REASONS] = [0; DROP_REASONS];

/// Where packets have what, where packets are asked for.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static PACKET: PacketOffsets = unsafe { core::mem::zeroed() };

/// How long it took, by process and remote host; those that nobody has used for long make room. User
/// space makes it larger where it is asked for.
#[btf_map]
pub(crate) static LATENCIES: LruHashMap<LatencyKey, Histogram, 1> = LruHashMap::new();

/// When connections came to wait to be accepted, by the address of their socket, on `CLOCK_BOOTTIME`.
/// Those that nobody accepts make room. User space makes it larger where it is asked for.
#[btf_map]
pub(crate) static HANDSHAKES: LruHashMap<u64, u64, 1> = LruHashMap::new();

/// What was refused to whom, and how often. User space makes it larger where it is asked for.
#[btf_map]
pub(crate) static REFUSALS: HashMap<RefusalKey, RefusalCount, 1> = HashMap::new();

/// Calls that threads are in, or were in last, where only their end tells whether they were refused:
/// nobody tells the end of a thread, so that the oldest make room. As large as the one above.
#[btf_map]
pub(crate) static CALLS: LruHashMap<u64, Call, 1> = LruHashMap::new();

/// What a new entry of [`LATENCIES`] is: too large for the stack.
pub(crate) static NEW_HISTOGRAM: Histogram = Histogram::EMPTY;

/// Connections that wait for their first answer, by the address of their socket; the oldest make room. User
/// space makes it larger where it is asked for.
#[btf_map]
pub(crate) static ATTEMPTS: LruHashMap<u64, Attempt, 1> = LruHashMap::new();

/// Where a tracepoint's record has what, for kernels whose sockets tell nothing.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static STATE_RECORD: StateRecord = unsafe { core::mem::zeroed() };

/// The same for the tracepoints that count bytes, for kernels on which other programs may be preempted.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static BYTE_RECORDS: ByteRecords = unsafe { core::mem::zeroed() };

/// Offsets in this kernel's structures.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static OFFSETS: Offsets = unsafe { core::mem::zeroed() };

/// Settings of this run.
#[unsafe(no_mangle)]
// SAFETY: all fields are integers, for which zero is a value.
pub(crate) static SETTINGS: Settings = unsafe { core::mem::zeroed() };

/// Slots that `fill_free_slots` has put on the stack so far.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.filled")]
pub(crate) static FILLED_SLOTS: Shared<u64> = Shared::new(0);

/// Number of the current tick, which `sync` raises.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".data.tick")]
pub(crate) static TICK: Shared<u64> = Shared::new(1);

/// What could not be delivered.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.loss")]
pub(crate) static LOSS: Shared<LossCounters> = Shared::new(LossCounters {
    records: 0,
    ring_lost: 0,
    map_full: 0,
    unread: 0,
});

/// Where processes are numbered for users; the tracer runs `iter_own_namespace` to set it.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.namespace")]
pub(crate) static NAMESPACE: Shared<PidNamespace> = Shared::new(PidNamespace {
    address: 0,
    level: 0,
});
