//! The full screen: its events, and when it is drawn.

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
use super::order::LimitOrder;
use super::page;
use super::state::{Effect, Page, Settings, State};
use super::status_line::StatusLine;
use super::terminal::OwnTerminal;
use crate::view::envelope::Start;

/// A session on the full screen.
pub struct Screen {
    state: State,
    names: Rc<dyn HostNames>,
    log: LogTail,
    suspended: Signal,
    continued: Signal,
    open: Option<Open>,
}

/// An event of the screen; `O` is the type of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<O = LimitOrder> {
    /// Handled by the screen itself.
    Handled,
    /// The user ends the session.
    Quit,
    /// The user gives an order, such as to begin or end a limit.
    Order(O),
    /// The terminal is gone.
    Gone,
}

/// State from the start of the session to its end.
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

    /// Takes the terminal over.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&mut self, start: &Start) -> io::Result<()> {
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

    /// Whether the screen needs socket snapshots now.
    pub fn wants_sockets(&self) -> bool {
        self.state.page == Page::States && !self.state.is_paused()
    }

    /// Takes in a socket snapshot, or why there is none.
    pub fn sockets(&mut self, snapshot: Result<SocketSample, String>, model: &Model) {
        // What was under way when the page was left or paused is not wanted any more.
        if self.wants_sockets() {
            self.state.sockets.take(snapshot, &self.state.top.processes);
            self.draw(model);
        }
    }

    /// Takes in the limits in force.
    pub fn limits(&mut self, held: Vec<LimitRecord>) {
        self.state.limits = held;
    }

    /// Shows the result of an order.
    pub fn answered(&mut self, text: &str, model: &Model) {
        self.say(text, model);
        self.draw(model);
    }

    /// Waits for the user. Dropping the future loses nothing.
    pub async fn event(&mut self, model: &Model) -> Event {
        if self.open.as_ref().is_some_and(|open| !open.is_drawn) {
            self.draw(model);
        }
        let Some(open) = &mut self.open else {
            return pending().await;
        };
        if open.is_gone {
            return Event::Gone;
        }
        let event = tokio::select! {
            event = open.keys.next() => match event {
                Some(Ok(event)) => self.input(&event, model),
                Some(Err(_)) | None => Event::Gone,
            },
            _ = self.suspended.recv() => self.hand_over(OwnTerminal::suspend),
            _ = self.continued.recv() => self.hand_over(OwnTerminal::resume),
        };
        self.draw(model);
        event
    }

    /// Draws the page. If that fails the terminal is gone, which ends the session.
    pub fn draw(&mut self, model: &Model) {
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

    /// Gives the terminal away for a while, and takes it back. SIGCONT also comes when the terminal
    /// hangs up.
    fn hand_over(&mut self, how: impl FnOnce(&mut OwnTerminal) -> io::Result<()>) -> Event {
        if let Some(open) = &mut self.open {
            open.is_gone |= is_lost(how(&mut open.terminal));
        }
        Event::Handled
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
