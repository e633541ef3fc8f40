//! How are connections put in a table?

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use netperf_core::sample::TcpState;

use super::flow_row::{FlowRow, Speeds};
use super::flows::RemoteRow;
use super::sort::{Figures, Sort, SortKey};
use super::table::{Cell, Column, Row, Table};

/// The rows as a table.
pub fn table<'r, 'm: 'r>(rows: impl IntoIterator<Item = &'r FlowRow<'m>>, sort: Sort) -> Table<'m> {
    let mut columns = vec![
        Column::words("PROTO", 5, 5, 1),
        Column::words("LOCAL", 21, 47, 5),
        Column::words("REMOTE", 21, 47, 0),
        Column::numbers("PID", 7, 2).sorted_by(SortKey::Pid),
        Column::words("PROCESS", 12, 18, 0).sorted_by(SortKey::Name),
    ];
    columns.extend(traffic_columns(sort.figures));
    columns.push(Column::words("STATE", 11, 11, 7));
    columns.push(Column::numbers("RTT", 8, 8));
    columns.push(Column::numbers("RETRANS", 7, 9).sorted_by(SortKey::Retrans));
    Table {
        columns,
        rows: rows.into_iter().map(flow_line).collect(),
        sort,
    }
}

/// The remote hosts as a table.
pub fn by_remote_table<'r, 'm: 'r>(
    rows: impl IntoIterator<Item = &'r RemoteRow<'m>>,
    sort: Sort,
) -> Table<'m> {
    let mut columns = vec![
        Column::words("REMOTE HOST", 15, 47, 0),
        Column::numbers("FLOWS", 6, 1),
        Column::words("PROCESSES", 14, 40, 2).sorted_by(SortKey::Name),
    ];
    columns.extend(traffic_columns(sort.figures));
    columns.push(Column::numbers("RETRANS", 7, 9).sorted_by(SortKey::Retrans));
    Table {
        columns,
        rows: rows.into_iter().map(remote_line).collect(),
        sort,
    }
}

fn traffic_columns(figures: Figures) -> [Column; 10] {
    let (rates, totals) = match figures {
        Figures::Rates => (0, 10),
        Figures::Totals => (10, 0),
    };
    [
        Column::numbers("SENT/s", 10, rates).sorted_if(figures == Figures::Rates, SortKey::Tx),
        Column::numbers("RECEIVED/s", 10, rates).sorted_if(figures == Figures::Rates, SortKey::Rx),
        Column::numbers("SENT 2s", 10, 6),
        Column::numbers("SENT 10s", 10, 3),
        Column::numbers("SENT 40s", 10, 4),
        Column::numbers("RECV 2s", 10, 6),
        Column::numbers("RECV 10s", 10, 3),
        Column::numbers("RECV 40s", 10, 4),
        Column::numbers("SENT", 9, totals).sorted_if(figures == Figures::Totals, SortKey::Tx),
        Column::numbers("RECEIVED", 9, totals).sorted_if(figures == Figures::Totals, SortKey::Rx),
    ]
}

fn traffic_cells(speeds: Speeds, tx_total: u64, rx_total: u64) -> [Cell<'static>; 10] {
    [
        Cell::Speed(speeds.tx_bytes_per_s),
        Cell::Speed(speeds.rx_bytes_per_s),
        Cell::Speed(speeds.tx_bytes_per_s_2s),
        Cell::Speed(speeds.tx_bytes_per_s_10s),
        Cell::Speed(speeds.tx_bytes_per_s_40s),
        Cell::Speed(speeds.rx_bytes_per_s_2s),
        Cell::Speed(speeds.rx_bytes_per_s_10s),
        Cell::Speed(speeds.rx_bytes_per_s_40s),
        Cell::Bytes(Some(tx_total)),
        Cell::Bytes(Some(rx_total)),
    ]
}

fn flow_line<'m>(row: &FlowRow<'m>) -> Row<'m> {
    let mut cells = vec![
        Cell::Text(Cow::Borrowed(row.proto.name())),
        Cell::Text(Cow::Owned(endpoint(row.local, None))),
        Cell::Text(Cow::Owned(endpoint(row.remote, row.remote_host.as_deref()))),
        Cell::Number(Some(row.pid.into())),
        Cell::Text(Cow::Borrowed(row.name)),
    ];
    cells.extend(traffic_cells(row.speeds, row.tx_total, row.rx_total));
    cells.push(Cell::Text(Cow::Borrowed(state_name(row.state))));
    cells.push(Cell::Micros(row.srtt_us));
    cells.push(Cell::Number(row.retrans.map(u64::from)));
    Row {
        cells,
        quiet: row.tx_bytes == Some(0) && row.rx_bytes == Some(0),
    }
}

fn remote_line<'m>(row: &RemoteRow<'m>) -> Row<'m> {
    let names: Vec<&str> = row.names.iter().copied().collect();
    let mut cells = vec![
        Cell::Text(Cow::Owned(host(row.remote, row.remote_host.as_deref()))),
        Cell::Number(u64::try_from(row.flows).ok()),
        Cell::Text(Cow::Owned(names.join(", "))),
    ];
    cells.extend(traffic_cells(row.speeds, row.tx_total, row.rx_total));
    cells.push(Cell::Number(Some(row.retrans)));
    Row {
        cells,
        quiet: row.tx_bytes == 0 && row.rx_bytes == 0,
    }
}

/// Both ends of a connection in one line.
pub(super) fn described(row: &FlowRow<'_>) -> String {
    let remote = endpoint(row.remote, row.remote_host.as_deref());
    format!("{} -> {remote}", endpoint(row.local, None))
}

/// The state's name, or nothing for what has none.
pub(super) fn state_name(state: Option<TcpState>) -> &'static str {
    state.map_or("", TcpState::name)
}

/// An address and port as `ss` writes them; `*` for an end that is not set.
pub(super) fn endpoint(address: SocketAddr, name: Option<&str>) -> String {
    match (address.port(), name) {
        (0, _) => host(address.ip(), name),
        (port, Some(name)) => format!("{name}:{port}"),
        (port, None) if address.ip().is_unspecified() => format!("*:{port}"),
        (_, None) => address.to_string(),
    }
}

/// A host by its name, else its address; `*` for none.
pub(super) fn host(address: IpAddr, name: Option<&str>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None if address.is_unspecified() => "*".to_owned(),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_not_set_is_a_star() {
        let written = |address: &str| endpoint(address.parse().unwrap(), None);
        assert_eq!(written("0.0.0.0:0"), "*");
        assert_eq!(written("[::]:0"), "*");
        assert_eq!(written("0.0.0.0:53"), "*:53");
        assert_eq!(written("10.0.0.5:44321"), "10.0.0.5:44321");
        assert_eq!(written("[fe80::1]:80"), "[fe80::1]:80");
        let known = "192.0.2.1:443".parse().unwrap();
        assert_eq!(endpoint(known, Some("example.org")), "example.org:443");
    }
}
