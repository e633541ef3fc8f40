//! Programs that do nothing, on the hooks of each set: what a hook costs by itself.
//!
//! `cargo xtask bench` measures the real programs against them; they are in no release.
#![no_std]
#![no_main]

use core::ffi::c_void;

/// An empty program; its return value lets a cgroup hook pass and means nothing to a tracepoint.
macro_rules! empty {
    ($($section:literal $name:ident)*) => {$(
        #[unsafe(no_mangle)]
        #[unsafe(link_section = $section)]
        extern "C" fn $name(_context: *mut c_void) -> i32 {
            1
        }
    )*};
}

empty! {
    "tp_btf/sock_send_length" empty_send
    "tp_btf/sock_recv_length" empty_recv
    "tp_btf/tcp_rcv_space_adjust" empty_adjust
    "tp_btf/inet_sock_set_state" empty_state
    "tp_btf/tcp_retransmit_skb" empty_retrans
    "tp_btf/tcp_destroy_sock" empty_close
    "cgroup/sock_release" empty_release
    "fentry/tcp_sendmsg_locked" empty_fentry_sends
    "fentry/release_sock" empty_fentry_released
    "fentry/tcp_cleanup_rbuf" empty_fentry_taken
    "kprobe/any" empty_kprobe
    "tracepoint/any/any" empty_record
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// As in the real object: the verifier treats both alike.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
