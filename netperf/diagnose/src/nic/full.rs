//! Is an interface full, and by whom?

use netperf_core::model::nic::figures::{NicRow, QueueRow};
use netperf_core::units::{ByteRate, Bytes, LinkSpeed, Percent, Units, counted, grouped};

use super::{TICKS, first_user, used_by};
use crate::{Finding, Level, Period};

/// Kinds of queues that keep a rate which somebody has set.
const SHAPERS: [&str; 5] = ["tbf", "htb", "hfsc", "cbq", "cake"];

pub(super) fn of(row: &NicRow<'_>, period: Period, units: Units) -> Vec<Finding> {
    let mut findings: Vec<Finding> = busy(row, units).into_iter().collect();
    // A full cable makes its queue full: that is one trouble, not two.
    if findings.is_empty() {
        findings.extend(queue(row, period, units));
    }
    findings
}

fn busy(row: &NicRow<'_>, units: Units) -> Option<Finding> {
    let (percent, mbit) = (row.utilisation_percent?, row.speed_mbit?);
    if row.streak.busy < TICKS {
        return None;
    }
    let sends = row.tx_percent >= row.rx_percent;
    let (verb, users, rate) = if sends {
        ("sends", row.senders.as_ref(), row.tx_bytes_per_s)
    } else {
        ("receives", row.receivers.as_ref(), row.rx_bytes_per_s)
    };
    let by = |user: &netperf_core::model::nic::figures::users::User<'_>| user.tx_bytes_per_s;
    let by_rx = |user: &netperf_core::model::nic::figures::users::User<'_>| user.rx_bytes_per_s;
    let used = if sends {
        used_by(users, by, units)
    } else {
        used_by(users, by_rx, units)
    };
    let who = first_user(users);
    let mut evidence = vec![format!(
        "it {verb} {} of {}, {} with what frames take up, for {} ticks",
        units.link_rate(ByteRate(rate.unwrap_or(0))),
        LinkSpeed(mbit),
        Percent(percent),
        row.streak.busy
    )];
    evidence.extend(row.queue.as_ref().and_then(|it| waiting(it, units)));
    evidence.extend(used);
    Some(Finding {
        level: Level::Warn,
        what: match &who {
            Some(who) => format!("{} is full, most of all by {who}", row.place()),
            None => format!("{} is full", row.place()),
        },
        evidence: evidence.join("; "),
        advice: advice(sends, who.is_some()),
    })
}

/// The queue of what is to be sent is full, though the link may not be.
fn queue(row: &NicRow<'_>, period: Period, units: Units) -> Option<Finding> {
    let queue = row.queue.as_ref()?;
    let drops = queue.drops_in_tick.unwrap_or(0);
    let is_long = row.streak.queued >= TICKS;
    if drops == 0 && !is_long {
        return None;
    }
    if is_of_a_limit(row) {
        return Some(held(row));
    }
    let keeps_a_rate = SHAPERS.contains(&queue.kind) && queue.overlimits_in_tick > Some(0);
    let keeps_a_rate = keeps_a_rate || queue.rate_bytes_per_s.is_some();
    let who = first_user(row.senders.as_ref());
    let place = row.place();
    let of_whom = who.as_ref().map(|who| format!(", most of all by {who}"));
    let what = if is_long && keeps_a_rate {
        format!(
            "{place} is full: more is to be sent than its {} lets out",
            queue.kind
        )
    } else if is_long {
        format!("{place} is full: packets wait to be sent all the time")
    } else {
        format!("the queue of {place} threw packets away")
    };
    let mut evidence: Vec<String> = sent(row, queue, units).into_iter().collect();
    if queue.drops > 0 {
        evidence.push(format!(
            "{} thrown away {period} by its queue ({}), {} since it was made",
            counted(drops, "packet", "packets"),
            queue.kind,
            grouped(queue.drops)
        ));
    }
    evidence.extend(waiting(queue, units));
    evidence.extend(used_by(
        row.senders.as_ref(),
        |user| user.tx_bytes_per_s,
        units,
    ));
    let mut advice = advice(true, who.is_some());
    if keeps_a_rate {
        advice.insert(
            0,
            format!(
                "a rate is set here: `tc -s qdisc show dev {}` shows it; raise it if the link can do more",
                row.name
            ),
        );
    }
    Some(Finding {
        level: Level::Warn,
        what: what + &of_whom.unwrap_or_default(),
        evidence: evidence.join("; "),
        advice,
    })
}

/// What it sends, and what its queue lets out.
fn sent(row: &NicRow<'_>, queue: &QueueRow<'_>, units: Units) -> Option<String> {
    let rate = |bytes_per_s| units.link_rate(ByteRate(bytes_per_s));
    let sent = row.tx_bytes_per_s;
    let sent = sent.map(|sent| format!("it sends {}", rate(sent)));
    let Some(limit) = queue.rate_bytes_per_s else {
        return sent;
    };
    let (sent, limit) = (sent.unwrap_or_default(), rate(limit));
    Some(format!("{sent}, and its {} lets out {limit}", queue.kind))
}

/// Whether this program made it, to hold a process to a rate on purpose (`limit`): `npt`, a number,
/// and the direction.
fn is_of_a_limit(row: &NicRow<'_>) -> bool {
    let rest = row.name.strip_prefix("npt");
    let number = rest.and_then(|rest| rest.strip_suffix(['u', 'd']));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()))
}

fn held(row: &NicRow<'_>) -> Finding {
    Finding {
        level: Level::Ok,
        what: format!("{} limits a process on purpose", row.place()),
        evidence: "it is the queue of a limit: `netperf-trace limit list` shows whose".to_owned(),
        advice: Vec::new(),
    }
}

fn waiting(queue: &QueueRow<'_>, units: Units) -> Option<String> {
    (queue.backlog_packets > 0).then(|| {
        let packets = counted(queue.backlog_packets, "packet", "packets");
        let size = units.size(Bytes(queue.backlog_bytes.into()));
        format!("{packets} ({size}) wait")
    })
}

fn advice(sends: bool, is_known: bool) -> Vec<String> {
    let sort = if sends { "tx" } else { "rx" };
    let mut advice = Vec::new();
    if !is_known {
        advice.push(format!("see who it is: `netperf-trace top --sort {sort}`"));
    }
    advice.push(
        "hold the greatest one to a rate, so that the others get through: `netperf-trace limit --pid PID \
         RATE`; or run it when the link is idle"
            .to_owned(),
    );
    advice
        .push("if all of it is needed, this link is too slow for it: use a faster one".to_owned());
    advice
}
