//! What is refused for want of a port or an address, and which connections fail otherwise? Counted by process
//! and address.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_probe_read_user};
use netperf_common::{
    flow::{AF_INET6, FlowKey, Owner},
    refusal::{BIND, CONNECT, IN_USE, NOT_AVAILABLE, RefusalCount, RefusalKey},
};
use netperf_ebpf::atomic;

use crate::{
    bytes::current_tgid,
    emit::{self, Lost},
    kernel::{Struct as _, offset, probe, probe_ptr, setting},
    maps::{ATTEMPTS, Attempt, CALLS, Call, REFUSALS},
    owner,
    sock::{self, Probed, Sock as _, v4},
};

const SYN_SENT: i32 = 2;
const CLOSE: i32 = 7;

/// Errors end here; what lies behind never leaves the kernel (`ERESTARTSYS`).
const ERRORS: i32 = 256;

/// Results of `connect` after which the connection may still be made, or was, and mistakes in the call
/// itself: `EINTR`, `EBADF`, `EAGAIN`, `EFAULT`, `ENOTSOCK`, `EAFNOSUPPORT`, `EISCONN`, `EALREADY`,
/// `EINPROGRESS`.
const NO_FAILURES: [i32; 9] = [4, 9, 11, 14, 88, 97, 106, 114, 115];

/// `BPF_NOEXIST`: keeps what is there.
const BPF_NOEXIST: u64 = 1;

/// Where a `struct sockaddr_in` and a `struct sockaddr_in6` have their port.
const PORT: u32 = 2;
/// Where a `struct sockaddr_in` has its address.
const ADDRESS_4: u32 = 4;
/// Where a `struct sockaddr_in6` has its address.
const ADDRESS_6: u32 = 8;

/// A `struct sockaddr`, and whose memory it is in.
#[derive(Clone, Copy)]
pub(crate) enum SockAddr {
    Kernels(*const c_void),
    Users(*const c_void),
}

impl SockAddr {
    #[inline(always)]
    fn field<T: Default>(self, offset: u32) -> T {
        match self {
            Self::Kernels(base) => probe(base, offset),
            Self::Users(base) => {
                let source = base.wrapping_byte_add(offset as usize).cast::<T>();
                // SAFETY: the helper checks the address and fails instead of faulting.
                unsafe { bpf_probe_read_user(source) }.unwrap_or_default()
            }
        }
    }
}

/// The current thread begins a call; its end is told without the arguments.
#[inline(always)]
pub(crate) fn begins(socket: u64, address: u64) {
    let _ = CALLS.insert(bpf_get_current_pid_tgid(), Call { socket, address }, 0);
}

/// The call that the current thread is in.
#[inline(always)]
pub(crate) fn begun() -> Option<Call> {
    // SAFETY: a copy of two integers that only this thread writes.
    unsafe { CALLS.get(bpf_get_current_pid_tgid()).copied() }
}

/// A port was looked for, for a connection whose other end the socket knows already.
#[inline(always)]
pub(crate) fn port_for(sk: Probed, result: i32) {
    let Some(error) = counted(result) else {
        return;
    };
    note(sk, key_of_connection(sk, error));
}

/// `connect` ended.
#[inline(always)]
pub(crate) fn connect(sk: Probed, to: SockAddr, result: i32) {
    if let Some(error) = ended_with(result)
        && !was_told(sk, error)
    {
        note(sk, key_of(to, CONNECT, error));
    }
}

/// What begins a connection and waits for nobody ended. What it does for want of a port is told by
/// [`port_for`].
#[inline(always)]
pub(crate) fn begun_connecting(sk: Probed, to: SockAddr, result: i32) {
    if counted(result).is_none()
        && let Some(error) = failure(result)
        && !is_mapped(to)
    {
        note(sk, key_of(to, CONNECT, error));
    }
}

/// A transition: a process begins to connect, or the kernel says what came of it.
#[inline(always)]
pub(crate) fn moves(sk: Probed, old: i32, new: i32) {
    if sk.tcp().is_none() {
        return;
    }
    let socket = sk.0 as u64;
    if new == SYN_SENT {
        let mut attempt = Attempt {
            owner: Owner::NONE,
            error: 0,
            reserved: 0,
        };
        owner::fill(sk, &mut attempt.owner, current_tgid());
        let _ = ATTEMPTS.insert(socket, attempt, 0);
    } else if old == SYN_SENT {
        let error: u32 = if new == CLOSE {
            sk.field(offset!(sock_sk_err))
        } else {
            0
        };
        match ATTEMPTS.get_ptr_mut(socket) {
            Some(attempt) if error != 0 => fails(sk, attempt, error),
            Some(_) => {
                // Not by the process itself: it polls, and has taken the error in the meantime.
                if new == CLOSE && !sock::is_locked_by_process(sk) {
                    emit::lost(Lost::Unread);
                }
                let _ = ATTEMPTS.remove(socket);
            }
            None => {}
        }
    }
}

/// A connection has failed after it had begun. Whoever waits in `connect` is told soon.
#[inline(always)]
fn fails(sk: Probed, attempt: *mut Attempt, error: u32) {
    // SAFETY: a map value that the verifier proved.
    let by = unsafe {
        (*attempt).error = error;
        (*attempt).owner
    };
    add(sk, key_of_connection(sk, error as u8), by);
}

/// Whether the kernel has told this failure before the call that waited for it returned.
#[inline(always)]
fn was_told(sk: Probed, error: u8) -> bool {
    if setting!(failures) == 0 {
        return false;
    }
    let socket = sk.0 as u64;
    let Some(attempt) = ATTEMPTS.get_ptr_mut(socket) else {
        return false;
    };
    // SAFETY: a map value that the verifier proved.
    let is_told = unsafe { (*attempt).error } == u32::from(error);
    if is_told {
        let _ = ATTEMPTS.remove(socket);
    }
    is_told
}

/// `bind` ended.
#[inline(always)]
pub(crate) fn bind(sk: Probed, to: SockAddr, result: i32) {
    if let Some(error) = counted(result) {
        note(sk, key_of(to, BIND, error));
    }
}

/// The error that a call ended with, if it is one of those that count.
#[inline(always)]
pub(crate) fn counted(result: i32) -> Option<u8> {
    let is_one = |error: u8| result == -i32::from(error);
    if is_one(IN_USE) {
        Some(IN_USE)
    } else if is_one(NOT_AVAILABLE) {
        Some(NOT_AVAILABLE)
    } else {
        None
    }
}

/// The same for what asks for all failed connections.
#[inline(always)]
pub(crate) fn ended_with(result: i32) -> Option<u8> {
    if setting!(failures) != 0 {
        failure(result)
    } else {
        counted(result)
    }
}

/// The error that a connection failed with.
#[inline(always)]
fn failure(result: i32) -> Option<u8> {
    let is_one = result < 0 && result > -ERRORS;
    let mut may_go_on = false;
    for error in NO_FAILURES {
        may_go_on |= result == -error;
    }
    (is_one && !may_go_on).then_some(result.unsigned_abs() as u8)
}

/// Whether the call passes an IPv4 address on to the function for IPv4, which tells by itself.
#[inline(always)]
fn is_mapped(to: SockAddr) -> bool {
    let family: u16 = to.field(0);
    let (first, last): (u64, u32) = (to.field(ADDRESS_6), to.field(ADDRESS_6 + 8));
    family == AF_INET6 && first == 0 && last == 0xffff_0000_u32.to_le()
}

/// The current thread's call is told and over.
#[inline(always)]
pub(crate) fn forget() {
    let _ = CALLS.remove(bpf_get_current_pid_tgid());
}

/// The `struct sock` of a `struct socket`.
#[inline(always)]
pub(crate) fn of_socket(socket: *const c_void) -> Probed {
    Probed(probe_ptr(socket, offset!(socket_sk)))
}

#[inline(always)]
fn key_of(to: SockAddr, call: u8, error: u8) -> RefusalKey {
    let family: u16 = to.field(0);
    RefusalKey {
        address: if family == AF_INET6 {
            to.field(ADDRESS_6)
        } else {
            v4(to.field(ADDRESS_4))
        },
        port: u16::from_be(to.field(PORT)),
        family,
        call,
        error,
        ..RefusalKey::default()
    }
}

/// The key for a connection whose socket knows its other end.
#[inline(always)]
fn key_of_connection(sk: Probed, error: u8) -> RefusalKey {
    let mut ends = FlowKey::default();
    sock::fill_addresses(sk.base(), &mut ends);
    RefusalKey {
        address: ends.remote_addr,
        port: ends.remote_port,
        family: ends.family,
        netns: ends.netns,
        call: CONNECT,
        error,
        ..RefusalKey::default()
    }
}

#[inline(always)]
fn note(sk: Probed, key: RefusalKey) {
    if !sock::counts(sk) {
        return;
    }
    let mut by = Owner::NONE;
    owner::fill(sk, &mut by, current_tgid());
    let net = sk.base().target(offset!(sock_skc_net));
    let key = RefusalKey {
        netns: net.field(offset!(net_ns_inum)),
        ..key
    };
    add(sk, key, by);
}

#[inline(always)]
fn add(sk: Probed, key: RefusalKey, by: Owner) {
    let key = RefusalKey {
        start_ns: by.start_ns,
        host_tgid: by.host_tgid,
        protocol: sock::protocol(sk),
        ..key
    };
    if REFUSALS.get_ptr_mut(key).is_none() {
        let new = RefusalCount {
            owner: by,
            count: 0,
        };
        // Another CPU may have been faster; its value is as good.
        let _ = REFUSALS.insert(key, new, BPF_NOEXIST);
    }
    match REFUSALS.get_ptr_mut(key) {
        // SAFETY: a map value that the verifier proved.
        Some(count) => atomic::add(unsafe { &raw mut (*count).count }, 1),
        None => emit::lost(Lost::MapFull),
    }
}
