//! Which packets do sockets take that would have those of the whole machine? Classic BPF, run by the kernel.

use std::net::SocketAddr;

use socket2::SockFilter;

/// Lets nothing in: such a socket only sends.
pub(super) const NOTHING: [SockFilter; 1] = [SockFilter::new(RETURN, 0, 0, 0)];

const LOAD_HALF_BEHIND: u16 = code(libc::BPF_LD | libc::BPF_H | libc::BPF_IND);
const LOAD_HEADER: u16 = code(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH);
const SET_INDEX: u16 = code(libc::BPF_LDX | libc::BPF_W | libc::BPF_IMM);
const EQUAL: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
const RETURN: u16 = code(libc::BPF_RET | libc::BPF_K);

/// Lets in TCP segments from this port to that one. IPv4 packets begin with their IP header, IPv6 ones with
/// what is behind it.
pub(super) fn segments(target: SocketAddr, from: u16, to: u16) -> [SockFilter; 7] {
    let index = if target.is_ipv4() {
        LOAD_HEADER
    } else {
        SET_INDEX
    };
    [
        SockFilter::new(index, 0, 0, 0),
        SockFilter::new(LOAD_HALF_BEHIND, 0, 0, 0),
        SockFilter::new(EQUAL, 0, 3, from.into()),
        SockFilter::new(LOAD_HALF_BEHIND, 0, 0, 2),
        SockFilter::new(EQUAL, 0, 1, to.into()),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "codes have 16 bits (`struct sock_filter`)"
)]
const fn code(bits: u32) -> u16 {
    bits as u16
}
