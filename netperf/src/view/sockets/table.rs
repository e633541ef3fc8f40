//! The table of sockets and their owners.

use std::borrow::Cow;
use std::net::SocketAddr;

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, InetEnds};
use netperf_core::units::Bytes;

use super::row::{Fileless, SocketRow};
use super::summary::{Count, Summary};
use crate::view::owner_cells;
use crate::view::table::{Cell, Columns, Table};

/// The rows as a table. In 80 columns the addresses give way first, from their front.
pub fn table<'t, 's: 't>(rows: impl IntoIterator<Item = &'t SocketRow<'s>>) -> Table<'t> {
    let columns = Columns::of(rows).words("PROTO", 5..=5, 1, |row| row.proto);
    let states = columns.rows().iter().map(|row| row.state.len());
    let state = states.max().unwrap_or(0).max(5);
    columns
        .words("STATE", state..=state, 0, |row| row.state)
        .numbers("RECV-Q", 7, 0, |row| queue(row, row.recv_q))
        .numbers("SEND-Q", 7, 0, |row| queue(row, row.send_q))
        .words("LOCAL", 13..=47, 0, |row| ends(row).0)
        .keeping_the_end()
        .words("REMOTE", 13..=47, 0, |row| ends(row).1)
        .keeping_the_end()
        .words("PROCESS", 12..=34, 0, process)
        .numbers("FD", 4, 3, |row| row.fd.map_or(Cell::Blank, Cell::from))
        .words("USER", 8..=16, 2, |row| match row.uid {
            None => Cell::Blank,
            uid => owner_cells::user(row.user, uid),
        })
        .words("UNIT/CONTAINER", 14..=36, 4, |row| {
            owner_cells::home(row.container, row.unit, row.cgroup)
        })
        .numbers("NETNS", 10, 5, |row| row.netns)
        .table()
}

/// How many sockets there are of each transport, as `ss -s` shows it.
pub fn counts(summary: &Summary) -> Table<'static> {
    let Summary { raw, udp, tcp, .. } = summary;
    let transports = [("RAW", raw), ("UDP", udp), ("TCP", tcp)];
    let of_inet =
        transports.map(|(name, count)| (name, count.total, Some([count.ipv4, count.ipv6])));
    let sum = |pick: fn(&Count) -> usize| pick(raw) + pick(udp) + pick(tcp);
    let inet = (
        "INET",
        sum(|it| it.total),
        Some([sum(|it| it.ipv4), sum(|it| it.ipv6)]),
    );
    let unix = (summary.unix.total > 0).then_some(("UNIX", summary.unix.total, None));
    Columns::of(of_inet.into_iter().chain([inet]).chain(unix))
        .words("Transport", 9..=9, 0, |(name, ..)| name)
        .words("Total", 9..=9, 0, |(_, total, _)| total)
        .words("IPv4", 9..=9, 0, |(.., ip)| family(ip, 0))
        .words("IPv6", 9..=9, 0, |(.., ip)| family(ip, 1))
        .table()
}

fn family(counts: Option<[usize; 2]>, at: usize) -> Cell<'static> {
    counts.map_or(Cell::Blank, |counts| counts[at].into())
}

/// Bytes in a queue; for a listening socket, waiting connections and their limit.
fn queue(row: &SocketRow<'_>, waiting: u32) -> Cell<'static> {
    if row.socket.state == TcpState::Listen {
        waiting.into()
    } else {
        Cell::Queue(Bytes(waiting.into()))
    }
}

fn process<'s>(row: &SocketRow<'s>) -> Cell<'s> {
    let Some(first) = row.owners.first() else {
        // Where a file belongs to it, its owner could not be seen.
        let words = Fileless::of(row.socket).map_or("?", Fileless::words);
        return words.into();
    };
    let others = row.owners.iter().filter(|owner| owner.pid != first.pid);
    let mut more: Vec<u32> = others.map(|owner| owner.pid).collect();
    more.dedup();
    match more.len() {
        0 => format!("{} {}", first.pid, first.name).into(),
        more => format!("{} {} +{more}", first.pid, first.name).into(),
    }
}

fn ends<'s>(row: &SocketRow<'s>) -> (Cow<'s, str>, Cow<'s, str>) {
    match &row.socket.ends {
        Ends::Inet(ends) => {
            let local = end(ends.local, ends, true);
            (Cow::Owned(local), Cow::Owned(end(ends.remote, ends, false)))
        }
        Ends::Unix(unix) => {
            let path = unix.path.as_deref().unwrap_or("*");
            (Cow::Borrowed(path), Cow::Owned(row.remote.clone()))
        }
    }
}

/// As `ss` writes it: `*:80` takes both families, `[::]:80` IPv6 and `0.0.0.0:80` IPv4 only. Where
/// there is no other end, a `*` alone.
fn end(address: SocketAddr, ends: &InetEnds, is_local: bool) -> String {
    let takes_both = address.is_ipv6() && address.ip().is_unspecified() && !ends.ipv6_only;
    match (is_local, ends.interface) {
        (false, _) if address.ip().is_unspecified() && address.port() == 0 => "*".to_owned(),
        (true, 0) if takes_both => format!("*:{}", address.port()),
        (true, index) if index != 0 => {
            format!("{}%{index}:{}", address.ip(), address.port())
        }
        _ => address.to_string(),
    }
}
