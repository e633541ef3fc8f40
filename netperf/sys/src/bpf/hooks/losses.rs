//! Which hooks tell what is lost? The same tracepoints serve every set: they need neither kprobes nor
//! trampolines, only type information.

use super::make::{at, wanted_on_request};
use super::{Asked, Attach, Hook};

/// Programs whose names end so.
macro_rules! losses {
    ($suffix:literal) => {
        &[
            wanted_on_request(
                Asked::ForLosses,
                &["tcp_retransmit_synack"],
                &[&[at(
                    Attach::TpBtf,
                    "tcp_retransmit_synack",
                    concat!("tp_tcp_retransmit_synack", $suffix),
                )]],
                "SYN-ACKs that were sent again",
            ),
            wanted_on_request(
                Asked::ForLosses,
                &["tcp_send_reset"],
                &[&[at(
                    Attach::TpBtf,
                    "tcp_send_reset",
                    concat!("tp_tcp_send_reset", $suffix),
                )]],
                "resets sent",
            ),
            wanted_on_request(
                Asked::ForLosses,
                &["tcp_receive_reset"],
                &[&[at(
                    Attach::TpBtf,
                    "tcp_receive_reset",
                    concat!("tp_tcp_receive_reset", $suffix),
                )]],
                "resets received",
            ),
            DROPS,
        ]
    };
}

/// For sockets that the verifier knows.
pub(super) const LOSSES: &[Hook] = losses!("");
/// For sockets by address.
pub(super) const LOSSES_BY_ADDRESS: &[Hook] = losses!("_probed");

/// Why packets were thrown away: kernel 5.17, and from 6.11 on for which socket.
const DROPS: Hook = wanted_on_request(
    Asked::ForLosses,
    &["skb_drop"],
    &[
        &[at(Attach::TpBtf, "kfree_skb", "tp_kfree_skb_4")],
        &[at(Attach::TpBtf, "kfree_skb", "tp_kfree_skb_3")],
    ],
    "why the kernel threw received packets away",
);

/// Where no tracepoint tells that a socket listens.
pub(super) const LISTEN_START: Hook = wanted_on_request(
    Asked::ForEvents,
    &["tcp_listen"],
    &[&[at(
        Attach::Kprobe,
        "inet_csk_listen_start",
        "kprobe_inet_csk_listen_start",
    )]],
    "who listens",
);
