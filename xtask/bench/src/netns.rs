//! Two network namespaces for loads, joined by a veth pair.
//!
//! Their names live in a private mount namespace, so that nothing is left however the bench ends.

use std::net::{IpAddr, Ipv4Addr};
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
    /// Name of its network namespace.
    pub(super) fn namespace(self) -> &'static str {
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

    fn address_at(self, verb: &str, interface: &str) -> Result<()> {
        let (namespace, address) = (self.namespace(), self.address());
        ip(&format!(
            "-n {namespace} address {verb} {address}/24 dev {interface}"
        ))
    }
}

/// Name of the veth device in either namespace.
pub(super) const VETH: &str = "wire";

/// Thousands of sockets in TIME_WAIT would make each repeat slower than the one
/// before.
const FEW_TIME_WAITS: &str = "net.ipv4.tcp_max_tw_buckets=4096";

/// Makes the namespaces; they go with this process.
pub(super) fn create() -> Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS).context("can't have a mount namespace of its own")?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    for side in [Side::Near, Side::Far] {
        let namespace = side.namespace();
        ip(&format!("netns add {namespace}"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
        ip(&format!(
            "netns exec {namespace} sysctl -qw {FEW_TIME_WAITS}"
        ))?;
    }
    ip(&format!(
        "-n near link add {VETH} type veth peer {VETH} netns far"
    ))?;
    for side in [Side::Near, Side::Far] {
        ip(&format!("-n {} link set {VETH} up", side.namespace()))?;
        side.address_at("add", VETH)?;
    }
    Ok(())
}

/// Moves the addresses of both sides to other interfaces.
pub(super) fn move_addresses(from: &str, to: &str) -> Result<()> {
    for side in [Side::Near, Side::Far] {
        ip(&format!("-n {} link set {to} up", side.namespace()))?;
        side.address_at("del", from)?;
        side.address_at("add", to)?;
    }
    Ok(())
}

/// A command on one side; the program and its arguments are still to be added.
pub(super) fn command(side: Side) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", side.namespace()]);
    command
}

fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .context("there is no `ip` (Debian package iproute2)")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`ip {arguments}`: {}",
        complaint.trim()
    );
    Ok(())
}
