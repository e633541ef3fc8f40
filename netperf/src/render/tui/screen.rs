//! What happens on the screen, and when is it drawn?

use std::io::{self, Write};
use std::rc::Rc;

use crossterm::event::{Event as TerminalEvent, EventStream};
use crossterm::execute;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
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
        })
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        let (Some(terminal), Some(around)) = (&mut self.terminal, &mut self.around) else {
            return Ok(());
        };
        if let Some(line) = self.log.take() {
            around.say(line, model.at());
        }
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        let (state, names) = (&mut self.state, self.names.as_ref());
        terminal
            .canvas
            .draw(|frame| page::draw(frame, state, around, model, names))?;
        terminal.canvas.backend_mut().flush()?;
        self.is_drawn = true;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    fn key(&mut self, event: &TerminalEvent, model: &Model) -> io::Result<Event> {
        let TerminalEvent::Key(key) = event else {
            return Ok(Event::Handled);
        };
        let Some(action) = action(*key, &self.state.overlay) else {
            return Ok(Event::Handled);
        };
        match self.state.apply(action, model) {
            Effect::Redraw => Ok(Event::Handled),
            Effect::Quit => Ok(Event::Quit),
            Effect::Suspend => self.suspend(),
        }
    }

    fn suspend(&mut self) -> io::Result<Event> {
        if let Some(terminal) = &mut self.terminal {
            terminal.suspend()?;
        }
        Ok(Event::Handled)
    }
}

impl Front for Screen {
    fn start(&mut self, start: &Start) -> io::Result<()> {
        self.around = Some(Surroundings::new(start));
        self.terminal = Some(OwnTerminal::open()?);
        Ok(())
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        self.draw(model)
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn event(&mut self, model: &Model) -> io::Result<Event> {
        if !self.is_drawn {
            self.draw(model)?;
        }
        let event = tokio::select! {
            event = self.keys.next() => match event {
                Some(event) => self.key(&event?, model)?,
                None => Event::Closed,
            },
            _ = self.suspended.recv() => self.suspend()?,
            _ = self.continued.recv() => {
                if let Some(terminal) = &mut self.terminal {
                    terminal.resume()?;
                }
                Event::Handled
            }
        };
        self.draw(model)?;
        Ok(event)
    }

    async fn end(&mut self, _: &End) -> io::Result<()> {
        self.terminal = None;
        Ok(())
    }
}
