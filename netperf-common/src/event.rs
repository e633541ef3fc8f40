//! Which records go through the ring buffer?
//!
//! Records are small: totals stay in the slots, which user space maps into its own memory. Every
//! record starts with its kind.

use crate::flow::FlowKey;

/// A slot was active for the first time in a tick. Body: [`SlotEvent`].
pub const ACTIVE: u32 = 1;
/// A socket changed its owner, and the slot is one of those it has now. Body: [`SlotEvent`].
pub const OWNED: u32 = 2;
/// A socket ended; the totals in the slot are final. Body: [`SlotEvent`].
pub const CLOSED: u32 = 3;
/// A socket went from one TCP state to another. Body: [`StateEvent`].
pub const STATE: u32 = 4;
/// The kernel retransmitted. Body: [`RetransEvent`].
pub const RETRANS: u32 = 5;

/// Which slot something happened to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotEvent {
    /// [`ACTIVE`], [`OWNED`] or [`CLOSED`].
    pub kind: u32,
    /// Index of the slot; 0 is none.
    pub slot: u32,
    /// Cookie of the socket.
    pub socket: u64,
}

/// A TCP state transition. The process running at that moment is noise and is not recorded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateEvent {
    /// [`STATE`].
    pub kind: u32,
    /// Slot of the process that last used the socket; 0 if none did.
    pub slot: u32,
    /// Cookie of the socket.
    pub socket: u64,
    /// When, in nanoseconds on `CLOCK_BOOTTIME`.
    pub at_ns: u64,
    /// Nanoseconds since the transition before; 0 if that one was not seen.
    pub in_old_ns: u64,
    /// Addresses.
    pub key: FlowKey,
    /// State before, as in `tcp_states.h`.
    pub old: u8,
    /// State after.
    pub new: u8,
    /// Padding.
    pub reserved: u16,
}

/// A retransmission event; with segmentation offload one event stands for several segments.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetransEvent {
    /// [`RETRANS`].
    pub kind: u32,
    /// Slot of the process that last used the socket; 0 if none did.
    pub slot: u32,
    /// Cookie of the socket.
    pub socket: u64,
    /// When, in nanoseconds on `CLOCK_BOOTTIME`.
    pub at_ns: u64,
    /// Addresses.
    pub key: FlowKey,
    /// Segments retransmitted in the socket's life, this event included.
    pub total: u32,
    /// Smoothed round-trip time in µs.
    pub srtt_us: u32,
    /// State, as in `tcp_states.h`.
    pub state: u8,
    /// Congestion state (`icsk_ca_state`): 3 is fast recovery, 4 is loss after a timeout.
    pub ca_state: u8,
    /// Padding.
    pub reserved: u16,
}

const _: () = {
    assert!(size_of::<SlotEvent>() == 16);
    assert!(size_of::<StateEvent>() == 80);
    assert!(size_of::<RetransEvent>() == 80);
};
