//! `dns --watch` reports every query of a process with its answer, its time and its owner.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::lookups::{ADDRESS, QueryLog, ask, check, one_of_each, question, watch};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{self, A, DnsServer, Script};
use netperf_tests::sys::calls;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::sys::turn;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::probe::ensure_harmless;
use netperf_tests::tracer::sandbox::Sandbox;
use netperf_tests::tracer::sandboxed::not_allowed;

#[test]
fn every_query_has_its_owner_its_time_and_its_result() -> Result<()> {
    // The queries of this process are those of all its tests.
    let _turn = turn::exclusive();
    in_fresh_netns(|| check(&one_of_each()?))
}

#[test]
fn a_repeated_query_of_the_c_library_is_a_retry_of_its_process_which_has_ended() -> Result<()> {
    let _turn = turn::exclusive();
    in_fresh_netns(|| {
        dns_server::enable_lookups()?;
        let _first = DnsServer::at([127, 0, 0, 3], &[("again.watch", A, Script::Silence)])?;
        let _second = DnsServer::at(
            [127, 0, 0, 4],
            &[("again.watch", A, Script::values(0, &[ADDRESS]))],
        )?;
        let conf = "nameserver 127.0.0.3\\nnameserver 127.0.0.4\\noptions timeout:1\\n";
        let tracer = watch(false)?;
        let mut getent = Sandbox::here()
            .resolv_conf(conf)
            .command(Path::new("getent"));
        run_as(getent.args(["ahostsv4", "again.watch"]))?;
        let log = QueryLog::until(tracer, &[("again.watch", 2)])?;
        let rows = &log.queries["again.watch"];
        ensure!(rows.iter().all(|row| row["name"] == "getent"), "{rows:?}");
        let second = rows.iter().find(|row| row["resolver"] == "127.0.0.4:53");
        let second = second.context("no query to the second resolver")?;
        ensure!(
            second["retries"] == 1 && second["result"] == "NOERROR",
            "{rows:?}"
        );
        let first = rows.iter().find(|row| row["resolver"] == "127.0.0.3:53");
        ensure!(
            first.is_some_and(|row| row["result"] == "timeout"),
            "{rows:?}"
        );
        Ok(())
    })
}

#[test]
fn a_query_behind_an_extension_header_is_seen() -> Result<()> {
    let _turn = turn::exclusive();
    in_fresh_netns(|| {
        let scripts = [("behind.watch", A, Script::values(0, &[ADDRESS]))];
        let server = DnsServer::start("[::1]:53".parse()?, &scripts)?.address;
        let tracer = watch(true)?;
        let socket = UdpSocket::bind("[::]:0")?;
        calls::add_destination_options(&socket)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        socket.send_to(&question(1, "behind.watch", A), server)?;
        socket.recv(&mut [0; 512]).context("no answer")?;
        let log = QueryLog::until(tracer, &[("behind.watch", 1)])?;
        let row = log.one("behind.watch")?;
        ensure!(row["result"] == "NOERROR", "{row}");
        Ok(())
    })
}

#[test]
fn names_in_queries_can_not_steer_the_terminal() -> Result<()> {
    let _turn = turn::exclusive();
    in_fresh_netns(|| {
        let server = DnsServer::at([127, 0, 0, 5], &[])?.address;
        let mut command = Command::new(tracer::binary()?);
        command.args(["dns", "--watch", "-b", "-d", "0.3", "--duration", "1"]);
        let watching = std::thread::spawn(move || run_as(&mut command));
        let deadline = Deadline::seconds(20);
        while !watching.is_finished() {
            ensure!(!deadline.passed(), "it never ended");
            ask(server, &question(9, "evil\x1b[2J\u{9b}31m.watch", A), true)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        let output = watching.join().ok().context("a thread panicked")??;
        ensure_harmless(text(&output.stdout)?, "evil")?;
        Ok(())
    })
}

#[test]
fn without_type_information_it_names_what_the_kernel_lacks() -> Result<()> {
    let mut command = Command::new(tracer::binary()?);
    let output = run_as(
        command
            .args(["dns", "--watch"])
            .env("NETPERF_TRACE_BTF", "/hidden"),
    )?;
    let message = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(4),
        "{}: {message}",
        output.status
    );
    ensure!(message.contains("type information"), "{message}");
    Ok(())
}

#[test]
fn without_rights_it_names_the_missing_ones() -> Result<()> {
    let message = not_allowed(&Sandbox::here().as_nobody(&[]), &["dns", "--watch"])?;
    ensure!(message.contains("CAP_BPF"), "{message}");
    Ok(())
}
