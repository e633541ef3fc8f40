//! The page of connections, one by one or by remote host.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cursor::RowId;
use super::grid::{self, Look};
use super::page_context::{PageContext, hint, why_empty};
use super::state::State;
use crate::view::flow_row::FlowRow;
use crate::view::flows::{FlowsTick, RemoteRow};
use crate::view::flows_table;

/// Draws the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State, context: PageContext<'_>) {
    let tick = FlowsTick::new(context.model, &state.flows, context.names);
    if tick.flows.is_empty() {
        hint(buffer, area, &why_empty(state, context.model));
    }
    match &tick.remotes {
        Some(rows) => by_remote(buffer, area, state, rows),
        None => one_by_one(buffer, area, state, &tick.flows),
    }
}

fn one_by_one(buffer: &mut Buffer, area: Rect, state: &mut State, rows: &[FlowRow<'_>]) {
    let height = grid::rows_in(area);
    state
        .cursor
        .settle(rows.iter().map(|row| RowId::Flow(row.id)).collect(), height);
    let in_sight = rows.iter().skip(state.cursor.offset()).take(height);
    let table = flows_table::table(in_sight, state.sort());
    grid::draw(
        buffer,
        area,
        &table,
        state.cursor.selected_in_sight(),
        Look::of(state),
    );
}

fn by_remote(buffer: &mut Buffer, area: Rect, state: &mut State, rows: &[RemoteRow<'_>]) {
    let height = grid::rows_in(area);
    state.cursor.settle(
        rows.iter().map(|row| RowId::Remote(row.remote)).collect(),
        height,
    );
    let in_sight = rows.iter().skip(state.cursor.offset()).take(height);
    let table = flows_table::by_remote_table(in_sight, state.sort());
    grid::draw(
        buffer,
        area,
        &table,
        state.cursor.selected_in_sight(),
        Look::of(state),
    );
}
