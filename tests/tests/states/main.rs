//! `states` reports which states pile up, in which process, and whether that does harm.

mod ports;

use std::io::Write;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use netperf_tests::load::states::Server;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::calls::set_option;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::states::{
    ensure_field, finding, row, snapshot, snapshot_until, snapshots, snapshots_around,
};
use netperf_tests::tracer::{self, integer};
use serde_json::Value;

#[test]
fn time_wait_is_listed_by_destination_with_the_ports_left() -> Result<()> {
    in_fresh_netns(|| {
        let (first, second) = (Server::listen(4_100, 100)?, Server::listen(4_200, 100)?);
        first.finish_by_client(3_000)?;
        second.finish_by_client(50)?;
        second.finish_by_server(20)?;
        let snapshot = snapshot_until(&[], |snapshot| snapshot["counts"]["TIME_WAIT"] == 3_070)?;
        let to = |remote: &str| row(&snapshot, "time_wait", "remote", remote);
        let (full, other) = (to("127.0.0.1:4100")?, to("127.0.0.1:4200")?);
        ensure_field(full, "time_wait", 3_000)?;
        ensure_field(full, "in_use", 3_000)?;
        ensure_field(full, "local_addr", "127.0.0.1")?;
        ensure_field(other, "time_wait", 50)?;
        let headroom = integer(full, "ports")? - 3_000;
        ensure_field(full, "headroom", headroom)?;
        ensure_field(full, "growth_per_s", Value::Null)?;
        let accepted = row(&snapshot, "time_wait_accepted", "local", "127.0.0.1:4200")?;
        ensure_field(accepted, "time_wait", 20)?;
        ensure_field(&accepted["likely"][0], "pid", std::process::id())?;
        let healthy = finding(&snapshot, "TIME_WAIT is healthy")?;
        ensure_field(healthy, "level", "ok")?;
        let evidence = tracer::text(healthy, "evidence")?;
        ensure!(evidence.contains("3 000 of "), "{evidence}");
        ensure_field(row(&snapshot, "by_process", "pid", 0)?, "name", "[kernel]")
    })
}

#[test]
fn the_likely_owner_of_time_wait_has_connections_to_the_same_address() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 10)?;
        server.finish_by_client(5)?;
        let unknown = snapshot_until(&[], |snapshot| snapshot["counts"]["TIME_WAIT"] == 5)?;
        ensure_field(&unknown["time_wait"][0], "likely", Vec::<Value>::new())?;
        let _open = server.connection()?;
        let known = snapshot(&[])?;
        let likely = &known["time_wait"][0]["likely"];
        ensure!(
            likely.as_array().is_some_and(|it| it.len() == 1),
            "{likely}"
        );
        ensure_field(&likely[0], "pid", std::process::id())?;
        let healthy = finding(&known, "healthy")?;
        let evidence = tracer::text(healthy, "evidence")?;
        ensure!(evidence.contains("no owner, but likely"), "{evidence}");
        Ok(())
    })
}

#[test]
fn counts_are_those_of_ss() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 10)?;
        server.finish_by_client(40)?;
        let _unclosed = server.leave_unclosed(7)?;
        let _open = server.connection()?;
        let snapshot = snapshot_until(&[], |snapshot| snapshot["counts"]["TIME_WAIT"] == 40)?;
        for (state, word) in [
            ("TIME_WAIT", "time-wait"),
            ("CLOSE_WAIT", "close-wait"),
            ("FIN_WAIT2", "fin-wait-2"),
            ("ESTABLISHED", "established"),
            ("LISTEN", "listening"),
        ] {
            let output = run_as(Command::new("ss").args(["-tnH", "state", word]))?;
            let lines = text(&output.stdout)?.lines().count();
            ensure!(lines > 0, "no {state}");
            ensure_field(&snapshot["counts"], state, lines)?;
        }
        Ok(())
    })
}

#[test]
fn close_wait_is_reported_with_its_process_files_age_and_growth() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 100)?;
        let mut unclosed = server.leave_unclosed(12)?;
        let snapshots = snapshots_around(|| {
            unclosed.extend(server.leave_unclosed(8)?);
            Ok(())
        })?;
        let own = |snapshot| row(snapshot, "close_wait", "pid", std::process::id());
        let rows: Vec<_> = snapshots.iter().map(own).collect::<Result<_>>()?;
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        ensure_field(first, "count", 12)?;
        ensure_field(first, "growth_per_s", Value::Null)?;
        ensure_field(first, "oldest_before_start", true)?;
        ensure_field(last, "count", 20)?;
        let mut growth = rows.iter().map(|row| row["growth_per_s"].as_f64());
        ensure!(growth.any(|it| it > Some(0.0)), "{rows:#?}");
        let oldest = [first, last].map(|row| row["oldest_s"].as_f64().unwrap_or(0.0));
        ensure!(oldest[1] - oldest[0] > 0.7, "{oldest:?}");
        let mut fds: Vec<_> = unclosed.iter().map(AsRawFd::as_raw_fd).collect();
        fds.sort_unstable();
        ensure_field(last, "fds", fds)?;
        let peer = &last["peers"][0];
        ensure_field(peer, "remote", "127.0.0.1")?;
        ensure_field(peer, "called_port", 4_100)?;
        let finding = finding(
            &snapshots[snapshots.len() - 1],
            "does not close 20 connections",
        )?;
        ensure_field(finding, "level", "warn")?;
        let what = tracer::text(finding, "what")?;
        ensure!(
            what.contains(&format!("PID {}", std::process::id())),
            "{what}"
        );
        Ok(())
    })
}

#[test]
fn a_full_accept_queue_is_reported_with_its_overflows() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 2)?;
        let _clients = server.start_connecting(8)?;
        // A client may try again between the reading of the socket and of the counters.
        let full = |snapshot: &Value| {
            let overflows = &snapshot["listen"][0]["overflows"];
            let counters = &snapshot["networks"][0]["counters"];
            overflows.as_u64() >= Some(5)
                && [&counters["listen_drops"], &counters["listen_overflows"]] == [overflows; 2]
        };
        let snapshot = snapshot_until(&[], full)?;
        let queue = row(&snapshot, "listen", "local", "127.0.0.1:4100")?;
        ensure_field(queue, "pid", std::process::id())?;
        ensure_field(queue, "backlog_max", 2)?;
        ensure_field(queue, "backlog", 3)?;
        let finding = finding(&snapshot, "the queue of 127.0.0.1:4100 is full")?;
        ensure_field(finding, "level", "critical")?;
        ensure_field(&snapshot["counts"], "SYN_SENT", 5)
    })
}

#[test]
fn half_open_connections_are_listed_by_listening_socket() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 10)?;
        let _other = Server::listen(4_200, 10)?;
        // Clients stay half open until they say something.
        let (level, option) = (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT);
        set_option(&server.listener, level, option, 30)?;
        let _clients = server.start_connecting(4)?;
        let snapshot = snapshot_until(&[], |snapshot| snapshot["counts"]["SYN_RECV"] == 4)?;
        let half_open = |local| row(&snapshot, "listen", "local", local);
        ensure_field(half_open("127.0.0.1:4100")?, "syn_recv", 4)?;
        ensure_field(half_open("127.0.0.1:4200")?, "syn_recv", 0)
    })
}

/// A program that prints a line when it is ready, and goes on when a line comes on stdin.
fn spawn(mut command: Command, script: &str) -> Result<Child> {
    let mut child = command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    await_line(&mut child)?;
    Ok(child)
}

fn await_line(child: &mut Child) -> Result<()> {
    let stdout = child.stdout.as_mut().context("no stdout")?;
    std::io::Read::read_exact(stdout, &mut [0; 1])?;
    Ok(())
}

#[test]
fn settings_are_those_of_the_selected_namespace() -> Result<()> {
    let veth = VethPair::new()?;
    let server = "import socket, sys\ns = socket.create_server(('10.72.0.2', 4600))\n\
                  print(flush=True)\nsys.stdin.read()";
    let mut server = spawn(veth.far("python3"), server)?;
    let client = "import socket, sys\n\
                  open('/proc/sys/net/ipv4/ip_local_port_range', 'w').write('40000 40199')\n\
                  c = socket.create_connection(('10.72.0.2', 4600))\n\
                  print(flush=True)\nsys.stdin.read()";
    let mut client = spawn(veth.near("python3"), client)?;
    let pid = client.id();
    let inside = snapshots(&["--netns", &pid.to_string()])?;
    let everywhere = snapshots(&["--port", "4600"])?;
    for child in [&mut client, &mut server] {
        drop(child.stdin.take());
        child.wait()?;
    }
    for snapshot in [&inside[0], &everywhere[0]] {
        let to = row(snapshot, "time_wait", "remote", "10.72.0.2:4600")?;
        ensure_field(to, "ports", 200)?;
        ensure_field(to, "in_use", 1)?;
        ensure_field(&to["likely"][0], "pid", pid)?;
    }
    ensure!(
        everywhere[0]["namespaces"].as_u64() >= Some(3),
        "{}",
        everywhere[0]
    );
    Ok(())
}

#[test]
fn a_peer_that_vanishes_is_reported() -> Result<()> {
    let veth = VethPair::new()?;
    let server = "import socket, sys\ns = socket.create_server(('10.72.0.2', 4700))\n\
                  print(flush=True)\nc = s.accept()\nprint(flush=True)\nsys.stdin.read()";
    let mut server = spawn(veth.far("python3"), server)?;
    let client = "import socket, sys\nc = socket.create_connection(('10.72.0.2', 4700))\n\
                  print(flush=True)\nsys.stdin.readline()\nc.close()\nsys.stdin.read()";
    let mut client = spawn(veth.near("python3"), client)?;
    await_line(&mut server)?;
    let down = veth
        .far("ip")
        .args(["link", "set", "cable0", "down"])
        .status()?;
    ensure!(down.success(), "the cable is still up");
    client
        .stdin
        .as_mut()
        .context("no stdin")?
        .write_all(b"\n")?;
    let netns = client.id().to_string();
    let deadline = Deadline::seconds(20);
    let snapshot = loop {
        let snapshot = snapshots(&["--netns", &netns])?.remove(0);
        if snapshot["closing"][0]["silent"].as_u64() >= Some(1) {
            break snapshot;
        }
        ensure!(!deadline.passed(), "{snapshot:#}");
    };
    for child in [&mut client, &mut server] {
        drop(child.stdin.take());
        child.wait()?;
    }
    let closing = row(&snapshot, "closing", "state", "FIN_WAIT1")?;
    ensure_field(closing, "orphans", 1)?;
    let finding = finding(&snapshot, "the other end does not answer")?;
    let evidence = tracer::text(finding, "evidence")?;
    ensure!(evidence.contains("10.72.0.2 (1)"), "{evidence}");
    Ok(())
}

#[test]
fn filters_limit_what_is_counted() -> Result<()> {
    in_fresh_netns(|| {
        let (first, second) = (Server::listen(4_100, 10)?, Server::listen(4_200, 10)?);
        first.finish_by_client(6)?;
        let _unclosed = second.leave_unclosed(3)?;
        snapshot_until(&[], |snapshot| snapshot["counts"]["TIME_WAIT"] == 6)?;
        let total = |args: &[&str]| -> Result<u64> {
            let snapshot = snapshot(args)?;
            let counts = snapshot["counts"].as_object().context("no counts")?;
            Ok(counts.values().filter_map(Value::as_u64).sum())
        };
        let own = std::process::id().to_string();
        ensure!(total(&[])? == 14, "{}", snapshot(&[])?);
        ensure!(total(&["--state", "TIME_WAIT"])? == 6);
        ensure!(total(&["--state", "close-wait,TIME_WAIT"])? == 9);
        ensure!(total(&["--port", "4200"])? == 7);
        ensure!(total(&["--pid", &own])? == 5);
        ensure!(total(&["--pid", "1"])? == 0);
        ensure!(total(&["--name", "^no such name$"])? == 0);
        ensure!(total(&["--remote", "127.0.0.0/8"])? == 12);
        ensure!(total(&["--remote", "10.0.0.0/8"])? == 0);
        Ok(())
    })
}

#[test]
fn without_rights_it_counts_and_declares_what_is_unavailable() -> Result<()> {
    in_fresh_netns(|| {
        let server = Server::listen(4_100, 10)?;
        let _open: (TcpStream, TcpStream) = server.connection()?;
        let public = PublicCopy::new()?;
        let mut command = public.as_nobody();
        let output = run_as(command.args(["states", "--json", "--netns", "self"]))?;
        ensure!(output.status.success(), "{}", text(&output.stderr)?);
        let lines = ndjson::lines(&output.stdout)?;
        let snapshot = lines.get(1).context("no snapshot")?;
        ensure_field(&snapshot["counts"], "ESTABLISHED", 2)?;
        let unknown = row(snapshot, "by_process", "pid", Value::Null)?;
        ensure_field(&unknown["counts"], "LISTEN", 1)?;
        let reported = snapshot["unavailable"]
            .as_array()
            .context("no `unavailable`")?;
        ensure!(!reported.is_empty(), "{snapshot}");
        Ok(())
    })
}

#[test]
fn snapshots_repeat_until_the_count_with_a_measured_interval() -> Result<()> {
    let all = snapshots(&["-d", "0.2", "-n", "3"])?;
    ensure!(all.len() == 3, "{} snapshots", all.len());
    ensure_field(&all[0], "interval_s", Value::Null)?;
    ensure_field(&all[0], "growth_per_s", Value::Null)?;
    let length = all[2]["interval_s"].as_f64().context("no interval")?;
    ensure!((0.05..2.0).contains(&length), "{length}");
    ensure!(all[2]["growth_per_s"].is_object(), "{}", all[2]);
    Ok(())
}
