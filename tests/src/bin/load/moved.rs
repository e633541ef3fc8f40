//! What this process moved, in how many operations and how much time.

use std::fmt;
use std::io::{self, Read, Write};
use std::process;
use std::time::Duration;

use serde_json::json;

/// Payload that this process moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moved {
    /// Bytes handed to sockets.
    pub(crate) tx_bytes: u64,
    /// Bytes taken from sockets.
    pub(crate) rx_bytes: u64,
    /// Rounds, connections, processes or bytes, as the work is measured.
    pub(crate) operations: u64,
    /// Wall time that they took; 0 for the server.
    pub(crate) seconds: f64,
    /// The 99th percentile of the rounds, if it was measured.
    pub(crate) p99: Option<Duration>,
}

impl Moved {
    /// Sends all of `bytes`.
    pub(crate) fn send(&mut self, mut socket: impl Write, bytes: &[u8]) -> io::Result<()> {
        socket.write_all(bytes)?;
        self.tx_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Receives until `buffer` is full or the other end has closed.
    pub(crate) fn receive(
        &mut self,
        mut socket: impl Read,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match socket.read(&mut buffer[filled..])? {
                0 => break,
                taken => filled += taken,
            }
        }
        self.rx_bytes += filled as u64;
        Ok(filled)
    }
}

/// One JSON object, as `cargo xtask bench` reads it.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = json!({
            "pid": process::id(),
            "tx_bytes": self.tx_bytes,
            "rx_bytes": self.rx_bytes,
            "operations": self.operations,
            "seconds": self.seconds,
            "p99_us": self.p99.map(|p99| p99.as_secs_f64() * 1e6),
        });
        object.fmt(f)
    }
}
