//! What do the keys and the figures mean?

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

use super::surroundings::Surroundings;
use crate::text::visible;

const LINES: [&str; 17] = [
    "q        quit                     s  sort by bytes sent",
    "Tab      processes, connections   r  sort by bytes received",
    "Enter    connections of a process t  sort by both together",
    "/        filter                   a  speeds, or totals since start",
    "Esc      back, clear the filter   m  units",
    "space    pause the display        l  command lines",
    "j k      select (or arrows, page up and down, Home, End)",
    "",
    "SENT, RECEIVED   bytes that a process gave to or took from its",
    "                 sockets, without headers and retransmissions",
    "LAST MINUTE      both directions; each row has a scale of its own",
    "interface line   bytes on the wire, of all processes",
    "lost             0: every byte was counted. map full, unread:",
    "                 bytes may be missing. ring: nothing is missing",
    "[kernel]         bytes that no process can be named for",
    "dim rows         nothing moved in the latest tick",
    "",
];

/// Draws the help over the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, around: &Surroundings) {
    let mut lines: Vec<Line<'_>> = LINES.iter().map(|&line| Line::raw(line)).collect();
    for hook in &around.start.hooks {
        lines.push(Line::raw(format!(
            "{:<16} {}",
            visible(hook.name),
            visible(&hook.attach)
        )));
    }
    for missing in &around.start.unavailable {
        lines.push(Line::raw(format!(
            "not seen: {}: {}",
            visible(&missing.what),
            visible(&missing.why)
        )));
    }
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let over = area.centered(Constraint::Length(70), Constraint::Length(height));
    Clear.render(over, buffer);
    let block = Block::bordered().title(" help: any key closes ");
    Paragraph::new(lines).block(block).render(over, buffer);
}
