//! `dns` and dig agree, on a server of the tests and on a real one.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::peer::dns_server::{A, AAAA, DnsServer, Script};
use netperf_tests::peer::dnsmasq::{self, Dnsmasq};
use netperf_tests::peer::reference::printed;
use netperf_tests::sys::turn;
use netperf_tests::tracer;
use netperf_tests::tracer::command::run_as;
use netperf_tests::tracer::probe;
use serde_json::Value;

/// Largest difference of two measurements on a busy machine.
const TOLERANCE_US: u64 = 30_000;

/// The answer of a resolver to one question.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    rcode: String,
    /// Type, value and time to live of each record.
    records: BTreeSet<(String, String, u64)>,
}

/// The row of `dns` for one server and record type.
fn ours(server: &str, name: &str, kind: &str, options: &[&str]) -> Result<Value> {
    let server = format!("@{server}");
    let mut command = Command::new(tracer::binary()?);
    command.args(["dns", "--json", name, kind, &server, "--only", "-c", "5"]);
    let (tick, _) = probe::tick(&run_as(command.args(options))?, "dns")?;
    let row = &tick["resolvers"][0]["types"][0];
    ensure!(row["record_type"] == kind, "{tick:#}");
    Ok(row.clone())
}

fn answer(row: &Value) -> Result<Answer> {
    let results = row["results"].as_object().context("no results")?;
    ensure!(results.len() == 1 && row["answered"] == 5, "{row:#}");
    let records = row["records"].as_array().context("no records")?;
    let record = |it: &Value| {
        let text = |name: &str| it[name].as_str().map(ToOwned::to_owned).context("no text");
        let ttl = it["ttl_s"].as_u64().context("no time to live")?;
        Ok((text("record_type")?, text("value")?, ttl))
    };
    Ok(Answer {
        rcode: results.keys().next().context("no result")?.clone(),
        records: records.iter().map(record).collect::<Result<_>>()?,
    })
}

/// The answer that dig shows, and the shortest of five query times; `None` if it is not installed.
fn dig(server: &str, name: &str, kind: &str, options: &[&str]) -> Result<Option<(Answer, u64)>> {
    let server = format!("@{server}");
    let (mut heard, mut times) = (None, Vec::new());
    for _ in 0..5 {
        let mut command = Command::new("dig");
        // In microseconds, and as few extras as our own questions have.
        command.args(["-r", "-u", "+noedns", "+tries=1", &server, name, kind]);
        let Some(text) = printed("dig", command.args(options))? else {
            return Ok(None);
        };
        let between = |from: &str, to: &str| {
            let (_, rest) = text.split_once(from)?;
            Some(rest.split_once(to)?.0.to_owned())
        };
        times.push(
            between("Query time: ", " usec")
                .context("no time")?
                .parse()?,
        );
        heard = Some(Answer {
            rcode: between("status: ", ",").with_context(|| text.clone())?,
            records: answers(&text),
        });
    }
    let fastest = times.into_iter().min().context("no time")?;
    Ok(heard.map(|heard| (heard, fastest)))
}

/// The answer section: name, time to live, class, type, value.
fn answers(text: &str) -> BTreeSet<(String, String, u64)> {
    let lines = text
        .lines()
        .skip_while(|line| *line != ";; ANSWER SECTION:");
    let rows = lines.skip(1).take_while(|line| !line.is_empty());
    rows.filter_map(|row| {
        let mut words = row.split_whitespace().skip(1);
        let (ttl, kind) = (words.next()?.parse().ok()?, words.nth(1)?.to_owned());
        Some((kind, words.collect::<Vec<_>>().join(" "), ttl))
    })
    .collect()
}

#[test]
fn its_times_and_answers_are_those_of_dig() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let scripts = [
            ("fast.test", A, Script::values(5, &[&[192, 0, 2, 1]])),
            (
                "slow.test",
                A,
                Script::values(200, &[&[192, 0, 2, 2], &[192, 0, 2, 3]]),
            ),
            ("slow.test", AAAA, Script::values(200, &[&[0x20; 16]])),
            ("bad.test", A, Script::rcode(2)),
        ];
        let _server = DnsServer::at([127, 0, 0, 2], &scripts)?;
        for (name, kind, after_ms) in [
            ("fast.test", "A", 5),
            ("slow.test", "A", 200),
            ("slow.test", "AAAA", 200),
            ("bad.test", "A", 0),
            ("none.test", "A", 0),
        ] {
            for options in [[].as_slice(), &["--tcp"]] {
                let row = ours("127.0.0.2", name, kind, options)?;
                let time = row["time"]["min_us"].as_u64().context("no time")?;
                let late = time.checked_sub(after_ms * 1_000);
                ensure!(
                    late.is_some_and(|late| late < TOLERANCE_US),
                    "{name}: {row:#}"
                );
                let over = if options.is_empty() { "+notcp" } else { "+tcp" };
                let Some((theirs, fastest)) = dig("127.0.0.2", name, kind, &[over])? else {
                    continue;
                };
                eprintln!("{name} {kind} {over}: {time} µs, dig {fastest} µs");
                ensure!(answer(&row)? == theirs, "{row:#} and {theirs:?}");
                ensure!(
                    time.abs_diff(fastest) < TOLERANCE_US,
                    "{name}: {time} and {fastest}"
                );
            }
        }
        Ok(())
    })
}

#[test]
fn both_get_the_same_answers_from_a_real_server() -> Result<()> {
    let _turn = turn::shared();
    in_fresh_netns(|| {
        let _server = Dnsmasq::start()?;
        let server = dnsmasq::ADDRESS.to_string();
        for (name, kind, rcode, records) in [
            ("real.test", "A", "NOERROR", 2),
            ("real.test", "AAAA", "NOERROR", 1),
            ("real.test", "TXT", "NOERROR", 1),
            ("real.test", "MX", "NOERROR", 1),
            ("real.test", "SRV", "NOERROR", 0),
            ("alias.test", "A", "NOERROR", 3),
            ("none.test", "A", "NXDOMAIN", 0),
        ] {
            let row = ours(&server, name, kind, &[])?;
            let here = answer(&row)?;
            ensure!(
                here.rcode == rcode && here.records.len() == records,
                "{row:#}"
            );
            let Some((theirs, fastest)) = dig(&server, name, kind, &[])? else {
                continue;
            };
            let time = row["time"]["min_us"].as_u64().context("no time")?;
            eprintln!("dnsmasq, {name} {kind}: {time} µs, dig {fastest} µs");
            ensure!(here == theirs, "{here:?} and {theirs:?}");
            ensure!(
                time.abs_diff(fastest) < TOLERANCE_US,
                "{name}: {time} and {fastest}"
            );
        }
        Ok(())
    })
}
