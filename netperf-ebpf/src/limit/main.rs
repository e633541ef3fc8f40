//! The kernel side of a limit: which packets are of a limited process, and where do they wait?
//!
//! Packets of limited sockets are sent through a queue on an interface made for it, and come back to
//! where they were. Nothing else is touched.
#![no_std]
#![no_main]
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

mod fragments;
mod header;
mod maps;
mod members;
mod pushback;
mod socket;
mod tc;
mod window;
