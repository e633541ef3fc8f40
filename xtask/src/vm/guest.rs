//! What runs inside? The program, the mover and PID 1, all static: the image has no libraries.

use anyhow::{Context as _, Result};

use super::image::Programs;
use crate::build::PROGRAM;
use crate::dist;
use crate::setup::programs;
use crate::workspace::Workspace;

/// Builds the three.
pub(super) fn build(workspace: &Workspace) -> Result<Programs> {
    let selection = ["--package", "netperf", "--package", "netperf-tests"];
    let bins = ["--bin", PROGRAM, "--bin", "mover", "--bin", "guest"];
    let folder = dist::compile(workspace, &[&selection[..], &bins].concat())?;
    Ok(Programs {
        init: folder.join("guest"),
        tested: [folder.join(PROGRAM), folder.join("mover")],
        called: programs::find("ip").context("there is no `ip`")?,
    })
}
