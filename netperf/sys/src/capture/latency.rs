//! Latencies as sample rows: histograms of the kernel side, joined with names.

use netperf_common::flow::FlowKey;
use netperf_common::latency::{ACCEPT, CONNECT, RTT, bounds};
use netperf_core::clock::MonoNs;
use netperf_core::sample::latency::{LatencyKind, LatencyReading, TimeSpan};

use super::address::remote_end;
use super::events::describe;
use super::names::Names;
use crate::bpf::{Grown, Ledger};

/// `None` for a kind that this program does not know.
pub(super) fn reading(
    grown: &Grown,
    names: &mut Names,
    ledger: &Ledger,
    now: MonoNs,
) -> Option<LatencyReading> {
    let key = grown.key;
    let remote = remote_end(&FlowKey {
        remote_addr: key.remote_addr,
        family: key.family,
        ..FlowKey::default()
    });
    let spans = grown.counts.iter().map(|&(bucket, count)| {
        let (from_us, to_us) = bounds(bucket);
        TimeSpan {
            from_us,
            to_us,
            count,
        }
    });
    Some(LatencyReading {
        process: describe(names, ledger, Some(&grown.owner), now),
        remote: remote.ip(),
        kind: match key.kind {
            CONNECT => LatencyKind::Connect,
            RTT => LatencyKind::Rtt,
            ACCEPT => LatencyKind::Accept,
            _ => return None,
        },
        counts: spans.collect(),
    })
}
