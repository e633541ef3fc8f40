//! Why sockets can't be seen, and what the user reads of it.

use std::io;

use crate::netlink::{DumpError, Listed};

/// Why no look at the sockets is possible.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// The namespace of the process that was named.
    #[error("can't look into the network namespace of process {tgid}")]
    Namespace {
        /// Process whose namespace could not be entered.
        tgid: u32,
        /// Error of the kernel.
        source: io::Error,
    },
    /// The kernel has none of the lists that were asked for.
    #[error("this kernel can't list {tried} sockets over netlink (inet_diag, unix_diag)")]
    NoList {
        /// What was asked for.
        tried: String,
        /// What it said last.
        source: DumpError,
    },
}

/// Why some network namespaces are not seen.
pub(in crate::capture) fn forbidden(processes: usize) -> String {
    let count = match processes {
        1 => "1 process".to_owned(),
        many => format!("{many} processes"),
    };
    format!("{count} may not be looked into: that takes root, or CAP_SYS_PTRACE")
}

/// The kernel has no list of this protocol.
pub(super) fn lacks(error: &DumpError) -> bool {
    let code = match error {
        DumpError::Refused(error) => error.raw_os_error(),
        DumpError::Malformed => None,
    };
    matches!(
        code,
        Some(libc::ENOENT | libc::EPROTONOSUPPORT | libc::EINVAL)
    )
}

/// Why sockets of one protocol are not seen.
pub(super) fn unlisted(error: &DumpError) -> String {
    match error {
        DumpError::Refused(_) if lacks(error) => {
            "this kernel can't list them over netlink (inet_diag, unix_diag)".to_owned()
        }
        DumpError::Refused(source) => source.to_string(),
        DumpError::Malformed => error.to_string(),
    }
}

/// The name of a protocol, as messages have it.
pub(super) fn word(listed: Listed) -> &'static str {
    match listed {
        Listed::Tcp => "TCP",
        Listed::Udp => "UDP",
        Listed::Raw => "raw",
        Listed::Unix => "unix",
    }
}
