//! What do the interfaces lack, and what would a careful administrator do? Printed, never applied.

mod counters;
mod full;
mod link;
mod processors;

use super::NicTick;
use super::users::{User, Users};
use super::words::bits;
use netperf_diagnose::words::process;
use netperf_diagnose::{Finding, Level};

/// For how many ticks in a row something has to go on before it is told.
const TICKS: u32 = 3;

/// All findings of a look, the worst first.
pub(super) fn of(tick: &NicTick<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in &tick.interfaces {
        findings.extend(full::of(row));
        findings.extend(link::of(row));
        findings.extend(counters::of(row));
    }
    findings.extend(processors::of(tick));
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|finding| finding.level == Level::Ok) {
        findings.push(nothing(tick));
    }
    findings
}

/// Where nothing is wrong, that is said.
fn nothing(tick: &NicTick<'_>) -> Finding {
    let looked = match tick.interval_s {
        Some(_) => "no interface is full, no counter of errors or drops has grown in this tick",
        None => "one look shows no rates; add `-n 3` for those",
    };
    Finding {
        level: Level::Ok,
        what: "no trouble found".to_owned(),
        evidence: format!("{looked}; no link is known to run slower than it could"),
        advice: Vec::new(),
    }
}

/// Who uses an interface most, in words; nothing where nobody counts or nobody does.
fn used_by(users: Option<&Users<'_>>, by: fn(&User<'_>) -> u64) -> Option<String> {
    let users = users.filter(|users| !users.processes.is_empty())?;
    let one = |user: &User<'_>| {
        let name = process(Some(user.name), Some(user.pid));
        format!("{name} {}", bits(by(user)))
    };
    let list: Vec<_> = users.processes.iter().map(one).collect();
    let list = list.join(", ");
    Some(if users.by_address {
        format!("by {list}")
    } else {
        format!("no process uses its addresses; on this machine most is moved by {list}")
    })
}

/// The process that uses it most, where that is known.
fn first_user(users: Option<&Users<'_>>) -> Option<String> {
    let users = users.filter(|users| users.by_address)?;
    let first = users.processes.first()?;
    Some(process(Some(first.name), Some(first.pid)))
}
