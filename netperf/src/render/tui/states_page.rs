//! The page of TCP states by process, with findings or the sockets of one process below.

use netperf_core::model::query::ProcessQuery;
use netperf_core::model::states::counts::STATES;
use netperf_core::sample::socket::SocketSample;
use netperf_core::sample::state_set::StateSet;
use netperf_core::text::visible;
use netperf_diagnose::{Finding, Level};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::cursor::{Cursor, RowId};
use super::grid::{self, Look};
use super::page_context::{hint, line};
use super::sockets_state::{self, SocketsState};
use super::state::State;
use crate::render::cell::trend;
use crate::render::prose::wrapped;
use crate::view::socket_filter::SocketFilter;
use crate::view::sockets::table as sockets_table;
use crate::view::sockets::{SocketsOptions, SocketsTick};
use crate::view::states::{StatesTick, table};

/// Columns before the text of a finding.
const INDENT: u16 = 10;

/// Draws the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State) {
    if let Some(error) = &state.sockets.error {
        return hint(buffer, area, &format!("no look: {}", visible(error)));
    }
    let waiting = if state.is_paused() {
        "paused: press space to look at the sockets"
    } else {
        "looking at the sockets"
    };
    let look = Look::of(state);
    let State {
        sockets,
        cursor,
        top,
        ..
    } = state;
    let Some(sample) = &sockets.sample else {
        return hint(buffer, area, waiting);
    };
    let tick = StatesTick::new(&sockets.model, &sockets_state::options(&top.processes));
    let has_trend = sockets.time_wait.iter().any(|&count| count > 0);
    let [total, upper, title, lower] = parts(area, has_trend, tick.figures.by_process.len());
    totals(buffer, total, sockets, &counts(&tick), look);
    processes(buffer, upper, cursor, &tick, look);
    if let Some(id) = sockets.opened {
        let tick = sockets_of(sample, id.tgid);
        let count = tick.sockets.len();
        let text = format!("SOCKETS of PID {}: {count}, Enter closes", id.tgid);
        line(buffer, title, &text);
        let table = sockets_table(tick.sockets.iter().take(grid::rows_in(lower)));
        grid::draw(buffer, lower, &table, None, look);
    } else {
        line(buffer, title, "FINDINGS");
        findings(buffer, lower, &tick.findings, look);
    }
}

/// Layout: totals, the processes on at most half of the page, a title, the rest.
fn parts(area: Rect, has_trend: bool, processes: usize) -> [Rect; 4] {
    let rows = u16::try_from(processes + 1).unwrap_or(u16::MAX);
    let upper = rows.max(3).min(area.height / 2);
    let parts = [
        Constraint::Length(1 + u16::from(has_trend)),
        Constraint::Length(upper),
        Constraint::Length(1),
        Constraint::Fill(1),
    ];
    Layout::vertical(parts).areas(area)
}

/// Counts by state: `ESTABLISHED 241  TIME_WAIT 8000`.
fn counts(tick: &StatesTick<'_>) -> String {
    let occurs = STATES
        .into_iter()
        .filter(|&it| tick.figures.counts.of(it) > 0);
    let words = occurs.map(|it| format!("{} {}", it.name(), tick.figures.counts.of(it)));
    words.collect::<Vec<_>>().join("  ")
}

/// The counts, and the trend of TIME_WAIT.
fn totals(buffer: &mut Buffer, area: Rect, sockets: &SocketsState, counts: &str, look: Look) {
    let mut lines = area.rows();
    if let Some(line) = lines.next() {
        buffer.set_stringn(line.x, line.y, counts, line.width.into(), Style::new());
    }
    if let Some(line) = lines.next() {
        let label = "TIME_WAIT at each look  ";
        let room = usize::from(line.width).saturating_sub(label.len());
        let history: Vec<u64> = sockets.time_wait.iter().copied().collect();
        let spans = vec![
            Span::styled(label, look.heading()),
            Span::raw(trend(&history, room)),
        ];
        buffer.set_line(line.x, line.y, &Line::from(spans), line.width);
    }
}

fn processes(
    buffer: &mut Buffer,
    area: Rect,
    cursor: &mut Cursor,
    tick: &StatesTick<'_>,
    look: Look,
) {
    let rows = &tick.figures.by_process;
    if rows.is_empty() {
        hint(buffer, area, "no process that is wanted has TCP sockets");
    }
    let height = grid::rows_in(area);
    let ids = rows.iter().map(|row| RowId::Holder(row.holder));
    cursor.settle(ids.collect(), height);
    let offset = cursor.offset();
    let in_sight = rows.len().min(offset + height);
    let table = table::processes(&rows[offset.min(in_sight)..in_sight]);
    let selected = cursor.selected_in_sight();
    grid::draw(buffer, area, &table, selected, look);
}

fn sockets_of(sample: &SocketSample, tgid: u32) -> SocketsTick<'_> {
    let options = SocketsOptions {
        states: StateSet::ALL,
        filter: SocketFilter::default(),
        processes: ProcessQuery {
            pids: vec![tgid],
            ..ProcessQuery::default()
        },
        summary_only: false,
        explain: None,
    };
    SocketsTick::new(sample, &options, None)
}

/// The findings, the worst first; then evidence and advice, as far as they fit.
pub(super) fn findings(buffer: &mut Buffer, area: Rect, findings: &[Finding], look: Look) {
    let room = usize::from(area.width.saturating_sub(INDENT));
    let mut explained = FindingLines::new(findings, room);
    explained.add(usize::from(area.height), |finding| {
        vec![finding.evidence.clone()]
    });
    explained.add(usize::from(area.height), |finding| {
        let advice = finding.advice.iter();
        advice.map(|advice| format!("-> {advice}")).collect()
    });
    let mut lines = area.rows();
    for (finding, texts) in findings.iter().zip(&explained.texts) {
        for (at, text) in texts.iter().enumerate() {
            let Some(line) = lines.next() else { return };
            if at == 0 {
                let word = finding.level.word();
                buffer.set_string(line.x, line.y, word, style(finding.level, look));
            }
            buffer.set_stringn(line.x + INDENT, line.y, text, room, Style::new());
        }
    }
}

/// Lines of each finding.
struct FindingLines<'f> {
    findings: &'f [Finding],
    texts: Vec<Vec<String>>,
    room: usize,
}

impl<'f> FindingLines<'f> {
    fn new(findings: &'f [Finding], room: usize) -> Self {
        let what = findings.iter().map(|finding| wrapped(&finding.what, room));
        Self {
            findings,
            texts: what.collect(),
            room,
        }
    }

    /// Adds lines to each finding, the worst first, as long as all fit into `height` lines.
    fn add(&mut self, height: usize, more: impl Fn(&Finding) -> Vec<String>) {
        let mut left = height.saturating_sub(self.texts.iter().map(Vec::len).sum());
        for (finding, texts) in self.findings.iter().zip(&mut self.texts) {
            for sentence in more(finding) {
                let lines = wrapped(&sentence, self.room);
                let Some(rest) = left.checked_sub(lines.len()) else {
                    return;
                };
                left = rest;
                texts.extend(lines);
            }
        }
    }
}

/// The style of a level. Colour never adds information.
fn style(level: Level, look: Look) -> Style {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    match (level, look.color) {
        (Level::Critical, true) => bold.fg(Color::Red),
        (Level::Warn, true) => bold.fg(Color::Yellow),
        (Level::Ok, true) => bold.fg(Color::Green),
        (_, false) => bold,
    }
}
