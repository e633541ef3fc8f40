//! The life of one connection, and the transitions that `states --watch` reports of it.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::load::states::Server;
use crate::sys::deadline::Deadline;
use crate::tracer::{Session, Tracer, integer};

/// How long the connection is open.
const OPEN: Duration = Duration::from_millis(200);
/// The FIN of one end is acknowledged before that of the other comes.
const HALF_OPEN: Duration = Duration::from_millis(100);

/// States of the end that closes first.
const FIRST: [&str; 5] = [
    "SYN_SENT",
    "ESTABLISHED",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
];
/// States of the other end.
const SECOND: [&str; 5] = ["SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSE"];

/// Opens and closes a connection to `port` while `tracer` watches this network namespace, and checks every
/// transition. Returns the whole session.
///
/// # Errors
/// A transition that is missing or wrong.
pub fn check(mut tracer: Tracer, port: u16) -> Result<Session> {
    let server = Server::listen(port, 10)?;
    let (client, accepted) = server.connection()?;
    thread::sleep(OPEN);
    let local = client.local_addr()?.to_string();
    drop(client);
    thread::sleep(HALF_OPEN);
    drop(accepted);
    let mut seen = Vec::new();
    let deadline = Deadline::seconds(60);
    loop {
        let line = tracer.next_line(deadline)?.context("the tracer ended")?;
        let is_last = line["new"] == "TIME_WAIT" && line["local"] == local.as_str();
        seen.push(line);
        if is_last {
            break;
        }
    }
    let mut session = tracer.stop()?;
    seen.append(&mut session.ticks);
    session.ticks = seen;
    for (end, states) in [("local", FIRST), ("remote", SECOND)] {
        let reported: Vec<_> = transitions(&session)
            .filter(|line| line[end] == local.as_str())
            .collect();
        let pairs: Vec<_> = reported
            .iter()
            .filter_map(|line| Some([line["old"].as_str()?, line["new"].as_str()?]))
            .collect();
        ensure!(
            pairs == states.windows(2).collect::<Vec<_>>(),
            "{reported:#?}"
        );
        for line in &reported {
            ensure!(line["pid"] == std::process::id(), "wrong owner: {line}");
        }
        let Some(open) = reported.iter().find(|line| line["old"] == "ESTABLISHED") else {
            bail!("never ESTABLISHED");
        };
        let us = Duration::from_micros(integer(open, "in_old_us")?);
        ensure!(us >= OPEN && us < OPEN * 20, "open for {us:?}");
    }
    Ok(session)
}

/// Every transition of a session.
pub fn transitions(session: &Session) -> impl Iterator<Item = &Value> {
    let lines = session.ticks.iter();
    lines.filter(|line| line["type"] == "transition")
}
