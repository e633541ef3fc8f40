//! The prompt for a filter or a rate, with the error below it.

use netperf_core::text::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::overlay::Overlay;
use crate::render::prose::wrapped;

/// A line of input.
pub(super) struct Prompt<'o> {
    title: String,
    text: &'o str,
    hint: &'static str,
    error: Option<&'o str>,
}

impl<'o> Prompt<'o> {
    /// The prompt of an overlay, if it has one.
    pub(super) fn of(overlay: &'o Overlay) -> Option<Self> {
        match overlay {
            Overlay::Nothing | Overlay::Help => None,
            Overlay::Prompt { text, error } => Some(Self {
                title: "filter: ".to_owned(),
                text,
                hint: "name, user, command, unit or address; Enter keeps, Esc clears",
                error: error.as_deref(),
            }),
            Overlay::Rate {
                process,
                name,
                text,
                error,
            } => Some(Self {
                title: format!("limit {} ({}) to: ", visible(name), process.tgid),
                text,
                hint: "20MB, or up 5MB; Enter, or Esc to leave",
                error: error.as_deref(),
            }),
        }
    }

    /// Lines of the prompt.
    pub(super) fn height(&self, columns: u16) -> u16 {
        let lines = self.error_lines(columns).len();
        u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(1)
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect) {
        let dim = Style::new().add_modifier(Modifier::DIM);
        let hint = if self.error.is_none() { self.hint } else { "" };
        let line = Line::from(vec![
            Span::styled(&self.title, Modifier::BOLD),
            Span::raw(visible(self.text)),
            Span::styled(" ", Modifier::REVERSED),
            Span::styled(format!("  {hint}"), dim),
        ]);
        let errors = self.error_lines(area.width).into_iter();
        let errors = errors.map(|text| Line::styled(text, dim));
        for (line, row) in std::iter::once(line).chain(errors).zip(area.rows()) {
            buffer.set_line(row.x, row.y, &line, row.width);
        }
    }

    fn error_lines(&self, columns: u16) -> Vec<String> {
        let wrapped = |error| wrapped(error, columns.into());
        self.error.map_or_else(Vec::new, wrapped)
    }
}
