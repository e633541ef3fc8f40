//! Keeps the latest log line while the screen is in use.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The latest log line, for the line above the keys.
#[derive(Clone, Debug, Default)]
pub struct LogTail(Arc<Mutex<Option<String>>>);

impl LogTail {
    /// The latest line since the last call.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Write for LogTail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).trim_end().to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
