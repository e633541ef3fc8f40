//! Which counters of trouble have grown?

use netperf_core::model::nic::figures::driver::Known;
use netperf_core::model::nic::figures::{DriverRow, NicFigures, NicRow};
use netperf_core::sample::nic::LinkCounter;
use netperf_core::units::{Percent, counted, grouped};

use super::{driver, meaning};
use crate::{Finding, Level, Period};

/// Drops of arrived packets that are no trouble: as few as protocols of a switch make.
const FEW: u64 = 10;
/// And no more than this share of what arrived.
const FEW_SHARE: f64 = 0.01;
/// So many a second are what switches and neighbours send in protocols that nothing here speaks.
const UNWANTED_PER_S: f64 = 10.0;

pub(super) fn of(row: &NicRow<'_>, figures: &NicFigures<'_>, period: Period) -> Vec<Finding> {
    let counters = LinkCounter::ALL.into_iter();
    let grown = |counter| grown(row, counter, figures, period);
    let mut findings: Vec<Finding> = counters.filter_map(grown).collect();
    findings.extend(ingress(row, period));
    findings.extend(drivers_own(row, period));
    findings
}

fn grown(
    row: &NicRow<'_>,
    counter: LinkCounter,
    figures: &NicFigures<'_>,
    period: Period,
) -> Option<Finding> {
    let (meaning, first_step) = meaning::words(counter)?;
    let growth = row.grown(counter).filter(|&growth| growth > 0)?;
    // The sums say no more than the counters that they are made of, where these say something.
    if is_told_by_others(row, counter) {
        return None;
    }
    let total = row.total(counter).unwrap_or(growth);
    let name = counter.name();
    let share = share(row, counter, growth);
    let is_few = growth <= FEW && share.is_none_or(|share| share <= FEW_SHARE);
    let is_harmless = matches!(counter, LinkCounter::RxDropped | LinkCounter::RxNohandler)
        && (is_few || is_unwanted(growth, figures));
    let of_all = share.map(|share| format!(", {} of its packets", Percent::of(share)));
    Some(Finding {
        level: if is_harmless { Level::Ok } else { Level::Warn },
        what: format!("{} of {} grows: {meaning}", name, row.place()),
        evidence: format!(
            "{} {period}{}; {} since the interface was made",
            grouped(growth),
            of_all.unwrap_or_default(),
            grouped(total)
        ),
        advice: vec![first_step.replace("NAME", row.name)],
    })
}

/// Whether packets were thrown away that nobody here wants: there are few a second, and the processors had
/// room for all. Their share says nothing, since a quiet interface gets hardly any others.
fn is_unwanted(growth: u64, figures: &NicFigures<'_>) -> bool {
    let mut processors = figures.softnet.iter();
    let had_room = processors.all(|row| row.dropped_in_tick == Some(0));
    let seconds = figures.interval_s.unwrap_or(0.0);
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    let growth = growth as f64;
    had_room && growth <= UNWANTED_PER_S * seconds.max(1.0)
}

fn is_told_by_others(row: &NicRow<'_>, counter: LinkCounter) -> bool {
    let grows = |it: &LinkCounter| row.grown(*it) > Some(0);
    let parts: &[LinkCounter] = if counter == LinkCounter::RxErrors {
        &[
            LinkCounter::RxLengthErrors,
            LinkCounter::RxOverErrors,
            LinkCounter::RxCrcErrors,
            LinkCounter::RxFrameErrors,
            LinkCounter::RxFifoErrors,
        ]
    } else if counter == LinkCounter::TxErrors {
        &[
            LinkCounter::TxAbortedErrors,
            LinkCounter::TxCarrierErrors,
            LinkCounter::TxFifoErrors,
            LinkCounter::TxWindowErrors,
        ]
    } else {
        &[]
    };
    parts.iter().any(grows)
}

/// Of the packets that passed in the same direction, and those that did not.
fn share(row: &NicRow<'_>, counter: LinkCounter, growth: u64) -> Option<f64> {
    let passed = if counter.name().starts_with("rx_") {
        row.grown(LinkCounter::RxPackets)?
    } else {
        row.grown(LinkCounter::TxPackets)?
    };
    let all = passed.saturating_add(growth);
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    (all > 0).then(|| growth as f64 / all as f64)
}

/// Filters throw away what somebody told them to.
fn ingress(row: &NicRow<'_>, period: Period) -> Option<Finding> {
    let drops = row.ingress_drops_in_tick.filter(|&drops| drops > 0)?;
    Some(Finding {
        level: Level::Warn,
        what: format!("filters at {} throw away packets that arrive", row.place()),
        evidence: format!(
            "{} {period}, {} since they were made",
            counted(drops, "packet", "packets"),
            grouped(row.ingress_drops.unwrap_or(drops))
        ),
        advice: vec![format!(
            "rules on this host do that: see them with `tc filter show dev {} ingress`",
            row.name
        )],
    })
}

/// Counters of the driver's own that are known, one finding a kind.
fn drivers_own(row: &NicRow<'_>, period: Period) -> Vec<Finding> {
    let grows = |it: &&DriverRow<'_>| it.in_tick > Some(0);
    let growing: Vec<_> = row.driver_statistics.iter().filter(grows).collect();
    let mut kinds: Vec<Known> = growing.iter().filter_map(|it| it.known_as).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let finding = |kind: Known| {
        let these = growing.iter().filter(|it| it.known_as == Some(kind));
        let words = these.map(|it| {
            let growth = grouped(it.in_tick.unwrap_or(0));
            format!("{} +{growth} {period}", it.name)
        });
        Finding {
            level: Level::Warn,
            what: format!(
                "the driver of {} says: {}",
                row.place(),
                driver::meaning(kind)
            ),
            evidence: words.collect::<Vec<_>>().join("; "),
            advice: vec![driver::first_step(kind, row.name)],
        }
    };
    kinds.into_iter().map(finding).collect()
}
