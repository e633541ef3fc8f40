//! How are the sockets looked at while the counting goes on?
//!
//! A look at very many sockets takes a good part of a second, so a thread takes it beside the loop: one
//! at a time, no more than one a tick, and none while nobody wants to see it.

use std::future::pending;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::capture::{SocketFeed, SocketRequest, SocketsError};
use crate::sample::socket::SocketSample;

type Look = Result<SocketSample, SocketsError>;

/// Looks at the sockets, one after the other.
pub(super) struct SocketLooks {
    request: SocketRequest,
    /// At home while no look is under way.
    feed: Option<SocketFeed>,
    underway: Option<JoinHandle<(SocketFeed, Look)>>,
    is_due: bool,
}

impl SocketLooks {
    pub(super) fn new(request: SocketRequest) -> Self {
        Self {
            request,
            feed: None,
            underway: None,
            is_due: true,
        }
    }

    /// A tick has ended: another look may be taken.
    pub(super) fn tick(&mut self) {
        self.is_due = true;
    }

    /// Begins a look if one is due and none is under way.
    pub(super) fn begin(&mut self) {
        if !self.is_due || self.underway.is_some() {
            return;
        }
        self.is_due = false;
        let mut feed = self.feed.take().unwrap_or_else(SocketFeed::open);
        let request = self.request.clone();
        self.underway = Some(spawn_blocking(move || {
            let look = feed.read(&request);
            (feed, look)
        }));
    }

    /// Waits for the look that is under way; for ever if there is none. Dropping the future loses
    /// nothing.
    pub(super) async fn done(&mut self) -> anyhow::Result<Look> {
        let Some(underway) = &mut self.underway else {
            return pending().await;
        };
        let result = underway.await;
        self.underway = None;
        let (feed, look) = result?;
        self.feed = Some(feed);
        Ok(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Scope;
    use crate::cmd::states::every_tcp_socket;

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
        looks.begin();
        looks.done().await.unwrap().unwrap();
        looks.begin();
        assert!(looks.underway.is_none(), "the tick has had its look");
    }
}
