//! Network namespaces like a small site: a host behind a router, a provider, and a server.
//!
//! Addresses are those that RFC 5737 sets apart for documentation.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;

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

/// Name of the host, as the program shows it.
const HOST_NAME: &str = "web1";

/// Where the system's resolver is configured.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Makes the namespaces for this thread and the processes that it starts; they end with those.
///
/// # Errors
/// Without root, or when `ip` fails.
pub fn create() -> Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS).context("namespaces need root")?;
    sethostname(HOST_NAME)?;
    let resolv_conf = fs::canonicalize(RESOLV_CONF).unwrap_or_else(|_| RESOLV_CONF.into());
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    use_resolver(&resolv_conf)?;
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

/// The server is the resolver as well.
fn use_resolver(resolv_conf: &Path) -> Result<()> {
    let text = format!("nameserver {SERVER_ADDRESS}\n");
    if let Some(folder) = resolv_conf
        .parent()
        .filter(|folder| folder.starts_with("/run"))
    {
        fs::create_dir_all(folder)?;
        return Ok(fs::write(resolv_conf, text)?);
    }
    let file = "/run/resolv.conf";
    fs::write(file, text)?;
    let none = None::<&str>;
    mount(Some(file), resolv_conf, none, MsFlags::MS_BIND, none)
        .with_context(|| format!("can't replace `{}`", resolv_conf.display()))
}

/// A command in a namespace; the program and its arguments are still to be added. Unlike `ip netns exec` it leaves
/// `/sys` as it is, where the program finds cgroups.
pub fn command(namespace: &str) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/run/netns/{namespace}"))
        .arg("--");
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
