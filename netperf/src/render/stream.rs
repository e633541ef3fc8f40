//! How does a session go through a pipe or into a file without waiting for its reader?
//!
//! Writing happens beside the loop: while a reader pauses, the counting goes on and the next tick
//! is longer.

use std::io;

use netperf_core::model::Model;
use netperf_core::sample::event::ConnectionEvent;
use tokio::io::AsyncWrite;

use super::sink::Sink;
use super::{Event, Front};
use crate::view::envelope::{End, Start};

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
    fn takes(&self, event: &ConnectionEvent, model: &Model) -> bool;

    /// Writes what happened within a tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn happened(&mut self, events: &[ConnectionEvent], out: &mut Vec<u8>) -> io::Result<()>;

    /// Writes what stands after the last tick.
    ///
    /// # Errors
    /// When a value can't be written in this format.
    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()>;
}

/// A session written to a pipe or file.
pub struct Stream<F, W> {
    format: F,
    sink: Sink<W>,
}

impl<F: Format, W: AsyncWrite + Unpin> Stream<F, W> {
    /// Writes in `format` to `sink`.
    pub fn new(format: F, sink: Sink<W>) -> Self {
        Self { format, sink }
    }
}

impl<F: Format, W: AsyncWrite + Unpin> Front for Stream<F, W> {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.format.start(start, self.sink.pending())
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        self.format.tick(model, self.sink.pending())
    }

    fn takes(&self, event: &ConnectionEvent, model: &Model) -> bool {
        self.format.takes(event, model)
    }

    fn happened(&mut self, events: &[ConnectionEvent]) -> io::Result<()> {
        self.format.happened(events, self.sink.pending())
    }

    fn is_ready(&self) -> bool {
        self.sink.is_ready()
    }

    async fn event(&mut self, _: &Model) -> io::Result<Event> {
        self.sink.write_until_closed().await?;
        Ok(Event::Closed)
    }

    async fn end(&mut self, end: &End) -> io::Result<()> {
        self.format.end(end, self.sink.pending())?;
        self.sink.finish(end.reason).await
    }
}
