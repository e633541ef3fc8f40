//! Which options does `http` have?

use std::time::Duration;

use clap::Args;
use hyper::Method;

use super::naming::Naming;
use crate::cmd::dns::args::patience;

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
    /// So many requests, one after the other
    #[arg(short = 'c', long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests: u32,
    /// One connection for all requests, as long as the server keeps it open
    #[arg(long)]
    pub keep_alive: bool,
    /// Only HTTP/1.1
    #[arg(long = "http1.1", conflicts_with = "http2")]
    pub http1: bool,
    /// Only HTTP/2; without TLS by prior knowledge
    #[arg(long)]
    pub http2: bool,
    /// A host and port are at these addresses, as for curl; may be given several times
    #[arg(long = "resolve", id = "resolve", value_name = "HOST:PORT:ADDR[,ADDR]")]
    pub resolve: Vec<Naming>,
    /// A further header, or another value for one; may be given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// Another method than GET; no body is sent
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: Method,
    /// Accept invalid TLS certificates
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// Each address of the host by itself
    #[arg(long)]
    pub all: bool,
    /// Give a request up after so many seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = patience)]
    pub timeout: Duration,
    /// Conditions that 95 of a hundred requests must fulfil, or the exit status is 5:
    /// `total<=500ms,ttfb<200ms`, or a phase: dns, connect, tls, request, wait, body (`<`, `<=`, `>`, `>=`;
    /// `=` is `<=`)
    #[arg(long, value_name = "LIMITS")]
    pub slo: Vec<String>,
}
