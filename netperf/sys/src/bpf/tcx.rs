//! Can programs be put at the packets of an interface (tcx, Linux 6.6)?

use aya::programs::{SchedClassifier, TcAttachType};
use netperf_core::machine::{Feature, Trial};
use netperf_core::text::chain;

/// Asks what is at the loopback interface of the calling thread's network namespace, which only a kernel
/// that has tcx can tell. To attach something would wait for every processor.
pub fn try_tcx() -> Trial {
    let there = SchedClassifier::query_tcx("lo", TcAttachType::Ingress);
    let told = there.map(drop).map_err(|error| chain(&error));
    Trial::of(Feature::Tcx, told)
}
