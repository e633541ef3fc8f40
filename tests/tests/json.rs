//! What the lines of JSON say is true. That each has the fields of docs/schema, the harness checks for every line.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::load::mover::Mover;
use netperf_tests::load::steady::Ends;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::{self, Session, Tracer, integer, text};
use serde_json::Value;

/// A tracer that runs for three ticks beside a steady load, and the ends of that load.
fn beside_steady(args: &[&str]) -> Result<(Session, Ends)> {
    let mut mover = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let mut args = args.to_vec();
    args.extend(["--json", "-d", "0.3", "-n", "3"]);
    let session = Tracer::start(&args)?.finish()?;
    mover.resume()?;
    mover.finish()?;
    Ok((session, ends))
}

/// The rows of a process in all ticks of `top`.
fn rows(session: &Session, pid: u32) -> impl Iterator<Item = &Value> {
    let rows = session
        .ticks
        .iter()
        .filter_map(|tick| tick["processes"].as_array())
        .flatten();
    rows.filter(move |row| row["pid"] == pid)
}

#[test]
fn top_prints_as_many_ticks_as_count_says() -> Result<()> {
    let (session, _) = beside_steady(&["top", "--connections"])?;
    ensure!(session.ticks.len() == 3, "{} ticks", session.ticks.len());
    Ok(())
}

#[test]
fn preflight_is_one_line() -> Result<()> {
    let session = Tracer::start(&["doctor", "--kernel", "--json"])?.finish()?;
    ensure!(session.status.success(), "{}", session.log);
    let [report] = &session.ticks[..] else {
        bail!("{} lines", session.ticks.len())
    };
    ensure!(report["can_count"] == true, "{report}");
    let hooks = session.start["hooks"].as_array();
    ensure!(
        hooks.is_some_and(|hooks| !hooks.is_empty()),
        "{}",
        session.start
    );
    Ok(())
}

#[test]
fn every_tick_of_flows_has_all_connections() -> Result<()> {
    let (session, _) = beside_steady(&["flows"])?;
    for tick in &session.ticks {
        ensure!(
            tick["flows"]
                .as_array()
                .is_some_and(|flows| flows.len() >= 4),
            "{tick}"
        );
    }
    Ok(())
}

#[test]
fn connections_are_listed_below_each_process_only_on_request() -> Result<()> {
    let (session, ends) = beside_steady(&["top", "--connections"])?;
    for end in &ends.ends {
        let row = rows(&session, end.pid)
            .next()
            .context("a process is missing")?;
        let flows = row["connections"].as_array().context("no connections")?;
        ensure!(flows.len() == 1, "{row}");
        ensure!(flows[0]["local"] == end.local.to_string(), "{row}");
    }
    let (session, ends) = beside_steady(&["top"])?;
    let row = rows(&session, ends.ends[0].pid)
        .next()
        .context("a process is missing")?;
    ensure!(row.get("connections").is_none(), "{row}");
    Ok(())
}

#[test]
fn a_process_that_moves_bytes_all_the_time_is_in_every_tick() -> Result<()> {
    let mut mover = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let session = Tracer::start(&["top", "--json", "-d", "0.4", "-n", "8"])?.finish()?;
    mover.resume()?;
    mover.finish()?;
    for end in &ends.ends {
        let shown = rows(&session, end.pid).count();
        ensure!(shown == 8, "{} is in {shown} of 8 ticks", end.name);
    }
    Ok(())
}

#[test]
fn a_process_is_described_as_proc_describes_it() -> Result<()> {
    let mut mover = Mover::start(["steady", "a name"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let pid = ends.ends[0].pid;
    let session = Tracer::start(&["top", "--json", "-d", "0.3", "-n", "2"])?.finish()?;
    let row = rows(&session, pid)
        .next()
        .context("the process is missing")?;
    let proc = |file: &str| format!("/proc/{pid}/{file}");
    ensure!(text(row, "name")? == "a name", "{row}");
    let exe = fs::read_link(proc("exe"))?;
    ensure!(text(row, "exe")? == exe.to_string_lossy(), "{row}");
    let cmdline = fs::read_to_string(proc("cmdline"))?;
    let cmdline: Vec<&str> = cmdline.trim_end_matches('\0').split('\0').collect();
    ensure!(row["cmdline"] == Value::from(cmdline), "{row}");
    let cgroups = fs::read_to_string(proc("cgroup"))?;
    let cgroup = cgroups.lines().find_map(|line| line.strip_prefix("0::"));
    ensure!(row["cgroup"].as_str() == cgroup, "{row}");
    ensure!(row["uid"] == 0 && row["user"] == "root", "{row}");
    ensure!(
        integer(row, "netns")? == fs::metadata(proc("ns/net"))?.ino(),
        "{row}"
    );
    ensure!(row["alive"] == true, "{row}");
    mover.resume()?;
    mover.finish()?;
    Ok(())
}

#[test]
fn a_process_that_is_gone_keeps_its_name_user_and_cgroup() -> Result<()> {
    let tracer = Tracer::start(&["top", "--json", "-d", "0.5"])?;
    Mover::start(["run", "tcp_brief_senders"])?.finish()?;
    let session = tracer.stop()?;
    let all = session
        .ticks
        .iter()
        .filter_map(|tick| tick["processes"].as_array())
        .flatten();
    let brief: Vec<&Value> = all.filter(|row| row["name"] == "brief").collect();
    ensure!(brief.len() >= 60, "{} brief processes", brief.len());
    for row in brief {
        let known = row["user"] == "root" && row["cgroup"].is_string();
        ensure!(known && row["alive"] == false, "{row}");
    }
    Ok(())
}

#[test]
fn totals_are_the_sum_of_the_processes_and_rates_fit_the_interval() -> Result<()> {
    let (session, _) = beside_steady(&["top"])?;
    for tick in &session.ticks {
        let interval = tick["interval_s"].as_f64().context("no interval")?;
        for direction in ["tx_bytes", "rx_bytes"] {
            let rows = tick["processes"].as_array().context("no processes")?;
            let sum: u64 = rows.iter().filter_map(|row| row[direction].as_u64()).sum();
            ensure!(integer(&tick["total"], direction)? == sum, "{tick}");
            for row in rows {
                let rate = integer(row, &format!("{direction}_per_s"))?;
                fits(integer(row, direction)?, interval, rate)?;
            }
        }
    }
    Ok(())
}

/// `rate` must be `bytes` over `interval`, to the next integer and the digits of the interval.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn fits(bytes: u64, interval: f64, rate: u64) -> Result<()> {
    let wanted = bytes as f64 / interval;
    ensure!(
        (wanted - rate as f64).abs() <= 1.0 + wanted * 1e-6,
        "{bytes} B: {rate} B/s"
    );
    Ok(())
}

#[test]
fn times_go_on_and_intervals_are_measured() -> Result<()> {
    let clock = Deadline::seconds(0);
    let (session, _) = beside_steady(&["top"])?;
    let most = clock.elapsed().as_secs_f64();
    let mut before = text(&session.start, "time")?;
    let mut sum = 0.0;
    for tick in &session.ticks {
        let time = text(tick, "time")?;
        ensure!(time > before, "{time} follows {before}");
        before = time;
        let interval = tick["interval_s"].as_f64().context("no interval")?;
        ensure!(interval > 0.1 && interval < 5.0, "{interval}");
        sum += interval;
    }
    ensure!(sum <= most, "{sum} s of ticks in {most} s");
    ensure!(text(&session.end, "time")? >= before, "{}", session.end);
    Ok(())
}

#[test]
fn filters_show_only_what_they_name() -> Result<()> {
    let only = |args: &[&str], names: &[&str]| -> Result<()> {
        let (session, ends) = beside_steady(args)?;
        let pids: Vec<u32> = ends.ends.iter().map(|end| end.pid).collect();
        let mut seen: Vec<String> = Vec::new();
        for row in session
            .ticks
            .iter()
            .filter_map(|tick| tick["processes"].as_array())
            .flatten()
        {
            // Other tests have steady loads too.
            let mine = pids.iter().any(|pid| row["pid"] == *pid);
            let name = text(row, "name")?;
            ensure!(names.contains(&name.as_str()), "{args:?} shows {row}");
            if mine && !seen.contains(&name) {
                seen.push(name);
            }
        }
        ensure!(seen.len() == names.len(), "{args:?} shows only {seen:?}");
        Ok(())
    };
    only(&["top", "--name", "^steady out$"], &["steady out"])?;
    only(
        &["top", "--name", "^steady (in|out)$", "--user", "root"],
        &["steady out", "steady in"],
    )?;
    Ok(())
}

#[test]
fn the_pid_filter_may_be_repeated() -> Result<()> {
    let mut mover = Mover::start(["steady"])?;
    let ends: Ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    let (one, two) = (ends.ends[0].pid, ends.ends[2].pid);
    let (p, q) = (one.to_string(), two.to_string());
    let args = [
        "top", "--json", "-d", "0.3", "-n", "2", "-p", &p, "--pid", &q,
    ];
    let session = Tracer::start(&args)?.finish()?;
    let pids: Vec<u32> = session.totals()?.into_keys().map(|(pid, _)| pid).collect();
    ensure!(pids == [one.min(two), one.max(two)], "{pids:?}");
    mover.resume()?;
    mover.finish()?;
    Ok(())
}

#[test]
fn rows_are_sorted_and_limited() -> Result<()> {
    let (session, _) = beside_steady(&["top", "--sort", "rx", "--rows", "2"])?;
    for tick in &session.ticks {
        let rows = tick["processes"].as_array().context("no processes")?;
        let rx: Vec<u64> = rows
            .iter()
            .filter_map(|row| row["rx_bytes"].as_u64())
            .collect();
        ensure!(rx.len() == 2 && rx[0] >= rx[1] && rx[1] > 0, "{tick}");
    }
    let (session, _) = beside_steady(&["top", "--sort", "name"])?;
    for tick in &session.ticks {
        let rows = tick["processes"].as_array().context("no processes")?;
        let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        ensure!(names.is_sorted(), "{names:?}");
    }
    Ok(())
}

#[test]
fn interfaces_are_those_of_the_tracers_namespace_with_their_bytes() -> Result<()> {
    let veth = VethPair::new()?;
    let binary = tracer::binary()?;
    let binary = binary.to_str().context("a path that is no UTF-8")?;
    let tracer = Tracer::start_as(
        veth.near(binary)
            .args(["top", "--json", "-d", "0.3", "-n", "3"]),
    )?;
    veth.exchange_packets()?;
    let session = tracer.finish()?;
    let mut bytes = 0;
    for tick in &session.ticks {
        let list = tick["interfaces"].as_array().context("no interfaces")?;
        let mut names: Vec<&str> = list.iter().filter_map(|one| one["name"].as_str()).collect();
        names.retain(|name| !name.starts_with("ifb"));
        ensure!(names == ["lo", "cable0"], "{names:?}");
        let cable = list
            .iter()
            .find(|one| one["name"] == "cable0")
            .context("no cable")?;
        bytes += integer(cable, "tx_bytes")?;
    }
    // At least one segment without payload: 40 bytes of headers, and Ethernet's.
    ensure!(bytes >= 54, "{bytes} bytes on the cable");
    Ok(())
}
