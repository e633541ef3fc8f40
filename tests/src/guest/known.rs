//! What is this kernel known not to do? Every exception is asserted, so that a change is noticed.

use super::machine::Kernel;

/// Where what is seen differs from what was moved.
struct Exception {
    path: &'static str,
    sets: &'static [&'static str],
    /// First kernel that does not have it any more.
    before: Kernel,
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

/// Why a path is not exact with this set on this kernel; `None` if it has to be.
pub(super) fn exception(set: &str, path: &str, kernel: Kernel) -> Option<&'static str> {
    let applies = |known: &&Exception| {
        known.path == path && known.sets.contains(&set) && kernel < known.before
    };
    EXCEPTIONS.iter().find(applies).map(|known| known.why)
}

/// Whether a kernel has everything that the set needs.
pub(super) fn loads(set: &str, kernel: Kernel) -> bool {
    // `sock_send_length` came with 6.3.
    set != "tracepoint" || kernel >= (6, 3)
}

/// The attachment that shows which set `auto` took.
pub(super) fn choice(kernel: Kernel) -> &'static str {
    if loads("tracepoint", kernel) {
        "tp_btf/sock_send_length"
    } else {
        "fexit/tcp_sendmsg_locked"
    }
}
