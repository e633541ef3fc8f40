//! Tables of `retrans`: losses by connection, process or remote host; resets; packets that the kernel
//! dropped.

use netperf_core::model::losses::Account;
use netperf_core::sample::Proto;
use netperf_core::sample::losses::Kinds;
use netperf_core::units::{Percent, from_micros};

use super::row::{DropRow, LossyFlow, LossyProcess, LossyRemote, ResetRow};
use crate::view::flows_table::{endpoint, far_end, host, names, state_name};
use crate::view::sort::{Sort, SortKey};
use crate::view::table::{Columns, Table};

/// The table of connections.
pub fn flows<'t>(rows: &'t [LossyFlow<'t>], sort: Sort) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("LOCAL", 21..=47, 5, |row| endpoint(row.flow.local, None))
        .words("REMOTE", 21..=47, 0, |row| far_end(&row.flow))
        .numbers("PID", 7, 2, |row| row.flow.pid)
        .sorted_by(SortKey::Pid)
        .words("PROCESS", 12..=18, 0, |row| row.flow.name)
        .sorted_by(SortKey::Name)
        .words("STATE", 11..=11, 7, |row| state_name(row.flow.state));
    account(columns, |row| &row.account)
        .numbers("RTT", 8, 3, |row| row.flow.srtt_us.map(from_micros))
        .numbers("CWND", 6, 4, |row| row.cwnd)
        .in_order(sort)
}

/// The table of processes.
pub fn processes<'t>(rows: &'t [LossyProcess<'t>], sort: Sort) -> Table<'t> {
    let columns = Columns::of(rows)
        .numbers("PID", 7, 0, |row| row.process.pid)
        .sorted_by(SortKey::Pid)
        .words("PROCESS", 15..=18, 0, |row| row.process.name)
        .sorted_by(SortKey::Name);
    account(columns, |row| &row.account).in_order(sort)
}

/// The table of remote hosts.
pub fn remotes<'t>(rows: &'t [LossyRemote<'t>], sort: Sort) -> Table<'t> {
    let columns = Columns::of(rows)
        .words("REMOTE HOST", 15..=47, 0, |row| {
            host(row.remote, row.remote_host.as_deref())
        })
        .numbers("FLOWS", 6, 1, |row| row.flows)
        .words("PROCESSES", 14..=40, 2, |row| names(&row.names))
        .sorted_by(SortKey::Name);
    account(columns, |row| &row.account).in_order(sort)
}

/// The table of resets.
pub fn resets<'t>(rows: &'t [ResetRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .words("RESET", 8..=8, 0, |row| {
            if row.is_received() {
                "received"
            } else {
                "sent"
            }
        })
        .words("LOCAL", 21..=47, 5, |row| endpoint(row.local, None))
        .words("REMOTE", 21..=47, 0, |row| endpoint(row.remote, None))
        .numbers("PID", 7, 2, |row| row.pid)
        .words("PROCESS", 12..=18, 0, |row| row.name)
        .words("STATE", 11..=11, 7, |row| state_name(row.state))
        .numbers("COUNT", 7, 0, |row| row.count)
        .table()
}

/// The table of packets that the kernel dropped.
pub fn drops<'t>(rows: &'t [DropRow<'t>]) -> Table<'t> {
    Columns::of(rows)
        .numbers("DROPPED", 7, 0, |row| row.packets)
        .words("PROTO", 5..=5, 1, |row| row.proto.map(Proto::name))
        .numbers("PORT", 5, 1, |row| row.local_port.map(u32::from))
        .numbers("PID", 7, 2, |row| row.pid)
        .words("PROCESS", 12..=18, 0, |row| row.name)
        .words("REASON", 18..=22, 4, |row| row.reason.name())
        .words("WHAT IT MEANS", 30..=100, 0, |row| row.what)
        .table()
}

fn account<'t, R: Copy>(columns: Columns<'t, R>, of: impl Fn(R) -> &'t Account) -> Columns<'t, R> {
    columns
        .numbers("RETRANS", 7, 0, |row| of(row).retrans)
        .sorted_by(SortKey::Retrans)
        .numbers("OF SENT", 8, 6, |row| of(row).sent)
        .numbers("LOSS", 7, 0, |row| of(row).loss_percent().map(Percent))
        .words("EVENTS", 12..=40, 1, |row| kinds(of(row).kinds))
}

/// Counts by kind: `3 rto, 1 tlp`.
fn kinds(kinds: Kinds) -> String {
    let named = [
        (kinds.rto, "rto"),
        (kinds.fast, "fast"),
        (kinds.tlp, "tlp"),
        (kinds.syn, "syn"),
        (kinds.synack, "synack"),
    ];
    let nonzero = named.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<_> = nonzero
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    words.join(", ")
}
