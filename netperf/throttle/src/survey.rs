//! Surveys interfaces and processes before a limit: which of them can be limited?

use std::collections::HashSet;
use std::fs::File;
use std::io;

use netperf_core::sample::limit::Uncovered;
use netperf_sys::bpf::Point;
use netperf_sys::netlink::{self, LinkHeader};
use netperf_sys::procfs::Procfs;

use super::network::is_ours;
use super::{Interface, LimitError, Means, Plan, Survey, members};

/// Result of a survey.
pub(super) struct Ground {
    /// Network namespace of the processes.
    pub(super) target_netns: File,
    pub(super) means: Means,
    /// Largest packet of the interfaces to limit, without its link header, in bytes.
    pub(super) largest_packet: u32,
    pub(super) survey: Survey,
}

/// Surveys the network namespace of the processes.
///
/// # Errors
///
/// There is no such process, or something can't be limited.
pub(super) fn look(plan: &Plan, procfs: &Procfs) -> Result<Ground, LimitError> {
    if !procfs.is_in_initial_pid_namespace() {
        let why = "limits need the processes as the kernel numbers them: run it in the initial pid \
                   namespace, outside of any container";
        return Err(LimitError::Unsupported(why.to_owned()));
    }
    let means = Means::find(plan.way)?;
    let gone = || LimitError::Invalid("none of these processes is running".to_owned());
    let first = members::any(plan, procfs).ok_or_else(gone)?;
    let target_netns = procfs.open_network_namespace(first).map_err(|error| {
        LimitError::Rights(format!(
            "can't look into the network namespace of process {first}: {error}"
        ))
    })?;
    let found =
        netlink::inside(&target_netns, || Found::now(plan, &HashSet::new())).map_err(|error| {
            LimitError::Rights(format!(
                "can't enter the network namespace of process {first}: {error}"
            ))
        })?;
    let interfaces = judged(&found, plan);
    if let Some(problem) = interfaces.iter().find_map(Judged::problem) {
        return Err(LimitError::Unsupported(problem));
    }
    let tgids: Vec<u32> = plan.targets.iter().map(|target| target.pid).collect();
    if let Some(problem) = members::passes_by(&tgids, procfs) {
        return Err(LimitError::Unsupported(problem));
    }
    let netns = procfs.network_namespace(first).ok().flatten();
    Ok(Ground {
        target_netns,
        means,
        largest_packet: largest_packet(&found, plan),
        survey: Survey {
            netns: netns.unwrap_or_default(),
            interfaces: interfaces.into_iter().map(|judged| judged.shown).collect(),
            mechanism: means.mechanism(),
        },
    })
}

/// The interfaces of a network namespace.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) interfaces: Vec<netlink::Interface>,
    /// Indexes of interfaces whose packets can't be intercepted.
    passing_by: HashSet<u32>,
}

impl Found {
    /// The interfaces of the calling thread's network namespace. Offloads are checked only if an
    /// interface is new, because that lists all features of each.
    ///
    /// # Errors
    ///
    /// Netlink fails.
    pub(super) fn now(plan: &Plan, attached: &HashSet<u32>) -> io::Result<Self> {
        let mut found = Self {
            interfaces: netlink::interfaces()?,
            passing_by: HashSet::new(),
        };
        let is_new = |judged: &Judged| judged.is_limited() && !attached.contains(&judged.index);
        if judged(&found, plan).iter().any(is_new) {
            found.passing_by = netlink::with_feature(FULL_OFFLOAD)?;
        }
        Ok(found)
    }
}

/// Offload that takes whole connections out of the kernel (`NETIF_F_HW_TLS_RECORD`).
const FULL_OFFLOAD: &str = "tls-hw-record";

/// An interface, and whether it is limited.
pub(super) struct Judged {
    pub(super) index: u32,
    header: LinkHeader,
    pub(super) shown: Interface,
    /// Whether it should be limited but can't be.
    is_problem: bool,
}

impl Judged {
    /// Why the limit would not hold for it, if nothing excludes it.
    pub(super) fn problem(&self) -> Option<String> {
        let Interface { name, left_out } = &self.shown;
        let why = left_out.as_ref().filter(|_| self.is_problem)?;
        let name = netperf_core::text::visible(name);
        Some(format!(
            "{name} {why}; leave it out with `--except-iface {name}`"
        ))
    }

    /// The interface, with the reason, if the limit should cover it and does not.
    pub(super) fn uncovered(&self) -> Option<Uncovered> {
        let why = self.shown.left_out.clone().filter(|_| self.is_problem)?;
        let name = self.shown.name.clone();
        Some(Uncovered { name, why })
    }

    pub(super) fn is_limited(&self) -> bool {
        self.shown.left_out.is_none()
    }

    /// Where to intercept incoming and outgoing packets.
    pub(super) fn points(&self) -> (Point, Point) {
        match self.header {
            LinkHeader::Ethernet | LinkHeader::Other => (Point::Ingress, Point::Egress),
            LinkHeader::None => (Point::IngressBare, Point::EgressBare),
        }
    }
}

/// Every interface and whether it is limited, without those that limits have made.
pub(super) fn judged(found: &Found, plan: &Plan) -> Vec<Judged> {
    let mut others: Vec<_> = found.interfaces.iter().collect();
    others.retain(|interface| !is_ours(&interface.name));
    // Each takes a moment: those that lead to containers come last.
    others.sort_by_key(|interface| interface.is_of_pair);
    others
        .into_iter()
        .map(|interface| {
            let (left_out, is_problem) = judge(interface, found, plan);
            Judged {
                index: interface.index,
                header: interface.header,
                shown: Interface {
                    name: interface.name.clone(),
                    left_out,
                },
                is_problem,
            }
        })
        .collect()
}

/// Why it is not limited, and whether it should be.
fn judge(interface: &netlink::Interface, found: &Found, plan: &Plan) -> (Option<String>, bool) {
    let whose_port = || {
        let mut all = found.interfaces.iter();
        all.find(|other| Some(other.index) == interface.port_of)
    };
    if plan.except.contains(&interface.name) {
        (Some("is left out, as requested".to_owned()), false)
    } else if interface.is_loopback && !plan.loopback {
        (Some("is loopback".to_owned()), false)
    } else if let Some(of) = whose_port() {
        let of = netperf_core::text::visible(&of.name);
        (Some(format!("is a port of {of}")), false)
    } else if found.passing_by.contains(&interface.index) {
        let why = format!(
            "does TCP by itself (its offload `{FULL_OFFLOAD}` is on), and so passes all queues and filters of \
             the kernel by"
        );
        (Some(why), true)
    } else if interface.header != LinkHeader::Other {
        (None, false)
    } else if interface.is_up {
        let why = "has packets that begin with neither an Ethernet nor an IP header";
        (Some(why.to_owned()), true)
    } else {
        let why = "is down, and of a kind that can't be limited";
        (Some(why.to_owned()), false)
    }
}

/// The largest packet of these interfaces, without its link header, in bytes.
fn largest_packet(found: &Found, plan: &Plan) -> u32 {
    let limited = judged(found, plan);
    let is_limited = |interface: &&netlink::Interface| {
        limited
            .iter()
            .any(|judged| judged.index == interface.index && judged.is_limited())
    };
    let mtus = found
        .interfaces
        .iter()
        .filter(is_limited)
        .map(|interface| interface.mtu);
    mtus.max().unwrap_or(1_500).min(65_535)
}

/// The cgroup directory in which new sockets are watched: the selected cgroup, or the root of all.
pub(super) fn cgroup(plan: &Plan, procfs: &Procfs) -> Result<File, LimitError> {
    let Some(path) = &plan.cgroup else {
        let cgroups = procfs.cgroups();
        let none = "there is no cgroup v2 hierarchy, by which new sockets are seen";
        let root = cgroups.open_root();
        return root.ok_or_else(|| LimitError::Unsupported(none.to_owned()));
    };
    File::open(path).map_err(|error| {
        LimitError::Invalid(format!("can't open the cgroup {}: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> netlink::Interface {
        netlink::Interface {
            index: 7,
            name: name.to_owned(),
            header: LinkHeader::Ethernet,
            is_loopback: false,
            is_up: true,
            mtu: 1_500,
            is_of_pair: false,
            port_of: None,
        }
    }

    fn found<const N: usize>(interfaces: [netlink::Interface; N]) -> Found {
        Found {
            interfaces: interfaces.into(),
            passing_by: HashSet::new(),
        }
    }

    fn plan(except: &[&str], loopback: bool) -> Plan {
        Plan {
            id: 1,
            targets: Vec::new(),
            children: true,
            cgroup: None,
            names: false,
            rates: netperf_core::sample::limit::Rates::default(),
            loopback,
            except: except.iter().map(|&name| name.to_owned()).collect(),
            way: None,
        }
    }

    #[test]
    fn what_can_not_be_limited_is_named_unless_it_is_left_out() {
        let with = |header, name| netlink::Interface {
            header,
            ..interface(name)
        };
        let found = found([
            interface("eth0"),
            interface("npt1u"),
            with(LinkHeader::Other, "ib0"),
            with(LinkHeader::None, "wg0"),
        ]);
        let all = judged(&found, &plan(&[], false));
        assert_eq!(all.len(), 3, "our own ones are not looked at");
        assert!(all[0].is_limited() && all[0].problem().is_none());
        assert!(all[2].is_limited() && all[2].points().1 == Point::EgressBare);
        let problem = all[1].problem().unwrap();
        assert!(
            problem.contains("ib0") && problem.contains("--except-iface ib0"),
            "{problem}"
        );
        let all = judged(&found, &plan(&["ib0"], false));
        assert!(all[1].problem().is_none() && !all[1].is_limited());
    }

    #[test]
    fn an_offload_that_passes_the_kernel_by_is_named() {
        let mut found = found([interface("eth0")]);
        found.passing_by.insert(7);
        let problem = judged(&found, &plan(&[], false))[0].problem().unwrap();
        assert!(
            problem.starts_with("eth0 does TCP by itself") && problem.contains("tls-hw-record"),
            "{problem}"
        );
        assert!(
            judged(&found, &plan(&["eth0"], false))[0]
                .problem()
                .is_none()
        );
    }

    #[test]
    fn what_passes_a_port_is_limited_at_the_bridge() {
        let port = netlink::Interface {
            port_of: Some(9),
            ..interface("eth0")
        };
        let bridge = netlink::Interface {
            index: 9,
            ..interface("br0")
        };
        let found = found([port, bridge]);
        let all = judged(&found, &plan(&[], false));
        assert_eq!(all[0].shown.left_out.as_deref(), Some("is a port of br0"));
        assert!(all[0].problem().is_none() && all[1].is_limited());
    }

    #[test]
    fn loopback_is_limited_only_with_its_option() {
        let loopback = netlink::Interface {
            index: 1,
            is_loopback: true,
            mtu: 65_536,
            ..interface("lo")
        };
        let found = found([loopback, interface("eth0")]);
        let left_out = &judged(&found, &plan(&[], false))[0];
        assert!(left_out.problem().is_none() && !left_out.is_limited());
        assert!(judged(&found, &plan(&[], true))[0].is_limited());
        assert_eq!(largest_packet(&found, &plan(&[], false)), 1_500);
    }
}
