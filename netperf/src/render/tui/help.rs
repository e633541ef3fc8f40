//! The help: keys and figures explained.

use netperf_core::text::{visible, width};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Padding, Paragraph, Widget};

use super::status_line::StatusLine;

const LINES: [&str; 18] = [
    "q        quit                     s  sort by bytes sent",
    "Tab      processes, connections,  r  sort by bytes received",
    "         states of TCP sockets    t  sort by both together",
    "Enter    connections of a process, or its sockets",
    "/        filter                   a  speeds, or totals since start",
    "Esc      back, clear the filter   m  units",
    "space    pause the display        l  command lines",
    "j k      select (or arrows, page up and down, Home, End)",
    "L        limit the process        U  lift its limits",
    "",
    "SENT, RECEIVED   bytes that a process gave to or took from its",
    "                 sockets, without headers and retransmissions",
    "LAST MINUTE      both directions; each row has a scale of its own",
    "interface line   bytes on the wire, of all processes",
    "lost             0: every byte was counted. map full, unread:",
    "                 bytes may be missing. ring: nothing is missing",
    "[kernel]         bytes that no process can be named for",
    "dim rows         nothing moved in the latest tick",
];

/// Width of the text.
const WIDTH: usize = 66;

/// Draws the help over the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, status: &StatusLine) {
    let mut lines: Vec<String> = LINES.map(str::to_owned).into();
    lines.extend(wrapped(&format!(
        "hooks: {}",
        status.start.attachments().join(" ")
    )));
    for missing in &status.start.unavailable {
        lines.extend(wrapped(&format!(
            "not seen: {}: {}",
            missing.what, missing.why
        )));
    }
    let lines: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let over = area.centered(Constraint::Length(70), Constraint::Length(height));
    Clear.render(over, buffer);
    let block = Block::bordered()
        .title(" help: any key closes ")
        .padding(Padding::horizontal(1));
    Paragraph::new(lines).block(block).render(over, buffer);
}

/// Text in lines that fit the box.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in visible(text).split(' ') {
        if let Some(line) = lines
            .last_mut()
            .filter(|line| width(line) + width(word) < WIDTH)
        {
            line.push_str(word);
            line.push(' ');
        } else {
            lines.push(format!("  {word} "));
        }
    }
    lines
}
