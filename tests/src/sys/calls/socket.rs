//! Sockets, their options, and messages in bulk.

#![expect(
    unsafe_code,
    reason = "raw system calls, each behind a function that is safe to call"
)]

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// A socket of any kind, closed on exec.
///
/// # Errors
/// As socket(2).
pub fn socket(domain: i32, kind: i32, protocol: i32) -> nix::Result<OwnedFd> {
    // SAFETY: takes integers only.
    let fd = unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) };
    // SAFETY: the kernel has just created this descriptor, and no other value owns it.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets an integer socket option.
///
/// # Errors
/// As setsockopt(2).
pub fn set_option(socket: &impl AsFd, level: i32, name: i32, value: i32) -> nix::Result<()> {
    set(socket, level, name, &value)
}

/// Puts an empty destination options header in front of every datagram of an IPv6 socket (RFC 3542, section 9).
///
/// # Errors
/// As setsockopt(2).
pub fn add_destination_options(socket: &impl AsFd) -> nix::Result<()> {
    // The next header, which the kernel fills in; no length beyond 8 bytes; `PadN` with 4 bytes.
    let header: [u8; 8] = [0, 0, 1, 4, 0, 0, 0, 0];
    set(socket, libc::IPPROTO_IPV6, libc::IPV6_DSTOPTS, &header)
}

fn set<T: Copy>(socket: &impl AsFd, level: i32, name: i32, value: &T) -> nix::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length describe `value`, which outlives the call.
    let status = unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            ptr::from_ref(value).cast(),
            length_of::<T>(),
        )
    };
    Errno::result(status).map(drop)
}

/// Fills `value` from a socket option; the kernel may fill less than all of it.
///
/// # Errors
/// As getsockopt(2).
fn option<T: Copy>(socket: &impl AsFd, level: i32, name: i32, value: &mut T) -> nix::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    let mut length = length_of::<T>();
    // SAFETY: the pointer and length describe `value`, which is writable for the whole call;
    // the callers pass types for which every bit pattern is a value.
    let status = unsafe {
        libc::getsockopt(
            fd,
            level,
            name,
            ptr::from_mut(value).cast(),
            &raw mut length,
        )
    };
    Errno::result(status).map(drop)
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(libc::socklen_t::MAX)
}

/// The kernel's `tcp_info` of a connection.
///
/// # Errors
/// As getsockopt(2).
pub fn tcp_info(socket: &impl AsFd) -> nix::Result<libc::tcp_info> {
    // SAFETY: a struct of integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    option(socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info)?;
    Ok(info)
}

/// Argument of `TCP_ZEROCOPY_RECEIVE` (`struct tcp_zerocopy_receive` in `linux/tcp.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct ZerocopyReceive {
    address: u64,
    length: u32,
    recv_skip_hint: u32,
    inq: u32,
    err: i32,
    copybuf_address: u64,
    copybuf_len: i32,
    flags: u32,
}

/// Takes what a TCP socket has ready through `TCP_ZEROCOPY_RECEIVE`, copied into `into` where the
/// kernel finds that cheaper than mapping. Returns the bytes taken; 0 when none were ready.
///
/// # Errors
/// As getsockopt(2).
pub fn zerocopy_receive(socket: &impl AsFd, into: &mut [u8]) -> nix::Result<usize> {
    let mut request = ZerocopyReceive {
        copybuf_address: u64::try_from(into.as_mut_ptr().addr()).unwrap_or(0),
        copybuf_len: i32::try_from(into.len()).unwrap_or(i32::MAX),
        ..ZerocopyReceive::default()
    };
    option(
        socket,
        libc::IPPROTO_TCP,
        libc::TCP_ZEROCOPY_RECEIVE,
        &mut request,
    )?;
    let copied = usize::try_from(request.copybuf_len).unwrap_or(0);
    Ok(usize::try_from(request.length).unwrap_or(0) + copied)
}

/// Sends each part as a message of its own; returns the bytes sent by each.
///
/// # Errors
/// As sendmmsg(2).
pub fn sendmmsg(socket: &impl AsFd, parts: &[&[u8]]) -> nix::Result<Vec<usize>> {
    let iovecs: Vec<IoSlice> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let vectors = iovecs
        .iter()
        .map(|one| ptr::from_ref(one).cast_mut().cast());
    let mut headers: Vec<libc::mmsghdr> = vectors.map(header).collect();
    let count = u32::try_from(headers.len()).unwrap_or(u32::MAX);
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `count` headers, each with one `IoSlice`, which has the layout of an iovec.
    let done = unsafe { libc::sendmmsg(fd, headers.as_mut_ptr(), count, 0) };
    lengths(&headers, done)
}

/// Receives one message into each part; returns the length of each message received.
///
/// # Errors
/// As recvmmsg(2).
pub fn recvmmsg(
    socket: &impl AsFd,
    parts: &mut [&mut [u8]],
    flags: i32,
) -> nix::Result<Vec<usize>> {
    let mut iovecs: Vec<IoSliceMut> = parts.iter_mut().map(|part| IoSliceMut::new(part)).collect();
    let vectors = iovecs.iter_mut().map(|one| ptr::from_mut(one).cast());
    let mut headers: Vec<libc::mmsghdr> = vectors.map(header).collect();
    let count = u32::try_from(headers.len()).unwrap_or(u32::MAX);
    let (fd, headers_at) = (socket.as_fd().as_raw_fd(), headers.as_mut_ptr());
    // SAFETY: `count` headers, each with one writable `IoSliceMut`, which has the layout of an
    // iovec.
    let done = unsafe { libc::recvmmsg(fd, headers_at, count, flags, ptr::null_mut()) };
    lengths(&headers, done)
}

fn header(iovec: *mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: a struct of integers and pointers, for which zero is a value.
    let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
    header.msg_hdr.msg_iov = iovec;
    header.msg_hdr.msg_iovlen = 1;
    header
}

fn lengths(headers: &[libc::mmsghdr], done: i32) -> nix::Result<Vec<usize>> {
    let done = usize::try_from(Errno::result(done)?).unwrap_or(0);
    let lengths = headers
        .iter()
        .take(done)
        .map(|one| usize::try_from(one.msg_len).unwrap_or(0));
    Ok(lengths.collect())
}

/// Dissolves the association of a socket with its peer.
///
/// # Errors
/// As connect(2).
pub fn disconnect(socket: &impl AsFd) -> nix::Result<()> {
    let unspecified = libc::sockaddr {
        sa_family: 0,
        sa_data: [0; 14],
    };
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length describe `unspecified`, whose family is AF_UNSPEC.
    let status =
        unsafe { libc::connect(fd, &raw const unspecified, length_of::<libc::sockaddr>()) };
    Errno::result(status).map(drop)
}

/// Lets a socket send multicast through the loopback interface.
///
/// # Errors
/// As setsockopt(2).
pub fn set_multicast_loopback(socket: &impl AsFd) -> nix::Result<()> {
    let loopback = i32::from_ne_bytes([127, 0, 0, 1]);
    set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, loopback)
}

/// Receives one descriptor that another process passes over a unix socket.
///
/// # Errors
/// As recvmsg(2); `EBADMSG` when the message carries no descriptor.
pub fn receive_descriptor(socket: &impl AsFd) -> nix::Result<OwnedFd> {
    let fd = socket.as_fd().as_raw_fd();
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut note = [0; 64];
    let mut parts = [IoSliceMut::new(&mut note)];
    let message = recvmsg::<()>(fd, &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            let taken = fds.first().copied().ok_or(Errno::EBADMSG)?;
            // SAFETY: the kernel has just created this descriptor, and no other value owns it.
            return Ok(unsafe { OwnedFd::from_raw_fd(taken) });
        }
    }
    Err(Errno::EBADMSG)
}

/// Whether an MPTCP socket speaks plain TCP with its peer.
///
/// # Errors
/// As getsockopt(2).
pub fn mptcp_fell_back(socket: &impl AsFd) -> nix::Result<bool> {
    // The beginning of `struct mptcp_info` in `linux/mptcp.h`: six bytes, two of padding, flags.
    let mut info = [0_u32; 3];
    let (level, name) = (284, 1);
    match option(socket, level, name, &mut info) {
        Ok(()) => Ok(info[2] & 1 == 1),
        Err(Errno::EOPNOTSUPP | Errno::ENOPROTOOPT) => Ok(true),
        Err(error) => Err(error),
    }
}
