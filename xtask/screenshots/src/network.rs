//! Network namespaces like a small site: a host behind a router, a provider, and a server.
//!
//! Addresses are those that RFC 5737 sets apart for documentation.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Namespace of the machine that the pictures show.
pub const HOST: &str = "host";

/// Namespace of the server.
pub const SERVER: &str = "server";

/// Address of the server.
pub const SERVER_ADDRESS: &str = "203.0.113.10";

/// Namespaces in the order in which they are linked.
const NAMESPACES: [&str; 4] = [HOST, "router", "provider", SERVER];

/// A cable: its name, and both namespaces with their addresses.
const CABLES: [(&str, [(&str, &str); 2]); 3] = [
    (
        "eth0",
        [(HOST, "192.0.2.20/24"), ("router", "192.0.2.1/24")],
    ),
    (
        "wan0",
        [
            ("router", "198.51.100.2/24"),
            ("provider", "198.51.100.1/24"),
        ],
    ),
    (
        "dc0",
        [("provider", "203.0.113.1/24"), (SERVER, "203.0.113.10/24")],
    ),
];

/// Default routes.
const ROUTES: [(&str, &str); 4] = [
    (HOST, "192.0.2.1"),
    ("router", "198.51.100.1"),
    ("provider", "198.51.100.2"),
    (SERVER, "203.0.113.1"),
];

/// Makes the namespaces for this thread and the processes that it starts; they end with those.
///
/// # Errors
/// Without root, or when `ip` fails.
pub fn create() -> Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS).context("a mount namespace needs root")?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    for namespace in NAMESPACES {
        ip(&format!("netns add {namespace}"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
        let forward = "sysctl -qw net.ipv4.ip_forward=1";
        ip(&format!("netns exec {namespace} {forward}"))?;
    }
    for (name, [near, far]) in CABLES {
        let (from, to) = (near.0, far.0);
        ip(&format!(
            "-n {from} link add {name} type veth peer {name} netns {to}"
        ))?;
        for (namespace, address) in [near, far] {
            ip(&format!("-n {namespace} address add {address} dev {name}"))?;
            ip(&format!("-n {namespace} link set {name} up"))?;
        }
    }
    for (namespace, router) in ROUTES {
        ip(&format!("-n {namespace} route add default via {router}"))?;
    }
    Ok(())
}

/// A command in a namespace; the program and its arguments are still to be added.
pub fn command(namespace: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]);
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
