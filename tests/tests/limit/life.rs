//! The life of a limit: in the background, beside others, for a time, by keys, and as a dry run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::rate_limit::{
    FAR, FREE, await_limit, await_rate, await_traffic, far, inventory, near, sink, source,
};
use netperf_tests::load::stream::Stream;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::cgroup::Cgroup;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::sys::turn;
use netperf_tests::tracer::command::text;
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::registry::RegistryFolder;
use netperf_tests::tracer::terminal::Terminal;
use netperf_tests::tracer::{self, integer};
use serde_json::Value;

/// A stream between two namespaces, and a folder for its limits.
struct LimitedStream {
    // Before the namespaces: their processes go first.
    source: Stream,
    sink: Stream,
    veth: VethPair,
    folder: RegistryFolder,
}

impl LimitedStream {
    fn new() -> Result<Self> {
        let veth = VethPair::new()?;
        let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
        let source = source(&mut near(&veth)?, "tcp", FAR, 1)?;
        await_traffic(&mut sink)?;
        Ok(Self {
            source,
            sink,
            veth,
            folder: RegistryFolder::new()?,
        })
    }

    /// `netperf-trace limit ARGS` for the source; returns its stdout.
    fn limit(&self, args: &[&str]) -> Result<String> {
        let pid = self.source.pid().to_string();
        self.run(&[&["--pid", &pid], args].concat())
    }

    /// `netperf-trace limit ARGS`, which must succeed.
    fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.folder.limit(args)?;
        let (stdout, stderr) = (text(&output.stdout)?, text(&output.stderr)?);
        ensure!(
            output.status.success(),
            "{args:?}: {}, {stdout}{stderr}",
            output.status
        );
        Ok(stdout.to_owned())
    }

    /// `netperf-trace ARGS` for the source, in a terminal.
    fn view(&self, args: &[&str]) -> Result<Terminal> {
        let mut command = Command::new(tracer::binary()?);
        command.args(args).args(["-d", "0.5", "--pid"]);
        command.arg(self.source.pid().to_string());
        command.env("NETPERF_TRACE_RUN", &self.folder.0);
        Terminal::start(&mut command, 24, 80)
    }

    /// The limits in `list --json`.
    fn listed(&self) -> Result<Vec<Value>> {
        let output = self.run(&["list", "--json"])?;
        let list = ndjson::line(output.lines().nth(1).context("no list")?)?;
        Ok(list["limits"].as_array().context("no limits")?.clone())
    }
}

impl Drop for LimitedStream {
    fn drop(&mut self) {
        // After a failed test, its limits still exist.
        let _ = self.folder.limit(&["clear", "--all"]);
    }
}

#[test]
fn a_limit_in_the_background_is_listed_changed_and_lifted() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let before = inventory(&stream.veth)?;
    let output = stream.limit(&["5MB", "--detach"])?;
    ensure!(output.contains("limit 1"), "{output}");
    let mode = fs::metadata(stream.folder.file("limit-1"))?.permissions();
    ensure!(mode.mode() & 0o777 == 0o600, "{:o}", mode.mode());
    await_limit(&mut stream.sink, 5.0)?;
    let listed = stream.listed()?;
    let [one] = &listed[..] else {
        anyhow::bail!("not one limit: {listed:?}");
    };
    ensure!(integer(one, "id")? == 1, "{one}");
    let pid = u64::from(stream.source.pid());
    ensure!(integer(&one["processes"][0], "pid")? == pid, "{one}");
    stream.run(&["set", "--id", "1", "10MB"])?;
    await_limit(&mut stream.sink, 10.0)?;
    stream.run(&["clear", "--pid", &pid.to_string()])?;
    await_rate(&mut stream.sink, FREE)?;
    ensure!(stream.listed()?.is_empty(), "it is still listed");
    ensure!(
        inventory(&stream.veth)? == before,
        "left is {}",
        inventory(&stream.veth)?
    );
    Ok(())
}

#[test]
fn of_two_limits_the_tighter_one_holds_and_the_list_shows_it() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    stream.limit(&["--up", "20MB", "--detach"])?;
    stream.limit(&["--up", "5MB", "--detach"])?;
    await_limit(&mut stream.sink, 5.0)?;
    let list = stream.run(&["list"])?;
    ensure!(list.contains("up: 2 is tighter"), "{list}");
    ensure!(list.contains("up: tighter than 1"), "{list}");
    stream.run(&["clear", "--id", "2"])?;
    await_limit(&mut stream.sink, 20.0)?;
    stream.run(&["clear", "--all"])?;
    await_rate(&mut stream.sink, FREE)
}

#[test]
fn a_limit_ends_after_its_time() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let before = inventory(&stream.veth)?;
    let output = stream.limit(&["5MB", "--for", "2s", "--json"])?;
    ensure!(
        inventory(&stream.veth)? == before,
        "left is {}",
        inventory(&stream.veth)?
    );
    let end = ndjson::line(output.lines().last().context("no output")?)?;
    ensure!(end["type"] == "end" && end["reason"] == "duration", "{end}");
    await_rate(&mut stream.sink, FREE)
}

#[test]
fn a_check_fails_only_if_the_rate_is_not_reached() -> Result<()> {
    let _turn = turn::shared();
    let stream = LimitedStream::new()?;
    let pid = stream.source.pid().to_string();
    // More than anything here moves.
    let output = stream
        .folder
        .limit(&["--pid", &pid, "--up", "10GB", "--check"])?;
    let complaint = text(&output.stderr)?;
    ensure!(
        output.status.code() == Some(5),
        "{}: {complaint}",
        output.status
    );
    ensure!(complaint.contains("10.0 GB/s"), "{complaint}");
    // A busy machine may miss it once.
    let deadline = Deadline::seconds(60);
    loop {
        match stream.limit(&["--up", "5MB", "--check"]) {
            Err(error) if deadline.passed() => return Err(error),
            Err(_) => {}
            Ok(_) => return Ok(()),
        }
    }
}

#[test]
fn keys_limit_the_selected_process_in_top_and_release_it() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let before = inventory(&stream.veth)?;
    let mut view = stream.view(&["top"])?;
    view.wait_for_text(&stream.source.pid().to_string())?;
    view.press("Lup 5MB\r")?;
    view.wait_for_text("up 5.00 MB/s")?;
    await_limit(&mut stream.sink, 5.0)?;
    view.press("U")?;
    await_rate(&mut stream.sink, FREE)?;
    view.wait_for("forgot the limit", |screen| {
        !screen.contents().contains("up 5.00 MB/s")
    })?;
    view.press("q")?;
    ensure!(view.end()?.success(), "q is no good end");
    ensure!(inventory(&stream.veth)? == before, "something is left");
    Ok(())
}

#[test]
fn keys_change_the_rate_of_the_live_line_and_end_it() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let before = inventory(&stream.veth)?;
    let mut view = stream.view(&["limit", "--up", "10MB"])?;
    view.wait_for_text("/10.0 MB/s")?;
    // A tenth more, and twice a tenth less.
    for (keys, rate) in [("+", 11.0), ("--", 8.91)] {
        view.press(keys)?;
        await_limit(&mut stream.sink, rate)?;
    }
    view.wait_for_text("/8.91 MB/s")?;
    view.press("q")?;
    ensure!(view.end()?.success(), "q is no good end");
    await_rate(&mut stream.sink, FREE)?;
    ensure!(inventory(&stream.veth)? == before, "something is left");
    Ok(())
}

#[test]
fn a_dry_run_shows_what_would_be_done_and_does_nothing() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let before = inventory(&stream.veth)?;
    let output = stream.limit(&["1MB", "--dry-run"])?;
    ensure!(inventory(&stream.veth)? == before, "something was made");
    for part in ["cable0", "10.72.0.2:5001", "mover"] {
        ensure!(output.contains(part), "{part}: {output}");
    }
    await_rate(&mut stream.sink, FREE)
}

#[test]
fn a_cgroup_is_limited_with_processes_that_join_later() -> Result<()> {
    let _turn = turn::shared();
    let mut stream = LimitedStream::new()?;
    let name = format!("netperf-limited-{}", std::process::id());
    let cgroup = Cgroup::new(name.as_bytes())?;
    fs::write(cgroup.procs(), stream.source.pid().to_string())?;
    stream.run(&["--cgroup", &name, "--up", "5MB", "--detach"])?;
    await_limit(&mut stream.sink, 5.0)?;
    let later = Stream::start(&mut near(&stream.veth)?, "family tcp 10.72.0.2:5001 1 60")?;
    let mut later = later.ready()?;
    fs::write(cgroup.procs(), later.pid().to_string())?;
    later.resume()?;
    let listed = stream.listed()?;
    ensure!(listed.len() == 1, "{listed:?}");
    await_limit(&mut stream.sink, 5.0)?;
    stream.run(&["clear", "--all"])?;
    await_rate(&mut stream.sink, FREE)?;
    drop(later);
    drop(stream);
    drop(cgroup);
    Ok(())
}

#[test]
fn addresses_of_ipv4_in_sockets_of_ipv6_are_held() -> Result<()> {
    let _turn = turn::shared();
    let veth = VethPair::new()?;
    let folder = RegistryFolder::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", "[::]:5001")?;
    let source = source(&mut near(&veth)?, "tcp", "[::ffff:10.72.0.2]:5001", 1)?;
    await_traffic(&mut sink)?;
    for (pid, way) in [(source.pid(), "--up"), (sink.pid(), "--down")] {
        let args = ["--pid", &pid.to_string(), way, "5MB", "--detach"];
        let output = folder.limit(&args)?;
        ensure!(output.status.success(), "{}", text(&output.stderr)?);
        await_limit(&mut sink, 5.0).context(way)?;
        let output = folder.limit(&["clear", "--all"])?;
        ensure!(output.status.success(), "{}", text(&output.stderr)?);
        await_rate(&mut sink, FREE)?;
    }
    Ok(())
}
