//! What every object of the kernel side contains: the licence, the panic handler, and what several of them use.
#![no_std]
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
    clippy::cast_possible_truncation,
    reason = "registers have 64 bits, whatever a helper returns"
)]

pub mod atomic;
pub mod ip;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Most helpers used here are open to GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
