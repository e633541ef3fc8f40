//! What is this kernel known not to do? Every exception is asserted, so that a change is noticed.

use std::ops::Range;

use super::machine::Kernel;

/// Where what is seen differs from what was moved.
struct Exception {
    path: &'static str,
    sets: &'static [&'static str],
    /// Kernels that have it: the first, and the first that does not have it any more.
    kernels: Range<Kernel>,
    why: &'static str,
}

/// No kernel is as late.
const NEVER: Kernel = (u32::MAX, 0);

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "udp_splice_in",
        sets: &["fentry", "kprobe", super::PLAIN],
        kernels: (0, 0)..(6, 1),
        why: "`udp_sendpage` sends what is spliced, and no set has a hook there",
    },
    Exception {
        path: "ktls_write",
        sets: &["fentry", "kprobe"],
        kernels: (0, 0)..NEVER,
        why: "positions count the records of TLS",
    },
    Exception {
        path: "ktls_sendfile",
        sets: &["fentry", "kprobe"],
        kernels: (0, 0)..NEVER,
        why: "positions count the records of TLS",
    },
    Exception {
        path: "mptcp_splice_out",
        sets: &["tracepoint", "fentry", "kprobe"],
        kernels: (7, 0)..NEVER,
        why: "MPTCP splices by itself, and no set has a hook there",
    },
];

/// Paths that a set without type information sees less of, on every kernel that can play them.
struct Unseen {
    paths: &'static [&'static str],
    why: &'static str,
}

const UNSEEN: &[Unseen] = &[
    Unseen {
        paths: &[
            "early_mptcp",
            "mptcp_write",
            "mptcp_v6",
            "mptcp_sendfile",
            "mptcp_splice_out",
            "mptcp_peek",
            "mptcp_waitall",
            "mptcp_client_only",
            "ktls_write",
            "ktls_sendfile",
        ],
        why: "MPTCP and TLS go past the functions of TCP that are hooked",
    },
    Unseen {
        paths: &["early_tcp_blocked_read"],
        why: "the hook that says which read it is was not there yet",
    },
    Unseen {
        paths: &["tcp_urgent"],
        why: "the urgent byte is not reported with the others",
    },
];

/// Paths whose processes are so short that a set without type information may name them by a thread,
/// or take two that had one number for one; and all of `io_uring`, which has threads.
const BY_NUMBER: &[&str] = &["tcp_threads", "tcp_leader_ended", "tcp_reused_pid"];

/// Kernels on which a program may be preempted; those of other processes on that CPU do not run
/// meanwhile. The tracer tells that as a loss, as it does where the kernel has no return probe left.
struct Preemptible {
    set: &'static str,
    from: Kernel,
}

const PREEMPTIBLE: &[Preemptible] = &[
    // Debian's kernels are lazily preemptible from here on.
    Preemptible {
        set: "fentry",
        from: (6, 13),
    },
    // Of return probes the kernel keeps as many as it has CPUs, before 5.15.
    Preemptible {
        set: super::PLAIN,
        from: (0, 0),
    },
];

/// What a kernel can't play at all.
struct Unplayable {
    path: &'static str,
    /// First kernel that can.
    before: Kernel,
    why: &'static str,
}

const UNPLAYABLE: &[Unplayable] = &[
    Unplayable {
        path: "tcp_zerocopy_receive",
        before: (5, 11),
        why: "`TCP_ZEROCOPY_RECEIVE` can't copy before 5.11",
    },
    Unplayable {
        path: "udp_gso_gro",
        before: (6, 1),
        why: "loopback splits what was sent as one",
    },
    Unplayable {
        path: "udp_sendfile",
        before: (6, 1),
        why: "the kernel holds the last bytes of a file back",
    },
];

/// Why a path is not exact with this set on this kernel; `None` if it has to be.
pub(super) fn exception(set: &str, path: &str, kernel: Kernel) -> Option<&'static str> {
    let applies = |known: &&Exception| {
        known.path == path && known.sets.contains(&set) && known.kernels.contains(&kernel)
    };
    let unseen = || {
        let known = UNSEEN.iter().find(|known| known.paths.contains(&path))?;
        (set == super::PLAIN).then_some(known.why)
    };
    let exception = EXCEPTIONS.iter().find(applies).map(|known| known.why);
    exception.or_else(unseen)
}

/// Whether only the number of a process and its bytes have to be right.
pub(super) fn by_number(set: &str, path: &str) -> bool {
    set == super::PLAIN && (BY_NUMBER.contains(&path) || path.starts_with("uring_"))
}

/// Whether calls may go uncounted on this kernel, and be told as lost.
pub(super) fn may_miss(set: &str, kernel: Kernel) -> bool {
    PREEMPTIBLE
        .iter()
        .any(|known| known.set == set && kernel >= known.from)
}

/// Why a path can't be played on this kernel; `None` if it has to be.
pub(super) fn unplayable(path: &str, kernel: Kernel) -> Option<&'static str> {
    let applies = |known: &&Unplayable| known.path == path && kernel < known.before;
    UNPLAYABLE.iter().find(applies).map(|known| known.why)
}

/// Whether a kernel has everything that the set needs.
pub(super) fn loads(set: &str, kernel: Kernel) -> bool {
    // `sock_send_length` came with 6.3.
    set != "tracepoint" || kernel >= (6, 3)
}

/// How the hooks of a set are attached that a request and its answer pass, as `hooks --path` has it.
pub(super) fn way_in(set: &str, kernel: Kernel) -> &str {
    if set == "tracepoint" && kernel >= (7, 0) {
        "record"
    } else {
        set
    }
}

/// The attachment that shows which set `auto` took.
pub(super) fn choice(kernel: Kernel) -> &'static str {
    if kernel >= (7, 0) {
        "tracepoint/sock/sock_send_length"
    } else if loads("tracepoint", kernel) {
        "tp_btf/sock_send_length"
    } else {
        "fentry/release_sock"
    }
}

/// How many of `all` resets the tracepoint tells: before 6.10 it was silent on the `unheard` ones that
/// answer a segment for which there is no socket.
pub(super) fn resets_told(all: u64, unheard: u64, kernel: Kernel) -> u64 {
    if kernel < (6, 10) { all - unheard } else { all }
}
