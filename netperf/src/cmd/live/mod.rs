//! The views of kernel counters: on the screen, or as reports.

mod limits;
mod sockets;

pub(super) mod flows;
pub(super) mod latency;
pub(super) mod retrans;
#[cfg(test)]
mod tests;
pub(super) mod top;

use std::future::pending;
use std::io;
use std::rc::Rc;

use anyhow::Context;
use netperf_core::collect::{Feed, FeedConfig, Wanted};
use netperf_core::failure::Failure;
use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::sample::socket::SocketSample;
use netperf_core::sample::{LinkReading, Sample};
use netperf_core::text::chain;
use netperf_sys::capture::{self, Scope};
use tokio::time::{Instant, sleep_until};

use self::limits::LimitOrders;
use self::sockets::SocketReader;
use super::args::common::Common;
use super::args::existing;
use super::listing::{every_tcp_socket, sockets_that_wait};
use super::logging;
use super::session::{Ending, Opening, Session, Signals, Source, Step, Timer, end};
use crate::render::batch::Banner;
use crate::render::output::{Format, Output};
use crate::render::tui::{self, FirstPage, LogTail, Screen, Settings};
use crate::view::envelope::{End, Reason, Start};
use crate::view::event_row::EventRow;

/// A view of kernel counters.
pub(super) trait View {
    /// Name of the command.
    const COMMAND: &'static str;

    /// What the view needs collected.
    fn wanted(&self) -> Wanted;

    /// Its page on the screen, if there is one.
    fn first_page(&self) -> Option<FirstPage> {
        None
    }

    /// The interface that it filters by.
    fn iface(&self) -> Option<&str> {
        None
    }

    /// Of which processes.
    fn processes(&mut self) -> &mut ProcessQuery;

    /// Whether an event is to be reported by itself.
    fn wants(&self, _event: &ConnectionEvent, _model: &Model) -> bool {
        false
    }

    /// Reports a tick.
    fn report(&mut self, model: &Model, scene: Scene<'_>, out: &mut Output) -> io::Result<()>;
}

/// What stays the same from tick to tick.
#[derive(Clone, Copy)]
pub(super) struct Scene<'s> {
    pub(super) host: &'s str,
    pub(super) names: &'s dyn HostNames,
}

/// Opens the live source and shows it.
pub(super) async fn run<V: View>(mut view: V, common: &Common) -> anyhow::Result<()> {
    existing::check(view.processes())?;
    let signals = Signals::open()?;
    let page = view.first_page();
    let format = common.format(|style| match page {
        Some(_) => Format::Nothing,
        // Its blocks are for reading one after the other.
        None => Format::Text(style),
    });
    let page = page.filter(|_| format == Format::Nothing);
    let log = LogTail::default();
    logging::start(common.verbose, page.is_some().then(|| log.clone()));
    let on_screen = Wanted {
        flows: true,
        ..Wanted::default()
    };
    let mut feed = capture::open(&FeedConfig {
        hooks: common.hooks,
        wanted: page.as_ref().map_or_else(|| view.wanted(), |_| on_screen),
    })?;
    let mut opening = Opening::now(V::COMMAND, Some(common.timing())).start();
    let base = feed.next()?;
    if let Some(iface) = view.iface() {
        check_iface(iface, base.as_ref().map_or(&[], |base| &base.links))?;
    }
    let provenance = feed.provenance().clone();
    (opening.hooks, opening.unavailable) = (provenance.hooks, provenance.unavailable);
    let names = common.host_names();
    let mut live = Live::new(&mut feed, view, (opening, base), Rc::clone(&names));
    if let Some(first) = page {
        let settings = Settings {
            first,
            units: common.units,
            color: common.has_color(),
        };
        let screen = Screen::new(settings, names, log).context("can't use the terminal")?;
        live.screen = Some(screen);
    }
    let timer = Timer::new(Instant::now(), common.timing());
    let session = Session::new(signals, timer, format);
    session.run(live).await
}

/// Refuses an unknown interface: its traffic would never come.
fn check_iface(iface: &str, links: &[LinkReading]) -> Result<(), Failure> {
    if links.is_empty() || links.iter().any(|link| link.name == iface) {
        return Ok(());
    }
    let names = links.iter().map(|link| format!("`{}`", link.name));
    let names = names.collect::<Vec<_>>().join(", ");
    Err(Failure::Usage(format!(
        "there is no interface `{iface}`, but {names}"
    )))
}

/// The source of a live view.
struct Live<'f, F, V> {
    feed: &'f mut F,
    view: V,
    names: Rc<dyn HostNames>,
    start: Start,
    screen: Option<Screen>,
    model: Model,
    /// Whether the recording has no sample.
    is_empty: bool,
    pump: Instant,
    sockets: SocketReader,
    orders: LimitOrders,
}

/// An event between ticks.
enum Event {
    /// Time to read the kernel's buffers.
    Pump,
    Sockets(Box<Result<SocketSample, String>>),
    /// The result of an order.
    Answer(String),
    Screen(tui::Event),
}

impl<'f, F: Feed, V: View> Live<'f, F, V> {
    /// The first tick is measured from the reading at the opening; a recording may have none.
    fn new(
        feed: &'f mut F,
        view: V,
        (start, base): (Start, Option<Sample>),
        names: Rc<dyn HostNames>,
    ) -> Self {
        let request = if feed.wants_sockets() {
            sockets_that_wait()
        } else {
            every_tcp_socket(Scope::All)
        };
        Self {
            feed,
            view,
            names,
            start,
            screen: None,
            is_empty: base.is_none(),
            model: Model::new(&base.unwrap_or_default()),
            pump: Instant::now(),
            sockets: SocketReader::new(request),
            orders: LimitOrders::new(),
        }
    }

    /// New events that the view wants.
    fn events(&mut self) -> Vec<ConnectionEvent> {
        let mut events = self.feed.drain_events();
        events.retain(|event| self.view.wants(event, &self.model));
        self.model.note(&events);
        events
    }

    fn report_events(events: &[ConnectionEvent], out: &mut Output) -> anyhow::Result<()> {
        for event in events {
            out.report(&EventRow::of(event))?;
        }
        Ok(())
    }

    /// Reports the events of a tick, then the tick itself.
    fn report(&mut self, sample: &Sample, out: &mut Output) -> anyhow::Result<()> {
        let events = self.events();
        self.model.advance(sample);
        Self::report_events(&events, out)?;
        if let Some(screen) = &mut self.screen {
            screen.draw(&self.model);
            return Ok(());
        }
        let scene = Scene {
            host: &self.start.host,
            names: self.names.as_ref(),
        };
        Ok(self.view.report(&self.model, scene, out)?)
    }

    fn take_sockets(&mut self, snapshot: Result<SocketSample, String>) {
        if let Ok(snapshot) = &snapshot {
            self.feed.sockets(snapshot);
        }
        if let Some(screen) = &mut self.screen {
            screen.sockets(snapshot, &self.model);
        }
    }

    fn answer(&mut self, text: &str) {
        if let Some(screen) = &mut self.screen {
            screen.answered(text, &self.model);
        }
    }

    fn show_limits(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.limits(limits::held());
        }
    }

    fn obey(&mut self, event: tui::Event) -> Step {
        match event {
            tui::Event::Handled => {}
            tui::Event::Quit => return Step::End(Reason::Signal),
            tui::Event::Gone => return Step::Leave,
            tui::Event::Order(order) => {
                if !self.orders.begin(order) {
                    self.answer("one order after the other: wait for the last");
                }
            }
        }
        Step::GoOn
    }
}

impl<F: Feed, V: View> Source for Live<'_, F, V> {
    type Event = Event;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        match &mut self.screen {
            Some(screen) => screen
                .open(&self.start)
                .context("can't begin to show anything")?,
            None => out.report(&Banner(&self.start))?,
        }
        Ok(if self.is_empty {
            Step::End(Reason::Eof)
        } else {
            Step::GoOn
        })
    }

    async fn next(&mut self, _: bool) -> anyhow::Result<Event> {
        let on_screen = self.screen.as_ref().is_some_and(Screen::wants_sockets);
        if on_screen || self.feed.wants_sockets() {
            self.sockets.begin();
        }
        Ok(tokio::select! {
            () = sleep_until(self.pump) => Event::Pump,
            answer = self.orders.done() => Event::Answer(answer),
            sockets = self.sockets.done() => {
                Event::Sockets(Box::new(sockets?.map_err(|error| chain(&error))))
            }
            event = user(&mut self.screen, &self.model) => Event::Screen(event),
        })
    }

    fn take(&mut self, event: Event, out: &mut Output) -> anyhow::Result<Step> {
        match event {
            Event::Pump => {
                self.pump = Instant::now() + self.feed.pump()?;
                // While the reader is busy they wait in the feed, which counts what has no room.
                if out.is_ready() {
                    Self::report_events(&self.events(), out)?;
                }
            }
            Event::Sockets(snapshot) => self.take_sockets(*snapshot),
            Event::Answer(text) => {
                self.show_limits();
                self.answer(&text);
            }
            Event::Screen(event) => return Ok(self.obey(event)),
        }
        Ok(Step::GoOn)
    }

    fn tick(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        let Some(sample) = self.feed.next()? else {
            return Ok(Step::End(Reason::Eof));
        };
        self.show_limits();
        self.report(&sample, out)?;
        self.sockets.tick();
        Ok(Step::GoOn)
    }

    fn leave(self) -> anyhow::Result<()> {
        self.feed.finish()?;
        Ok(())
    }

    /// Stops counting, and reports what was counted until then.
    fn finish(mut self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending> {
        if reason != Reason::Eof {
            if self.feed.wants_sockets() {
                self.feed.pump()?;
                if let Ok(snapshot) = self.sockets.now() {
                    self.feed.sockets(&snapshot);
                }
            }
            if let Some(sample) = self.feed.finish()? {
                self.report(&sample, out)?;
            }
        }
        self.screen = None;
        Ok(Ending {
            end: End {
                slots_in_use: self.model.slots_in_use(),
                ..end(self.model.ticks(), reason)
            },
            verdict: Ok(()),
        })
    }
}

/// The next event of the screen, if there is one.
async fn user(screen: &mut Option<Screen>, model: &Model) -> tui::Event {
    match screen {
        Some(screen) => screen.event(model).await,
        None => pending().await,
    }
}
