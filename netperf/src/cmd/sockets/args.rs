//! Options of `sockets`.

use clap::Args;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::Scope;

use crate::cmd::args::filters::ProcessFilters;
use crate::cmd::args::values::{scope, states};

/// Options of `sockets`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct SocketsArgs {
    /// Filter in the syntax of ss: `dst 10.0.0.0/8 and not sport = :22`
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// TCP sockets
    #[arg(short, long, help_heading = "What is listed")]
    pub tcp: bool,
    /// UDP sockets
    #[arg(short, long, help_heading = "What is listed")]
    pub udp: bool,
    /// Raw sockets
    #[arg(short = 'w', long, help_heading = "What is listed")]
    pub raw: bool,
    /// Unix sockets
    #[arg(short = 'x', long, help_heading = "What is listed")]
    pub unix: bool,
    /// Listening and unconnected sockets
    #[arg(short, long, help_heading = "What is listed")]
    pub listening: bool,
    /// Sockets in every state
    #[arg(short, long, help_heading = "What is listed")]
    pub all: bool,
    /// Only these states, or groups of them: established, time-wait, connected, synchronized, bucket, …
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    #[arg(help_heading = "What is listed")]
    pub state: Vec<StateSet>,
    /// Not in these states
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    #[arg(help_heading = "What is listed")]
    pub exclude: Vec<StateSet>,
    /// Network namespaces: all that have processes, that of this program, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "all",
        hide_default_value = true
    )]
    #[arg(value_parser = scope, help_heading = "What is listed")]
    pub netns: Scope,
    /// Selects processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Show counts only
    #[arg(short, long, help_heading = "Presentation")]
    pub summary: bool,
    /// Show the TCP figures of each connection
    #[arg(short, long, help_heading = "Presentation")]
    pub info: bool,
    /// Explain long queues, below each socket that has one
    #[arg(long, help_heading = "Presentation")]
    pub explain: bool,
    /// Close the sockets that match, after confirmation; needs a filter
    #[arg(long, help_heading = "Action")]
    pub kill: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "kill", help_heading = "Action")]
    pub yes: bool,
}

/// Description of `sockets`.
pub(in crate::cmd) const ABOUT: &str = "\
Lists sockets as ss does, in every network namespace that has processes, each with its process, user,
unit and container. Without options these are the TCP, UDP and raw sockets that have a connection; with
-l those that listen, with -a all. It needs no rights; without root, the processes of other users and
other network namespaces are not shown, and the output names what is missing.

Recv-Q and Send-Q show which side is slow when nothing seems busy. For a connection they are bytes that
arrived and were not read, and bytes that were sent and not acknowledged. For a listening socket they are
the clients that wait to be accepted, and how many may wait. --explain puts it in words.

A filter is written as for ss: `src` and `dst` with addresses, `sport` and `dport` with ports, combined
by `and`, `or`, `not` and brackets, read from left to right; `state NAME` and `exclude NAME` may stand in
front. Names of hosts and services are not looked up.

--kill closes what matches, as if the connection had been aborted: the program gets an error from its
socket. UDP sockets are only disconnected. It lists them and waits for confirmation first.

It takes one snapshot, or one a tick if -d, -n or --duration is given.";

/// Examples of `sockets`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace sockets -tul                      who listens (ss -tulpn)
  sudo netperf-trace sockets -ta                       all of TCP (ss -tanp)
  sudo netperf-trace sockets -ti dst 10.0.0.0/8        what TCP knows (ss -ti)
  sudo netperf-trace sockets -s                        how many (ss -s)
  sudo netperf-trace sockets -t --explain              who does not read, who does not accept
  sudo netperf-trace sockets --state close-wait --name '^java'
  sudo netperf-trace sockets 'sport = :443 and not dst 127.0.0.0/8' -d 2
  sudo netperf-trace sockets -a --json | jq '.sockets[]? | select(.recv_q > 65536)'
  sudo netperf-trace sockets --kill dst 10.0.0.7 dport = :5432";
