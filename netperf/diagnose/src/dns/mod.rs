//! What is wrong with resolvers and with the way to them, and what would a careful administrator do?

mod answers;
mod configuration;
mod lookup;
mod resolver;

use netperf_core::model::dns::DnsFigures;
use netperf_core::model::dns::resolver::ResolverRow;
use netperf_core::sample::dns::DnsSample;
use netperf_core::units::format_micros;

use crate::{Finding, Level};

/// All findings, the worst first.
pub fn findings(figures: &DnsFigures, sample: &DnsSample) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(lookup::not_found(figures, sample));
    for row in &figures.resolvers {
        findings.extend(resolver::silent(row, sample));
        findings.extend(resolver::failing(row));
        findings.extend(answers::one_type_denied(row, &sample.asked));
        findings.extend(answers::one_type_lost(row));
        findings.extend(resolver::slow(row, &figures.resolvers));
        findings.extend(answers::cut_off(row, sample));
    }
    findings.extend(resolver::differing(&figures.resolvers));
    findings.extend(configuration::unread(sample));
    findings.extend(lookup::silent_domain(figures, sample));
    findings.extend(lookup::many_queries(figures, sample));
    findings.extend(lookup::hosts_entry(figures, sample));
    findings.extend(lookup::other_sources(figures, sample));
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|it| it.level == Level::Ok) {
        findings.push(nothing(figures));
    }
    findings
}

fn nothing(figures: &DnsFigures) -> Finding {
    let medians = figures.resolvers.iter().filter_map(ResolverRow::median_us);
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

#[cfg(test)]
mod tests;
