//! What happens without root, with all capabilities, some, or none?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};
use netperf_tests::batch::{run_as, text};
use netperf_tests::expect::check;
use netperf_tests::mover::Mover;
use netperf_tests::tracer::{self, Tracer};

/// The tracer where everybody may run it, removed with this value.
struct Public(PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Public {
    fn new() -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netperf-tests-{}-{number}", std::process::id());
        let public = Self(std::env::temp_dir().join(name));
        fs::create_dir(&public.0)?;
        fs::set_permissions(&public.0, fs::Permissions::from_mode(0o755))?;
        // By another process: a file that this one has open to write, no other test could run.
        let copied = Command::new("cp")
            .arg(tracer::binary()?)
            .arg(&public.0)
            .status()?;
        ensure!(copied.success(), "cp: {copied}");
        Ok(public)
    }

    /// `netperf-trace` as nobody, with the capabilities `held`.
    fn as_nobody(&self, held: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=+all",
        ]);
        if held.is_empty() {
            command.args(["--inh-caps=-all"]);
        } else {
            let list: Vec<String> = held.iter().map(|one| format!("+{one}")).collect();
            let list = list.join(",");
            command.args([
                format!("--inh-caps={list}"),
                format!("--ambient-caps={list}"),
            ]);
        }
        command.arg(self.0.join("netperf-trace"));
        command
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn not_allowed(output: &Output) -> Result<&str> {
    let message = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(3),
        "{}: {message}",
        output.status
    );
    ensure!(output.stdout.is_empty(), "something on stdout");
    Ok(message)
}

#[test]
fn without_rights_it_names_the_missing_ones_and_the_command_that_works() -> Result<()> {
    let public = Public::new()?;
    let output = run_as(public.as_nobody(&[]).args(["top", "--json", "-n", "1"]))?;
    let message = not_allowed(&output)?;
    for right in ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"] {
        ensure!(message.contains(right), "{right}: {message}");
    }
    let works = message
        .lines()
        .any(|line| line.contains("sudo ") && line.contains("top --json -n 1"));
    ensure!(works, "{message}");
    Ok(())
}

#[test]
fn with_some_rights_only_the_missing_ones_are_named() -> Result<()> {
    let public = Public::new()?;
    let mut command = public.as_nobody(&["bpf", "net_admin", "sys_ptrace"]);
    let output = run_as(command.args(["top", "-b", "-n", "1"]))?;
    let message = not_allowed(&output)?;
    ensure!(message.contains("CAP_PERFMON"), "{message}");
    Ok(())
}

#[test]
fn with_its_capabilities_it_runs_without_root_and_counts_exactly() -> Result<()> {
    let public = Public::new()?;
    let mut command = public.as_nobody(&["bpf", "perfmon", "net_admin", "sys_ptrace"]);
    let tracer = Tracer::start_as(command.args(["top", "--json", "-d", "0.2"]))?;
    let paths = [
        "run",
        "tcp_write",
        "tcp_splice_both",
        "udp_send",
        "mptcp_write",
    ];
    let played = Mover::start(paths)?.finish()?;
    check(&tracer.stop()?, &played)
}
