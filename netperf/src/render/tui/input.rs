//! The meaning of keys.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most of the many keys mean nothing"
)]

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::cursor::Motion;
use super::overlay::Overlay;
use crate::view::sort::SortKey;

/// An action of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Suspend,
    Sort(SortKey),
    Units,
    Figures,
    CommandLine,
    Filter,
    Pause,
    Move(Motion),
    Open,
    NextPage,
    Help,
    Back,
    /// Set a limit for the selected process.
    Limit,
    /// End the limits of the selected process.
    Lift,
    /// A character of the text that is typed.
    Type(char),
    Erase,
    Accept,
}

/// The action of a key, given the overlay that is open.
pub(super) fn action(key: KeyEvent, overlay: &Overlay) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Action::Quit),
            KeyCode::Char('z') => Some(Action::Suspend),
            _ => None,
        };
    }
    match overlay {
        Overlay::Prompt { .. } | Overlay::Rate { .. } => typing(key.code),
        Overlay::Help => Some(match key.code {
            KeyCode::Char('q') => Action::Quit,
            _ => Action::Back,
        }),
        Overlay::Nothing => command(key.code),
    }
}

fn typing(key: KeyCode) -> Option<Action> {
    match key {
        KeyCode::Char(letter) => Some(Action::Type(letter)),
        KeyCode::Backspace => Some(Action::Erase),
        KeyCode::Enter => Some(Action::Accept),
        KeyCode::Esc => Some(Action::Back),
        _ => None,
    }
}

fn command(key: KeyCode) -> Option<Action> {
    Some(match key {
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('s') => Action::Sort(SortKey::Tx),
        KeyCode::Char('r') => Action::Sort(SortKey::Rx),
        KeyCode::Char('t') => Action::Sort(SortKey::Total),
        KeyCode::Char('m') => Action::Units,
        KeyCode::Char('a') => Action::Figures,
        KeyCode::Char('l') => Action::CommandLine,
        KeyCode::Char('/') => Action::Filter,
        KeyCode::Char(' ') => Action::Pause,
        KeyCode::Char('L') => Action::Limit,
        KeyCode::Char('U') => Action::Lift,
        KeyCode::Char('?') => Action::Help,
        KeyCode::Char('k') | KeyCode::Up => Action::Move(Motion::Up),
        KeyCode::Char('j') | KeyCode::Down => Action::Move(Motion::Down),
        KeyCode::PageUp => Action::Move(Motion::PageUp),
        KeyCode::PageDown => Action::Move(Motion::PageDown),
        KeyCode::Home => Action::Move(Motion::First),
        KeyCode::End => Action::Move(Motion::Last),
        KeyCode::Enter => Action::Open,
        KeyCode::Tab => Action::NextPage,
        KeyCode::Esc => Action::Back,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, overlay: &Overlay) -> Option<Action> {
        action(KeyEvent::new(code, KeyModifiers::NONE), overlay)
    }

    #[test]
    fn every_key_of_the_contract_does_something() {
        let keys = [
            'q', 's', 'r', 't', 'm', 'a', 'l', '/', ' ', 'j', 'k', 'L', 'U', '?',
        ];
        for key in keys {
            assert!(
                press(KeyCode::Char(key), &Overlay::Nothing).is_some(),
                "{key}"
            );
        }
        for key in [KeyCode::Up, KeyCode::Down, KeyCode::Enter, KeyCode::Tab] {
            assert!(press(key, &Overlay::Nothing).is_some(), "{key}");
        }
    }

    #[test]
    fn keys_are_letters_while_a_filter_is_typed() {
        let prompt = Overlay::Prompt {
            text: String::new(),
            error: None,
        };
        assert_eq!(press(KeyCode::Char('q'), &prompt), Some(Action::Type('q')));
        assert_eq!(press(KeyCode::Enter, &prompt), Some(Action::Accept));
    }

    #[test]
    fn control_c_quits_everywhere_and_letters_with_control_are_no_commands() {
        let prompt = Overlay::Prompt {
            text: String::new(),
            error: None,
        };
        let control = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        for overlay in [&prompt, &Overlay::Help, &Overlay::Nothing] {
            assert_eq!(action(control('c'), overlay), Some(Action::Quit));
            assert_eq!(action(control('z'), overlay), Some(Action::Suspend));
            assert_eq!(action(control('s'), overlay), None);
        }
    }
}
