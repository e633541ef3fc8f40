//! Where does the time go that packets take, and is it always the same?

use netperf_core::units::format_micros;

use super::Way;
use crate::{Finding, Level};

/// Shorter steps are no news.
const STEP_US: u32 = 5_000;

/// A steady step that is felt in every exchange.
const FAR_US: u32 = 100_000;

/// Answers from which on a spike is one.
const ANSWERS: u64 = 5;

/// A spike is this much longer than the middle, and several times as long.
const SPIKE_US: u32 = 10_000;
const SPIKE_TIMES: u32 = 3;

pub(super) fn of(way: &Way<'_>) -> Vec<Finding> {
    [step(way), spikes(way)].into_iter().flatten().collect()
}

/// The largest delay that begins somewhere and lasts. What a hop takes longer than one behind it is its
/// own slowness to answer.
fn step(way: &Way<'_>) -> Option<Finding> {
    let destination = way.destination().median_us()?;
    let floors = floors(way);
    let before = |place: usize| place.checked_sub(1).map_or(0, |before| floors[before]);
    let steps = (0..floors.len()).map(|place| (floors[place] - before(place), place));
    let (step, place) = steps.max_by_key(|&(step, place)| (step, std::cmp::Reverse(place)))?;
    if step < STEP_US || step < destination / 2 {
        return None;
    }
    let first = way.stops[place];
    let (link, before) = (way.link_before(place), before(place));
    let best = first.figures.best_us()?;
    // A link that is only far away is never fast.
    let is_queue = best.saturating_sub(before) < step / 2;
    let evidence = format!(
        "{} before, {} behind; the fastest answer from there took {}",
        format_micros(before),
        format_micros(before + step),
        format_micros(best)
    );
    Some(if is_queue {
        Finding {
            level: Level::Warn,
            what: format!(
                "{} are added {link}, and last: a queue there is mostly full",
                format_micros(step)
            ),
            evidence,
            advice: vec![queue_advice(way, place)],
        }
    } else {
        Finding {
            level: if step >= FAR_US {
                Level::Warn
            } else {
                Level::Ok
            },
            what: format!(
                "{} are added {link}, and last: a long or slow link",
                format_micros(step)
            ),
            evidence,
            advice: if step >= FAR_US {
                vec![far_advice()]
            } else {
                Vec::new()
            },
        }
    })
}

fn far_advice() -> String {
    "the time is that of the way: fewer round trips help (keep connections open, ask for more at once), or \
     a server nearer by"
        .to_owned()
}

fn queue_advice(way: &Way<'_>, place: usize) -> String {
    if place == 0 {
        return "it is your own line: see who fills it with `netperf-trace top`, and hold them back with \
                `netperf-trace limit`"
            .to_owned();
    }
    let name = way.name(way.stops[place]);
    format!("the link in front of {name} is full: ask its operator, with this report")
}

/// For each stop, the shortest of the middle times from it to the end.
fn floors(way: &Way<'_>) -> Vec<u32> {
    let medians = way.stops.iter().rev().map(|stop| stop.figures.median_us());
    let mut floor = u32::MAX;
    let mut floors: Vec<u32> = medians
        .map(|median| {
            floor = floor.min(median.unwrap_or(u32::MAX));
            floor
        })
        .collect();
    floors.reverse();
    floors
}

/// Answers that took far longer than most.
fn spikes(way: &Way<'_>) -> Option<Finding> {
    let destination = way.destination();
    let excess = spike(destination)?;
    let since = way.since(|stop| spike(stop.figures).is_some_and(|own| own * 2 >= excess));
    let place = since.map(|place| format!(" beginning {}", way.link_before(place)));
    let time = |micros: Option<u32>| micros.map_or("-".to_owned(), format_micros);
    let [median, p95, p99] = destination.percentiles_us([50, 95, 99]);
    Some(Finding {
        level: Level::Warn,
        what: format!(
            "jitter: some answers take {} longer than most,{}",
            format_micros(excess),
            place.unwrap_or_else(|| " seen at the destination".to_owned())
        ),
        evidence: format!(
            "half within {}, 95 % within {}, 99 % within {}, the longest {}",
            time(median),
            time(p95),
            time(p99),
            time(destination.worst_us())
        ),
        advice: vec![
            "bursts that fill a queue do that, and Wi-Fi: look at the time of day, and who sends then \
             (`netperf-trace top`)"
                .to_owned(),
        ],
    })
}

fn spike(figures: &netperf_core::model::path::Figures) -> Option<u32> {
    let median = figures
        .median_us()
        .filter(|_| figures.received() >= ANSWERS)?;
    let worst = figures.worst_us()?;
    let excess = worst.checked_sub(median)?;
    (excess >= SPIKE_US && worst / SPIKE_TIMES >= median).then_some(excess)
}
