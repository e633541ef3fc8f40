//! Is what a process moves held to a rate? What the tests of `limit` have in common, here and in virtual
//! machines.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::load::mover;
use crate::load::stream::Stream;
use crate::net::veth::VethPair;
use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;

/// The far end of the cable, and the near one.
pub const FAR: &str = "10.72.0.2:5001";
/// The near end.
pub const NEAR: &str = "10.72.0.1:5001";

/// Bytes.
pub const MB: f64 = 1e6;

/// Bytes per second that nothing holds.
pub const FREE: f64 = 40.0 * MB;

/// The mover, to run in the near namespace.
///
/// # Errors
/// When it is not there.
pub fn near(veth: &VethPair) -> Result<Command> {
    let mover = mover::binary()?;
    Ok(veth.near(mover.to_str().context("an odd path")?))
}

/// The same in the far namespace.
///
/// # Errors
/// When it is not there.
pub fn far(veth: &VethPair) -> Result<Command> {
    let mover = mover::binary()?;
    Ok(veth.far(mover.to_str().context("an odd path")?))
}

/// A process that receives, and is ready to.
///
/// # Errors
/// When it gets no socket.
pub fn sink(launcher: &mut Command, protocol: &str, address: &str) -> Result<Stream> {
    Stream::start(launcher, &format!("sink {protocol} {address}"))?.ready()
}

/// `count` senders in a process, for 60 seconds at the most: whoever starts them ends them.
///
/// # Errors
/// When it does not start.
pub fn source(launcher: &mut Command, protocol: &str, address: &str, count: u8) -> Result<Stream> {
    Stream::start(launcher, &format!("source {protocol} {address} {count} 60"))
}

/// Waits until something comes.
///
/// # Errors
/// When nothing comes.
pub fn await_traffic(sink: &mut Stream) -> Result<()> {
    await_rate(sink, f64::MIN_POSITIVE)
}

/// Waits until so many bytes per second come.
///
/// # Errors
/// When fewer come, for long.
pub fn await_rate(sink: &mut Stream, least: f64) -> Result<()> {
    let deadline = Deadline::seconds(20);
    loop {
        let (rate, _) = sink.rates(3)?;
        if rate >= least {
            return Ok(());
        }
        ensure!(
            !deadline.passed(),
            "only {rate:.0} bytes per second come; {least:.0} are needed"
        );
    }
}

/// Limits a process.
///
/// # Errors
/// When the limit does not begin.
pub fn limit(pid: u32, options: &[&str]) -> Result<Tracer> {
    let pid = pid.to_string();
    let args = [&["limit", "--json", "-d", "0.5", "--pid", &pid], options].concat();
    Tracer::start(&args)
}

/// Waits until what comes in a second is what was asked for, in MB/s: what is on its way when a limit begins
/// comes first, and a machine that has other things to do is behind for a while.
///
/// # Errors
/// When that does not happen.
pub fn settles(sink: &mut Stream, asked: f64) -> Result<()> {
    let deadline = Deadline::seconds(20);
    loop {
        let (rate, bins) = sink.rates(10)?;
        match is_held(rate, asked) {
            Err(error) if deadline.passed() => return Err(error.context(format!("{bins:?}"))),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
}

/// Whether a rate is what was asked for, in MB/s.
///
/// # Errors
/// When it is not.
pub fn is_held(rate: f64, asked: f64) -> Result<()> {
    let share = rate / MB / asked;
    ensure!(
        (0.9..1.05).contains(&share),
        "{:.3} of {asked} MB/s",
        rate / MB
    );
    Ok(())
}

/// Everything that a limit may have made where the processes are.
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
