//! From which position on does a socket's received data count?

use crate::{
    maps::SockState,
    queued,
    sock::{self, Sock},
};

/// The receive position of a TCP socket that was open before the hooks were attached, unless a hook
/// was faster.
#[inline(always)]
pub fn open_before(sk: impl Sock) {
    if let Some((tcp, state)) = sk.tcp().zip(sk.state_or_new()) {
        // SAFETY: a map value that the verifier proved.
        queued::open_before(tcp, unsafe { &mut *state });
    }
    set(sk, |state| state.seq_known == 0);
}

/// A connection begins here; the socket may have had another one before.
#[inline(always)]
pub fn established(sk: impl Sock) {
    set(sk, |_| true);
}

#[inline(always)]
fn set(sk: impl Sock, wanted: impl FnOnce(&SockState) -> bool) {
    let Some(tcp) = sk.tcp().filter(|tcp| sock::is_plain(*tcp)) else {
        return;
    };
    let Some(state) = sk.state_or_new() else {
        return;
    };
    // SAFETY: a map value that the verifier proved.
    let state = unsafe { &mut *state };
    if wanted(state) {
        state.seen_seq = sock::taken_seq(sk, tcp);
        state.seq_known = 1;
    }
}
