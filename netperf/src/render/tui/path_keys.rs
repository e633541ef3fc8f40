//! The keys of the screen of `path`.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathAction {
    /// End the session.
    Quit,
    /// Go to the shell, as Ctrl-Z does.
    Suspend,
    /// Show the next address.
    NextPath,
    /// Pause the display, or resume it.
    Pause,
    /// Scroll to nearer hops.
    Up,
    /// Scroll to farther hops.
    Down,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most of the many keys mean nothing"
)]
pub(super) fn action(key: KeyEvent) -> Option<PathAction> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(PathAction::Quit),
            KeyCode::Char('z') => Some(PathAction::Suspend),
            _ => None,
        };
    }
    match key.code {
        KeyCode::Char('q') => Some(PathAction::Quit),
        KeyCode::Tab => Some(PathAction::NextPath),
        KeyCode::Char(' ') => Some(PathAction::Pause),
        KeyCode::Up | KeyCode::Char('k') => Some(PathAction::Up),
        KeyCode::Down | KeyCode::Char('j') => Some(PathAction::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_help_says_and_control_keys_what_terminals_expect() {
        let press = |code, modifiers| action(KeyEvent::new(code, modifiers));
        let plain = |code| press(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(PathAction::Quit));
        assert_eq!(plain(KeyCode::Char(' ')), Some(PathAction::Pause));
        assert_eq!(plain(KeyCode::Tab), Some(PathAction::NextPath));
        assert_eq!(plain(KeyCode::Down), Some(PathAction::Down));
        assert_eq!(plain(KeyCode::Char('x')), None);
        let control = |letter| press(KeyCode::Char(letter), KeyModifiers::CONTROL);
        assert_eq!(control('c'), Some(PathAction::Quit));
        assert_eq!(control('z'), Some(PathAction::Suspend));
        assert_eq!(control('q'), None);
    }
}
