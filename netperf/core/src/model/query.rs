//! Queries that select processes and flows.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use regex::Regex;

use crate::model::{Model, names};
use crate::sample::socket::{SocketReading, SocketSample};
use crate::sample::{FlowReading, Process, Proto};

/// Which processes. An empty query takes all; several conditions must all hold.
#[derive(Clone, Debug, Default)]
pub struct ProcessQuery {
    /// One of these process ids.
    pub pids: Vec<u32>,
    /// One of its names matches.
    pub name: Option<Regex>,
    /// User name, or number.
    pub user: Option<String>,
    /// In this cgroup or below it.
    pub cgroup: Option<CgroupPath>,
    /// Anything that is shown of the process matches.
    pub anything: Option<Regex>,
}

/// Selects flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowQuery {
    /// Either end has this port.
    pub port: Option<u16>,
    /// The other end is in this network.
    pub remote: Option<IpNet>,
    /// This end has an address of this interface.
    pub iface: Option<String>,
    /// Transport.
    pub proto: Option<Proto>,
}

/// A path in the cgroup hierarchy: from its root with a leading `/`, else anywhere in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupPath(String);

impl ProcessQuery {
    /// Takes every process.
    pub fn is_empty(&self) -> bool {
        self.pids.is_empty()
            && self.name.is_none()
            && self.user.is_none()
            && self.cgroup.is_none()
            && self.anything.is_none()
    }

    /// Takes this process.
    pub fn takes(&self, process: &Process) -> bool {
        self.takes_named(process)
            && self
                .anything
                .as_ref()
                .is_none_or(|wanted| shows(process, wanted))
    }

    /// Takes this socket: one of its owners is wanted. Where none can be named, what the socket itself
    /// tells must do.
    pub fn takes_socket(&self, sample: &SocketSample, socket: &SocketReading) -> bool {
        if self.is_empty() {
            return true;
        }
        let owners = socket
            .inode
            .map_or(&[][..], |inode| sample.owners.of(inode));
        if !owners.is_empty() {
            return owners.iter().any(|owner| self.takes(&owner.process));
        }
        self.pids.is_empty()
            && self.name.is_none()
            && self.takes(&Process {
                uid: socket.uid,
                user: socket.uid.and_then(|uid| sample.users.get(&uid).cloned()),
                cgroup: socket
                    .cgroup_id
                    .and_then(|id| sample.cgroups.get(&id).cloned()),
                ..Process::default()
            })
    }

    /// Takes a flow of this process; `anything` may be found in its addresses too.
    fn takes_flow_of(&self, flow: &FlowReading) -> bool {
        self.takes_named(&flow.process)
            && self.anything.as_ref().is_none_or(|wanted| {
                shows(&flow.process, wanted)
                    || wanted.is_match(&flow.local.to_string())
                    || wanted.is_match(&flow.remote.to_string())
            })
    }

    fn takes_named(&self, process: &Process) -> bool {
        (self.pids.is_empty() || self.pids.contains(&process.id.tgid))
            && self
                .name
                .as_ref()
                .is_none_or(|name| names::is_named(process, name))
            && self.user.as_ref().is_none_or(|user| is_user(process, user))
            && self.cgroup.as_ref().is_none_or(|path| {
                process
                    .cgroup
                    .as_deref()
                    .is_some_and(|cgroup| path.contains(cgroup))
            })
    }
}

impl FlowQuery {
    /// Takes every flow.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes this flow, if `processes` takes its process too.
    pub fn takes(&self, flow: &FlowReading, processes: &ProcessQuery, model: &Model) -> bool {
        self.takes_ends(flow.proto, (flow.local, flow.remote), model)
            && processes.takes_flow_of(flow)
    }

    /// Takes a connection between these ends, this host's first.
    pub fn takes_ends(
        &self,
        proto: Proto,
        (local, remote): (SocketAddr, SocketAddr),
        model: &Model,
    ) -> bool {
        let here: &dyn Fn(&str) -> bool = &|iface| has_address(model, iface, local.ip());
        self.proto.is_none_or(|wanted| wanted == proto)
            && self
                .port
                .is_none_or(|port| [local.port(), remote.port()].contains(&port))
            && self
                .remote
                .is_none_or(|network| network.contains(&remote.ip().to_canonical()))
            && self.iface.as_deref().is_none_or(here)
    }
}

impl CgroupPath {
    /// Reads a path as users write it: as `/proc/PID/cgroup` shows it, or a file path below
    /// `/sys/fs/cgroup`, or only its last components.
    pub fn new(path: &str) -> Self {
        let path = path.strip_prefix("/sys/fs/cgroup").unwrap_or(path);
        let path = path.strip_prefix("/unified").unwrap_or(path);
        Self(format!("{}/", path.trim_end_matches('/')))
    }

    /// Whether a cgroup is this one, or below it.
    pub fn contains(&self, cgroup: &str) -> bool {
        let cgroup = format!("{}/", cgroup.trim_end_matches('/'));
        if self.0.starts_with('/') {
            cgroup.starts_with(&self.0)
        } else {
            cgroup.contains(&format!("/{}", self.0))
        }
    }
}

impl fmt::Display for CgroupPath {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.trim_end_matches('/') {
            "" => to.write_str("/"),
            path => to.write_str(path),
        }
    }
}

fn is_user(process: &Process, user: &str) -> bool {
    process.user.as_deref() == Some(user) || process.uid.is_some_and(|uid| user.parse() == Ok(uid))
}

fn has_address(model: &Model, iface: &str, address: IpAddr) -> bool {
    is_among(model.addresses_of(iface), address)
}

/// Whether an interface with these addresses has this one. All of 127.0.0.0/8 is loopback's, whatever is
/// assigned to it (RFC 1122, 3.2.1.3).
fn is_among(addresses: &[IpAddr], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_loopback = addresses.iter().any(IpAddr::is_loopback);
    addresses.contains(&address) || (is_loopback && address.is_loopback())
}

fn shows(process: &Process, wanted: &Regex) -> bool {
    let Process {
        id,
        name,
        exe,
        cmdline,
        user,
        unit,
        container,
        ..
    } = process;
    let texts = [Some(name), exe.as_ref(), user.as_ref(), unit.as_ref()];
    texts
        .into_iter()
        .flatten()
        .any(|text| wanted.is_match(text))
        || cmdline
            .as_ref()
            .is_some_and(|arguments| wanted.is_match(&arguments.join(" ")))
        || container
            .as_ref()
            .is_some_and(|container| wanted.is_match(&container.id))
        || wanted.is_match(&id.tgid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_takes_what_is_below_it_and_no_namesakes() {
        let slice = CgroupPath::new("/system.slice");
        assert!(slice.contains("/system.slice/backup.service"));
        assert!(slice.contains("/system.slice"));
        assert!(!slice.contains("/system.slice-of-life"));
        assert!(!slice.contains("/user.slice/system.slice"));
    }

    #[test]
    fn a_cgroup_may_be_written_as_a_file_or_by_its_last_part() {
        let below = "/system.slice/backup.service";
        assert!(CgroupPath::new("/sys/fs/cgroup/system.slice/").contains(below));
        assert!(CgroupPath::new("/sys/fs/cgroup/unified/system.slice").contains(below));
        assert!(CgroupPath::new("backup.service").contains(below));
        assert!(!CgroupPath::new("up.service").contains(below));
        assert!(CgroupPath::new("/").contains(below));
    }

    #[test]
    fn loopback_has_every_address_of_its_network_and_no_other() {
        let all = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let (lo, eth) = (all(&["127.0.0.1", "::1", "10.9.9.9"]), all(&["10.0.0.5"]));
        for (address, of_lo, of_eth) in [
            ("127.0.0.53", true, false),
            ("::ffff:127.0.1.1", true, false),
            ("::1", true, false),
            ("10.9.9.9", true, false),
            ("10.0.0.5", false, true),
            ("::ffff:10.0.0.5", false, true),
            ("10.0.0.6", false, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(is_among(&lo, address), of_lo, "{address}");
            assert_eq!(is_among(&eth, address), of_eth, "{address}");
        }
    }

    #[test]
    fn a_user_is_a_name_or_a_number() {
        let process = Process {
            uid: Some(34),
            user: Some("backup".into()),
            ..Process::default()
        };
        for (user, taken) in [
            ("backup", true),
            ("34", true),
            ("root", false),
            ("0", false),
        ] {
            let query = ProcessQuery {
                user: Some(user.into()),
                ..ProcessQuery::default()
            };
            assert_eq!(query.takes(&process), taken, "{user}");
        }
    }
}
