//! Records of resets: which connection, and which end sent it.

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use netperf_common::{
    event::{RECEIVED, RESET, ResetEvent, SENT},
    flow::{FlowKey, IPPROTO_TCP},
};

use crate::{
    emit,
    kernel::{Address, Struct as _, offset, probe},
    owner, packet,
    sock::{self, Sock},
    undecided,
};

/// `TCP_TIME_WAIT` and `TCP_NEW_SYN_RECV`: what is in these states is less than a socket.
const TIME_WAIT: u8 = 6;
const NEW_SYN_RECV: u8 = 12;

/// This host resets the other end. There may be no socket, or less than one: then `answered`, the
/// segment that this answers, tells the ends.
#[inline(always)]
pub(crate) fn sent<S: Sock>(sk: Option<S>, common: Address, answered: Address) {
    let state: u8 = probe(common.address(), offset!(sock_skc_state));
    let mut key = FlowKey::default();
    if !common.address().is_null() {
        sock::fill_addresses(common, &mut key);
    }
    let is_whole = key.family != 0 && state != TIME_WAIT && state != NEW_SYN_RECV;
    if is_whole && let Some(sk) = sk {
        sock::fill_key(sk, &mut key);
    }
    if key.family == 0 || key.remote_port == 0 {
        key = packet::ends_of_arrived(answered);
    }
    key.protocol = IPPROTO_TCP;
    tell(sk.filter(|_| is_whole), key, state, SENT);
}

/// The other end has reset this connection.
#[inline(always)]
pub(crate) fn received(sk: impl Sock) {
    let mut key = FlowKey::default();
    sock::fill_key(sk, &mut key);
    tell(Some(sk), key, sk.field(offset!(sock_skc_state)), RECEIVED);
}

#[inline(always)]
fn tell<S: Sock>(sk: Option<S>, key: FlowKey, state: u8, direction: u8) {
    let mut event = ResetEvent {
        kind: RESET,
        slot: 0,
        socket: 0,
        // SAFETY: a helper without arguments.
        at_ns: unsafe { bpf_ktime_get_boot_ns() },
        key,
        state,
        direction,
        reserved: 0,
    };
    if let Some(state) = sk.and_then(Sock::state)
        && let Some((index, slot)) = owner::slot_in_use(state)
    {
        event.slot = index;
        event.socket = slot.socket;
    } else {
        undecided::socket_with_ports(key.local_port, key.remote_port);
    }
    emit::record(&event);
}
