//! Which hooks tell how long it took? The same for every set.

use super::make::{at, fexit, for_latency};
use super::{Attach, Hook};

const NO_RTT: &str = "round-trip times";
const NO_ACCEPT: &str = "how long connections wait to be accepted";

pub(super) const ARRIVAL: Hook = for_latency(
    &["tcp_probe"],
    &[&[at(Attach::TpBtf, "tcp_probe", "tp_tcp_probe")]],
    NO_RTT,
);
pub(super) const ARRIVAL_BY_ADDRESS: Hook = for_latency(
    &["tcp_probe"],
    &[&[at(Attach::TpBtf, "tcp_probe", "tp_tcp_probe_probed")]],
    NO_RTT,
);

/// The tracepoints of the system calls come last: they slow every system call of the machine.
pub(super) const ACCEPT: Hook = for_latency(
    &["accept"],
    &[
        &[fexit(2, "inet_csk_accept", "fexit_inet_csk_accept_2")],
        &[fexit(4, "inet_csk_accept", "fexit_inet_csk_accept_4")],
        &[at(
            Attach::Kretprobe,
            "inet_csk_accept",
            "kretprobe_inet_csk_accept",
        )],
        &[
            at(
                Attach::Tracepoint,
                "syscalls/sys_exit_accept",
                "record_accept",
            ),
            at(
                Attach::Tracepoint,
                "syscalls/sys_exit_accept4",
                "record_accept",
            ),
        ],
    ],
    NO_ACCEPT,
);
