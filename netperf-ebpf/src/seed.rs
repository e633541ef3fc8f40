//! From which position on does a socket's received data count?

use crate::sock::{self, Sock};

/// Takes the receive position of a TCP socket as the start, unless it is known already.
#[inline(always)]
pub fn position(sk: impl Sock) {
    let Some(tcp) = sk.tcp().filter(|tcp| sock::is_plain(*tcp)) else {
        return;
    };
    let Some(state) = sk.state_or_new() else {
        return;
    };
    // SAFETY: a map value that the verifier proved.
    let state = unsafe { &mut *state };
    if state.seq_known == 0 {
        state.seen_seq = sock::taken_seq(sk, tcp);
        state.seq_known = 1;
    }
}
