//! The page of `path`: target, figures of the destination, hops, findings.

use netperf_core::model::path::PathModel;
use netperf_core::text::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::grid::{self, Look};
use super::page_context::{hint, line};
use super::path_keys::PathAction;
use super::states_page::findings;
use crate::render::cell::trend;
use crate::render::path::{destination, heading};
use crate::view::path::{PathTick, table};

/// Which path is shown, and which part of it.
#[derive(Debug)]
pub(super) struct PathPage {
    look: Look,
    number: usize,
    first_row: usize,
    is_paused: bool,
    /// The latest log line.
    pub(super) message: Option<String>,
}

impl PathPage {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            number: 0,
            first_row: 0,
            is_paused: false,
            message: None,
        }
    }

    /// Index of the path that is shown, of so many.
    pub(super) fn number(&self, paths: usize) -> usize {
        self.number.checked_rem(paths).unwrap_or(0)
    }

    pub(super) fn apply(&mut self, action: PathAction) {
        match action {
            PathAction::NextPath => {
                self.number += 1;
                self.first_row = 0;
            }
            PathAction::Pause => self.is_paused = !self.is_paused,
            PathAction::Up => self.first_row = self.first_row.saturating_sub(1),
            PathAction::Down => self.first_row += 1,
            PathAction::Quit | PathAction::Suspend => {}
        }
    }
}

/// A path with its findings, and the number of paths.
#[derive(Clone, Copy)]
pub(super) struct Shown<'s> {
    pub(super) path: &'s PathModel,
    pub(super) tick: &'s PathTick<'s>,
    pub(super) paths: usize,
}

/// Draws the page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, page: &mut PathPage, shown: Shown<'_>) {
    let Shown { path, tick, paths } = shown;
    let look = page.look;
    let mut top = vec![numbered(page, tick, paths)];
    top.extend(destination(tick));
    let rows = table::hops(&tick.hops);
    let [upper, history, hops, title, lower, keys] = parts(area, top.len(), rows.rows.len());
    for ((at, text), row) in top.iter().enumerate().zip(upper.rows()) {
        let style = if at == 0 {
            look.heading()
        } else {
            Style::new()
        };
        buffer.set_stringn(row.x, row.y, visible(text), row.width.into(), style);
    }
    times(buffer, history, path, look);
    let room = grid::rows_in(hops);
    page.first_row = page.first_row.min(rows.rows.len().saturating_sub(room));
    let in_sight = table::in_sight(rows, page.first_row, room);
    if tick.cycle == 0 && hops.height > 0 {
        hint(buffer, hops, "waiting for the first answers");
    }
    grid::draw(buffer, hops, &in_sight, None, look);
    line(buffer, title, "FINDINGS");
    findings(buffer, lower, &tick.findings, look);
    footer(buffer, keys, page, paths);
}

fn numbered(page: &PathPage, tick: &PathTick<'_>, paths: usize) -> String {
    let heading = heading(tick);
    let paused = if page.is_paused { "  paused" } else { "" };
    match paths {
        0 | 1 => format!("{heading}{paused}"),
        _ => format!("{heading}  ({} of {paths}){paused}", page.number(paths) + 1),
    }
}

/// Layout of the page. The hops get the lines they need, as long as the findings keep some.
fn parts(area: Rect, top: usize, rows: usize) -> [Rect; 6] {
    let top = u16::try_from(top).unwrap_or(u16::MAX);
    let left = area.height.saturating_sub(top + 3);
    let rows = u16::try_from(rows + 1).unwrap_or(u16::MAX).max(2);
    let parts = [
        Constraint::Length(top),
        Constraint::Length(1),
        Constraint::Length(rows.min((left * 2 / 3).max(4))),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    Layout::vertical(parts).areas(area)
}

/// Trend of the destination's round-trip times.
fn times(buffer: &mut Buffer, area: Rect, path: &PathModel, look: Look) {
    const LABEL: &str = "latest answers  ";
    if area.height == 0 {
        return;
    }
    let room = usize::from(area.width).saturating_sub(LABEL.len());
    let latest: Vec<u64> = path.destination.latest(room).map(u64::from).collect();
    let spans = vec![
        Span::styled(LABEL, look.heading()),
        Span::raw(trend(&latest, room)),
    ];
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// The latest message, or else the keys.
fn footer(buffer: &mut Buffer, area: Rect, page: &mut PathPage, paths: usize) {
    if area.height == 0 {
        return;
    }
    if let Some(message) = page.message.take() {
        return hint(buffer, area, &visible(&message));
    }
    let pause = if page.is_paused { "go on" } else { "pause" };
    let next = if paths > 1 { "next address" } else { "" };
    let keys = [
        ("q", "quit"),
        ("space", pause),
        ("up down", "scroll"),
        ("Tab", next),
    ];
    let keys = keys.into_iter().filter(|(_, meaning)| !meaning.is_empty());
    let spans: Vec<_> = keys
        .flat_map(|(key, meaning)| {
            [
                Span::styled(key, page.look.heading()),
                Span::raw(format!(" {meaning}  ")),
            ]
        })
        .collect();
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::host_names::Numeric;
    use netperf_core::model::path::fixtures::model;
    use netperf_core::units::Units;

    fn screen(width: u16, height: u16, cycles: &[&str], page: &mut PathPage) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let path = model(cycles.iter().copied());
        let tick = PathTick::new(&path, &Numeric, None);
        let shown = Shown {
            path: &path,
            tick: &tick,
            paths: 2,
        };
        draw(&mut buffer, area, page, shown);
        let lines = buffer.content.chunks(width.into()).map(|row| {
            let cells = row.iter().map(ratatui::buffer::Cell::symbol);
            cells.collect::<String>().trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn page() -> PathPage {
        PathPage::new(Look {
            units: Units::Auto,
            color: false,
        })
    }

    const CYCLES: [&str; 2] = ["r1 510, -, r3 1234, ! 20400", "r1 480, -, r3 1300, ! 21000"];

    #[test]
    fn it_fits_three_sizes() {
        insta::assert_snapshot!("path_80x24", screen(80, 24, &CYCLES, &mut page()));
        insta::assert_snapshot!("path_140x40", screen(140, 40, &CYCLES, &mut page()));
        insta::assert_snapshot!("path_40x12", screen(40, 12, &CYCLES, &mut page()));
    }

    #[test]
    fn hops_that_find_no_room_come_into_sight_by_scrolling() {
        let far: Vec<String> = (1..=25).map(|hop| format!("r{hop} 500")).collect();
        let far = far.join(", ") + ", ! 900";
        let mut page = page();
        assert!(!screen(80, 24, &[&far], &mut page).contains("192.0.2.1  "));
        for _ in 0..40 {
            page.apply(PathAction::Down);
        }
        let text = screen(80, 24, &[&far], &mut page);
        assert!(text.contains(" 26  192.0.2.1"), "{text}");
        page.apply(PathAction::Up);
        assert!(!screen(80, 24, &[&far], &mut page).contains(" 26  192.0.2.1"));
    }

    #[test]
    fn before_the_first_cycle_it_says_that_it_waits() {
        assert!(screen(80, 24, &[], &mut page()).contains("waiting for the first answers"));
    }

    #[test]
    fn no_size_makes_it_panic() {
        for (width, height) in [(1, 1), (3, 2), (20, 5), (200, 3), (5, 60)] {
            screen(width, height, &CYCLES, &mut page());
        }
    }
}
