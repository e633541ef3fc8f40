//! `limit --dry-run`: what a limit would do, and to which processes.

use netperf_core::clock;
use netperf_core::units::Units;
use netperf_diagnose::limit::warnings;
use netperf_sys::procfs::Procfs;
use netperf_throttle::Limit;
use netperf_throttle::registry::Registry;

use super::hold::{check_rights, opening, plan};
use super::{Hold, failure, print, registry_failure, targets, usage};
use crate::cmd::session::end;
use crate::render::output::Format;
use crate::view::envelope::Reason;
use crate::view::limit::{LimitPlan, PlannedInterface, PlannedProcess};
use crate::view::time::Rfc3339;

/// Prints the plan, and changes nothing.
pub(super) fn tell(hold: &Hold, format: Format, units: Units) -> anyhow::Result<()> {
    let procfs = Procfs::new("/");
    check_rights(&procfs)?;
    let found = targets::look_up(&procfs, &hold.selector, hold.children)?;
    let taken = Registry::of_machine().held().map_err(registry_failure)?;
    let id = (1..=u8::MAX).find(|id| taken.iter().all(|other| other.id != *id));
    let survey = Limit::survey(&plan(hold, &found, id.unwrap_or(1))).map_err(failure)?;
    let (sockets, usage) = usage::measured(&found);
    let processes = found.processes.iter().map(|one| PlannedProcess {
        pid: one.tgid,
        name: one.comm.clone(),
    });
    let interfaces = survey.interfaces.into_iter().map(|one| PlannedInterface {
        name: one.name,
        left_out: one.left_out,
    });
    let wall = clock::now().1;
    let plan = LimitPlan {
        time: Rfc3339(wall),
        processes: processes.collect(),
        children: hold.children,
        sockets,
        netns: survey.netns,
        interfaces: interfaces.collect(),
        mechanism: survey.mechanism.to_owned(),
        up_bytes_per_s: hold.rates.up.map(|rate| rate.0),
        down_bytes_per_s: hold.rates.down.map(|rate| rate.0),
        warnings: warnings(&usage, hold.rates, units),
    };
    print(
        format,
        &plan,
        Some(&(opening(hold, wall), end(0, Reason::Eof))),
    )
}
