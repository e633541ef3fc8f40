//! What happens on the screen, and when is it drawn?

use std::io;
use std::rc::Rc;

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::input::action;
use super::log_tail::LogTail;
use super::page;
use super::state::{Effect, Settings, State};
use super::surroundings::Surroundings;
use super::terminal::OwnTerminal;
use crate::model::Model;
use crate::render::{Event, Front};
use crate::view::envelope::{End, Start};
use crate::view::host_names::HostNames;

/// A session on the whole terminal.
pub struct Screen {
    state: State,
    names: Rc<dyn HostNames>,
    log: LogTail,
    around: Option<Surroundings>,
    terminal: Option<OwnTerminal>,
    keys: EventStream,
    suspended: Signal,
    continued: Signal,
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
            around: None,
            terminal: None,
            keys: EventStream::new(),
            suspended: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(libc::SIGCONT))?,
            is_drawn: false,
            is_gone: false,
        })
    }

    /// Draws the page. Where that fails the terminal is gone, which ends the session.
    fn draw(&mut self, model: &Model) {
        if let Err(error) = self.try_draw(model) {
            log::info!("the terminal is gone: {error}");
            self.is_gone = true;
        }
    }

    fn try_draw(&mut self, model: &Model) -> io::Result<()> {
        let (Some(terminal), Some(around)) = (&mut self.terminal, &mut self.around) else {
            return Ok(());
        };
        if let Some(line) = self.log.take() {
            around.say(line, model.at());
        }
        let (state, names) = (&mut self.state, self.names.as_ref());
        self.is_drawn = true;
        terminal.draw(|frame| page::draw(frame, state, around, model, names))
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
        }
    }

    /// Lets somebody else have the terminal, and takes it back. The kernel says "continue" also
    /// when the terminal hangs up.
    fn hand_over(&mut self, how: impl FnOnce(&mut OwnTerminal) -> io::Result<()>) -> Event {
        let Some(Err(error)) = self.terminal.as_mut().map(how) else {
            return Event::Handled;
        };
        log::info!("the terminal is gone: {error}");
        Event::Closed
    }
}

impl Front for Screen {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.around = Some(Surroundings::new(start));
        self.terminal = Some(OwnTerminal::open()?);
        Ok(())
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        self.draw(model);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn event(&mut self, model: &Model) -> io::Result<Event> {
        if !self.is_drawn {
            self.draw(model);
        }
        if self.is_gone {
            return Ok(Event::Closed);
        }
        let event = tokio::select! {
            event = self.keys.next() => match event {
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
        self.terminal = None;
        Ok(())
    }
}
