//! What drives a live view? One loop over the timer, the source, the user and the signals.

mod limits;
mod looks;
mod opening;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use anyhow::Context;
use netperf_core::clock;
use netperf_core::collect::Feed;
use netperf_core::host_names::{HostNames, Numeric};
use netperf_core::model::Model;
use netperf_core::sample::Sample;
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::sample::socket::SocketSample;
use netperf_core::text::chain;
use netperf_probe::reverse::Resolver;
use netperf_sys::capture::{self, Scope};
use netperf_sys::procfs::Procfs;
use tokio::time::{Instant, sleep_until};

use self::limits::LimitOrders;
use self::looks::SocketLooks;
use self::opening::Opening;
use super::config::{Config, Output};
use super::logging;
use super::signals::Signals;
use super::states::{every_tcp_socket, sockets_that_wait};
use super::timer::{Timer, Timing};
use crate::render::json::Json;
use crate::render::sink::Sink;
use crate::render::stream::Stream;
use crate::render::text::Text;
use crate::render::tui::{LogTail, Screen, Settings};
use crate::render::{Event, Front};
use crate::view::envelope::{End, Reason};
use crate::view::time::Rfc3339;

/// Opens the live source and shows it as configured.
pub(super) async fn open_and_run(config: Config) -> anyhow::Result<()> {
    let stop = Signals::open().context("can't handle signals")?.any();
    let log = LogTail::default();
    let on_screen = config.output == Output::Screen;
    logging::start(config.verbosity, on_screen.then(|| log.clone()));
    let mut feed = capture::open(&config.feed)?;
    let opening = Opening::new(&config, &mut feed)?;
    let names: Rc<dyn HostNames> = if config.resolve {
        Rc::new(Resolver::open(Procfs::new("/").name_service()))
    } else {
        Rc::new(Numeric)
    };
    let Config {
        view,
        units,
        color,
        timing,
        ..
    } = config;
    match config.output {
        Output::Json => {
            let mut front = Stream::new(Json::new(view, names), Sink::stdout());
            run(&mut feed, &mut front, opening, timing, stop).await
        }
        Output::Screen => {
            let settings = Settings { view, units, color };
            let mut front = Screen::new(settings, names, log).context("can't use the terminal")?;
            run(&mut feed, &mut front, opening, timing, stop).await
        }
        Output::Batch => {
            let mut front = Stream::new(Text::new(view, names, units), Sink::stdout());
            run(&mut feed, &mut front, opening, timing, stop).await
        }
    }
}

/// Shows what `feed` delivers until it ends, `stop` is done, or nobody looks any more.
async fn run<F: Feed, V: Front>(
    feed: &mut F,
    front: &mut V,
    opening: Opening,
    timing: Timing,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    front
        .start(&opening.start)
        .context("can't begin to show anything")?;
    let Some(base) = opening.base else {
        let end = end(None, Reason::Eof);
        return front.end(&end).await.context("can't write");
    };
    let looked_at = if feed.wants_sockets() {
        sockets_that_wait()
    } else {
        every_tcp_socket(Scope::All)
    };
    let mut session = Session {
        feed,
        front,
        model: Model::new(&base),
        timer: Timer::new(Instant::now(), timing),
        pump: Instant::now(),
        looks: SocketLooks::new(looked_at),
        orders: LimitOrders::new(),
    };
    match session.until_end(stop).await? {
        Some(reason) => {
            let end = end(Some(&session.model), reason);
            session.front.end(&end).await.context("can't write")
        }
        None => Ok(()),
    }
}

/// The last line of a session that ends now.
fn end(model: Option<&Model>, reason: Reason) -> End {
    End {
        time: Rfc3339(clock::now().1),
        ticks: model.map_or(0, Model::ticks),
        slots_in_use: model.map_or(0, Model::slots_in_use),
        reason,
    }
}

struct Session<'s, F, V> {
    feed: &'s mut F,
    front: &'s mut V,
    model: Model,
    timer: Timer,
    pump: Instant,
    looks: SocketLooks,
    orders: LimitOrders,
}

/// What woke the loop.
enum Wake {
    Stop,
    Tick,
    Pump,
    Front(Event),
    Look(Box<Result<SocketSample, String>>),
    Answer(String),
}

impl<F: Feed, V: Front> Session<'_, F, V> {
    /// Why the session ended; `None` if nobody looks any more.
    async fn until_end(
        &mut self,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Reason>> {
        let mut stop = pin!(stop);
        loop {
            let ended = match self.wake(stop.as_mut()).await? {
                Wake::Stop | Wake::Front(Event::Quit) => Some(self.last_tick(Reason::Signal)?),
                Wake::Front(Event::Closed) => {
                    self.feed.finish()?;
                    return Ok(None);
                }
                Wake::Front(Event::Handled) => None,
                Wake::Front(Event::Order(order)) => {
                    if !self.orders.begin(order) {
                        self.front
                            .answered("one order after the other: wait for the last", &self.model);
                    }
                    None
                }
                Wake::Answer(text) => {
                    self.front.limits(limits::held());
                    self.front.answered(&text, &self.model);
                    None
                }
                Wake::Look(look) => {
                    if let Ok(look) = look.as_ref() {
                        self.feed.sockets(look);
                    }
                    self.front.sockets(*look, &self.model);
                    None
                }
                Wake::Tick => self.tick()?,
                Wake::Pump => {
                    self.pump = Instant::now() + self.feed.pump()?;
                    self.show_events()?;
                    None
                }
            };
            if ended.is_some() {
                return Ok(ended);
            }
        }
    }

    async fn wake(&mut self, stop: impl Future<Output = ()>) -> anyhow::Result<Wake> {
        let deadline = self.timer.deadline();
        let ready = self.front.is_ready();
        if self.front.wants_sockets() || self.feed.wants_sockets() {
            self.looks.begin();
        }
        Ok(tokio::select! {
            () = stop => Wake::Stop,
            () = sleep_until(self.timer.next()), if ready => Wake::Tick,
            () = sleep_until(deadline.unwrap_or(self.pump)), if deadline.is_some() => Wake::Tick,
            () = sleep_until(self.pump) => Wake::Pump,
            answer = self.orders.done() => Wake::Answer(answer),
            look = self.looks.done() => Wake::Look(Box::new(look?.map_err(|error| chain(&error)))),
            event = self.front.event(&self.model) => Wake::Front(event.context("can't write")?),
        })
    }

    fn tick(&mut self) -> anyhow::Result<Option<Reason>> {
        if let Some(reason) = self.timer.tick(Instant::now()) {
            return self.last_tick(reason).map(Some);
        }
        let Some(sample) = self.feed.next()? else {
            return Ok(Some(Reason::Eof));
        };
        if self.front.wants_limits() {
            self.front.limits(limits::held());
        }
        self.show(&sample)?;
        self.looks.tick();
        Ok(None)
    }

    /// What happened until now, unless the reader is busy: it is then shown later.
    fn show_events(&mut self) -> anyhow::Result<()> {
        if self.front.is_ready() {
            let events = self.events();
            self.front.happened(&events).context("can't write")?;
        }
        Ok(())
    }

    /// What happened until now, as far as it is to be shown.
    fn events(&mut self) -> Vec<ConnectionEvent> {
        let mut events = self.feed.drain_events();
        events.retain(|one| self.front.takes(one, &self.model));
        self.model.note(&events);
        events
    }

    /// What happened within a tick comes before its end.
    fn show(&mut self, sample: &Sample) -> anyhow::Result<()> {
        let events = self.events();
        self.model.advance(sample);
        self.front.happened(&events).context("can't write")?;
        self.front.tick(&self.model).context("can't write")
    }

    /// Stops counting and shows what was counted up to that moment.
    fn last_tick(&mut self, reason: Reason) -> anyhow::Result<Reason> {
        if self.feed.wants_sockets() {
            self.feed.pump()?;
            if let Ok(look) = self.looks.now() {
                self.feed.sockets(&look);
            }
        }
        if let Some(sample) = self.feed.finish()? {
            self.show(&sample)?;
        }
        Ok(reason)
    }
}
