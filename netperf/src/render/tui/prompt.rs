//! What filter is being typed?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::text::visible;

/// Draws the line in which a filter is typed.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, text: &str, error: Option<&str>) {
    let hint = error.unwrap_or("name, user, command, unit or address; Enter keeps, Esc clears");
    let line = Line::from(vec![
        Span::styled("filter: ", Modifier::BOLD),
        Span::raw(visible(text)),
        Span::styled(" ", Modifier::REVERSED),
        Span::styled(
            format!("  {hint}"),
            Style::new().add_modifier(Modifier::DIM),
        ),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}
