//! What would a limit do, and who would suffer?

use std::io::{self, Write};

use anyhow::Context;
use netperf_core::clock;
use netperf_core::units::Units;
use netperf_sys::procfs::Procfs;
use netperf_throttle::Limit;
use netperf_throttle::registry::Registry;

use super::hold::{check_rights, opening, plan};
use super::{Hold, failure, registry_failure, targets, usage};
use crate::cmd::looks;
use crate::render::limit::{plan_json, plan_text};
use crate::view::envelope::Reason;
use crate::view::limit::{LimitPlan, PlannedInterface, PlannedProcess};
use crate::view::time::Rfc3339;
use netperf_diagnose::limit::warnings;

/// Tells it, and changes nothing.
pub(super) fn tell(hold: &Hold, json: bool, units: Units) -> anyhow::Result<()> {
    let procfs = Procfs::new("/");
    check_rights(&procfs)?;
    let found = targets::look_up(&procfs, &hold.whom, hold.children)?;
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
    let text = if json {
        plan_json(&opening(hold, wall), &plan, &looks::end(0, Reason::Eof))?
    } else {
        plan_text(&plan, units).into_bytes()
    };
    io::stdout().write_all(&text).context("can't write")
}
