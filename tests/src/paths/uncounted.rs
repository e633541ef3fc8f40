//! Traffic that must not count, although it looks like that of the network.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

use anyhow::{Result, ensure};
use nix::sys::sendfile::sendfile;
use nix::sys::socket::{
    Backlog, MsgFlags, SockaddrStorage, VsockAddr, accept, bind, getsockname, listen, recv,
    recvmsg, sendto, setsockopt, sockopt,
};

use super::stream::{LOOPBACK, TOTAL, connect};
use super::{Absent, Path, Topic, splice};
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "uncounted",
    paths: &[
        Path::nothing("unix_stream", "no network", unix_stream),
        Path::nothing("unix_datagram", "no network", unix_datagram),
        Path::nothing("unix_sendfile", "no network", unix_sendfile),
        Path::nothing("netlink", "messages with the kernel", netlink),
        Path::nothing("vsock", "messages with the hypervisor", vsock),
        Path::nothing("raw_udp", "packets, not payload", raw_udp),
        Path::nothing("packet_socket", "packets, not payload", packet_socket),
        Path::uneven(
            "tcp_watched_by_raw_socket",
            "a connection without data",
            raw_tcp,
        ),
        Path::uneven(
            "udp_error_queue",
            "undelivered data comes back",
            error_queue,
        ),
    ],
};

fn unix_stream(workload: &mut Workload) -> Result<()> {
    let (mut near, mut far) = UnixStream::pair()?;
    workload.spawn("sender", move || {
        near.write_all(&vec![0x5a; TOTAL])?;
        Ok(Moved::default())
    })?;
    workload.spawn("receiver", move || {
        far.read_exact(&mut vec![0; TOTAL])?;
        Ok(Moved::default())
    })
}

fn unix_datagram(workload: &mut Workload) -> Result<()> {
    let (near, far) = UnixDatagram::pair()?;
    workload.spawn("both", move || {
        for _ in 0..100 {
            near.send(&[0x5a; 4099])?;
            ensure!(far.recv(&mut [0; 8192])? == 4099, "a datagram was cut");
        }
        Ok(Moved::default())
    })
}

fn unix_sendfile(workload: &mut Workload) -> Result<()> {
    let (near, mut far) = UnixStream::pair()?;
    workload.spawn("receiver", move || {
        far.read_exact(&mut vec![0; TOTAL])?;
        Ok(Moved::default())
    })?;
    workload.spawn("sender", move || {
        let file = splice::file()?;
        while sendfile(&near, &file, None, TOTAL)? > 0 {}
        Ok(Moved::default())
    })
}

/// Asks for the list of interfaces.
fn netlink(workload: &mut Workload) -> Result<()> {
    workload.spawn("client", || {
        let socket = calls::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
        // Length 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence 1, port 0, AF_UNSPEC.
        let request = [20, 0, 0, 0, 18, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        nix::unistd::write(&socket, &request)?;
        let n = nix::unistd::read(&socket, &mut vec![0; 65_536])?;
        ensure!(n > 0, "the kernel does not answer");
        Ok(Moved::default())
    })
}

/// Only over loopback: other peers are the hypervisor's.
fn vsock(workload: &mut Workload) -> Result<()> {
    if !std::path::Path::new("/sys/module/vsock_loopback").exists() {
        return Err(Absent("the kernel has no vsock loopback (vsock_loopback)".to_owned()).into());
    }
    let listener = calls::socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)?;
    let any = VsockAddr::new(libc::VMADDR_CID_LOCAL, libc::VMADDR_PORT_ANY);
    bind(listener.as_raw_fd(), &any)?;
    listen(&listener, Backlog::new(1)?)?;
    let to = getsockname::<VsockAddr>(listener.as_raw_fd())?;
    workload.spawn("receiver", move || {
        let stream = calls::adopt(accept(listener.as_raw_fd())?)?;
        ensure!(
            nix::unistd::read(&stream, &mut [0; 4099])? > 0,
            "nothing came"
        );
        Ok(Moved::default())
    })?;
    workload.spawn("sender", move || {
        let socket = calls::socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)?;
        nix::sys::socket::connect(socket.as_raw_fd(), &to)?;
        nix::unistd::write(&socket, &[0x5a; 4099])?;
        Ok(Moved::default())
    })
}

/// A raw socket of protocol UDP: its packets carry headers that the process writes itself.
fn raw_udp(workload: &mut Workload) -> Result<()> {
    workload.spawn("both", || {
        let raw = calls::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_UDP)?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // From port 9 to port 9 (discard), 16 bytes, no checksum.
        let packet = [0, 9, 0, 9, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let flags = MsgFlags::empty();
        let sent = sendto(raw.as_raw_fd(), &packet, &SockaddrStorage::from(to), flags)?;
        let received = recv(raw.as_raw_fd(), &mut vec![0; 65_536], flags)?;
        ensure!(
            sent == 16 && received > 16,
            "{sent} sent, {received} received"
        );
        Ok(Moved::default())
    })
}

/// The kind of socket that tcpdump reads from.
fn packet_socket(workload: &mut Workload) -> Result<()> {
    workload.spawn("watcher", || {
        let all = i32::from(3_u16.to_be());
        let socket = calls::socket(libc::AF_PACKET, libc::SOCK_DGRAM, all)?;
        let (near, far) = (UdpSocket::bind(LOOPBACK)?, UdpSocket::bind(LOOPBACK)?);
        near.connect(far.local_addr()?)?;
        near.send(&[])?;
        ensure!(
            recv(socket.as_raw_fd(), &mut vec![0; 65_536], MsgFlags::empty())? > 0,
            "no packet"
        );
        Ok(Moved::default())
    })
}

/// A raw socket of protocol TCP sees the segments of others.
fn raw_tcp(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    let raw = calls::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP)?;
    workload.spawn("watcher", move || {
        ensure!(
            recv(raw.as_raw_fd(), &mut vec![0; 65_536], MsgFlags::empty())? > 0,
            "no segment"
        );
        Ok(Moved::default())
    })?;
    workload.spawn("watched", move || {
        let mut near = connect(to)?;
        let mut far = listener.accept()?.0;
        near.write_all(&[0x5a; 777])?;
        far.read_exact(&mut [0; 777])?;
        Ok(Moved { tx: 777, rx: 777 })
    })
}

/// A datagram to a closed port comes back by the error queue: it was sent, and nothing received.
fn error_queue(workload: &mut Workload) -> Result<()> {
    workload.spawn("sender", || {
        let closed = UdpSocket::bind(LOOPBACK)?.local_addr()?;
        let socket = UdpSocket::bind(LOOPBACK)?;
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        let tx = u64::try_from(socket.send_to(&[0x5a; 301], closed)?)?;
        wait::hang_up(&socket)?;
        let mut buffer = [0; 2000];
        let mut parts = [std::io::IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_ERRQUEUE;
        let back = recvmsg::<()>(socket.as_raw_fd(), &mut parts, None, flags)?.bytes;
        ensure!(back == 301, "{back} bytes came back: not the path");
        Ok(Moved::sent(tx))
    })
}
