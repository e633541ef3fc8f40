//! A program in a pseudo-terminal, and the screen that it draws.

#![expect(
    unsafe_code,
    reason = "a child must take the terminal as its own before it runs"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use vt100::{Parser, Screen};

use crate::sys::calls;
use crate::sys::deadline::Deadline;
use crate::sys::wait;

/// Longest time in which something must appear.
const PATIENCE_SECS: u64 = 20;

/// A program in a terminal of its own.
pub struct Terminal {
    child: Child,
    /// The master side, which reads the screen and types keys.
    master: File,
    /// The slave side; kept so that the modes can be read after the program has ended.
    program: OwnedFd,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    modes: Termios,
    /// Ends the watching thread, which holds the master side too.
    stop: Arc<EventFd>,
    watcher: Option<JoinHandle<()>>,
}

/// Every byte of the output, and the screen that it draws.
struct Shown {
    raw: Vec<u8>,
    parser: Parser,
}

impl Terminal {
    /// Runs `command` in a terminal of `rows` by `columns`.
    ///
    /// # Errors
    /// When there is no terminal, or the program can't run.
    pub fn start(command: &mut Command, rows: u16, columns: u16) -> Result<Self> {
        let (master, program) = terminal()?;
        set_size(&master, rows, columns)?;
        let modes = tcgetattr(&program)?;
        let standard = || program.try_clone();
        command
            .stdin(standard()?)
            .stdout(standard()?)
            .stderr(standard()?);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        // SAFETY: only makes system calls, which may be made between fork and exec.
        unsafe { command.pre_exec(|| Ok(take_terminal()?)) };
        let child = command.spawn().context("the program can't run")?;
        let shown = Shown {
            raw: Vec::new(),
            parser: Parser::new(cells(rows), cells(columns), 0),
        };
        let shown = Arc::new((Mutex::new(shown), Condvar::new()));
        let (from, to) = (master.try_clone()?, Arc::clone(&shown));
        let stop = Arc::new(EventFd::new()?);
        let stopped = Arc::clone(&stop);
        let watcher = Some(thread::spawn(move || watch(from, &stopped, &to)));
        Ok(Self {
            child,
            master,
            program,
            shown,
            modes,
            stop,
            watcher,
        })
    }

    /// Waits until `fits` accepts the screen, and returns its text.
    ///
    /// # Errors
    /// When it never does; the error shows the screen.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Screen) -> bool) -> Result<String> {
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut shown = self.lock();
        loop {
            let screen = shown.parser.screen();
            if fits(screen) {
                return Ok(screen.contents());
            }
            if deadline.passed() {
                bail!("never {what}:\n{}", screen.contents());
            }
            let waited = self.shown.1.wait_timeout(shown, deadline.left());
            shown = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen contains `text`, and returns all of its text.
    ///
    /// # Errors
    /// When it never does; the error shows the screen.
    pub fn wait_for_text(&self, text: &str) -> Result<String> {
        self.wait_for(&format!("showed {text:?}"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Types `keys`.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.master
            .write_all(keys.as_bytes())
            .context("the terminal is closed")
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        self.lock()
            .parser
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        set_size(&self.master, rows, columns)
    }

    /// Sends the program a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)
            .context("the program has ended")
    }

    /// Process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the program, and checks that it has restored the terminal: its modes, the
    /// main screen, the cursor.
    ///
    /// # Errors
    /// When it does not end, or does not restore the terminal.
    pub fn end(&mut self) -> Result<ExitStatus> {
        // The program restores the screen before it ends, so that is awaited first.
        self.wait_for("left the second screen", |screen| {
            !screen.alternate_screen()
        })?;
        let status = self.child.wait()?;
        self.wait_for("showed the cursor again", |screen| !screen.hide_cursor())?;
        let modes = tcgetattr(&self.program)?;
        if modes != self.modes {
            bail!("the modes were {:?} and are {modes:?}", self.modes);
        }
        Ok(status)
    }

    /// Closes the terminal, and waits for the end of the program.
    ///
    /// # Errors
    /// When it does not end.
    pub fn hang_up(mut self) -> Result<ExitStatus> {
        self.stop.write(1)?;
        if let Some(watcher) = self.watcher.take() {
            watcher.join().ok().context("the watcher panicked")?;
        }
        let Self {
            child,
            master,
            program,
            ..
        } = &mut self;
        let null = File::open("/dev/null")?;
        *master = null.try_clone()?;
        *program = null.into();
        let end = calls::process(child.id())?;
        let deadline = Deadline::seconds(PATIENCE_SECS);
        let mut fds = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, deadline.poll_timeout())? == 0 {
            bail!("the program goes on without a terminal");
        }
        Ok(child.wait()?)
    }

    /// Every byte that the program has written.
    pub fn raw(&self) -> Vec<u8> {
        self.lock().raw.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.stop.write(1);
    }
}

/// A screen has at least one row and one column.
fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

/// Master and slave side of a new terminal. They are closed on exec: a program that inherited them would keep
/// the terminal open.
fn terminal() -> Result<(File, OwnedFd)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let program = open(ptsname_r(&master)?.as_str(), flags, Mode::empty())?;
    Ok((File::from(OwnedFd::from(master)), program))
}

fn set_size(terminal: &File, rows: u16, columns: u16) -> Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCSWINSZ reads a Winsize, which `size` is.
    let status = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    Errno::result(status)?;
    Ok(())
}

/// Makes stdin the terminal of a new session.
fn take_terminal() -> nix::Result<()> {
    nix::unistd::setsid()?;
    // SAFETY: TIOCSCTTY takes an integer.
    Errno::result(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) }).map(drop)
}

/// Feeds the screen until the terminal is closed or `stop` is set.
fn watch(mut from: File, stop: &EventFd, to: &(Mutex<Shown>, Condvar)) {
    let mut part = [0; 4096];
    while wait::either(&from, stop).is_ok_and(|came| came == Some(0)) {
        let Ok(n) = from.read(&mut part) else { return };
        let part = part.get(..n).unwrap_or_default();
        let mut shown = to.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.raw.extend_from_slice(part);
        shown.parser.process(part);
        drop(shown);
        to.1.notify_all();
    }
}
