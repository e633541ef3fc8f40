//! How is the screen divided, and what stands where?

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::grid::{self, Look};
use super::state::{Overlay, Page, RowId, State};
use super::{footer, header, help, links, prompt};
use crate::clock::MonoNs;
use crate::model::Model;
use crate::sample::ProcessId;
use crate::text::visible;
use crate::view::envelope::Start;
use crate::view::flows::{self, FlowsTick};
use crate::view::flows_table;
use crate::view::host_names::HostNames;
use crate::view::sort::{Figures, SortKey};
use crate::view::table::Table;
use crate::view::top::{Top, TopOptions};
use crate::view::top_table::{self, TopLook};

/// Smallest terminal on which anything can be read.
const SMALLEST: (u16, u16) = (40, 8);

/// What stays the same during a session, and the latest message.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) start: Start,
    message: Option<(String, MonoNs)>,
}

impl Surroundings {
    pub(super) fn new(start: &Start) -> Self {
        Self {
            start: start.clone(),
            message: None,
        }
    }

    /// Shows a message from now on for a while.
    pub(super) fn say(&mut self, text: String, now: MonoNs) {
        self.message = Some((text, now));
    }

    /// What the line above the keys says: what is wrong now, else the latest message.
    fn message(&self, model: &Model) -> Option<String> {
        const SHOWN_NS: u64 = 10_000_000_000;
        if let Some(source) = model.degraded().first() {
            return Some(format!("not read in this tick: {}", visible(source)));
        }
        let (text, since) = self.message.as_ref()?;
        (model.at().0.saturating_sub(since.0) < SHOWN_NS).then(|| visible(text).into_owned())
    }
}

/// Draws everything.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    state: &mut State,
    around: &Surroundings,
    model: &Model,
    names: &dyn HostNames,
) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (width, height) = SMALLEST;
        let text = format!("too small: needs {width}x{height}");
        buffer.set_stringn(area.x, area.y, text, area.width.into(), Style::new());
        return;
    }
    let frozen = state.frozen.take();
    let shown = frozen.as_ref().unwrap_or(model);
    let message = around.message(model);
    let [head, link, title, body, note, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(message.is_some().into()),
        Constraint::Length(1),
    ])
    .areas(area);
    let look = Look {
        units: state.units,
        color: state.color,
    };
    header::draw(buffer, head, around, shown, look);
    links::draw(buffer, link, shown, look);
    page(buffer, body, state, shown, names);
    title_line(buffer, title, state, frozen.is_some());
    if let Some(message) = message {
        buffer.set_stringn(note.x, note.y, message, note.width.into(), Modifier::BOLD);
    }
    match &state.overlay {
        Overlay::Prompt { text, error } => prompt::draw(buffer, foot, text, error.as_deref()),
        Overlay::Nothing | Overlay::Help => footer::draw(buffer, foot, state.page, look),
    }
    if state.overlay == Overlay::Help {
        help::draw(buffer, area, around);
    }
    state.frozen = frozen;
}

fn page(buffer: &mut Buffer, area: Rect, state: &mut State, model: &Model, names: &dyn HostNames) {
    match state.page {
        Page::Top => top(buffer, area, state, model, names),
        Page::Flows => flows(buffer, area, state, model, names),
    }
}

fn top(buffer: &mut Buffer, area: Rect, state: &mut State, model: &Model, names: &dyn HostNames) {
    let options = TopOptions {
        connections: false,
        ..state.top.clone()
    };
    let top = Top::new(model, &options, names);
    let area = match state.opened {
        Some(id) => {
            let parts = [Constraint::Fill(1), Constraint::Percentage(45)];
            let [upper, lower] = Layout::vertical(parts).areas(area);
            connections(buffer, lower, state, model, id, names);
            upper
        }
        None => area,
    };
    let ids = top
        .processes
        .iter()
        .map(|row| RowId::Process(row.id()))
        .collect();
    state.cursor.settle(ids, grid::rows_in(area));
    let look = TopLook {
        sort: state.sort(),
        command_line: state.command_line,
        trend_until: Some(model.at()),
    };
    let in_sight = top
        .processes
        .iter()
        .skip(state.cursor.offset)
        .take(grid::rows_in(area));
    let table = top_table::table(in_sight, look);
    show(buffer, area, state, &table, model);
}

fn flows(buffer: &mut Buffer, area: Rect, state: &mut State, model: &Model, names: &dyn HostNames) {
    let tick = FlowsTick::new(model, &state.flows, names);
    let height = grid::rows_in(area);
    let table = if let Some(remotes) = &tick.remotes {
        state.cursor.settle(
            remotes
                .iter()
                .map(|row| RowId::Remote(row.remote))
                .collect(),
            height,
        );
        let in_sight = remotes.iter().skip(state.cursor.offset).take(height);
        flows_table::by_remote_table(in_sight, state.sort())
    } else {
        state.cursor.settle(
            tick.flows.iter().map(|row| RowId::Flow(row.id)).collect(),
            height,
        );
        let in_sight = tick.flows.iter().skip(state.cursor.offset).take(height);
        flows_table::table(in_sight, state.sort())
    };
    show(buffer, area, state, &table, model);
}

/// The connections of one process, below the processes.
fn connections(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    model: &Model,
    id: ProcessId,
    names: &dyn HostNames,
) {
    let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let process = model.processes().get(id).map(|traffic| &traffic.process);
    let name = process.map_or("a process that has ended".into(), |process| {
        visible(&process.name)
    });
    let text = format!("CONNECTIONS of {name} (PID {}), Enter closes", id.tgid);
    buffer.set_stringn(title.x, title.y, text, title.width.into(), Modifier::BOLD);
    let rows = flows::of_process(model, id, state.sort(), names);
    if rows.is_empty() {
        hint(buffer, body, "it has moved nothing in the last 40 seconds");
        return;
    }
    let table = flows_table::table(rows.iter().take(grid::rows_in(body)), state.sort());
    grid::draw(buffer, body, &table, None, look(state));
}

fn show(buffer: &mut Buffer, area: Rect, state: &State, table: &Table<'_>, model: &Model) {
    if table.rows.is_empty() {
        hint(buffer, area, &why_empty(state, model));
    } else {
        let selected = state.cursor.selected_in_sight();
        grid::draw(buffer, area, table, selected, look(state));
    }
}

fn look(state: &State) -> Look {
    Look {
        units: state.units,
        color: state.color,
    }
}

fn why_empty(state: &State, model: &Model) -> String {
    if !state.filter.is_empty() {
        return format!(
            "nothing matches the filter `{}`: Esc clears it",
            visible(&state.filter)
        );
    }
    if !state.top.processes.is_empty() {
        return "waiting for traffic of the processes that the options ask for".to_owned();
    }
    let (who, ever) = match state.page {
        Page::Top => ("process", "yet"),
        Page::Flows => ("connection", "in the last 40 seconds"),
    };
    if model.ticks() == 0 {
        return "counting: the first figures come with the first tick".to_owned();
    }
    format!("waiting for traffic: no {who} has sent or received anything {ever}")
}

fn hint(buffer: &mut Buffer, area: Rect, text: &str) {
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

/// What is below, in which order, and what is hidden.
fn title_line(buffer: &mut Buffer, area: Rect, state: &State, paused: bool) {
    let what = match (state.page, state.flows.by_remote) {
        (Page::Top, _) => "PROCESSES",
        (Page::Flows, true) => "REMOTE HOSTS",
        (Page::Flows, false) => "CONNECTIONS",
    };
    let sort = state.sort();
    let figures = match sort.figures {
        Figures::Rates => "now",
        Figures::Totals => "since start",
    };
    let mut text = format!(
        "{what} by {}, {figures}: {}",
        words(sort.key),
        state.cursor.len()
    );
    if !state.filter.is_empty() {
        text = format!("{text}, filter `{}`", visible(&state.filter));
    }
    if paused {
        text = format!("{text}, PAUSED (counting goes on)");
    }
    let style = Style::new().add_modifier(Modifier::BOLD);
    buffer.set_line(area.x, area.y, &Line::styled(text, style), area.width);
}

fn words(key: SortKey) -> &'static str {
    match key {
        SortKey::Tx => "bytes sent",
        SortKey::Rx => "bytes received",
        SortKey::Total => "bytes sent and received",
        SortKey::Retrans => "retransmissions",
        SortKey::Pid => "PID",
        SortKey::Name => "name",
    }
}
