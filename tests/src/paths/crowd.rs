//! Streams that several processes use, in turn or at once.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;

use anyhow::Result;
use nix::fcntl::{SpliceFFlags, splice};
use nix::sys::socket::{MsgFlags, recv};

use super::sharing::{connection, read_bytes, send_part};
use super::stream::{TOTAL, read_all, write_all};
use super::{Path, Topic};
use crate::load::sync::Semaphore;
use crate::load::workload::{Moved, Workload};

pub(super) const TOPIC: Topic = Topic {
    name: "crowd",
    paths: &[
        Path::even("tcp_writers_in_turn", writers_in_turn),
        Path::even("tcp_writers_at_once", writers_at_once),
        Path::even("tcp_readers_in_turn", |workload| {
            readers_in_turn(workload, by_recv)
        }),
        Path::even("tcp_reader_and_splicer_in_turn", |workload| {
            readers_in_turn(workload, by_splice)
        }),
        Path::even("tcp_readers_at_once", |workload| {
            readers_at_once(workload, read_all)
        }),
        Path::even("tcp_readers_and_splicer_at_once", |workload| {
            readers_at_once(workload, super::splice::out)
        }),
    ],
};

const PROCESSES: usize = 3;
const ROUNDS: usize = 50;

/// Each process in turn, over and over: no two acts in a row come from the same process. `act` takes the
/// number of the process and of the round.
fn in_turn(
    workload: &mut Workload,
    name: &str,
    mut act: impl FnMut(usize, usize) -> Result<Moved>,
) -> Result<()> {
    let semaphores = [Semaphore::new()?, Semaphore::new()?, Semaphore::new()?];
    semaphores[0].post(1)?;
    for me in 0..PROCESSES {
        workload.spawn(name, || {
            let mut moved = Moved::default();
            for round in 0..ROUNDS {
                semaphores[me].wait()?;
                let part = act(me, round)?;
                moved = Moved {
                    tx: moved.tx + part.tx,
                    rx: moved.rx + part.rx,
                };
                semaphores[(me + 1) % PROCESSES].post(1)?;
            }
            Ok(moved)
        })?;
    }
    Ok(())
}

/// What one process moves in all its turns, [`in_round`] bytes each.
fn of_one_in_turn() -> usize {
    (0..ROUNDS).map(in_round).sum()
}

fn in_round(round: usize) -> usize {
    1009 + round
}

fn writers_in_turn(workload: &mut Workload) -> Result<()> {
    let (near, far) = connection()?;
    let total = PROCESSES * of_one_in_turn();
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_bytes(&far, total)?))
    })?;
    in_turn(workload, "writer", move |_, round| {
        Ok(Moved::sent(send_part(&near, in_round(round))?))
    })
}

fn writers_at_once(workload: &mut Workload) -> Result<()> {
    let (near, far) = connection()?;
    let parts = [TOTAL, 100_003, 300_007];
    let total = parts.iter().sum();
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_bytes(&far, total)?))
    })?;
    for bytes in parts {
        let near = near.try_clone()?;
        workload.spawn("writer", move || Ok(Moved::sent(send_part(&near, bytes)?)))?;
    }
    Ok(())
}

/// How one process takes this many bytes of a shared stream.
type Take = fn(&TcpStream, usize) -> Result<u64>;

fn readers_in_turn(workload: &mut Workload, odd: Take) -> Result<()> {
    let (near, far) = connection()?;
    let each: usize = (0..ROUNDS).map(|round| 1009 + round).sum();
    workload.spawn("sender", move || {
        Ok(Moved::sent(send_part(&near, PROCESSES * each)?))
    })?;
    in_turn(workload, "reader", move |me, round| {
        let take = if (me + round) % 2 == 0 { by_recv } else { odd };
        Ok(Moved::received(take(&far, in_round(round))?))
    })
}

fn by_recv(stream: &TcpStream, bytes: usize) -> Result<u64> {
    let mut buffer = vec![0; bytes];
    Ok(u64::try_from(recv(
        stream.as_raw_fd(),
        &mut buffer,
        MsgFlags::MSG_WAITALL,
    )?)?)
}

fn by_splice(stream: &TcpStream, bytes: usize) -> Result<u64> {
    let (_from, into) = std::io::pipe()?;
    let mut taken = 0;
    while taken < bytes {
        taken += splice(
            stream,
            None,
            &into,
            None,
            bytes - taken,
            SpliceFFlags::empty(),
        )?;
    }
    Ok(u64::try_from(taken)?)
}

/// All readers take what arrives; which of them gets which bytes is undefined.
fn readers_at_once(workload: &mut Workload, odd: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let (near, far) = connection()?;
    for receive in [read_all, odd, read_all] {
        let far = far.try_clone()?;
        workload.spawn("reader", move || Ok(Moved::received(receive(&far)?)))?;
    }
    drop(far);
    // The readers hold this end too: closing it would not end the stream.
    workload.spawn("sender", move || {
        let mut sent = 0;
        for _ in 0..4 {
            sent += write_all(&near)?;
        }
        near.shutdown(Shutdown::Write)?;
        Ok(Moved::sent(sent))
    })
}
