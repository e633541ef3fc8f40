//! Do ports for outgoing connections run out, or is TIME_WAIT as it should be?

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::ports::Likely;
use netperf_core::model::states::figures::{PortsRow, StatesFigures};
use netperf_core::model::states::ports::TIME_WAIT_SECS;
use netperf_core::sample::network::TcpSettings;
use netperf_core::units::{Growth, PerSecond, counted, format_seconds, grouped};

use super::refused::Group;
use super::remedy::Remedy;
use crate::words::process;
use crate::{Finding, Level};

/// Part of the ports from which on few are left.
const FEW_LEFT: f64 = 0.8;
/// Part of the ports from which on hardly any is left, and finding one takes long.
const NONE_LEFT: f64 = 0.95;
/// Part of the ports below which fast growth may be a program that starts.
const SOME_TAKEN: f64 = 0.25;
/// Seconds in which ports run out that are too few to wait and see.
const SOON_SECS: f64 = 60.0;
/// Destinations that get a finding of their own.
const SHOWN_MAX: usize = 5;

/// The widest range that is advised: below are ports that servers like to listen on.
const WIDE: (u16, u16) = (15_000, 64_999);

/// Findings, and what was refused that none of them tells.
pub(super) fn of<'t, 'm>(
    mut refused: Vec<Group<'t, 'm>>,
    figures: &'t StatesFigures<'m>,
    model: &StatesModel,
) -> (Vec<Finding>, Vec<Group<'t, 'm>>) {
    let (mut bad, mut fine) = (Vec::new(), Vec::new());
    for row in figures.time_wait.iter().filter(|row| row.ports.is_some()) {
        let proof = || refused.iter().position(|group| group.proves(row));
        match (level(row, model), proof()) {
            (Level::Ok, None) if row.time_wait > 0 => fine.push(row),
            (Level::Ok, _) => {}
            (level, proof) => bad.push(Short {
                row,
                level,
                proof: proof.map(|at| refused.remove(at)),
            }),
        }
    }
    bad.sort_by_key(|short| short.proof.is_none());
    let shown = bad.iter().take(SHOWN_MAX);
    let mut findings: Vec<_> = shown.map(|short| short.finding(model)).collect();
    findings.extend(healthy(&fine));
    findings.extend(accepted(figures));
    (findings, refused)
}

/// Ports that run out.
struct Short<'t, 'm> {
    row: &'t PortsRow<'m>,
    level: Level,
    /// Connections that found none.
    proof: Option<Group<'t, 'm>>,
}

fn level(row: &PortsRow<'_>, model: &StatesModel) -> Level {
    // Where the range is empty, every port of it is taken.
    let share = row.share().unwrap_or(1.0);
    let is_soon = row.exhausted_in_s.is_some_and(|left| left <= SOON_SECS);
    let level = match share {
        NONE_LEFT.. => Level::Critical,
        FEW_LEFT.. if is_soon => Level::Critical,
        FEW_LEFT.. => Level::Warn,
        SOME_TAKEN.. if is_soon => Level::Warn,
        _ => Level::Ok,
    };
    // Ports in TIME_WAIT are given out again after a second: only bursts fail.
    let is_time_wait = row.time_wait > row.in_use / 2;
    if level == Level::Critical && is_time_wait && reuses(row, model) {
        return Level::Warn;
    }
    level
}

/// Whether the kernel takes over ports in TIME_WAIT for new connections to this destination.
fn reuses(row: &PortsRow<'_>, model: &StatesModel) -> bool {
    let settings = settings(row, model);
    let allowed = match settings.and_then(|it| it.tw_reuse) {
        Some(1) => true,
        Some(2) => row.remote.ip().is_loopback(),
        _ => false,
    };
    allowed && settings.and_then(|it| it.timestamps) != Some(0)
}

fn settings<'m>(row: &PortsRow<'_>, model: &'m StatesModel) -> Option<&'m TcpSettings> {
    model
        .now
        .network(row.netns)
        .map(|network| &network.settings)
}

impl Short<'_, '_> {
    fn finding(&self, model: &StatesModel) -> Finding {
        let row = self.row;
        let mut evidence: Vec<_> = self.proof.iter().map(Group::evidence).collect();
        evidence.extend(figures(row));
        if reuses(row, model) {
            evidence.push(
                "the kernel gives ports out again that were in TIME_WAIT for a second \
                 (tcp_tw_reuse), so only bursts fail, with `Cannot assign requested address`"
                    .to_owned(),
            );
        } else if row.headroom == Some(0) && self.proof.is_none() {
            evidence.push(
                "new ones fail with `Cannot assign requested address` (EADDRNOTAVAIL)".to_owned(),
            );
        }
        if let Some(left) = row.exhausted_in_s.filter(|&left| left > 0.0) {
            evidence.push(format!(
                "as things go, none is left in {}",
                format_seconds(left)
            ));
        }
        evidence.push(makers(&row.likely));
        Finding {
            level: self.proof.as_ref().map_or(self.level, |_| Level::Critical),
            what: self.what(),
            evidence: evidence.join("; "),
            advice: advice(row, model),
        }
    }

    fn what(&self) -> String {
        let remote = self.row.remote;
        let what = match self.row.headroom {
            Some(0) => format!("all ports for new connections to {remote} are taken"),
            _ => format!("ports for new connections to {remote} run out"),
        };
        let proven = self.proof.as_ref().map_or("", |_| ": connections fail");
        what + proven
    }
}

/// `8 000 of 28 232 ports to 10.0.0.10:5432 are in use, 8 000 of them in TIME_WAIT`.
fn figures(row: &PortsRow<'_>) -> Vec<String> {
    let (remote, local) = (row.remote, row.local_addr);
    let ports = grouped(row.ports.unwrap_or(0));
    let headroom = grouped(row.headroom.unwrap_or(0));
    let mut figures = vec![
        format!(
            "{} of {ports} ports to {remote} (from {local}) are in use, {} connections are in \
             TIME_WAIT",
            grouped(row.in_use),
            grouped(row.time_wait),
        ),
        format!("{headroom} ports are free"),
    ];
    let growth = row.growth_per_s.filter(|&growth| growth != 0.0);
    figures.extend(growth.map(|growth| format!("{} in use per second", Growth(growth))));
    if row.made_per_s >= 1.0 {
        let made = row.made_per_s;
        figures.push(format!("{} connections end per second", PerSecond(made)));
    }
    figures
}

fn makers(likely: &[Likely<'_>]) -> String {
    let Some(first) = likely.first() else {
        return "TIME_WAIT has no owner, and no living process has connections there".to_owned();
    };
    let names = likely
        .iter()
        .map(|it| process(Some(it.process.name), Some(it.process.pid)));
    let names: Vec<_> = names.collect();
    let (names, because) = (names.join(", "), first.because);
    format!("TIME_WAIT has no owner, but likely they are of {names}, which {because}")
}

fn advice(row: &PortsRow<'_>, model: &StatesModel) -> Vec<String> {
    let remote = row.remote;
    let who = row.likely.first().map_or("the program".to_owned(), |it| {
        process(Some(it.process.name), Some(it.process.pid))
    });
    let pid = row.likely.first().map(|it| it.process.pid);
    let remedy = Remedy::of(model, row.netns, pid);
    let mut advice = vec![format!(
        "let {who} keep its connections to {remote} open and use them again: a connection pool, or \
         keep-alive for HTTP. That ends the problem; all else only gives more room"
    )];
    let settings = settings(row, model);
    if settings.and_then(|it| it.timestamps) == Some(0) {
        let set = remedy.set("net.ipv4.tcp_timestamps", "1");
        advice.push(format!(
            "turn TCP timestamps on, which the next step needs: {set}"
        ));
    }
    if settings.and_then(|it| it.tw_reuse) != Some(1) {
        let set = remedy.set("net.ipv4.tcp_tw_reuse", "1");
        advice.push(format!(
            "let outgoing connections take over ports that were in TIME_WAIT for a second (it \
             concerns outgoing connections only and is safe): {set}"
        ));
    }
    advice.push(wider(row, model, &remedy));
    advice.push(
        "do not set tcp_tw_recycle, which old guides name: it broke clients behind NAT and is gone \
         since Linux 4.12; tcp_fin_timeout does not shorten TIME_WAIT"
            .to_owned(),
    );
    advice
}

fn wider(row: &PortsRow<'_>, model: &StatesModel, remedy: &Remedy) -> String {
    let network = model.now.network(row.netns);
    let range = network.and_then(|it| it.ports.as_ref());
    let (first, last) = range.map_or((0, 0), |it| (it.first, it.last));
    let wide = (WIDE.0.min(first.max(1)), WIDE.1.max(last));
    if range.is_some_and(|_| (first, last) == wide) {
        return format!(
            "the range of ports ({first} to {last}) is wide already: a second address at either end \
             gives as many ports again"
        );
    }
    let set = remedy.set(
        "net.ipv4.ip_local_port_range",
        &format!("{} {}", wide.0, wide.1),
    );
    format!(
        "widen the range of ports, {first} to {last} now: {set}. Ports in it that servers listen on \
         (`netperf-trace sockets -tl`) belong into net.ipv4.ip_local_reserved_ports first"
    )
}

/// One finding for all destinations where TIME_WAIT does no harm.
fn healthy(rows: &[&PortsRow<'_>]) -> Option<Finding> {
    let fullest = rows.first()?;
    let mut evidence = figures(fullest);
    evidence.push(makers(&fullest.likely));
    if rows.len() > 1 {
        let others = counted((rows.len() - 1) as u64, "destination", "destinations");
        evidence.push(format!(
            "no larger part of the ports to {others} more is in use"
        ));
    }
    Some(Finding {
        level: Level::Ok,
        what: format!(
            "TIME_WAIT is healthy: enough ports are left for {}",
            fullest.remote
        ),
        evidence: evidence.join("; "),
        advice: vec![format!(
            "nothing to do: the end that closes first waits {TIME_WAIT_SECS} s so that late packets \
             do not reach a new connection; it costs a port to that destination and hardly any memory"
        )],
    })
}

fn accepted(figures: &StatesFigures<'_>) -> Option<Finding> {
    let fullest = figures.time_wait_accepted.first()?;
    let all: u64 = figures
        .time_wait_accepted
        .iter()
        .map(|row| u64::from(row.time_wait))
        .sum();
    let local = fullest.local;
    let who = fullest.likely.first().map_or(String::new(), |it| {
        let who = process(Some(it.process.name), Some(it.process.pid));
        format!(", likely of {who}, which {}", it.because)
    });
    Some(Finding {
        level: Level::Ok,
        what: "TIME_WAIT of accepted connections is healthy: it takes up no port".to_owned(),
        evidence: format!(
            "{} in TIME_WAIT at ports that accept connections, {} of them at {local}{who}",
            grouped(all),
            grouped(fullest.time_wait),
        ),
        advice: vec![
            "nothing to do: this server closes first, and the port of a server is not used up by \
             that"
                .to_owned(),
        ],
    })
}
