//! Which findings of `nic` and `states` are troubles?

use std::net::SocketAddr;

use netperf_core::model::nic::figures::{NicFigures, NicRow};
use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::{StatesFigures, StatesOptions};
use netperf_core::sample::TcpState;
use netperf_core::units::{Percent, Units, counted, grouped};

use super::{Check, Measured, Topic, delay};
use crate::states::{About, by_subject};
use crate::words::process;
use crate::{Finding, Level, Period, nic};

/// The interfaces.
pub(super) fn interfaces(figures: &NicFigures<'_>, period: Period, units: Units) -> Check {
    let mut findings = nic::findings(figures, period, units);
    findings.retain(|finding| finding.level != Level::Ok);
    let up = figures.interfaces.iter().filter(|row| row.up).count();
    let share = |row: &&NicRow<'_>| row.utilisation_percent.is_some();
    let rated = figures.interfaces.iter().filter(share);
    let busiest = rated.max_by(|a, b| {
        let percent = |row: &NicRow<'_>| row.utilisation_percent.unwrap_or(0.0);
        percent(a).total_cmp(&percent(b))
    });
    let busiest = busiest.map_or(String::new(), |row| {
        let used = Percent(row.utilisation_percent.unwrap_or(0.0));
        format!("; the busiest, {}, at {used} of its speed", row.place())
    });
    let rows = || figures.interfaces.iter();
    let errors: u64 = rows().filter_map(NicRow::errors_in_tick).sum();
    let drops: u64 = rows().filter_map(NicRow::drops_in_tick).sum();
    let evidence = format!(
        "{} up{busiest}; {} and {} {period}",
        counted(up as u64, "interface", "interfaces"),
        counted(errors, "error", "errors"),
        counted(drops, "drop", "drops"),
    );
    Check::new(Topic::Interfaces, evidence, findings)
}

/// The states of TCP.
pub(super) struct States<'m> {
    figures: StatesFigures<'m>,
    findings: [(About, Vec<Finding>); 4],
}

impl<'m> States<'m> {
    pub(super) fn new(model: &'m StatesModel, options: &StatesOptions, period: Period) -> Self {
        let figures = StatesFigures::new(model, options);
        let findings = by_subject(&figures, model, period);
        Self { figures, findings }
    }

    fn about(&self, about: About) -> Vec<Finding> {
        let mut all = self.findings.iter();
        let found = all.find(|(it, _)| *it == about);
        found
            .map(|(_, findings)| findings.clone())
            .unwrap_or_default()
    }

    pub(super) fn closing(&self) -> Check {
        let count = |state| grouped(self.figures.counts.of(state));
        let evidence = format!(
            "{} in CLOSE_WAIT, {} in FIN_WAIT2, {} in LAST_ACK",
            count(TcpState::CloseWait),
            count(TcpState::FinWait2),
            count(TcpState::LastAck)
        );
        Check::new(Topic::Closing, evidence, self.about(About::Closing))
    }

    pub(super) fn ports(&self) -> Check {
        let waiting = grouped(self.figures.counts.of(TcpState::TimeWait));
        let fullest = self.figures.time_wait.first();
        let fullest = fullest.and_then(|row| {
            let (ports, headroom) = (row.ports?, row.headroom?);
            Some(format!(
                "; to {} {} of {} ports are free",
                row.remote,
                grouped(headroom),
                grouped(ports)
            ))
        });
        let evidence = format!("{waiting} in TIME_WAIT{}", fullest.unwrap_or_default());
        let mut findings = self.about(About::Ports);
        for finding in &mut findings {
            if let Some(who) = self.whose(finding) {
                finding.what = format!("{}; {who}", finding.what);
            }
        }
        Check::new(Topic::Ports, evidence, findings)
    }

    /// Whose connections a finding about ports is about, where it does not say so itself: who was
    /// refused, or else who most likely has them.
    fn whose(&self, finding: &Finding) -> Option<String> {
        if finding.level == Level::Ok || finding.what.contains("(PID ") {
            return None;
        }
        let is_meant = |remote: SocketAddr| {
            let text = remote.to_string();
            let mut words = finding.what.split([' ', ',', ';']);
            words.any(|word| word.trim_end_matches(':') == text)
        };
        let refused = self
            .figures
            .refused
            .iter()
            .filter(|row| is_meant(row.address));
        let refused = refused.max_by_key(|row| row.total);
        if let Some(row) = refused {
            let who = process(Some(row.name), Some(row.pid));
            return Some(format!("they are of {who}"));
        }
        let row = self
            .figures
            .time_wait
            .iter()
            .find(|row| is_meant(row.remote))?;
        let likely = row.likely.first()?.process;
        let who = process(Some(likely.name), Some(likely.pid));
        Some(format!("likely they are of {who}"))
    }

    /// With what hooks tell of the time that clients wait to be accepted.
    pub(super) fn listen(&self, measured: &Measured<'_>) -> Check {
        let mut findings = self.about(About::Listen);
        findings.extend(delay::accepts(measured));
        let listening = self.figures.listen.len() as u64;
        let waiting: u64 = self
            .figures
            .listen
            .iter()
            .map(|row| u64::from(row.backlog))
            .sum();
        let evidence = format!(
            "{}, {} to be accepted",
            counted(listening, "listening socket", "listening sockets"),
            counted(waiting, "client waits", "clients wait")
        );
        Check::new(Topic::Listen, evidence, findings)
    }

    pub(super) fn limits(&self) -> Check {
        let pages = self.figures.networks.iter().find_map(|row| {
            let [_, pressure, _] = row.settings.tcp_mem?;
            let used = row.memory_pages?;
            Some(format!(
                "TCP uses {} pages of memory, pressure begins at {}",
                grouped(used),
                grouped(pressure)
            ))
        });
        let evidence = pages.unwrap_or_else(|| {
            "the table of TIME_WAIT has room; memory is read in the first network namespace only"
                .to_owned()
        });
        Check::new(Topic::SocketMemory, evidence, self.about(About::Machine))
    }
}
