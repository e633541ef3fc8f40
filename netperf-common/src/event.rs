//! Records that go through the ring buffer.
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
/// A listener's SYN-ACK went out again: one segment, of a connection that has no socket yet. Body:
/// [`RetransEvent`] with the listener's slot and the connection's addresses.
pub const SYNACK: u32 = 6;
/// A reset was sent or received. Body: [`ResetEvent`].
pub const RESET: u32 = 7;

/// [`StateEvent::flags`]: the other end's FIN has arrived (`SOCK_DONE`).
pub const FIN_ARRIVED: u16 = 1;
/// [`StateEvent::flags`]: an error waits to be told (`sk_err`).
pub const FAILED: u16 = 2;

/// [`ResetEvent::direction`]: this host reset the other.
pub const SENT: u8 = 1;
/// [`ResetEvent::direction`]: the other host reset this one.
pub const RECEIVED: u8 = 2;

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
    /// [`FIN_ARRIVED`], [`FAILED`].
    pub flags: u16,
}

/// A retransmission event; with segmentation offload one event stands for several segments.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetransEvent {
    /// [`RETRANS`] or [`SYNACK`].
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
    /// Timer that was pending (`icsk_pending`): 5 is the one of a tail loss probe.
    pub pending: u8,
    /// Padding.
    pub reserved: u8,
    /// Congestion window in segments.
    pub cwnd: u32,
    /// Padding.
    pub reserved2: u32,
}

/// A reset. Where no socket is concerned, addresses are those of the segment it answers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResetEvent {
    /// [`RESET`].
    pub kind: u32,
    /// Slot of the process that last used the socket; 0 if none did, or there is none.
    pub slot: u32,
    /// Cookie of the socket; 0 if there is none.
    pub socket: u64,
    /// When, in nanoseconds on `CLOCK_BOOTTIME`.
    pub at_ns: u64,
    /// Addresses.
    pub key: FlowKey,
    /// State, as in `tcp_states.h`; 0 if there is no socket.
    pub state: u8,
    /// [`SENT`] or [`RECEIVED`].
    pub direction: u8,
    /// Padding.
    pub reserved: u16,
}

/// What the kernel threw away, as the key of its count.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DropKey {
    /// Inode number of the network namespace; 0 if the packet does not tell.
    pub netns: u32,
    /// Slot of the process that last used the socket it was for; 0 if not known.
    pub slot: u32,
    /// Number of the reason in this kernel's `enum skb_drop_reason`.
    pub reason: u16,
    /// Port of this host that it was for, in host order; 0 if not known.
    pub local_port: u16,
    /// `IPPROTO_` value; 0 if not known.
    pub protocol: u16,
    /// Padding.
    pub reserved: u16,
}

const _: () = {
    assert!(size_of::<SlotEvent>() == 16);
    assert!(size_of::<StateEvent>() == 80);
    assert!(size_of::<RetransEvent>() == 88);
    assert!(size_of::<ResetEvent>() == 72);
    assert!(size_of::<DropKey>() == 16);
};

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::DropKey {}
}
