//! Layouts that the programs of `dns --watch` share with user space.

use crate::flow::Owner;

/// Bytes of a packet's payload that are copied: a header and the longest question fit.
pub const COPIED: usize = 288;

/// A question leaves.
pub const LEAVES: u8 = 1;
/// An answer arrives.
pub const ARRIVES: u8 = 2;

/// Where in the kernel's structures something is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameFacts {
    /// `task_struct.flags`.
    pub flags: u32,
    /// `task_struct.tgid`.
    pub tgid: u32,
    /// `task_struct.group_leader`.
    pub group_leader: u32,
    /// `task_struct.start_boottime`.
    pub start_boottime: u32,
    /// `task_struct.comm`.
    pub comm: u32,
    /// `task_struct.cred`.
    pub cred: u32,
    /// `cred.uid`.
    pub uid: u32,
    /// `task_struct.nsproxy`.
    pub nsproxy: u32,
    /// `nsproxy.net_ns`.
    pub net_ns: u32,
    /// `net.ns.inum`.
    pub inum: u32,
}

/// A packet to or from port 53 of another end, as the client's socket sees it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamePacket {
    /// Nanoseconds on `CLOCK_BOOTTIME`.
    pub at_ns: u64,
    /// Cookie of the socket.
    pub socket: u64,
    /// Who sends; for what arrives, nobody.
    pub owner: Owner,
    /// The resolver: an IPv6 address, or an IPv4 address in its first four bytes.
    pub resolver: [u8; 16],
    /// Bytes of the payload in the packet.
    pub length: u32,
    /// Bytes of it that are here.
    pub copied: u32,
    /// Sequence number, of TCP.
    pub sequence: u32,
    /// Inode number of the network namespace of the thread that sends; 0 for what arrives.
    pub netns: u32,
    /// Port of this end.
    pub local_port: u16,
    /// 4 or 6.
    pub version: u8,
    /// `IPPROTO_TCP` or `IPPROTO_UDP`.
    pub protocol: u8,
    /// [`LEAVES`] or [`ARRIVES`].
    pub direction: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// The beginning of the payload; behind `copied` it means nothing.
    pub payload: [u8; COPIED],
}

const _: () = assert!(size_of::<NameFacts>() == 40);
const _: () = assert!(size_of::<NamePacket>() == 16 + size_of::<Owner>() + 16 + 24 + COPIED);

#[cfg(feature = "user")]
mod pod {
    #![expect(unsafe_code, reason = "aya's Pod is an unsafe trait")]
    // SAFETY: `repr(C)`, only integers, every bit pattern is a value.
    unsafe impl aya::Pod for super::NameFacts {}
}
