//! Reads a `struct sock`, held in one of two ways: as the verifier knows it, or by its address.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::BPF_SK_STORAGE_GET_F_CREATE,
    helpers::generated::{
        bpf_get_current_task_btf, bpf_get_smp_processor_id, bpf_get_socket_cookie,
        bpf_ktime_get_boot_ns, bpf_sk_storage_get, bpf_skc_to_tcp_sock,
    },
};
use netperf_common::flow::{
    AF_INET, AF_INET6, FlowKey, IPPROTO_MPTCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, Slot,
};

use crate::{
    kernel::{Address, Known, Struct, current_task, offset, probe, probe_ptr, setting},
    maps::{PROBED_SOCK_STATES, SOCK_STATES, SockState},
};

/// `BPF_NOEXIST`: keeps what is there.
const BPF_NOEXIST: u64 = 1;

/// `SOCK_DONE` of the kernel's `enum sock_flags`: the other end's FIN has arrived.
const SOCK_DONE: u64 = 1 << 1;

/// Mask of a file's kind in `i_mode`.
const S_IFMT: u16 = 0o170_000;
/// The kind of sockets.
const S_IFSOCK: u16 = 0o140_000;

/// `SOCK_RAW` of the kernel's `enum sock_type`.
const SOCK_RAW: u16 = 3;

/// A `struct sock`.
pub(crate) trait Sock: Copy {
    /// Structures that are held in the same way.
    type Struct: Struct;
    /// The structure itself.
    fn base(self) -> Self::Struct;
    /// The same socket as a `struct tcp_sock`, if it is one.
    fn tcp(self) -> Option<Self::Struct>;
    /// The thread that runs now, as a `struct task_struct`.
    fn current_task(self) -> Self::Struct;
    /// What the tracer remembers of it, if anything.
    fn state(self) -> Option<*mut SockState>;
    /// The same, made if need be; `None` if there is no memory for it.
    fn state_or_new(self) -> Option<*mut SockState>;
    /// Identifier that no other socket has or had.
    fn cookie(self) -> u64;
    /// Reads a field of `struct sock`.
    #[inline(always)]
    fn field<T: Copy + Default>(self, offset: u32) -> T {
        self.base().field(offset)
    }
}

/// A socket that the verifier knows as such: arguments of BTF tracepoints, fentry and fexit.
#[derive(Clone, Copy)]
pub(crate) struct Trusted(pub *const c_void);

/// A socket by its address alone: arguments of kprobes, and of trampolines before 5.11.
#[derive(Clone, Copy)]
pub(crate) struct Probed(pub *const c_void);

impl Sock for Trusted {
    type Struct = Known;

    #[inline(always)]
    fn base(self) -> Known {
        Known(self.0)
    }

    #[inline(always)]
    fn tcp(self) -> Option<Known> {
        // SAFETY: the helper checks the socket and answers null for one that is not TCP.
        let tcp = unsafe { bpf_skc_to_tcp_sock(self.0.cast_mut()) };
        (!tcp.is_null()).then_some(Known(tcp.cast_const().cast()))
    }

    #[inline(always)]
    fn current_task(self) -> Known {
        // SAFETY: a helper without arguments, kernel 5.11.
        Known(unsafe { bpf_get_current_task_btf() }.cast_const().cast())
    }

    #[inline(always)]
    fn state(self) -> Option<*mut SockState> {
        storage(self.0, 0)
    }

    #[inline(always)]
    fn state_or_new(self) -> Option<*mut SockState> {
        // Null also where another CPU was faster; its value is as good.
        storage(self.0, u64::from(BPF_SK_STORAGE_GET_F_CREATE)).or_else(|| self.state())
    }

    #[inline(always)]
    fn cookie(self) -> u64 {
        // SAFETY: the verifier proved that this is a socket.
        unsafe { bpf_get_socket_cookie(self.0.cast_mut()) }
    }
}

impl Sock for Probed {
    type Struct = Address;

    #[inline(always)]
    fn base(self) -> Address {
        Address(self.0)
    }

    #[inline(always)]
    fn tcp(self) -> Option<Address> {
        (protocol(self) == IPPROTO_TCP).then_some(Address(self.0))
    }

    #[inline(always)]
    fn current_task(self) -> Address {
        current_task()
    }

    #[inline(always)]
    fn state(self) -> Option<*mut SockState> {
        PROBED_SOCK_STATES.get_ptr_mut(self.0 as u64)
    }

    #[inline(always)]
    fn state_or_new(self) -> Option<*mut SockState> {
        if let Some(state) = self.state() {
            return Some(state);
        }
        let new = SockState {
            current: 0,
            state_since_ns: 0,
            seen_seq: 0,
            seq_known: 0,
            first_seq: 0,
            sent_before: 0,
            probed_id: new_id(),
            sent_seq: 0,
            sent_known: 0,
        };
        // Another CPU may have been faster; its value is as good.
        let _ = PROBED_SOCK_STATES.insert(self.0 as u64, &new, BPF_NOEXIST);
        self.state()
    }

    #[inline(always)]
    fn cookie(self) -> u64 {
        // Such a program may not ask for a cookie, and one that nobody asked for is 0.
        match self.state() {
            // SAFETY: a map value that the verifier proved.
            Some(state) => unsafe { (*state).probed_id },
            None => 0,
        }
    }
}

/// The `struct sock` of an open file; null for what is no socket, and for a descriptor that only names
/// one (`O_PATH`).
#[inline(always)]
pub(crate) fn of_file(file: *const c_void) -> *const c_void {
    let inode = probe_ptr(file, offset!(file_f_inode));
    if probe::<u16>(inode, offset!(inode_i_mode)) & S_IFMT != S_IFSOCK {
        return core::ptr::null();
    }
    let socket = probe_ptr(file, offset!(file_private_data));
    probe_ptr(socket, offset!(socket_sk))
}

/// The `struct sock` of a descriptor of the current process; null for what is no socket.
#[inline(always)]
pub(crate) fn of_descriptor(fd: u32) -> *const c_void {
    let files = probe_ptr(current_task().0, offset!(task_struct_files));
    let table = probe_ptr(files, offset!(files_struct_fdt));
    let first = probe_ptr(table, offset!(fdtable_fd));
    of_file(probe_ptr(first.wrapping_byte_add(fd as usize * 8), 0))
}

/// An identifier that no socket had before: the time, with the CPU behind it. The highest bit is
/// none that a cookie ever gets.
#[inline(always)]
fn new_id() -> u64 {
    // SAFETY: helpers without arguments.
    let (now, cpu) = unsafe { (bpf_ktime_get_boot_ns(), bpf_get_smp_processor_id()) };
    1 << 63 | now << 8 | u64::from(cpu as u8)
}

#[inline(always)]
fn storage(sk: *const c_void, flags: u64) -> Option<*mut SockState> {
    let map = (&raw const SOCK_STATES).cast_mut().cast::<c_void>();
    // SAFETY: a map and a socket, both proven by the verifier.
    let state = unsafe { bpf_sk_storage_get(map, sk.cast_mut(), core::ptr::null_mut(), flags) };
    (!state.is_null()).then_some(state.cast())
}

/// Whether bytes of this socket count: TCP, MPTCP, UDP and UDP-Lite over IPv4 and IPv6. What goes
/// through a raw socket has headers and no connection, whatever protocol it names.
#[inline(always)]
pub(crate) fn counts(sk: impl Sock) -> bool {
    let family: u16 = sk.field(offset!(sock_skc_family));
    if family != AF_INET && family != AF_INET6 {
        return false;
    }
    if sk.field::<u16>(offset!(sock_sk_type)) == SOCK_RAW {
        return false;
    }
    matches!(
        protocol(sk),
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_MPTCP | IPPROTO_UDPLITE
    )
}

#[inline(always)]
pub(crate) fn protocol(sk: impl Sock) -> u16 {
    sk.field(offset!(sock_sk_protocol))
}

/// Whether the receive position alone tells what a process took. Under an upper layer protocol (TLS,
/// MPTCP subflows) it counts records and mappings, not payload. Where no hook sees the result of a
/// call, records of TLS are better than nothing.
#[inline(always)]
pub(crate) fn has_no_ulp(tcp: impl Struct) -> bool {
    tcp.field::<u64>(offset!(inet_connection_sock_icsk_ulp_ops)) == 0
        || setting!(by_position) != 0 && !is_subflow(tcp)
}

/// Whether MPTCP uses this connection for its own.
#[inline(always)]
pub(crate) fn is_subflow(tcp: impl Struct) -> bool {
    let byte: u8 = tcp.field(setting!(is_mptcp_offset));
    byte & setting!(is_mptcp_mask) as u8 != 0
}

/// Sequence number up to which payload was taken. Taking the FIN moves `copied_seq` too: it is the
/// last number before `rcv_nxt` once `SOCK_DONE` is set.
#[inline(always)]
pub(crate) fn taken_seq(sk: impl Sock, tcp: impl Struct) -> u32 {
    let copied: u32 = tcp.field(offset!(tcp_sock_copied_seq));
    let past_fin = fin_has_arrived(sk) && tcp.field::<u32>(offset!(tcp_sock_rcv_nxt)) == copied;
    copied.wrapping_sub(u32::from(past_fin))
}

/// Whether the other end has said that it sends no more.
#[inline(always)]
pub(crate) fn fin_has_arrived(sk: impl Sock) -> bool {
    sk.field::<u64>(offset!(sock_sk_flags)) & SOCK_DONE != 0
}

/// Sequence number of the first byte that this connection received.
#[inline(always)]
pub(crate) fn first_seq(tcp: impl Struct) -> u32 {
    let next: u32 = tcp.field(offset!(tcp_sock_rcv_nxt));
    next.wrapping_sub(tcp.field::<u64>(offset!(tcp_sock_bytes_received)) as u32)
}

/// Whether nobody has taken anything from this connection before the call that is running now: the
/// kernel's own measure of its readers still stands at the beginning. So it is for connections that
/// waited to be accepted when the tracer started, and where TCP Fast Open hands over early data.
#[inline(always)]
pub(crate) fn was_never_read(tcp: impl Struct) -> bool {
    tcp.field::<u32>(offset!(tcp_sock_rcvq_space_seq)) == first_seq(tcp)
}

/// Whether a process holds the socket's lock. If not, a receive runs in softirq for the kernel's own
/// use, and the current process is noise.
#[inline(always)]
pub(crate) fn is_locked_by_process(sk: impl Sock) -> bool {
    sk.field::<u32>(offset!(sock_sk_lock_owned)) != 0
}

/// Addresses of the socket as they are now.
#[inline(always)]
pub(crate) fn fill_key(sk: impl Sock, key: &mut FlowKey) {
    key.protocol = protocol(sk);
    fill_addresses(sk.base(), key);
    if key.local_port == 0 {
        // One that is closing has given its port back, and still knows it.
        key.local_port = u16::from_be(probe(sk.base().address(), offset!(inet_sock_inet_sport)));
    }
}

/// The same of all that begins as a socket does (`struct sock_common`): requests and those in TIME_WAIT.
#[inline(always)]
pub(crate) fn fill_addresses(common: impl Struct, key: &mut FlowKey) {
    key.family = common.field(offset!(sock_skc_family));
    key.local_port = common.field(offset!(sock_skc_num));
    key.remote_port = u16::from_be(common.field(offset!(sock_skc_dport)));
    let net = common.target(offset!(sock_skc_net));
    key.netns = net.field(offset!(net_ns_inum));
    if key.family == AF_INET6 {
        let base = common.address();
        key.local_addr = probe(base, offset!(sock_skc_v6_rcv_saddr));
        key.remote_addr = probe(base, offset!(sock_skc_v6_daddr));
    } else {
        key.local_addr = v4(common.field(offset!(sock_skc_rcv_saddr)));
        key.remote_addr = v4(common.field(offset!(sock_skc_daddr)));
    }
}

/// Takes the kernel's own figures of a TCP connection into the slot.
#[inline(always)]
pub(crate) fn refresh_tcp(sk: impl Sock, slot: &mut Slot) {
    slot.state = sk.field(offset!(sock_skc_state));
    if let Some(tcp) = sk.tcp() {
        slot.retrans = tcp.field(offset!(tcp_sock_total_retrans));
        slot.srtt_us = tcp.field::<u32>(offset!(tcp_sock_srtt_us)) >> 3;
        if setting!(emit_retrans) != 0
            && let Some(state) = sk.state()
        {
            let sent: u32 = tcp.field(offset!(tcp_sock_segs_out));
            // SAFETY: a map value that the verifier proved.
            slot.segs_out = sent.wrapping_sub(unsafe { (*state).sent_before });
        }
    }
}

/// An IPv4 address, in network byte order both before and after.
#[inline(always)]
pub(crate) fn v4(address: u32) -> [u8; 16] {
    let [a, b, c, d] = address.to_ne_bytes();
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}
