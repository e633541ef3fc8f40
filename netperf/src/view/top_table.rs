//! The table of processes, optionally with the connections of each below it.

use std::iter;
use std::time::Duration;

use netperf_core::clock::MonoNs;
use netperf_core::model::process::ProcessTraffic;
use netperf_core::model::traffic::Traffic;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::{ByteRate, Bytes};

use super::flow_row::FlowRow;
use super::flows_table::{described, state_name};
use super::limit::limit_cell;
use super::owner_cells;
use super::process_row::ProcessRow;
use super::sort::{Figures, Sort, SortKey};
use super::table::{Cell, Columns, Table};

/// Seconds that a trend shows.
const TREND_SECONDS: usize = 60;

/// How the table of processes looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TopLook<'l> {
    /// The order of the rows, and the figures that come first.
    pub sort: Sort,
    /// Show the command line rather than other details.
    pub command_line: bool,
    /// Limits in force.
    pub limits: &'l [LimitRecord],
    /// Show a trend of the minute that ends here.
    pub trend_until: Option<MonoNs>,
}

/// A line of the table.
#[derive(Clone, Copy)]
enum Line<'t> {
    Process(&'t ProcessRow<'t>),
    Connection(&'t FlowRow<'t>),
}

impl<'t> Line<'t> {
    /// A cell that only processes have.
    fn of_process<C: Into<Cell<'t>>>(self, cell: impl Fn(&'t ProcessRow<'t>) -> C) -> Cell<'t> {
        match self {
            Self::Process(row) => cell(row).into(),
            Self::Connection(_) => Cell::Blank,
        }
    }

    /// A cell that processes and connections have.
    fn of_each<C: Into<Cell<'t>>>(
        self,
        process: impl Fn(&'t ProcessRow<'t>) -> C,
        connection: impl Fn(&'t FlowRow<'t>) -> C,
    ) -> Cell<'t> {
        match self {
            Self::Process(row) => process(row).into(),
            Self::Connection(row) => connection(row).into(),
        }
    }

    fn name(self) -> Cell<'t> {
        match self {
            Self::Process(row) => row.name.into(),
            Self::Connection(row) => {
                format!("  {} {}", row.proto.name(), state_name(row.state)).into()
            }
        }
    }

    fn is_quiet(self) -> bool {
        match self {
            Self::Process(row) => row.traffic.moved.is_some_and(Traffic::is_zero),
            Self::Connection(row) => row.tx_bytes == Some(0) && row.rx_bytes == Some(0),
        }
    }
}

/// The rows as a table, connections below their process.
pub fn table<'t, 'm: 't>(
    rows: impl IntoIterator<Item = &'t ProcessRow<'m>>,
    look: TopLook<'_>,
) -> Table<'t> {
    let lines = rows.into_iter().flat_map(|row| {
        let connections = row.connections.iter().flatten();
        iter::once(Line::Process(row)).chain(connections.map(Line::Connection))
    });
    let mut columns = Columns::of(lines)
        .numbers("PID", 7, 0, |line| line.of_process(|row| row.pid))
        .sorted_by(SortKey::Pid)
        .words("USER", 8..=12, 3, |line| {
            line.of_process(|row| owner_cells::user(row.user, row.uid))
        })
        .words("PROCESS", 15..=18, 0, Line::name)
        .sorted_by(SortKey::Name);
    if !look.limits.is_empty() {
        columns = columns.words("LIMIT", 9..=26, 1, |line| {
            line.of_process(|row| limit_cell(row.id(), look.limits))
        });
    }
    columns = traffic(columns, look.sort.figures);
    if let Some(now) = look.trend_until {
        columns = columns.words("LAST MINUTE", 12..=30, 2, |line| {
            line.of_process(|row| trend(row.traffic, now))
        });
    }
    let command_rank = if look.command_line { 1 } else { 6 };
    columns
        .words("UNIT/CONTAINER", 14..=32, 5, |line| {
            line.of_process(|row| owner_cells::home(row.container, row.unit, row.cgroup))
        })
        .words("COMMAND", 16..=400, command_rank, |line| {
            line.of_each(command, |flow| described(flow).into())
        })
        .quiet_if(Line::is_quiet)
        .in_order(look.sort)
}

fn traffic<'t>(columns: Columns<'t, Line<'t>>, figures: Figures) -> Columns<'t, Line<'t>> {
    let is_now = figures == Figures::Rates;
    let (now, total) = if is_now { (0, 4) } else { (4, 0) };
    let rate = |speed: Option<u64>| speed.map(ByteRate);
    columns
        .numbers("SENT/s", 10, now, |line| {
            line.of_each(
                |it| rate(it.tx_bytes_per_s),
                |it| rate(it.speeds.tx_bytes_per_s),
            )
        })
        .sorted_if(is_now, SortKey::Tx)
        .numbers("RECEIVED/s", 10, now, |line| {
            line.of_each(
                |it| rate(it.rx_bytes_per_s),
                |it| rate(it.speeds.rx_bytes_per_s),
            )
        })
        .sorted_if(is_now, SortKey::Rx)
        .numbers("SENT", 9, total, |line| {
            line.of_each(|it| Bytes(it.tx_total), |it| Bytes(it.tx_total))
        })
        .sorted_if(!is_now, SortKey::Tx)
        .numbers("RECEIVED", 9, total, |line| {
            line.of_each(|it| Bytes(it.rx_total), |it| Bytes(it.rx_total))
        })
        .sorted_if(!is_now, SortKey::Rx)
        .numbers("RETRANS", 7, 7, |line| {
            line.of_each(|it| it.retrans, |it| it.retrans.map(u64::from))
        })
        .sorted_by(SortKey::Retrans)
}

fn command<'t>(row: &ProcessRow<'t>) -> Cell<'t> {
    match (row.cmdline, row.exe) {
        (Some(arguments), _) if !arguments.is_empty() => arguments.join(" ").into(),
        (_, Some(exe)) => exe.into(),
        _ => Cell::Blank,
    }
}

fn trend(traffic: &ProcessTraffic, now: MonoNs) -> Cell<'static> {
    Cell::Trend(
        traffic
            .history
            .columns(now, TREND_SECONDS, Duration::from_secs(1)),
    )
}
