//! Counts by arguments and results alone, on kernels where no field of a socket can be read.
//!
//! A socket is its address. The kernel reports how much a read took with a running total, from which
//! the growth within one call counts; so no hook at a return, which can be missed, is needed.

use core::ffi::c_void;

use aya_ebpf::helpers::{
    bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_get_current_pid_tgid,
    bpf_get_current_uid_gid,
};
use netperf_common::flow::{AF_INET, FlowKey, IPPROTO_TCP, IPPROTO_UDP, Slot};
use netperf_ebpf::atomic;

use crate::{
    bytes::{self, account, current_tgid},
    close,
    describe::Describe,
    emit::{self, Lost},
    kernel::{Unknown, probe},
    maps::{CONNECTIONS, Connection, PROBED_SOCK_STATES, READS, Read, STATE_RECORD, SockState},
    owner,
    sock::{Probed, Sock},
};

const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;

/// A socket of which nothing is known but where it is, and what the function is for that has it.
#[derive(Clone, Copy)]
pub(crate) struct SockByAddress {
    address: *const c_void,
    protocol: u16,
}

impl SockByAddress {
    /// An argument of a function of TCP's.
    #[inline(always)]
    pub(crate) fn tcp(socket: Probed) -> Self {
        Self {
            address: socket.0,
            protocol: IPPROTO_TCP,
        }
    }

    /// An argument of a function of UDP's.
    #[inline(always)]
    pub(crate) fn udp(socket: Probed) -> Self {
        Self {
            address: socket.0,
            protocol: IPPROTO_UDP,
        }
    }

    #[inline(always)]
    fn probed(self) -> Probed {
        Probed(self.address)
    }
}

impl Sock for SockByAddress {
    type Struct = Unknown;

    #[inline(always)]
    fn base(self) -> Unknown {
        Unknown
    }

    #[inline(always)]
    fn tcp(self) -> Option<Unknown> {
        None
    }

    #[inline(always)]
    fn current_task(self) -> Unknown {
        Unknown
    }

    #[inline(always)]
    fn state(self) -> Option<*mut SockState> {
        self.probed().state()
    }

    #[inline(always)]
    fn state_or_new(self) -> Option<*mut SockState> {
        self.probed().state_or_new()
    }

    #[inline(always)]
    fn cookie(self) -> u64 {
        self.probed().cookie()
    }
}

impl Describe for SockByAddress {
    #[inline(always)]
    fn describe(self, slot: &mut Slot, host_tgid: u32) {
        if host_tgid != owner::KERNEL {
            slot.owner.comm = bpf_get_current_comm().unwrap_or_default();
            slot.owner.host_tgid = host_tgid;
            slot.owner.tgid = host_tgid;
            slot.owner.uid = bpf_get_current_uid_gid() as u32;
            // SAFETY: a helper without arguments.
            slot.owner.cgroup_id = unsafe { bpf_get_current_cgroup_id() };
        }
        slot.key.protocol = self.protocol;
        // SAFETY: a copy out of a map value.
        if let Some(connection) = unsafe { CONNECTIONS.get(self.address as u64) } {
            slot.key = connection.key;
            slot.state = connection.state as u8;
        }
    }
}

/// A call that sends returned `bytes` (negative: an error).
#[inline(always)]
pub(crate) fn sent(sk: SockByAddress, bytes: i32) {
    if bytes > 0 {
        moved(sk, |slot| {
            atomic::add(&raw mut slot.tx_bytes, bytes.cast_unsigned().into());
        });
    }
}

/// A call took `bytes` (negative: none).
#[inline(always)]
pub(crate) fn received(sk: SockByAddress, bytes: i32) {
    if bytes > 0 {
        moved(sk, |slot| {
            atomic::add(&raw mut slot.rx_bytes, bytes.cast_unsigned().into());
        });
    }
}

#[inline(always)]
fn moved(sk: SockByAddress, add: impl FnOnce(&mut Slot)) {
    let Some(state) = sk.state_or_new() else {
        return emit::lost(Lost::MapFull);
    };
    let tgid = current_tgid();
    account(sk, owner::slot(sk, state, tgid), tgid, add);
}

/// A receive with these flags begins, on a socket of any protocol.
#[inline(always)]
pub(crate) fn read_begins(flags: i32) {
    begin(Read {
        socket: 0,
        seen: 0,
        whole: 0,
        flags,
        reserved: 0,
    });
}

/// TCP begins to take bytes for it.
#[inline(always)]
pub(crate) fn tcp_read_begins(sk: Probed) {
    // SAFETY: a map value that only this thread writes.
    let read = READS
        .get_ptr_mut(bpf_get_current_pid_tgid())
        .map(|read| unsafe { &mut *read });
    match read {
        Some(read) if read.flags & bytes::NOT_TAKEN == 0 => read.socket = sk.0 as u64,
        Some(_) => {}
        None => emit::lost(Lost::Unread),
    }
}

/// The thread takes bytes from TCP by a call that reports each portion once.
#[inline(always)]
pub(crate) fn portions_begin() {
    begin(Read {
        socket: 0,
        seen: 0,
        whole: 1,
        flags: 0,
        reserved: 0,
    });
}

#[inline(always)]
fn begin(read: Read) {
    if READS.insert(bpf_get_current_pid_tgid(), read, 0).is_err() {
        emit::lost(Lost::MapFull);
    }
}

/// TCP tells how much the call that is running has taken until now.
#[inline(always)]
pub(crate) fn taken_until_now(sk: SockByAddress, copied: i32) {
    let Some(read) = READS.get_ptr_mut(bpf_get_current_pid_tgid()) else {
        return;
    };
    // SAFETY: a map value that only this thread writes.
    let read = unsafe { &mut *read };
    if read.whole != 0 {
        received(sk, copied);
    } else if read.socket == sk.address as u64 && copied > read.seen.cast_signed() {
        let growth = copied - read.seen.cast_signed();
        read.seen = copied.cast_unsigned();
        received(sk, growth);
    }
}

/// A TCP socket goes to another state; `record` is that of the tracepoint.
#[inline(always)]
pub(crate) fn state_changed(record: *const c_void) {
    /// Reads a field of the record.
    macro_rules! field {
        ($name:ident) => {{
            // SAFETY: as for `offset!`.
            let offset = unsafe { core::ptr::read_volatile(&raw const STATE_RECORD.$name) };
            probe(record, offset)
        }};
    }
    let protocol: u16 = field!(protocol);
    if protocol != IPPROTO_TCP {
        return;
    }
    let socket: u64 = field!(skaddr);
    let state: u32 = field!(newstate);
    if state == SYN_SENT || state == ESTABLISHED {
        let family: u16 = field!(family);
        let mut key = FlowKey {
            netns: 0,
            local_port: field!(sport),
            remote_port: field!(dport),
            family,
            protocol,
            ..FlowKey::default()
        };
        if family == AF_INET {
            let (local, remote): ([u8; 4], [u8; 4]) = (field!(saddr), field!(daddr));
            key.local_addr[..4].copy_from_slice(&local);
            key.remote_addr[..4].copy_from_slice(&remote);
        } else {
            key.local_addr = field!(saddr_v6);
            key.remote_addr = field!(daddr_v6);
        }
        let connection = Connection { key, state };
        if CONNECTIONS.insert(socket, connection, 0).is_err() {
            emit::lost(Lost::MapFull);
        }
    } else if let Some(connection) = CONNECTIONS.get_ptr_mut(socket) {
        // SAFETY: a word of a map value.
        unsafe { (*connection).state = state };
    }
    let known = Probed(socket as *const c_void).state();
    if let Some((_, slot)) = known.and_then(owner::slot_in_use) {
        slot.state = state as u8;
    }
}

/// Nothing can be moved over the socket any more, and another may have its address soon.
#[inline(always)]
pub(crate) fn ended(sk: Probed) {
    let address = sk.0 as u64;
    if let Some(state) = sk.state() {
        close::finish(state, |_| {});
        let _ = PROBED_SOCK_STATES.remove(address);
    }
    let _ = CONNECTIONS.remove(address);
}
