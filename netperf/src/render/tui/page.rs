//! Layout of the screen.

use netperf_core::host_names::HostNames;
use netperf_core::model::Model;
use netperf_core::text::visible;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::grid::Look;
use super::overlay::Overlay;
use super::page_context::{PageContext, line};
use super::prompt::Prompt;
use super::state::{Page, State};
use super::status_line::StatusLine;
use super::{flows_page, footer, header, help, links, states_page, top_page};
use crate::view::sort::{Figures, SortKey};

/// Smallest terminal on which anything can be read: columns and lines.
const SMALLEST: (u16, u16) = (40, 8);

/// Draws the whole screen: header, page, keys, and overlays.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    state: &mut State,
    status: &StatusLine,
    model: &Model,
    names: &dyn HostNames,
) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame.buffer_mut(), area);
        return;
    }
    let frozen = state.frozen.clone();
    let context = PageContext {
        model: frozen.as_deref().unwrap_or(model),
        names,
    };
    parts(frame.buffer_mut(), area, state, status, context);
}

fn parts(
    buffer: &mut Buffer,
    area: Rect,
    state: &mut State,
    status: &StatusLine,
    context: PageContext<'_>,
) {
    let message = status.message(context.model);
    let overlay = state.overlay.clone();
    let prompt = Prompt::of(&overlay);
    let [head, link, title, body, note, foot] = Layout::vertical([
        Constraint::Length(header::height(status)),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(message.is_some().into()),
        Constraint::Length(prompt.as_ref().map_or(1, |it| it.height(area.width))),
    ])
    .areas(area);
    let look = Look {
        units: state.units,
        color: state.color,
    };
    header::draw(buffer, head, status, context.model, look);
    links::draw(buffer, link, context.model, look);
    match state.page {
        Page::Top => top_page::draw(buffer, body, state, context),
        Page::Flows => flows_page::draw(buffer, body, state, context),
        Page::States => states_page::draw(buffer, body, state),
    }
    line(buffer, title, &title_of(state));
    line(buffer, note, &message.unwrap_or_default());
    match prompt {
        Some(prompt) => prompt.draw(buffer, foot),
        None => footer::draw(buffer, foot, state, look),
    }
    if overlay == Overlay::Help {
        help::draw(buffer, area, status);
    }
}

fn too_small(buffer: &mut Buffer, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!("terminal too small: needs {width}x{height}");
    buffer.set_stringn(area.x, area.y, text, area.width.into(), Style::new());
}

/// The title of the page: what it shows, in which order, and which filter is on.
fn title_of(state: &State) -> String {
    let mut title = match (state.page, state.flows.by_remote) {
        (Page::Top, _) => ordered("PROCESSES", state),
        (Page::Flows, true) => ordered("REMOTE HOSTS", state),
        (Page::Flows, false) => ordered("CONNECTIONS", state),
        (Page::States, _) => {
            let rows = state.cursor.len();
            format!("STATES of TCP by process, in all network namespaces: {rows}")
        }
    };
    if !state.filter.is_empty() {
        title = format!("{title}, filter `{}`", visible(&state.filter));
    }
    if state.is_paused() {
        title = format!("{title}, PAUSED (counting goes on)");
    }
    title
}

fn ordered(what: &str, state: &State) -> String {
    let sort = state.sort();
    let figures = match sort.figures {
        Figures::Rates => "now",
        Figures::Totals => "since start",
    };
    let key = words(sort.key);
    format!("{what} by {key}, {figures}: {}", state.cursor.len())
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
