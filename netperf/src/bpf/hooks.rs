//! What is counted, and which attachments can count it? Data only.
//!
//! A set is used as a whole: its members agree on who counts what, so that no byte is counted
//! twice, and on how a socket's state is kept. Which hook misses what was measured for each kernel;
//! ARCHITECTURE.md has the reasons for this choice.

use crate::collect::HookKind;

/// A way to attach a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attach {
    /// BTF tracepoint.
    TpBtf,
    /// Trampoline at a function's entry.
    Fentry,
    /// Trampoline at a function's exit.
    Fexit,
    /// Kprobe at a function's entry.
    Kprobe,
    /// Kretprobe at a function's exit.
    Kretprobe,
    /// Tracepoint with its record, named with its category.
    Tracepoint,
    /// Hook of the root cgroup.
    Cgroup,
}

impl Attach {
    /// The word before the slash in `fexit/tcp_sendmsg_locked`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::TpBtf => "tp_btf",
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
            Self::Tracepoint => "tracepoint",
            Self::Cgroup => "cgroup",
        }
    }
}

/// One program at one place in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attachment {
    /// How.
    pub(super) attach: Attach,
    /// Tracepoint, function or cgroup hook.
    pub(super) symbol: &'static str,
    /// Name of the program in the object.
    pub(super) program: &'static str,
    /// Number of parameters that the function must have; `None` if it does not matter.
    pub(super) parameters: Option<usize>,
}

/// What happens if none of a hook's attachments is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The set can't be used.
    Required,
    /// The set is used, and says that this can't be seen.
    Wanted,
    /// Nothing is missed where the kernel lacks the function: it has no such traffic. Where it has
    /// the function and refuses the hook, the set is used and says that this can't be seen.
    IfPresent,
}

/// Something to count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    /// What, in the words of the `start` line; several where one program counts for all.
    pub(super) counts: &'static [&'static str],
    /// Programs that have to be attached together; each list is tried after the one before.
    pub(super) alternatives: &'static [&'static [Attachment]],
    /// What if it can't be had.
    pub(super) need: Need,
    /// What the user misses then.
    pub(super) without: &'static str,
    /// Whether it is for the rows of connections alone. It runs ten times in the life of each.
    pub(super) for_connections: bool,
    /// Whether each call counts by its result: bytes of a call at which the program did not run are
    /// lost. Positions are made up for.
    pub(super) by_call: bool,
}

/// Hooks that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct HookSet {
    /// Its kind, as in `--hooks`.
    pub(super) kind: HookKind,
    /// Its members.
    pub(super) hooks: &'static [Hook],
    /// Where all of them keep what is known of a socket.
    pub(super) memory: Memory,
    /// What none of them can see, on any kernel.
    pub(super) unseen: &'static [&'static str],
}

/// Where the kernel side keeps what it knows of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// With the socket, kernel 5.11.
    InSocket,
    /// In a table, by the socket's address.
    ByAddress,
}

impl Memory {
    /// Iterator that notes the positions of sockets that are open already.
    pub(super) fn positions(self) -> &'static str {
        match self {
            Self::InSocket => "iter_open_sockets",
            Self::ByAddress => "iter_open_sockets_probed",
        }
    }
}

/// The sets in the order in which `--hooks auto` tries them. The tracepoints come first: they are
/// exact on every path, TLS in the kernel included, and hardened kernels accept them.
pub(super) const SETS: &[HookSet] = &[
    HookSet {
        kind: HookKind::Tracepoint,
        hooks: TRACEPOINT,
        memory: Memory::InSocket,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Fentry,
        hooks: FENTRY,
        memory: Memory::InSocket,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Fentry,
        hooks: FENTRY_BY_ADDRESS,
        memory: Memory::ByAddress,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Kprobe,
        hooks: KPROBE,
        memory: Memory::ByAddress,
        unseen: &[],
    },
];

/// The set for kernels that do not tell where anything is in their structures.
pub(super) const PLAIN: HookSet = HookSet {
    kind: HookKind::Kprobe,
    hooks: PLAIN_KPROBE,
    memory: Memory::ByAddress,
    unseen: &[
        "round-trip times",
        "retransmissions",
        "addresses of UDP sockets, and of connections from before the start",
        "network namespaces of connections",
        "MPTCP and TLS in the kernel",
        "what was taken by a read that a process was in at the start",
        "urgent data",
        "which processes are threads of the kernel",
        "the name of a process that ended before a look at it (that of its thread is shown), and \
         that its number was used before",
        "all of what more processes send at a time than the kernel has return probes for",
    ],
};

/// The tracepoint that tells addresses and states of connections.
pub(super) const STATE_TRACEPOINT: &str = "sock/inet_sock_set_state";

const fn at(attach: Attach, symbol: &'static str, program: &'static str) -> Attachment {
    Attachment {
        attach,
        symbol,
        program,
        parameters: None,
    }
}

const fn with_parameters(count: usize, attachment: Attachment) -> Attachment {
    Attachment {
        parameters: Some(count),
        ..attachment
    }
}

const fn required(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::Required,
        without: "",
        for_connections: false,
        by_call: false,
    }
}

const fn if_present(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::IfPresent,
        without,
        for_connections: false,
        by_call: false,
    }
}

const fn wanted(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::Wanted,
        without,
        for_connections: false,
        by_call: false,
    }
}

/// [`required`], and each call counts by its result.
const fn required_by_call(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
) -> Hook {
    Hook {
        for_connections: false,
        by_call: true,
        ..required(counts, alternatives)
    }
}

/// [`if_present`], and each call counts by its result.
const fn if_present_by_call(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        for_connections: false,
        by_call: true,
        ..if_present(counts, alternatives, without)
    }
}

/// [`wanted`], and each call counts by its result.
const fn wanted_by_call(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        by_call: true,
        ..wanted(counts, alternatives, without)
    }
}

const NO_RETRANS: &str = "retransmissions between two activities of a connection";
const NO_SENDPAGE: &str = "sendfile over a connection that no process held at the start";
const NO_UDP6: &str = "UDP over IPv6";
const NO_MPTCP: &str = "MPTCP";
const NO_STATES: &str = "the state of a connection between two activities";
const NO_UDP_CLOSE: &str = "the end of UDP and MPTCP sockets: their table entries are not reused";

/// Kernel 6.3 and later; needs neither kprobes nor trampolines.
const TRACEPOINT: &[Hook] = &[
    required_by_call(
        &["tcp_send", "udp_send", "mptcp_send"],
        &[&[at(Attach::TpBtf, "sock_send_length", "tp_sock_send_length")]],
    ),
    required_by_call(
        &["udp_recv", "mptcp_recv", "ktls_recv"],
        &[&[at(Attach::TpBtf, "sock_recv_length", "tp_sock_recv_length")]],
    ),
    TCP_RECV,
    Hook {
        for_connections: true,
        ..TCP_STATE
    },
    TCP_RETRANSMIT,
    TCP_CLOSE,
    UDP_CLOSE,
];

/// Before 7.0, nothing can come between here; a trampoline at `tcp_cleanup_rbuf` can be missed. What the
/// last read of a connection took is lost with it.
const TCP_RECV: Hook = required_by_call(
    &["tcp_recv"],
    &[&[at(
        Attach::TpBtf,
        "tcp_rcv_space_adjust",
        "tp_tcp_rcv_space_adjust",
    )]],
);
const TCP_STATE: Hook = wanted(
    &["tcp_state"],
    &[&[at(
        Attach::TpBtf,
        "inet_sock_set_state",
        "tp_inet_sock_set_state",
    )]],
    NO_STATES,
);
const TCP_RETRANSMIT: Hook = wanted(
    &["tcp_retransmit"],
    &[&[at(
        Attach::TpBtf,
        "tcp_retransmit_skb",
        "tp_tcp_retransmit_skb",
    )]],
    NO_RETRANS,
);
const TCP_CLOSE: Hook = required(
    &["tcp_close"],
    &[&[at(Attach::TpBtf, "tcp_destroy_sock", "tp_tcp_destroy_sock")]],
);
const UDP_CLOSE: Hook = wanted(
    &["udp_close", "mptcp_close"],
    &[&[at(Attach::Cgroup, "sock_release", "cgroup_sock_release")]],
    NO_UDP_CLOSE,
);

/// The members of a trampoline set that count bytes, and others. A return value is the argument
/// after the last, so the number of parameters has to be right.
macro_rules! trampolines {
    ($suffix:literal, $($others:expr),*) => {
        &[
            required(
                &["tcp_send"],
                &[&[
                    at(Attach::Fentry, "tcp_connect", concat!("fentry_tcp_connect", $suffix)),
                    at(
                        Attach::Fentry,
                        "tcp_sendmsg_locked",
                        concat!("fentry_tcp_sendmsg_locked", $suffix),
                    ),
                    at(Attach::Fentry, "release_sock", concat!("fentry_release_sock", $suffix)),
                ]],
            ),
            if_present(
                &["tcp_sendpage"],
                &[&[at(
                    Attach::Fentry,
                    "do_tcp_sendpages",
                    concat!("fentry_do_tcp_sendpages", $suffix),
                )]],
                NO_SENDPAGE,
            ),
            required_by_call(
                &["udp_send"],
                &[&[fexit(3, "udp_sendmsg", concat!("fexit_udp_sendmsg", $suffix))]],
            ),
            if_present_by_call(
                &["udp6_send"],
                &[&[fexit(3, "udpv6_sendmsg", concat!("fexit_udpv6_sendmsg", $suffix))]],
                NO_UDP6,
            ),
            if_present_by_call(
                &["mptcp_send"],
                &[&[fexit(3, "mptcp_sendmsg", concat!("fexit_mptcp_sendmsg", $suffix))]],
                NO_MPTCP,
            ),
            required_by_call(
                &["udp_recv"],
                &[&[at(
                    Attach::Fentry,
                    "skb_consume_udp",
                    concat!("fentry_skb_consume_udp", $suffix),
                )]],
            ),
            if_present_by_call(
                &["mptcp_recv"],
                &[
                    &[fexit(4, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_4", $suffix))],
                    &[fexit(5, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_5", $suffix))],
                    &[fexit(6, "mptcp_recvmsg", concat!("fexit_mptcp_recvmsg_6", $suffix))],
                ],
                NO_MPTCP,
            ),
            $($others),*
        ]
    };
}

const fn fexit(parameters: usize, symbol: &'static str, program: &'static str) -> Attachment {
    with_parameters(parameters, at(Attach::Fexit, symbol, program))
}

/// Kernel 5.11 and later where it has BPF trampolines.
const FENTRY: &[Hook] = trampolines!(
    "",
    TCP_RECV,
    TCP_STATE,
    TCP_RETRANSMIT,
    TCP_CLOSE,
    UDP_CLOSE
);

/// Kernel 5.5 and later: traced sockets have no storage there.
const FENTRY_BY_ADDRESS: &[Hook] = trampolines!(
    "_probed",
    required(
        &["tcp_recv"],
        &[&[at(
            Attach::Fentry,
            "tcp_cleanup_rbuf",
            "fentry_tcp_cleanup_rbuf_probed",
        )]],
    ),
    wanted(
        &["tcp_state"],
        &[&[at(
            Attach::TpBtf,
            "inet_sock_set_state",
            "tp_inet_sock_set_state_probed",
        )]],
        NO_STATES,
    ),
    wanted(
        &["tcp_retransmit"],
        &[&[at(
            Attach::TpBtf,
            "tcp_retransmit_skb",
            "tp_tcp_retransmit_skb_probed",
        )]],
        NO_RETRANS,
    ),
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Fentry,
            "inet_sock_destruct",
            "fentry_inet_sock_destruct_probed",
        )]],
    )
);

macro_rules! returned {
    ($symbol:literal, $entry:literal, $exit:literal) => {
        &[
            at(Attach::Kprobe, $symbol, $entry),
            at(Attach::Kretprobe, $symbol, $exit),
        ]
    };
}

/// Kernels that refuse trampolines and lack the tracepoints.
const KPROBE: &[Hook] = &[
    required(
        &["tcp_send"],
        &[&[
            at(Attach::Kprobe, "tcp_connect", "kprobe_tcp_connect"),
            at(Attach::Kprobe, "tcp_sendmsg_locked", "kprobe_tcp_sends"),
            at(Attach::Kprobe, "release_sock", "kprobe_release_sock"),
        ]],
    ),
    if_present(
        &["tcp_sendpage"],
        &[&[at(Attach::Kprobe, "do_tcp_sendpages", "kprobe_tcp_sends")]],
        NO_SENDPAGE,
    ),
    required_by_call(
        &["udp_send"],
        &[returned!(
            "udp_sendmsg",
            "kprobe_udp_sendmsg",
            "kretprobe_udp_sendmsg"
        )],
    ),
    if_present_by_call(
        &["udp6_send"],
        &[returned!(
            "udpv6_sendmsg",
            "kprobe_udp6_sendmsg",
            "kretprobe_udp6_sendmsg"
        )],
        NO_UDP6,
    ),
    if_present_by_call(
        &["mptcp_send"],
        &[returned!(
            "mptcp_sendmsg",
            "kprobe_mptcp_sendmsg",
            "kretprobe_mptcp_sendmsg"
        )],
        NO_MPTCP,
    ),
    required(
        &["tcp_recv"],
        &[&[at(
            Attach::Kprobe,
            "tcp_cleanup_rbuf",
            "kprobe_tcp_cleanup_rbuf",
        )]],
    ),
    required_by_call(
        &["udp_recv"],
        &[&[at(
            Attach::Kprobe,
            "skb_consume_udp",
            "kprobe_skb_consume_udp",
        )]],
    ),
    if_present_by_call(
        &["mptcp_recv"],
        &[
            &[
                with_parameters(
                    6,
                    at(Attach::Kprobe, "mptcp_recvmsg", "kprobe_mptcp_recvmsg_6"),
                ),
                at(
                    Attach::Kretprobe,
                    "mptcp_recvmsg",
                    "kretprobe_mptcp_recvmsg",
                ),
            ],
            returned!(
                "mptcp_recvmsg",
                "kprobe_mptcp_recvmsg",
                "kretprobe_mptcp_recvmsg"
            ),
        ],
        NO_MPTCP,
    ),
    wanted(
        &["tcp_state"],
        &[&[at(Attach::Kprobe, "tcp_set_state", "kprobe_tcp_set_state")]],
        NO_STATES,
    ),
    wanted(
        &["tcp_retransmit"],
        &[returned!(
            "__tcp_retransmit_skb",
            "kprobe_tcp_retransmit",
            "kretprobe_tcp_retransmit"
        )],
        NO_RETRANS,
    ),
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Kprobe,
            "inet_sock_destruct",
            "kprobe_inet_sock_destruct",
        )]],
    ),
];

/// Arguments and results only: the kernel does not say where anything is in its structures.
const PLAIN_KPROBE: &[Hook] = &[
    required_by_call(
        &["tcp_send"],
        &[returned!(
            "tcp_sendmsg",
            "plain_tcp_sendmsg",
            "plain_tcp_sendmsg_returns"
        )],
    ),
    if_present_by_call(
        &["tcp_sendpage"],
        &[returned!(
            "tcp_sendpage",
            "plain_tcp_sendpage",
            "plain_tcp_sendpage_returns"
        )],
        "sendfile over TCP",
    ),
    required_by_call(
        &["udp_send"],
        &[returned!(
            "udp_sendmsg",
            "plain_udp_sendmsg",
            "plain_udp_sendmsg_returns"
        )],
    ),
    if_present_by_call(
        &["udp6_send"],
        &[returned!(
            "udpv6_sendmsg",
            "plain_udp6_sendmsg",
            "plain_udp6_sendmsg_returns"
        )],
        NO_UDP6,
    ),
    required_by_call(
        &["tcp_recv"],
        &[&[
            at(Attach::Kprobe, "inet_recvmsg", "plain_recvmsg"),
            at(Attach::Kprobe, "tcp_recvmsg", "plain_tcp_recvmsg"),
            at(Attach::Kprobe, "tcp_cleanup_rbuf", "plain_tcp_cleanup_rbuf"),
        ]],
    ),
    if_present_by_call(
        &["tcp6_recv"],
        &[&[at(Attach::Kprobe, "inet6_recvmsg", "plain_recvmsg")]],
        "what is read from TCP over IPv6",
    ),
    wanted_by_call(
        &["tcp_splice"],
        &[&[at(
            Attach::Kprobe,
            "tcp_splice_read",
            "plain_tcp_splice_read",
        )]],
        "splice from connections",
    ),
    wanted_by_call(
        &["tcp_zerocopy_recv"],
        &[&[at(Attach::Kprobe, "tcp_getsockopt", "plain_tcp_getsockopt")]],
        "TCP_ZEROCOPY_RECEIVE",
    ),
    required_by_call(
        &["udp_recv"],
        &[&[at(
            Attach::Kprobe,
            "skb_consume_udp",
            "plain_skb_consume_udp",
        )]],
    ),
    wanted(
        &["tcp_state"],
        &[&[at(
            Attach::Tracepoint,
            STATE_TRACEPOINT,
            "plain_inet_sock_set_state",
        )]],
        "addresses and states of connections",
    ),
    required(
        &["tcp_close", "udp_close"],
        &[&[at(
            Attach::Kprobe,
            "inet_sock_destruct",
            "plain_inet_sock_destruct",
        )]],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_counts_both_directions_of_tcp_and_udp() {
        for set in SETS.iter().chain([&PLAIN]) {
            let counted: Vec<_> = set
                .hooks
                .iter()
                .flat_map(|hook| hook.counts.iter().copied())
                .collect();
            for what in ["tcp_send", "tcp_recv", "udp_send", "udp_recv", "tcp_close"] {
                assert!(
                    counted.contains(&what),
                    "{:?} does not count {what}",
                    set.kind
                );
            }
        }
    }

    #[test]
    fn what_can_be_missing_is_said_in_words() {
        for hook in SETS.iter().chain([&PLAIN]).flat_map(|set| set.hooks) {
            assert_eq!(
                hook.need != Need::Required,
                !hook.without.is_empty(),
                "{:?}",
                hook.counts
            );
        }
    }
}
