//! What can this machine do? Every reader is asked, and everything is tried.

use netperf_core::collect::HookPreference;
use netperf_core::machine::{Feature, Machine, Outcome, Trial};
use netperf_core::text::chain;

use crate::bpf::{self, Request};
use crate::capture::valid_rights;
use crate::netlink;
use crate::procfs::Procfs;
use crate::rights;

/// Looks at this machine. Hooks are attached and detached again; interfaces and queues are made in
/// a network namespace that nobody else sees, and go with it.
pub fn examine() -> Machine {
    let procfs = Procfs::new("/");
    let cgroups = procfs.cgroups();
    let cgroup_root = cgroups.open_root();
    let request = Request {
        hooks: HookPreference::Auto,
        connections: true,
        losses: false,
        latency: false,
        failures: false,
        transitions: None,
        open_sockets: 0,
        cgroup_root: cgroup_root.as_ref(),
        procfs: &procfs,
    };
    let features = [
        bpf::feature_trials(),
        netlink::listing_trials(),
        try_in_namespace(),
    ];
    Machine {
        kernel: procfs.kernel_facts(),
        rights: rights::held(valid_rights(&procfs)),
        hook_sets: bpf::verdicts(&request).map_err(|error| chain(&error)),
        features: features.concat(),
    }
}

fn try_in_namespace() -> Vec<Trial> {
    let tried = netlink::in_own_namespace(|| {
        let mut trials = netlink::shaping_trials();
        trials.push(bpf::try_tcx());
        trials
    });
    tried.unwrap_or_else(|error| {
        let why = format!("no network namespace to try it in: {error}");
        let untried = |feature| Trial {
            feature,
            outcome: Outcome::Untried(why.clone()),
        };
        Feature::OF_NAMESPACES.map(untried).into()
    })
}
