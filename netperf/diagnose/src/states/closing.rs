//! Do connections that this end closes come to their end?

use netperf_core::model::states::figures::{ClosingRow, StatesFigures};
use netperf_core::units::{counted, format_seconds, grouped};

use crate::{Finding, Level};

/// Seconds after which a peer that means to close has done so.
const OLD_SECS: f64 = 60.0;
/// Connections that were half closed on purpose are few.
const SOME: u32 = 10;

pub(super) fn of(figures: &StatesFigures<'_>) -> Vec<Finding> {
    figures.closing.iter().filter_map(finding).collect()
}

fn finding(row: &ClosingRow) -> Option<Finding> {
    let is_old = row.oldest_s.is_some_and(|age| age >= OLD_SECS);
    if row.state == "FIN_WAIT2" {
        return (is_old && row.count - row.orphans >= SOME).then(|| half_closed(row));
    }
    (row.silent > 0 || is_old).then(|| silent(row))
}

fn silent(row: &ClosingRow) -> Finding {
    let state = row.state;
    Finding {
        level: Level::Warn,
        what: format!("{} in {state}: the other end does not answer", count(row)),
        evidence: format!(
            "{} of {} have sent their last packet again 3 times or more (at most {} times){}{}",
            grouped(row.silent),
            grouped(row.count),
            row.retransmits,
            age(row),
            remotes(row),
        ),
        advice: vec![
            "the peer has vanished (crashed, unplugged, moved away) or something between drops the \
             packets: a firewall or NAT that has forgotten the connection. Try to reach it: \
             `ping`, `netperf-trace flows --remote ADDRESS`"
                .to_owned(),
            "nothing has to be done here: the kernel gives up after net.ipv4.tcp_orphan_retries \
             tries, within some minutes"
                .to_owned(),
        ],
    }
}

fn half_closed(row: &ClosingRow) -> Finding {
    Finding {
        level: Level::Warn,
        what: format!("{} in FIN_WAIT2: the other end does not close", count(row)),
        evidence: format!(
            "this end has closed its direction, and the process still holds {} of them{}{}",
            grouped(row.count - row.orphans),
            age(row),
            remotes(row),
        ),
        advice: vec![
            "look at the program at the other end: it has these connections in CLOSE_WAIT and does \
             not close them"
                .to_owned(),
            "the program here may give them up: with close() in place of shutdown() the kernel ends \
             them after net.ipv4.tcp_fin_timeout seconds"
                .to_owned(),
        ],
    }
}

fn count(row: &ClosingRow) -> String {
    counted(row.count, "connection hangs", "connections hang")
}

fn age(row: &ClosingRow) -> String {
    row.oldest_s.map_or(String::new(), |age| {
        format!(", the oldest for at least {}", format_seconds(age))
    })
}

fn remotes(row: &ClosingRow) -> String {
    let remotes = row.remotes.iter();
    let remotes = remotes.map(|(remote, count)| format!("{remote} ({})", grouped(*count)));
    format!("; with {}", remotes.collect::<Vec<_>>().join(", "))
}
