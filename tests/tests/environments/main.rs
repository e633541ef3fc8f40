//! Containers and hardened systems: the tracer counts every byte, or gives the reason in one line.

mod namespaces;
mod rights;

use std::io::Write;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::Mover;
use netperf_tests::load::steady::Ends;
use netperf_tests::sys::sysctl::{self, Sysctl};
use netperf_tests::sys::turn;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::sandbox::Sandbox;
use netperf_tests::tracer::sandboxed::{
    RIGHTS, cannot_see, doctor_in, exact_in, exact_with, finding, not_allowed_in, report, rows,
    start_in, stop,
};

/// Capabilities that Docker gives containers by default, in addition.
const CONTAINER: [&str; 8] = [
    "chown",
    "dac_override",
    "fowner",
    "kill",
    "setgid",
    "setuid",
    "net_bind_service",
    "net_raw",
];

/// A sandbox with the namespaces of a container, and these capabilities in addition to the default ones.
fn container(rights: &[&str]) -> Sandbox {
    let held = [rights, &CONTAINER].concat();
    Sandbox::here().network().pids().capabilities(&held)
}

#[test]
fn in_a_container_with_the_four_capabilities_it_counts() -> Result<()> {
    let _turn = turn::exclusive();
    let session = exact_in(&container(&RIGHTS))?;
    ensure!(!cannot_see(&session, "executables"), "{}", session.start);
    Ok(())
}

#[test]
fn without_type_information_kprobes_count_or_both_reasons_are_given() -> Result<()> {
    let _turn = turn::exclusive();
    let output = hidden(&["top", "--json", "-n", "1"])?;
    let checks = report(&hidden(&["doctor", "--kernel", "--json"])?)?;
    let (said, message) = (text(&output.stdout)?, text(&output.stderr)?);
    if finding(&checks, "kprobe")?.0 == "no" {
        ensure!(output.status.code() == Some(4), "{}", output.status);
        for reason in ["no type information (`/hidden`", "kprobe/tcp_sendmsg"] {
            ensure!(message.contains(reason), "{reason}: {message}");
        }
        ensure!(finding(&checks, "BTF")?.0 == "no", "{checks:?}");
    } else {
        ensure!(output.status.success(), "{message}");
        ensure!(said.contains("round-trip times"), "{said}");
        ensure!(finding(&checks, "BTF")?.0 == "partly", "{checks:?}");
    }
    Ok(())
}

#[test]
fn without_type_information_views_that_need_kernel_structures_are_refused() -> Result<()> {
    let _turn = turn::exclusive();
    for command in ["retrans", "latency"] {
        let output = hidden(&[command, "--json", "-n", "1"])?;
        let message = text(&output.stderr)?;
        ensure!(output.status.code() == Some(4), "{command}: {message}");
        for reason in ["no type information (`/hidden`", "how long they take"] {
            ensure!(message.contains(reason), "{command}: {message}");
        }
    }
    Ok(())
}

/// Runs the tracer without the kernel's type information.
fn hidden(args: &[&str]) -> Result<Output> {
    let mut command = Sandbox::here().command(&tracer::binary()?);
    run_as(command.args(args).env("NETPERF_TRACE_BTF", "/hidden"))
}

#[test]
fn in_a_container_each_missing_capability_is_named_alone() -> Result<()> {
    let _turn = turn::exclusive();
    for (missing, name) in [
        ("bpf", "CAP_BPF"),
        ("perfmon", "CAP_PERFMON"),
        ("net_admin", "CAP_NET_ADMIN"),
    ] {
        let rights: Vec<_> = RIGHTS
            .into_iter()
            .filter(|right| *right != missing)
            .collect();
        let place = container(&rights);
        let message = not_allowed_in(&place).with_context(|| name)?;
        let named: Vec<_> = message
            .lines()
            .filter_map(|line| line.trim_start().split(' ').next())
            .filter(|word| word.starts_with("CAP_"))
            .collect();
        ensure!(named == [name], "{message}");
        let checks = doctor_in(&place, &tracer::binary()?)?;
        ensure!(finding(&checks, name)?.0 == "no", "{checks:?}");
    }
    Ok(())
}

#[test]
fn in_a_container_without_ptrace_it_counts_and_declares_what_is_unavailable() -> Result<()> {
    let _turn = turn::exclusive();
    let session = exact_in(&container(&RIGHTS[..3]))?;
    ensure!(cannot_see(&session, "executables"), "{}", session.start);
    Ok(())
}

/// Cgroup hierarchies, the commands that mount them, and whether the tracer sees everything with them.
const CGROUPS: [(&str, &str, bool); 4] = [
    (
        "version 1 only",
        "mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/pids; \
         mount -t cgroup -o pids none /sys/fs/cgroup/pids",
        false,
    ),
    (
        "version 2 beside version 1",
        "mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/pids /sys/fs/cgroup/unified; \
         mount -t cgroup -o pids none /sys/fs/cgroup/pids; \
         mount -t cgroup2 none /sys/fs/cgroup/unified",
        true,
    ),
    ("version 2", "mount -t cgroup2 none /sys/fs/cgroup", true),
    ("none is mounted", ":", false),
];

#[test]
fn whatever_cgroups_are_mounted_every_byte_is_counted() -> Result<()> {
    let _turn = turn::exclusive();
    let program = tracer::binary()?;
    for (version, arrange, is_complete) in CGROUPS {
        let bare = "while umount -R /sys/fs/cgroup 2>/dev/null; do :; done";
        let place = Sandbox::here().mounts(&format!("{bare}; {arrange}"));
        let found = finding(&doctor_in(&place, &program)?, "cgroups")?;
        ensure!(found.1.starts_with(version), "{version}: {found:?}");
        let session = exact_in(&place).with_context(|| version.to_owned())?;
        let missed = cannot_see(&session, "the end of UDP");
        ensure!(!missed, "{version}: {}", session.start);
        ensure!((found.0 == "yes") == is_complete, "{version}: {found:?}");
    }
    Ok(())
}

#[test]
fn tracefs_and_bpffs_may_be_missing_read_only_or_there() -> Result<()> {
    let _turn = turn::exclusive();
    let program = tracer::binary()?;
    let bare = "while umount /sys/kernel/tracing 2>/dev/null; do :; done; \
                while umount /sys/fs/bpf 2>/dev/null; do :; done";
    for (state, options) in [
        ("not mounted", None),
        ("read-only", Some("ro")),
        ("at /sys", Some("rw")),
    ] {
        let mount = options.map_or_else(String::new, |options| {
            format!(
                "; mount -t tracefs -o {options} none /sys/kernel/tracing; \
                 mount -t bpf -o {options} none /sys/fs/bpf"
            )
        });
        let place = Sandbox::here().mounts(&format!("{bare}{mount}"));
        let checks = doctor_in(&place, &program)?;
        for name in ["tracefs", "bpffs"] {
            let found = finding(&checks, name)?;
            ensure!(
                found.1.starts_with(state),
                "{name} is not {state}: {found:?}"
            );
        }
        exact_in(&place).with_context(|| state.to_owned())?;
    }
    Ok(())
}

#[test]
fn under_lockdown_it_counts_and_reports_the_level() -> Result<()> {
    let _turn = turn::exclusive();
    let place = Sandbox::here().mounts("mount -t securityfs none /sys/kernel/security");
    let lockdown = run_as(
        place
            .command(Path::new("cat"))
            .arg("/sys/kernel/security/lockdown"),
    )?;
    let levels = text(&lockdown.stdout)?.trim();
    let checks = doctor_in(&Sandbox::here(), &tracer::binary()?)?;
    let (verdict, why) = finding(&checks, "lockdown")?;
    if levels.contains("[integrity]") {
        ensure!(
            (verdict.as_str(), why.starts_with("integrity")) == ("yes", true),
            "{why}"
        );
    } else {
        writeln!(
            std::io::stderr(),
            "skipped: `lockdown=integrity`, since here it is {levels:?}"
        )?;
    }
    exact_in(&Sandbox::here()).map(drop)
}

const BPF: &str = "kernel/unprivileged_bpf_disabled";

#[test]
fn strict_settings_of_the_kernel_do_no_harm() -> Result<()> {
    let _turn = turn::exclusive();
    let _paranoid = Sysctl::set("kernel/perf_event_paranoid", "3")?;
    // 1 is final until the next boot, and stricter.
    let before = sysctl::read(BPF)?;
    let _unprivileged = if before == "1" {
        writeln!(
            std::io::stderr(),
            "skipped: `{BPF}` = 2, since it is 1 until the next boot"
        )?;
        None
    } else {
        Some(Sysctl::set(BPF, "2")?)
    };
    let checks = doctor_in(&Sandbox::here(), &tracer::binary()?)?;
    for (name, value) in [
        ("perf_event_paranoid", "3"),
        ("unprivileged_bpf_disabled", "2"),
    ] {
        let (verdict, why) = finding(&checks, name)?;
        ensure!(verdict == "yes", "{name}: {why}");
        ensure!(why.starts_with(value) || before == "1", "{name}: {why}");
    }
    let public = PublicCopy::new()?;
    exact_with(&Sandbox::here().as_nobody(&RIGHTS), public.program()).map(drop)
}

#[test]
fn where_proc_hides_others_every_byte_is_counted_and_processes_stay_alive() -> Result<()> {
    let _turn = turn::exclusive();
    let hiding = Sandbox::here().mounts("mount -t proc -o hidepid=2 proc /proc");
    exact_in(&hiding)?;
    let public = PublicCopy::new()?;
    // Without CAP_SYS_PTRACE, other processes are really hidden there.
    let blind = hiding.as_nobody(&RIGHTS[..3]);
    let listed = run_as(blind.command(Path::new("ls")).args(["-d", "/proc/1"]))?;
    ensure!(!listed.status.success(), "/proc/1 is not hidden");
    let found = finding(&doctor_in(&blind, public.program())?, "proc")?;
    ensure!(found.1.starts_with("hidepid="), "{found:?}");
    let mut steady = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&steady.next_line()?.context("no steady load")?)?;
    let mut tracer = start_in(&blind, public.program())?;
    tracer.await_tick()?;
    let session = stop(tracer)?;
    for end in &ends.ends {
        for row in rows(&session, end.pid)? {
            ensure!(row["alive"] == true && row["name"] == end.name, "{row}");
        }
    }
    steady.resume()?;
    steady.finish()?;
    exact_with(&blind, public.program()).map(drop)
}

#[test]
fn without_any_locked_memory_it_counts() -> Result<()> {
    let _turn = turn::exclusive();
    exact_in(&Sandbox::here().locked_memory(0))?;
    let public = PublicCopy::new()?;
    // Without CAP_IPC_LOCK, which stands above the limit.
    let place = Sandbox::here().locked_memory(0).as_nobody(&RIGHTS);
    let found = finding(&doctor_in(&place, public.program())?, "RLIMIT_MEMLOCK")?;
    ensure!(found.1.starts_with("0 bytes"), "{found:?}");
    exact_with(&place, public.program()).map(drop)
}

/// Compares both counts in a network namespace without other processes.
#[test]
fn doctor_leaves_nothing_behind() -> Result<()> {
    let _turn = turn::exclusive();
    let script = "found() { ip -o link; tc qdisc show; tc filter show dev lo; }
        before=$(found); \"$0\" doctor --kernel --json; after=$(found)
        echo \"$before\" >&2; [ \"$before\" = \"$after\" ]";
    let mut shell = Sandbox::here().network().command(Path::new("sh"));
    let output = run_as(shell.args(["-c", script]).arg(tracer::binary()?))?;
    let checks = report(&output)?;
    for made in ["veth", "tbf", "cls_bpf", "tcx"] {
        ensure!(finding(&checks, made)?.0 == "yes", "{made}: {checks:?}");
    }
    ensure!(text(&output.stderr)?.contains("lo:"), "nothing was listed");
    ensure!(
        output.status.success(),
        "an interface or a queue is left behind"
    );
    Ok(())
}
