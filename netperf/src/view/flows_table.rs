//! Tables of connections, one by one or by remote host, and the text of addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use netperf_core::sample::TcpState;
use netperf_core::units::{ByteRate, Bytes, from_micros};

use super::flow_row::{FlowRow, Speeds};
use super::flows::RemoteRow;
use super::sort::{Figures, Sort, SortKey};
use super::table::{Columns, Table};

/// The rows as a table.
pub fn table<'t, 'm: 't>(rows: impl IntoIterator<Item = &'t FlowRow<'m>>, sort: Sort) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("PROTO", 5..=5, 1, |row| row.proto.name())
        .words("LOCAL", 21..=47, 5, |row| endpoint(row.local, None))
        .words("REMOTE", 21..=47, 0, far_end)
        .numbers("PID", 7, 2, |row| row.pid)
        .sorted_by(SortKey::Pid)
        .words("PROCESS", 12..=18, 0, |row| row.name)
        .sorted_by(SortKey::Name);
    traffic(columns, sort.figures, |row| Moved {
        speeds: row.speeds,
        tx_total: row.tx_total,
        rx_total: row.rx_total,
    })
    .words("STATE", 11..=11, 7, |row| state_name(row.state))
    .numbers("RTT", 8, 8, |row| row.srtt_us.map(from_micros))
    .numbers("RETRANS", 7, 9, |row| row.retrans)
    .sorted_by(SortKey::Retrans)
    .quiet_if(|row| row.tx_bytes == Some(0) && row.rx_bytes == Some(0))
    .in_order(sort)
}

/// The remote hosts as a table.
pub fn by_remote_table<'t, 'm: 't>(
    rows: impl IntoIterator<Item = &'t RemoteRow<'m>>,
    sort: Sort,
) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("REMOTE HOST", 15..=47, 0, |row| {
            host(row.remote, row.remote_host.as_deref())
        })
        .numbers("FLOWS", 6, 1, |row| row.flows)
        .words("PROCESSES", 14..=40, 2, |row| names(&row.names))
        .sorted_by(SortKey::Name);
    traffic(columns, sort.figures, |row| Moved {
        speeds: row.speeds,
        tx_total: row.tx_total,
        rx_total: row.rx_total,
    })
    .numbers("RETRANS", 7, 9, |row| row.retrans)
    .sorted_by(SortKey::Retrans)
    .quiet_if(|row| row.tx_bytes == 0 && row.rx_bytes == 0)
    .in_order(sort)
}

/// Cells for the traffic of a row.
struct Moved {
    speeds: Speeds,
    tx_total: u64,
    rx_total: u64,
}

fn traffic<R: Copy>(
    columns: Columns<'_, R>,
    figures: Figures,
    of: impl Fn(R) -> Moved,
) -> Columns<'_, R> {
    let is_now = figures == Figures::Rates;
    let (now, total) = if is_now { (0, 10) } else { (10, 0) };
    let of = &of;
    let rate = |pick: fn(Speeds) -> Option<u64>| move |row: R| pick(of(row).speeds).map(ByteRate);
    columns
        .numbers("SENT/s", 10, now, rate(|it| it.tx_bytes_per_s))
        .sorted_if(is_now, SortKey::Tx)
        .numbers("RECEIVED/s", 10, now, rate(|it| it.rx_bytes_per_s))
        .sorted_if(is_now, SortKey::Rx)
        .numbers("SENT 2s", 10, 6, rate(|it| it.tx_bytes_per_s_2s))
        .numbers("SENT 10s", 10, 3, rate(|it| it.tx_bytes_per_s_10s))
        .numbers("SENT 40s", 10, 4, rate(|it| it.tx_bytes_per_s_40s))
        .numbers("RECV 2s", 10, 6, rate(|it| it.rx_bytes_per_s_2s))
        .numbers("RECV 10s", 10, 3, rate(|it| it.rx_bytes_per_s_10s))
        .numbers("RECV 40s", 10, 4, rate(|it| it.rx_bytes_per_s_40s))
        .numbers("SENT", 9, total, |row| Bytes(of(row).tx_total))
        .sorted_if(!is_now, SortKey::Tx)
        .numbers("RECEIVED", 9, total, |row| Bytes(of(row).rx_total))
        .sorted_if(!is_now, SortKey::Rx)
}

/// The remote end of a connection, by name where it is known.
pub(super) fn far_end(row: &FlowRow<'_>) -> String {
    endpoint(row.remote, row.remote_host.as_deref())
}

/// Names in one cell.
pub(super) fn names(names: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.iter().copied().collect();
    names.join(", ")
}

/// Both ends of a connection in one line.
pub(super) fn described(row: &FlowRow<'_>) -> String {
    format!("{} -> {}", endpoint(row.local, None), far_end(row))
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
