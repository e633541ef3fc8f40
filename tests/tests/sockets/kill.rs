//! `sockets --kill` closes exactly the selected sockets, and none without consent.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::sockets::SocketSet;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::sockets::{ends, rows, tick};
use netperf_tests::tracer::terminal::Terminal;

/// Port of this end.
fn port(stream: &TcpStream) -> Result<String> {
    Ok(format!(":{}", stream.local_addr()?.port()))
}

/// Fails unless the stream was aborted, although its other end is open.
fn is_aborted(stream: &mut TcpStream) -> Result<bool> {
    stream.set_nonblocking(true)?;
    Ok(match stream.read(&mut [0; 1]) {
        Err(error) => error.kind() == ErrorKind::ConnectionAborted,
        Ok(_) => false,
    })
}

#[test]
fn a_kill_closes_the_connection_that_matches_and_no_other() -> Result<()> {
    in_fresh_netns(|| {
        let mut crowd = SocketSet::new()?;
        let port = port(&crowd.streams[0])?;
        let filter = [
            "sockets", "--netns", "self", "--kill", "-t", "sport", "=", &port,
        ];
        let refused = run(filter)?;
        ensure!(refused.status.code() == Some(2), "{}", refused.status);
        ensure!(text(&refused.stderr)?.contains("--yes"), "{refused:?}");
        ensure!(
            !is_aborted(&mut crowd.streams[0])?,
            "closed without consent"
        );

        let others = rows(&tick(&[
            "-t", "not", "(", "sport", "=", &port, "or", "dport", "=", &port, ")",
        ])?)?;
        let output = run([&filter[..], &["--yes"]].concat())?;
        ensure!(output.status.success(), "{}", text(&output.stderr)?);
        ensure!(text(&output.stdout)?.ends_with("closed 1\n"), "{output:?}");
        ensure!(is_aborted(&mut crowd.streams[0])?, "it lives");
        let left = rows(&tick(&["-t"])?)?;
        // Queues may move meanwhile.
        ensure!(ends(&left) == ends(&others), "{left:#?}\n{others:#?}");

        let nothing = run([&filter[..], &["--yes"]].concat())?;
        ensure!(nothing.status.success(), "{}", nothing.status);
        ensure!(
            text(&nothing.stdout)?.contains("no socket matches"),
            "{nothing:?}"
        );
        Ok(())
    })
}

#[test]
fn a_kill_reaches_ipv6_mapped_listening_and_udp_sockets() -> Result<()> {
    in_fresh_netns(|| {
        let crowd = SocketSet::new()?;
        for (filter, closed) in [
            (&["-t", "dst", "[::1]:4200"][..], 1),
            (&["-t", "src", "127.0.0.1:4200"], 1),
            (&["-tl", "sport", "=", ":4200"], 1),
            // It is disconnected and stays bound.
            (&["-u", "sport", "=", ":4500"], 1),
        ] {
            let args = [
                &["sockets", "--json", "--netns", "self", "--kill", "--yes"],
                filter,
            ];
            let output = run(args.concat())?;
            ensure!(
                output.status.success(),
                "{filter:?}: {}",
                text(&output.stderr)?
            );
            let lines = ndjson::lines(&output.stdout)?;
            let kill = lines.iter().find(|line| line["type"] == "kill");
            let kill = kill.context("no line of type `kill`")?;
            ensure!(kill["closed"] == closed, "{filter:?}: {kill}");
            ensure!(
                rows(&tick(filter)?)?.is_empty(),
                "{filter:?} is still there"
            );
        }
        ensure!(
            TcpStream::connect("[::1]:4200").is_err(),
            "port 4200 is still open"
        );
        drop(crowd);
        Ok(())
    })
}

#[test]
fn on_a_terminal_a_kill_asks_and_takes_only_a_yes() -> Result<()> {
    in_fresh_netns(|| {
        let mut crowd = SocketSet::new()?;
        let port = port(&crowd.streams[0])?;
        let mut ask = |answer: &str, last: &str| -> Result<bool> {
            let mut command = Command::new(tracer::binary()?);
            command.args([
                "sockets", "--netns", "self", "--kill", "-t", "sport", "=", &port,
            ]);
            let mut terminal = Terminal::start(&mut command, 24, 80)?;
            let screen = terminal.wait_for_text("[y/N]")?;
            ensure!(screen.contains(&port), "it does not show what: {screen}");
            terminal.press(answer)?;
            if !last.is_empty() {
                terminal.wait_for_text(last)?;
            }
            let status = terminal.end()?;
            ensure!(status.success(), "{status}");
            is_aborted(&mut crowd.streams[0])
        };
        ensure!(!ask("\n", "")?, "nothing was agreed to");
        ensure!(!ask("no\n", "")?, "no was no yes");
        ensure!(ask("y\n", "closed 1")?, "it lives");
        Ok(())
    })
}

#[test]
fn a_kill_without_the_right_names_it() -> Result<()> {
    let public = PublicCopy::new()?;
    let output = run_as(
        public
            .as_nobody()
            .args(["sockets", "--kill", "--yes", "dst", "10.0.0.7"]),
    )?;
    ensure!(output.status.code() == Some(3), "{}", output.status);
    ensure!(
        text(&output.stderr)?.contains("CAP_NET_ADMIN"),
        "{output:?}"
    );
    Ok(())
}
