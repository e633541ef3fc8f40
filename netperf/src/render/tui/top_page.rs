//! The page of processes, with the connections of an opened one below.

use netperf_core::sample::ProcessId;
use netperf_core::text::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use super::cursor::RowId;
use super::grid::{self, Look};
use super::page_context::{PageContext, hint, line, why_empty};
use super::state::State;
use crate::view::flows;
use crate::view::flows_table;
use crate::view::top::{Top, TopOptions};
use crate::view::top_table::{self, TopLook};

/// Draws the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State, context: PageContext<'_>) {
    match state.opened {
        Some(id) => {
            let parts = [Constraint::Fill(1), Constraint::Percentage(45)];
            let [upper, lower] = Layout::vertical(parts).areas(area);
            processes(buffer, upper, state, context);
            connections(buffer, lower, state, context, id);
        }
        None => processes(buffer, area, state, context),
    }
}

fn processes(buffer: &mut Buffer, area: Rect, state: &mut State, context: PageContext<'_>) {
    let options = TopOptions {
        connections: false,
        ..state.top.clone()
    };
    let rows = Top::new(context.model, &options, context.names).processes;
    if rows.is_empty() {
        hint(buffer, area, &why_empty(state, context.model));
    }
    let height = grid::rows_in(area);
    state.cursor.settle(
        rows.iter().map(|row| RowId::Process(row.id())).collect(),
        height,
    );
    let look = TopLook {
        sort: state.sort(),
        command_line: state.command_line,
        limits: &state.limits,
        trend_until: Some(context.model.at()),
    };
    let in_sight = rows.iter().skip(state.cursor.offset()).take(height);
    let table = top_table::table(in_sight, look);
    grid::draw(
        buffer,
        area,
        &table,
        state.cursor.selected_in_sight(),
        Look::of(state),
    );
}

fn connections(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    context: PageContext<'_>,
    id: ProcessId,
) {
    let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let process = context
        .model
        .processes()
        .get(id)
        .map(|traffic| &traffic.process);
    let name = process.map_or("a process that has ended".into(), |process| {
        visible(&process.name)
    });
    line(
        buffer,
        title,
        &format!("CONNECTIONS of {name} (PID {}), Enter closes", id.tgid),
    );
    let rows = flows::of_process(context.model, id, state.sort(), context.names);
    if rows.is_empty() {
        hint(
            buffer,
            body,
            "none has moved anything in the last 40 seconds",
        );
    }
    let table = flows_table::table(rows.iter().take(grid::rows_in(body)), state.sort());
    grid::draw(buffer, body, &table, None, Look::of(state));
}
