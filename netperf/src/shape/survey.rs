//! What is there to limit, and can it be?

use std::fs::File;

use anyhow::Context as _;

use super::network::is_ours;
use super::{Interface, LimitError, Plan, Survey, members};
use crate::bpf;
use crate::machine::{Outcome, Trial};
use crate::netlink;
use crate::procfs::Procfs;

/// How packets are held up.
pub(super) const MECHANISM: &str = "veth+tbf (tcx)";

/// The Ethernet header, with a VLAN tag.
const HEADER_BYTES: u32 = 18;

/// What a look has found.
pub(super) struct Ground {
    /// Network namespace of the processes.
    pub(super) there: File,
    pub(super) survey: Survey,
}

/// Looks at where the processes are.
///
/// # Errors
/// When there is no such process, or something can't be limited.
pub(super) fn look(plan: &Plan, procfs: &Procfs) -> Result<Ground, LimitError> {
    if !procfs.is_in_initial_pid_namespace() {
        let why = "limits need the processes as the kernel numbers them: run it in the initial pid \
                   namespace, outside of any container";
        return Err(LimitError::Unsupported(why.to_owned()));
    }
    let tried = netlink::in_own_namespace(|| bpf::try_tcx(netlink::LOOPBACK));
    if let Ok(Trial {
        outcome: Outcome::Refused(why),
        ..
    }) = tried
    {
        let why = format!("this kernel lets no program redirect packets (tcx, Linux 6.6): {why}");
        return Err(LimitError::Unsupported(why));
    }
    let gone = || LimitError::Asked("none of these processes is running".to_owned());
    let first = *members::of(plan, procfs).first().ok_or_else(gone)?;
    let there = procfs.open_network_namespace(first).map_err(|error| {
        LimitError::Rights(format!(
            "can't look into the network namespace of process {first}: {error}"
        ))
    })?;
    let found = netlink::inside(&there, netlink::interfaces).map_err(|error| {
        LimitError::Rights(format!(
            "can't enter the network namespace of process {first}: {error}"
        ))
    })?;
    let interfaces = judged(&found, plan);
    if let Some(problem) = interfaces.iter().find_map(Judged::problem) {
        return Err(LimitError::Unsupported(problem));
    }
    let netns = procfs.network_namespace(first).ok().flatten();
    Ok(Ground {
        there,
        survey: Survey {
            netns: netns.unwrap_or_default(),
            interfaces: interfaces.into_iter().map(|judged| judged.shown).collect(),
            mechanism: MECHANISM,
        },
    })
}

/// An interface, and whether it is limited.
pub(super) struct Judged {
    pub(super) index: u32,
    pub(super) shown: Interface,
    /// It should be, and can't.
    is_problem: bool,
}

impl Judged {
    /// Why the limit would not hold for it, although nobody has left it out.
    pub(super) fn problem(&self) -> Option<String> {
        let Interface { name, left_out } = &self.shown;
        let why = left_out.as_ref().filter(|_| self.is_problem)?;
        let name = crate::text::visible(name);
        Some(format!(
            "{name} {why}; leave it out with `--except-iface {name}`"
        ))
    }

    pub(super) fn is_limited(&self) -> bool {
        self.shown.left_out.is_none()
    }
}

/// Which interfaces are limited, without those that limits have made.
pub(super) fn judged(found: &[netlink::Interface], plan: &Plan) -> Vec<Judged> {
    let others = found.iter().filter(|interface| !is_ours(&interface.name));
    others
        .map(|interface| {
            let (left_out, is_problem) = judge(interface, plan);
            Judged {
                index: interface.index,
                shown: Interface {
                    name: interface.name.clone(),
                    left_out: left_out.map(str::to_owned),
                },
                is_problem,
            }
        })
        .collect()
}

fn judge(interface: &netlink::Interface, plan: &Plan) -> (Option<&'static str>, bool) {
    if plan.except.contains(&interface.name) {
        (Some("is left out, as asked"), false)
    } else if interface.is_loopback && plan.loopback {
        let why = "can't be limited: what comes back from a queue has lost its route there";
        (Some(why), true)
    } else if interface.is_loopback {
        (Some("is loopback"), false)
    } else if interface.is_ethernet {
        (None, false)
    } else if interface.is_up {
        (
            Some("has packets without an Ethernet header, which the queue needs"),
            true,
        )
    } else {
        (Some("is down, and has no Ethernet header"), false)
    }
}

/// The longest packet of these interfaces, with its header.
pub(super) fn largest_packet(found: &[netlink::Interface], plan: &Plan) -> u32 {
    let limited = judged(found, plan);
    let is_limited = |interface: &&netlink::Interface| {
        limited
            .iter()
            .any(|judged| judged.index == interface.index && judged.is_limited())
    };
    let mtus = found
        .iter()
        .filter(is_limited)
        .map(|interface| interface.mtu);
    mtus.max().unwrap_or(1_500).min(65_535) + HEADER_BYTES
}

/// The directory in which sockets are seen being made: the cgroup that was named, or the root of all.
pub(super) fn cgroup(plan: &Plan, procfs: &Procfs) -> Result<File, LimitError> {
    let Some(path) = &plan.cgroup else {
        let cgroups = procfs.cgroups();
        let none = "no cgroup v2 hierarchy is mounted, by which new sockets are seen";
        let root = cgroups
            .root()
            .ok_or_else(|| LimitError::Unsupported(none.to_owned()))?;
        return Ok(File::open(root).context("can't open the root of the cgroups")?);
    };
    File::open(path).map_err(|error| {
        LimitError::Asked(format!("can't open the cgroup {}: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> netlink::Interface {
        netlink::Interface {
            index: 7,
            name: name.to_owned(),
            is_ethernet: true,
            is_loopback: false,
            is_up: true,
            mtu: 1_500,
        }
    }

    fn plan(except: &[&str], loopback: bool) -> Plan {
        Plan {
            id: 1,
            targets: Vec::new(),
            children: true,
            cgroup: None,
            rates: super::super::Rates::default(),
            loopback,
            except: except.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn what_can_not_be_limited_is_named_unless_it_is_left_out() {
        let tunnel = netlink::Interface {
            is_ethernet: false,
            ..interface("wg0")
        };
        let found = [interface("eth0"), interface("npt1u"), tunnel];
        let all = judged(&found, &plan(&[], false));
        assert_eq!(all.len(), 2, "our own ones are not looked at");
        assert!(all[0].is_limited() && all[0].problem().is_none());
        let problem = all[1].problem().unwrap();
        assert!(
            problem.contains("wg0") && problem.contains("--except-iface wg0"),
            "{problem}"
        );
        let all = judged(&found, &plan(&["wg0"], false));
        assert!(all[1].problem().is_none() && !all[1].is_limited());
    }

    #[test]
    fn loopback_is_left_out_and_a_problem_only_where_it_is_asked_for() {
        let loopback = netlink::Interface {
            is_ethernet: false,
            index: 1,
            is_loopback: true,
            mtu: 65_536,
            ..interface("lo")
        };
        let found = [loopback, interface("eth0")];
        assert!(judged(&found, &plan(&[], false))[0].problem().is_none());
        assert!(judged(&found, &plan(&[], true))[0].problem().is_some());
        assert_eq!(largest_packet(&found, &plan(&[], false)), 1_518);
    }
}
