//! The figures that pages draw from, and their text when they are empty.

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::text::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::state::{Page, State};

/// What a page draws from.
#[derive(Clone, Copy)]
pub(super) struct PageContext<'s> {
    pub(super) model: &'s Model,
    pub(super) names: &'s dyn HostNames,
}

/// Writes one line in bold.
pub(super) fn line(buffer: &mut Buffer, area: Rect, text: &str) {
    if area.height > 0 {
        buffer.set_stringn(area.x, area.y, text, area.width.into(), Modifier::BOLD);
    }
}

/// Writes why there are no rows.
pub(super) fn hint(buffer: &mut Buffer, area: Rect, text: &str) {
    let x = area.x + 2.min(area.width);
    let y = area.y + 1.min(area.height.saturating_sub(1));
    buffer.set_stringn(
        x,
        y,
        text,
        area.width.saturating_sub(2).into(),
        Style::new(),
    );
}

/// Why the page has no rows.
pub(super) fn why_empty(state: &State, model: &Model) -> String {
    if model.ticks() == 0 {
        return "counting: the first figures come with the first tick".to_owned();
    }
    if !state.filter.is_empty() {
        return format!(
            "nothing matches the filter `{}`: Esc clears it",
            visible(&state.filter)
        );
    }
    if state.has_options() {
        return "waiting for traffic of what the options ask for".to_owned();
    }
    let (who, ever) = match state.page {
        Page::Top | Page::States => ("process", "yet"),
        Page::Flows => ("connection", "in the last 40 seconds"),
    };
    format!("waiting for traffic: no {who} has sent or received anything {ever}")
}
