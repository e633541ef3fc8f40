//! Which hooks tell what is lost? The same tracepoints serve every set: they need neither kprobes nor
//! trampolines, only type information.

use super::make::{at, for_losses};
use super::{Attach, Hook};

const NO_SYNACKS: &str = "SYN-ACKs that were sent again";
const NO_RESETS_SENT: &str = "resets sent";
const NO_RESETS_RECEIVED: &str = "resets received";

/// A tracepoint and the program that is for it.
macro_rules! told_by {
    ($counts:literal, $symbol:literal, $program:literal, $without:expr) => {
        for_losses(
            &[$counts],
            &[&[at(Attach::TpBtf, $symbol, $program)]],
            $without,
        )
    };
}

pub(super) const SYNACK: Hook = told_by!(
    "tcp_retransmit_synack",
    "tcp_retransmit_synack",
    "tp_tcp_retransmit_synack",
    NO_SYNACKS
);
pub(super) const SYNACK_BY_ADDRESS: Hook = told_by!(
    "tcp_retransmit_synack",
    "tcp_retransmit_synack",
    "tp_tcp_retransmit_synack_probed",
    NO_SYNACKS
);
pub(super) const SEND_RESET: Hook = told_by!(
    "tcp_send_reset",
    "tcp_send_reset",
    "tp_tcp_send_reset",
    NO_RESETS_SENT
);
pub(super) const SEND_RESET_BY_ADDRESS: Hook = told_by!(
    "tcp_send_reset",
    "tcp_send_reset",
    "tp_tcp_send_reset_probed",
    NO_RESETS_SENT
);
pub(super) const RECEIVE_RESET: Hook = told_by!(
    "tcp_receive_reset",
    "tcp_receive_reset",
    "tp_tcp_receive_reset",
    NO_RESETS_RECEIVED
);
pub(super) const RECEIVE_RESET_BY_ADDRESS: Hook = told_by!(
    "tcp_receive_reset",
    "tcp_receive_reset",
    "tp_tcp_receive_reset_probed",
    NO_RESETS_RECEIVED
);

/// Why packets were thrown away: kernel 5.17, and from 6.11 on for which socket.
pub(super) const DROPS: Hook = for_losses(
    &["skb_drop"],
    &[
        &[at(Attach::TpBtf, "kfree_skb", "tp_kfree_skb_4")],
        &[at(Attach::TpBtf, "kfree_skb", "tp_kfree_skb_3")],
    ],
    "why the kernel threw received packets away",
);

/// Where no tracepoint tells that a socket listens.
pub(super) const LISTEN_START: Hook = for_losses(
    &["tcp_listen"],
    &[&[at(
        Attach::Kprobe,
        "inet_csk_listen_start",
        "kprobe_inet_csk_listen_start",
    )]],
    "who listens",
);
