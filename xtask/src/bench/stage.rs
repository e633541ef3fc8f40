//! Where does the load run? In two network namespaces of its own, joined by a veth pair.
//!
//! Their names live in a private mount namespace, so that nothing is left however the bench ends.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Which end of the veth pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Where loads are driven.
    Near,
    /// The other end.
    Far,
}

impl Side {
    fn namespace(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
        }
    }

    /// Address of this side's end of the veth pair.
    pub(super) fn address(self) -> IpAddr {
        let host = match self {
            Self::Near => 1,
            Self::Far => 2,
        };
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, host))
    }
}

/// Name of the veth device in either namespace.
pub(super) const VETH: &str = "wire";

/// Makes the namespaces; they go with this process.
pub(super) fn set() -> Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS).context("can't have a mount namespace of its own")?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    for side in [Side::Near, Side::Far] {
        ip(&["netns", "add", side.namespace()])?;
        ip(&["-n", side.namespace(), "link", "set", "lo", "up"])?;
    }
    ip(&[
        "-n", "near", "link", "add", VETH, "type", "veth", "peer", VETH, "netns", "far",
    ])?;
    for side in [Side::Near, Side::Far] {
        let address = format!("{}/24", side.address());
        ip(&[
            "-n",
            side.namespace(),
            "address",
            "add",
            &address,
            "dev",
            VETH,
        ])?;
        ip(&["-n", side.namespace(), "link", "set", VETH, "up"])?;
    }
    Ok(())
}

/// A command that runs `program` on one side.
pub(super) fn command(side: Side, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", side.namespace()])
        .arg(program);
    command
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("there is no `ip` (Debian package iproute2)")?;
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
