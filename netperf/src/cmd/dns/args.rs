//! Options of `dns`.

use std::time::Duration;

use clap::Args;

use crate::cmd::args::values::patience;

/// Options of `dns`.
#[derive(Debug, Args)]
pub struct DnsArgs {
    /// A name or an address, a type of record, and further resolvers
    #[arg(
        required_unless_present = "watch",
        value_name = "NAME [TYPE] [@SERVER[:PORT]]"
    )]
    pub words: Vec<String>,
    /// Send nothing; show the queries of processes as they end, and their totals once a tick
    #[arg(long, conflicts_with_all = ["words", "queries", "tcp", "only"])]
    pub watch: bool,
    /// Only queries of this process; may be given several times
    #[arg(
        short,
        long,
        value_name = "PID",
        value_delimiter = ',',
        requires = "watch"
    )]
    pub pid: Vec<u32>,
    /// Number of queries to each resolver
    #[arg(short = 'c', long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub queries: u32,
    /// Query over TCP
    #[arg(long)]
    pub tcp: bool,
    /// Use only the resolvers named with @, without those of /etc/resolv.conf and its search domains
    #[arg(long)]
    pub only: bool,
    /// How long to wait for each answer [default: as /etc/resolv.conf says, else 5]
    #[arg(long, value_name = "SECS", value_parser = patience)]
    pub timeout: Option<Duration>,
}

/// Usage line of `dns`.
pub(in crate::cmd) const USAGE: &str = "\
netperf-trace dns [OPTIONS] NAME [TYPE] [@SERVER[:PORT]]...
       netperf-trace dns --watch [--pid PID]... [OPTIONS]";

/// Description of `dns`.
pub(in crate::cmd) const ABOUT: &str = "\
Queries each resolver of /etc/resolv.conf, and those named with @, several times for a name, and
shows how long the answers take, what they are, and what is wrong: silent, slow, failing or differing
resolvers, truncated answers, AAAA that is lost where A is not. Without a type it queries A and AAAA,
as programs do, and sends both together as the C library does. For an address it looks up the name.

Before that it makes one lookup as programs do: /etc/hosts, search domains and ndots, one resolver
after the other, retries and timeouts of /etc/resolv.conf; with all queries that it took. It is
made of real queries, so the first may fill a cache that the later ones are answered from. Sources
of /etc/nsswitch.conf other than files and dns are named, not used.

A time runs from sending until the whole answer is here; a truncated answer counts with the query
over TCP that follows. A resolver that is silent for its first three queries gets no more. It needs
no rights. It runs once, or once a tick if -d, -n or --duration is given.

With --watch it sends nothing and shows the queries of processes: each query to port 53 as it ends,
over UDP and TCP, in every network namespace, with its process, resolver, result, time and retries;
and once a tick the queries and waiting times of each process. It needs no help of the C library, so
it sees every sender: programs in Go, containers, and what a resolver on this machine forwards to
others. --timeout sets how long to wait for an answer (5 s). Queries that are encrypted (DoT, DoH)
are not seen. --watch needs root or the capabilities that `top` needs.";

/// Examples of `dns`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  netperf-trace dns example.org                    who answers, how fast, what does a lookup cost?
  netperf-trace dns example.org MX -c 20           mail servers, 20 queries to each resolver
  netperf-trace dns db @192.0.2.1                  compared with another resolver
  netperf-trace dns db.example.org @192.0.2.1 --only --tcp
  netperf-trace dns 192.0.2.7                      the name of an address
  netperf-trace dns example.org -d 60 --json       once a minute, for programs
  sudo netperf-trace dns --watch                   what do processes look up?
  sudo netperf-trace dns --watch --pid 8821        this one?

Exit status:
  0 the name was found and every resolver answers; 2 wrong usage; 3, 4 --watch is not allowed, or
  not possible here; 5 there is no such name or record, or a resolver does not answer or fails:
  stderr names it.";
