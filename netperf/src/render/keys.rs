//! Keys for a limit in the foreground of a terminal.

use std::io;

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
};

/// Meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Raise the rate by a tenth.
    Faster,
    /// Lower the rate by a tenth.
    Slower,
    /// End the limit.
    Quit,
}

/// Reads keys without waiting for Enter. Dropping it restores the terminal. Ctrl-C still sends its
/// signal.
pub struct Keys {
    events: Option<EventStream>,
    before: Option<Termios>,
}

impl Keys {
    /// Starts reading keys if this process is in the foreground of a terminal; otherwise there are
    /// none.
    ///
    /// # Errors
    ///
    /// The terminal refuses.
    pub fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        // The kernel stops a background process that changes the terminal.
        let is_ours = isatty(&stdin) && tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp());
        if !is_ours {
            return Ok(Self::none());
        }
        let before = tcgetattr(&stdin)?;
        let mut at_once = before.clone();
        at_once.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        tcsetattr(&stdin, OptionalActions::Now, &at_once)?;
        Ok(Self {
            events: Some(EventStream::new()),
            before: Some(before),
        })
    }

    /// No keys at all.
    pub fn none() -> Self {
        Self {
            events: None,
            before: None,
        }
    }

    /// Whether keys are read.
    pub fn are_heard(&self) -> bool {
        self.events.is_some()
    }

    /// Waits for the next known key. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Key {
        loop {
            let Some(events) = &mut self.events else {
                return std::future::pending().await;
            };
            match events.next().await {
                Some(Ok(Event::Key(key))) => {
                    if let Some(meaning) = meaning(key) {
                        return meaning;
                    }
                }
                Some(Ok(_)) => {}
                // The terminal is gone.
                Some(Err(_)) | None => return Key::Quit,
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Where the terminal is gone there is nothing to give back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most of the many keys mean nothing"
)]
fn meaning(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Key::Quit);
    }
    match key.code {
        KeyCode::Char('+' | '=') => Some(Key::Faster),
        KeyCode::Char('-' | '_') => Some(Key::Slower),
        KeyCode::Char('q') => Some(Key::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_minus_change_the_rate_and_q_and_control_c_end_it() {
        let press = |code, modifiers| meaning(KeyEvent::new(code, modifiers));
        let plain = |letter| press(KeyCode::Char(letter), KeyModifiers::NONE);
        assert_eq!(plain('+'), Some(Key::Faster));
        assert_eq!(plain('-'), Some(Key::Slower));
        assert_eq!(plain('q'), Some(Key::Quit));
        assert_eq!(plain('c'), None);
        let control = KeyModifiers::CONTROL;
        assert_eq!(press(KeyCode::Char('c'), control), Some(Key::Quit));
        assert_eq!(press(KeyCode::Char('q'), control), None);
    }
}
