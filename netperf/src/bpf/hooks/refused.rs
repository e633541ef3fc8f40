//! Which hooks tell what is refused for want of a port or an address? Sets of their own, that count no
//! bytes.

use super::make::{at, by_call, fexit, required};
use super::{Attach, Attachment, Hook, HookSet, Memory, Reads};
use crate::collect::HookKind;

/// The sets in the order in which `--hooks auto` tries them. The tracepoints come last: they slow every
/// system call of the machine, and see none that `io_uring` makes.
pub(in crate::bpf) const REFUSED: &[HookSet] = &[
    set(
        HookKind::Fentry,
        &[
            calls(&["connect_refused"], &[TRAMPOLINES_AT_CONNECT]),
            calls(&["bind_refused"], &[TRAMPOLINES_AT_BIND]),
        ],
    ),
    set(
        HookKind::Kprobe,
        &[
            calls(&["connect_refused"], &[PROBES_AT_CONNECT]),
            calls(&["bind_refused"], &[PROBES_AT_BIND]),
        ],
    ),
    set(
        HookKind::Tracepoint,
        &[
            calls(&["connect_refused"], &[RECORDS_OF_CONNECT]),
            calls(&["bind_refused"], &[RECORDS_OF_BIND]),
        ],
    ),
];

const TRAMPOLINES_AT_CONNECT: &[Attachment] = &[
    fexit(2, "inet_hash_connect", "fexit_inet_hash_connect"),
    fexit(2, "inet6_hash_connect", "fexit_inet6_hash_connect"),
];
const TRAMPOLINES_AT_BIND: &[Attachment] = &[
    fexit(3, "inet_bind", "fexit_inet_bind"),
    fexit(3, "inet6_bind", "fexit_inet6_bind"),
];

const PROBES_AT_CONNECT: &[Attachment] = &[
    at(Attach::Kprobe, "inet_hash_connect", "kprobe_hash_connect"),
    at(
        Attach::Kretprobe,
        "inet_hash_connect",
        "kretprobe_hash_connect",
    ),
    at(Attach::Kprobe, "inet6_hash_connect", "kprobe_hash_connect"),
    at(
        Attach::Kretprobe,
        "inet6_hash_connect",
        "kretprobe_hash_connect",
    ),
];
const PROBES_AT_BIND: &[Attachment] = &[
    at(Attach::Kprobe, "inet_bind", "kprobe_bind"),
    at(Attach::Kretprobe, "inet_bind", "kretprobe_bind"),
    at(Attach::Kprobe, "inet6_bind", "kprobe_bind"),
    at(Attach::Kretprobe, "inet6_bind", "kretprobe_bind"),
];

const RECORDS_OF_CONNECT: &[Attachment] = &[
    record("syscalls/sys_enter_connect", "record_call_begins"),
    record("syscalls/sys_exit_connect", "record_connect_ends"),
];
const RECORDS_OF_BIND: &[Attachment] = &[
    record("syscalls/sys_enter_bind", "record_call_begins"),
    record("syscalls/sys_exit_bind", "record_bind_ends"),
];

/// A call that failed while the program did not run is lost.
const fn calls(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
) -> Hook {
    by_call(required(counts, alternatives))
}

const fn record(symbol: &'static str, program: &'static str) -> Attachment {
    at(Attach::Tracepoint, symbol, program)
}

const fn set(kind: HookKind, hooks: &'static [Hook]) -> HookSet {
    HookSet {
        kind,
        hooks,
        on_request: &[],
        memory: Memory::Nowhere,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    }
}
