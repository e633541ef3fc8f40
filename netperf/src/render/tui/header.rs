//! The lines at the top: session, cost, totals, losses, and what can't be seen.

use netperf_core::model::Model;
use netperf_core::model::traffic::Speed;
use netperf_core::sample::Loss;
use netperf_core::text::visible;
use netperf_core::units::{Bytes, Percent, format_seconds};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::grid::Look;
use super::status_line::StatusLine;
use crate::render::cell::rate;
use crate::view::envelope::Start;
use crate::view::tick::Health;

/// Lines of the header: a third one where something can't be seen.
pub(super) fn height(status: &StatusLine) -> u16 {
    2 + u16::from(!status.start.unavailable.is_empty())
}

/// Draws the lines at the top.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    status: &StatusLine,
    model: &Model,
    look: Look,
) {
    let mut lines = area.rows();
    if let Some(line) = lines.next() {
        split(
            buffer,
            line,
            &session(&status.start, model, look),
            &tracer(model, look),
        );
    }
    if let Some(line) = lines.next() {
        split(buffer, line, &totals(model, look), &loss(model, look));
    }
    if let Some(line) = lines.next() {
        split(buffer, line, &unseen(&status.start), &Line::raw("? why"));
    }
}

fn session(start: &Start, model: &Model, look: Look) -> Line<'static> {
    let seconds = model
        .at()
        .since(model.opened())
        .map_or(0, |since| since.as_secs());
    let clock = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    Line::from(vec![
        Span::styled(visible(&start.host).into_owned(), look.heading()),
        Span::raw(format!(
            "  every {}  for {clock}  hooks {}",
            format_seconds(start.interval_s),
            visible(&start.hook_kinds().join(" "))
        )),
    ])
}

fn tracer(model: &Model, look: Look) -> Line<'static> {
    let cpu = model
        .tracer_cpu()
        .map_or("-".to_owned(), |share| Percent::of(share).to_string());
    let memory = look.units.size(Bytes(model.tracer().memory_bytes));
    Line::raw(format!("tracer {cpu} CPU, {memory}"))
}

fn totals(model: &Model, look: Look) -> Line<'static> {
    let speed = model.span().speed(Some(model.processes().moved()));
    let known = |pick: fn(Speed) -> u64| rate(speed.map(pick), look.units);
    let total = model.processes().total();
    let size = |bytes| look.units.size(Bytes(bytes));
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Line::from(vec![
        Span::styled("SENT ", look.heading()),
        Span::styled(known(|speed| speed.tx_bytes_per_s), bold),
        Span::styled("  RECEIVED ", look.heading()),
        Span::styled(known(|speed| speed.rx_bytes_per_s), bold),
        Span::raw(format!(
            "  since start {} / {}",
            size(total.tx_bytes),
            size(total.rx_bytes)
        )),
    ])
}

/// What can't be seen, in short; the help has the reasons.
fn unseen(start: &Start) -> Line<'static> {
    let what: Vec<_> = start
        .unavailable
        .iter()
        .map(|missing| visible(&missing.what))
        .collect();
    Line::raw(format!("not seen: {}", what.join("; ")))
}

fn loss(model: &Model, look: Look) -> Line<'static> {
    let text = Health::of(model).loss_text();
    let alarm = Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED);
    let style = match (model.loss() == Loss::default(), look.color) {
        (true, _) => Style::new(),
        (false, true) => alarm.fg(Color::Red),
        (false, false) => alarm,
    };
    Line::styled(text, style)
}

/// Two texts on one line; where space is short, the right one stays whole.
fn split(buffer: &mut Buffer, area: Rect, left: &Line<'_>, right: &Line<'_>) {
    let taken = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let edge = area.right() - taken;
    buffer.set_line(area.x, area.y, left, (edge - area.x).saturating_sub(2));
    buffer.set_line(edge, area.y, right, taken);
}
