//! The page of processes, with the connections of an opened one below.

use netperf_core::sample::ProcessId;
use netperf_core::text::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use super::cursor::RowId;
use super::grid::{self, Look};
use super::scene::{Scene, hint, line, why_empty};
use super::state::State;
use crate::view::flows;
use crate::view::flows_table;
use crate::view::top::{Top, TopOptions};
use crate::view::top_table::{self, TopLook};

/// Draws the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State, scene: Scene<'_>) {
    match state.opened {
        Some(id) => {
            let parts = [Constraint::Fill(1), Constraint::Percentage(45)];
            let [upper, lower] = Layout::vertical(parts).areas(area);
            processes(buffer, upper, state, scene);
            connections(buffer, lower, state, scene, id);
        }
        None => processes(buffer, area, state, scene),
    }
}

fn processes(buffer: &mut Buffer, area: Rect, state: &mut State, scene: Scene<'_>) {
    let options = TopOptions {
        connections: false,
        ..state.top.clone()
    };
    let rows = Top::new(scene.model, &options, scene.names).processes;
    if rows.is_empty() {
        hint(buffer, area, &why_empty(state, scene.model));
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
        trend_until: Some(scene.model.at()),
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

fn connections(buffer: &mut Buffer, area: Rect, state: &State, scene: Scene<'_>, id: ProcessId) {
    let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let process = scene
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
    let rows = flows::of_process(scene.model, id, state.sort(), scene.names);
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
