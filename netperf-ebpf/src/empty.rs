//! Programs that do nothing, on the hooks of each set: what a hook costs by itself.
//!
//! `cargo xtask bench` measures the real programs against them; they are in no release.
#![no_std]
#![no_main]
#![expect(
    unsafe_code,
    reason = "helpers and the kernel's structures are pointers"
)]

use core::ffi::c_void;

// For the licence and the panic handler.
use netperf_ebpf as _;

/// Empty programs, and what they return: 0 from a trampoline, 1 to let a cgroup hook pass, and anything
/// from others.
macro_rules! empty {
    ($($section:literal $name:ident $value:literal)*) => {$(
        #[unsafe(no_mangle)]
        #[unsafe(link_section = $section)]
        extern "C" fn $name(_context: *mut c_void) -> i32 {
            $value
        }
    )*};
}

empty! {
    "tp_btf/sock_send_length" empty_send 0
    "tp_btf/sock_recv_length" empty_recv 0
    "tp_btf/tcp_rcv_space_adjust" empty_adjust 0
    "tp_btf/inet_sock_set_state" empty_state 0
    "tp_btf/tcp_retransmit_skb" empty_retrans 0
    "tp_btf/tcp_destroy_sock" empty_close 0
    "cgroup/sock_release" empty_release 1
    "fentry/tcp_sendmsg_locked" empty_fentry_sends 0
    "fentry/release_sock" empty_fentry_released 0
    "fentry/tcp_cleanup_rbuf" empty_fentry_taken 0
    "kprobe/any" empty_kprobe 0
    "tracepoint/any/any" empty_record 0
}
