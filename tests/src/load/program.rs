//! The mover as a program that a path executes: it moves a given number of bytes.

use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

use crate::sys::calls;

/// Moves exactly as many bytes as its arguments say: `send ADDRESS BYTES` over a connection
/// of its own, `write FD BYTES` and `read FD BYTES` over one that it inherits.
///
/// # Errors
/// When it can't move exactly that.
pub fn run(verb: &str, args: &[String]) -> Result<()> {
    let [target, bytes] = args else {
        bail!("`{verb}` takes an address or descriptor and a number")
    };
    let bytes: usize = bytes.parse().context("not a number of bytes")?;
    let stream = if verb == "send" {
        TcpStream::connect(target.as_str())?
    } else {
        TcpStream::from(calls::adopt(target.parse().context("not a descriptor")?)?)
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
