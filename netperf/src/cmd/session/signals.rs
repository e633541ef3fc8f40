//! The signals that end a session cleanly.

use std::io;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) enum Stop {
    /// SIGINT, of Ctrl-C.
    Interrupt,
    /// SIGTERM, the default of `kill`.
    Terminate,
    /// SIGQUIT, of Ctrl-\\.
    Quit,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

/// Receives the signals to end. Once opened, they no longer kill the process.
pub(in crate::cmd) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Takes the signals over. A SIGHUP that was ignored at start stays ignored: that is `nohup`.
    ///
    /// # Errors
    /// When the kernel refuses a handler.
    pub(in crate::cmd) fn open() -> anyhow::Result<Self> {
        Self::take_over().context("can't handle signals")
    }

    fn take_over() -> io::Result<Self> {
        let hangup = if is_ignored(libc::SIGHUP) {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }
}

/// A source of signals to end.
pub(in crate::cmd) trait Stops {
    /// Waits for the next signal. Dropping the future loses nothing.
    async fn next(&mut self) -> Stop;
}

impl Stops for Signals {
    async fn next(&mut self) -> Stop {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
            _ = self.quit.recv() => Stop::Quit,
            _ = hangup => Stop::Hangup,
        }
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    #![expect(
        unsafe_code,
        reason = "std has no way to ask for a signal's disposition"
    )]
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; `action` is valid and writable for the whole call.
    let status = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all fields of a sigaction are valid when zero, and the kernel wrote it on success.
    let action = unsafe { action.assume_init() };
    status == 0 && action.sa_sigaction == libc::SIG_IGN
}
