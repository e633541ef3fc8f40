//! What is wrong with resolvers and with the way to them, and what would a careful administrator do?

mod lookup;
mod resolver;

use netperf_core::sample::dns::DnsSample;

use super::DnsTick;
use super::resolver_row::ResolverRow;
use netperf_core::units::format_micros;
use netperf_diagnose::{Finding, Level};

/// All findings, the worst first.
pub(super) fn of(tick: &DnsTick, sample: &DnsSample) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(lookup::not_found(tick, sample));
    for row in &tick.resolvers {
        findings.extend(resolver::silent(row, sample));
        findings.extend(resolver::failing(row));
        findings.extend(resolver::one_type_lost(row));
        findings.extend(resolver::slow(row, &tick.resolvers));
        findings.extend(resolver::cut_off(row));
    }
    findings.extend(resolver::differing(&tick.resolvers));
    findings.extend(lookup::many_queries(tick));
    findings.extend(lookup::hosts_entry(tick, sample));
    findings.extend(lookup::other_sources(tick));
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|it| it.level == Level::Ok) {
        findings.push(nothing(tick));
    }
    findings
}

fn nothing(tick: &DnsTick) -> Finding {
    let medians = tick.resolvers.iter().filter_map(ResolverRow::median_us);
    let evidence = match medians.max() {
        Some(slowest) => format!(
            "every query was answered, half of them within {} at the slowest resolver",
            format_micros(slowest)
        ),
        None => "no resolver was queried".to_owned(),
    };
    let what = "no trouble found".to_owned();
    Finding::new(Level::Ok, what, evidence, &[])
}
