//! How does a held limit speak without ever waiting for its reader?

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, Stdout, stdout};
use tokio::time::timeout;

use crate::render::hangup::{self, Hangup};
use crate::render::limit::Written;

/// How long a reader that does not read may hold up the end.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Text on its way to stdout.
pub(super) struct Output {
    stdout: Stdout,
    hangup: Hangup,
    text: Vec<u8>,
    written: usize,
}

impl Output {
    /// Watches whether somebody reads, unless there is `Written::Nothing` to read.
    pub(super) fn new(written: Written) -> Self {
        let hangup = if written == Written::Nothing {
            hangup::never()
        } else {
            hangup::of_stdout()
        };
        Self {
            stdout: stdout(),
            hangup,
            text: Vec::new(),
            written: 0,
        }
    }

    /// Where text is added.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// All has been read.
    pub(super) fn is_ready(&self) -> bool {
        self.text.is_empty()
    }

    /// Writes what there is; returns when nobody reads any more. Dropping the future loses nothing.
    pub(super) async fn write_until_closed(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            self.hangup.as_mut().await;
            return Ok(());
        }
        match self.drain().await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(error),
            Ok(()) => pending().await,
        }
    }

    /// Writes what is left.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        match timeout(LAST_WRITE, self.drain()).await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn drain(&mut self) -> io::Result<()> {
        while let Some(rest) = self
            .text
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            self.written += self.stdout.write(rest).await?;
        }
        self.stdout.flush().await?;
        self.text.clear();
        self.written = 0;
        Ok(())
    }
}
