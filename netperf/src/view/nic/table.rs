//! How are the rows of `nic` put in tables?

use netperf_core::sample::nic::{Duplex, LinkCounter, OperState};
use netperf_diagnose::nic::words::speed;
use netperf_diagnose::nic::{driver, meaning};

use super::{DriverRow, NicRow, SoftnetRow};
use crate::view::states::table::{number, table, text};
use crate::view::table::{Cell, Column, Table};

fn maybe<'c>(number: Option<impl Into<u64>>) -> Cell<'c> {
    Cell::Number(number.map(Into::into))
}

fn percent<'c>(percent: Option<f64>) -> Cell<'c> {
    percent.map_or(Cell::Number(None), |it| text(format!("{it:.1}")))
}

fn name<'m>(row: &NicRow<'m>) -> Cell<'m> {
    if row.is_elsewhere {
        return text(format!("{}@{}", row.name, row.netns));
    }
    text(row.name)
}

/// Each interface with its link and what it carries.
pub fn interfaces<'m>(rows: &[NicRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("INTERFACE", 9, 28, 0),
        Column::words("STATE", 7, 12, 0),
        Column::words("SPEED", 10, 14, 0),
        Column::words("DUPLEX", 6, 9, 4),
        Column::numbers("MTU", 5, 5),
        Column::words("DRIVER", 6, 14, 6),
        Column::numbers("RECEIVED", 9, 0),
        Column::numbers("SENT", 9, 0),
        Column::numbers("RX %", 5, 2),
        Column::numbers("TX %", 5, 2),
        Column::numbers("ERRORS", 6, 1),
        Column::numbers("DROPS", 6, 1),
    ];
    let line = |row: &NicRow<'m>| {
        vec![
            name(row),
            text(state(row)),
            link_speed(row),
            duplex(row),
            number(row.mtu),
            row.driver.or(row.kind).map_or(Cell::Number(None), text),
            Cell::Speed(row.rx_bytes_per_s),
            Cell::Speed(row.tx_bytes_per_s),
            percent(row.rx_percent),
            percent(row.tx_percent),
            maybe(row.errors_in_tick()),
            maybe(row.drops_in_tick()),
        ]
    };
    table(columns, rows.iter().map(line).collect())
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

/// In brackets where the driver makes it up.
fn link_speed<'c>(row: &NicRow<'_>) -> Cell<'c> {
    row.speed_mbit.map_or(Cell::Number(None), |mbit| {
        let speed = speed(mbit);
        text(if row.speed_is_nominal {
            format!("({speed})")
        } else {
            speed
        })
    })
}

/// With `auto` where both ends agree on it by themselves.
fn duplex<'c>(row: &NicRow<'_>) -> Cell<'c> {
    let word = match row.duplex {
        Some(Duplex::Half) => "half",
        Some(Duplex::Full) => "full",
        None => return Cell::Number(None),
    };
    text(match row.autoneg {
        Some(true) => format!("{word} auto"),
        Some(false) | None => word.to_owned(),
    })
}

/// Each counter of trouble that is not zero.
pub fn counters<'m>(rows: &[NicRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("INTERFACE", 9, 28, 0),
        Column::words("COUNTER", 17, 17, 0),
        Column::numbers("IN TICK", 9, 0),
        Column::numbers("TOTAL", 12, 0),
    ];
    let mut lines = Vec::new();
    for row in rows {
        let matters = LinkCounter::ALL.into_iter();
        for counter in matters.filter(|&counter| meaning::words(counter).is_some()) {
            if let Some(total) = row.total(counter).filter(|&total| total > 0) {
                let cells = [
                    text(counter.name()),
                    maybe(row.grown(counter)),
                    number(total),
                ];
                lines.push(std::iter::once(name(row)).chain(cells).collect());
            }
        }
    }
    table(columns, lines)
}

/// Each queue of what is to be sent that holds or has thrown away packets.
pub fn queues<'m>(rows: &[NicRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("INTERFACE", 9, 28, 0),
        Column::words("QUEUE", 10, 14, 0),
        Column::numbers("WAITING", 7, 0),
        Column::numbers("BYTES", 9, 2),
        Column::numbers("DROPS", 8, 0),
        Column::numbers("TOTAL", 9, 0),
        Column::numbers("REQUEUES", 8, 1),
        Column::numbers("OVERLIMITS", 10, 1),
    ];
    let mut lines = Vec::new();
    for row in rows {
        if let Some(queue) = &row.queue
            && (queue.backlog_packets > 0 || queue.drops > 0)
        {
            lines.push(vec![
                name(row),
                text(queue.kind),
                number(queue.backlog_packets),
                Cell::Bytes(Some(queue.backlog_bytes.into())),
                maybe(queue.drops_in_tick),
                number(queue.drops),
                maybe(queue.requeues_in_tick),
                maybe(queue.overlimits_in_tick),
            ]);
        }
    }
    table(columns, lines)
}

/// Rings and channels, where the hardware has some.
pub fn hardware<'m>(rows: &[NicRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("INTERFACE", 9, 28, 0),
        Column::words("RX RING", 11, 14, 0),
        Column::words("TX RING", 11, 14, 0),
        Column::words("CHANNELS", 16, 36, 0),
        Column::words("FIRMWARE", 10, 32, 2),
        Column::words("BUS", 12, 20, 1),
    ];
    let of = |now: Option<u32>, most: Option<u32>| match (now, most) {
        (Some(now), Some(most)) => text(format!("{now} of {most}")),
        (Some(now), None) => number(now),
        (None, _) => Cell::Number(None),
    };
    let shown = rows
        .iter()
        .filter(|row| row.rings.is_some() || row.channels.is_some());
    let line = |row: &NicRow<'m>| {
        let rings = row.rings.unwrap_or_default();
        vec![
            name(row),
            of(rings.rx, rings.rx_max),
            of(rings.tx, rings.tx_max),
            channels(row),
            row.firmware.map_or(Cell::Number(None), text),
            row.bus.map_or(Cell::Number(None), text),
        ]
    };
    table(columns, shown.map(line).collect())
}

fn channels<'c>(row: &NicRow<'_>) -> Cell<'c> {
    let Some(channels) = row.channels else {
        return Cell::Number(None);
    };
    let of = |count: Option<u32>, word: &str| {
        let count = count.filter(|&count| count > 0)?;
        Some(format!("{count} {word}"))
    };
    let most = channels.combined_max.filter(|&most| most > 0);
    let combined = of(channels.combined, "combined")
        .map(|text| most.map_or(text.clone(), |most| format!("{text} of {most}")));
    let all = [combined, of(channels.rx, "rx"), of(channels.tx, "tx")];
    text(all.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// What each processor took.
pub fn processors<'m>(rows: &[SoftnetRow]) -> Table<'m> {
    let columns = vec![
        Column::numbers("CPU", 4, 0),
        Column::numbers("PACKETS", 9, 0),
        Column::numbers("DROPPED", 8, 0),
        Column::numbers("SINCE BOOT", 10, 0),
        Column::numbers("SQUEEZED", 8, 0),
        Column::numbers("SINCE BOOT", 10, 0),
    ];
    let line = |row: &SoftnetRow| {
        vec![
            number(row.cpu),
            maybe(row.processed_in_tick),
            maybe(row.dropped_in_tick),
            number(row.dropped),
            maybe(row.squeezed_in_tick),
            number(row.squeezed),
        ]
    };
    table(columns, rows.iter().map(line).collect())
}

/// Counters of the drivers' own that are not zero.
pub fn drivers<'m>(rows: &[NicRow<'m>]) -> Table<'m> {
    let columns = vec![
        Column::words("INTERFACE", 9, 28, 0),
        Column::words("COUNTER OF THE DRIVER", 22, 40, 0),
        Column::numbers("IN TICK", 12, 0),
        Column::numbers("TOTAL", 15, 0),
        Column::words("MEANS", 20, 80, 1),
    ];
    let mut lines = Vec::new();
    for row in rows {
        for counter in row.driver_statistics.iter().filter(|it| it.value > 0) {
            let &DriverRow {
                name: counter_name,
                value,
                in_tick,
                known_as,
            } = counter;
            lines.push(vec![
                name(row),
                text(counter_name),
                maybe(in_tick),
                number(value),
                known_as.map_or(Cell::Blank, |known| text(driver::meaning(known))),
            ]);
        }
    }
    table(columns, lines)
}
