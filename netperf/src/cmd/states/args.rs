//! Options of `states`.

use std::num::NonZeroU32;

use clap::Args;
use ipnet::IpNet;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::Scope;
use regex::Regex;

use crate::cmd::args::values::{network, scope, states};

/// Options of `states`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct StatesArgs {
    /// Only this process; may be given several times
    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// Only processes whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only these states: TIME_WAIT, CLOSE_WAIT, …, or groups of them as in ss
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    pub state: Vec<StateSet>,
    /// Only connections with this port on either end
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Only connections with a remote host in this network
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub remote: Option<IpNet>,
    /// Network namespaces: all that have processes, that of this program, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "all",
        hide_default_value = true
    )]
    #[arg(value_parser = scope)]
    pub netns: Scope,
    /// Print each transition as it happens, on a line of its own, and their counts once a tick
    #[arg(long, help_heading = "Watching")]
    pub watch: bool,
    /// Watch one connection in N only; rates are still for all
    #[arg(
        long,
        value_name = "1/N",
        default_value = "1/1",
        hide_default_value = true
    )]
    #[arg(requires = "watch", value_parser = share, help_heading = "Watching")]
    pub sample: NonZeroU32,
}

fn share(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_prefix("1/").unwrap_or(text).parse().ok();
    number.ok_or_else(|| "not a share such as 1/10".to_owned())
}

/// Description of `states`.
pub(in crate::cmd) const ABOUT: &str = "\
Counts the states of all TCP sockets, in every network namespace that has processes, by process and by
remote host, and says what is a problem and what only looks like one: findings with their evidence in
numbers, and advice. The advice is printed, never applied.

  TIME_WAIT    connections that this end closed first wait 60 s. They use up ports, for each destination
               by itself: how many are left, how fast they go, when none will be left, their likely owner.
  CLOSE_WAIT   the other end has closed, the process here has not: which process, how many, which files,
               for how long at least. The cause is always the program.
  LISTEN       clients that wait to be accepted, the backlog for them, and its overflows.
  FIN_WAIT1, FIN_WAIT2, LAST_ACK   connections that this end closes and that do not finish.

Sockets in TIME_WAIT have no owner. The process named for them has connections to the same destination, or
listens on their port: a likely owner, not a known one.

It takes one snapshot, or one a tick if -d, -n or --duration is given; growth needs two. With
ticks it also counts calls that the kernel refuses for want of a port or an address (connect with
EADDRNOTAVAIL, bind with EADDRINUSE or EADDRNOTAVAIL), as they happen and by process: that ports ran out
is proven then, not guessed. A single snapshot attaches nothing to the kernel.

With --watch it prints a line for each transition of a connection as it happens, and once a tick how many
connections entered each state, by process and destination. No hook reports TIME_WAIT: the transition
before it gives its beginning, a listing of the sockets its end. --sample 1/100 follows one connection in
a hundred. --watch needs root or the capabilities that `top` needs.

The rest needs no rights; without root, the output leaves out the processes of other users, other network
namespaces and refused calls, and names what is missing.";

/// Examples of `states`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace states                        what piles up, and is it bad?
  sudo netperf-trace states -d 5 -n 3              and does it grow? Do calls fail for want of a port?
  sudo netperf-trace states --state CLOSE_WAIT     who does not close?
  sudo netperf-trace states --remote 10.0.0.10     only with this host
  sudo netperf-trace states --netns 8821           in the container of this process
  sudo netperf-trace states --watch --port 5432    who opens and closes connections to the database?
  sudo netperf-trace states --watch --state TIME_WAIT --sample 1/100
  sudo netperf-trace states --json | jq '.findings[]? | select(.level != \"ok\")'";
