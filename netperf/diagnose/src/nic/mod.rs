//! What do the interfaces lack, and what would a careful administrator do? Printed, never applied.

pub mod condition;
mod counters;
pub mod driver;
mod full;
mod link;
pub mod meaning;
mod missing;
mod processors;

use netperf_core::model::nic::figures::NicFigures;
use netperf_core::model::nic::figures::users::{User, Users};
use netperf_core::units::{ByteRate, Units};

use crate::words::process;
use crate::{Finding, Level, Period};

/// For how many ticks in a row something has to go on before it is told.
const TICKS: u32 = 3;

/// All findings of a look, the worst first.
pub fn findings(figures: &NicFigures<'_>, period: Period, units: Units) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in &figures.interfaces {
        findings.extend(full::of(row, period, units));
        findings.extend(link::of(row, period));
        findings.extend(counters::of(row, figures, period));
    }
    findings.extend(missing::of(figures));
    findings.extend(processors::of(figures, period));
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|finding| finding.level == Level::Ok) {
        findings.push(nothing(figures, period));
    }
    findings
}

/// Where nothing is wrong, that is said.
fn nothing(figures: &NicFigures<'_>, period: Period) -> Finding {
    let looked = match figures.interval_s {
        Some(_) => {
            format!("no interface is full, no counter of errors or drops has grown {period}")
        }
        None => "one look shows no rates; add `-n 3` for those".to_owned(),
    };
    Finding {
        level: Level::Ok,
        what: "no trouble found".to_owned(),
        evidence: format!("{looked}; no link is known to run slower than it could"),
        advice: Vec::new(),
    }
}

/// Who uses an interface most, in words; nothing where nobody counts or nobody does.
fn used_by(users: Option<&Users<'_>>, by: fn(&User<'_>) -> u64, units: Units) -> Option<String> {
    let users = users.filter(|users| !users.processes.is_empty())?;
    let one = |user: &User<'_>| {
        let name = process(Some(user.name), Some(user.pid));
        format!("{name} {}", units.link_rate(ByteRate(by(user))))
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

#[cfg(test)]
mod tests;
