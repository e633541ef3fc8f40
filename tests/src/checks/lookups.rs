//! DNS queries of every kind, and what `dns --watch` reports of them: answer, time and owner.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::peer::dns_server::{A, AAAA, DnsServer, Script};
use crate::sys::deadline::Deadline;
use crate::tracer::{self, Tracer};

/// An address, as bytes of an answer.
pub const ADDRESS: &[u8] = &[192, 0, 2, 1];
/// Result code of a resolver that has failed.
pub const SERVFAIL: u8 = 2;

/// Delay of the late answer.
const LATE_MS: u64 = 200;

/// A query for `name`, as any client sends it.
#[must_use]
pub fn question(number: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut packet = number.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap_or(0));
        packet.extend(label.bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

/// Sends a query over UDP, and waits for the answer if `waits`.
///
/// # Errors
/// When none comes.
pub fn ask(server: SocketAddr, packet: &[u8], waits: bool) -> Result<()> {
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    socket.send_to(packet, server)?;
    if waits {
        socket.recv(&mut [0; 512]).context("no answer")?;
    }
    Ok(())
}

/// Starts `dns --watch` for the queries of this process, or of all.
///
/// # Errors
/// When it does not start.
pub fn watch(own: bool) -> Result<Tracer> {
    let pid = std::process::id().to_string();
    let mut args = vec!["dns", "--watch", "--json", "-d", "0.3", "--timeout", "3"];
    if own {
        args.extend(["--pid", &pid]);
    }
    Tracer::start(&args)
}

/// Everything that a watch has printed.
#[derive(Debug, Default)]
pub struct QueryLog {
    /// Queries that ended, by name.
    pub queries: BTreeMap<String, Vec<Value>>,
    /// The lines between them.
    pub ticks: Vec<Value>,
}

impl QueryLog {
    /// Reads until each of these names has so many ended queries, and stops the watch.
    ///
    /// # Errors
    /// When they do not.
    pub fn until(mut tracer: Tracer, names: &[(&str, usize)]) -> Result<Self> {
        let deadline = Deadline::seconds(30);
        let mut log = Self::default();
        while names.iter().any(|&(name, count)| log.count(name) < count) {
            let line = tracer.next_line(deadline)?;
            let line = line.with_context(|| format!("the watch ended: {log:#?}"))?;
            if line["type"] == "dns_query" {
                let name = tracer::text(&line, "query")?;
                log.queries.entry(name).or_default().push(line);
            } else {
                log.ticks.push(line);
            }
        }
        let rest = tracer.stop()?.ticks.into_iter();
        log.ticks
            .extend(rest.filter(|it| it["type"] == "dns_watch"));
        Ok(log)
    }

    fn count(&self, name: &str) -> usize {
        self.queries.get(name).map_or(0, Vec::len)
    }

    /// The first query for a name.
    ///
    /// # Errors
    /// When none was.
    pub fn one(&self, name: &str) -> Result<&Value> {
        let rows = self.queries.get(name);
        rows.and_then(|rows| rows.first())
            .with_context(|| format!("no {name}"))
    }

    /// The sum of a field over all rows of all ticks.
    fn sum(&self, field: &str) -> u64 {
        let rows = self
            .ticks
            .iter()
            .filter_map(|tick| tick["processes"].as_array());
        rows.flatten().filter_map(|row| row[field].as_u64()).sum()
    }
}

/// Sends the same query twice over one connection, the first time in three parts.
fn ask_over_tcp(server: SocketAddr, packet: &[u8], answer: usize) -> Result<()> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let framed = [&u16::try_from(packet.len())?.to_be_bytes(), packet].concat();
    for part in [&framed[..1], &framed[1..9], &framed[9..]] {
        stream.write_all(part)?;
    }
    stream.read_exact(&mut vec![0; answer + 2])?;
    stream.write_all(&framed)?;
    Ok(stream.read_exact(&mut vec![0; answer + 2])?)
}

/// One query of each kind, by this process, in the network namespace of this thread.
///
/// # Errors
/// When one is not answered, or not reported.
pub fn one_of_each() -> Result<QueryLog> {
    let scripts = [
        ("late.watch", A, Script::values(LATE_MS, &[ADDRESS])),
        ("bad.watch", A, Script::rcode(SERVFAIL)),
        ("lost.watch", A, Script::Silence),
        ("tcp.watch", AAAA, Script::values(0, &[&[0; 16]])),
        ("six.watch", A, Script::values(0, &[ADDRESS])),
    ];
    let server = DnsServer::at([127, 0, 0, 2], &scripts)?.address;
    let six = DnsServer::start("[::1]:53".parse()?, &scripts)?.address;
    let tracer = watch(true)?;
    ask(server, &question(1, "late.watch", A), true)?;
    ask(server, &question(2, "bad.watch", A), true)?;
    ask(server, &question(3, "none.watch", A), true)?;
    ask(server, &question(4, "lost.watch", A), false)?;
    ask(six, &question(5, "six.watch", A), true)?;
    let packet = question(6, "tcp.watch", AAAA);
    ask_over_tcp(server, &packet, packet.len() + 28)?;
    let names = [
        "late.watch",
        "bad.watch",
        "none.watch",
        "lost.watch",
        "six.watch",
    ];
    let mut counts = names.map(|name| (name, 1)).to_vec();
    counts.push(("tcp.watch", 2));
    QueryLog::until(tracer, &counts)
}

/// Compares what was reported of [`one_of_each`] with what was sent.
///
/// # Errors
/// What is wrong.
pub fn check(log: &QueryLog) -> Result<()> {
    let pid = u64::from(std::process::id());
    for row in log.queries.values().flatten() {
        ensure!(row["pid"] == pid && row["retries"] == 0, "{row}");
    }
    for (name, field, value) in [
        ("late.watch", "result", "NOERROR"),
        ("bad.watch", "result", "SERVFAIL"),
        ("none.watch", "result", "NXDOMAIN"),
        ("lost.watch", "result", "timeout"),
        ("tcp.watch", "result", "NOERROR"),
        ("tcp.watch", "proto", "tcp"),
        ("tcp.watch", "record_type", "AAAA"),
        ("late.watch", "proto", "udp"),
        ("late.watch", "resolver", "127.0.0.2:53"),
        ("six.watch", "resolver", "[::1]:53"),
    ] {
        ensure!(log.one(name)?[field] == value, "{}", log.one(name)?);
    }
    let took = log.one("late.watch")?["took_us"].as_u64();
    let took = took.context("no time")?;
    ensure!((LATE_MS * 1_000..3_000_000).contains(&took), "{took}");
    ensure!(log.one("lost.watch")?["took_us"].is_null());
    ensure!(
        log.sum("queries") == 7 && log.sum("timeouts") == 1,
        "{log:#?}"
    );
    ensure!(
        log.sum("failures") == 1 && log.sum("no_name") == 1,
        "{log:#?}"
    );
    let last = log.ticks.last().context("no tick")?;
    ensure!(
        last["loss"]["ring_lost"] == 0 && last["loss"]["unread"] == 0,
        "{last}"
    );
    Ok(())
}
