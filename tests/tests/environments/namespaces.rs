//! Network, pid and user namespaces: every byte is counted, and each process has its pid of either side.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::load::result::PathResult;
use netperf_tests::load::steady::Ends;
use netperf_tests::sys::turn;
use netperf_tests::tracer::exact::check;
use netperf_tests::tracer::sandbox::{Sandbox, innermost};
use netperf_tests::tracer::sandboxed::{
    PATHS, doctor_in, exact_in, finding, not_allowed_in, rows, start_in, stop,
};
use netperf_tests::tracer::{self, Tracer};
use serde_json::Value;

#[test]
fn in_a_network_namespace_it_counts_what_happens_outside() -> Result<()> {
    let _turn = turn::exclusive();
    exact_in(&Sandbox::here().network()).map(drop)
}

#[test]
fn from_outside_it_counts_what_happens_in_a_network_namespace() -> Result<()> {
    let _turn = turn::exclusive();
    let tracer = start_in(&Sandbox::here(), &tracer::binary()?)?;
    let mut inside = Sandbox::here().network().command(&mover::binary()?);
    let played = Mover::start_as(inside.args(PATHS))?.finish()?;
    check(&stop(tracer)?, &played)
}

/// A process that keeps a pid namespace, with its `/proc`, until it is dropped.
struct Keeper(Child);

impl Keeper {
    fn start() -> Result<Self> {
        let mut command = Sandbox::here().pids().command(Path::new("sh"));
        // Prints when it is ready, and waits to be killed.
        command.args(["-c", "echo ready; exec cat"]);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut ready = [0; 6];
        let out = child.stdout.as_mut().context("stdout is a pipe")?;
        out.read_exact(&mut ready)?;
        Ok(Self(child))
    }

    fn place(&self) -> Result<Sandbox> {
        Ok(Sandbox::here().pids_of(innermost(self.0.id())?))
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
    let _turn = turn::exclusive();
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
fn moved(played: &PathResult) -> Vec<u32> {
    match played {
        PathResult::Moved { rows, .. } => rows
            .iter()
            .filter(|row| row.tx_bytes + row.rx_bytes > 0)
            .map(|row| row.pid)
            .collect(),
        PathResult::Absent { .. } | PathResult::Failed { .. } => Vec::new(),
    }
}

#[test]
fn processes_outside_its_pid_namespace_keep_their_numbers_and_say_so() -> Result<()> {
    let _turn = turn::exclusive();
    let tracer = start_in(&Sandbox::here().pids(), &tracer::binary()?)?;
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
    let _turn = turn::exclusive();
    let mut tracer = start_in(&Sandbox::here().pids(), &tracer::binary()?)?;
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
    let _turn = turn::exclusive();
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
    steady.resume()?;
    steady.finish().map(drop)
}

#[test]
fn with_the_proc_of_another_pid_namespace_names_are_still_right() -> Result<()> {
    let _turn = turn::exclusive();
    let place = Sandbox::here().pids_without_proc();
    let checks = doctor_in(&place, &tracer::binary()?)?;
    ensure!(finding(&checks, "proc")?.0 == "partly", "{checks:?}");
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
    steady.resume()?;
    steady.finish()?;
    exact_in(&place).map(drop)
}

#[test]
fn root_of_a_user_namespace_is_refused_with_the_reason() -> Result<()> {
    let _turn = turn::exclusive();
    let place = Sandbox::here().users();
    let message = not_allowed_in(&place)?;
    ensure!(message.contains("user namespace"), "{message}");
    let checks = doctor_in(&place, &tracer::binary()?)?;
    ensure!(finding(&checks, "CAP_BPF")?.0 == "no", "{checks:?}");
    Ok(())
}
