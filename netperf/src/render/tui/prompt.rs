//! What is being typed: a filter, or the rate of a limit?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::text::visible;

/// Draws the line in which a filter is typed.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, text: &str, error: Option<&str>) {
    let hint = error.unwrap_or("name, user, command, unit or address; Enter keeps, Esc clears");
    typed(buffer, area, "filter: ", text, hint);
}

/// Draws the line in which the rate of a limit is typed.
pub(super) fn draw_rate(
    buffer: &mut Buffer,
    area: Rect,
    (name, tgid): (&str, u32),
    text: &str,
    error: Option<&str>,
) {
    let hint = error.unwrap_or("20MB, up 5MB, down 160Mbit; Enter limits, Esc does not");
    let title = format!("limit {} ({tgid}) to: ", visible(name));
    typed(buffer, area, &title, text, hint);
}

fn typed(buffer: &mut Buffer, area: Rect, title: &str, text: &str, hint: &str) {
    let line = Line::from(vec![
        Span::styled(title, Modifier::BOLD),
        Span::raw(visible(text)),
        Span::styled(" ", Modifier::REVERSED),
        Span::styled(
            format!("  {hint}"),
            Style::new().add_modifier(Modifier::DIM),
        ),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}
