//! What does it mean that a port or an address was refused? It proves what the ports of a look can only
//! suggest.

use std::net::SocketAddr;

use netperf_core::model::states::StatesModel;
use netperf_core::model::states::figures::{PortHolderRow, PortsRow, RefusedRow, StatesFigures};
use netperf_core::sample::refusal::{RefusedCall, RefusedFor};
use netperf_core::sample::{Proto, TcpState};
use netperf_core::units::{PerSecond, counted, grouped};

use super::remedy::Remedy;
use crate::words::process;
use crate::{Finding, Level, Period};

/// Seconds after which it is over.
const RECENT_SECS: f64 = 60.0;
/// Findings of each kind.
const SHOWN_MAX: usize = 5;
/// Processes that are named.
const NAMED_MAX: usize = 3;

/// The same address refused for the same reason, whoever wanted it.
pub(super) struct Group<'t, 'm> {
    rows: Vec<&'t RefusedRow<'m>>,
    period: Period,
}

/// What was refused of late, that which happens most often first.
pub(super) fn groups<'t, 'm>(figures: &'t StatesFigures<'m>, period: Period) -> Vec<Group<'t, 'm>> {
    let mut groups = Vec::<Group<'t, 'm>>::new();
    for row in figures
        .refused
        .iter()
        .filter(|row| row.last_s <= RECENT_SECS)
    {
        match groups.iter_mut().find(|group| group.is_of(row)) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                rows: vec![row],
                period,
            }),
        }
    }
    groups
}

/// Findings of those that `ports` has not told.
pub(super) fn of(
    groups: &[Group<'_, '_>],
    figures: &StatesFigures<'_>,
    model: &StatesModel,
) -> Vec<Finding> {
    let finding = |group: &Group<'_, '_>| match (group.rows[0].call, group.rows[0].error) {
        (RefusedCall::Connect, _) => no_port(group, figures),
        (RefusedCall::Bind, RefusedFor::InUse) => in_use(group, model),
        (RefusedCall::Bind, RefusedFor::NotAvailable) => not_here(group),
    };
    groups.iter().take(SHOWN_MAX).map(finding).collect()
}

impl Group<'_, '_> {
    fn is_of(&self, row: &RefusedRow<'_>) -> bool {
        let key = |row: &RefusedRow<'_>| (row.call, row.error, row.proto, row.address, row.netns);
        self.rows.iter().all(|other| key(other) == key(row))
    }

    /// Whether it says that no port is left for connections to a destination.
    pub(super) fn proves(&self, ports: &PortsRow<'_>) -> bool {
        self.rows.iter().all(|row| {
            row.call == RefusedCall::Connect
                && row.proto == Proto::Tcp
                && (row.address, row.netns) == (ports.remote, ports.netns)
        })
    }

    /// `connect failed with EADDRNOTAVAIL (`Cannot assign requested address`) 7 times, …`.
    pub(super) fn evidence(&self) -> String {
        let first = self.rows[0];
        let (call, error) = (first.call.word(), first.error.word());
        let meaning = match first.error {
            RefusedFor::NotAvailable => "Cannot assign requested address",
            RefusedFor::InUse => "Address already in use",
        };
        let sum =
            |figure: fn(&RefusedRow<'_>) -> u64| self.rows.iter().map(|row| figure(row)).sum();
        let (total, now): (u64, u64) = (sum(|row| row.total), sum(|row| row.count));
        let per_s = self.rows.iter().filter_map(|row| row.per_s).sum::<f64>();
        let rate = match now {
            2.. if per_s > 0.0 => format!(" ({} per second)", PerSecond(per_s)),
            _ => String::new(),
        };
        let often = match (times(total), now) {
            (times, now) if now == total => format!("{times} {}{rate}", self.period),
            (times, 0) => format!("{times} since the start, not {}", self.period),
            (times, now) => {
                let now = grouped(now);
                format!(
                    "{times} since the start, {now} of them {}{rate}",
                    self.period
                )
            }
        };
        let who = self.who();
        format!("{call} failed with {error} (`{meaning}`) {often}, in {who}")
    }

    fn who(&self) -> String {
        let first = self.rows.iter().take(NAMED_MAX);
        let names: Vec<_> = first
            .map(|row| process(Some(row.name), Some(row.pid)))
            .collect();
        let more = self.rows.len().saturating_sub(NAMED_MAX);
        let rest = (more > 0).then(|| format!(" and {}", counted(more as u64, "other", "others")));
        names.join(", ") + &rest.unwrap_or_default()
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

/// Connections fail though the look shows no shortage.
fn no_port(group: &Group<'_, '_>, figures: &StatesFigures<'_>) -> Finding {
    let first = group.rows[0];
    let (remote, who) = (first.address, group.who());
    let ports = figures.time_wait.iter().find(|row| group.proves(row));
    let mut evidence = vec![group.evidence()];
    if let Some((free, all)) = ports.and_then(|row| row.headroom.zip(row.ports)) {
        evidence.push(format!(
            "at the moment of this look {} of {} ports to it are free",
            grouped(free),
            grouped(all),
        ));
    }
    let mut advice = vec![
        format!(
            "many connections at a time take all ports for a moment: let {who} keep its connections \
             to {remote} open and use them again (a connection pool, or keep-alive for HTTP)"
        ),
        "if the program binds a local port before it connects, that port is not free for this \
         destination until its last connection has left TIME_WAIT: let the kernel choose the port"
            .to_owned(),
        format!("see what has the ports: `netperf-trace sockets -ta dst {remote}`"),
    ];
    if remote.is_ipv6() {
        advice.push(
            "with IPv6 it may also be that this machine has no address that fits the destination: \
             `ip -6 addr`"
                .to_owned(),
        );
    }
    Finding {
        level: Level::Critical,
        what: format!("connections to {remote} fail: the kernel found no local port for them"),
        evidence: evidence.join("; "),
        advice,
    }
}

fn in_use(group: &Group<'_, '_>, model: &StatesModel) -> Finding {
    let first = group.rows[0];
    let (address, proto) = (first.address, first.proto.name());
    let (what, held, mut advice) = if address.port() == 0 {
        no_port_to_bind(address)
    } else {
        let held = holders(first);
        let what = format!("can't have {address} ({proto}): it is in use");
        (what, held, in_use_advice(first))
    };
    advice.extend(reserve(first, model));
    Finding {
        level: Level::Warn,
        what: format!("{} {what}", group.who()),
        evidence: format!("{}; {held}", group.evidence()),
        advice,
    }
}

fn no_port_to_bind(address: SocketAddr) -> (String, String, Vec<String>) {
    let ip = address.ip();
    let advice = "let the program ask for no port before it connects: bind(2) to an address and port \
                  0 takes a port away from all destinations. With IP_BIND_ADDRESS_NO_PORT set on the \
                  socket, each destination has all ports for itself";
    (
        format!("can't have any port of {ip}: all are in use"),
        "it requested any port".to_owned(),
        vec![advice.to_owned()],
    )
}

/// Who has the port, in words.
fn holders(row: &RefusedRow<'_>) -> String {
    if row.proto == Proto::Udp {
        return "another socket is bound to it".to_owned();
    }
    let held = row.held_by.iter().take(NAMED_MAX).map(held_by);
    let held: Vec<_> = held.collect();
    if held.is_empty() {
        return "at the moment of this look no socket has it, or one that is bound and neither \
                listens nor is connected, which the kernel does not list"
            .to_owned();
    }
    held.join(", ")
}

fn held_by(row: &PortHolderRow<'_>) -> String {
    let who = process(row.name, row.pid);
    let connections = counted(row.count, "connection", "connections");
    let (state, have) = (
        row.state.name(),
        if row.count == 1 { "has" } else { "have" },
    );
    match (row.state, row.pid) {
        (TcpState::Listen, _) => format!("{who} listens there"),
        (_, Some(_)) => format!("{connections} of {who} in {state} {have} it"),
        (_, None) => format!("{connections} in {state} {have} it"),
    }
}

fn in_use_advice(row: &RefusedRow<'_>) -> Vec<String> {
    let (port, flags) = match row.proto {
        Proto::Tcp => (row.address.port(), "-ta"),
        Proto::Udp => (row.address.port(), "-ua"),
    };
    let mut advice = Vec::new();
    let listeners = || row.held_by.iter().filter(|it| it.state == TcpState::Listen);
    let is_listened_at = listeners().next().is_some();
    if listeners().any(|it| it.pid != Some(row.pid)) {
        advice.push(
            "two programs want the same port, or one was started twice: stop one of them, or give \
             one another port in its configuration"
                .to_owned(),
        );
    } else if is_listened_at {
        advice.push(
            "the program has the port itself: it got it later, or it asks twice (one server for \
             `0.0.0.0` and one for an address of its own; or `::`, which takes IPv4 as well unless \
             IPV6_V6ONLY is set)"
                .to_owned(),
        );
    } else if row.held_by.iter().any(|it| it.pid.is_some()) {
        advice.push(
            "connections of an earlier run, or of another program, still have the port: end them \
             in order"
                .to_owned(),
        );
    }
    if row.proto == Proto::Tcp && !is_listened_at {
        advice.push(
            "a server that is started again has to set SO_REUSEADDR before bind(2): connections of \
             its last run that end (TIME_WAIT, up to 60 s) do not hold it up then"
                .to_owned(),
        );
    }
    advice.push(format!(
        "see who has it: `netperf-trace sockets {flags} sport = :{port}`"
    ));
    advice
}

/// Keeps outgoing connections off the port of a server.
fn reserve(row: &RefusedRow<'_>, model: &StatesModel) -> Option<String> {
    let port = row.address.port();
    let range = model.now.network(row.netns)?.ports.as_ref()?;
    let is_in_range = (range.first..=range.last).contains(&port);
    let is_listened_at = row.held_by.iter().any(|it| it.state == TcpState::Listen);
    if port == 0 || is_listened_at || !is_in_range {
        return None;
    }
    let remedy = Remedy::of(model, row.netns, Some(row.pid));
    let set = remedy.set("net.ipv4.ip_local_reserved_ports", &port.to_string());
    Some(format!(
        "port {port} is one that the kernel gives to outgoing connections as well ({} to {}). Keep it \
         for the server (this replaces what is reserved already: add it to that): {set}",
        range.first, range.last,
    ))
}

fn not_here(group: &Group<'_, '_>) -> Finding {
    let address = group.rows[0].address.ip();
    Finding {
        level: Level::Warn,
        what: format!(
            "{} can't use {address}: this machine has no such address",
            group.who()
        ),
        evidence: group.evidence(),
        advice: vec![
            format!(
                "compare the address in the program's configuration with those of this machine: \
                 `ip addr`. An interface that comes up later gives its addresses later: start the \
                 program after it, or let it listen on all addresses instead of {address}"
            ),
            "where an address moves between machines (keepalived, VRRP), net.ipv4.ip_nonlocal_bind=1 \
             lets programs bind it before it is there"
                .to_owned(),
        ],
    }
}
