//! What runs inside? The program, the mover and PID 1, all static: the image has no libraries.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::image::Programs;
use crate::build::PROGRAM;
use crate::dist;
use crate::setup::programs;
use crate::workspace::Workspace;

/// Profile of what runs in virtual machines.
const PROFILE: &str = "guest";

/// Builds the three. The image has them and `others`.
pub(super) fn build(workspace: &Workspace, others: &[PathBuf]) -> Result<Programs> {
    let selection = ["--package", "netperf", "--package", "netperf-tests"];
    let bins = ["--bin", PROGRAM, "--bin", "mover", "--bin", "guest"];
    let folder = dist::compile(workspace, PROFILE, &[&selection[..], &bins].concat())?;
    let tested = [PROGRAM, "mover"].map(|name| folder.join(name));
    Ok(Programs {
        init: folder.join("guest"),
        tested: [&tested[..], others].concat(),
        called: ["ip", "tc", "timeout"]
            .into_iter()
            .map(|name| programs::find(name).with_context(|| format!("there is no `{name}`")))
            .collect::<Result<_>>()?,
    })
}

/// Builds what attaches empty programs.
pub(super) fn build_hooks(workspace: &Workspace) -> Result<PathBuf> {
    let selection = ["--package", "netperf-tests", "--bin", "hooks"];
    let folder = dist::compile(workspace, PROFILE, &selection)?;
    Ok(folder.join("hooks"))
}
