//! Is a socket limited?

use aya_ebpf::{
    bindings::{BPF_SK_STORAGE_GET_F_CREATE, bpf_sock},
    helpers::generated::bpf_sk_storage_get,
};
use netperf_common::limit::LimitedSocket;

use crate::maps::LIMITED;

/// Limits a socket from now on.
#[inline(always)]
pub fn mark(socket: *mut bpf_sock) {
    let _ = storage(socket, u64::from(BPF_SK_STORAGE_GET_F_CREATE));
}

/// What is remembered of a limited socket; `None` of others.
#[inline(always)]
pub fn limited(socket: *mut bpf_sock) -> Option<*mut LimitedSocket> {
    storage(socket, 0)
}

#[inline(always)]
fn storage(socket: *mut bpf_sock, flags: u64) -> Option<*mut LimitedSocket> {
    let map = (&raw const LIMITED).cast_mut();
    // SAFETY: a map and a socket, both proven by the verifier.
    let found =
        unsafe { bpf_sk_storage_get(map.cast(), socket.cast(), core::ptr::null_mut(), flags) };
    (!found.is_null()).then_some(found.cast())
}
