//! Does `limit` hold on this kernel, by each way that it has?

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

/// What is asked for: an emulated processor moves some times as much.
const ASKED: &str = "1MB";
const RATE: f64 = 1.0;

/// A way as it is on other networks: 20 ms there, ±2 ms, and one packet of a thousand is lost.
const DELAY: &str = "netem delay 10ms 1ms loss 0.1% limit 10000";

/// An emulated processor that does not get its turn in time sends less than it might.
const LEAST: f64 = 0.3;

/// How the way between both ends is, and its name.
const WAYS: [(&str, Option<&str>); 3] =
    [("cable", None), ("fq", Some("fq")), ("netem", Some(DELAY))];

/// Holds two processes, of which one sends and one receives.
pub(super) fn examine(kernel: Kernel, report: &mut Report) {
    match held("auto", "htb", None).and_then(|told| machine::load_late().map(|()| told)) {
        Ok(told) => report.passed("auto", "limit without tbf", &told),
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
        for (name, queue) in WAYS {
            // Once over a long way is enough.
            if queue.is_some() && mechanism == "clsact" && kernel >= TCX {
                continue;
            }
            let test = format!("limit over {name}");
            match held(mechanism, "tbf", queue) {
                Ok(told) => report.passed(mechanism, &test, &told),
                Err(error) => report.failed(mechanism, &test, &format!("{error:#}")),
            }
        }
    }
    match slept() {
        Ok(told) => report.passed("auto", "limit and sleep", &told),
        Err(error) => report.failed("auto", "limit and sleep", &format!("{error:#}")),
    }
}

/// The machine sleeps while a limit holds: it holds after, too, and nothing is left.
fn slept() -> Result<String> {
    let veth = VethPair::new()?;
    let before = inventory(&veth)?;
    let mut there = sink(&mut far(&veth)?, "tcp", FAR)?;
    let sender = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    await_traffic(&mut there)?;
    let tracer = limit(sender.pid(), &["--up", ASKED])?;
    settled(&mut there).context("before")?;
    let before_sleep = time_asleep()?;
    std::fs::write("/sys/class/rtc/rtc0/wakealarm", "+3").context("nobody would wake it")?;
    std::fs::write("/sys/power/state", "mem").context("it does not sleep")?;
    let asleep = time_asleep()?.saturating_sub(before_sleep);
    ensure!(asleep > Duration::from_secs(1), "it slept for {asleep:?}");
    let after = settled(&mut there).context("after")?;
    tracer.stop()?;
    nothing_is_left(&veth, &before)?;
    Ok(format!(
        "{:.3} of {RATE} MB/s after {asleep:.1?} of sleep",
        after / MB
    ))
}

/// Since boot.
fn time_asleep() -> Result<Duration> {
    let clock = |which: ClockId| which.now().map(Duration::from);
    let awake = clock(ClockId::CLOCK_MONOTONIC)?;
    Ok(clock(ClockId::CLOCK_BOOTTIME)?.saturating_sub(awake))
}

/// A kernel without tcx says so.
fn refusal() -> Result<String> {
    let veth = VethPair::new()?;
    let somebody = sink(&mut far(&veth)?, "tcp", FAR)?;
    match limit(somebody.pid(), &[ASKED, "--mechanism", "tcx"]) {
        Ok(_) => anyhow::bail!("it holds, though the kernel has no tcx"),
        Err(error) => {
            let error = format!("{error:#}");
            ensure!(error.contains("exit status: 4"), "{error}");
            Ok(error)
        }
    }
}

/// By this way, with a bucket of this kind, while the cable has this queue.
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
    let mut there = sink(&mut far(&veth)?, "tcp", FAR)?;
    let mut here = sink(&mut near(&veth)?, "tcp", NEAR)?;
    let sender = source(&mut near(&veth)?, "tcp", FAR, 2)?;
    let _far_sender = source(&mut far(&veth)?, "tcp", NEAR, 2)?;
    await_traffic(&mut there)?;
    await_traffic(&mut here)?;
    let receiver = here.pid().to_string();
    let options = ["--pid", &receiver, ASKED, "--mechanism", mechanism];
    let tracer = limit(sender.pid(), &options)?;
    let up = settled(&mut there).context("up")?;
    let down = settled(&mut here).context("down")?;
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

/// The rate, once what was on its way before has come: an emulated reader may be seconds behind.
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

/// Ends a limit, and says how it held.
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
