//! The end that answers.

use std::io::{self, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};

use anyhow::Result;

use crate::moved::Moved;
use crate::{CHUNK, MESSAGE, Work};

/// Prints its address and serves one connection after the other, until one has no data.
pub(crate) fn serve(work: Work, bind: IpAddr) -> Result<Moved> {
    let listener = TcpListener::bind((bind, 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let mut moved = Moved::default();
    loop {
        let before = moved.rx_bytes;
        let (socket, _) = listener.accept()?;
        match work {
            Work::Rr => while answer(&mut moved, &socket)? {},
            Work::Bulk => discard(&mut moved, &socket)?,
            // The server closes first, so that no port of the driver stays in TIME_WAIT.
            Work::Churn => {
                answer(&mut moved, &socket)?;
            }
            Work::Swarm => {
                discard(&mut moved, &socket)?;
                if moved.rx_bytes > before {
                    moved.send(&socket, &[1])?;
                }
            }
        }
        if moved.rx_bytes == before {
            return Ok(moved);
        }
    }
}

/// Answers one request; `false` if there is none.
fn answer(moved: &mut Moved, socket: &TcpStream) -> io::Result<bool> {
    let mut message = [0; MESSAGE];
    if moved.receive(socket, &mut message)? == 0 {
        return Ok(false);
    }
    moved.send(socket, &message)?;
    Ok(true)
}

fn discard(moved: &mut Moved, socket: &TcpStream) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while moved.receive(socket, &mut chunk)? > 0 {}
    Ok(())
}
