//! What does the mover do when a path runs it as a program of its own?

use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

use crate::sys::calls;

/// Moves exactly as many bytes as its arguments say: `send ADDRESS BYTES` over a connection
/// of its own, `write FD BYTES` and `read FD BYTES` over one that it inherits.
///
/// # Errors
/// When it can't move exactly that.
pub fn run(verb: &str, args: &[String]) -> Result<()> {
    let [place, bytes] = args else {
        bail!("`{verb}` takes a place and a number")
    };
    let bytes: usize = bytes.parse().context("no number of bytes")?;
    let stream = if verb == "send" {
        TcpStream::connect(place.as_str())?
    } else {
        TcpStream::from(calls::adopt(place.parse().context("no descriptor")?)?)
    };
    let mut left = bytes;
    while left > 0 {
        let mut part = vec![0x5a; left.min(16_411)];
        let n = match verb {
            "read" => nix::unistd::read(&stream, &mut part)?,
            _ => nix::unistd::write(&stream, &part)?,
        };
        ensure!(n > 0, "the stream ended {left} bytes early");
        left -= n;
    }
    Ok(())
}
