//! The line of interfaces: how busy each is, the busiest first.

use netperf_core::model::Model;
use netperf_core::text::{visible, width};
use netperf_core::units::{LinkSpeed, Percent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::grid::Look;
use crate::render::cell::rate;
use crate::view::link_row::LinkRow;

/// Width of a full bar.
const BAR: usize = 10;

/// Draws the busiest interfaces, as many as fit whole.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, look: Look) {
    let mut links = LinkRow::all(model);
    links.retain(|link| link.up);
    links.sort_by_key(|link| std::cmp::Reverse(link.speed()));
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut room: usize = area.width.into();
    for link in &links {
        let name = visible(link.name).into_owned();
        let text = figures(link, look);
        let needed = width(&name) + width(&text);
        if needed > room && !spans.is_empty() {
            break;
        }
        room = room.saturating_sub(needed);
        spans.push(Span::styled(name, look.heading()));
        spans.push(Span::raw(text));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// What stands behind the name: ` ███░░░░░░░ 32 % of 1 Gbit/s, sent 40 MB/s, received 3 MB/s  `.
fn figures(link: &LinkRow<'_>, look: Look) -> String {
    let [sent, received] =
        [link.tx_bytes_per_s, link.rx_bytes_per_s].map(|it| rate(it, look.units));
    let traffic = format!("sent {sent}, received {received}   ");
    match (link.utilisation, link.speed_mbit) {
        (Some(share), Some(mbit)) => {
            let (used, speed) = (Percent::of(share), LinkSpeed(mbit));
            format!(" {} {used} of {speed}, {traffic}", bar(share))
        }
        _ => format!(" {traffic}"),
    }
}

fn bar(share: f64) -> String {
    let mut bar = String::new();
    for step in 0..BAR {
        #[expect(clippy::cast_precision_loss, reason = "ten is exact")]
        let filled = share > (step as f64 + 0.5) / BAR as f64;
        bar.push(if filled { '█' } else { '░' });
    }
    bar
}
