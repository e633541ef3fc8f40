mod closing;
mod listen;
mod machine;
mod ports;
mod refused;

use netperf_core::fixtures::states::model;
use netperf_core::model::states::figures::StatesOptions;
use netperf_core::sample::socket::SocketSample;

use super::*;

/// All findings of the last of these looks.
fn findings(looks: &[SocketSample]) -> Vec<Finding> {
    let options = StatesOptions::all();
    let model = model(looks, &options);
    let figures = StatesFigures::new(&model, &options);
    super::findings(&figures, &model, Period::Tick)
}

/// The first finding that says so.
fn found(looks: &[SocketSample], what: &str) -> Finding {
    let findings = findings(looks);
    let mut all = findings.iter();
    let found = all.find(|finding| finding.what.contains(what));
    found.unwrap_or_else(|| panic!("{findings:#?}")).clone()
}

fn advises(finding: &Finding, words: &str) -> bool {
    finding.advice.iter().any(|advice| advice.contains(words))
}
