//! The screen of `path`: its events, and when it is drawn.

use std::convert::Infallible;
use std::future::pending;
use std::io;

use crossterm::event::{Event as TerminalEvent, EventStream, KeyEvent};
use futures_util::StreamExt;
use netperf_core::host_names::HostNames;
use netperf_core::model::path::PathModel;
use netperf_core::units::Units;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::grid::Look;
use super::log_tail::LogTail;
use super::path_keys::{PathAction, action};
use super::path_page::{self, PathPage};
use super::screen::Event;
use super::terminal::OwnTerminal;
use crate::view::path::PathTick;
use netperf_core::model::path::ProcessSide;

/// Paths on the whole terminal.
pub struct PathScreen {
    page: PathPage,
    log: LogTail,
    suspended: Signal,
    continued: Signal,
    open: Option<(OwnTerminal, EventStream)>,
    /// The paths as they were when the display was paused.
    frozen: Option<Vec<PathModel>>,
}

/// An event of the screen. It gives no orders.
type PathEvent = Event<Infallible>;

impl PathScreen {
    /// Prepares a screen.
    ///
    /// # Errors
    /// When the kernel refuses a signal handler.
    pub fn new(color: bool, log: LogTail) -> io::Result<Self> {
        let look = Look {
            units: Units::Auto,
            color,
        };
        Ok(Self {
            page: PathPage::new(look),
            log,
            suspended: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(libc::SIGCONT))?,
            open: None,
            frozen: None,
        })
    }

    /// Takes the terminal over.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&mut self) -> io::Result<()> {
        // The terminal first: without one, the stream of its keys does not fail but panics.
        let terminal = OwnTerminal::open()?;
        self.open = Some((terminal, EventStream::new()));
        Ok(())
    }

    /// Draws the paths, and waits for the user. Dropping the future loses nothing.
    pub async fn event(
        &mut self,
        paths: &[(&PathModel, Option<&ProcessSide>)],
        names: &dyn HostNames,
    ) -> Event<Infallible> {
        self.draw(paths, names);
        let Some((terminal, keys)) = &mut self.open else {
            return pending().await;
        };
        let handed_over = tokio::select! {
            event = keys.next() => return match event {
                Some(Ok(TerminalEvent::Key(key))) => self.press(key, paths),
                Some(Ok(_)) => PathEvent::Handled,
                Some(Err(_)) | None => PathEvent::Gone,
            },
            _ = self.suspended.recv() => terminal.suspend(),
            _ = self.continued.recv() => terminal.resume(),
        };
        event_of(&handed_over)
    }

    /// Draws the paths. If that fails the terminal is gone, and the key stream reports that.
    fn draw(&mut self, paths: &[(&PathModel, Option<&ProcessSide>)], names: &dyn HostNames) {
        let Some((terminal, _)) = &mut self.open else {
            return;
        };
        if let Some(line) = self.log.take() {
            self.page.message = Some(line);
        }
        let number = self.page.number(paths.len());
        let Some(&(now, process)) = paths.get(number) else {
            return;
        };
        let frozen = self.frozen.as_ref().and_then(|frozen| frozen.get(number));
        let model = frozen.unwrap_or(now);
        let tick = PathTick::new(model, names, process);
        let page = &mut self.page;
        let shown = path_page::Shown {
            path: model,
            tick: &tick,
            paths: paths.len(),
        };
        let drawn = terminal.draw(|frame| {
            let area = frame.area();
            path_page::draw(frame.buffer_mut(), area, page, shown);
        });
        if let Err(error) = drawn {
            log::info!("the terminal is gone: {error}");
        }
    }

    fn press(&mut self, key: KeyEvent, paths: &[(&PathModel, Option<&ProcessSide>)]) -> PathEvent {
        let Some(action) = action(key) else {
            return PathEvent::Handled;
        };
        match action {
            PathAction::Quit => return PathEvent::Quit,
            PathAction::Suspend => {
                let Some((terminal, _)) = &mut self.open else {
                    return PathEvent::Gone;
                };
                return event_of(&terminal.suspend());
            }
            PathAction::Pause => {
                let now = || paths.iter().map(|(model, _)| (*model).clone()).collect();
                self.frozen = if self.frozen.is_some() {
                    None
                } else {
                    Some(now())
                };
            }
            PathAction::NextPath | PathAction::Up | PathAction::Down => {}
        }
        self.page.apply(action);
        PathEvent::Handled
    }
}

fn event_of(result: &io::Result<()>) -> PathEvent {
    match result {
        Ok(()) => PathEvent::Handled,
        Err(_) => PathEvent::Gone,
    }
}
