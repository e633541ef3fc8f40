//! Marks sockets as limited, and finds the mark again.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::{BPF_SK_STORAGE_GET_F_CREATE, bpf_sock},
    helpers::generated::{bpf_sk_storage_get, bpf_skc_to_mptcp_sock, bpf_skc_to_tcp_sock},
};
use netperf_common::limit::LimitedSocket;

use crate::maps::{LIMITED, fact};

const CREATE: u64 = BPF_SK_STORAGE_GET_F_CREATE as u64;

/// Limits a socket from now on.
#[inline(always)]
pub(crate) fn mark(socket: *mut bpf_sock) {
    let _ = storage(socket.cast(), CREATE);
}

/// What is remembered of a limited socket; `None` of others.
#[inline(always)]
pub(crate) fn limited(socket: *mut bpf_sock) -> Option<*mut LimitedSocket> {
    storage(socket.cast(), 0).or_else(|| path_of_limited(socket))
}

/// The same of a path of an MPTCP connection, of which processes only see the whole. From here on it is
/// limited by itself, and so is what is accepted from it: that may be plain TCP.
#[inline(always)]
fn path_of_limited(socket: *mut bpf_sock) -> Option<*mut LimitedSocket> {
    if fact!(has_mptcp) == 0 {
        return None;
    }
    // SAFETY: the helper checks the socket and answers null for one that is no path.
    let whole = unsafe { bpf_skc_to_mptcp_sock(socket.cast()) };
    if whole.is_null() {
        return None;
    }
    storage(whole.cast(), 0)?;
    // Null also where another CPU was faster.
    storage(socket.cast(), CREATE).or_else(|| storage(socket.cast(), 0))
}

/// The kernel's `struct tcp_sock` of a socket that is one.
#[inline(always)]
pub(crate) fn tcp(socket: *mut bpf_sock) -> Option<*const c_void> {
    // SAFETY: the helper checks the socket and answers null for one that is not TCP.
    let tcp = unsafe { bpf_skc_to_tcp_sock(socket.cast()) };
    (!tcp.is_null()).then_some(tcp.cast_const().cast())
}

#[inline(always)]
fn storage(socket: *mut c_void, flags: u64) -> Option<*mut LimitedSocket> {
    let map = (&raw const LIMITED).cast_mut();
    // SAFETY: a map and a socket, both proven by the verifier.
    let found = unsafe { bpf_sk_storage_get(map.cast(), socket, core::ptr::null_mut(), flags) };
    (!found.is_null()).then_some(found.cast())
}
