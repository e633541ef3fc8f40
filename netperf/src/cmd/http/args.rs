//! Options of `http`.

use std::time::Duration;

use clap::Args;
use hyper::Method;

use crate::cmd::args::naming::Naming;
use crate::cmd::args::values::patience;

/// Options of `http`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct HttpArgs {
    /// What to request: http://… or https://…
    #[arg(value_name = "URL")]
    pub url: String,
    /// Number of requests, one after the other
    #[arg(short = 'c', long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests: u32,
    /// Use one connection for all requests, as long as the server keeps it open
    #[arg(long)]
    pub keep_alive: bool,
    /// Use HTTP/1.1 only
    #[arg(long = "http1.1", conflicts_with = "http2")]
    pub http1: bool,
    /// Use HTTP/2 only; without TLS by prior knowledge
    #[arg(long)]
    pub http2: bool,
    /// Connect to these addresses for a host and port, as in curl; may be given several times
    #[arg(long = "resolve", id = "resolve", value_name = "HOST:PORT:ADDR[,ADDR]")]
    pub resolve: Vec<Naming>,
    /// Add a header, or replace its value; may be given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// HTTP method; no body is sent
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: Method,
    /// Accept invalid TLS certificates
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// Request each address of the host separately
    #[arg(long)]
    pub all: bool,
    /// Give up a request after this many seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = patience)]
    pub timeout: Duration,
    /// Conditions that 95 % of the requests must meet, or the exit status is 5:
    /// `total<=500ms,ttfb<200ms`, or a phase: dns, connect, tls, request, wait, body (`<`, `<=`, `>`,
    /// `>=`; `=` is `<=`)
    #[arg(long, value_name = "LIMITS")]
    pub slo: Vec<String>,
}

/// Description of `http`.
pub(in crate::cmd) const ABOUT: &str = "\
Requests a URL and shows how long each phase took: looking the name up (dns), connecting TCP
(connect), agreeing on TLS (tls), handing over the request (request), waiting for the first byte
(wait), and reading the rest (body); as bars, with the longest phase named and its usual causes.
The ends of the phases are the times of curl -w, which --json has under curl's names, cumulative
and in seconds. Several requests (-c) are timed one by one, each on a connection of its own unless
--keep-alive is given; TLS sessions are resumed where the server allows it, and the output shows
which were. Percentiles are those of requests that finished.

Names are looked up as dns does it: /etc/hosts, then the resolvers. IPv6 and IPv4 addresses are
tried in turn; the next one after 250 ms. Certificates are checked against Mozilla's list and the
authorities of this machine. Redirects are not followed, proxies are not used, and bodies are
counted and thrown away. It needs no rights. It runs once, or once a tick if -d, -n or --duration
is given.";

/// Examples of `http`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  netperf-trace http https://example.org/                where does the time go?
  netperf-trace http https://example.org/ -c 20          and is it always so?
  netperf-trace http https://example.org/ -c 20 --keep-alive
  netperf-trace http https://example.org/ --all          each address of the host
  netperf-trace http https://example.org/ --resolve example.org:443:192.0.2.7
  netperf-trace http https://example.org/ -c 20 --slo 'total<=500ms,ttfb<200ms'
  netperf-trace http http://192.0.2.7:8080/health -H 'Host: example.org' -d 10 --json

Exit status:
  0 every request got an answer below status 500, within the limits of --slo; 2 wrong usage;
  5 otherwise: stderr has the reason.";
