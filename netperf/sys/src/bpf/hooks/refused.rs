//! Which hooks tell what is refused for want of a port or an address, and which connections fail? Sets of
//! their own, that count no bytes.

use netperf_core::collect::HookKind;

use super::make::{at, by_call, fexit, required, wanted_on_request};
use super::{Asked, Attach, Attachment, Hook, HookSet, Memory, Reads};

/// What is counted by [`FAILED`].
pub(in crate::bpf) const CONNECT_FAILED: &str = "connect_failed";

/// The sets in the order in which `--hooks auto` tries them. The tracepoints come last: they slow every
/// system call of the machine, and see none that `io_uring` makes.
pub(in crate::bpf) const REFUSED: &[HookSet] = &[
    set(
        HookKind::Fentry,
        &[
            calls(&["connect_refused"], &[TRAMPOLINES_AT_CONNECT]),
            calls(&["bind_refused"], &[TRAMPOLINES_AT_BIND]),
        ],
        &[&[FAILED, failed_at_once(&[TRAMPOLINES_AT_ROUTE])]],
    ),
    set(
        HookKind::Kprobe,
        &[
            calls(&["connect_refused"], &[PROBES_AT_CONNECT]),
            calls(&["bind_refused"], &[PROBES_AT_BIND]),
        ],
        &[&[FAILED, failed_at_once(&[PROBES_AT_ROUTE])]],
    ),
    set(
        HookKind::Tracepoint,
        &[
            calls(&["connect_refused"], &[RECORDS_OF_CONNECT]),
            calls(&["bind_refused"], &[RECORDS_OF_BIND]),
        ],
        // What fails at once is told by the end of the call.
        &[&[FAILED]],
    ),
];

/// What the other end, a router or a timer says of a connection that has begun. It needs neither kprobe nor
/// trampoline.
const FAILED: Hook = by_call(wanted_on_request(
    Asked::ForFailures,
    &[CONNECT_FAILED],
    &[&[at(Attach::TpBtf, "inet_sock_set_state", "tp_attempt")]],
    "with which error connections fail",
));

const TRAMPOLINES_AT_ROUTE: &[Attachment] = &[
    fexit(3, "tcp_v4_connect", "fexit_tcp_v4_connect"),
    fexit(3, "tcp_v6_connect", "fexit_tcp_v6_connect"),
];

const PROBES_AT_ROUTE: &[Attachment] = &[
    at(Attach::Kprobe, "tcp_v4_connect", "kprobe_begin_connecting"),
    at(
        Attach::Kretprobe,
        "tcp_v4_connect",
        "kretprobe_begin_connecting",
    ),
    at(Attach::Kprobe, "tcp_v6_connect", "kprobe_begin_connecting"),
    at(
        Attach::Kretprobe,
        "tcp_v6_connect",
        "kretprobe_begin_connecting",
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

/// What fails before a packet is sent: no route, or a route that forbids it.
const fn failed_at_once(alternatives: &'static [&'static [Attachment]]) -> Hook {
    by_call(wanted_on_request(
        Asked::ForFailures,
        &["connect_failed_at_once"],
        alternatives,
        "connections that fail at once, as for want of a route",
    ))
}

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

const fn set(
    kind: HookKind,
    hooks: &'static [Hook],
    on_request: &'static [&'static [Hook]],
) -> HookSet {
    HookSet {
        kind,
        hooks,
        on_request,
        memory: Memory::Nowhere,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    }
}
