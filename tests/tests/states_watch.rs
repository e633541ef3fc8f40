//! `states --watch` reports every transition of a connection, TIME_WAIT included, and loses none.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::checks::lifecycle;
use netperf_tests::load::states::Server;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::sys::sysctl::Sysctl;
use netperf_tests::tracer::command::{run, text};
use netperf_tests::tracer::{Session, Tracer, integer};
use serde_json::Value;

const PORT: u16 = 4_100;

fn watch(args: &[&str]) -> Result<Tracer> {
    let all = ["states", "--watch", "--json", "--netns", "self"];
    Tracer::start(&[&all[..], args].concat())
}

fn of_type<'s>(session: &'s Session, kind: &'static str) -> impl Iterator<Item = &'s Value> {
    session
        .ticks
        .iter()
        .filter(move |line| line["type"] == kind)
}

/// Transitions between these states, in order.
fn transitions<'s>(session: &'s Session, old: &str, new: &str) -> Vec<&'s Value> {
    lifecycle::transitions(session)
        .filter(|line| line["old"] == old && line["new"] == new)
        .collect()
}

/// Reads until this many transitions into a state are reported.
fn await_transitions(
    tracer: &mut Tracer,
    seen: &mut Vec<Value>,
    new: &str,
    many: usize,
) -> Result<()> {
    let deadline = Deadline::seconds(90);
    let reported = |seen: &[Value]| seen.iter().filter(|line| line["new"] == new).count();
    while reported(seen) < many {
        let line = tracer.next_line(deadline)?.context("the tracer ended")?;
        seen.push(line);
    }
    Ok(())
}

/// Transitions into a state, over all ticks.
fn counted(session: &Session, state: &str) -> Result<u64> {
    of_type(session, "churn")
        .map(|tick| integer(&tick["counts"], state))
        .sum()
}

fn lost(session: &Session) -> Result<u64> {
    let last = of_type(session, "churn").last().context("no tick")?;
    ["ring_lost", "map_full", "unread"]
        .iter()
        .map(|name| integer(&last["loss"], name))
        .sum()
}

#[test]
fn a_connection_is_reported_from_its_start_to_time_wait() -> Result<()> {
    in_fresh_netns(|| {
        let session = lifecycle::check(watch(&[])?, PORT)?;
        ensure!(transitions(&session, "CLOSE", "LISTEN").len() == 1);
        ensure!(transitions(&session, "CLOSE", "SYN_SENT").len() == 1);
        Ok(())
    })
}

#[test]
fn time_wait_lasts_a_minute_and_its_end_is_reported() -> Result<()> {
    const MANY: usize = 5_000;
    in_fresh_netns(|| {
        let mut tracer = watch(&["--state", "TIME_WAIT"])?;
        let mut seen = Vec::new();
        let server = Server::listen(PORT, 100)?;
        server.finish_by_client(MANY)?;
        await_transitions(&mut tracer, &mut seen, "TIME_WAIT", MANY)?;
        await_transitions(&mut tracer, &mut seen, "CLOSE", MANY)?;
        let mut session = tracer.stop()?;
        seen.append(&mut session.ticks);
        session.ticks = seen;
        let ends = transitions(&session, "TIME_WAIT", "CLOSE");
        for end in &ends {
            let seconds = integer(end, "in_old_us")? / 1_000_000;
            ensure!(
                (59..=63).contains(&seconds),
                "{seconds} s in TIME_WAIT: {end}"
            );
            ensure!(end["pid"] == std::process::id(), "{end}");
        }
        let begun = lifecycle::transitions(&session).filter(|line| line["new"] == "TIME_WAIT");
        ensure!(
            (begun.count(), ends.len()) == (MANY, MANY),
            "{} ends",
            ends.len()
        );
        let sums = (counted(&session, "TIME_WAIT")?, counted(&session, "CLOSE")?);
        let many = u64::try_from(MANY)?;
        ensure!(sums == (many, many), "the ticks count {sums:?}");
        let to = of_type(&session, "churn")
            .filter_map(|tick| tick["time_wait"].as_array())
            .flatten();
        let remote = format!("127.0.0.1:{PORT}");
        for row in to {
            ensure!(row["remote"] == remote.as_str(), "{row}");
        }
        ensure!(lost(&session)? == 0);
        Ok(())
    })
}

#[test]
fn a_port_that_is_used_again_ends_time_wait() -> Result<()> {
    in_fresh_netns(|| {
        let _range = Sysctl::set("net/ipv4/ip_local_port_range", "40000\t40000")?;
        let _reuse = Sysctl::set("net/ipv4/tcp_tw_reuse", "1")?;
        let tracer = watch(&[])?;
        let server = Server::listen(PORT, 10)?;
        server.finish_by_client(1)?;
        let deadline = Deadline::seconds(20);
        // The kernel takes the port again once a second has passed.
        let again = loop {
            match TcpStream::connect(server.address) {
                Ok(client) => break client,
                Err(error) if deadline.passed() => bail!(error),
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        };
        drop((server.listener.accept()?, again));
        thread::sleep(Duration::from_millis(300));
        let session = tracer.stop()?;
        let ends = transitions(&session, "TIME_WAIT", "CLOSE");
        let [end] = ends.as_slice() else {
            bail!("{} ends", ends.len());
        };
        ensure!(end["local"] == "127.0.0.1:40000", "{end}");
        let us = integer(end, "in_old_us")?;
        ensure!((900_000..20_000_000).contains(&us), "{us} µs");
        Ok(())
    })
}

/// Connects as fast as possible, to several addresses so that ports do not run out; returns the number of
/// connections.
fn storm(span: Duration) -> Result<usize> {
    const SERVERS: u8 = 8;
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for last in 1..=SERVERS {
        let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), PORT);
        let listener = TcpListener::bind(address)?;
        servers.push(thread::spawn(move || -> Result<()> {
            // The first that says something is the last.
            loop {
                let (mut stream, _) = listener.accept()?;
                if std::io::Read::read(&mut stream, &mut [0])? > 0 {
                    return Ok(());
                }
            }
        }));
        let done = Arc::clone(&done);
        clients.push(thread::spawn(move || -> Result<usize> {
            let address = SocketAddr::from(address);
            let mut made = 1;
            while !done.load(Ordering::Relaxed) {
                drop(TcpStream::connect(address)?);
                made += 1;
            }
            std::io::Write::write_all(&mut TcpStream::connect(address)?, b"!")?;
            Ok(made)
        }));
    }
    thread::sleep(span);
    done.store(true, Ordering::Relaxed);
    let mut made = 0;
    for client in clients {
        made += client.join().ok().context("a client panicked")??;
    }
    for server in servers {
        server.join().ok().context("a server panicked")??;
    }
    Ok(made)
}

#[test]
fn each_connection_of_a_storm_is_reported_or_counted_as_lost() -> Result<()> {
    in_fresh_netns(|| {
        let mut tracer = watch(&[])?;
        let made = storm(Duration::from_secs(2))?;
        // What is still being written, and a tick that says what was lost.
        let mut seen = Vec::new();
        let deadline = Deadline::seconds(90);
        let mut quiet = 0;
        while quiet < 3 {
            let line = tracer.next_line(deadline)?.context("the tracer ended")?;
            let is_tick = line["type"] == "churn";
            quiet = match (is_tick, integer(&line["counts"], "ESTABLISHED")) {
                (true, Ok(0)) => quiet + 1,
                (true, _) => 0,
                (false, _) => quiet,
            };
            seen.push(line);
        }
        let mut session = tracer.stop()?;
        seen.append(&mut session.ticks);
        session.ticks = seen;
        let connected = transitions(&session, "SYN_SENT", "ESTABLISHED").len();
        let accepted = transitions(&session, "SYN_RECV", "ESTABLISHED").len();
        let lost = usize::try_from(lost(&session)?)?;
        let missing = 2 * made - connected - accepted;
        ensure!(missing <= lost, "{missing} of {made} missing, {lost} lost");
        ensure!(lost > 0 || counted(&session, "ESTABLISHED")? == 2 * u64::try_from(made)?);
        Ok(())
    })
}

#[test]
fn a_share_of_the_connections_stands_for_all() -> Result<()> {
    const MANY: usize = 2_000;
    in_fresh_netns(|| {
        let tracer = watch(&["--sample", "1/4"])?;
        let server = Server::listen(PORT, 100)?;
        server.finish_by_client(MANY)?;
        let session = tracer.stop()?;
        for (old, new) in [("SYN_SENT", "ESTABLISHED"), ("SYN_RECV", "ESTABLISHED")] {
            let reported = transitions(&session, old, new).len();
            ensure!(
                (350..650).contains(&reported),
                "{reported} of {MANY} are {old} -> {new}"
            );
        }
        let mut estimated = 0.0;
        for tick in of_type(&session, "churn") {
            ensure!(tick["sample"] == 4, "{tick}");
            let per_s = tick["per_s"]["ESTABLISHED"].as_f64().unwrap_or(0.0);
            estimated += per_s * tick["interval_s"].as_f64().unwrap_or(0.0);
        }
        ensure!(
            (2_800.0..5_200.0).contains(&estimated),
            "{estimated} estimated"
        );
        Ok(())
    })
}

#[test]
fn a_person_reads_a_line_for_each_transition_and_a_block_a_tick() -> Result<()> {
    in_fresh_netns(|| {
        let _server = thread::spawn(|| -> Result<()> {
            let deadline = Deadline::seconds(4);
            while !deadline.passed() {
                Server::listen(PORT, 10)?.finish_by_client(1)?;
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        });
        let output = run(["states", "--watch", "-b", "--netns", "self", "-n", "2"])?;
        let output = text(&output.stdout)?;
        for words in [
            "SYN_SENT -> ESTABLISHED",
            "into each state per second:",
            "lost 0",
        ] {
            ensure!(output.contains(words), "{words}: {output}");
        }
        Ok(())
    })
}
