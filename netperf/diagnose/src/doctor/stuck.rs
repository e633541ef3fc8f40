//! Which connections were opened and yet pass no data? The sign of a path that swallows large packets
//! (a black hole of the MTU), or of one that broke.

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, SocketReading, TcpInfo, TimerKind};
use netperf_core::units::{Bytes, counted, format_millis};

use super::{Check, Measured, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// Repetitions after which it is no single loss.
const REPEATED: u8 = 3;
const SHOWN_MAX: usize = 3;

pub(super) fn check(measured: &Measured<'_>) -> Check {
    let sockets = measured.last.sockets.iter();
    let mut stuck: Vec<_> = sockets
        .filter_map(|socket| stuck(measured, socket))
        .collect();
    let count = stuck.len() as u64;
    stuck.truncate(SHOWN_MAX);
    let too_large = measured
        .pressure
        .growth(|it| it.tables.too_large)
        .unwrap_or(0);
    let failed = measured
        .pressure
        .growth(|it| it.tables.mtu_probes_failed)
        .unwrap_or(0);
    let evidence = format!(
        "{} a full packet in vain; {} too large for a link of this host; {} for a larger size lost",
        counted(count, "connection repeats", "connections repeat"),
        counted(too_large, "packet", "packets"),
        counted(failed, "probe", "probes")
    );
    Check::new(Topic::Mtu, evidence, stuck)
}

fn stuck(measured: &Measured<'_>, socket: &SocketReading) -> Option<Finding> {
    let Ends::Inet(ends) = &socket.ends else {
        return None;
    };
    let tcp = socket.tcp.as_ref()?;
    let timer = socket.timer.filter(|timer| timer.kind == TimerKind::On)?;
    let mss = tcp.mss?;
    let is_full_size = socket.send_q >= mss && tcp.unacked > Some(0);
    if socket.state != TcpState::Established || timer.retransmits < REPEATED || !is_full_size {
        return None;
    }
    let owner = socket.inode.map(|inode| measured.last.owners.of(inode));
    let owner = owner.and_then(<[_]>::first).map(|owner| &owner.process);
    let pid = owner.map(|process| process.id.tgid);
    if measured.about.is_some() && pid != measured.about {
        return None;
    }
    let who = process(owner.map(|process| process.name.as_str()), pid);
    let (remote, host) = (ends.remote, ends.remote.ip());
    let waiting = measured.units.size(Bytes(socket.send_q.into()));
    Some(Finding {
        level: Level::Warn,
        what: format!("what {who} sends to {remote} does not arrive, though it is connected"),
        evidence: evidence(&waiting, tcp, timer.retransmits, mss),
        advice: vec![
            format!(
                "small packets pass and large ones do not where a tunnel or VPN on the way has a smaller \
                 MTU and a firewall swallows its ICMP messages: `netperf-trace path --mtu {host}` shows it"
            ),
            "let TCP find a size that passes by itself: `sysctl -w net.ipv4.tcp_mtu_probing=1`; or give \
             the interface a smaller MTU"
                .to_owned(),
            format!("if nothing passes any more, the way to {host} is broken"),
        ],
    })
}

fn evidence(waiting: &str, tcp: &TcpInfo, repeats: u8, mss: u32) -> String {
    let mut parts = vec![format!(
        "{waiting} wait, a segment of {mss} was repeated {repeats} times"
    )];
    parts.extend(
        tcp.pmtu
            .map(|pmtu| format!("path MTU as far as known: {pmtu}")),
    );
    let heard = tcp.last_acked_ms.map(|ms| format_millis(ms.into()));
    parts.extend(heard.map(|time| format!("nothing acknowledged for {time}")));
    parts.join("; ")
}
