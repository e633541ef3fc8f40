//! Do the kernel's type information and settings let it count?

use netperf_core::machine::{Btf, CgroupVersion, KernelFacts, Lockdown, Mounted};

use super::{Check, Topic, Verdict};

/// Version of the kernel that no longer counts maps against the limit of locked memory.
const UNLIMITED_SINCE: &str = "5.11";

const BTF_ADVICE: &str = "use a kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys";

/// `counts`: some kind of hooks was accepted.
pub(super) fn checks(facts: &KernelFacts, counts: bool) -> Vec<Check> {
    vec![
        btf(&facts.btf, counts),
        lockdown(&facts.lockdown),
        cgroups(facts.cgroups),
        harmless(
            "perf_event_paranoid",
            facts.perf_event_paranoid,
            "CAP_PERFMON stands above it",
        ),
        harmless(
            "unprivileged_bpf_disabled",
            facts.unprivileged_bpf_disabled,
            "it is about programs without CAP_BPF",
        ),
        harmless(
            "kptr_restrict",
            facts.kptr_restrict,
            "no address is read from /proc/kallsyms",
        ),
        mounted("tracefs", &facts.tracefs),
        mounted("bpffs", &facts.bpffs),
        proc(facts),
        memlock(facts.memlock_bytes),
    ]
}

fn check(name: &str, verdict: Verdict, why: impl Into<String>) -> Check {
    Check::new(Topic::Kernel, name, verdict, why)
}

fn btf(btf: &Btf, counts: bool) -> Check {
    match btf {
        Btf::Bytes(bytes) => {
            let why = format!("type information is there, {bytes} bytes");
            check("BTF", Verdict::Yes, why).needed()
        }
        Btf::Unreadable(why) if counts => {
            let why =
                format!("{why}; what is not seen without it is listed with the kprobes above");
            check("BTF", Verdict::Partly, why).advise(BTF_ADVICE)
        }
        Btf::Unreadable(why) => check("BTF", Verdict::No, why).needed().advise(BTF_ADVICE),
    }
}
fn lockdown(lockdown: &Lockdown) -> Check {
    let check = |verdict, why: String| check("lockdown", verdict, why).needed();
    match lockdown {
        Lockdown::Absent => check(Verdict::Yes, "this kernel has none".to_owned()),
        Lockdown::Level(level) if level == "confidentiality" => check(
            Verdict::No,
            format!("{level} keeps it from counting: programs may not read the kernel's memory"),
        )
        .advise("boot with `lockdown=integrity`, or turn Secure Boot off"),
        Lockdown::Level(level) => check(
            Verdict::Yes,
            format!("{level} does not keep it from counting"),
        ),
        Lockdown::Unknown(why) => {
            check(Verdict::Unknown, format!("securityfs can't be read: {why}"))
                .advise("run it as root; the hooks above show what it forbids")
        }
    }
}

fn cgroups(version: CgroupVersion) -> Check {
    let check = |verdict, why| check("cgroups", verdict, why);
    let mount = "mount a hierarchy of version 2: `mount -t cgroup2 none /sys/fs/cgroup/unified`";
    match version {
        CgroupVersion::V2 => check(Verdict::Yes, "version 2"),
        CgroupVersion::Hybrid => check(Verdict::Yes, "version 2 beside version 1"),
        CgroupVersion::V1 => check(
            Verdict::Partly,
            "version 1 only: the cgroups of processes are not seen, and without CAP_SYS_ADMIN nor is the end of UDP sockets",
        )
        .advise(mount),
        CgroupVersion::None => check(
            Verdict::Partly,
            "none is mounted: the cgroups of processes are not seen, and without CAP_SYS_ADMIN nor is the end of UDP sockets",
        )
        .advise(mount),
    }
}

/// A setting that keeps nothing from a process that has its capabilities.
fn harmless(name: &str, value: Option<i64>, why: &str) -> Check {
    match value {
        Some(value) => check(name, Verdict::Yes, format!("{value} does no harm: {why}")),
        None => check(name, Verdict::Yes, "not in this kernel"),
    }
}

fn mounted(name: &str, mounted: &Mounted) -> Check {
    let found = match mounted {
        Mounted::Nowhere => "not mounted".to_owned(),
        Mounted::ReadOnly(place) => format!("read-only at {place}"),
        Mounted::At(place) => format!("at {place}"),
    };
    check(name, Verdict::Yes, format!("{found}; not needed"))
}

fn proc(facts: &KernelFacts) -> Check {
    let check = |verdict, why: String| check("proc", verdict, why);
    if !facts.own_proc {
        let why = "it is that of another pid namespace: names are read from it all the same";
        return check(Verdict::Partly, why.to_owned())
            .advise("start it with `unshare --mount-proc`, or in the pid namespace of /proc");
    }
    match facts.hidepid.as_deref() {
        None | Some("0" | "off") => check(Verdict::Yes, "shows every process".to_owned()),
        Some(hidden) => check(
            Verdict::Yes,
            format!("hidepid={hidden}: hides nothing from a process with CAP_SYS_PTRACE"),
        ),
    }
}

fn memlock(limit: Option<u64>) -> Check {
    let found = limit.map_or("no limit".to_owned(), |bytes| format!("{bytes} bytes"));
    let why = format!("{found}; does not count since Linux {UNLIMITED_SINCE}");
    check("RLIMIT_MEMLOCK", Verdict::Yes, why)
}
