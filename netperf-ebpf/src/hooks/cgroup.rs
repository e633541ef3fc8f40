//! Cgroup hooks: what happens to a socket on behalf of any process below the root cgroup.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::generated::bpf_sk_storage_get, macros::cgroup_sock, programs::SockContext,
};
use netperf_common::flow::IPPROTO_TCP;

use crate::{close, maps::SOCK_STATES};

/// The last descriptor of a socket was closed, kernel 5.9. TCP goes on sending after that and is
/// left to `tcp_destroy_sock`.
#[cgroup_sock(sock_release)]
pub(crate) fn cgroup_sock_release(ctx: SockContext) -> i32 {
    // SAFETY: the verifier rewrites and checks loads from this context.
    if unsafe { (*ctx.sock).protocol } != u32::from(IPPROTO_TCP) {
        let map = (&raw const SOCK_STATES).cast_mut().cast::<c_void>();
        // SAFETY: a map, and the context, which stands for the socket.
        let state = unsafe { bpf_sk_storage_get(map, ctx.sock.cast(), core::ptr::null_mut(), 0) };
        if !state.is_null() {
            close::finish(state.cast(), |_| {});
        }
    }
    1
}
