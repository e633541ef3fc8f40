//! `http` as text: a line for the answer, bars for the phases, then findings.

use std::io::{self, Write};

use netperf_core::units::{Bytes, Units, counted, format_micros};

use super::output::{Report, Style};
use super::prose::{LINE, finding, sentence};
use super::text_table;
use crate::view::http::{HttpTick, RequestRow, TargetRow, TlsRow, phase_table};

impl Report for HttpTick {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        text(self, (style.units, style.width.unwrap_or(LINE)), out)
    }
}

fn text(tick: &HttpTick, (units, width): (Units, usize), out: &mut Vec<u8>) -> io::Result<()> {
    let head = format!("{}  {} {}", tick.time.to_seconds(), tick.method, tick.url);
    sentence("", &head, width, out)?;
    for target in &tick.targets {
        writeln!(out)?;
        about(target, (units, width), out)?;
    }
    for slo in &tick.slo {
        let (limit, kept) = (
            format_micros(slo.limit_us),
            if slo.met { "kept" } else { "missed" },
        );
        let at = slo
            .address
            .map(|it| format!(" at {it}"))
            .unwrap_or_default();
        let measured = slo.p95_us.map_or("-".to_owned(), format_micros);
        writeln!(
            out,
            "limit {}{at} {limit}: {kept} (p95 {measured})",
            slo.measure
        )?;
    }
    writeln!(out, "\nFINDINGS")?;
    for found in &tick.findings {
        finding(found, true, width, out)?;
    }
    writeln!(out)
}

fn about(target: &TargetRow, (units, width): (Units, usize), out: &mut Vec<u8>) -> io::Result<()> {
    let (finished, failed) = (target.finished, target.failed);
    let count = match (finished + failed, failed) {
        (1, 0) => String::new(),
        (all, 0) => format!("; {all} requests"),
        (all, failed) => {
            let all = u64::try_from(all).unwrap_or(u64::MAX);
            format!(
                "; {failed} of {} failed",
                counted(all, "request", "requests")
            )
        }
    };
    let answered = target.requests.iter().rev().find(|it| it.failure.is_none());
    let begun = target.requests.iter().rev().find(|it| it.status.is_some());
    let what = match (answered, begun, target.address) {
        (Some(request), _, _) => came(request, units),
        (None, Some(request), _) => format!("{}; not to its end", came(request, units)),
        (None, None, Some(address)) => format!("{address}: no answer"),
        (None, None, None) => "no answer".to_owned(),
    };
    sentence("", &format!("{what}{count}"), width, out)?;
    if target.phases.is_empty() {
        return Ok(());
    }
    for line in text_table::lines(&phase_table::table(target), units, width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The answer: its status, size and protocol.
fn came(request: &RequestRow, units: Units) -> String {
    let mut parts = Vec::new();
    if let (Some(version), Some(status)) = (request.http_version, request.status) {
        parts.push(format!("{version} {status}"));
    }
    parts.extend(request.body_bytes.map(|it| units.size(Bytes(it))));
    let server = request.server.as_ref().map(|it| format!(" ({it})"));
    let server = server.unwrap_or_default();
    parts.extend(request.remote.map(|it| format!("from {it}{server}")));
    parts.extend(request.tls.as_ref().map(|it| tls(it, units)));
    if request.reused == Some(true) {
        parts.push("connection used again".to_owned());
    }
    parts.extend(
        request
            .rtt_us
            .map(|it| format!("round trip {}", format_micros(it))),
    );
    parts.join(", ")
}

fn tls(tls: &TlsRow, units: Units) -> String {
    let kind = if tls.resumed {
        "resumed"
    } else {
        "full handshake"
    };
    let shown = tls.shown(units).map(|shown| format!(", {shown}"));
    let shown = shown.unwrap_or_default();
    format!("{} {}, {kind}{shown}", tls.version, tls.cipher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::output::tests::text_of;
    use crate::view::http::HttpOptions;
    use netperf_core::fixtures::http::slow_server;
    use netperf_diagnose::condition::Condition;

    fn shown(width: usize) -> String {
        let options = HttpOptions {
            url: "https://example.org/".to_owned(),
            method: "GET".to_owned(),
            keep_alive: false,
            slos: Condition::list("total=500ms").unwrap(),
            units: Units::Auto,
        };
        let tick = HttpTick::new(&slow_server(), &options);
        text_of(&tick, Some(width))
    }

    #[test]
    fn requests_in_160_columns() {
        insta::assert_snapshot!(shown(160));
    }

    #[test]
    fn requests_in_80_columns() {
        let shown = shown(80);
        assert!(
            shown
                .lines()
                .all(|line| netperf_core::text::width(line) <= 80),
            "{shown}"
        );
        insta::assert_snapshot!(shown);
    }
}
