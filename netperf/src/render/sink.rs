//! Writes output to a pipe, file or terminal without ever blocking on its reader.
//!
//! Writing happens beside the loop of a command: while a reader pauses, counting goes on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::hangup::{self, Hangup};
use crate::view::envelope::Reason;

/// How long a reader that takes nothing delays the end after a signal.
const STALLED: Duration = Duration::from_millis(100);

/// How long a slow reader may take for the last lines.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Bytes that may queue for the reader of a command that prints each event. Events beyond are only
/// counted.
const WAITING_MAX: usize = 4 << 20;

/// A writer and its pending output.
pub struct Sink {
    writer: Box<dyn AsyncWrite + Unpin>,
    hangup: Hangup,
    pending: Vec<u8>,
    written: usize,
}

/// State of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It has taken all pending output.
    TookAll,
    /// It has closed the pipe.
    Gone,
}

impl Sink {
    /// Writes to stdout, and notices a reader that goes away while nothing is written.
    pub fn stdout() -> Self {
        Self::new(tokio::io::stdout(), hangup::of_stdout())
    }

    /// Writes to `writer`; `hangup` notices a closed pipe while nothing is written.
    pub fn new(writer: impl AsyncWrite + Unpin + 'static, hangup: Hangup) -> Self {
        Self {
            writer: Box::new(writer),
            hangup,
            pending: Vec::new(),
            written: 0,
        }
    }

    /// Discards everything, for output that is shown elsewhere.
    pub fn nowhere() -> Self {
        Self::new(tokio::io::sink(), hangup::never())
    }

    /// The buffer to append output to.
    pub fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Whether nothing is pending.
    pub fn is_ready(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether one more event may queue for the reader.
    pub fn has_room(&self) -> bool {
        self.pending.len() - self.written < WAITING_MAX
    }

    /// Writes what is pending and flushes it. When dropped half-way, it can be called again.
    ///
    /// # Errors
    /// When the writer fails; [`io::ErrorKind::BrokenPipe`] when its reader has gone.
    pub async fn drain(&mut self) -> io::Result<()> {
        self.drain_in_steps_of(None).await
    }

    /// Writes what is pending, or else waits until the reader goes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the writer fails.
    pub async fn reader(&mut self) -> io::Result<Reader> {
        if self.is_ready() {
            self.hangup.as_mut().await;
            return Ok(Reader::Gone);
        }
        match self.drain().await {
            Ok(()) => Ok(Reader::TookAll),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(error),
        }
    }

    /// Writes what is left at the end of a session. A stalled reader holds up the end for at most 100 ms
    /// after a signal and for at most 2 s otherwise; what it has not taken by then is lost, with a warning.
    ///
    /// # Errors
    /// When the writer fails, but not for a reader that has gone.
    pub async fn finish(&mut self, reason: Reason) -> io::Result<()> {
        let patience = if reason == Reason::Signal {
            STALLED
        } else {
            LAST_WRITE
        };
        let drained = within(Some(LAST_WRITE), self.drain_in_steps_of(Some(patience))).await;
        match drained {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                log::warn!("the output was not read to its end: the last lines are missing");
                Ok(())
            }
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Each step may take `patience`; `None` waits for the reader.
    async fn drain_in_steps_of(&mut self, patience: Option<Duration>) -> io::Result<()> {
        while self.written < self.pending.len() {
            let write = self.writer.write(&self.pending[self.written..]);
            self.written += within(patience, write).await?;
        }
        within(patience, self.writer.flush()).await?;
        self.pending.clear();
        self.written = 0;
        Ok(())
    }
}

async fn within<T>(
    patience: Option<Duration>,
    step: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let Some(patience) = patience else {
        return step.await;
    };
    let done = timeout(patience, step).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
