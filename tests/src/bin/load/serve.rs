//! How does the answering end work?

use std::io::{self, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};

use anyhow::Result;

use crate::moved::Moved;
use crate::{CHUNK, MESSAGE, Work};

/// Prints its address and serves one connection after the other, up to one that brings no byte.
pub(crate) fn serve(work: Work, bind: IpAddr) -> Result<Moved> {
    let listener = TcpListener::bind((bind, 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let mut moved = Moved::default();
    loop {
        let before = moved.rx_bytes;
        let (socket, _) = listener.accept()?;
        match work {
            Work::Rr => while answer(&mut moved, &socket)? {},
            Work::Bulk => swallow(&mut moved, &socket)?,
            // The end that answers closes first, so that no port of the driver waits in TIME_WAIT.
            Work::Churn => {
                answer(&mut moved, &socket)?;
            }
            Work::Swarm => {
                swallow(&mut moved, &socket)?;
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

fn swallow(moved: &mut Moved, socket: &TcpStream) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while moved.receive(socket, &mut chunk)? > 0 {}
    Ok(())
}
