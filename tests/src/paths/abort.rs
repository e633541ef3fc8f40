//! Connections that end badly.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::{Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt};

use super::stream::{LOOPBACK, connect, pair_over, push_bytes, read_all, write_all};
use super::{Path, Topic};
use crate::load::sync::Semaphore;
use crate::load::workload::{Moved, Workload};
use crate::sys::calls;
use crate::sys::wait;

pub(super) const TOPIC: Topic = Topic {
    name: "abort",
    paths: &[
        Path::uneven(
            "tcp_reset_by_reader",
            "the reset discards unread data",
            by_reader,
        ),
        Path::even("tcp_read_after_reset", |workload| {
            after_reset(workload, by_read)
        }),
        Path::even("tcp_splice_after_reset", |workload| {
            after_reset(workload, by_splice)
        }),
        Path::even("tcp_half_closed_reply", half_closed),
    ],
};

/// What fits into the receiver's buffer.
const WAITING: usize = 30_011;

/// The reader takes the first bytes and closes on the rest: the sender is refused sooner or later.
fn by_reader(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let sender = |stream: &TcpStream| {
        let mut sent = 0;
        loop {
            match send(stream.as_raw_fd(), &[0x5a; 4099], MsgFlags::MSG_NOSIGNAL) {
                Ok(n) => sent += u64::try_from(n)?,
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Ok(sent),
                Err(error) => return Err(error.into()),
            }
        }
    };
    pair_over(workload, listener, connect, sender, |stream| {
        let n = recv(stream.as_raw_fd(), &mut [0; 5003], MsgFlags::MSG_WAITALL)?;
        wait::readable(stream)?;
        Ok(u64::try_from(n)?)
    })
}

/// All data has arrived when the sender resets the connection; the receiver reads it afterwards.
fn after_reset(workload: &mut Workload, receive: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let arrived = Semaphore::new()?;
    let listener = TcpListener::bind(LOOPBACK)?;
    let sender = |stream: &TcpStream| {
        let sent = push_bytes(WAITING, |part| nix::unistd::write(stream, part))?;
        arrived.wait()?;
        setsockopt(
            stream,
            sockopt::Linger,
            &libc::linger {
                l_onoff: 1,
                l_linger: 0,
            },
        )?;
        Ok(sent)
    };
    pair_over(workload, listener, connect, sender, |stream| {
        // Readable only when everything has arrived.
        let waiting = i32::try_from(WAITING)?;
        calls::set_option(stream, libc::SOL_SOCKET, libc::SO_RCVLOWAT, waiting)?;
        wait::readable(stream)?;
        arrived.post(1)?;
        let seen = wait::hang_up(stream)?;
        ensure!(
            seen.contains(PollFlags::POLLERR),
            "events {seen:?}: not the path"
        );
        let received = receive(stream)?;
        ensure!(
            received == u64::try_from(WAITING)?,
            "{received} bytes survived the reset"
        );
        Ok(received)
    })
}

/// Sums what `receive` returns until the connection is reset.
fn until_reset(mut receive: impl FnMut() -> nix::Result<usize>) -> Result<u64> {
    let mut received = 0;
    loop {
        match receive() {
            Ok(0) => bail!("the stream ended without an error"),
            Ok(n) => received += u64::try_from(n)?,
            Err(Errno::ECONNRESET) => return Ok(received),
            Err(error) => return Err(error.into()),
        }
    }
}

fn by_read(stream: &TcpStream) -> Result<u64> {
    until_reset(|| nix::unistd::read(stream, &mut [0; 4099]))
}

fn by_splice(stream: &TcpStream) -> Result<u64> {
    let (_from, into) = std::io::pipe()?;
    until_reset(|| splice(stream, None, &into, None, WAITING, SpliceFFlags::empty()))
}

/// The client ends its direction, then the server answers; the client reads to the end.
fn half_closed(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("server", move || {
        let (stream, _) = listener.accept()?;
        Ok(Moved {
            rx: read_all(&stream)?,
            tx: write_all(&stream)?,
        })
    })?;
    workload.spawn("client", move || {
        let stream = connect(to)?;
        let tx = write_all(&stream)?;
        stream.shutdown(Shutdown::Write)?;
        Ok(Moved {
            tx,
            rx: read_all(&stream)?,
        })
    })
}
