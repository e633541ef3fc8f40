//! Facts about this machine, as the readers find them. `diagnose` judges them.

use caps::Capability;

use crate::collect::{HookKind, Provenance};

/// Everything that decides whether, and how well, this machine can be measured.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What the files of the kernel say.
    pub kernel: KernelFacts,
    /// Capabilities of this process.
    pub rights: Vec<HeldRight>,
    /// Each set of hooks, attached and detached again; the error is one that all sets met.
    pub hook_sets: Result<Vec<SetTrial>, String>,
    /// Features of the kernel.
    pub features: Vec<Trial>,
}

/// A capability, and whether this process has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRight {
    /// The capability.
    pub capability: Capability,
    /// What it is for.
    pub purpose: &'static str,
    /// Whether nothing can be counted without it.
    pub required: bool,
    /// Whether this process has it, or one that stands for it.
    pub held: bool,
}

/// A set of hooks that was really loaded and attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTrial {
    /// The kind of hooks in the set.
    pub kind: HookKind,
    /// What it counts and what it can't see, or what the kernel refused.
    pub outcome: Result<Provenance, String>,
}

/// A kernel feature that was tried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The feature.
    pub feature: Feature,
    /// Result of the trial.
    pub outcome: Outcome,
}

/// A feature of the kernel that some command uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names are the kernel's")]
pub enum Feature {
    RingBuffer,
    SocketStorage,
    InetDiag,
    SchedCls,
    CgroupSock,
    Tcx,
    Veth,
    Ifb,
    Tbf,
    Htb,
    Fq,
    FqCodel,
    Netem,
    Ingress,
    Clsact,
    ClsBpf,
    ClsU32,
    ActMirred,
}

impl Feature {
    /// Features that can be tried only in a network namespace.
    pub const OF_NAMESPACES: [Self; 13] = [
        Self::Tcx,
        Self::Veth,
        Self::Ifb,
        Self::Tbf,
        Self::Htb,
        Self::Fq,
        Self::FqCodel,
        Self::Netem,
        Self::Ingress,
        Self::Clsact,
        Self::ClsBpf,
        Self::ClsU32,
        Self::ActMirred,
    ];

    /// Name of the feature; for a queue or interface, the kind that the kernel knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::RingBuffer => "ringbuf",
            Self::SocketStorage => "sk_storage",
            Self::InetDiag => "inet_diag",
            Self::SchedCls => "sched_cls",
            Self::CgroupSock => "cgroup_sock",
            Self::Tcx => "tcx",
            Self::Veth => "veth",
            Self::Ifb => "ifb",
            Self::Tbf => "tbf",
            Self::Htb => "htb",
            Self::Fq => "fq",
            Self::FqCodel => "fq_codel",
            Self::Netem => "netem",
            Self::Ingress => "ingress",
            Self::Clsact => "clsact",
            Self::ClsBpf => "cls_bpf",
            Self::ClsU32 => "cls_u32",
            Self::ActMirred => "act_mirred",
        }
    }
}

/// Result of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel did it.
    Works,
    /// The kernel lacks it, or refused.
    Refused(String),
    /// It could not be tried.
    Untried(String),
}

impl Trial {
    /// A trial that gave `result`.
    pub fn of<E: ToString>(feature: Feature, result: Result<(), E>) -> Self {
        let outcome = match result {
            Ok(()) => Outcome::Works,
            Err(error) => Outcome::Refused(error.to_string()),
        };
        Self { feature, outcome }
    }
}

/// What files below `/proc` and `/sys` say of the kernel. What can't be read is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelFacts {
    /// Host name. Untrusted text.
    pub host: Option<String>,
    /// Release of the kernel.
    pub release: Option<String>,
    /// Size of the kernel's type information, or why it can't be read.
    pub btf: Btf,
    /// Word of the kernel's lockdown; `None` where the kernel has none.
    pub lockdown: Lockdown,
    /// Value of `kernel.perf_event_paranoid`.
    pub perf_event_paranoid: Option<i64>,
    /// Value of `kernel.unprivileged_bpf_disabled`.
    pub unprivileged_bpf_disabled: Option<i64>,
    /// Value of `kernel.kptr_restrict`.
    pub kptr_restrict: Option<i64>,
    /// Which hierarchies of cgroups are mounted.
    pub cgroups: CgroupVersion,
    /// Whether tracefs is mounted.
    pub tracefs: Mounted,
    /// Whether the BPF file system is mounted.
    pub bpffs: Mounted,
    /// Option of `/proc` that hides other users' processes, where it is set.
    pub hidepid: Option<String>,
    /// Whether `/proc` belongs to this process's pid namespace.
    pub own_proc: bool,
    /// Memory that this process may lock, in bytes; `None` where there is no limit.
    pub memlock_bytes: Option<u64>,
}

/// Whether the kernel's type information can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Btf {
    /// It can be read; its size.
    Bytes(u64),
    /// It can't be read, for this reason.
    Unreadable(String),
}

impl Default for Btf {
    fn default() -> Self {
        Self::Unreadable(String::new())
    }
}

/// Level of the kernel's lockdown, which restricts even root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lockdown {
    /// The kernel has no lockdown.
    #[default]
    Absent,
    /// `none`, `integrity` or `confidentiality`.
    Level(String),
    /// The level can't be read, for this reason.
    Unknown(String),
}

/// Which hierarchies of cgroups are mounted where this process can see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CgroupVersion {
    /// No hierarchy is mounted.
    #[default]
    None,
    /// Version 1 alone.
    V1,
    /// Versions 1 and 2.
    Hybrid,
    /// Version 2 alone.
    V2,
}

/// Whether a file system is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mounted {
    /// It is not mounted.
    #[default]
    Nowhere,
    /// Mounted read-only at this path.
    ReadOnly(String),
    /// Mounted at this path.
    At(String),
}
