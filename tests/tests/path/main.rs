//! `path` finds every hop, agrees with ping and mtr, and shows its report.

mod findings;
mod routers;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::route::{CABLES, hosts, outcome, path};
use netperf_tests::net::chain::{Chain, Link};
use netperf_tests::net::relay::Impairment;
use netperf_tests::peer::reference;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::integer;
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::sandbox::Sandbox;
use netperf_tests::tracer::terminal::Terminal;

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

/// What a program prints at the near host.
fn printed(chain: &Chain, program: &str, args: &[&str]) -> Result<Option<String>> {
    reference::printed(program, chain.near(program).args(args))
}

#[test]
fn it_agrees_with_ping_and_mtr_where_they_are_installed() -> Result<()> {
    let slow = Impairment {
        delay: Duration::from_millis(25),
        ..Impairment::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Impaired(slow), Link::Cable])?;
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
    if let Some(output) = printed(&chain, "ping", &["-n", "-c", "15", "-i", "0.2", &far])? {
        let figures = output.rsplit(" = ").next().context("no figures")?;
        agrees(figures.split('/').nth(1).context("no average")?)?;
    }
    let args = [
        "--report", "--no-dns", "--csv", "-c", "5", "-i", "0.3", &far,
    ];
    if let Some(output) = printed(&chain, "mtr", &args)? {
        let rows: Vec<Vec<&str>> = output
            .lines()
            .map(|line| line.split(',').collect())
            .collect();
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

/// A process at the near host with an open connection to the far one, over which it has sent some bytes.
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
fn the_peer_of_a_process_is_probed_and_compared_with_its_own_rtt() -> Result<()> {
    let slow = Impairment {
        delay: Duration::from_millis(20),
        ..Impairment::default()
    };
    let chain = Chain::new(&[Link::Cable, Link::Impaired(slow)])?;
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
    let lines = ndjson::lines(&output.stdout)?;
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
    let public = PublicCopy::new()?;
    let place = Sandbox::here().as_nobody(&[]);
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
    let place = Sandbox::here().as_nobody(&["net_raw"]);
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
