//! Layouts that the programs of `limit` share with user space.

/// What a connection may have on its way beyond what fills the path, in microseconds of its rate.
pub const AHEAD_US: u64 = 40_000;

/// What a run of them is told before load.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitFacts {
    /// Bit of this limit in a packet's `tc_index`: it has been through this limit's queue.
    pub passed: u32,
    /// Interface whose queue holds what is sent; 0 where that is not limited.
    pub up_queue: u32,
    /// Interface whose queue holds what is received; 0 where that is not limited.
    pub down_queue: u32,
    /// 1 to mark every socket that is made where the program is attached, whoever makes it.
    pub whole_cgroup: u32,
    /// 1 to limit what the processes start, too.
    pub children: u32,
    /// Process that holds the limit, as the kernel numbers it.
    pub holder: u32,
    /// Offset of `task_struct.tgid`.
    pub tgid: u32,
    /// Offset of the byte of `tcp_sock` that holds `rx_opt.rcv_wscale`, a bit field.
    pub rcv_wscale: u32,
    /// Where in that byte it begins.
    pub rcv_wscale_shift: u32,
    /// Offset of the value in `tcp_sock.rtt_min`, in microseconds.
    pub rtt_min_us: u32,
    /// Offset of `tcp_sock.rcv_rtt_est.rtt_us`, in eighths of a microsecond.
    pub rcv_rtt: u32,
    /// Offset of `task_struct.pid`.
    pub pid: u32,
    /// Offset of `sock.sk_wmem_alloc`.
    pub wmem_alloc: u32,
    /// 1 where the kernel tells which MPTCP connection a socket is a path of.
    pub has_mptcp: u32,
}

/// What the programs have seen of one direction.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitCounters {
    /// Packets with payload, as the network sees them.
    pub packets: u64,
    /// Payload in them.
    pub payload: u64,
    /// The same with all headers, as the queue counts it.
    pub wire: u64,
}

/// How full a queue is, in bytes of payload.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitFill {
    /// From user space: how much is plenty; 0 for no bound.
    pub plenty: u64,
    /// What waits: the kernel side counts, user space sets it right where packets were dropped.
    pub waiting: u64,
}

/// A page that user space and the programs write to each other while a limit holds.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitBoard {
    /// From user space: payload in bytes per second that all connections may invite; 0 for any.
    pub window_rate: u64,
    /// From user space: connections that share it; at least those that have received in this round.
    pub connections: u64,
    /// From user space: counts up; connections that receive in a round are counted once in it.
    pub round: u64,
    /// From the kernel side: connections that have received in this round.
    pub active: u64,
    /// From the kernel side: the holder has ended, and what is left of its programs lets all pass.
    pub ended: u64,
    /// The queue of what is sent: where there is plenty, a connection that has something there is asked to wait.
    pub sending: LimitFill,
    /// The queue of what is received: where there is plenty, datagrams find no room.
    pub receiving: LimitFill,
    /// From the kernel side: datagrams that found none for this reason.
    pub refused: u64,
    /// From the kernel side: programs that were started, where that is asked for. Each may have a name that fits.
    pub renamed: u64,
    /// From the kernel side: what was sent.
    pub up: LimitCounters,
    /// From the kernel side: what was received.
    pub down: LimitCounters,
}

/// A socket that is limited.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitedSocket {
    /// Round in which it received last.
    pub round: u64,
    /// From user space: nanoseconds in which what it receives need not wait, as it was open before it was limited,
    /// and what it has invited would fill the queue. 1 once the other end is told its window, then 0.
    pub grace_ns: u64,
    /// When that ends, by the kernel's monotonic clock; 0 before it has begun.
    pub until_ns: u64,
}

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::LimitFacts {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::LimitedSocket {}
}

const _: () = {
    assert!(size_of::<LimitFacts>() == 56);
    assert!(size_of::<LimitBoard>() == 136);
};
