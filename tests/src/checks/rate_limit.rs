//! Streams under a limit, and the rate at which they arrive.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::load::mover;
use crate::load::stream::Stream;
use crate::net::veth::VethPair;
use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;

/// Address at the far end of the cable.
pub const FAR: &str = "10.72.0.2:5001";
/// Address at the near end of the cable.
pub const NEAR: &str = "10.72.0.1:5001";

/// Bytes of a megabyte.
pub const MB: f64 = 1e6;

/// Bytes per second that only a stream without a limit reaches.
pub const FREE: f64 = 40.0 * MB;

/// The mover, to run in the near namespace.
///
/// # Errors
/// When it is not built.
pub fn near(veth: &VethPair) -> Result<Command> {
    let mover = mover::binary()?;
    Ok(veth.near(mover.to_str().context("a path that is not UTF-8")?))
}

/// The mover, to run in the far namespace.
///
/// # Errors
/// When it is not built.
pub fn far(veth: &VethPair) -> Result<Command> {
    let mover = mover::binary()?;
    Ok(veth.far(mover.to_str().context("a path that is not UTF-8")?))
}

/// Starts a process that receives, and waits until it is ready.
///
/// # Errors
/// When it gets no socket.
pub fn sink(launcher: &mut Command, protocol: &str, address: &str) -> Result<Stream> {
    Stream::start(launcher, &format!("sink {protocol} {address}"))?.ready()
}

/// Starts a process with `count` senders, for 60 seconds at most.
///
/// # Errors
/// When it does not start.
pub fn source(launcher: &mut Command, protocol: &str, address: &str, count: u8) -> Result<Stream> {
    Stream::start(launcher, &format!("source {protocol} {address} {count} 60"))
}

/// Waits until bytes arrive.
///
/// # Errors
/// When none do.
pub fn await_traffic(sink: &mut Stream) -> Result<()> {
    await_rate(sink, f64::MIN_POSITIVE)
}

/// Waits until at least so many bytes per second arrive.
///
/// # Errors
/// When fewer arrive for 20 seconds.
pub fn await_rate(sink: &mut Stream, least: f64) -> Result<()> {
    let deadline = Deadline::seconds(20);
    loop {
        let (rate, _) = sink.rates(3)?;
        if rate >= least {
            return Ok(());
        }
        ensure!(
            !deadline.passed(),
            "only {rate:.0} bytes per second arrive; {least:.0} are needed"
        );
    }
}

/// Limits a process.
///
/// # Errors
/// When the limit does not start.
pub fn limit(pid: u32, options: &[&str]) -> Result<Tracer> {
    let pid = pid.to_string();
    let args = [&["limit", "--json", "-d", "0.5", "--pid", &pid], options].concat();
    Tracer::start(&args)
}

/// Waits until a second's rate is the limit, in MB/s: packets on their way when a limit starts arrive first, and
/// a busy machine is behind for a while.
///
/// # Errors
/// When that takes more than 20 seconds.
pub fn await_limit(sink: &mut Stream, limit_mb: f64) -> Result<()> {
    let deadline = Deadline::seconds(20);
    loop {
        let (rate, bins) = sink.rates(10)?;
        match ensure_limit(rate, limit_mb) {
            Err(error) if deadline.passed() => return Err(error.context(format!("{bins:?}"))),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
}

/// Fails unless a rate is that of the limit, in MB/s.
///
/// # Errors
/// When it is not.
pub fn ensure_limit(rate: f64, limit_mb: f64) -> Result<()> {
    let share = rate / MB / limit_mb;
    ensure!(
        (0.9..1.05).contains(&share),
        "{:.3} of {limit_mb} MB/s",
        rate / MB
    );
    Ok(())
}

/// Everything that a limit may create in the namespace of its processes.
///
/// # Errors
/// When it can't be listed.
pub fn inventory(veth: &VethPair) -> Result<String> {
    let mut all = String::new();
    for (program, args) in [
        ("ip", "-o -d link show"),
        ("tc", "qdisc show"),
        ("tc", "filter show dev cable0 egress"),
        ("tc", "filter show dev cable0 ingress"),
        ("ip", "netns list-id"),
    ] {
        let output = veth.near(program).args(args.split(' ')).output()?;
        all += &String::from_utf8(output.stdout)?;
    }
    Ok(all)
}
