//! Tables of the interfaces: links, counters, queues, hardware, processors, drivers.

use netperf_core::sample::nic::{Channels, Duplex, LinkCounter, OperState};
use netperf_core::units::{ByteRate, Bytes, LinkSpeed, Percent};
use netperf_diagnose::nic::{driver, meaning};

use super::{NicRow, SoftnetRow};
use crate::view::table::{Cell, Columns, Table};

/// The interface, with its network namespace if it is not the tracer's.
fn name(row: &NicRow<'_>) -> String {
    if row.is_elsewhere {
        return format!("{}@{}", row.name, row.netns);
    }
    row.name.to_owned()
}

/// Interfaces with their links and traffic.
pub fn interfaces<'t>(rows: &'t [NicRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .words("INTERFACE", 9..=28, 0, name)
        .words("STATE", 7..=12, 0, state)
        .words("SPEED", 8..=14, 0, link_speed)
        .words("DUPLEX", 6..=9, 4, duplex)
        .numbers("MTU", 5, 5, |row| row.mtu)
        .words("DRIVER", 6..=14, 6, |row| row.driver.or(row.kind))
        .numbers("RECEIVED", 9, 0, |row| row.rx_bytes_per_s.map(ByteRate))
        .numbers("SENT", 9, 0, |row| row.tx_bytes_per_s.map(ByteRate))
        .numbers("RX %", 6, 2, |row| row.rx_percent.map(Percent))
        .numbers("TX %", 6, 2, |row| row.tx_percent.map(Percent))
        .numbers("ERRORS", 6, 1, NicRow::errors_in_tick)
        .numbers("DROPS", 6, 1, NicRow::drops_in_tick)
        .table()
}

fn state(row: &NicRow<'_>) -> &'static str {
    match (row.up, row.state, row.carrier) {
        (false, ..) => "off",
        (true, OperState::Up, _) | (true, OperState::Unknown, Some(true) | None) => "up",
        (true, OperState::Dormant, _) => "dormant",
        (true, OperState::NotPresent, _) => "not there",
        (true, OperState::Testing, _) => "testing",
        (true, OperState::LowerLayerDown, _) => "lower down",
        (true, OperState::Down | OperState::Unknown, _) => "no link",
    }
}

/// The speed, in brackets where the driver makes it up.
fn link_speed(row: &NicRow<'_>) -> Option<String> {
    let speed = LinkSpeed(row.speed_mbit?);
    Some(if row.speed_is_nominal {
        format!("({speed})")
    } else {
        speed.to_string()
    })
}

/// The duplex mode, with `auto` where both ends negotiate it.
fn duplex(row: &NicRow<'_>) -> Option<String> {
    let word = match row.duplex? {
        Duplex::Half => "half",
        Duplex::Full => "full",
    };
    let is_auto = row.autoneg == Some(true);
    Some(format!("{word}{}", if is_auto { " auto" } else { "" }))
}

/// Error counters that are not zero.
pub fn counters<'t>(rows: &'t [NicRow<'t>]) -> Table<'t> {
    let matters = |counter: &LinkCounter| meaning::words(*counter).is_some();
    let lines = rows.iter().flat_map(|row| {
        let counters = LinkCounter::ALL.into_iter().filter(matters);
        let totals = counters.map(move |counter| (row, counter, row.total(counter)));
        totals.filter(|(_, _, total)| *total > Some(0))
    });
    Columns::of(lines)
        .words("INTERFACE", 9..=28, 0, |(row, ..)| name(row))
        .words("COUNTER", 17..=17, 0, |(_, counter, _)| counter.name())
        .numbers("IN TICK", 9, 0, |(row, counter, _)| row.grown(counter))
        .numbers("TOTAL", 12, 0, |(.., total)| total)
        .table()
}

/// Send queues that hold or have dropped packets.
pub fn queues<'t>(rows: &'t [NicRow<'t>]) -> Table<'t> {
    let lines = rows
        .iter()
        .filter_map(|row| Some((row, row.queue.as_ref()?)));
    let lines = lines.filter(|(_, queue)| queue.backlog_packets > 0 || queue.drops > 0);
    Columns::of(lines)
        .words("INTERFACE", 9..=28, 0, |(row, _)| name(row))
        .words("QUEUE", 10..=14, 0, |(_, queue)| queue.kind)
        .numbers("WAITING", 7, 0, |(_, queue)| queue.backlog_packets)
        .numbers("BYTES", 9, 2, |(_, queue)| {
            Bytes(queue.backlog_bytes.into())
        })
        .numbers("DROPS", 8, 0, |(_, queue)| queue.drops_in_tick)
        .numbers("TOTAL", 9, 0, |(_, queue)| queue.drops)
        .numbers("REQUEUES", 8, 1, |(_, queue)| queue.requeues_in_tick)
        .numbers("OVERLIMITS", 10, 1, |(_, queue)| queue.overlimits_in_tick)
        .table()
}

/// Rings and channels of hardware interfaces.
pub fn hardware<'t>(rows: &'t [NicRow<'t>]) -> Table<'t> {
    let shown = rows
        .iter()
        .filter(|row| row.rings.is_some() || row.channels.is_some());
    Columns::of(shown)
        .words("INTERFACE", 9..=28, 0, name)
        .words("RX RING", 11..=14, 0, |row| {
            row.rings.and_then(|rings| ring(rings.rx, rings.rx_max))
        })
        .words("TX RING", 11..=14, 0, |row| {
            row.rings.and_then(|rings| ring(rings.tx, rings.tx_max))
        })
        .words("CHANNELS", 16..=36, 0, |row| row.channels.map(channels))
        .words("FIRMWARE", 10..=32, 2, |row| row.firmware)
        .words("BUS", 12..=20, 1, |row| row.bus)
        .table()
}

/// Size and limit of a ring: `256 of 4096`.
fn ring(now: Option<u32>, most: Option<u32>) -> Option<Cell<'static>> {
    let now = now?;
    Some(match most {
        Some(most) => format!("{now} of {most}").into(),
        None => now.into(),
    })
}

fn channels(channels: Channels) -> String {
    let of = |count: Option<u32>, word: &str| {
        let count = count.filter(|&count| count > 0)?;
        Some(format!("{count} {word}"))
    };
    let most = channels.combined_max.filter(|&most| most > 0);
    let combined = of(channels.combined, "combined")
        .map(|text| most.map_or(text.clone(), |most| format!("{text} of {most}")));
    let all = [combined, of(channels.rx, "rx"), of(channels.tx, "tx")];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Packets by processor.
pub fn processors(rows: &[SoftnetRow]) -> Table<'_> {
    Columns::of(rows)
        .numbers("CPU", 4, 0, |row| row.cpu)
        .numbers("PACKETS", 9, 0, |row| row.processed_in_tick)
        .numbers("DROPPED", 8, 0, |row| row.dropped_in_tick)
        .numbers("SINCE BOOT", 10, 0, |row| row.dropped)
        .numbers("SQUEEZED", 8, 0, |row| row.squeezed_in_tick)
        .numbers("SINCE BOOT", 10, 0, |row| row.squeezed)
        .table()
}

/// Counters of drivers that are not zero.
pub fn drivers<'t>(rows: &'t [NicRow<'t>]) -> Table<'t> {
    let lines = rows.iter().flat_map(|row| {
        let counters = row.driver_statistics.iter().filter(|it| it.value > 0);
        counters.map(move |counter| (row, counter))
    });
    Columns::of(lines)
        .words("INTERFACE", 9..=28, 0, |(row, _)| name(row))
        .words("COUNTER OF THE DRIVER", 22..=40, 0, |(_, it)| it.name)
        .numbers("IN TICK", 12, 0, |(_, it)| it.in_tick)
        .numbers("TOTAL", 15, 0, |(_, it)| it.value)
        .words("MEANS", 20..=80, 1, |(_, it)| match it.known_as {
            Some(known) => driver::meaning(known).into(),
            None => Cell::Blank,
        })
        .table()
}
