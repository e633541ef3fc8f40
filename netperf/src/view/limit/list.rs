//! The limits in force on this machine: rows for JSON, and a table.

use std::time::Duration;

use netperf_core::clock::WallNs;
use netperf_core::sample::limit::{LimitNow, LimitRecord, LimitedProcess};
use netperf_core::units::{ByteRate, format_millis};
use serde::Serialize;

use super::direction::DirectionRow;
use super::names;
use crate::view::table::{Cell, Columns, Table};
use crate::view::time::Rfc3339;

/// All limits in force.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limits")]
pub struct LimitsTick {
    /// When the list was made.
    pub time: Rfc3339,
    /// The limits, by number.
    pub limits: Vec<LimitRow>,
}

/// A limit that is in force.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitRow {
    /// Number of the limit.
    pub id: u8,
    /// Processes under the limit.
    pub processes: Vec<ProcessRef>,
    /// How they were selected. Untrusted text.
    pub chosen_by: String,
    /// How packets are delayed.
    pub mechanism: String,
    /// Number of their sockets; `None` if the holder does not answer.
    pub sockets: Option<usize>,
    /// Upload limit.
    pub up_bytes_per_s: Option<u64>,
    /// Download limit.
    pub down_bytes_per_s: Option<u64>,
    /// Upload; `None` if it is not limited, or the holder does not answer.
    pub up: Option<DirectionRow>,
    /// Download; `None` as for `up`.
    pub down: Option<DirectionRow>,
    /// When it began.
    pub since: Rfc3339,
    /// Seconds until it ends by itself.
    pub left_s: Option<u64>,
    /// The process that holds the limit: when it ends, the limit ends.
    pub holder: ProcessRef,
    /// Other limits that apply to one of its processes.
    pub overlaps: Vec<Overlap>,
}

/// A process in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessRef {
    /// Pid in the holder's pid namespace.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
}

/// Another limit on the same process, and which of the two takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overlap {
    /// Number of the other limit.
    pub id: u8,
    /// Whether this limit is the tighter for uploads; `None` unless both limit uploads.
    pub tighter_up: Option<bool>,
    /// The same for downloads.
    pub tighter_down: Option<bool>,
}

impl LimitsTick {
    /// The list at the time `wall`. `held` has each limit with the current figures from its holder.
    pub fn new(held: Vec<(LimitRecord, Option<LimitNow>)>, wall: WallNs) -> Self {
        let all: Vec<LimitRecord> = held.iter().map(|(record, _)| record.clone()).collect();
        let rows = held.into_iter().map(|(record, now)| {
            let overlaps = overlaps(&record, &all);
            row(record, now.as_ref(), overlaps, wall)
        });
        Self {
            time: Rfc3339(wall),
            limits: rows.collect(),
        }
    }

    /// A line for each limit.
    pub fn table(&self) -> Table<'_> {
        Columns::of(&self.limits)
            .numbers("ID", 2, 0, |row| row.id)
            .words("PROCESSES", 16..=40, 0, |row| {
                names(row.processes.iter().map(|it| (it.pid, it.name.as_str())))
            })
            .numbers("UP LIMIT", 9, 1, |row| limit(row.up_bytes_per_s))
            .numbers("UP NOW", 9, 2, |row| now(row.up))
            .numbers("DOWN LIMIT", 10, 1, |row| limit(row.down_bytes_per_s))
            .numbers("DOWN NOW", 9, 2, |row| now(row.down))
            .words("QUEUE", 6..=12, 4, queue)
            .words("SINCE", 20..=20, 6, |row| row.since.to_seconds())
            .words("LEFT", 6..=9, 5, |row| row.left_s.map(Duration::from_secs))
            .numbers("HOLDER", 7, 7, |row| row.holder.pid)
            .words("NOTE", 10..=80, 3, notes)
            .table()
    }
}

fn row(
    record: LimitRecord,
    now: Option<&LimitNow>,
    overlaps: Vec<Overlap>,
    wall: WallNs,
) -> LimitRow {
    let left = record.until.map(|until| until.0.saturating_sub(wall.0));
    let direction = |pick: fn(&LimitNow) -> Option<DirectionRow>| now.and_then(pick);
    LimitRow {
        id: record.id,
        processes: record.processes.into_iter().map(Into::into).collect(),
        chosen_by: record.chosen_by,
        mechanism: record.mechanism,
        sockets: now.map(|now| now.sockets),
        up_bytes_per_s: record.up_bytes_per_s,
        down_bytes_per_s: record.down_bytes_per_s,
        up: direction(|now| now.up.map(Into::into)),
        down: direction(|now| now.down.map(Into::into)),
        since: Rfc3339(record.since),
        left_s: left.map(|ns| ns.div_ceil(1_000_000_000)),
        holder: record.holder.into(),
        overlaps,
    }
}

fn now(direction: Option<DirectionRow>) -> Option<ByteRate> {
    direction?.bytes_per_s.map(ByteRate)
}

fn limit(rate: Option<u64>) -> Cell<'static> {
    rate.map_or("none".into(), |rate| ByteRate(rate).into())
}

/// How long packets wait, in each direction that is limited.
fn queue(row: &LimitRow) -> Option<String> {
    let directions = [row.up, row.down].into_iter().flatten();
    let delays: Vec<_> = directions
        .map(|one| format_millis(one.queue_delay_ms))
        .collect();
    (!delays.is_empty()).then(|| delays.join("/"))
}

/// Which limit takes effect where several apply to a process.
fn notes(row: &LimitRow) -> String {
    let mut notes = Vec::new();
    for overlap in &row.overlaps {
        for (way, tighter) in [("up", overlap.tighter_up), ("down", overlap.tighter_down)] {
            match tighter {
                Some(true) => notes.push(format!("{way}: tighter than {}", overlap.id)),
                Some(false) => notes.push(format!("{way}: {} is tighter", overlap.id)),
                None => {}
            }
        }
    }
    if row.sockets.is_none() {
        notes.push("its holder does not answer".to_owned());
    }
    notes.join(", ")
}

fn overlaps(record: &LimitRecord, all: &[LimitRecord]) -> Vec<Overlap> {
    let others = all.iter().filter(|other| other.id != record.id);
    let meeting = others.filter(|other| {
        let ours = &record.processes;
        ours.iter()
            .any(|one| other.processes.iter().any(|two| same(one, two)))
    });
    let overlap = |other: &LimitRecord| Overlap {
        id: other.id,
        tighter_up: is_tighter(
            (record.up_bytes_per_s, record.id),
            (other.up_bytes_per_s, other.id),
        ),
        tighter_down: is_tighter(
            (record.down_bytes_per_s, record.id),
            (other.down_bytes_per_s, other.id),
        ),
    };
    meeting.map(overlap).collect()
}

fn same(one: &LimitedProcess, two: &LimitedProcess) -> bool {
    (one.pid, one.start) == (two.pid, two.start)
}

/// Whether limit `one` is the tighter; of two equal limits, it is the one with the smaller number.
fn is_tighter(one: (Option<u64>, u8), two: (Option<u64>, u8)) -> Option<bool> {
    Some((one.0?, one.1) < (two.0?, two.1))
}

impl From<LimitedProcess> for ProcessRef {
    fn from(process: LimitedProcess) -> Self {
        Self {
            pid: process.pid,
            name: process.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::fixtures::limit_record;

    #[test]
    fn where_two_limits_cover_a_process_the_tighter_one_is_marked() {
        let loose = limit_record(1);
        let tight = LimitRecord {
            up_bytes_per_s: Some(5_000_000),
            down_bytes_per_s: Some(5_000_000),
            ..limit_record(2)
        };
        let other = LimitRecord {
            processes: Vec::new(),
            ..limit_record(3)
        };
        let held = [loose, tight, other].map(|record| (record, None));
        let tick = LimitsTick::new(held.into(), WallNs(0));
        let notes: Vec<_> = tick.limits.iter().map(notes).collect();
        assert!(notes[0].starts_with("up: 2 is tighter, its"), "{notes:?}");
        assert!(notes[1].starts_with("up: tighter than 1, its"), "{notes:?}");
        assert_eq!(notes[2], "its holder does not answer");
    }

    #[test]
    fn the_time_left_is_short_and_never_zero_while_there_is_some() {
        let record = LimitRecord {
            until: Some(WallNs(1_500_000_000)),
            ..limit_record(1)
        };
        let tick = LimitsTick::new(vec![(record, None)], WallNs(1_000_000_000));
        assert_eq!(tick.limits[0].left_s, Some(1));
    }
}
