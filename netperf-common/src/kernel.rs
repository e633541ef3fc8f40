//! Facts about the running kernel that the kernel side needs, and what it reports back.
//!
//! User space resolves the offsets from BTF before load: they differ between kernels, and rustc
//! emits no CO-RE relocations.

/// Offsets in bytes, each from the start of the structure that its name begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "a field is named after the kernel's structure and member"
)]
pub struct Offsets {
    pub sock_skc_family: u32,
    pub sock_skc_state: u32,
    pub sock_skc_num: u32,
    pub sock_skc_dport: u32,
    pub sock_skc_daddr: u32,
    pub sock_skc_rcv_saddr: u32,
    pub sock_skc_v6_daddr: u32,
    pub sock_skc_v6_rcv_saddr: u32,
    pub sock_skc_net: u32,
    pub sock_sk_protocol: u32,
    pub sock_sk_type: u32,
    pub sock_sk_flags: u32,
    pub sock_sk_lock_owned: u32,
    pub sock_sk_err: u32,
    pub inet_sock_inet_sport: u32,
    pub net_ns_inum: u32,
    pub tcp_sock_copied_seq: u32,
    pub tcp_sock_write_seq: u32,
    pub tcp_sock_rcv_nxt: u32,
    pub tcp_sock_bytes_received: u32,
    pub tcp_sock_rcvq_space_seq: u32,
    pub tcp_sock_srtt_us: u32,
    pub tcp_sock_total_retrans: u32,
    pub tcp_sock_segs_out: u32,
    pub tcp_sock_snd_cwnd: u32,
    pub inet_connection_sock_icsk_ulp_ops: u32,
    pub socket_sk: u32,
    pub file_f_inode: u32,
    pub file_private_data: u32,
    pub inode_i_mode: u32,
    pub fdtable_fd: u32,
    pub files_struct_fdt: u32,
    pub task_struct_files: u32,
    pub task_struct_flags: u32,
    pub task_struct_tgid: u32,
    pub task_struct_cred: u32,
    pub cred_uid: u32,
    pub task_struct_group_leader: u32,
    pub task_struct_start_boottime: u32,
    pub task_struct_comm: u32,
    pub task_struct_signal: u32,
    pub signal_struct_pids: u32,
    pub pid_level: u32,
    pub pid_numbers: u32,
}

/// Name under which the kernel side logs, for `RUST_LOG`.
pub const LOG_TARGET: &str = "netperf_ebpf";

/// Settings that are fixed before load.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Number of slots, of which the first is never used.
    pub slots: u32,
    /// 1 to emit a [`crate::event::StateEvent`] for each transition.
    pub emit_states: u32,
    /// 1 to emit a [`crate::event::RetransEvent`] for each retransmission.
    pub emit_retrans: u32,
    /// 1 to fill the histograms of [`crate::latency`].
    pub latency: u32,
    /// Where the congestion state is: offset of the byte that holds `icsk_ca_state`.
    pub ca_state_offset: u32,
    /// Mask of `icsk_ca_state` in that byte (a bit field).
    pub ca_state_mask: u32,
    /// 1 where what TCP sends is counted by its position, and no hook sees a call's result.
    pub by_position: u32,
    /// Offset of the byte that holds `tcp_sock.is_mptcp`.
    pub is_mptcp_offset: u32,
    /// Mask of `is_mptcp` in that byte; 0 where the kernel has no MPTCP.
    pub is_mptcp_mask: u32,
    /// Offset of `icsk_pending`, a byte; 0 where the kernel has none.
    pub pending_offset: u32,
    /// Offset in a packet (`struct sk_buff`) of the number of its segments, 16 bits; 0 where the kernel
    /// has none.
    pub skb_segs_offset: u32,
    /// One of this many connections is told of, where their transitions are: 0 and 1 are all.
    pub sample: u32,
    /// 1 to count every connection that fails, in the table of what is refused.
    pub failures: u32,
    /// 1 to log hooks that could not decide, under the name [`LOG_TARGET`].
    pub log: u32,
}

/// Offsets in a packet and in what it refers to, from the start of `struct sk_buff` where no other is
/// named; all 0 where nobody asks for packets.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "a field is named after the kernel's structure and member"
)]
pub struct PacketOffsets {
    pub head: u32,
    pub network_header: u32,
    pub transport_header: u32,
    pub sk_refdst: u32,
    pub dst_entry_dev: u32,
    pub net_device_nd_net: u32,
}

/// Numbers of drop reasons that the kernel side knows room for.
pub const DROP_REASONS: usize = 256;

/// Offsets in the record of the tracepoint `sock/inet_sock_set_state`, from the start of the record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "a field is named after that of the kernel's record"
)]
pub struct StateRecord {
    pub skaddr: u32,
    pub newstate: u32,
    pub sport: u32,
    pub dport: u32,
    pub family: u32,
    pub protocol: u32,
    pub saddr: u32,
    pub daddr: u32,
    pub saddr_v6: u32,
    pub daddr_v6: u32,
}

/// Offsets in the records of the tracepoints that count bytes, from the start of each record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRecords {
    /// `sk` of `sock/sock_send_length` and `sock/sock_recv_length`.
    pub length_sk: u32,
    /// `ret` of the same.
    pub length_ret: u32,
    /// `flags` of the same.
    pub length_flags: u32,
    /// `skaddr` of `tcp/tcp_rcv_space_adjust`.
    pub taken_sk: u32,
}

/// Slots that one run of `fill_free_slots` or `sync` puts on the stack of free ones.
pub const SLOTS_A_RUN: u32 = 256;

/// Pairs that one run of `sync` takes out of the table of shared sockets.
pub const PAIRS_A_RUN: u32 = 64;

/// A (socket, process) pair.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairKey {
    /// Cookie of the socket.
    pub socket: u64,
    /// Thread group, as the kernel numbers it.
    pub host_tgid: u32,
    /// Padding.
    pub reserved: u32,
}

/// A page that user space and the program `sync` write to each other. Every other way to change a map
/// is a system call that keeps probes on that CPU from running, for as long as the caller is preempted
/// in it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ControlPage {
    /// From user space: number of the tick that begins.
    pub tick: u64,
    /// From the kernel side: what is lost until now.
    pub loss: LossCounters,
    /// From user space: how many of `slots` count.
    pub slot_count: u32,
    /// From user space: how many of `pairs` count.
    pub pair_count: u32,
    /// Lines that the kernel side may still log in this tick; below 0, it left so many out.
    pub log_room: i32,
    /// Padding.
    pub reserved: u32,
    /// Slots that are free again.
    pub slots: [u32; SLOTS_A_RUN as usize],
    /// Pairs that are gone.
    pub pairs: [PairKey; PAIRS_A_RUN as usize],
}

/// The tracer's own pid namespace, in which processes are numbered for users.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PidNamespace {
    /// Address of its `struct pid_namespace`; 0 until it is known.
    pub address: u64,
    /// Its depth; the initial one has 0.
    pub level: u64,
}

/// What the kernel side has emitted, and what it could not deliver, since load.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounters {
    /// Records that were to go into the ring buffer, counted before they do: one of them may still
    /// be on its way, held up by a writer that was put to sleep.
    pub records: u64,
    /// Records that found the ring buffer full.
    pub ring_lost: u64,
    /// Sends or receives that found no slot or no socket storage.
    pub map_full: u64,
    /// Reads from a socket whose position was not known.
    pub unread: u64,
}

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::Offsets {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::Settings {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::StateRecord {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::ByteRecords {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::PacketOffsets {}
}

const _: () = {
    assert!(size_of::<PairKey>() == 16);
    assert!(size_of::<ControlPage>() == 2_104);
};
