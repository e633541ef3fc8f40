//! How is a hook written down, and what does a user miss without it?

use super::{Asked, Attach, Attachment, Hook, Need};

pub(super) const NO_RETRANS: &str = "retransmissions between two activities of a connection";
pub(super) const NO_SENDPAGE: &str = "sendfile over a connection that no process held at the start";
pub(super) const NO_UDP6: &str = "UDP over IPv6";
pub(super) const NO_MPTCP: &str = "MPTCP";
pub(super) const NO_STATES: &str = "the state of a connection between two activities";
pub(super) const NO_UDP_CLOSE: &str =
    "the end of UDP and MPTCP sockets: their table entries are not reused";

pub(super) const fn at(attach: Attach, symbol: &'static str, program: &'static str) -> Attachment {
    Attachment {
        attach,
        symbol,
        program,
        parameters: None,
    }
}

pub(super) const fn with_parameters(count: usize, attachment: Attachment) -> Attachment {
    Attachment {
        parameters: Some(count),
        ..attachment
    }
}

pub(super) const fn required(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::Required,
        without: "",
        asked: Asked::Always,
        by_call: false,
    }
}

pub(super) const fn if_present(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::IfPresent,
        without,
        asked: Asked::Always,
        by_call: false,
    }
}

pub(super) const fn wanted(
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    Hook {
        counts,
        alternatives,
        need: Need::Wanted,
        without,
        asked: Asked::Always,
        by_call: false,
    }
}

/// Each call counts by its result.
pub(super) const fn by_call(hook: Hook) -> Hook {
    Hook {
        by_call: true,
        ..hook
    }
}

/// Attached only where somebody asks for it.
pub(super) const fn on_request(asked: Asked, hook: Hook) -> Hook {
    Hook { asked, ..hook }
}

/// [`wanted`], where somebody asks for it.
pub(super) const fn wanted_on_request(
    asked: Asked,
    counts: &'static [&'static str],
    alternatives: &'static [&'static [Attachment]],
    without: &'static str,
) -> Hook {
    on_request(asked, wanted(counts, alternatives, without))
}

pub(super) const fn fexit(
    parameters: usize,
    symbol: &'static str,
    program: &'static str,
) -> Attachment {
    with_parameters(parameters, at(Attach::Fexit, symbol, program))
}

/// Entry and return of a function.
macro_rules! returned {
    ($symbol:literal, $entry:literal, $exit:literal) => {
        &[
            at(Attach::Kprobe, $symbol, $entry),
            at(Attach::Kretprobe, $symbol, $exit),
        ]
    };
}
pub(super) use returned;
