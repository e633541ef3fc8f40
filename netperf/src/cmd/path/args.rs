//! Options of `path`.

use std::time::Duration;

use clap::Args;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::path::condition::PathMetric;

use crate::cmd::args::values::{interval, seconds};

/// Options of `path`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct PathArgs {
    /// Name or address of the host
    #[arg(value_name = "HOST", required_unless_present = "of_process")]
    pub host: Option<String>,
    /// Probe the hosts that this process exchanges most bytes with over TCP, and show its own
    /// round-trip times
    #[arg(long, value_name = "PID", conflicts_with = "host")]
    pub of_process: Option<u32>,
    /// Probe every address of the host
    #[arg(long, conflicts_with = "of_process")]
    pub all: bool,
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// UDP instead of ICMP echo; `--udp=PORT` for another port than 33434
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "33434", value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help_heading = "Probes")]
    pub udp: Option<u16>,
    /// TCP SYN to this port instead of ICMP echo; no connection is made
    #[arg(
        long,
        value_name = "PORT",
        conflicts_with = "udp",
        help_heading = "Probes"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub tcp: Option<u16>,
    /// Stop after this many cycles; a cycle probes each hop once [default with --report: 10]
    #[arg(short = 'c', long, value_name = "N", help_heading = "Probes")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "count")]
    pub cycles: Option<u64>,
    /// Time between the starts of two cycles, as `-d` [default: 1]
    #[arg(short = 'i', value_name = "SECS", value_parser = interval, help_heading = "Probes")]
    #[arg(conflicts_with = "interval")]
    pub every: Option<Duration>,
    /// A probe without an answer by then is lost, 0.1 to 60 seconds
    #[arg(long, value_name = "SECS", value_parser = timeout, help_heading = "Probes")]
    #[arg(default_value = "4")]
    pub timeout: Duration,
    /// Largest number of hops
    #[arg(long, value_name = "N", default_value = "30", help_heading = "Probes")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..))]
    pub max_hops: u8,
    /// Length of a probe with its IP header; those too large for the path are fragmented [default: 64]
    #[arg(
        long,
        value_name = "BYTES",
        conflicts_with = "tcp",
        help_heading = "Probes"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(64..=65_000))]
    pub size: Option<u16>,
    /// Find the largest packet that passes, and where larger ones vanish (by ICMP echo)
    #[arg(long, help_heading = "Probes")]
    pub mtu: bool,
    /// Run all cycles first, then print one report
    #[arg(long, help_heading = "Presentation")]
    pub report: bool,
    /// Exit status 5 if one of these holds for the destination: `loss>=1%,avg>200ms` (`loss`, `min`, `avg`,
    /// `max`, `mdev`, `jitter`, `p50`, `p95`, `p99`, `hops`, `mtu`; `<`, `<=`, `>`, `>=`)
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Check"
    )]
    pub fail_if: Vec<Condition<PathMetric>>,
}

fn timeout(text: &str) -> Result<Duration, String> {
    seconds(text, 0.1..=60.0).ok_or_else(|| "a timeout lasts 0.1 to 60 seconds".to_owned())
}

/// Description of `path`.
pub(in crate::cmd) const ABOUT: &str = "\
Probes the path to a host as mtr, traceroute and ping do together: each router with loss and times, the
destination with percentiles, and in words what they mean. A router that does not answer is not loss;
loss and delay that begin somewhere and last to the end are named with that hop.

Probes are ICMP echo, or UDP, or TCP SYNs, over IPv4 or IPv6. All of them look like one flow to the
routers, so that load balancing does not mix several paths. A destination that never answers is exit
status 5, as is a broken --fail-if.";

/// Examples of `path`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace path example.org                        live, on the whole screen
  sudo netperf-trace path example.org --report -c 100        100 cycles, then a report
  sudo netperf-trace path example.org --tcp 443 --report     the path of HTTPS, through its filters
  sudo netperf-trace path example.org --report --mtu         and the largest packet that passes
  sudo netperf-trace path example.org --report --all         every address of the host
  sudo netperf-trace path --of-process 8821 --report         where this process talks to most
  sudo netperf-trace path example.org --report --fail-if 'loss>=1%,avg>200ms,p95>300ms'

Metrics of --fail-if: loss, min, avg, max, mdev, jitter, p50, p95, p99, hops, mtu, each with <, <=, >
or >=.
Times need a unit: us, ms or s.

Keys:
  q quit        Tab next address      up, down  scroll      space pause";
