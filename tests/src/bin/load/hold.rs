//! Many open connections, of which a given number carries data.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::moved::Moved;

/// Opens `count` connections to itself and prints `ready`. For each number on stdin, sends one byte over so
/// many connections and prints `done`.
pub(crate) fn hold(count: usize) -> Result<Moved> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let connections = (0..count)
        .map(|_| connect(&listener))
        .collect::<io::Result<Vec<_>>>()
        .with_context(|| format!("can't hold {count} connections"))?;
    let mut moved = Moved::default();
    writeln!(io::stdout(), "ready")?;
    for line in io::stdin().lines() {
        let active: usize = line?.trim().parse()?;
        for (near, far) in connections.iter().take(active) {
            moved.send(near, &[1])?;
            moved.receive(far, &mut [0])?;
        }
        writeln!(io::stdout(), "done")?;
    }
    Ok(moved)
}

fn connect(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    Ok((near, far))
}
