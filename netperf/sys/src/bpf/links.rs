//! Links to tracepoints, whose end takes the kernel tens of milliseconds each.
//!
//! It waits until no processor runs the program any more. So they are closed in threads, beside whatever else is
//! to be done at the end of a command.

use std::thread::{self, JoinHandle};

use aya::programs::trace_point::TracePointLink;

/// Links that are open or being closed. All are closed when this has been dropped.
#[derive(Default)]
pub(super) struct TracepointLinks {
    open: Vec<TracePointLink>,
    closing: Vec<JoinHandle<()>>,
}

impl TracepointLinks {
    /// Keeps a link open.
    pub(super) fn push(&mut self, link: TracePointLink) {
        self.open.push(link);
    }

    /// Begins to close all of them, and does not wait for the end of that.
    pub(super) fn close(&mut self) {
        let threads = self.open.drain(..).filter_map(|link| {
            // Where there are no threads left, it is closed here.
            thread::Builder::new().spawn(move || drop(link)).ok()
        });
        self.closing.extend(threads);
    }
}

impl Drop for TracepointLinks {
    fn drop(&mut self) {
        self.close();
        for thread in self.closing.drain(..) {
            // All that it does is to close a descriptor.
            let _ = thread.join();
        }
    }
}
