//! Text above and below the hops of a path: the target, and the figures of the destination.

use netperf_core::model::path::ProcessSide;
use netperf_core::units::{Percent, format_micros};

use crate::view::path::PathTick;

/// The target and the kind of probes. May hold untrusted text.
pub(in crate::render) fn heading(tick: &PathTick<'_>) -> String {
    let PathTick {
        host,
        address,
        cycle,
        ..
    } = tick;
    let target = if *host == address {
        address.clone()
    } else {
        format!("{host} ({address})")
    };
    let probes = match (tick.method, tick.port, tick.size) {
        ("tcp", Some(port), _) => format!("TCP SYN to port {port}"),
        ("udp", Some(port), Some(size)) => format!("UDP to port {port}, {size} bytes"),
        (_, _, size) => format!("ICMP echo, {} bytes", size.unwrap_or_default()),
    };
    let cycles = if *cycle == 1 {
        "1 cycle".to_owned()
    } else {
        format!("{cycle} cycles")
    };
    format!(
        "{}  path to {target}: {probes}, {cycles}",
        tick.time.to_seconds()
    )
}

/// Figures of the destination, as `ping` prints them and more. May hold untrusted text.
pub(in crate::render) fn destination(tick: &PathTick<'_>) -> Vec<String> {
    let row = &tick.destination;
    let loss = row.loss_percent;
    let loss = loss.map_or("-".to_owned(), |share| Percent(share).to_string());
    let mut lines = vec![format!(
        "destination: {} sent, {} received, {loss} lost",
        row.sent, row.received
    )];
    if row.reached {
        let [min, avg, max, mdev] = [row.min_us, row.avg_us, row.max_us, row.mdev_us].map(time);
        let [p50, p95, p99, jitter] = [row.p50_us, row.p95_us, row.p99_us, row.jitter_us].map(time);
        lines.push(format!("  min {min}  avg {avg}  max {max}  mdev {mdev}"));
        lines.push(format!(
            "  p50 {p50}  p95 {p95}  p99 {p99}  jitter {jitter}"
        ));
    }
    lines.extend(tick.process.map(process));
    lines
}

fn time(micros: Option<u32>) -> String {
    micros.map_or("-".to_owned(), format_micros)
}

fn process(side: &ProcessSide) -> String {
    let ProcessSide {
        pid,
        name,
        connections,
        ..
    } = side;
    let [min, middle, max] = [side.srtt_min_us, side.srtt_median_us, side.srtt_max_us].map(time);
    let count = if *connections == 1 {
        "1 connection".to_owned()
    } else {
        format!("{connections} connections")
    };
    format!("{name} (PID {pid}): {count} there, srtt {middle} in the middle ({min} to {max})")
}
