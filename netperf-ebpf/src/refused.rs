//! What is refused for want of a port or an address? Counted by process and address.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_probe_read_user};
use netperf_common::{
    flow::{AF_INET6, FlowKey, Owner},
    refusal::{BIND, CONNECT, IN_USE, NOT_AVAILABLE, RefusalCount, RefusalKey},
};

use crate::{
    atomic,
    bytes::current_tgid,
    emit::{self, Lost},
    kernel::{Struct as _, offset, probe, probe_ptr},
    maps::{CALLS, Call, REFUSALS},
    owner,
    sock::{self, Probed, Sock as _, v4},
};

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
pub enum SockAddr {
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
pub fn begins(socket: u64, address: u64) {
    let _ = CALLS.insert(bpf_get_current_pid_tgid(), Call { socket, address }, 0);
}

/// The call that the current thread is in.
#[inline(always)]
pub fn begun() -> Option<Call> {
    // SAFETY: a copy of two integers that only this thread writes.
    unsafe { CALLS.get(bpf_get_current_pid_tgid()).copied() }
}

/// A port was looked for, for a connection whose other end the socket knows already.
#[inline(always)]
pub fn port_for(sk: Probed, result: i32) {
    let Some(error) = counted(result) else {
        return;
    };
    let mut ends = FlowKey::default();
    sock::fill_addresses(sk.base(), &mut ends);
    let key = RefusalKey {
        address: ends.remote_addr,
        port: ends.remote_port,
        family: ends.family,
        call: CONNECT,
        error,
        ..RefusalKey::default()
    };
    note(sk, key);
}

/// `connect` ended.
#[inline(always)]
pub fn connect(sk: Probed, to: SockAddr, result: i32) {
    if let Some(error) = counted(result) {
        note(sk, key_of(to, CONNECT, error));
    }
}

/// `bind` ended.
#[inline(always)]
pub fn bind(sk: Probed, to: SockAddr, result: i32) {
    if let Some(error) = counted(result) {
        note(sk, key_of(to, BIND, error));
    }
}

/// The error that a call ended with, if it is one of those that count.
#[inline(always)]
pub fn counted(result: i32) -> Option<u8> {
    let is_one = |error: u8| result == -i32::from(error);
    if is_one(IN_USE) {
        Some(IN_USE)
    } else if is_one(NOT_AVAILABLE) {
        Some(NOT_AVAILABLE)
    } else {
        None
    }
}

/// The `struct sock` of a `struct socket`.
#[inline(always)]
pub fn of_socket(socket: *const c_void) -> Probed {
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

#[inline(always)]
fn note(sk: Probed, key: RefusalKey) {
    if !sock::counts(sk) {
        return;
    }
    let mut by = Owner::NONE;
    owner::fill(sk, &mut by, current_tgid());
    let net = sk.base().target(offset!(sock_skc_net));
    let key = RefusalKey {
        start_ns: by.start_ns,
        host_tgid: by.host_tgid,
        netns: net.field(offset!(net_ns_inum)),
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
