//! Which hooks tell how long it took? The same for every set.

use super::make::{at, fexit, wanted_on_request};
use super::{Asked, Attach, Hook};

/// Programs whose names end so.
macro_rules! latency {
    ($suffix:literal) => {
        &[
            wanted_on_request(
                Asked::ForLatency,
                &["tcp_probe"],
                &[&[at(
                    Attach::TpBtf,
                    "tcp_probe",
                    concat!("tp_tcp_probe", $suffix),
                )]],
                "round-trip times",
            ),
            ACCEPT,
        ]
    };
}

/// For sockets that the verifier knows.
pub(super) const LATENCY: &[Hook] = latency!("");
/// For sockets by address.
pub(super) const LATENCY_BY_ADDRESS: &[Hook] = latency!("_probed");

/// The tracepoints of the system calls come last: they slow every system call of the machine.
const ACCEPT: Hook = wanted_on_request(
    Asked::ForLatency,
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
    "how long connections wait to be accepted",
);
