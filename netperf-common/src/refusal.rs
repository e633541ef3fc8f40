//! What did the kernel refuse for want of a port or an address, and which connections failed otherwise?
//! Counts that the kernel side keeps.

use crate::flow::Owner;

/// `EADDRINUSE` in [`RefusalKey::error`]: another socket has the address.
pub const IN_USE: u8 = 98;
/// `EADDRNOTAVAIL` in [`RefusalKey::error`]: there is no such address, or no port is left.
pub const NOT_AVAILABLE: u8 = 99;

/// `connect` in [`RefusalKey::call`].
pub const CONNECT: u8 = 1;
/// `bind` in [`RefusalKey::call`].
pub const BIND: u8 = 2;

/// What was refused to whom.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefusalKey {
    /// Start of the process, as in [`Owner::start_ns`].
    pub start_ns: u64,
    /// The address that was to be connected or bound to, as in [`crate::flow::FlowKey`].
    pub address: [u8; 16],
    /// Thread group in the initial pid namespace.
    pub host_tgid: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The port that belongs to `address`.
    pub port: u16,
    /// [`crate::flow::AF_INET`] or [`crate::flow::AF_INET6`].
    pub family: u16,
    /// One of the `IPPROTO_` values of [`crate::flow`].
    pub protocol: u16,
    /// [`CONNECT`] or [`BIND`].
    pub call: u8,
    /// [`IN_USE`] or [`NOT_AVAILABLE`]; where failed connections are asked for, the number of any error.
    pub error: u8,
}

/// How often, since it was first refused.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RefusalCount {
    /// The process.
    pub owner: Owner,
    /// How often.
    pub count: u64,
}

const _: () = {
    assert!(size_of::<RefusalKey>() == 40);
    assert!(size_of::<RefusalCount>() == 56);
};

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::RefusalKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::RefusalCount {}
}
