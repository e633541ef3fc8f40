//! Does it run in containers, namespaces and hardened surroundings? Each case counts every byte, or
//! says in one line why not.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use netperf_tests::batch::{run_as, text};
use netperf_tests::expect::check;
use netperf_tests::mover::{self, Mover};
use netperf_tests::place::{Place, innermost, interrupt};
use netperf_tests::played::Played;
use netperf_tests::public::Public;
use netperf_tests::steady::Ends;
use netperf_tests::sysctl::{self, Sysctl};
use netperf_tests::tracer::{self, Session, Tracer};
use serde_json::Value;

/// Paths of every kind: by processes that live for a moment, over TCP, by splice, UDP and MPTCP.
const PATHS: [&str; 5] = [
    "run",
    "tcp_write",
    "tcp_splice_both",
    "udp_send",
    "mptcp_write",
];

/// What a tracer needs to count with all details.
const RIGHTS: [&str; 4] = ["bpf", "perfmon", "net_admin", "sys_ptrace"];

/// Capabilities that containers have by default (those of Docker), besides.
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

/// Loss is counted for the whole machine: one test at a time, so that it can be told whose it is.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_in(place: &Place, program: &Path) -> Result<Tracer> {
    Tracer::start_as(place.command(program).args(["top", "--json", "-d", "0.2"]))
}

fn stop(tracer: Tracer) -> Result<Session> {
    interrupt(&tracer)?;
    tracer.finish()
}

/// A tracer in `place` counts every byte that is moved outside; gives its session.
fn exact_in(place: &Place) -> Result<Session> {
    exact_with(place, &tracer::binary()?)
}

fn exact_with(place: &Place, program: &Path) -> Result<Session> {
    let tracer = start_in(place, program)?;
    let played = Mover::start(PATHS)?.finish()?;
    let session = stop(tracer)?;
    check(&session, &played)?;
    Ok(session)
}

/// What `doctor` finds in `place`: the findings by name.
fn doctor_in(place: &Place, program: &Path) -> Result<Vec<Value>> {
    report(&run_as(
        place
            .command(program)
            .args(["doctor", "--kernel", "--json"]),
    )?)
}

fn report(output: &Output) -> Result<Vec<Value>> {
    let lines: Vec<Value> = text(&output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let report = lines.iter().find(|line| line["type"] == "doctor");
    let report = report
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
    let checks = report["checks"].as_array().context("no checks")?;
    Ok(checks.clone())
}

/// The verdict on `name` and the reason.
fn finding(checks: &[Value], name: &str) -> Result<(String, String)> {
    let check = checks.iter().find(|check| check["name"] == name);
    let check = check.with_context(|| format!("nothing about {name}"))?;
    Ok((tracer::text(check, "verdict")?, tracer::text(check, "why")?))
}

fn cannot_see(session: &Session, what: &str) -> bool {
    let missing = session.start["unavailable"].as_array();
    missing.is_some_and(|missing| {
        missing
            .iter()
            .any(|one| one["what"].as_str().is_some_and(|text| text.contains(what)))
    })
}

/// Rows of one process in a session of `top`, by its pid.
fn rows(session: &Session, pid: u32) -> Result<Vec<&Value>> {
    let rows: Vec<_> = session
        .ticks
        .iter()
        .filter_map(|tick| tick["processes"].as_array())
        .flatten()
        .filter(|row| row["pid"] == pid)
        .collect();
    ensure!(!rows.is_empty(), "no process {pid}");
    Ok(rows)
}

#[test]
fn in_a_network_namespace_it_counts_what_happens_outside() -> Result<()> {
    let _turn = turn();
    exact_in(&Place::here().network()).map(drop)
}

#[test]
fn from_outside_it_counts_what_happens_in_a_network_namespace() -> Result<()> {
    let _turn = turn();
    let tracer = start_in(&Place::here(), &tracer::binary()?)?;
    let mut inside = Place::here().network().command(&mover::binary()?);
    let played = Mover::start_as(inside.args(PATHS))?.finish()?;
    check(&stop(tracer)?, &played)
}

/// A process that keeps a pid namespace, with its `/proc`, until it is dropped.
struct Keeper(Child);

impl Keeper {
    fn start() -> Result<Self> {
        let mut command = Place::here().pids().command(Path::new("sh"));
        // Says when it is there, and waits to be killed.
        command.args(["-c", "echo ready; exec cat"]);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut ready = [0; 6];
        let out = child.stdout.as_mut().context("stdout is a pipe")?;
        out.read_exact(&mut ready)?;
        Ok(Self(child))
    }

    fn place(&self) -> Result<Place> {
        Ok(Place::here().pids_of(innermost(self.0.id())?))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn in_a_pid_namespace_processes_have_the_numbers_they_have_there() -> Result<()> {
    let _turn = turn();
    let keeper = Keeper::start()?;
    let place = keeper.place()?;
    let tracer = start_in(&place, &tracer::binary()?)?;
    let played = Mover::start_as(place.command(&mover::binary()?).args(PATHS))?.finish()?;
    let session = stop(tracer)?;
    check(&session, &played)?;
    for moved in played.iter().flat_map(moved) {
        for row in rows(&session, moved)? {
            let host = row["host_pid"].as_u64();
            ensure!(host.is_some_and(|host| host != u64::from(moved)), "{row}");
        }
    }
    Ok(())
}

/// Pids of the processes that moved bytes.
fn moved(played: &Played) -> Vec<u32> {
    match played {
        Played::Moved { rows, .. } => rows
            .iter()
            .filter(|row| row.tx_bytes + row.rx_bytes > 0)
            .map(|row| row.pid)
            .collect(),
        Played::Absent { .. } | Played::Failed { .. } => Vec::new(),
    }
}

#[test]
fn processes_outside_its_pid_namespace_keep_their_numbers_and_say_so() -> Result<()> {
    let _turn = turn();
    let tracer = start_in(&Place::here().pids(), &tracer::binary()?)?;
    let played = Mover::start(PATHS)?.finish()?;
    let session = stop(tracer)?;
    check(&session, &played)?;
    for pid in played.iter().flat_map(moved) {
        for row in rows(&session, pid)? {
            ensure!(row["host_pid"] == pid, "{row}");
        }
    }
    Ok(())
}

#[test]
fn totals_of_a_process_outside_survive_the_time_between_its_sockets() -> Result<()> {
    let _turn = turn();
    let mut tracer = start_in(&Place::here().pids(), &tracer::binary()?)?;
    let mut shell = Command::new("bash");
    shell.args([
        "-c",
        "for _ in 1 2 3; do echo hi >/dev/udp/127.0.0.1/9; read -r; done",
    ]);
    let mut shell = shell.stdin(Stdio::piped()).spawn()?;
    let mut keys = shell.stdin.take().context("stdin is a pipe")?;
    for _ in 0..3 {
        // Two ticks: in the first its socket ends, in the second it has none.
        tracer.await_tick()?;
        tracer.await_tick()?;
        keys.write_all(b"\n")?;
    }
    ensure!(shell.wait()?.success(), "the shell failed");
    let session = stop(tracer)?;
    let rows = rows(&session, shell.id())?;
    let last = rows.last().context("no row")?;
    ensure!(rows.len() >= 3 && last["tx_total"] == 9, "{rows:?}");
    Ok(())
}

#[test]
fn numbers_inside_and_outside_belong_to_the_same_process() -> Result<()> {
    let _turn = turn();
    let keeper = Keeper::start()?;
    let place = keeper.place()?;
    let mut steady = Mover::start_as(place.command(&mover::binary()?).arg("steady"))?;
    let ends: Ends = serde_json::from_str(&steady.next_line()?.context("no steady load")?)?;
    let inside = |pid: u64| -> Result<u32> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let number = line.and_then(|line| line.split_whitespace().last());
        Ok(number.context("no NSpid")?.parse()?)
    };
    let mut tracer = start_in(&place, &tracer::binary()?)?;
    tracer.await_tick()?;
    let flows = Tracer::start_as(
        place
            .command(&tracer::binary()?)
            .args(["flows", "--json", "-d", "0.3", "-n", "2"]),
    )?
    .finish()?;
    let session = stop(tracer)?;
    for end in &ends.ends {
        for row in rows(&session, end.pid)? {
            ensure!(
                inside(tracer::integer(row, "host_pid")?)? == end.pid,
                "{row}"
            );
            ensure!(row["alive"] == true && row["exe"].is_string(), "{row}");
        }
    }
    let rows = flows
        .ticks
        .iter()
        .filter_map(|tick| tick["flows"].as_array());
    let of_end = |row: &&Value| row["pid"] == ends.ends[0].pid;
    let row = rows.flatten().find(of_end).context("no flow")?;
    ensure!(
        inside(tracer::integer(row, "host_pid")?)? == ends.ends[0].pid,
        "{row}"
    );
    steady.go_on()?;
    steady.finish().map(drop)
}

#[test]
fn with_the_proc_of_another_pid_namespace_names_are_still_right() -> Result<()> {
    let _turn = turn();
    let place = Place::here().pids_without_proc();
    let checks = doctor_in(&place, &tracer::binary()?)?;
    ensure!(finding(&checks, "/proc")?.0 == "partly", "{checks:?}");
    let mut steady = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&steady.next_line()?.context("no steady load")?)?;
    let mut tracer = start_in(&place, &tracer::binary()?)?;
    tracer.await_tick()?;
    let session = stop(tracer)?;
    for end in &ends.ends {
        for row in rows(&session, end.pid)? {
            ensure!(row["alive"] == true && row["exe"].is_string(), "{row}");
        }
    }
    steady.go_on()?;
    steady.finish()?;
    exact_in(&place).map(drop)
}

/// Namespaces and rights of a container that was given what a tracer needs.
fn container(rights: &[&str]) -> Place {
    let held = [rights, &CONTAINER].concat();
    Place::here().network().pids().capabilities(&held)
}

#[test]
fn in_a_container_with_the_four_capabilities_it_counts() -> Result<()> {
    let _turn = turn();
    let session = exact_in(&container(&RIGHTS))?;
    ensure!(!cannot_see(&session, "executables"), "{}", session.start);
    Ok(())
}

#[test]
fn in_a_container_each_missing_capability_is_named_alone() -> Result<()> {
    let _turn = turn();
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
        let output = run_as(
            place
                .command(&tracer::binary()?)
                .args(["top", "--json", "-n", "1"]),
        )?;
        let message = text(&output.stderr)?;
        ensure!(
            output.status.code() == Some(3),
            "{name}: {}, {message}",
            output.status
        );
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
fn in_a_container_without_ptrace_it_counts_and_says_what_it_cannot_see() -> Result<()> {
    let _turn = turn();
    let session = exact_in(&container(&RIGHTS[..3]))?;
    ensure!(cannot_see(&session, "executables"), "{}", session.start);
    Ok(())
}

#[test]
fn root_of_a_user_namespace_is_led_out_of_it() -> Result<()> {
    let _turn = turn();
    let place = Place::here().users();
    let output = run_as(
        place
            .command(&tracer::binary()?)
            .args(["top", "--json", "-n", "1"]),
    )?;
    let message = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(3),
        "{}: {message}",
        output.status
    );
    ensure!(message.contains("user namespace"), "{message}");
    let checks = doctor_in(&place, &tracer::binary()?)?;
    ensure!(finding(&checks, "CAP_BPF")?.0 == "no", "{checks:?}");
    Ok(())
}

/// Hierarchies of cgroups, how to arrange them, and whether the end of UDP sockets is seen.
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
    let _turn = turn();
    let program = tracer::binary()?;
    for (version, arrange, sees_udp_end) in CGROUPS {
        let bare = "while umount -R /sys/fs/cgroup 2>/dev/null; do :; done";
        let place = Place::here().mounts(&format!("{bare}; {arrange}"));
        let found = finding(&doctor_in(&place, &program)?, "cgroups")?;
        ensure!(found.1.starts_with(version), "{version}: {found:?}");
        let session = exact_in(&place).with_context(|| version.to_owned())?;
        let missed = cannot_see(&session, "the end of UDP");
        ensure!(missed != sees_udp_end, "{version}: {}", session.start);
        ensure!((found.0 == "yes") == sees_udp_end, "{version}: {found:?}");
    }
    Ok(())
}

#[test]
fn tracefs_and_bpffs_may_be_missing_read_only_or_there() -> Result<()> {
    let _turn = turn();
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
        let place = Place::here().mounts(&format!("{bare}{mount}"));
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
fn under_lockdown_it_counts_and_says_the_level() -> Result<()> {
    let _turn = turn();
    let place = Place::here().mounts("mount -t securityfs none /sys/kernel/security");
    let asked = run_as(
        place
            .command(Path::new("cat"))
            .arg("/sys/kernel/security/lockdown"),
    )?;
    let levels = text(&asked.stdout)?.trim();
    let checks = doctor_in(&Place::here(), &tracer::binary()?)?;
    let (verdict, why) = finding(&checks, "lockdown")?;
    if levels.contains("[integrity]") {
        ensure!(
            (verdict.as_str(), why.starts_with("integrity")) == ("yes", true),
            "{why}"
        );
    } else {
        eprintln!("skipped: `lockdown=integrity` is not set on this machine: {levels:?}");
    }
    exact_in(&Place::here()).map(drop)
}

#[test]
fn strict_settings_of_the_kernel_do_no_harm() -> Result<()> {
    let _turn = turn();
    const BPF: &str = "kernel/unprivileged_bpf_disabled";
    let _paranoid = Sysctl::set("kernel/perf_event_paranoid", "3")?;
    // 1 is final until the next boot, and stricter.
    let before = sysctl::read(BPF)?;
    let _unprivileged = if before == "1" {
        eprintln!("skipped: `{BPF}` = 2, which is 1 until the next boot");
        None
    } else {
        Some(Sysctl::set(BPF, "2")?)
    };
    let checks = doctor_in(&Place::here(), &tracer::binary()?)?;
    for (name, value) in [
        ("perf_event_paranoid", "3"),
        ("unprivileged_bpf_disabled", "2"),
    ] {
        let (verdict, why) = finding(&checks, name)?;
        ensure!(verdict == "yes", "{name}: {why}");
        ensure!(why.starts_with(value) || before == "1", "{name}: {why}");
    }
    let public = Public::new()?;
    exact_with(&Place::here().as_nobody(&RIGHTS), public.program()).map(drop)
}

#[test]
fn where_proc_hides_others_every_byte_is_counted_and_nobody_is_taken_for_dead() -> Result<()> {
    let _turn = turn();
    let hiding = Place::here().mounts("mount -t proc -o hidepid=2 proc /proc");
    exact_in(&hiding)?;
    let public = Public::new()?;
    // Without CAP_SYS_PTRACE it really sees nobody else there.
    let blind = hiding.as_nobody(&RIGHTS[..3]);
    let listed = run_as(blind.command(Path::new("ls")).args(["-d", "/proc/1"]))?;
    ensure!(!listed.status.success(), "/proc/1 is not hidden");
    let found = finding(&doctor_in(&blind, public.program())?, "/proc")?;
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
    steady.go_on()?;
    steady.finish()?;
    exact_with(&blind, public.program()).map(drop)
}

#[test]
fn without_any_locked_memory_it_counts() -> Result<()> {
    let _turn = turn();
    exact_in(&Place::here().locked_memory(0))?;
    let public = Public::new()?;
    // Without CAP_IPC_LOCK, which stands above the limit.
    let place = Place::here().locked_memory(0).as_nobody(&RIGHTS);
    let found = finding(&doctor_in(&place, public.program())?, "RLIMIT_MEMLOCK")?;
    ensure!(found.1.starts_with("0 bytes"), "{found:?}");
    exact_with(&place, public.program()).map(drop)
}

/// Held against each other in a network namespace in which nobody else does anything.
#[test]
fn doctor_leaves_nothing_behind() -> Result<()> {
    let _turn = turn();
    let script = "found() { ip -o link; tc qdisc show; tc filter show dev lo; }
        before=$(found); \"$0\" doctor --kernel --json; after=$(found)
        echo \"$before\" >&2; [ \"$before\" = \"$after\" ]";
    let mut shell = Place::here().network().command(Path::new("sh"));
    let output = run_as(shell.args(["-c", script]).arg(tracer::binary()?))?;
    let checks = report(&output)?;
    for made in ["veth", "tbf", "cls_bpf", "programs at interfaces (tcx)"] {
        ensure!(finding(&checks, made)?.0 == "yes", "{made}: {checks:?}");
    }
    ensure!(text(&output.stderr)?.contains("lo:"), "nothing was listed");
    ensure!(
        output.status.success(),
        "an interface or a queue is left behind"
    );
    Ok(())
}
