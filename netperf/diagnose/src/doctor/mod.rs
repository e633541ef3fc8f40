//! What is the trouble, most likely? The checks of `doctor` in the order in which an expert takes them.

mod delay;
pub mod dns;
mod drops;
mod errno;
pub mod failing;
mod loss;
mod machine;
mod network;
pub mod process;
mod stuck;
mod tables;
mod topic;

#[cfg(test)]
mod tests;

use std::time::Duration;

use netperf_core::clock::WallNs;
use netperf_core::model::Model;
use netperf_core::model::lookups::Lookups;
use netperf_core::model::nic::NicModel;
use netperf_core::model::nic::figures::NicFigures;
use netperf_core::model::pressure::Pressure;
use netperf_core::model::query::ProcessQuery;
use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::StatesOptions;
use netperf_core::sample::Process;
use netperf_core::sample::socket::{SocketSample, Unseen};
use netperf_core::units::Units;
use serde::Serialize;

use self::dns::LookupRow;
use self::failing::FailedRow;
pub use self::topic::Topic;
use crate::{Finding, Level, Period};

/// Everything that was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'m> {
    /// When it ended.
    pub wall: WallNs,
    /// How long it took.
    pub length: Duration,
    /// The machine itself.
    pub pressure: &'m Pressure,
    /// The interfaces.
    pub nics: &'m NicModel,
    /// The states of TCP.
    pub states: &'m StatesModel,
    /// What processes moved, in one tick of the whole length; why nobody knows, where hooks can't be
    /// attached.
    pub traffic: Result<&'m Model, &'m str>,
    /// The names that were looked up; why nobody knows, where that can't be seen.
    pub lookups: Result<&'m Lookups, &'m str>,
    /// Every TCP socket at the beginning.
    pub first: &'m SocketSample,
    /// Every TCP socket at the end.
    pub last: &'m SocketSample,
    /// What could not be seen.
    pub unseen: &'m [Unseen],
    /// Only these network namespaces are asked about; all if `None`.
    pub namespaces: Option<&'m [u32]>,
    /// The process that is asked about.
    pub about: Option<u32>,
    /// How sizes and rates are written.
    pub units: Units,
}

impl Measured<'_> {
    /// Whether what this process did is asked about; where, if that is known.
    fn takes(&self, process: &Process, netns: Option<u32>) -> bool {
        let is_meant = self.about.is_none_or(|pid| pid == process.id.tgid);
        let place = netns.filter(|&netns| netns != 0).or(process.netns);
        let is_here = match (self.namespaces, place) {
            (Some(all), Some(place)) => all.contains(&place),
            (None, _) | (_, None) => true,
        };
        is_meant && is_here
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Connections fail, or will within a minute.
    Critical,
    /// Something is wrong.
    Warn,
    /// It is as it should be.
    Ok,
    /// It could not be made.
    Skipped,
}

impl Status {
    /// As the contract writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warn => "warn",
            Self::Ok => "ok",
            Self::Skipped => "skipped",
        }
    }
}

impl From<Level> for Status {
    fn from(level: Level) -> Self {
        match level {
            Level::Critical => Self::Critical,
            Level::Warn => Self::Warn,
            Level::Ok => Self::Ok,
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What it is about.
    pub topic: Topic,
    /// How it went: as the worst of its findings.
    pub status: Status,
    /// What was measured, or why nothing was. May hold untrusted text.
    pub evidence: String,
    /// What was found. Untrusted text.
    pub findings: Vec<Finding>,
}

/// Something that was found, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// What it is about.
    pub topic: Topic,
    /// Result of the check.
    #[serde(flatten)]
    pub finding: Finding,
}

/// What is wrong, and why it is thought so.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// As the worst of its checks.
    pub status: Status,
    /// In one sentence. May hold untrusted text.
    pub verdict: String,
    /// What was found wrong, the most likely cause first.
    pub causes: Vec<Cause>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// Who looked names up, and how that went.
    pub lookups: Vec<LookupRow>,
    /// Connections that failed, by process, remote end and error.
    pub failed_connects: Vec<FailedRow>,
}

impl Diagnosis {
    /// Judges what was measured.
    pub fn new(measured: &Measured<'_>) -> Self {
        let lookups = measured.lookups.map(|it| dns::rows(measured, it));
        let lookups = lookups.unwrap_or_default();
        let failed_connects = failing::rows(measured);
        let checks = all_checks(measured, &lookups, &failed_connects);
        let mut causes: Vec<Cause> = checks.iter().flat_map(causes_of).collect();
        in_order(&mut causes);
        let status = checks.iter().map(|check| check.status).min();
        let status = status
            .filter(|&it| it != Status::Skipped)
            .unwrap_or(Status::Ok);
        Self {
            status,
            verdict: verdict(&causes, &checks),
            causes,
            checks,
            lookups,
            failed_connects,
        }
    }
}

/// Puts the most likely cause first: what is worst, but for loss and delay, which are no more likely than
/// an interface that is in trouble, however bad they are, and for clients and packets that wait for a
/// program, where programs wait for the machine.
fn in_order(causes: &mut [Cause]) {
    let of_machine = causes
        .iter()
        .filter(|cause| matches!(cause.topic, Topic::Cpu | Topic::Disk | Topic::Memory))
        .map(|cause| cause.finding.level)
        .min();
    let of_interfaces = causes
        .iter()
        .filter(|cause| cause.topic == Topic::Interfaces)
        .map(|cause| cause.finding.level)
        .min();
    causes.sort_by_key(|cause| {
        let level = cause.finding.level;
        let likely = match (cause.topic, of_interfaces) {
            (Topic::Loss | Topic::Way | Topic::Delay, Some(interface)) => level.max(interface),
            _ => level,
        };
        let waits_for_programs = matches!(cause.topic, Topic::Listen | Topic::Delay | Topic::Drops);
        let machine = of_machine.filter(|_| waits_for_programs);
        let likely = machine.map_or(likely, |machine| likely.max(machine));
        (likely, machine.is_some(), cause.topic.rank())
    });
}

/// Every check, in the order of [`Topic`].
fn all_checks(measured: &Measured<'_>, lookups: &[LookupRow], failed: &[FailedRow]) -> Vec<Check> {
    let period = Period::Seconds(measured.length.as_secs_f64());
    let nics = NicFigures::new(measured.nics, measured.traffic.ok(), |_| true);
    let options = states_options(measured.about);
    let states = network::States::new(measured.states, &options, period);
    let mut checks = vec![
        machine::cpu(measured.pressure),
        machine::disk(measured.pressure),
        machine::memory(measured.pressure, measured.units),
        network::interfaces(&nics, period, measured.units),
        dns::check(measured, lookups),
        delay::check(measured),
        loss::check(measured),
        states.closing(),
        states.ports(),
        states.listen(measured),
        failing::check(measured, failed),
        states.limits(),
        drops::check(measured),
        tables::check(measured.pressure),
        stuck::check(measured),
    ];
    checks.extend(
        measured
            .about
            .into_iter()
            .flat_map(|pid| process::checks(measured, pid)),
    );
    checks
}

fn states_options(about: Option<u32>) -> StatesOptions {
    StatesOptions {
        processes: ProcessQuery {
            pids: about.into_iter().collect(),
            ..ProcessQuery::default()
        },
        ..StatesOptions::all()
    }
}

fn causes_of(check: &Check) -> impl Iterator<Item = Cause> {
    let bad = check.findings.iter().filter(|it| it.level != Level::Ok);
    bad.map(|finding| Cause {
        topic: check.topic,
        finding: finding.clone(),
    })
}

/// In one sentence, with the names in it.
fn verdict(causes: &[Cause], checks: &[Check]) -> String {
    if let Some(first) = causes.first() {
        let is_machine = matches!(first.topic, Topic::Cpu | Topic::Disk | Topic::Memory);
        let place = if is_machine { "not the network: " } else { "" };
        return format!("{place}{}", first.finding.what);
    }
    let about = checks.iter().find(|check| check.topic == Topic::Process);
    let of_process = about.and_then(|check| check.findings.first());
    if let Some(finding) = of_process {
        return finding.what.clone();
    }
    let skipped = checks
        .iter()
        .filter(|it| it.status == Status::Skipped)
        .count();
    match skipped {
        0 => "nothing wrong was found: neither in the network nor in the machine".to_owned(),
        _ => format!(
            "nothing wrong was found, but {skipped} of {} checks could not be made",
            checks.len()
        ),
    }
}

impl Check {
    /// A check that went as its worst finding says.
    fn new(topic: Topic, evidence: impl Into<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.level);
        let status = findings
            .first()
            .map_or(Status::Ok, |first| first.level.into());
        Self {
            topic,
            status,
            evidence: evidence.into(),
            findings,
        }
    }

    fn skipped(topic: Topic, why: &str) -> Self {
        Self {
            topic,
            status: Status::Skipped,
            evidence: why.to_owned(),
            findings: Vec::new(),
        }
    }
}
