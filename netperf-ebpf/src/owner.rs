//! Finds the owner of bytes: the process that does the I/O; kernel threads and softirq are `[kernel]`.

use aya_ebpf::helpers::{bpf_get_current_cgroup_id, bpf_get_current_uid_gid};
use netperf_common::{
    flow::{Owner, Slot},
    kernel::{PairKey, PidNamespace},
};

use crate::{
    emit,
    kernel::{Address, Struct, current_task, offset, probe, setting},
    maps::{FREE_SLOTS, NAMESPACE, SHARED, SLOTS, SockState, TICK},
    sock::{Sock, fill_key, refresh_tcp},
};

/// Thread group that stands for the kernel itself.
pub(crate) const KERNEL: u32 = 0;

/// `PF_KTHREAD` of `task_struct.flags`.
const PF_KTHREAD: u32 = 0x0020_0000;

/// `PIDTYPE_TGID`: which of a process's pids is the thread group's.
const PIDTYPE_TGID: u32 = 1;

/// Size of `struct upid { int nr; struct pid_namespace *ns; }`.
const UPID_SIZE: u32 = 16;

/// Offset of `ns` in it.
const UPID_NS: u32 = 8;

/// The slot for this process on this socket, if it is the one that used it last: nearly always.
#[inline(always)]
pub(crate) fn last_slot(state: *mut SockState, host_tgid: u32) -> Option<u32> {
    let current = last(state);
    ((current >> 32) as u32 == host_tgid && current as u32 != 0).then_some(current as u32)
}

/// The slot for this process on this socket: found if it had one, else taken.
#[inline(always)]
pub(crate) fn slot(sk: impl Sock, state: *mut SockState, host_tgid: u32) -> Option<u32> {
    if let Some(index) = last_slot(state, host_tgid) {
        return Some(index);
    }
    let before = last(state);
    let index = other_slot(sk, before, host_tgid)?;
    if setting!(emit_retrans) != 0
        && before == 0
        && let Some(tcp) = sk.tcp()
    {
        let sent: u32 = tcp.field(offset!(tcp_sock_segs_out));
        // SAFETY: a map value that the verifier proved.
        unsafe { (*state).sent_before = sent };
    }
    let pair = u64::from(host_tgid) << 32 | u64::from(index);
    // SAFETY: a map value that the verifier proved; one aligned word.
    unsafe { core::ptr::write_volatile(&raw mut (*state).current, pair) };
    Some(index)
}

#[inline(always)]
fn last(state: *mut SockState) -> u64 {
    // SAFETY: a map value that the verifier proved; one aligned word.
    unsafe { core::ptr::read_volatile(&raw const (*state).current) }
}

/// The slot of the process that used the socket last, with its index; `None` if none did.
#[inline(always)]
pub(crate) fn slot_in_use<'a>(state: *mut SockState) -> Option<(u32, &'a mut Slot)> {
    let index = last(state) as u32;
    if index == 0 {
        return None;
    }
    // SAFETY: a map value that the verifier proved.
    let slot = unsafe { &mut *SLOTS.get_ptr_mut(index)? };
    Some((index, slot))
}

/// Whether it says in the slot in use whose it is: the process that has just taken it may still be about to
/// write that, on another CPU.
#[inline(always)]
pub(crate) fn is_described(state: *mut SockState, slot: &Slot) -> bool {
    // SAFETY: words of a map value; volatile, as another CPU writes them.
    let (tick, host_tgid) = unsafe {
        (
            core::ptr::read_volatile(&raw const slot.tick),
            core::ptr::read_volatile(&raw const slot.owner.host_tgid),
        )
    };
    tick != 0 || host_tgid == (last(state) >> 32) as u32
}

/// The slot of a process that is not the socket's current one: found if it was, else taken.
#[inline(always)]
fn other_slot(sk: impl Sock, current: u64, host_tgid: u32) -> Option<u32> {
    let socket = sk.cookie();
    let key = PairKey {
        socket,
        host_tgid: owner_tgid(sk.current_task(), host_tgid),
        reserved: 0,
    };
    if current != 0 {
        // SAFETY: a copy of an integer that is written once.
        if let Some(index) = unsafe { SHARED.get(key) } {
            return Some(*index);
        }
    }
    let index = FREE_SLOTS.pop().ok().flatten()?;
    let slot = SLOTS.get_ptr_mut(index)?;
    // SAFETY: a map value; the slot was free, so nobody else writes to it.
    let slot = unsafe { &mut *slot };
    slot.socket = socket;
    if let Some(tcp) = sk.tcp() {
        slot.retrans_base = tcp.field(offset!(tcp_sock_total_retrans));
    }
    if current != 0 {
        share(current, key, index);
    }
    Some(index)
}

/// Remembers both slots of a socket that more than one process uses. Where there is no room, each
/// change of process takes another slot, which user space adds up.
#[inline(always)]
fn share(current: u64, key: PairKey, index: u32) {
    let first = PairKey {
        host_tgid: (current >> 32) as u32,
        ..key
    };
    let _ = SHARED.insert(first, current as u32, 0);
    let _ = SHARED.insert(key, index, 0);
    emit::owned(current as u32, key.socket);
    emit::owned(index, key.socket);
}

/// The thread group that bytes of `host_tgid` belong to: kernel threads are one.
#[inline(always)]
fn owner_tgid(task: impl Struct, host_tgid: u32) -> u32 {
    if is_kernel(task, host_tgid) {
        KERNEL
    } else {
        host_tgid
    }
}

#[inline(always)]
fn is_kernel(task: impl Struct, host_tgid: u32) -> bool {
    host_tgid == KERNEL || task.field::<u32>(offset!(task_struct_flags)) & PF_KTHREAD != 0
}

/// Describes the current process: taken here, as it may be gone before user space looks. Its number comes
/// last, see [`is_described`].
#[inline(always)]
pub(crate) fn fill(sk: impl Sock, owner: &mut Owner, host_tgid: u32) {
    let task = sk.current_task();
    if is_kernel(task, host_tgid) {
        return;
    }
    fill_names(task, owner, host_tgid);
    owner.uid = bpf_get_current_uid_gid() as u32;
    // SAFETY: a helper without arguments.
    owner.cgroup_id = unsafe { bpf_get_current_cgroup_id() };
    owner.host_tgid = host_tgid;
}

/// Describes a process that is not the current one. Its cgroup stays unknown.
#[inline(always)]
pub(crate) fn fill_holder(task: Address, owner: &mut Owner, host_tgid: u32) {
    fill_names(task, owner, host_tgid);
    owner.uid = task
        .target(offset!(task_struct_cred))
        .field(offset!(cred_uid));
    owner.host_tgid = host_tgid;
}

/// Tells who holds a socket over which nothing was moved yet: events on its port may be for it.
#[inline(always)]
pub(crate) fn announce_holder(sk: impl Sock, index: u32, slot: &mut Slot) {
    refresh_tcp(sk, slot);
    fill_key(sk, &mut slot.key);
    slot.tick = TICK.read() as u32;
    emit::active(index, slot.socket);
}

#[inline(always)]
fn fill_names(task: impl Struct, owner: &mut Owner, host_tgid: u32) {
    let leader = task.target(offset!(task_struct_group_leader));
    owner.start_ns = leader.field(offset!(task_struct_start_boottime));
    owner.comm = probe(leader.address(), offset!(task_struct_comm));
    owner.tgid = namespaced_tgid(Address(leader.address()), host_tgid);
}

/// The thread group's number in the tracer's pid namespace; 0 if it is not in there.
#[inline(always)]
fn namespaced_tgid(leader: Address, host_tgid: u32) -> u32 {
    // SAFETY: words of a static that is written before any hook is attached.
    let namespace = unsafe { core::ptr::read_volatile(NAMESPACE.as_ptr()) };
    if namespace.level == 0 {
        return host_tgid;
    }
    let pid = tgid_of(leader);
    if pid.field::<u32>(offset!(pid_level)) < namespace.level as u32 {
        return 0;
    }
    let upid = offset!(pid_numbers) + namespace.level as u32 * UPID_SIZE;
    if pid.field::<u64>(upid + UPID_NS) != namespace.address {
        return 0;
    }
    pid.field(upid)
}

/// The `struct pid` of a thread group.
#[inline(always)]
fn tgid_of(leader: Address) -> Address {
    let signal = leader.target(offset!(task_struct_signal));
    signal.target(offset!(signal_struct_pids) + PIDTYPE_TGID * 8)
}

/// Notes the pid namespace of the current task as the tracer's.
#[inline(always)]
pub(crate) fn note_own_namespace() {
    let pid = tgid_of(current_task().target(offset!(task_struct_group_leader)));
    let level: u32 = pid.field(offset!(pid_level));
    let namespace = PidNamespace {
        address: pid.field(offset!(pid_numbers) + level * UPID_SIZE + UPID_NS),
        level: u64::from(level),
    };
    // SAFETY: words of a static; no hook is attached yet.
    unsafe { core::ptr::write_volatile(NAMESPACE.as_ptr(), namespace) };
}
