//! Counts packets that the kernel threw away, by reason. No record for each: a flood must stay cheap.

use netperf_common::{event::DropKey, kernel::DROP_REASONS};
use netperf_ebpf::atomic;

use crate::{
    emit::{self, Lost},
    kernel::{Address, Struct as _, offset},
    maps::{COUNTED_DROPS, DROPS},
    owner, packet,
    sock::Sock,
};

/// `BPF_NOEXIST`: keeps what is there.
const BPF_NOEXIST: u64 = 1;

/// A packet goes for this reason (`enum skb_drop_reason`). `sk` is the socket that it was for, where
/// the kernel tells.
#[inline(always)]
pub(crate) fn packet<S: Sock>(skb: Address, reason: u32, sk: Option<S>) {
    if reason as usize >= DROP_REASONS {
        return;
    }
    // SAFETY: within a static; volatile because user space sets it.
    let counts = unsafe {
        core::ptr::read_volatile((&raw const COUNTED_DROPS).cast::<u8>().add(reason as usize))
    };
    if counts == 0 {
        return;
    }
    let ends = packet::ends_of_arrived(skb);
    let mut key = DropKey {
        netns: ends.netns,
        slot: 0,
        reason: reason as u16,
        local_port: ends.local_port,
        protocol: ends.protocol,
        reserved: 0,
    };
    if let Some(sk) = sk {
        let net = sk.base().target(offset!(sock_skc_net));
        key.netns = net.field(offset!(net_ns_inum));
        if let Some((index, _)) = sk.state().and_then(owner::slot_in_use) {
            key.slot = index;
        }
    }
    if !count(&key) {
        key.local_port = 0;
        key.slot = 0;
        if !count(&key) {
            emit::lost(Lost::MapFull);
        }
    }
}

/// False if there is no room.
#[inline(always)]
fn count(key: &DropKey) -> bool {
    if let Some(known) = DROPS.get_ptr_mut(key) {
        atomic::add(known, 1);
        return true;
    }
    // Another CPU may have been faster.
    let _ = DROPS.insert(key, 0, BPF_NOEXIST);
    let Some(new) = DROPS.get_ptr_mut(key) else {
        return false;
    };
    atomic::add(new, 1);
    true
}
