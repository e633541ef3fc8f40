//! The kernel side: hooks that count bytes where they are moved, and emit what changed.
//!
//! No policy lives here. `hooks/` holds the entry points of each hook set; all of them end in the
//! same functions, one file a topic.
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

mod bytes;
mod close;
mod describe;
mod dropped;
mod emit;
mod hooks;
mod kernel;
mod latency;
mod maps;
mod no_btf;
mod owner;
mod packet;
mod queued;
mod refused;
mod reset;
mod retrans;
mod seed;
mod sock;
mod state;
mod undecided;

// For the licence and the panic handler.
use netperf_ebpf as _;
