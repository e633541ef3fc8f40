//! Which socket had to send again? Counted by socket: the current process is noise.

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::event::{RETRANS, RetransEvent};

use crate::{
    bytes::refresh_tcp,
    emit,
    kernel::{Struct as _, setting},
    maps::TICK,
    owner,
    sock::{self, Sock},
};

/// The kernel retransmitted segments of this socket.
#[inline(always)]
pub fn happened(sk: impl Sock) {
    let (Some(tcp), Some(state)) = (sk.tcp(), sk.state()) else {
        return;
    };
    let Some((index, slot)) = owner::slot_in_use(state) else {
        return;
    };
    refresh_tcp(sk, slot);
    // The connection may not have moved a byte yet.
    sock::fill_key(sk, &mut slot.key);
    let tick = TICK.read() as u32;
    if slot.tick != tick {
        slot.tick = tick;
        emit::active(index, slot.socket);
    }
    if setting!(emit_retrans) != 0 {
        emit::record(&RetransEvent {
            kind: RETRANS,
            slot: index,
            socket: slot.socket,
            // SAFETY: a helper without arguments.
            at_ns: unsafe { bpf_ktime_get_boot_ns() },
            key: slot.key,
            total: slot.retrans,
            srtt_us: slot.srtt_us,
            state: slot.state,
            ca_state: tcp.field::<u8>(setting!(ca_state_offset)) & setting!(ca_state_mask) as u8,
            reserved: 0,
        });
    }
}
