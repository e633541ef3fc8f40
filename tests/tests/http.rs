//! `http` shows the phase that takes the time, against nginx with TLS and a slow upstream.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{A, DnsServer, Script};
use netperf_tests::peer::nginx::{HOST, Nginx, SLOW, serve};
use netperf_tests::tracer;
use netperf_tests::tracer::command::{run_as, text};
use netperf_tests::tracer::probe::{self, ensure_finding, ensure_harmless};
use netperf_tests::tracer::sandbox::Sandbox;
use serde_json::Value;

/// Extra time that a busy machine may take.
const SLACK: f64 = 3.0;

/// `netperf-trace http ARGS` with the host of nginx where it is, and its certificate valid.
fn run(nginx: Option<&Nginx>, args: &[&str]) -> Result<Output> {
    let mut command = Command::new("timeout");
    command
        .arg("20")
        .arg(tracer::binary()?)
        .arg("http")
        .args(args);
    for port in [80, 443] {
        command.args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
    }
    if let Some(nginx) = nginx {
        command.env("SSL_CERT_FILE", nginx.certificate());
    }
    run_as(&mut command)
}

/// The tick of a session that ran once, and the exit status.
fn tick(output: &Output) -> Result<(Value, Option<i32>)> {
    probe::tick(output, "http")
}

fn ask(nginx: &Nginx, args: &[&str]) -> Result<(Value, Option<i32>)> {
    tick(&run(Some(nginx), &[&["--json"], args].concat())?)
}

fn requests(tick: &Value) -> Result<&Vec<Value>> {
    tick["targets"][0]["requests"]
        .as_array()
        .context("no requests")
}

fn seconds(request: &Value, name: &str) -> Result<f64> {
    let time = request["times"][name].as_f64();
    time.with_context(|| format!("no {name} in {request}"))
}

#[test]
fn a_slow_upstream_is_a_long_wait_for_the_first_byte() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        let url = format!("https://{HOST}/slow");
        let (tick, status) = ask(&nginx, &[&url, "-c", "2"])?;
        ensure!(status == Some(0), "{tick}");
        let request = &requests(&tick)?[0];
        ensure!(
            request["status"] == 200 && request["http_version"] == "HTTP/2",
            "{request}"
        );
        ensure!(
            request["body_bytes"] == 5 && request["remote"] == "127.0.0.1:443",
            "{request}"
        );
        let tls = &request["tls"];
        ensure!(
            tls["version"] == "TLSv1.3" && tls["resumed"] == false,
            "{tls}"
        );
        ensure!(
            tls["certificates"] == 1 && tls["ocsp_stapled"] == false,
            "{tls}"
        );
        let wait = request["phases_us"]["wait"].as_f64().context("no wait")? / 1e6;
        let late = SLOW.as_secs_f64();
        ensure!((late..late + SLACK).contains(&wait), "{wait}");
        ensure!(tick["targets"][0]["longest"]["phase"] == "wait", "{tick}");
        ensure_finding(&tick, "ok", "waiting for the first byte")?;
        let phases = request["phases_us"].as_object().context("no phases")?;
        let sum: u64 = phases.values().filter_map(Value::as_u64).sum();
        let total = request["total_us"].as_u64().context("no total")?;
        ensure!(sum.abs_diff(total) < 10, "{sum} of {total}");
        Ok(())
    })
}

#[test]
fn its_times_are_those_of_curl() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        let url = format!("https://{HOST}/slow");
        let (tick, _) = ask(&nginx, &[&url])?;
        let ours = &requests(&tick)?[0];
        let names = [
            "time_namelookup",
            "time_connect",
            "time_appconnect",
            "time_pretransfer",
            "time_starttransfer",
            "time_total",
        ];
        let format = names.map(|name| format!("%{{{name}}}")).join(" ");
        let output = run_as(
            Command::new("curl")
                .args(["-s", "-o", "/dev/null", "-w", &format, &url, "--cacert"])
                .arg(nginx.certificate())
                .args(["--resolve", &format!("{HOST}:443:127.0.0.1")]),
        )?;
        let theirs = text(&output.stdout)?.split(' ').map(str::parse::<f64>);
        let theirs = theirs.collect::<Result<Vec<_>, _>>()?;
        ensure!(theirs.len() == names.len(), "{theirs:?}");
        let mut before = 0.0;
        for (name, theirs) in names.into_iter().zip(theirs) {
            let ours = seconds(ours, name)?;
            ensure!(
                (ours - theirs).abs() < SLACK,
                "{name}: {ours}, curl says {theirs}"
            );
            ensure!(ours >= before, "{name}: {ours} after {before}");
            before = ours;
            if ["time_starttransfer", "time_total"].contains(&name) {
                let late = SLOW.as_secs_f64();
                ensure!(ours >= late && theirs >= late, "{name}: {ours}, {theirs}");
            }
        }
        Ok(())
    })
}

#[test]
fn an_open_connection_spares_the_handshakes() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        for version in ["--http1.1", "--http2"] {
            let url = format!("https://{HOST}/");
            let (tick, status) = ask(&nginx, &[&url, "-c", "3", "--keep-alive", version])?;
            ensure!(status == Some(0), "{tick}");
            let requests = requests(&tick)?;
            let reused: Vec<_> = requests.iter().map(|it| it["reused"] == true).collect();
            ensure!(reused == [false, true, true], "{tick}");
            ensure!(seconds(&requests[0], "time_appconnect")? > 0.0, "{tick}");
            ensure!(seconds(&requests[1], "time_appconnect")? == 0.0, "{tick}");
        }
        let (tick, _) = ask(&nginx, &[&format!("https://{HOST}/"), "-c", "3"])?;
        let resumed: Vec<_> = requests(&tick)?
            .iter()
            .map(|it| it["tls"]["resumed"] == true)
            .collect();
        ensure!(resumed == [false, true, true], "{tick}");
        ensure!(
            requests(&tick)?.iter().all(|it| it["reused"] == false),
            "{tick}"
        );
        Ok(())
    })
}

#[test]
fn a_certificate_that_is_not_valid_ends_with_status_5_unless_that_is_to_be_ignored() -> Result<()> {
    in_fresh_netns(|| {
        let _nginx = Nginx::start()?;
        let url = format!("https://{HOST}/");
        let (refused, status) = tick(&run(None, &["--json", &url])?)?;
        ensure_finding(
            &refused,
            "critical",
            "the TLS handshake failed: invalid peer certificate",
        )?;
        ensure!(status == Some(5), "{refused}");
        ensure!(requests(&refused)?[0]["failed_in"] == "tls", "{refused}");
        let (taken, status) = tick(&run(None, &["--json", &url, "--insecure"])?)?;
        ensure_finding(&taken, "warn", "the certificate is not valid")?;
        ensure!(status == Some(0), "{taken}");
        Ok(())
    })
}

#[test]
fn limits_that_are_not_kept_end_with_status_5() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        let url = format!("http://{HOST}/slow");
        let (missed, status) = ask(&nginx, &[&url, "--slo", "ttfb=100ms,total=60s"])?;
        ensure_finding(&missed, "critical", "ttfb is over its limit")?;
        ensure!(status == Some(5), "{missed}");
        ensure!(
            missed["slo"][0]["met"] == false && missed["slo"][1]["met"] == true,
            "{missed}"
        );
        let (kept, status) = ask(&nginx, &[&url, "--slo", "total=60s"])?;
        ensure!(status == Some(0), "{kept}");
        Ok(())
    })
}

#[test]
fn a_failure_is_reported_with_its_phase_and_status_5() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        let silent = TcpListener::bind("127.0.0.1:8091")?;
        for (url, phase, part) in [
            ("http://127.0.0.1:9/", "connect", "Connection refused"),
            ("http://192.0.2.1/", "connect", "Network is unreachable"),
            (
                "http://nowhere.test/",
                "dns",
                "the name could not be resolved",
            ),
            ("https://127.0.0.1:80/", "tls", "failed"),
            ("http://127.0.0.1:8091/", "wait", "not finished within 1 s"),
        ] {
            let (tick, status) = ask(&nginx, &[url, "--timeout", "1"])?;
            ensure!(status == Some(5), "{url}: {tick}");
            ensure_finding(&tick, "critical", part)?;
            ensure!(requests(&tick)?[0]["failed_in"] == phase, "{url}: {tick}");
        }
        drop(silent);
        let (failed, status) = ask(&nginx, &[&format!("http://{HOST}/failed")])?;
        ensure_finding(&failed, "critical", "status 503")?;
        ensure!(status == Some(5), "{failed}");
        let (gone, status) = ask(&nginx, &[&format!("http://{HOST}/gone")])?;
        ensure_finding(&gone, "warn", "status 404")?;
        ensure!(status == Some(0), "{gone}");
        let (moved, _) = ask(&nginx, &[&format!("http://{HOST}/moved")])?;
        ensure_finding(&moved, "ok", "it is elsewhere, at http://web.test/")?;
        Ok(())
    })
}

#[test]
fn each_address_is_measured_by_itself() -> Result<()> {
    in_fresh_netns(|| {
        let nginx = Nginx::start()?;
        let both = "two.test:80:127.0.0.1,127.0.0.7";
        let args = ["http://two.test/", "--all", "--resolve", both, "-c", "2"];
        let (each, status) = ask(&nginx, &args)?;
        ensure!(status == Some(5), "{each}");
        let targets = each["targets"].as_array().context("no targets")?;
        let finished: Vec<_> = targets
            .iter()
            .map(|it| (it["address"].as_str(), it["finished"].as_u64()))
            .collect();
        let expected = [
            (Some("127.0.0.1:80"), Some(2)),
            (Some("127.0.0.7:80"), Some(0)),
        ];
        ensure!(finished == expected, "{finished:?}");
        let (first, status) = ask(&nginx, &["http://two.test/", "--resolve", both])?;
        ensure!(status == Some(0), "{first}");
        Ok(())
    })
}

#[test]
fn a_slow_resolver_is_a_long_lookup() -> Result<()> {
    in_fresh_netns(|| {
        let _nginx = Nginx::start()?;
        let scripts = [("slow.test", A, Script::values(400, &[&[127, 0, 0, 1]]))];
        let _server = DnsServer::at([127, 0, 0, 2], &scripts)?;
        let mut command = Sandbox::here()
            .resolv_conf("nameserver 127.0.0.2\\n")
            .command(&tracer::binary()?);
        let output = run_as(command.args(["http", "--json", "http://slow.test/"]))?;
        let (tick, status) = tick(&output)?;
        ensure!(status == Some(0), "{tick}");
        ensure!(tick["targets"][0]["longest"]["phase"] == "dns", "{tick}");
        let looked_up = seconds(&requests(&tick)?[0], "time_namelookup")?;
        ensure!((0.4..0.4 + SLACK).contains(&looked_up), "{looked_up}");
        Ok(())
    })
}

#[test]
fn headers_can_not_steer_the_terminal() -> Result<()> {
    in_fresh_netns(|| {
        let answer = b"HTTP/1.1 302 Found\r\nServer: evil\xc2\x9b31m\xff\r\nLocation: http://evil\xc2\x9b2J\r\n\
                       Content-Length: 0\r\n\r\n";
        serve("127.0.0.1:80".parse()?, Duration::ZERO, answer)?;
        for form in ["--json", "-b"] {
            let output = run(None, &[form, &format!("http://{HOST}/")])?;
            ensure_harmless(text(&output.stdout)?, "evil")?;
        }
        Ok(())
    })
}
