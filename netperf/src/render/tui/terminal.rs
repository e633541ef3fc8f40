//! Takes over the terminal, and restores it in every case.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, getpid, kill_process};

/// The terminal, used by this program alone; restored on drop and on panic.
pub(super) struct OwnTerminal {
    /// Never dropped: its own way to restore the cursor ends the program if stderr is gone together
    /// with the terminal.
    canvas: ManuallyDrop<Canvas>,
}

/// Draws to the terminal: only changes, and all at once.
type Canvas = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

impl OwnTerminal {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
        let terminal = Self { canvas: blank()? };
        enter()?;
        Ok(terminal)
    }

    /// Draws a frame, which appears all at once.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.canvas.backend_mut(), BeginSynchronizedUpdate)?;
        self.canvas.draw(picture)?;
        execute!(self.canvas.backend_mut(), EndSynchronizedUpdate)
    }

    /// Restores the terminal and stops, as Ctrl-Z does; returns when the program is continued.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        leave();
        kill_process(getpid(), Signal::STOP)?;
        self.resume()
    }

    /// Takes over the terminal again after another program used it.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        // Forgets the mode that is not in force any more.
        disable_raw_mode()?;
        enter()?;
        self.canvas = blank()?;
        Ok(())
    }
}

impl Drop for OwnTerminal {
    fn drop(&mut self) {
        leave();
    }
}

/// A canvas that assumes nothing about the screen, so that everything is drawn.
fn blank() -> io::Result<ManuallyDrop<Canvas>> {
    let backend = CrosstermBackend::new(BufWriter::new(io::stdout()));
    Terminal::new(backend).map(ManuallyDrop::new)
}

/// Whether the terminal is taken over. It must not be restored twice: that would move the cursor into
/// later output.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::Relaxed);
    enable_raw_mode()?;
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        Hide,
        Clear(ClearType::All)
    )
}

/// Restores the terminal. Errors do not matter: without a terminal there is nothing to restore.
fn leave() {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}
