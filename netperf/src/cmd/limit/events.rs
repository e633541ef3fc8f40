//! What happens while a limit is held?

use std::io;

use netperf_throttle::TEND_EVERY;
use netperf_throttle::registry::{Answer, Order, Orders};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// What happens.
pub(super) enum Event {
    /// The limit is to be tended.
    Tend,
    /// Another process orders something, and waits for the answer.
    Order(Order, oneshot::Sender<Answer>),
    /// A command may have ended.
    Child,
}

/// Everything that may happen.
pub(super) struct Events {
    orders: Orders,
    children: Signal,
    tend: Interval,
}

impl Events {
    /// Waits from now on.
    pub(super) fn new(orders: Orders) -> io::Result<Self> {
        let mut tend = interval(TEND_EVERY);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            orders,
            children: signal(SignalKind::child())?,
            tend,
        })
    }

    /// The next that happens. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.tend.tick() => Event::Tend,
            (order, answer) = self.orders.next() => Event::Order(order, answer),
            _ = self.children.recv() => Event::Child,
        }
    }
}
