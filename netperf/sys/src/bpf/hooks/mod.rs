//! What is counted, and which attachments can count it? Data only.
//!
//! A set is used as a whole: its members agree on who counts what, so that no byte is counted
//! twice, and on how a socket's state is kept. Which hook misses what was measured for each kernel;
//! ARCHITECTURE.md has the reasons for this choice.

mod fentry;
mod kprobe;
mod latency;
mod losses;
mod make;
mod no_btf;
mod record;
mod refused;
mod tracepoint;

pub(super) use self::no_btf::{NO_BTF, STATE_TRACEPOINT};
pub(super) use self::record::{SENT, TAKEN};
pub(super) use self::refused::{CONNECT_FAILED, REFUSED};

use netperf_core::collect::HookKind;

use self::fentry::{FENTRY, FENTRY_BY_ADDRESS};
use self::kprobe::KPROBE;
use self::latency::{LATENCY, LATENCY_BY_ADDRESS};
use self::losses::{LOSSES, LOSSES_BY_ADDRESS};
use self::record::RECORD;
use self::tracepoint::TRACEPOINT;

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
    /// How it is attached.
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

/// For what a hook is attached: what nobody asks for costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Needed by every session.
    Always,
    /// For the rows of connections alone. It runs ten times in the life of each.
    ForConnections,
    /// For what happens one by one: what is lost, and transitions.
    ForEvents,
    /// For what is lost, alone.
    ForLosses,
    /// For how long it takes, alone.
    ForLatency,
    /// For connections that fail, alone.
    ForFailures,
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
    /// Who has to ask for it.
    pub(super) asked: Asked,
    /// Whether each call counts by its result: bytes of a call at which the program did not run are
    /// lost. Positions are made up for.
    pub(super) by_call: bool,
}

/// Hooks that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct HookSet {
    /// Its kind, as in `--hooks`.
    pub(super) kind: HookKind,
    /// The hooks of the set.
    pub(super) hooks: &'static [Hook],
    /// More, which are attached only where somebody asks for them.
    pub(super) on_request: &'static [&'static [Hook]],
    /// Where all of them keep what is known of a socket.
    pub(super) memory: Memory,
    /// Which records of tracepoints they read.
    pub(super) reads: Reads,
    /// First kernel on which it is better than the sets after it; `None` if all are.
    pub(super) from: Option<(u32, u32)>,
    /// What none of them can see, on any kernel.
    pub(super) unseen: &'static [&'static str],
}

impl HookSet {
    /// Its members, and what may be attached besides.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Hook> + use<> {
        self.hooks
            .iter()
            .chain(self.on_request.iter().copied().flatten())
    }
}

/// Where the kernel side keeps what it knows of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// With the socket, kernel 5.11.
    InSocket,
    /// In a table, by the socket's address.
    ByAddress,
    /// It knows nothing of sockets: what is counted is calls that failed.
    Nowhere,
}

/// Records of tracepoints whose fields are where this kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// None.
    Nothing,
    /// That of a connection's state.
    States,
    /// Those of bytes.
    Bytes,
}

impl Memory {
    /// Iterator that notes the positions of sockets that are open already.
    pub(super) fn positions(self) -> Option<&'static str> {
        match self {
            Self::InSocket => Some("iter_open_sockets"),
            Self::ByAddress => Some("iter_open_sockets_probed"),
            Self::Nowhere => None,
        }
    }
}

/// The sets in the order in which `--hooks auto` tries them. The tracepoints come first: they are
/// exact on every path, TLS in the kernel included, and hardened kernels accept them.
pub(super) const SETS: &[HookSet] = &[
    HookSet {
        kind: HookKind::Tracepoint,
        hooks: RECORD,
        on_request: &[LOSSES_BY_ADDRESS, LATENCY_BY_ADDRESS],
        memory: Memory::ByAddress,
        reads: Reads::Bytes,
        from: Some((7, 0)),
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Tracepoint,
        hooks: TRACEPOINT,
        on_request: &[LOSSES, LATENCY],
        memory: Memory::InSocket,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Fentry,
        hooks: FENTRY,
        on_request: &[LOSSES, LATENCY],
        memory: Memory::InSocket,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Fentry,
        hooks: FENTRY_BY_ADDRESS,
        on_request: &[LOSSES_BY_ADDRESS, LATENCY_BY_ADDRESS],
        memory: Memory::ByAddress,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    },
    HookSet {
        kind: HookKind::Kprobe,
        hooks: KPROBE,
        on_request: &[LOSSES_BY_ADDRESS, LATENCY_BY_ADDRESS],
        memory: Memory::ByAddress,
        reads: Reads::Nothing,
        from: None,
        unseen: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_counts_both_directions_of_tcp_and_udp() {
        for set in SETS.iter().chain([&NO_BTF]) {
            let counted: Vec<_> = set
                .all()
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
        for hook in SETS.iter().chain([&NO_BTF]).flat_map(HookSet::all) {
            assert_eq!(
                hook.need != Need::Required,
                !hook.without.is_empty(),
                "{:?}",
                hook.counts
            );
        }
    }
}
