//! Takes socket snapshots while counting goes on.
//!
//! To read very many sockets takes a good part of a second, so a thread does it beside the loop: one
//! snapshot at a time, no more than one a tick, and none while no page shows it. After a long one a longer
//! rest follows, so that no processor is kept busy with it.

use std::future::pending;

use netperf_core::sample::socket::SocketSample;
use netperf_sys::capture::{SocketFeed, SocketRequest, SocketsError};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

/// The rest after a snapshot, as a multiple of the time that it took.
const REST: u32 = 3;

type Snapshot = Result<SocketSample, SocketsError>;

/// Takes socket snapshots, one after the other.
pub(super) struct SocketReader {
    request: SocketRequest,
    /// Missing while a snapshot is under way.
    feed: Option<SocketFeed>,
    underway: Option<JoinHandle<(SocketFeed, Snapshot)>>,
    is_due: bool,
    began: Instant,
    rest_until: Instant,
}

impl SocketReader {
    pub(super) fn new(request: SocketRequest) -> Self {
        Self {
            request,
            feed: None,
            underway: None,
            is_due: true,
            began: Instant::now(),
            rest_until: Instant::now(),
        }
    }

    /// Notes that a tick has ended: another snapshot may begin.
    pub(super) fn tick(&mut self) {
        self.is_due = true;
    }

    /// Begins a snapshot if one is due and none is under way.
    pub(super) fn begin(&mut self) {
        let now = Instant::now();
        if !self.is_due || self.underway.is_some() || now < self.rest_until {
            return;
        }
        self.is_due = false;
        self.began = now;
        let mut feed = self.feed.take().unwrap_or_else(SocketFeed::open);
        let request = self.request.clone();
        self.underway = Some(spawn_blocking(move || {
            let snapshot = feed.read(&request);
            (feed, snapshot)
        }));
    }

    /// Takes a snapshot at once.
    pub(super) fn now(&mut self) -> Snapshot {
        let mut feed = self.feed.take().unwrap_or_else(SocketFeed::open);
        feed.read(&self.request)
    }

    /// Waits for the snapshot that is under way; forever if there is none. Dropping the future loses
    /// nothing.
    pub(super) async fn done(&mut self) -> anyhow::Result<Snapshot> {
        let Some(underway) = &mut self.underway else {
            return pending().await;
        };
        let result = underway.await;
        self.underway = None;
        self.rest_until = Instant::now() + self.began.elapsed() * REST;
        let (feed, snapshot) = result?;
        self.feed = Some(feed);
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cmd::listing::every_tcp_socket;
    use netperf_sys::capture::Scope;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn one_snapshot_is_taken_for_each_tick_and_none_beside_it() {
        let mut reader = SocketReader::new(every_tcp_socket(Scope::Own));
        assert!(reader.underway.is_none(), "none was begun");
        reader.begin();
        reader.tick();
        reader.begin();
        assert!(reader.is_due, "one is under way");
        let first = reader.done().await.unwrap().unwrap();
        assert_eq!(first.namespaces.len(), 1);
        reader.rest_until += SECOND;
        reader.begin();
        assert!(reader.underway.is_none(), "a rest follows");
        reader.rest_until = Instant::now();
        reader.begin();
        reader.done().await.unwrap().unwrap();
        reader.rest_until = Instant::now();
        reader.begin();
        assert!(reader.underway.is_none(), "the tick has had its snapshot");
    }
}
