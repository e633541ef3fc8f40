//! Does `path` find what is wrong on a way over routers, and only that?

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netperf_tests::batch::{run, run_as, text};
use netperf_tests::chain::{Chain, Link};
use netperf_tests::delay::Way;
use netperf_tests::place::Place;
use netperf_tests::public::Public;
use netperf_tests::terminal::Terminal;
use netperf_tests::tracer::{binary, integer};
use serde_json::Value;

/// Quick cycles, each waiting long enough for a busy machine.
const QUICK: [&str; 4] = ["-i", "0.1", "--timeout", "2"];

/// `netperf-trace path ARGS` at the near host.
fn path(chain: &Chain, args: &[&str]) -> Result<Command> {
    let binary = binary()?;
    let mut command = chain.near("timeout");
    command.arg("40").arg(binary).arg("path").args(args);
    Ok(command)
}

/// Its exit status and the last line about each address.
fn outcome(chain: &Chain, to: IpAddr, args: &[&str]) -> Result<(Option<i32>, Value)> {
    let to = to.to_string();
    let all = [&[to.as_str(), "--json"], &QUICK[..], args].concat();
    let output = run_as(&mut path(chain, &all)?)?;
    let lines = objects(&output)?;
    ensure!(
        lines.first().is_some_and(|line| line["type"] == "start"),
        "no start: {lines:?}"
    );
    ensure!(
        lines.last().is_some_and(|line| line["type"] == "end"),
        "no end: {lines:?}"
    );
    let last = lines.iter().rfind(|line| line["type"] == "path");
    let last = last.with_context(|| format!("no path: {output:?}"))?;
    Ok((output.status.code(), last.clone()))
}

/// The same to the far host over both families at once.
fn both(chain: &Chain, args: &[&str]) -> Result<[(Option<i32>, Value); 2]> {
    let of = |to| outcome(chain, to, args);
    let [v4, v6] = thread::scope(|scope| {
        let v6 = scope.spawn(|| of(chain.far_v6()));
        let v4 = of(chain.far());
        [v4, v6.join().unwrap_or_else(|_| bail!("a thread panicked"))]
    });
    Ok([v4?, v6?])
}

fn objects(output: &Output) -> Result<Vec<Value>> {
    let lines = text(&output.stdout)?.lines();
    lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

/// The findings of a level, what and evidence.
fn found(tick: &Value, level: &str) -> Vec<String> {
    let all = tick["findings"].as_array().into_iter().flatten();
    let of_level = all.filter(|finding| finding["level"] == level);
    of_level
        .map(|it| format!("{}; {}", it["what"], it["evidence"]))
        .collect()
}

fn says(tick: &Value, level: &str, words: &[&str]) -> Result<()> {
    let all = found(tick, level);
    let fits = |text: &String| words.iter().all(|word| text.contains(word));
    ensure!(all.iter().any(fits), "{level} {words:?}: {tick:#}");
    Ok(())
}

/// Nobody is blamed for loss. Delays may be those of a busy machine.
fn blames_nobody(tick: &Value) -> Result<()> {
    let worse = [found(tick, "warn"), found(tick, "critical")].concat();
    let is_blame = |text: &&String| !text.contains("jitter") && !text.contains("are added");
    let blamed: Vec<_> = worse.iter().filter(is_blame).collect();
    ensure!(blamed.is_empty(), "{blamed:?}");
    Ok(())
}

fn hosts(tick: &Value) -> Vec<String> {
    let hops = tick["hops"].as_array().into_iter().flatten();
    let first = hops.map(|hop| {
        hop["hosts"][0]["address"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    });
    first.collect()
}

fn one_in_19() -> Link {
    Link::Through(Way {
        loses_one_in: Some(19),
        ..Way::default()
    })
}

const CABLES: [Link; 4] = [Link::Cable; 4];

#[test]
fn every_hop_is_found_by_every_kind_of_probe_over_both_families() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    for to in [chain.far(), chain.far_v6()] {
        for method in [
            &["-c", "3"][..],
            &["-c", "3", "--udp"],
            &["-c", "3", "--tcp", "9"],
        ] {
            let (status, tick) = outcome(&chain, to, method)?;
            ensure!(status == Some(0), "{method:?}: {status:?}");
            let expected: Vec<String> = if to.is_ipv4() {
                [chain.router(1), chain.router(2), chain.router(3), to]
                    .map(|it| it.to_string())
                    .into()
            } else {
                ["fd90::2", "fd90:1::2", "fd90:2::2", "fd90:3::2"]
                    .map(str::to_owned)
                    .into()
            };
            ensure!(hosts(&tick) == expected, "{method:?}: {tick:#}");
            let destination = &tick["destination"];
            ensure!(integer(destination, "sent")? == 3, "{destination}");
            ensure!(
                integer(destination, "received")? == 3,
                "{method:?}: {destination}"
            );
            ensure!(integer(destination, "ttl")? == 4, "{destination}");
            ensure!(
                destination["refused"] == (method.len() == 4),
                "{method:?}: {destination}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_silent_router_is_no_loss_and_neither_is_one_that_answers_rarely() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    chain.answer_rarely(2, 100_000_000)?;
    for (status, tick) in both(&chain, &["-c", "5", "--fail-if", "loss>0"])? {
        ensure!(status == Some(0), "{status:?}: {tick:#}");
        ensure!(hosts(&tick)[1] == "-", "{tick:#}");
        ensure!(tick["hops"][1]["loss_percent"] == 100.0, "{tick:#}");
        says(
            &tick,
            "ok",
            &["hop 2 does not answer probes: that is not loss"],
        )?;
        blames_nobody(&tick)?;
    }
    chain.answer_rarely(2, 0)?;
    // Six at once, and then one in a second.
    chain.answer_rarely(3, 1_000)?;
    let (_, tick) = outcome(&chain, chain.far(), &["-c", "15"])?;
    says(
        &tick,
        "ok",
        &["hop 3 answers only some probes: that is not loss"],
    )?;
    blames_nobody(&tick)
}

#[test]
fn loss_is_named_with_the_link_that_loses() -> Result<()> {
    let chain = Chain::new(&[Link::Cable, Link::Cable, one_in_19(), Link::Cable])?;
    let args = ["-c", "60", "--fail-if", "loss>1,avg>10s"];
    for (status, tick) in both(&chain, &args)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let place = ["packets are lost: it begins between hop 2 (", "and hop 3 ("];
        says(&tick, "warn", &place)?;
        let destination = &tick["destination"];
        let lost = integer(destination, "sent")? - integer(destination, "received")?;
        ensure!((2..=7).contains(&lost), "{lost} of 60 lost");
        ensure!(tick["hops"][1]["loss_percent"] == 0.0, "{tick:#}");
    }
    Ok(())
}

#[test]
fn a_slow_link_is_named_and_only_it() -> Result<()> {
    let slow = Way {
        one_way: Duration::from_millis(40),
        ..Way::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Through(slow), Link::Cable, Link::Cable])?;
    for (_, tick) in both(&chain, &["-c", "15"])? {
        let ok = found(&tick, "ok");
        let warn = found(&tick, "warn");
        let all = [ok, warn].concat();
        let step = all
            .iter()
            .find(|text| text.contains("are added between hop 1"));
        let step = step.with_context(|| format!("{tick:#}"))?;
        ensure!(
            step.contains("and hop 2") && step.contains("long or slow link"),
            "{step}"
        );
        let median = integer(&tick["destination"], "p50_us")?;
        ensure!((80_000..400_000).contains(&median), "{median} µs");
    }
    Ok(())
}

#[test]
fn what_can_not_be_reached_is_exit_status_5_with_the_reason() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    chain.forget_far(2)?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2"])?;
    ensure!(status == Some(5), "{status:?}");
    says(
        &tick,
        "critical",
        &[
            "is not reached: hop 2 (10.90.1.2) says that",
            "of 2 probes (ICMP echo)",
        ],
    )?;
    let nowhere = path(&chain, &["203.0.113.1", "--report", "-c", "1"])?;
    let output = run_as(&mut { nowhere })?;
    ensure!(output.status.code() == Some(5), "{output:?}");
    let message = text(&output.stderr)?;
    ensure!(
        message.contains("203.0.113.1 is not reached: this machine does not send"),
        "{message}"
    );
    Ok(())
}

#[test]
fn a_destination_that_answers_no_echo_is_found_by_other_probes() -> Result<()> {
    let chain = Chain::new(&[Link::Cable; 2])?;
    chain.ignore_echo()?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2"])?;
    ensure!(status == Some(5), "{status:?}");
    says(
        &tick,
        "critical",
        &["is not reached: nothing behind hop 1 (10.90.0.2) answers"],
    )?;
    let (status, tick) = outcome(&chain, chain.far(), &["-c", "2", "--tcp", "9"])?;
    ensure!(status == Some(0), "{status:?}");
    says(&tick, "warn", &["the way is open", "port 9"])
}

#[test]
fn the_largest_packet_is_found_and_black_holes_are_told_from_routers_that_speak() -> Result<()> {
    let hole = Way {
        longest: Some(1_333),
        ..Way::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Cable, Link::Through(hole)])?;
    let args = ["-c", "2", "--mtu", "--fail-if", "mtu<1333"];
    let below = ["-c", "2", "--mtu", "--fail-if", "mtu<1400"];
    for (status, tick) in both(&chain, &below)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let mtu = &tick["mtu"];
        ensure!(mtu["passes"] == 1_333 && mtu["lost_at"] == 3, "{tick:#}");
        ensure!(
            mtu["black_hole"] == true && mtu["link"] == 1_500,
            "{tick:#}"
        );
        let vanish =
            "black hole: packets of more than 1333 bytes vanish on the link in front of hop 3";
        says(&tick, "critical", &[vanish])?;
    }
    chain.set_mtu(1, 1_300)?;
    for (status, tick) in both(&chain, &args)? {
        ensure!(status == Some(5), "{status:?}: {tick:#}");
        let mtu = &tick["mtu"];
        ensure!(
            mtu["passes"] == 1_300 && mtu["black_hole"] == false,
            "{tick:#}"
        );
        ensure!(mtu["link"] == 1_500 && mtu["told"] == 1_300, "{tick:#}");
        blames_nobody(&tick)?;
    }
    Ok(())
}

#[test]
fn all_probes_of_a_path_go_the_same_way_where_routers_share_links_by_flow() -> Result<()> {
    let chain = Chain::new(&[Link::Cable; 3])?;
    chain.share_second_link()?;
    // Each run is another flow: that all take the same cable is odd.
    let of = &|run: u16| -> Result<String> {
        let port = 40_000 + run;
        let method = if run.is_multiple_of(2) {
            format!("--udp={port}")
        } else {
            format!("--tcp={port}")
        };
        let (_, tick) = outcome(&chain, chain.far(), &["-c", "5", &method])?;
        let hosts = tick["hops"][1]["hosts"].as_array().context("no hosts")?;
        ensure!(hosts.len() == 1, "{method}: {hosts:?}");
        Ok(hosts[0]["address"].to_string())
    };
    let ways: HashSet<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..14).map(|run| scope.spawn(move || of(run))).collect();
        let ended = runs.into_iter().map(|run| match run.join() {
            Ok(way) => way,
            Err(_) => bail!("a thread panicked"),
        });
        ended.collect::<Result<_>>()
    })?;
    ensure!(ways.len() == 2, "only {ways:?} was ever taken");
    Ok(())
}

/// What a program prints at the near host; `None`, and said so, where this machine lacks it.
fn printed(chain: &Chain, program: &str, args: &[&str]) -> Result<Option<String>> {
    if let Err(error) = Command::new(program).arg("-V").output() {
        writeln!(
            std::io::stderr(),
            "skipped: the comparison with {program}: {error}"
        )?;
        return Ok(None);
    }
    let output = run_as(chain.near(program).args(args))?;
    ensure!(output.status.success(), "{program}: {output:?}");
    Ok(Some(text(&output.stdout)?.to_owned()))
}

#[test]
fn it_agrees_with_ping_and_mtr_where_they_are_installed() -> Result<()> {
    let slow = Way {
        one_way: Duration::from_millis(25),
        ..Way::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Through(slow), Link::Cable])?;
    let far = chain.far().to_string();
    let (_, tick) = outcome(&chain, chain.far(), &["-c", "15"])?;
    let own_ms = tick["destination"]["avg_us"]
        .as_f64()
        .context("no average")?
        / 1e3;
    let agrees = |other: &str| -> Result<()> {
        let other_ms: f64 = other.trim().parse().with_context(|| other.to_owned())?;
        ensure!(
            (own_ms - other_ms).abs() < 30.0,
            "{own_ms} ms and {other_ms} ms"
        );
        Ok(())
    };
    if let Some(said) = printed(&chain, "ping", &["-n", "-c", "15", "-i", "0.2", &far])? {
        let figures = said.rsplit(" = ").next().context("no figures")?;
        agrees(figures.split('/').nth(1).context("no average")?)?;
    }
    let args = [
        "--report", "--no-dns", "--csv", "-c", "5", "-i", "0.3", &far,
    ];
    if let Some(said) = printed(&chain, "mtr", &args)? {
        let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split(',').collect()).collect();
        let column = |name: &str| {
            rows[0]
                .iter()
                .position(|it| *it == name)
                .context("no column")
        };
        let (ip, avg) = (column("Ip")?, column("Avg")?);
        let theirs: Vec<String> = rows[1..].iter().map(|row| row[ip].to_owned()).collect();
        ensure!(theirs == hosts(&tick), "{theirs:?}: {tick:#}");
        agrees(rows[rows.len() - 1][avg])?;
    }
    Ok(())
}

#[test]
fn a_report_is_text_with_figures_and_findings() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    let far = chain.far().to_string();
    let output = run_as(&mut path(
        &chain,
        &[&far, "--report", "-c", "3", "-i", "0.1"],
    )?)?;
    ensure!(output.status.success(), "{output:?}");
    let report = text(&output.stdout)?;
    for words in [
        "path to 10.90.3.2: ICMP echo, 64 bytes, 3 cycles",
        "HOP  HOST",
        "10.90.1.2",
        "destination: 3 sent, 3 received, 0 % lost",
        "mdev",
        "p99",
        "FINDINGS",
    ] {
        ensure!(report.contains(words), "{words}: {report}");
    }
    ensure!(
        !report.contains('\x1b') && output.stderr.is_empty(),
        "{output:?}"
    );
    Ok(())
}

#[test]
fn a_terminal_shows_it_live_and_q_ends_it() -> Result<()> {
    let chain = Chain::new(&CABLES)?;
    let far = chain.far().to_string();
    let mut terminal = Terminal::start(&mut path(&chain, &[&far, "-i", "0.2"])?, 30, 110)?;
    let shown = |screen: &vt100::Screen| {
        let text = screen.contents();
        [
            "  4  10.90.3.2",
            "  1  10.90.0.2",
            "FINDINGS",
            "latest answers",
        ]
        .iter()
        .all(|words| text.contains(words))
    };
    terminal.wait_for("the path", shown)?;
    terminal.press("q")?;
    let status = terminal.end()?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// A process at the near host that has sent some to the far one, and keeps the connection.
struct Talker(Child);

impl Talker {
    fn start(chain: &Chain) -> Result<(Self, TcpStream)> {
        let far = chain.far();
        let listener = chain.in_far(|| Ok(TcpListener::bind((far, 0))?))?;
        let port = listener.local_addr()?.port();
        let script =
            format!("exec 3<>/dev/tcp/{far}/{port}; head -c {SAID} /dev/zero >&3; read -u 3");
        let child = chain.near("bash").args(["-c", &script]).spawn()?;
        let (mut stream, _) = listener.accept()?;
        stream.read_exact(&mut [0; SAID])?;
        Ok((Self(child), stream))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SAID: usize = 10_000;

#[test]
fn where_a_process_talks_to_is_probed_beside_its_own_times() -> Result<()> {
    let slow = Way {
        one_way: Duration::from_millis(20),
        ..Way::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Through(slow)])?;
    let (talker, _stream) = Talker::start(&chain)?;
    let pid = talker.0.id();
    // From here, where that network can't be seen.
    let output = run([
        "path",
        "--of-process",
        &pid.to_string(),
        "--json",
        "-c",
        "3",
        "-i",
        "0.2",
    ])?;
    let lines = objects(&output)?;
    let tick = lines.iter().rfind(|line| line["type"] == "path");
    let tick = tick.with_context(|| format!("{output:?}"))?;
    ensure!(tick["address"] == "10.90.1.2", "{tick:#}");
    let process = &tick["process"];
    ensure!(
        process["pid"] == pid && process["name"] == "bash",
        "{tick:#}"
    );
    // The latest segments may still be without acknowledgement.
    ensure!(integer(process, "bytes")? >= 2_000, "{process}");
    let srtt = integer(process, "srtt_median_us")?;
    ensure!((35_000..400_000).contains(&srtt), "{process}");
    ensure!(tick["destination"]["reached"] == true, "{tick:#}");
    ensure!(
        integer(&tick["destination"], "p50_us")? >= 40_000,
        "{tick:#}"
    );
    Ok(())
}

#[test]
fn without_cap_net_raw_it_names_it_and_the_command_that_works() -> Result<()> {
    let public = Public::new()?;
    let place = Place::here().as_nobody(&[]);
    let output = run_as(
        place
            .command(public.program())
            .args(["path", "127.0.0.1", "--report"]),
    )?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    let message = text(&output.stderr)?;
    ensure!(
        message.contains("CAP_NET_RAW") && message.contains("setcap cap_net_raw+ep"),
        "{message}"
    );
    ensure!(output.stdout.is_empty(), "{output:?}");
    let place = Place::here().as_nobody(&["net_raw"]);
    let args = ["path", "127.0.0.1", "--report", "-c", "2", "-i", "0.1"];
    let output = run_as(place.command(public.program()).args(args))?;
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}

#[test]
fn a_host_without_address_is_exit_status_5_and_wrong_options_2() -> Result<()> {
    let output = run(["path", "no-such-host.invalid", "--report"])?;
    ensure!(output.status.code() == Some(5), "{output:?}");
    let message = text(&output.stderr)?;
    ensure!(message.contains("`no-such-host.invalid`"), "{message}");
    for wrong in [
        &["path"][..],
        &["path", "localhost", "--fail-if", "avg>200"],
        &["path", "localhost", "--tcp", "0"],
        &["path", "0.0.0.0"],
        &["path", "ff02::1"],
        &["path", "a b"],
    ] {
        let output = run(wrong)?;
        ensure!(output.status.code() == Some(2), "{wrong:?}: {output:?}");
    }
    Ok(())
}
