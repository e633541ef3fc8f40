//! Notices when the reader of stdout has gone, also while nothing is written.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Completes when the reader has closed the pipe.
pub type Hangup = Pin<Box<dyn Future<Output = ()>>>;

/// Watches stdout, in a thread that sleeps until the reader closes it.
pub fn of_stdout() -> Hangup {
    let closed = tokio::task::spawn_blocking(wait_for_close);
    Box::pin(async move {
        if !matches!(closed.await, Ok(Ok(()))) {
            // Without a watch, the next write notices.
            pending::<()>().await;
        }
    })
}

/// Never completes, for sinks whose readers can't go unnoticed.
pub fn never() -> Hangup {
    Box::pin(pending())
}

fn wait_for_close() -> Result<(), Errno> {
    let stdout = io::stdout();
    // No events requested: errors and hang-ups are always reported.
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    while poll(&mut watched, None).or_else(retry)? == 0 {}
    Ok(())
}

fn retry(error: Errno) -> Result<usize, Errno> {
    if error == Errno::INTR {
        Ok(0)
    } else {
        Err(error)
    }
}
