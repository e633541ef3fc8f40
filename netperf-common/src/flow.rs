//! A flow, its owner, and the slot with its counters.

/// `AF_INET` in [`FlowKey::family`].
pub const AF_INET: u16 = 2;
/// `AF_INET6` in [`FlowKey::family`].
pub const AF_INET6: u16 = 10;
/// `IPPROTO_TCP` in [`FlowKey::protocol`].
pub const IPPROTO_TCP: u16 = 6;
/// `IPPROTO_UDP` in [`FlowKey::protocol`].
pub const IPPROTO_UDP: u16 = 17;
/// `IPPROTO_UDPLITE` in [`FlowKey::protocol`].
pub const IPPROTO_UDPLITE: u16 = 136;
/// `IPPROTO_MPTCP` in [`FlowKey::protocol`].
pub const IPPROTO_MPTCP: u16 = 262;

/// The addresses of a socket as this host sees them.
///
/// Addresses are in network byte order; IPv4 takes the first four bytes. Ports are in host order.
/// An address or port of zero is one that the socket is not bound or connected to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Address of this end.
    pub local_addr: [u8; 16],
    /// Address of the other end.
    pub remote_addr: [u8; 16],
    /// Inode number of the network namespace (`net->ns.inum`).
    pub netns: u32,
    /// Port of this end.
    pub local_port: u16,
    /// Port of the other end.
    pub remote_port: u16,
    /// [`AF_INET`] or [`AF_INET6`].
    pub family: u16,
    /// One of the `IPPROTO_` values above.
    pub protocol: u16,
}

/// A process, as the kernel knew it when it last moved bytes in a tick.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `start_boottime` of the thread group's leader: nanoseconds on `CLOCK_BOOTTIME`.
    /// 0 for `[kernel]`.
    pub start_ns: u64,
    /// Identifier of the cgroup v2 (its inode on 64-bit hosts); 0 where the kernel gives none.
    pub cgroup_id: u64,
    /// Name of the leader thread: any bytes, ended by a zero if shorter.
    pub comm: [u8; 16],
    /// Thread group (what users call PID) in the initial pid namespace; 0 is `[kernel]`.
    pub host_tgid: u32,
    /// Thread group in the tracer's pid namespace; 0 where it has none there.
    pub tgid: u32,
    /// Real user, in the initial user namespace.
    pub uid: u32,
    /// Padding.
    pub reserved: u32,
}

impl Owner {
    /// No process: the kernel.
    pub const NONE: Self = Self {
        start_ns: 0,
        cgroup_id: 0,
        comm: [0; 16],
        host_tgid: 0,
        tgid: 0,
        uid: 0,
        reserved: 0,
    };
}

/// One (socket, process) pair: what that process moved over that socket, cumulative.
///
/// The kernel takes a slot at the first byte and user space frees it after the socket's end, so
/// its index names the pair in between. A socket that several processes use has several slots.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot {
    /// Payload bytes that the process handed to the socket. Added to atomically.
    pub tx_bytes: u64,
    /// Payload bytes that the process took from the socket. Added to atomically.
    pub rx_bytes: u64,
    /// Cookie of the socket; 0 marks a free slot.
    pub socket: u64,
    /// Number of the tick in which the slot last announced its activity; 0 before the first, when
    /// owner and addresses may not be there yet.
    pub tick: u32,
    /// Retransmitted segments of the socket so far (`tcp_sock.total_retrans`); TCP only.
    pub retrans: u32,
    /// Smoothed round-trip time in µs (`tcp_sock.srtt_us >> 3`); 0 if unknown.
    pub srtt_us: u32,
    /// What `retrans` was when this process took the slot.
    pub retrans_base: u32,
    /// Segments that the socket has sent since it has a slot, retransmissions and empty ones included
    /// (growth of `tcp_sock.segs_out`); TCP only, and only where retransmissions are asked for.
    pub segs_out: u32,
    /// SYN-ACKs that this listener has sent again since the start, where retransmissions are asked
    /// for. Added to atomically.
    pub synacks: u32,
    /// State as in the kernel's `tcp_states.h`; 0 if the socket has none.
    pub state: u8,
    /// 1 once the socket has ended: totals are final.
    pub closed: u8,
    /// Padding.
    pub reserved: u16,
    /// Addresses, as of the last announcement.
    pub key: FlowKey,
    /// The process, as of the last announcement.
    pub owner: Owner,
}

const _: () = {
    assert!(size_of::<FlowKey>() == 44);
    assert!(size_of::<Owner>() == 48);
    assert!(size_of::<Slot>() == 144);
    assert!(align_of::<Slot>() == 8);
};

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers and arrays of them, every bit pattern is a value.
    unsafe impl aya::Pod for super::Slot {}
}
