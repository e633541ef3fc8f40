//! Known exceptions of kernels. Each is asserted, so that a change is noticed.

use std::ops::Range;

use super::machine::Kernel;

/// A path on which the tracer does not count what was moved.
struct Exception {
    path: &'static str,
    sets: &'static [&'static str],
    /// The kernels with this exception: the first one, and the first one without it again.
    kernels: Range<Kernel>,
    why: &'static str,
}

/// Later than every kernel.
const NEVER: Kernel = (u32::MAX, 0);

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "udp_splice_in",
        sets: &["fentry", "kprobe", super::NO_BTF],
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

/// Paths of which a set without type information sees less, on every kernel that can run them.
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
        why: "the read began before its hook was attached",
    },
    Unseen {
        paths: &["tcp_urgent"],
        why: "the urgent byte is not reported with the others",
    },
];

/// Paths with processes so short that a set without type information may show the name of a thread, or take two
/// processes with one pid for one. All of `io_uring` as well, which has threads.
const BY_PID: &[&str] = &["tcp_threads", "tcp_leader_ended", "tcp_reused_pid"];

/// Kernels on which a program may be preempted; programs for other processes on that CPU do not run meanwhile. The
/// tracer reports that as a loss, as it does where the kernel has no return probe left.
struct Preemptible {
    set: &'static str,
    from: Kernel,
}

const PREEMPTIBLE: &[Preemptible] = &[
    // Debian's kernels use lazy preemption from this version on.
    Preemptible {
        set: "fentry",
        from: (6, 13),
    },
    // Before 5.15, the kernel keeps only as many return probes as it has CPUs.
    Preemptible {
        set: super::NO_BTF,
        from: (0, 0),
    },
];

/// A path that older kernels can't run.
struct Unsupported {
    path: &'static str,
    /// The first kernel that can.
    before: Kernel,
    why: &'static str,
}

const UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        path: "tcp_zerocopy_receive",
        before: (5, 11),
        why: "`TCP_ZEROCOPY_RECEIVE` can't copy before 5.11",
    },
    Unsupported {
        path: "udp_gso_gro",
        before: (6, 1),
        why: "loopback splits what was sent as one",
    },
    Unsupported {
        path: "udp_sendfile",
        before: (6, 1),
        why: "the kernel holds the last bytes of a file back",
    },
];

/// Why a path is not exact with this set on this kernel; `None` if it must be exact.
pub(super) fn exception(set: &str, path: &str, kernel: Kernel) -> Option<&'static str> {
    let applies = |known: &&Exception| {
        known.path == path && known.sets.contains(&set) && known.kernels.contains(&kernel)
    };
    let unseen = || {
        let known = UNSEEN.iter().find(|known| known.paths.contains(&path))?;
        (set == super::NO_BTF).then_some(known.why)
    };
    let exception = EXCEPTIONS.iter().find(applies).map(|known| known.why);
    exception.or_else(unseen)
}

/// Whether only pid and bytes have to be right, not the name.
pub(super) fn by_pid(set: &str, path: &str) -> bool {
    set == super::NO_BTF && (BY_PID.contains(&path) || path.starts_with("uring_"))
}

/// Whether this kernel may miss calls, which the tracer reports as lost.
pub(super) fn may_miss(set: &str, kernel: Kernel) -> bool {
    PREEMPTIBLE
        .iter()
        .any(|known| known.set == set && kernel >= known.from)
}

/// Why a path can't run on this kernel; `None` if it must run.
pub(super) fn unsupported(path: &str, kernel: Kernel) -> Option<&'static str> {
    let applies = |known: &&Unsupported| known.path == path && kernel < known.before;
    UNSUPPORTED.iter().find(applies).map(|known| known.why)
}

/// Whether a kernel has everything that the set needs.
pub(super) fn loads(set: &str, kernel: Kernel) -> bool {
    // `sock_send_length` came with 6.3.
    set != "tracepoint" || kernel >= (6, 3)
}

/// The name for `hooks --path` of the hooks that a request and its answer pass in a set.
pub(super) fn hook_path(set: &str, kernel: Kernel) -> &str {
    if set == "tracepoint" && kernel >= (7, 0) {
        "record"
    } else {
        set
    }
}

/// The attachment that shows which set `auto` has chosen.
pub(super) fn choice(kernel: Kernel) -> &'static str {
    if kernel >= (7, 0) {
        "tracepoint/sock/sock_send_length"
    } else if loads("tracepoint", kernel) {
        "tp_btf/sock_send_length"
    } else {
        "fentry/release_sock"
    }
}

/// How many of `all` resets the tracepoint reports: before 6.10 it skips the `silent` ones that answer a
/// segment without a socket.
pub(super) fn resets_reported(all: u64, silent: u64, kernel: Kernel) -> u64 {
    if kernel < (6, 10) { all - silent } else { all }
}
