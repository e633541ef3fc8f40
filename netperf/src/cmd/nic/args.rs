//! Options of `nic`.

use clap::Args;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::nic::condition::NicMetric;
use netperf_sys::capture::Scope;

use crate::cmd::args::values::scope;

/// Options of `nic`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct NicArgs {
    /// Only this interface; may be given several times
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    pub iface: Vec<String>,
    /// Network namespaces: that of this program, all that have processes, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "self",
        hide_default_value = true
    )]
    #[arg(value_parser = scope)]
    pub netns: Scope,
    /// Also show counters of the drivers
    #[arg(long, help_heading = "Presentation")]
    pub driver: bool,
    /// End with status 5 if one of these holds for an interface in a tick: `errors>0,drops>0,util>=90%`
    /// (`errors`, `drops`, `util`; `<`, `<=`, `>`, `>=`)
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Check"
    )]
    pub fail_if: Vec<Condition<NicMetric>>,
}

/// Description of `nic`.
pub(in crate::cmd) const ABOUT: &str = "\
Shows each network interface: its link (speed, duplex, MTU), what it carries and how much of its
speed that is, errors and drops, the queue of what is to be sent, and what each processor takes
from all of them. Each counter that is not zero is explained in a line, with the first thing to
do. Findings come first: a full interface and the processes that fill it, half duplex, a link that
is slower than it could be, counters that grow.

ERRORS and DROPS are those of the tick. RX % and TX % are shares of the speed, with what frames
take up on the cable beside their bytes. A speed in brackets is one that the driver makes up
(veth, bridges): it is no limit, and there is no share of it.

It measures one tick of a second and ends; on a terminal it goes on until q or Ctrl-C, and
elsewhere if -d, -n or --duration is given. It needs no rights, but for the processes that fill an
interface and for other network namespaces.

--fail-if ends it with status 5 if one of its conditions holds for an interface in any tick: errors,
drops, or the share of its speed that is used (util, in percent), each with <, <=, > or >=. Drops are
those of the interface and of its queue.";

/// Examples of `nic`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  netperf-trace nic                            each interface, and is anything wrong with it?
  netperf-trace nic -i eth0 -d 5 -n 12         one of them for a minute
  netperf-trace nic --driver -i eth0           with the counters of its driver
  sudo netperf-trace nic --netns all           also in containers
  netperf-trace nic -n 10 -b --fail-if 'errors>0,drops>0,util>=90%' || echo look at it
  netperf-trace nic --json | jq '.interfaces[]? | {name, rx_percent, tx_percent}'";
