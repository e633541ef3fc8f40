//! Events while a limit is held.

use std::io;

use netperf_throttle::TEND_EVERY;
use netperf_throttle::registry::{Answer, Order, Orders};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// An event while a limit is held.
pub(super) enum Event {
    /// Time for the regular work on the limit.
    Tend,
    /// An order of another process, which waits for the answer.
    Order(Order, oneshot::Sender<Answer>),
    /// The command may have ended.
    Child,
}

/// The sources of events.
pub(super) struct Events {
    orders: Orders,
    children: Signal,
    tend: Interval,
}

impl Events {
    /// Starts listening.
    pub(super) fn new(orders: Orders) -> io::Result<Self> {
        let mut tend = interval(TEND_EVERY);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            orders,
            children: signal(SignalKind::child())?,
            tend,
        })
    }

    /// Waits for the next event. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.tend.tick() => Event::Tend,
            (order, answer) = self.orders.next() => Event::Order(order, answer),
            _ = self.children.recv() => Event::Child,
        }
    }
}
