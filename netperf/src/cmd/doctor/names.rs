//! The DNS lookups during a measurement of `doctor`.

use std::time::Duration;

use netperf_core::clock;
use netperf_core::collect::AttachedHook;
use netperf_core::model::dns_watch::DnsWatch;
use netperf_core::model::lookups::Lookups;
use netperf_core::sample::socket::Unseen;
use netperf_sys::capture::DnsFeed;

/// How long to wait for an answer: as long as the C library waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// At the end, queries older than this count as lost: their answers may never come.
const LONG: Duration = Duration::from_secs(1);
/// How long packets may wait in the ring buffer, which has room for some 2500.
const PAUSE: Duration = Duration::from_millis(50);

/// DNS queries seen so far.
pub(super) struct NamesSeen {
    feed: Result<DnsFeed, String>,
    watch: DnsWatch,
    lookups: Lookups,
}

impl NamesSeen {
    /// Attaches the hooks, or returns why lookups can't be seen.
    pub(super) fn open() -> (Self, Option<Unseen>) {
        let feed = DnsFeed::open().map_err(|failure| {
            let text = failure.to_string();
            let lines: Vec<_> = text.lines().map(str::trim).collect();
            lines.join("; ")
        });
        let unseen = feed.as_ref().err().map(|why| Unseen {
            what: "which names processes look up, and how long that takes".to_owned(),
            why: why.clone(),
        });
        let seen = Self {
            feed,
            watch: DnsWatch::new(PATIENCE),
            lookups: Lookups::default(),
        };
        (seen, unseen)
    }

    /// The attached hooks.
    pub(super) fn hooks(&self) -> Vec<AttachedHook> {
        self.feed.as_ref().map_or(Vec::new(), DnsFeed::hooks)
    }

    /// Begins the measurement: drops what has ended before.
    pub(super) fn begin(&mut self) {
        self.take(PATIENCE);
        self.lookups = Lookups::default();
    }

    /// Reads the ring buffer. Returns when to call it again; `None` if never.
    pub(super) fn pump(&mut self) -> Option<Duration> {
        self.take(PATIENCE);
        self.feed.as_ref().ok().map(|_| PAUSE)
    }

    /// Reads the ring buffer for the last time.
    pub(super) fn close(&mut self) {
        self.take(LONG);
        let unread = self.feed.as_ref().map(DnsFeed::unread);
        match unread {
            Ok(Ok(unread)) => self.lookups.unread = unread.lost + unread.unread,
            Ok(Err(error)) => self.feed = Err(format!("{error:#}")),
            Err(_) => {}
        }
    }

    fn take(&mut self, patience: Duration) {
        let Ok(feed) = &mut self.feed else {
            return;
        };
        let now = clock::now().0;
        for packet in feed.take() {
            if let Some(query) = self.watch.take(&packet) {
                self.lookups.take(query);
            }
        }
        for query in self.watch.give_up(now, patience) {
            self.lookups.take(query);
        }
    }

    /// The lookups, or why they are not known.
    pub(super) fn seen(&self) -> Result<&Lookups, &str> {
        match &self.feed {
            Ok(_) => Ok(&self.lookups),
            Err(why) => Err(why),
        }
    }
}
