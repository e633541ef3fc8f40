//! What do the states mean, and what would a careful administrator do? Printed, never applied.

mod close_wait;
mod closing;
mod listen;
mod machine;
mod ports;
mod refused;
mod remedy;

use netperf_core::model::states::StatesModel;
use serde::Serialize;

use super::StatesTick;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is. May hold untrusted text.
    pub what: String,
    /// Why that is so, in numbers. May hold untrusted text.
    pub evidence: String,
    /// What to do, in order. May hold untrusted text.
    pub advice: Vec<String>,
}

impl Finding {
    /// All of it.
    pub(in crate::view) fn new(
        level: Level,
        what: String,
        evidence: String,
        advice: &[String],
    ) -> Self {
        Self {
            level,
            what,
            evidence,
            advice: advice.to_vec(),
        }
    }
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Connections fail, or will within a minute.
    Critical,
    /// Something is wrong.
    Warn,
    /// It looks odd and is as it should be.
    Ok,
}

impl Level {
    /// As the contract writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warn => "warn",
            Self::Ok => "ok",
        }
    }
}

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
pub(in crate::view) fn by_subject(
    tick: &StatesTick<'_>,
    model: &StatesModel,
) -> [(About, Vec<Finding>); 4] {
    let (mut ports, unproven) = ports::of(refused::groups(tick), tick, model);
    ports.extend(refused::of(&unproven, tick, model));
    let mut closing = close_wait::of(tick);
    closing.extend(closing::of(tick));
    [
        (About::Ports, ports),
        (About::Closing, closing),
        (About::Listen, listen::of(tick, model)),
        (About::Machine, machine::of(tick)),
    ]
}

/// All findings of a look, the worst first.
pub(super) fn of(tick: &StatesTick<'_>, model: &StatesModel) -> Vec<Finding> {
    let subjects = by_subject(tick, model).into_iter();
    let mut findings: Vec<Finding> = subjects.flat_map(|(_, findings)| findings).collect();
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|finding| finding.level == Level::Ok) {
        findings.push(nothing(tick));
    }
    findings
}

/// Where nothing is wrong, that is said.
fn nothing(tick: &StatesTick<'_>) -> Finding {
    let sockets = super::words::counted(tick.counts.total(), "TCP socket", "TCP sockets");
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
