//! What wakes the loop of a held limit?

use std::io;

use netperf_throttle::TEND_EVERY;
use netperf_throttle::registry::{Answer, Order, Orders};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::cmd::session::signals::{Signals, Stop};
use crate::render::limit::{Key, Keys};
use crate::render::sink::Sink;

/// What woke the loop.
pub(super) enum Wake {
    /// A signal.
    Stop(Stop),
    /// The limit is to be tended.
    Tend,
    /// A tick ends.
    Tick,
    /// Somebody wants something, and waits for the answer.
    Order(Order, oneshot::Sender<Answer>),
    /// A key.
    Key(Key),
    /// Nobody reads any more.
    Closed,
    /// A command may have ended.
    Child,
}

/// Everything that may wake the loop.
pub(super) struct Wakers {
    signals: Signals,
    orders: Orders,
    keys: Keys,
    children: Signal,
    tend: Interval,
}

impl Wakers {
    /// Waits from now on.
    pub(super) fn new(signals: Signals, orders: Orders, keys: Keys) -> io::Result<Self> {
        let mut tend = interval(TEND_EVERY);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            signals,
            orders,
            keys,
            children: signal(SignalKind::child())?,
            tend,
        })
    }

    /// The next that happens; ticks wait until the reader is ready for them.
    pub(super) async fn next(&mut self, tick: Instant, output: &mut Sink) -> io::Result<Wake> {
        let ready = output.is_ready();
        Ok(tokio::select! {
            stop = self.signals.next() => Wake::Stop(stop),
            _ = self.tend.tick() => Wake::Tend,
            () = sleep_until(tick), if ready => Wake::Tick,
            (order, answer) = self.orders.next() => Wake::Order(order, answer),
            key = self.keys.next() => Wake::Key(key),
            closed = output.write_until_closed() => {
                closed?;
                Wake::Closed
            }
            _ = self.children.recv() => Wake::Child,
        })
    }
}
