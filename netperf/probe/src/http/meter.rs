//! When did the request leave, and when did the first byte of the answer come? A stream that notes
//! it, above TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use netperf_core::clock::{self, MonoNs};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Moments since it was last begun; zero for what has not happened.
#[derive(Debug, Default)]
pub(super) struct Meter {
    first_write: AtomicU64,
    last_write: AtomicU64,
    first_read: AtomicU64,
}

/// A stream with a meter.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl Meter {
    /// Resets the meter for a new request.
    pub(super) fn begin(&self) {
        for moment in [&self.first_write, &self.last_write, &self.first_read] {
            moment.store(0, Ordering::Relaxed);
        }
    }

    /// What came was no part of the answer (1xx): the next bytes are the first.
    pub(super) fn begin_answer(&self) {
        self.first_read.store(0, Ordering::Relaxed);
    }

    /// The first bytes were handed on.
    pub(super) fn first_write(&self) -> Option<MonoNs> {
        known(&self.first_write)
    }

    /// The last bytes were handed on, before anything came back.
    pub(super) fn last_write(&self) -> Option<MonoNs> {
        known(&self.last_write)
    }

    /// The first bytes came.
    pub(super) fn first_read(&self) -> Option<MonoNs> {
        known(&self.first_read)
    }

    fn has_written(&self) {
        let now = clock::now().0.0;
        if self.first_write.load(Ordering::Relaxed) == 0 {
            self.first_write.store(now, Ordering::Relaxed);
        }
        if self.first_read.load(Ordering::Relaxed) == 0 {
            self.last_write.store(now, Ordering::Relaxed);
        }
    }

    fn has_read(&self) {
        if self.first_read.load(Ordering::Relaxed) == 0 {
            self.first_read.store(clock::now().0.0, Ordering::Relaxed);
        }
    }
}

fn known(moment: &AtomicU64) -> Option<MonoNs> {
    let ns = moment.load(Ordering::Relaxed);
    (ns > 0).then_some(MonoNs(ns))
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let metered = Self {
            stream,
            meter: Arc::clone(&meter),
        };
        (metered, meter)
    }

    fn written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.meter.has_written();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.meter.has_read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
