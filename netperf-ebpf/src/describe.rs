//! Describes a socket in a slot: who uses it, where it goes, how it is.

use netperf_common::flow::Slot;

use crate::{
    close, owner,
    sock::{Probed, Sock, Trusted, fill_key, refresh_tcp},
};

/// A socket that can be described.
pub(crate) trait Describe: Sock {
    /// Takes into a slot who uses the socket, where it goes and how it is.
    #[inline(always)]
    fn describe(self, slot: &mut Slot, host_tgid: u32) {
        owner::fill(self, &mut slot.owner, host_tgid);
        fill_key(self, &mut slot.key);
        refresh_tcp(self, slot);
    }
    /// A connection begins: what is remembered of a socket that was here before is not of this one.
    #[inline(always)]
    fn begins_anew(self) {}
}

impl Describe for Trusted {}

impl Describe for Probed {
    #[inline(always)]
    fn begins_anew(self) {
        close::left_behind(self);
    }
}
