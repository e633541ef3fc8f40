//! The kernel side of a limit: which packets are of a limited process, and where do they wait?
//!
//! Packets of limited sockets are sent through a queue on an interface made for it, and come back to
//! where they were. Nothing else is touched.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(
    unsafe_code,
    reason = "helpers and the kernel's structures are pointers"
)]
#![expect(
    clippy::inline_always,
    reason = "the verifier forgets what it has proved where a function is called"
)]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "fields of one structure are read together, for the same reason"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros of aya hand over the context"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "registers have 64 bits, whatever a helper returns"
)]

#[expect(dead_code, reason = "the tracer uses more of it")]
#[path = "../atomic.rs"]
mod atomic;
mod header;
mod maps;
mod members;
mod pieces;
mod pushback;
mod socket;
mod tc;
mod window;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Most helpers used here are open to GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
