//! Logs why a hook could not decide whose bytes or events these are. With `-vv` alone: the verifier drops the
//! code where [`Settings::log`](netperf_common::kernel::Settings::log) is 0.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_log_ebpf::debug;
use netperf_common::kernel::LOG_TARGET;
use netperf_ebpf::atomic;

use crate::{
    kernel::{offset, setting},
    maps::CONTROL,
    sock::Sock,
};

/// What a hook did not find.
#[derive(Clone, Copy)]
pub(crate) enum Missing {
    /// Room in a table.
    Room,
    /// The position of a socket that is read from.
    Position,
    /// A process that uses the socket.
    Owner,
    /// The socket itself, among those that are known.
    Socket,
}

/// Logs that what a process did is not counted.
#[inline(always)]
pub(crate) fn by_process(missing: Missing) {
    if setting!(log) != 0 {
        write(missing as u32, 0, 0);
    }
}

/// Logs that this is missing of a socket.
#[inline(always)]
pub(crate) fn of_socket(missing: Missing, sk: impl Sock) {
    if setting!(log) != 0 {
        let local: u16 = sk.field(offset!(sock_skc_num));
        let remote: u16 = sk.field(offset!(sock_skc_dport));
        write(missing as u32, local, u16::from_be(remote));
    }
}

/// Logs that no known socket has these ports.
#[inline(always)]
pub(crate) fn socket_with_ports(local: u16, remote: u16) {
    if setting!(log) != 0 {
        write(Missing::Socket as u32, local, remote);
    }
}

/// Writes a line, while user space has room for more in this tick. One function, and not a part of each hook:
/// a line is hundreds of instructions.
#[inline(never)]
fn write(missing: u32, local: u16, remote: u16) {
    let Some(page) = CONTROL.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a word of a map value.
    let room = unsafe { &raw mut (*page).log_room };
    // SAFETY: as above. Another CPU may take the same: a line more does no harm.
    let left = unsafe { room.read_volatile() };
    atomic::add_half(room.cast(), u32::MAX);
    if left <= 0 {
        return;
    }
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if missing == Missing::Room as u32 {
        debug!((), target: LOG_TARGET, "a table is full: not counted for process {}", tgid);
    } else if missing == Missing::Position as u32 {
        debug!((), target: LOG_TARGET, "unknown position: not counted for process {}", tgid);
    } else if missing == Missing::Owner as u32 {
        debug!((), target: LOG_TARGET, "no owner: port {} to port {} counts for the kernel", local, remote);
    } else {
        debug!((), target: LOG_TARGET, "unknown socket: port {} to port {} has no owner", local, remote);
    }
}
