//! Checks the capabilities of this process: may it load and attach BPF programs, and what can it not see without more?

mod invocation;

use std::fmt;

use caps::{CapSet, Capability, CapsHashSet};
use netperf_core::failure::Failure;
use netperf_core::machine::HeldRight;
use netperf_core::sample::socket::Unseen;

use self::invocation::Invocation;

/// What the capabilities of this process are valid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    /// The whole machine.
    Everywhere,
    /// A user namespace of its own, as in a rootless container. The kernel asks for those of the
    /// initial one.
    OwnUsers,
}

/// A capability and what it is good for.
type Right = (Capability, &'static str);

/// Without these nothing can be counted.
const REQUIRED: [Right; 3] = [
    (
        Capability::CAP_BPF,
        "to load the counting programs into the kernel",
    ),
    (Capability::CAP_PERFMON, "to attach them to kernel events"),
    (
        Capability::CAP_NET_ADMIN,
        "to read the sockets of every process",
    ),
];

/// Without this one, some columns stay empty.
const DETAILS: Right = (
    Capability::CAP_SYS_PTRACE,
    "for the executables and network namespaces of other users' processes",
);

/// Without this one, sockets can only be looked at.
const CLOSING: Right = (Capability::CAP_NET_ADMIN, "to close sockets of any process");

/// Without this one, nothing can be tried in a network namespace of its own.
const NAMESPACES: Right = (
    Capability::CAP_SYS_ADMIN,
    "to try features in a network namespace; counting does without",
);

/// Without this one, no probe can be sent.
const PROBING: Right = (
    Capability::CAP_NET_RAW,
    "to send probes and to receive what routers answer",
);

/// Without these no process can be held to a rate.
const LIMITING: [Right; 5] = [
    (
        Capability::CAP_BPF,
        "to load the programs that sort packets",
    ),
    (
        Capability::CAP_PERFMON,
        "to let them see processes that start",
    ),
    (
        Capability::CAP_NET_ADMIN,
        "to make the queue, and to look at packets",
    ),
    (
        Capability::CAP_SYS_ADMIN,
        "to enter the network namespace of the processes",
    ),
    (
        Capability::CAP_SYS_PTRACE,
        "to take hold of sockets that are open",
    ),
];

/// The same for holding processes to a rate.
const LIMITING_CAPABILITIES: &str =
    "cap_bpf,cap_perfmon,cap_net_admin,cap_sys_admin,cap_sys_ptrace+ep";

/// The rights to count, with all details, in the notation of `setcap`.
const FILE_CAPABILITIES: &str = "cap_bpf,cap_perfmon,cap_net_admin,cap_sys_ptrace+ep";

/// Checks the rights of this process; the result is what it can't see with the ones it has.
///
/// # Errors
/// When a capability is missing without which nothing can be counted.
pub fn check(valid: Valid) -> Result<Vec<Unseen>, MissingRights> {
    judge(&effective(valid), valid, Invocation::own)
}

/// Each capability that some command needs, and whether this process has it.
pub fn held(valid: Valid) -> Vec<HeldRight> {
    let held = effective(valid);
    let fact = |right: Right, required| HeldRight {
        capability: right.0,
        purpose: right.1,
        required,
        held: is_held(&held, &right),
    };
    let required = REQUIRED.into_iter().map(|right| fact(right, true));
    let others = [DETAILS, NAMESPACES].map(|right| fact(right, false));
    required.chain(others).collect()
}

/// Where the capabilities can't be read, loading the programs will tell.
fn effective(valid: Valid) -> CapsHashSet {
    match valid {
        Valid::Everywhere => caps::read(None, CapSet::Effective).unwrap_or_else(|_| caps::all()),
        Valid::OwnUsers => CapsHashSet::default(),
    }
}

/// Checks whether this process may close sockets of others.
///
/// # Errors
/// When `CAP_NET_ADMIN` is missing.
pub fn check_closing() -> Result<(), MissingRights> {
    // Root of a user namespace may close what is in network namespaces of its own.
    if is_held(&effective(Valid::Everywhere), &CLOSING) {
        return Ok(());
    }
    Err(MissingRights {
        missing: vec![CLOSING],
        enough: FILE_CAPABILITIES,
        valid: Valid::Everywhere,
        invocation: Invocation::own(),
    })
}

/// Checks whether this process may send probes of its own making.
///
/// # Errors
/// When `CAP_NET_RAW` is missing.
pub fn check_probing() -> Result<(), MissingRights> {
    // Root of a user namespace may send in network namespaces of its own.
    if is_held(&effective(Valid::Everywhere), &PROBING) {
        return Ok(());
    }
    Err(no_probing())
}

/// What the kernel means that refuses the sockets of probes.
pub fn no_probing() -> MissingRights {
    MissingRights {
        missing: vec![PROBING],
        enough: "cap_net_raw+ep",
        valid: Valid::Everywhere,
        invocation: Invocation::own(),
    }
}

/// Checks whether this process may hold others to a rate.
///
/// # Errors
/// When a capability is missing that it takes.
pub fn check_limiting(valid: Valid) -> Result<(), MissingRights> {
    let held = effective(valid);
    let lacks = |right: &Right| !is_held(&held, right);
    let missing: Vec<_> = LIMITING.into_iter().filter(lacks).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(MissingRights {
        missing,
        enough: LIMITING_CAPABILITIES,
        valid,
        invocation: Invocation::own(),
    })
}

fn judge(
    held: &CapsHashSet,
    valid: Valid,
    invocation: impl FnOnce() -> Invocation,
) -> Result<Vec<Unseen>, MissingRights> {
    let details = Some(DETAILS).filter(|right| !is_held(held, right));
    let mut missing: Vec<_> = REQUIRED
        .into_iter()
        .filter(|right| !is_held(held, right))
        .collect();
    if missing.is_empty() {
        return Ok(details.map(degradation).into_iter().collect());
    }
    missing.extend(details);
    Err(MissingRights {
        missing,
        enough: FILE_CAPABILITIES,
        valid,
        invocation: invocation(),
    })
}

/// `CAP_SYS_ADMIN` stands for the two that Linux 5.8 split from it.
fn is_held(held: &CapsHashSet, &(capability, _): &Right) -> bool {
    let split = matches!(capability, Capability::CAP_BPF | Capability::CAP_PERFMON);
    held.contains(&capability) || (split && held.contains(&Capability::CAP_SYS_ADMIN))
}

fn degradation((capability, _): Right) -> Unseen {
    Unseen {
        what: "executables and network namespaces of other users' processes".to_owned(),
        why: format!("{capability} is missing"),
    }
}

/// Nothing can be counted with the rights of this process. The text names each missing capability
/// and the commands that work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRights {
    missing: Vec<Right>,
    /// All that are needed, in the notation of `setcap`.
    enough: &'static str,
    valid: Valid,
    invocation: Invocation,
}

impl From<MissingRights> for Failure {
    fn from(missing: MissingRights) -> Self {
        Self::NotAllowed(missing.to_string())
    }
}

impl MissingRights {
    /// Only what is missing, on one line.
    pub fn in_short(&self) -> String {
        let names = self.missing.iter().map(|(right, _)| right.to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        if self.valid == Valid::OwnUsers {
            return format!("{names} of this user namespace don't count: run it outside, as root");
        }
        format!("{names} missing: run it as root")
    }
}

impl std::error::Error for MissingRights {}

impl fmt::Display for MissingRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "these capabilities are missing:")?;
        for (capability, purpose) in &self.missing {
            write!(f, "\n  {capability} {purpose}")?;
        }
        let Invocation { program, command } = &self.invocation;
        if self.valid == Valid::OwnUsers {
            write!(
                f,
                "\nthose of this user namespace don't count; run it outside of it, as root:"
            )?;
            return write!(f, "\n  sudo {command}");
        }
        write!(f, "\nrun it as root:\n  sudo {command}")?;
        write!(
            f,
            "\nor give this file the capabilities, then run it as before:"
        )?;
        write!(f, "\n  sudo setcap {} {program}", self.enough)
    }
}

#[cfg(test)]
mod tests {
    use Capability::{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE};

    use super::*;

    fn judged(held: &[Capability]) -> Result<Vec<Unseen>, String> {
        let arguments = ["top", "--name", "a b"].map(str::to_owned).into_iter();
        judge(&held.iter().copied().collect(), Valid::Everywhere, || {
            Invocation::new("/opt/netperf-trace", arguments)
        })
        .map_err(|missing| missing.to_string())
    }

    #[test]
    fn the_four_capabilities_are_enough_without_root() {
        assert_eq!(
            judged(&[CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE]),
            Ok(vec![])
        );
    }

    #[test]
    fn sys_admin_stands_for_bpf_and_perfmon_only() {
        assert_eq!(
            judged(&[CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE]),
            Ok(vec![])
        );
        let text = judged(&[CAP_SYS_ADMIN, CAP_SYS_PTRACE]).unwrap_err();
        assert!(
            text.contains("CAP_NET_ADMIN") && !text.contains("CAP_BPF"),
            "{text}"
        );
    }

    #[test]
    fn details_of_others_are_lost_without_ptrace_but_nothing_else() {
        let lost = judged(&[CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN]).unwrap();
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].why, "CAP_SYS_PTRACE is missing");
    }

    #[test]
    fn missing_rights_name_each_capability_and_the_commands_that_work() {
        assert_eq!(
            judged(&[]).unwrap_err(),
            "these capabilities are missing:\n  \
               CAP_BPF to load the counting programs into the kernel\n  \
               CAP_PERFMON to attach them to kernel events\n  \
               CAP_NET_ADMIN to read the sockets of every process\n  \
               CAP_SYS_PTRACE for the executables and network namespaces of other users' processes\n\
             run it as root:\n  \
               sudo /opt/netperf-trace top --name 'a b'\n\
             or give this file the capabilities, then run it as before:\n  \
               sudo setcap cap_bpf,cap_perfmon,cap_net_admin,cap_sys_ptrace+ep /opt/netperf-trace"
        );
        let text = judged(&[CAP_BPF, CAP_NET_ADMIN]).unwrap_err();
        assert!(
            text.contains("CAP_PERFMON") && !text.contains("CAP_BPF"),
            "{text}"
        );
    }

    #[test]
    fn rights_in_a_user_namespace_are_none_and_lead_out_of_it() {
        assert!(effective(Valid::OwnUsers).is_empty());
        assert!(held(Valid::OwnUsers).iter().all(|right| !right.held));
        let text = check(Valid::OwnUsers).unwrap_err().to_string();
        assert!(
            text.contains("user namespace") && !text.contains("setcap"),
            "{text}"
        );
    }

    #[test]
    fn limiting_takes_more_than_counting() {
        let text = check_limiting(Valid::OwnUsers).unwrap_err().to_string();
        for (right, _) in LIMITING {
            assert!(text.contains(&right.to_string()), "{text}");
        }
    }

    #[test]
    fn the_rights_of_this_process_can_be_read() {
        let held = caps::read(None, CapSet::Effective).unwrap();
        let enough = REQUIRED.iter().all(|right| is_held(&held, right));
        assert_eq!(check(Valid::Everywhere).is_ok(), enough);
    }
}
