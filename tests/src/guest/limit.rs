//! `limit` on this kernel, with each mechanism.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::time::ClockId;

use super::machine::{self, Kernel};
use super::report::Report;
use crate::checks::rate_limit::{
    FAR, MB, NEAR, await_traffic, far, inventory, limit, near, sink, source,
};
use crate::load::stream::Stream;
use crate::net::veth::VethPair;
use crate::sys::deadline::Deadline;
use crate::tracer::Tracer;

/// The first kernel with tcx.
const TCX: Kernel = (6, 6);

/// The limit: an emulated processor moves several times as much.
const LIMIT: &str = "1MB";
const RATE: f64 = 1.0;

/// A link as in real networks: 10 ms ± 1 ms in each direction, and one packet in a thousand is lost.
const DELAY: &str = "netem delay 10ms 1ms loss 0.1% limit 10000";

/// The least share of the limit: an emulated processor that is not scheduled in time sends less.
const LEAST: f64 = 0.3;

/// Names and qdiscs of the links.
const LINKS: [(&str, Option<&str>); 3] =
    [("cable", None), ("fq", Some("fq")), ("netem", Some(DELAY))];

/// Limits two processes, of which one sends and one receives.
pub(super) fn examine(kernel: Kernel, report: &mut Report) {
    match held("auto", "htb", None).and_then(|summary| machine::load_late().map(|()| summary)) {
        Ok(summary) => report.passed("auto", "limit without tbf", &summary),
        Err(error) => report.failed("auto", "limit without tbf", &format!("{error:#}")),
    }
    for mechanism in ["tcx", "clsact"] {
        if mechanism == "tcx" && kernel < TCX {
            match refusal() {
                Ok(why) => report.passed(mechanism, "limit", &why),
                Err(error) => report.failed(mechanism, "limit", &format!("{error:#}")),
            }
            continue;
        }
        for (name, queue) in LINKS {
            // Once over a link with delay is enough.
            if queue.is_some() && mechanism == "clsact" && kernel >= TCX {
                continue;
            }
            let test = format!("limit over {name}");
            match held(mechanism, "tbf", queue) {
                Ok(summary) => report.passed(mechanism, &test, &summary),
                Err(error) => report.failed(mechanism, &test, &format!("{error:#}")),
            }
        }
    }
    match slept() {
        Ok(summary) => report.passed("auto", "limit and sleep", &summary),
        Err(error) => report.failed("auto", "limit and sleep", &format!("{error:#}")),
    }
}

/// The machine sleeps under a limit: the limit holds afterwards, and nothing is left behind.
fn slept() -> Result<String> {
    let veth = VethPair::new()?;
    let before = inventory(&veth)?;
    let mut far_sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let sender = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    await_traffic(&mut far_sink)?;
    let tracer = limit(sender.pid(), &["--up", LIMIT])?;
    settled(&mut far_sink).context("before")?;
    let before_sleep = time_asleep()?;
    std::fs::write("/sys/class/rtc/rtc0/wakealarm", "+3").context("no alarm to wake it")?;
    std::fs::write("/sys/power/state", "mem").context("it does not sleep")?;
    let asleep = time_asleep()?.saturating_sub(before_sleep);
    ensure!(asleep > Duration::from_secs(1), "it slept for {asleep:?}");
    let after = settled(&mut far_sink).context("after")?;
    tracer.stop()?;
    nothing_is_left(&veth, &before)?;
    Ok(format!(
        "{:.3} of {RATE} MB/s after {asleep:.1?} of sleep",
        after / MB
    ))
}

/// Time that the machine has slept since boot.
fn time_asleep() -> Result<Duration> {
    let clock = |which: ClockId| which.now().map(Duration::from);
    let awake = clock(ClockId::CLOCK_MONOTONIC)?;
    Ok(clock(ClockId::CLOCK_BOOTTIME)?.saturating_sub(awake))
}

/// On a kernel without tcx, the mechanism is refused.
fn refusal() -> Result<String> {
    let veth = VethPair::new()?;
    let process = sink(&mut far(&veth)?, "tcp", FAR)?;
    match limit(process.pid(), &[LIMIT, "--mechanism", "tcx"]) {
        Ok(_) => anyhow::bail!("it holds, though the kernel has no tcx"),
        Err(error) => {
            let error = format!("{error:#}");
            ensure!(error.contains("exit status: 4"), "{error}");
            Ok(error)
        }
    }
}

/// Limits by this mechanism and qdisc, over a cable with this queue.
fn held(mechanism: &str, bucket: &str, queue: Option<&str>) -> Result<String> {
    let veth = VethPair::new()?;
    if let Some(queue) = queue {
        for mut tc in [veth.near("tc"), veth.far("tc")] {
            tc.args("qdisc add dev cable0 root".split(' '))
                .args(queue.split(' '));
            ensure!(tc.status()?.success(), "no {queue}");
        }
    }
    let before = inventory(&veth)?;
    let mut far_sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let mut near_sink = sink(&mut near(&veth)?, "tcp", NEAR)?;
    let sender = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    let _far_sender = source(&mut far(&veth)?, "tcp", NEAR, 2)?;
    await_traffic(&mut far_sink)?;
    await_traffic(&mut near_sink)?;
    let receiver = near_sink.pid().to_string();
    let options = ["--pid", &receiver, LIMIT, "--mechanism", mechanism];
    let tracer = limit(sender.pid(), &options)?;
    let up = settled(&mut far_sink).context("up")?;
    let down = settled(&mut near_sink).context("down")?;
    let shown = mechanism_of(tracer)?;
    let is_it = mechanism == "auto" || shown.contains(mechanism);
    ensure!(is_it && shown.contains(bucket), "{shown}");
    nothing_is_left(&veth, &before)?;
    Ok(format!(
        "{shown}: up {:.3}, down {:.3} of {RATE} MB/s",
        up / MB,
        down / MB
    ))
}

/// The rate, once packets from before have arrived: an emulated reader may be seconds behind.
fn settled(sink: &mut Stream) -> Result<f64> {
    let deadline = Deadline::seconds(30);
    loop {
        let (rate, bins) = sink.rates(20)?;
        let share = rate / MB / RATE;
        if (LEAST..1.05).contains(&share) {
            return Ok(rate);
        }
        ensure!(!deadline.passed(), "{:.3} MB/s: {bins:?}", rate / MB);
    }
}

/// Stops a limit, and returns its mechanism.
fn mechanism_of(tracer: Tracer) -> Result<String> {
    let session = tracer.stop()?;
    let last = session.ticks.last().context("no tick")?;
    let mechanism = last["mechanism"].as_str().context("no mechanism")?;
    Ok(mechanism.to_owned())
}

fn nothing_is_left(veth: &VethPair, before: &str) -> Result<()> {
    let deadline = Deadline::seconds(20);
    while inventory(veth)? != before {
        ensure!(!deadline.passed(), "left is {}", inventory(veth)?);
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
