//! Options of `doctor`.

use std::time::Duration;

use clap::Args;
use netperf_sys::capture::Scope;

use crate::cmd::args::span::span;
use crate::cmd::args::values::scope;

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Check the kernel: what can be counted and limited here, and what is missing
    #[arg(long, conflicts_with_all = ["pid", "length", "netns"])]
    pub kernel: bool,
    /// How long to measure: a number with `s`, `m` or `h` [default: 10s]
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub length: Option<Duration>,
    /// Diagnose this process: what does it wait for?
    #[arg(short, long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Network namespaces: all that have processes, that of this program, or that of a process; with
    /// --pid that of the process
    #[arg(long, value_name = "all|self|PID", value_parser = scope)]
    pub netns: Option<Scope>,
}

/// Description of `doctor`.
pub(in crate::cmd) const ABOUT: &str = "\
Finds the most likely cause of the trouble. It measures for ten seconds, or for the time of --for, and
takes the checks that an expert would take, in that order: processors, disks and memory first,
since it may not be the network at all; then interfaces and the processes that fill them; how long
processes wait for names (DNS), and for which resolver; connect and round-trip times;
retransmissions; connections that stay unclosed; ports; queues of clients; connections that fail,
and with which error; limits and tables of the kernel; large packets that vanish. The first line
names the most likely cause and the process. The evidence follows, with the next command and advice,
then whatever else is wrong, then every check. It changes nothing.

--pid examines one process: does it wait for itself, the receiver, its send buffer, the network, or
an answer? A check that can't be made here is skipped, with the reason; without root that is what
processes send, lose and wait for.

It ends with status 0 if nothing wrong was found, and with 5 if something was.

With --kernel it checks whether this machine can be measured, and how well. Each kind of kernel
hooks is really loaded and attached, and detached again. Queues, filters and interfaces that
bandwidth limits need are made in a private network namespace, and go with it.

Each line begins with its verdict: yes, no, partly or unknown. The reason follows, and after an
arrow what to do. Without root it checks what it can, and names the missing capabilities.

With --kernel it ends with status 0 if bytes can be counted with the requested hooks, and with 5
if not.";

/// Examples of `doctor`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace doctor                           what is the trouble?
  sudo netperf-trace doctor --for 60s                 it comes and goes
  sudo netperf-trace doctor --pid 8821                what does this process wait for?
  sudo netperf-trace doctor --json | jq -c 'select(.type == \"doctor\") | .causes[]'
  sudo netperf-trace doctor --kernel                  will it run on this machine?
  sudo netperf-trace doctor --kernel --hooks fentry   with hooks of this kind?
  sudo netperf-trace doctor --kernel --json | jq -c 'select(.type == \"preflight\").checks[]'";
