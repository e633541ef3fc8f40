//! What happens on the screen, and when is it drawn?

use std::future::pending;
use std::io;
use std::rc::Rc;

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::sample::socket::SocketSample;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::input::action;
use super::log_tail::LogTail;
use super::page;
use super::state::{Effect, Page, Settings, State};
use super::status_line::StatusLine;
use super::terminal::OwnTerminal;
use crate::render::{Event, Front};
use crate::view::envelope::{End, Start};

/// A session on the whole terminal.
pub struct Screen {
    state: State,
    names: Rc<dyn HostNames>,
    log: LogTail,
    suspended: Signal,
    continued: Signal,
    open: Option<Open>,
}

/// What there is from the start of the session to its end.
struct Open {
    terminal: OwnTerminal,
    keys: EventStream,
    status: StatusLine,
    is_drawn: bool,
    is_gone: bool,
}

impl Screen {
    /// Prepares a screen; the terminal is taken over when the session starts.
    ///
    /// # Errors
    /// When the kernel refuses a signal handler.
    pub fn new(settings: Settings, names: Rc<dyn HostNames>, log: LogTail) -> io::Result<Self> {
        Ok(Self {
            state: State::new(settings),
            names,
            log,
            suspended: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(libc::SIGCONT))?,
            open: None,
        })
    }

    /// Draws the page. Where that fails the terminal is gone, which ends the session.
    fn draw(&mut self, model: &Model) {
        let Some(open) = &mut self.open else { return };
        if let Some(line) = self.log.take() {
            open.status.say(line, model.at());
        }
        let (state, names, status) = (&mut self.state, self.names.as_ref(), &open.status);
        let drawn = open
            .terminal
            .draw(|frame| page::draw(frame, state, status, model, names));
        open.is_drawn = true;
        open.is_gone |= is_lost(drawn);
    }

    fn input(&mut self, event: &TerminalEvent, model: &Model) -> Event {
        let TerminalEvent::Key(key) = event else {
            return Event::Handled;
        };
        let Some(action) = action(*key, &self.state.overlay) else {
            return Event::Handled;
        };
        match self.state.apply(action, model) {
            Effect::Redraw => Event::Handled,
            Effect::Quit => Event::Quit,
            Effect::Suspend => self.hand_over(OwnTerminal::suspend),
            Effect::Order(order) => {
                self.say("the order is being carried out", model);
                Event::Order(order)
            }
            Effect::Say(text) => {
                self.say(text, model);
                Event::Handled
            }
        }
    }

    fn say(&mut self, text: &str, model: &Model) {
        if let Some(open) = &mut self.open {
            open.status.say(text.to_owned(), model.at());
        }
    }

    /// Lets somebody else have the terminal, and takes it back. The kernel says "continue" also
    /// when the terminal hangs up.
    fn hand_over(&mut self, how: impl FnOnce(&mut OwnTerminal) -> io::Result<()>) -> Event {
        if let Some(open) = &mut self.open {
            open.is_gone |= is_lost(how(&mut open.terminal));
        }
        Event::Handled
    }
}

impl Front for Screen {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        // The terminal first: without one, the stream of its keys does not fail but panics.
        let terminal = OwnTerminal::open()?;
        self.open = Some(Open {
            terminal,
            keys: EventStream::new(),
            status: StatusLine::new(start),
            is_drawn: false,
            is_gone: false,
        });
        Ok(())
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        self.draw(model);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn wants_sockets(&self) -> bool {
        self.state.page == Page::States && !self.state.is_paused()
    }

    fn sockets(&mut self, look: Result<SocketSample, String>, model: &Model) {
        // What was under way when the page was left or paused is not wanted any more.
        if self.wants_sockets() {
            self.state.sockets.take(look, &self.state.top.processes);
            self.draw(model);
        }
    }

    fn wants_limits(&self) -> bool {
        true
    }

    fn limits(&mut self, held: Vec<LimitRecord>) {
        self.state.limits = held;
    }

    fn answered(&mut self, text: &str, model: &Model) {
        self.say(text, model);
        self.draw(model);
    }

    async fn event(&mut self, model: &Model) -> io::Result<Event> {
        if self.open.as_ref().is_some_and(|open| !open.is_drawn) {
            self.draw(model);
        }
        let Some(open) = &mut self.open else {
            return pending().await;
        };
        if open.is_gone {
            return Ok(Event::Closed);
        }
        let event = tokio::select! {
            event = open.keys.next() => match event {
                Some(Ok(event)) => self.input(&event, model),
                Some(Err(_)) | None => Event::Closed,
            },
            _ = self.suspended.recv() => self.hand_over(OwnTerminal::suspend),
            _ = self.continued.recv() => self.hand_over(OwnTerminal::resume),
        };
        self.draw(model);
        Ok(event)
    }

    async fn end(&mut self, _: &End) -> io::Result<()> {
        self.open = None;
        Ok(())
    }
}

fn is_lost(result: io::Result<()>) -> bool {
    match result {
        Ok(()) => false,
        Err(error) => {
            log::info!("the terminal is gone: {error}");
            true
        }
    }
}
