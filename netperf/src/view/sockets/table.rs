//! How are sockets put in a table?

use std::borrow::Cow;
use std::net::SocketAddr;

use netperf_core::sample::socket::{Ends, InetEnds};

use super::row::{Fileless, SocketRow};
use crate::view::owner_cells;
use crate::view::sort::Sort;
use crate::view::table::{Cell, Column, Row, Table};

/// Largest queue that is written in full: seven digits would not fit, and a cut number would lie.
const IN_FULL_MAX: u32 = 999_999;

/// The rows as a table. In 80 columns the addresses give way first, from their front.
pub fn table<'r, 's: 'r>(rows: impl IntoIterator<Item = &'r SocketRow<'s>>) -> Table<'s> {
    let rows: Vec<_> = rows.into_iter().collect();
    let states = rows.iter().map(|row| row.state.len());
    let state = states.max().unwrap_or(0).max(5);
    let columns = vec![
        Column::words("PROTO", 5, 5, 1),
        Column::words("STATE", state, state, 0),
        Column::numbers("RECV-Q", 7, 0),
        Column::numbers("SEND-Q", 7, 0),
        Column::words("LOCAL", 13, 47, 0).keeping_its_end(),
        Column::words("REMOTE", 13, 47, 0).keeping_its_end(),
        Column::words("PROCESS", 12, 34, 0),
        Column::numbers("FD", 4, 3),
        Column::words("USER", 8, 16, 2),
        Column::words("UNIT/CONTAINER", 14, 36, 4),
        Column::numbers("NETNS", 10, 5),
    ];
    Table {
        columns,
        rows: rows.into_iter().map(line).collect(),
        sort: Sort::default(),
    }
}

fn queue(waiting: u32) -> Cell<'static> {
    if waiting > IN_FULL_MAX {
        Cell::Bytes(Some(waiting.into()))
    } else {
        Cell::Number(Some(waiting.into()))
    }
}

fn line<'s>(row: &SocketRow<'s>) -> Row<'s> {
    let (local, remote) = ends(row);
    let cells = vec![
        Cell::Text(Cow::Borrowed(row.proto)),
        Cell::Text(Cow::Borrowed(row.state)),
        queue(row.recv_q),
        queue(row.send_q),
        Cell::Text(local),
        Cell::Text(remote),
        process(row),
        row.fd
            .map_or(Cell::Blank, |fd| Cell::Number(Some(fd.into()))),
        match row.uid {
            None => Cell::Blank,
            uid => owner_cells::user(row.user, uid),
        },
        owner_cells::home(row.container, row.unit, row.cgroup),
        Cell::Number(Some(row.netns.into())),
    ];
    Row {
        cells,
        quiet: false,
    }
}

fn process<'s>(row: &SocketRow<'s>) -> Cell<'s> {
    let Some(first) = row.owners.first() else {
        // Where a file belongs to it, its owner could not be seen.
        let words = Fileless::of(row.socket).map_or("?", Fileless::words);
        return Cell::Text(Cow::Borrowed(words));
    };
    let others = row.owners.iter().filter(|owner| owner.pid != first.pid);
    let mut more: Vec<u32> = others.map(|owner| owner.pid).collect();
    more.dedup();
    let text = match more.len() {
        0 => format!("{} {}", first.pid, first.name),
        more => format!("{} {} +{more}", first.pid, first.name),
    };
    Cell::Text(Cow::Owned(text))
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
