//! Which connections that this host begins fail, and how?

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use netperf_core::model::latency::Times;
use netperf_core::sample::latency::LatencyKind;
use netperf_core::sample::losses::{ResetDirection, ResetReading};
use netperf_core::sample::refusal::FailedConnect;
use netperf_core::sample::socket::{Ends, TimerKind};
use netperf_core::sample::{ProcessId, Proto, TcpState};
use netperf_core::units::counted;
use serde::Serialize;

use super::loss::flows;
use super::{Check, Measured, Topic, errno};
use crate::words::process;
use crate::{Finding, Level};

/// Fewer than these are seen in passing: happy eyeballs, a service that starts.
const SOME: u64 = 3;
/// So many are no accident.
const MANY: u64 = 20;
const SHOWN_MAX: usize = 5;

/// Who, and whom it calls.
type Call<'m> = (Option<u32>, &'m str, SocketAddr);

/// Judges the connections that failed; `rows` are those of [`rows`].
pub(super) fn check(measured: &Measured<'_>, rows: &[FailedRow]) -> Check {
    let counted_here = measured.last.refusals.failed.is_some();
    let failed = measured.pressure.growth(|it| it.tables.attempts_failed);
    let mut evidence = match failed {
        Some(failed) => format!(
            "{} from this host failed",
            counted(failed, "connection", "connections")
        ),
        None => "the kernel does not report how many failed".to_owned(),
    };
    if let Some(errors) = errors(rows) {
        evidence.extend(["; connect failed with ", &errors]);
    }
    let harmless = rows.iter().filter(|row| row.is_harmless());
    let harmless: u64 = harmless.map(|row| row.count).sum();
    if harmless > 0 {
        let times = counted(harmless, "time", "times");
        evidence.extend(["; ", &times, " another address worked at once"]);
    }
    let loss = measured.last.refusals.loss;
    if counted_here && loss.map_full + loss.unread > 0 {
        let calls = counted(loss.map_full + loss.unread, "failure", "failures");
        evidence.extend(["; up to ", &calls, " could not be counted"]);
    }
    let mut findings: Vec<_> = rows.iter().filter_map(failure).collect();
    if !counted_here {
        findings.extend(refused(measured).iter().filter_map(refusal));
    }
    let unanswered = unanswered(measured);
    let is_news = |(call, _): &(&Call<'_>, &u64)| !rows.iter().any(|row| row.is_of(call));
    findings.extend(unanswered.iter().filter(is_news).filter_map(silence));
    if !rows.iter().any(|row| row.number == errno::ENETUNREACH) {
        findings.extend(no_route(measured));
    }
    findings.sort_by_key(|finding| finding.level);
    findings.truncate(SHOWN_MAX);
    Check::new(Topic::Failing, evidence, findings)
}

/// Connections of one process to one remote end that failed alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedRow {
    /// Process id; 0 where no process is known.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: String,
    /// The remote end.
    pub remote: SocketAddr,
    /// Name of the error.
    pub errno: String,
    /// What it means, of errors that are known.
    pub meaning: Option<&'static str>,
    /// Number of failed connections.
    pub count: u64,
    /// The process reached another address of that port at least as often: nothing fails for want of this
    /// one.
    pub works_elsewhere: bool,
    #[serde(skip)]
    number: u8,
}

/// The connections that failed, those that failed most often first; none where nobody counts them.
pub fn rows(measured: &Measured<'_>) -> Vec<FailedRow> {
    let failed = measured.last.refusals.failed.iter().flatten();
    let asked = failed.filter(|it| measured.takes(&it.process, Some(it.netns)));
    let reached = Reached::of(measured);
    let row = |one: &FailedConnect| FailedRow {
        pid: one.process.id.tgid,
        name: one.process.name.clone(),
        remote: one.remote,
        errno: errno::name(one.errno),
        meaning: errno::meaning(one.errno),
        count: one.count,
        works_elsewhere: one.count <= reached.elsewhere(one),
        number: one.errno,
    };
    let mut rows: Vec<FailedRow> = asked.map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

/// What processes reached: how often, by port, by remote end and by family.
#[derive(Default)]
struct Reached {
    ports: HashMap<(ProcessId, u16), u64>,
    ends: HashMap<(ProcessId, IpAddr, u16), u64>,
    families: HashMap<(ProcessId, bool), u64>,
}

impl Reached {
    fn of(measured: &Measured<'_>) -> Self {
        let mut reached = Self::default();
        let Ok(model) = measured.traffic else {
            return reached;
        };
        for flow in model.flows().iter() {
            let reading = &flow.reading;
            if reading.proto == Proto::Tcp && reading.state != Some(TcpState::SynSent) {
                let (who, remote) = (reading.process.id, reading.remote);
                *reached.ports.entry((who, remote.port())).or_default() += 1;
                let end = (who, remote.ip(), remote.port());
                *reached.ends.entry(end).or_default() += 1;
            }
        }
        for reading in model.latencies() {
            if reading.kind == LatencyKind::Connect {
                let family = (reading.process.id, is_ipv4(reading.remote));
                *reached.families.entry(family).or_default() += Times::of(&reading.counts).count;
            }
        }
        reached
    }

    /// How often the process reached another address instead: one with the same port, or one of the other
    /// family, as clients do that try the addresses of a name one after the other (RFC 8305).
    fn elsewhere(&self, failed: &FailedConnect) -> u64 {
        let (who, ip, port) = (failed.process.id, failed.remote.ip(), failed.remote.port());
        let at_port = self.ports.get(&(who, port)).unwrap_or(&0);
        let there = self.ends.get(&(who, ip, port)).unwrap_or(&0);
        let other_family = self.families.get(&(who, !is_ipv4(ip))).unwrap_or(&0);
        (*other_family).max(at_port - there)
    }
}

fn is_ipv4(address: IpAddr) -> bool {
    address.to_canonical().is_ipv4()
}

impl FailedRow {
    /// Whether the process lost no time and nothing else: the refusal came at once, and so did the other
    /// address.
    fn is_harmless(&self) -> bool {
        let is_at_once = matches!(
            self.number,
            errno::ECONNREFUSED | errno::ENETUNREACH | errno::EHOSTUNREACH
        );
        is_at_once && self.works_elsewhere
    }

    /// Whether this is how those calls ended that got no answer at first.
    fn is_of(&self, (pid, _, remote): &Call<'_>) -> bool {
        let is_silence = matches!(self.number, errno::ETIMEDOUT | errno::EHOSTUNREACH);
        is_silence && self.pid == pid.unwrap_or(0) && self.remote == *remote
    }
}

/// `ECONNREFUSED 12 times, ETIMEDOUT once`.
fn errors(rows: &[FailedRow]) -> Option<String> {
    let mut sums: Vec<(&str, u64)> = Vec::new();
    for row in rows {
        match sums.iter_mut().find(|(errno, _)| *errno == row.errno) {
            Some((_, sum)) => *sum += row.count,
            None => sums.push((&row.errno, row.count)),
        }
    }
    let each = sums
        .iter()
        .map(|&(errno, count)| format!("{errno} {}", counted(count, "time", "times")));
    let text = each.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// Want of a port is what the check of the ports is about.
fn failure(row: &FailedRow) -> Option<Finding> {
    if matches!(row.number, errno::EADDRNOTAVAIL | errno::EADDRINUSE) {
        return None;
    }
    let who = process(Some(&row.name), Some(row.pid));
    // A program that then takes IPv4 loses nothing.
    let best = match row.number {
        _ if row.is_harmless() => Level::Ok,
        errno::ENETUNREACH if row.remote.is_ipv6() => Level::Warn,
        _ => Level::Critical,
    };
    Some(Finding {
        level: level(row.count).max(best),
        what: errno::what(row.number, &who, row.remote),
        evidence: format!(
            "connect failed with {} {}",
            errno::spelled(row.number),
            counted(row.count, "time", "times")
        ),
        advice: errno::advice(row.number, &who, row.remote),
    })
}

/// A reset came in place of an answer (`ECONNREFUSED`): what can be told where no errors are counted.
fn refused<'m>(measured: &Measured<'m>) -> BTreeMap<Call<'m>, u64> {
    let mut found = BTreeMap::new();
    let resets = measured
        .traffic
        .map(netperf_core::model::Model::resets)
        .unwrap_or_default();
    let is_answer = |it: &&ResetReading| {
        it.direction == ResetDirection::Received && it.state == Some(TcpState::SynSent)
    };
    for reset in resets.iter().filter(is_answer) {
        let who = &reset.process;
        if measured.takes(who, Some(reset.netns)) {
            let pid = Some(who.id.tgid).filter(|&pid| pid > 0);
            *found
                .entry((pid, who.name.as_str(), reset.remote))
                .or_default() += reset.count;
        }
    }
    found
}

/// The first packet was repeated: what hooks counted, or else the sockets that wait at this moment.
fn unanswered<'m>(measured: &Measured<'m>) -> BTreeMap<Call<'m>, u64> {
    let mut found: BTreeMap<Call<'m>, u64> = BTreeMap::new();
    let counted = flows(measured).into_iter().flatten();
    for flow in counted {
        let repeated = flow.lost.map_or(0, |lost| lost.events.syn);
        if repeated > 0 {
            let who = &flow.reading.process;
            let pid = Some(who.id.tgid).filter(|&pid| pid > 0);
            let call = (pid, who.name.as_str(), flow.reading.remote);
            *found.entry(call).or_default() += u64::from(repeated);
        }
    }
    for socket in &measured.last.sockets {
        let Ends::Inet(ends) = &socket.ends else {
            continue;
        };
        let owner = socket.inode.map(|inode| measured.last.owners.of(inode));
        let owner = owner.and_then(<[_]>::first).map(|owner| &owner.process);
        let pid = owner.map(|process| process.id.tgid);
        let repeats = socket
            .timer
            .filter(|timer| timer.kind == TimerKind::On)
            .map_or(0, |timer| timer.retransmits);
        let is_asked = measured.about.is_none_or(|about| pid == Some(about));
        if socket.state == TcpState::SynSent && repeats > 0 && is_asked {
            let name = owner.map_or("?", |process| process.name.as_str());
            let seen = found.entry((pid, name, ends.remote)).or_default();
            *seen = (*seen).max(u64::from(repeats));
        }
    }
    found
}

fn who(call: &Call<'_>) -> String {
    process(Some(call.1).filter(|_| call.0.is_some()), call.0)
}

fn level(times: u64) -> Level {
    match times {
        MANY.. => Level::Critical,
        SOME.. => Level::Warn,
        _ => Level::Ok,
    }
}

fn refusal((call, times): (&Call<'_>, &u64)) -> Option<Finding> {
    let (who, remote) = (who(call), call.2);
    Some(Finding {
        level: level(*times),
        what: errno::what(errno::ECONNREFUSED, &who, remote),
        evidence: format!(
            "a reset came in place of an answer {}: connect fails with {}",
            counted(*times, "time", "times"),
            errno::spelled(errno::ECONNREFUSED)
        ),
        advice: errno::advice(errno::ECONNREFUSED, &who, remote),
    })
    .filter(|_| *times > 0)
}

fn silence((call, times): (&Call<'_>, &u64)) -> Option<Finding> {
    let (who, remote) = (who(call), call.2);
    Some(Finding {
        level: level(*times),
        what: format!("{who} gets no answer from {remote}"),
        evidence: format!(
            "the first packet of its connections was repeated {}; after some of these connect fails with \
             ETIMEDOUT (`Connection timed out`) or EHOSTUNREACH",
            counted(*times, "time", "times")
        ),
        advice: errno::advice(errno::ETIMEDOUT, &who, remote),
    })
    .filter(|_| *times > 0)
}

fn no_route(measured: &Measured<'_>) -> Option<Finding> {
    let packets = measured.pressure.growth(|it| it.tables.no_route)?;
    (packets >= SOME).then(|| Finding {
        level: Level::Warn,
        what: "packets are sent that no route leads to".to_owned(),
        evidence: format!(
            "{} (OutNoRoutes); connect fails with ENETUNREACH (`Network is unreachable`)",
            counted(packets, "packet", "packets")
        ),
        advice: vec!["look at the routes: `ip route`, `ip route get ADDRESS`".to_owned()],
    })
}
