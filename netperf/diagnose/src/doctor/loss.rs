//! Who has to send again, and to whom?

use std::collections::BTreeMap;
use std::net::IpAddr;

use netperf_core::model::flow::FlowTraffic;
use netperf_core::model::losses::Account;
use netperf_core::sample::losses::Kinds;
use netperf_core::units::{Percent, counted, grouped};

use super::{Check, Measured, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// Segments sent again from which on a share says something.
const SOME: u64 = 10;
/// Percent of the segments.
const WARN: f64 = 1.0;
/// Percent of the segments.
const CRITICAL: f64 = 10.0;
/// Segments sent again from which on it can be critical.
const MANY: u64 = 50;
const SHOWN_MAX: usize = 3;

pub(super) fn check(measured: &Measured<'_>) -> Check {
    let flows = match flows(measured) {
        Ok(flows) => flows,
        Err(why) => return Check::skipped(Topic::Loss, why),
    };
    let mut total = Account::default();
    let mut pairs: BTreeMap<(u32, &str, IpAddr), Account> = BTreeMap::new();
    for flow in flows {
        let account = Account::of(flow);
        total += account;
        let who = &flow.reading.process;
        let pair = (who.id.tgid, who.name.as_str(), flow.reading.remote.ip());
        *pairs.entry(pair).or_default() += account;
    }
    let mut worst: Vec<_> = pairs.into_iter().collect();
    worst.sort_by_key(|(_, account)| std::cmp::Reverse(account.retrans));
    let findings = worst.iter().filter_map(finding).take(SHOWN_MAX).collect();
    let share = Percent(total.loss_percent().unwrap_or(0.0));
    let evidence = format!(
        "{} of {} sent were sent again ({share})",
        grouped(total.retrans),
        counted(total.sent, "segment", "segments")
    );
    Check::new(Topic::Loss, evidence, findings)
}

/// The connections that are asked about.
pub(super) fn flows<'m>(
    measured: &Measured<'m>,
) -> Result<impl Iterator<Item = &'m FlowTraffic>, &'m str> {
    let model = measured.traffic?;
    let measured = *measured;
    let takes =
        move |flow: &&FlowTraffic| measured.takes(&flow.reading.process, Some(flow.reading.netns));
    Ok(model.flows().iter().filter(takes))
}

fn finding(((pid, name, remote), account): &((u32, &str, IpAddr), Account)) -> Option<Finding> {
    let share = account.loss_percent()?;
    let level = match (share, account.retrans) {
        (CRITICAL.., MANY..) => Level::Critical,
        (WARN.., SOME..) => Level::Warn,
        _ => return None,
    };
    let who = process(Some(name), Some(*pid));
    Some(Finding {
        level,
        what: format!("packets of {who} to {remote} are lost"),
        evidence: format!(
            "{} of {} segments were sent again ({}): {}",
            grouped(account.retrans),
            grouped(account.sent),
            Percent(share),
            kinds(account.kinds)
        ),
        advice: vec![
            format!("see where on the way: `netperf-trace path {remote}`"),
            "see when and why: `netperf-trace retrans --watch`; and the errors of the own interface: \
             `netperf-trace nic`"
                .to_owned(),
        ],
    })
}

fn kinds(kinds: Kinds) -> String {
    let all = [
        (kinds.rto, "after a time-out", "after time-outs"),
        (kinds.fast, "seen as a gap", "seen as gaps"),
        (kinds.tlp, "at the end of a burst", "at the end of bursts"),
        (kinds.syn, "at the beginning", "at the beginning"),
    ];
    let some = all.iter().filter(|(count, ..)| *count > 0);
    let words = some.map(|&(count, one, many)| counted(count, one, many));
    words.collect::<Vec<_>>().join(", ")
}
