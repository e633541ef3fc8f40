//! Options and first lines made by hand, for tests.

use netperf_core::clock::WallNs;
use netperf_core::fixtures::{EPOCH_NS, hooks};
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::state_set::StateSet;

use super::envelope::{SCHEMA, Start};
use super::socket_filter::SocketFilter;
use super::sockets::SocketsOptions;
use super::time::Rfc3339;

/// The beginning of `netperf_core::fixtures::session`.
pub(crate) fn start() -> Start {
    Start {
        schema: SCHEMA,
        version: "0.1.0",
        command: "top",
        time: Rfc3339(WallNs(EPOCH_NS)),
        host: "db1".to_owned(),
        kernel: "6.18.44".to_owned(),
        interval_s: 1.0,
        hooks: hooks(),
        unavailable: Vec::new(),
    }
}

/// Options that leave no socket out.
pub(crate) fn every_socket() -> SocketsOptions {
    SocketsOptions {
        states: StateSet::ALL,
        filter: SocketFilter::default(),
        processes: ProcessQuery::default(),
        summary_only: false,
        explain: None,
    }
}
