//! The line of keys at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::grid::Look;
use super::state::{Page, State};
use crate::view::sort::Figures;

/// Draws the most useful keys, as many as fit.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &State, look: Look) {
    let (next, open) = match state.page {
        Page::Top => ("connections", "its connections"),
        Page::Flows => ("states", ""),
        Page::States => ("processes", "its sockets"),
    };
    let figures = match state.sort().figures {
        Figures::Rates => "totals",
        Figures::Totals => "speeds",
    };
    // The states have an order of their own.
    let of_bytes = |meaning| {
        if state.page == Page::States {
            ""
        } else {
            meaning
        }
    };
    let keys = [
        ("q", "quit"),
        ("?", "help"),
        ("Tab", next),
        ("/", "filter"),
        ("s r t", of_bytes("sort")),
        ("Enter", open),
        ("a", of_bytes(figures)),
        ("m", of_bytes("units")),
        ("l", of_bytes("command")),
        ("space", if state.is_paused() { "go on" } else { "pause" }),
        ("L", if state.page == Page::Top { "limit" } else { "" }),
    ];
    let mut spans = Vec::new();
    let mut room: usize = area.width.into();
    for (key, meaning) in keys.into_iter().filter(|(_, meaning)| !meaning.is_empty()) {
        let needed = key.len() + meaning.len() + 3;
        if needed > room + 2 {
            break;
        }
        room = room.saturating_sub(needed);
        spans.push(Span::styled(key, look.heading()));
        spans.push(Span::raw(format!(" {meaning}  ")));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}
