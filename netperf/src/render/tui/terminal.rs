//! How is a terminal taken over, and given back whatever happens?

use std::io::{self, BufWriter, Stdout, Write};
use std::panic;

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, getpid, kill_process};

/// A terminal that this program has for itself; given back when dropped and on panic.
pub(super) struct OwnTerminal {
    pub(super) canvas: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl OwnTerminal {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
        let canvas = Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))?;
        let terminal = Self { canvas };
        enter()?;
        Ok(terminal)
    }

    /// Gives the terminal back and stops, as Ctrl-Z does; returns when the program is continued.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        leave();
        kill_process(getpid(), Signal::STOP)?;
        self.resume()
    }

    /// Takes the terminal over again after somebody else had it.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        // Forgets the mode that is not in force any more.
        disable_raw_mode()?;
        enter()?;
        self.canvas.clear()
    }
}

impl Drop for OwnTerminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

/// Where the terminal is gone there is nothing to give back, so errors do not matter.
fn leave() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}
