//! How are the sockets looked at while the counting goes on?
//!
//! A look at very many sockets takes a good part of a second, so a thread takes it beside the loop: one
//! at a time, no more than one a tick, and none while nobody wants to see it. After a long look a longer
//! rest follows, so that no processor is kept busy with it.

use std::future::pending;

use netperf_core::sample::socket::SocketSample;
use netperf_sys::capture::{SocketFeed, SocketRequest, SocketsError};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

/// How many times longer than a look the rest after it is.
const REST: u32 = 3;

type Look = Result<SocketSample, SocketsError>;

/// Looks at the sockets, one after the other.
pub(super) struct SocketLooks {
    request: SocketRequest,
    /// At home while no look is under way.
    feed: Option<SocketFeed>,
    underway: Option<JoinHandle<(SocketFeed, Look)>>,
    is_due: bool,
    began: Instant,
    rest_until: Instant,
}

impl SocketLooks {
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

    /// A tick has ended: another look may be taken.
    pub(super) fn tick(&mut self) {
        self.is_due = true;
    }

    /// Begins a look if one is due and none is under way; after a rest, at the next call.
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
            let look = feed.read(&request);
            (feed, look)
        }));
    }

    /// Takes a look at once.
    pub(super) fn now(&mut self) -> Look {
        let mut feed = self.feed.take().unwrap_or_else(SocketFeed::open);
        feed.read(&self.request)
    }

    /// Waits for the look that is under way; for ever if there is none. Dropping the future loses
    /// nothing.
    pub(super) async fn done(&mut self) -> anyhow::Result<Look> {
        let Some(underway) = &mut self.underway else {
            return pending().await;
        };
        let result = underway.await;
        self.underway = None;
        self.rest_until = Instant::now() + self.began.elapsed() * REST;
        let (feed, look) = result?;
        self.feed = Some(feed);
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cmd::states::every_tcp_socket;
    use netperf_sys::capture::Scope;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn one_look_is_taken_for_each_tick_and_none_beside_it() {
        let mut looks = SocketLooks::new(every_tcp_socket(Scope::Own));
        assert!(looks.underway.is_none(), "nobody wants one");
        looks.begin();
        looks.tick();
        looks.begin();
        assert!(looks.is_due, "one is under way");
        let first = looks.done().await.unwrap().unwrap();
        assert_eq!(first.namespaces.len(), 1);
        looks.rest_until += SECOND;
        looks.begin();
        assert!(looks.underway.is_none(), "a rest follows");
        looks.rest_until = Instant::now();
        looks.begin();
        looks.done().await.unwrap().unwrap();
        looks.rest_until = Instant::now();
        looks.begin();
        assert!(looks.underway.is_none(), "the tick has had its look");
    }
}
