//! Churn of sockets and processes: every byte is counted, and memory does not grow.
//!
//! Takes 20 s, or `NETPERF_SOAK_SECS`, after some for warming up.

use std::fs;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::Mover;
use netperf_tests::tracer::exact::check;
use netperf_tests::tracer::{Tracer, integer};

/// What the tracer may have more in memory after than once it is warm: its tables grow in leaps, and to the
/// largest tick. In 20 s, 15 000 processes and ten times as many sockets come and go; 200 bytes kept of each
/// process, or 25 of each socket, are more than this.
const GROWTH_KIB: u64 = 3 * 1024;
/// Seconds after which its tables have nearly the size that this churn needs.
const WARM: &str = "10";
/// Sockets that others on this machine may have opened in between.
const OTHERS: u64 = 64;

fn seconds() -> Result<u64> {
    match std::env::var("NETPERF_SOAK_SECS") {
        Ok(text) => text.parse().context("NETPERF_SOAK_SECS is no number"),
        Err(_) => Ok(20),
    }
}

/// Memory of its own: what it maps of files is the kernel's to keep.
fn own_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number
        .context("no RssAnon")?
        .parse()
        .context("RssAnon is no number")
}

/// Slots in use at the end of a session in which this test moved nothing.
fn slots_at_rest() -> Result<u64> {
    let session = Tracer::start(&["top", "--json", "-d", "0.2", "-n", "2"])?.finish()?;
    integer(&session.end, "slots_in_use")
}

#[test]
fn churn_is_counted_to_the_byte_and_leaves_nothing_behind() -> Result<()> {
    let before = slots_at_rest()?;
    let mut tracer = Tracer::start(&["top", "--json", "-d", "1"])?;
    let warm = Mover::start(["churn", WARM])?.finish()?;
    tracer.await_tick()?;
    let memory = own_kib(tracer.pid())?;
    let mut played = Mover::start(["churn", &seconds()?.to_string()])?.finish()?;
    // Two ticks later everything that has closed has been seen to close.
    tracer.await_tick()?;
    tracer.await_tick()?;
    let grown = own_kib(tracer.pid())?.saturating_sub(memory);
    let session = tracer.stop()?;
    played.extend(warm);
    check(&session, &played)?;
    let after = integer(&session.end, "slots_in_use")?;
    ensure!(
        after <= before + OTHERS,
        "{before} slots were in use before, {after} are after"
    );
    ensure!(grown <= GROWTH_KIB, "the tracer grew by {grown} KiB");
    Ok(())
}
