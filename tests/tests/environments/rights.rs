//! Users other than root, with all capabilities, some, or none.

use std::process::{Command, Output};

use anyhow::{Result, ensure};
use netperf_tests::load::mover::Mover;
use netperf_tests::sys::turn;
use netperf_tests::tracer::Tracer;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::exact::check;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::sandbox::Sandbox;

/// `netperf-trace` as user 65534, with the capabilities `held`.
fn as_nobody(public: &PublicCopy, held: &[&str]) -> Command {
    Sandbox::here().as_nobody(held).command(public.program())
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
    let _turn = turn::exclusive();
    let public = PublicCopy::new()?;
    let output = run_as(as_nobody(&public, &[]).args(["top", "--json", "-n", "1"]))?;
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
    let _turn = turn::exclusive();
    let public = PublicCopy::new()?;
    let mut command = as_nobody(&public, &["bpf", "net_admin", "sys_ptrace"]);
    let output = run_as(command.args(["top", "-b", "-n", "1"]))?;
    let message = not_allowed(&output)?;
    ensure!(message.contains("CAP_PERFMON"), "{message}");
    Ok(())
}

#[test]
fn with_its_capabilities_it_runs_without_root_and_counts_exactly() -> Result<()> {
    let _turn = turn::exclusive();
    let public = PublicCopy::new()?;
    let mut command = as_nobody(&public, &["bpf", "perfmon", "net_admin", "sys_ptrace"]);
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

#[test]
fn doctor_without_rights_reports_what_it_can_and_what_is_missing() -> Result<()> {
    let _turn = turn::exclusive();
    let public = PublicCopy::new()?;
    let output = run_as(as_nobody(&public, &[]).args(["doctor", "--kernel"]))?;
    ensure!(output.status.code() == Some(5), "{}", output.status);
    let answer = text(&output.stdout)?;
    for line in [
        "no       CAP_BPF: missing",
        "no       CAP_PERFMON: missing",
        "no       CAP_NET_ADMIN: missing",
        "yes      BTF: ",
        "yes      inet_diag: ",
    ] {
        ensure!(answer.contains(line), "{line}: {answer}");
    }
    let message = text(&output.stderr)?;
    ensure!(
        message.contains("without CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN"),
        "{message}"
    );
    Ok(())
}
