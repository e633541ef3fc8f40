//! How does a session go through a pipe or into a file without waiting for its reader?
//!
//! Writing happens beside the loop: while a reader pauses, the counting goes on and the next tick
//! is longer.

use std::io;
use std::time::Duration;

use netperf_core::model::Model;
use netperf_core::sample::happening::Happening;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::hangup::Hangup;
use super::{Event, Front};
use crate::view::envelope::{End, Start};

/// How long a reader that does not read may hold up the end of a session.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// How a session is written.
pub trait Format {
    /// Writes what stands before the first tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn start(&mut self, start: &Start, out: &mut Vec<u8>) -> io::Result<()>;

    /// Writes one tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn tick(&mut self, model: &Model, out: &mut Vec<u8>) -> io::Result<()>;

    /// Whether something that happened is to be written.
    fn takes(&self, happening: &Happening, model: &Model) -> bool;

    /// Writes what happened within a tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn happened(&mut self, happenings: &[Happening], out: &mut Vec<u8>) -> io::Result<()>;

    /// Writes what stands after the last tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()>;
}

/// A session written to a pipe or file.
pub struct Stream<F, W> {
    format: F,
    sink: W,
    hangup: Hangup,
    pending: Vec<u8>,
    written: usize,
}

impl<F: Format, W: AsyncWrite + Unpin> Stream<F, W> {
    /// Writes in `format` to `sink`; `hangup` notices a closed pipe while nothing is written.
    pub fn new(format: F, sink: W, hangup: Hangup) -> Self {
        Self {
            format,
            sink,
            hangup,
            pending: Vec::new(),
            written: 0,
        }
    }

    /// Writes what is left and flushes it. When dropped half-way, it can be called again.
    async fn drain(&mut self) -> io::Result<()> {
        while let Some(rest) = self
            .pending
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            self.written += self.sink.write(rest).await?;
        }
        self.sink.flush().await?;
        self.pending.clear();
        self.written = 0;
        Ok(())
    }
}

impl<F: Format, W: AsyncWrite + Unpin> Front for Stream<F, W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.format.start(start, &mut self.pending)
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        self.format.tick(model, &mut self.pending)
    }

    fn takes(&self, happening: &Happening, model: &Model) -> bool {
        self.format.takes(happening, model)
    }

    fn happened(&mut self, happenings: &[Happening]) -> io::Result<()> {
        self.format.happened(happenings, &mut self.pending)
    }

    fn is_ready(&self) -> bool {
        self.pending.is_empty()
    }

    async fn event(&mut self, _: &Model) -> io::Result<Event> {
        if self.pending.is_empty() {
            self.hangup.as_mut().await;
            return Ok(Event::Closed);
        }
        match self.drain().await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Event::Closed),
            result => result.map(|()| Event::Handled),
        }
    }

    async fn end(&mut self, end: &End) -> io::Result<()> {
        self.format.end(end, &mut self.pending)?;
        match tokio::time::timeout(LAST_WRITE, self.drain()).await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(_) => Ok(()),
            Err(_) => {
                log::warn!("the reader of the output stopped: the last lines are missing");
                Ok(())
            }
        }
    }
}
