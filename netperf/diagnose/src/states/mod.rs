//! What do the states mean, and what would a careful administrator do? Printed, never applied.

mod close_wait;
mod closing;
mod leak;
mod listen;
mod machine;
mod ports;
mod refused;
mod remedy;

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::StatesFigures;
use netperf_core::units::counted;

use crate::{Finding, Level, Period};

/// What findings are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Ports of outgoing connections, and what was refused for want of one.
    Ports,
    /// Connections that somebody does not close.
    Closing,
    /// Queues of clients.
    Listen,
    /// Limits of TCP as a whole.
    Machine,
}

/// All findings of a look by what they are about.
pub fn by_subject(
    figures: &StatesFigures<'_>,
    model: &StatesModel,
    period: Period,
) -> [(About, Vec<Finding>); 4] {
    let groups = refused::groups(figures, period);
    let (mut ports, unproven) = ports::of(groups, figures, model);
    ports.extend(refused::of(&unproven, figures, model));
    let mut closing = close_wait::of(figures, period);
    closing.extend(closing::of(figures));
    [
        (About::Ports, ports),
        (About::Closing, closing),
        (About::Listen, listen::of(figures, model, period)),
        (About::Machine, machine::of(figures, period)),
    ]
}

/// All findings of a look, the worst first.
pub fn findings(figures: &StatesFigures<'_>, model: &StatesModel, period: Period) -> Vec<Finding> {
    let subjects = by_subject(figures, model, period).into_iter();
    let mut findings: Vec<Finding> = subjects.flat_map(|(_, findings)| findings).collect();
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|finding| finding.level == Level::Ok) {
        findings.push(nothing(figures));
    }
    findings
}

/// Where nothing is wrong, that is said.
fn nothing(figures: &StatesFigures<'_>) -> Finding {
    if figures.counts.total() == 0 {
        return Finding {
            level: Level::Ok,
            what: "no TCP socket to judge".to_owned(),
            evidence: "none is there that was asked for, so nothing is said about any".to_owned(),
            advice: Vec::new(),
        };
    }
    let sockets = counted(figures.counts.total(), "TCP socket", "TCP sockets");
    Finding {
        level: Level::Ok,
        what: "no trouble found".to_owned(),
        evidence: format!(
            "{sockets} counted: of what is shown, no ports run out, no process piles up connections \
             in CLOSE_WAIT, no queue of clients is full, no limit of the machine is near"
        ),
        advice: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
