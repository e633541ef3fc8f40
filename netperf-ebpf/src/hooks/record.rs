//! Tracepoints with their records: unlike the others, the kernel lets nobody preempt them.

use core::ffi::c_void;

use aya_ebpf::{EbpfContext as _, macros::tracepoint, programs::TracePointContext};

use crate::{
    bytes,
    kernel::{probe, probe_ptr},
    maps::BYTE_RECORDS,
    sock::Probed,
};

/// Offset of a field, as in [`BYTE_RECORDS`].
macro_rules! at {
    ($field:ident) => {
        // SAFETY: as for `offset!`.
        unsafe { core::ptr::read_volatile(&raw const BYTE_RECORDS.$field) }
    };
}

/// `sock/sock_send_length`, kernel 6.3.
#[tracepoint]
pub(crate) fn record_sock_send_length(ctx: TracePointContext) -> u32 {
    let record: *const c_void = ctx.as_ptr();
    let sk = Probed(probe_ptr(record, at!(length_sk)));
    bytes::sent(sk, probe(record, at!(length_ret)));
    0
}

/// `sock/sock_recv_length`, kernel 6.3.
#[tracepoint]
pub(crate) fn record_sock_recv_length(ctx: TracePointContext) -> u32 {
    let record: *const c_void = ctx.as_ptr();
    if probe::<i32>(record, at!(length_flags)) & bytes::NOT_TAKEN == 0 {
        let sk = Probed(probe_ptr(record, at!(length_sk)));
        bytes::received(sk, probe(record, at!(length_ret)));
    }
    0
}

/// `tcp/tcp_rcv_space_adjust`, kernel 4.16: each time a reader moved the receive position.
#[tracepoint]
pub(crate) fn record_tcp_rcv_space_adjust(ctx: TracePointContext) -> u32 {
    let sk = Probed(probe_ptr(ctx.as_ptr(), at!(taken_sk)));
    bytes::taken(sk, None);
    0
}
