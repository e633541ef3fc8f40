//! What do the figures of a path mean? A row of mtr is easily misread: what one hop does not answer is no
//! loss unless it lasts to the destination.

pub mod condition;
mod delay;
mod loss;
mod mtu;
mod process;
mod reach;
mod routers;
mod sent_back;
mod share;
pub mod words;

use std::net::IpAddr;

use netperf_core::model::path::{Figures, Hop, PathModel, ProcessSide};

use self::share::Share;

use crate::{Finding, Level};

/// Fewer probes say little about small losses.
const FEW: u64 = 50;

/// All findings, the worst first.
pub fn findings(path: &PathModel, process: Option<&ProcessSide>) -> Vec<Finding> {
    let way = Way::of(path);
    let mut findings = Vec::new();
    if path.destination.received() > 0 {
        findings.extend(sent_back::of(&way));
        findings.extend(loss::of(&way));
        findings.extend(delay::of(&way));
        findings.extend(routers::of(&way));
        findings.extend(process::of(path, process));
    }
    findings.extend(reach::of(&way));
    findings.extend(mtu::of(path));
    findings.sort_by_key(|finding| finding.level);
    if findings.iter().all(|finding| finding.level == Level::Ok) && path.destination.sent() > 0 {
        findings.push(nothing(path));
    }
    findings
}

/// Why the destination was never reached, if it was asked and never answered.
pub fn unreached(path: &PathModel) -> Option<String> {
    let missed = path
        .missed
        .as_ref()
        .filter(|_| path.destination.received() == 0)?;
    let why = reach::reason(&Way::of(path), missed);
    Some(format!(
        "{} is not reached: {why}",
        words::target(&path.target)
    ))
}

/// Where nothing is wrong, that is said.
fn nothing(path: &PathModel) -> Finding {
    let (sent, received) = (path.destination.sent(), path.destination.received());
    Finding {
        level: Level::Ok,
        what: "no trouble found on the way".to_owned(),
        evidence: format!(
            "{received} of {sent} probes were answered by the destination, none much later than the others"
        ),
        advice: Vec::new(),
    }
}

/// The hops that answer, in order; the last is the destination where it is reached.
struct Way<'m> {
    path: &'m PathModel,
    stops: Vec<Stop<'m>>,
}

#[derive(Clone, Copy)]
struct Stop<'m> {
    ttl: usize,
    hop: &'m Hop,
    figures: &'m Figures,
}

impl<'m> Way<'m> {
    fn of(path: &'m PathModel) -> Self {
        let hops = path
            .hops()
            .iter()
            .zip(1..)
            .filter(|(hop, _)| !hop.is_silent());
        let stop = |(hop, ttl): (&'m Hop, usize)| Stop {
            ttl,
            hop,
            figures: if path.distance() == Some(ttl) {
                &path.destination
            } else {
                &hop.figures
            },
        };
        Self {
            path,
            stops: hops.map(stop).collect(),
        }
    }

    fn destination(&self) -> &'m Figures {
        &self.path.destination
    }

    /// Hops before the destination.
    fn routers(&self) -> impl Iterator<Item = Stop<'m>> {
        let distance = self.path.distance();
        self.stops
            .iter()
            .copied()
            .filter(move |stop| distance != Some(stop.ttl))
    }

    /// The place of the first stop from which on `holds` for all up to the last.
    fn since(&self, holds: impl Fn(&Stop<'_>) -> bool) -> Option<usize> {
        let tail = self
            .stops
            .iter()
            .rev()
            .take_while(|stop| holds(stop))
            .count();
        (tail > 0).then(|| self.stops.len() - tail)
    }

    /// A stop in words.
    fn name(&self, stop: Stop<'_>) -> String {
        if self.path.distance() == Some(stop.ttl) {
            format!("the destination ({})", self.path.target.address)
        } else {
            words::hop(stop.ttl, stop.hop)
        }
    }

    /// An address in words, with its distance where it has answered.
    fn name_of(&self, address: IpAddr) -> String {
        let is_there = |stop: &&Stop<'_>| stop.hop.hosts.iter().any(|(known, _)| *known == address);
        let stop = self.stops.iter().find(is_there);
        stop.map_or_else(|| address.to_string(), |stop| words::at(stop.ttl, address))
    }

    /// Who is at this distance: not the nearer router that sent a probe back with a message.
    fn hosts(&self, stop: Stop<'m>) -> Vec<(IpAddr, u64)> {
        let sends_back = |address: IpAddr| {
            let mut told = self.path.told().iter();
            told.any(|told| told.why.by() == Some(address))
        };
        let is_nearer = |address: IpAddr| {
            let mut nearer = self.stops.iter().take_while(|other| other.ttl < stop.ttl);
            nearer.any(|other| other.hop.hosts.iter().any(|(known, _)| *known == address))
        };
        let hosts = stop.hop.hosts.iter().copied();
        hosts
            .filter(|&(address, _)| !(sends_back(address) && is_nearer(address)))
            .collect()
    }

    /// What was lost on the way to a stop and back, without a word.
    fn share(&self, stop: &Stop<'_>) -> Share {
        let is_destination = self.path.distance() == Some(stop.ttl);
        let sent_back = if is_destination {
            self.path.told_times()
        } else {
            0
        };
        Share::of(stop.figures, sent_back)
    }

    /// Whether a stop leaves out answers: what it loses and a later stop does not was not lost on the way
    /// there.
    fn answers_rarely(&self, stop: &Stop<'_>) -> bool {
        let own = self.share(stop);
        let later = self.stops.iter().filter(|later| later.ttl > stop.ttl);
        later.into_iter().any(|later| {
            let is_destination = self.path.distance() == Some(later.ttl);
            let later = self.share(later);
            own.is_far_more_than(later) && (is_destination || own.is_clearly_more_than(later))
        })
    }

    /// The link in front of the stop at this place.
    fn link_before(&self, place: usize) -> String {
        let to = self.name(self.stops[place]);
        match place.checked_sub(1) {
            Some(before) => format!("between {} and {to}", self.name(self.stops[before])),
            None => format!("between this machine and {to}"),
        }
    }
}

#[cfg(test)]
mod tests;
