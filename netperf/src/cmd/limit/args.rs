//! Options of `limit`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use netperf_core::units::ByteRate;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::limit::LimitMetric;
use netperf_throttle::Way;
use regex::Regex;

use crate::cmd::args::span::span;
use crate::view::limit::rate;

/// Options of `limit`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, override_usage = USAGE)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct LimitArgs {
    /// What to do with existing limits.
    #[command(subcommand)]
    pub action: Option<LimitAction>,
    /// Limit in each direction, per second: 20MB or 160Mbit
    #[arg(value_name = "RATE", value_parser = rate)]
    #[arg(conflicts_with_all = ["up", "down"])]
    pub rate: Option<ByteRate>,
    /// Limit this process; may be given several times: they share the rate
    #[arg(
        short,
        long,
        value_name = "PID",
        value_delimiter = ',',
        help_heading = "Target"
    )]
    pub pid: Vec<u32>,
    /// Every process whose name matches, including later ones
    #[arg(long, value_name = "REGEX", help_heading = "Target")]
    pub name: Option<Regex>,
    /// Every process in this cgroup (v2), including later ones
    #[arg(long, value_name = "PATH", help_heading = "Target")]
    #[arg(conflicts_with_all = ["pid", "name", "unit", "container", "command"])]
    pub cgroup: Option<PathBuf>,
    /// The cgroup of this systemd unit
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    #[arg(conflicts_with_all = ["pid", "name", "container", "command"])]
    pub unit: Option<String>,
    /// The cgroup of this container, by the beginning of its ID
    #[arg(long, value_name = "ID", help_heading = "Target")]
    #[arg(conflicts_with_all = ["pid", "name", "command"])]
    pub container: Option<String>,
    /// Do not include child processes
    #[arg(long, help_heading = "Target")]
    pub no_children: bool,
    /// Upload limit
    #[arg(long, value_name = "RATE", value_parser = rate)]
    #[arg(help_heading = "How much")]
    pub up: Option<ByteRate>,
    /// Download limit
    #[arg(long, value_name = "RATE", value_parser = rate)]
    #[arg(help_heading = "How much")]
    pub down: Option<ByteRate>,
    /// Limit traffic within this host, too
    #[arg(long, help_heading = "How much")]
    pub loopback: bool,
    /// Do not limit this interface; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "How much")]
    pub except_iface: Vec<String>,
    /// How packets are intercepted: tcx (Linux 6.6) or clsact; auto takes the first that this kernel has
    #[arg(
        long,
        value_name = "WAY",
        default_value = "auto",
        help_heading = "How much"
    )]
    pub mechanism: Mechanism,
    /// End after this time, as 90s, 10m or 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = span, help_heading = "How long")]
    pub lasting: Option<Duration>,
    /// Hold it in the background; `limit clear` ends it
    #[arg(long, conflicts_with_all = ["command", "dry_run", "check"], help_heading = "How long")]
    pub detach: bool,
    /// Show what would be done, and exit
    #[arg(long, conflicts_with_all = ["command", "check"], help_heading = "Trying")]
    pub dry_run: bool,
    /// End after 5 seconds, with status 5 if the rate was missed by more than 5 %, or unless `off`,
    /// `up` or `down` meets another condition: `off<2%`, `up>=19MB/s` (`<`, `<=`, `>`, `>=`)
    #[arg(long, value_name = "CONDITION", num_args = 0..=1, require_equals = true)]
    #[arg(
        default_missing_value = "off<=5%",
        conflicts_with = "command",
        help_heading = "Trying"
    )]
    pub check: Option<Condition<LimitMetric>>,
    /// Run this command under the limit; ends with it, and with its status
    #[arg(last = true, value_name = "CMD", conflicts_with_all = ["pid", "name"])]
    pub command: Vec<OsString>,
    /// Start time of the process in nanoseconds, so that `top` limits the very one it showed.
    #[arg(long, hide = true, requires = "pid")]
    pub started: Option<u64>,
    /// This process waits for its limit, then becomes the command.
    #[arg(long, hide = true, requires = "command")]
    pub gate: bool,
    /// This process cleans up after the holder of this limit.
    #[arg(long, hide = true)]
    pub clean_up: Option<u8>,
}

/// How packets are intercepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mechanism {
    /// The first that this kernel supports.
    Auto,
    /// Programs at tcx (Linux 6.6).
    Tcx,
    /// Filters of a `clsact` queue.
    Clsact,
}

impl Mechanism {
    /// The choice for the engine; `None` lets it choose.
    pub(super) fn way(self) -> Option<Way> {
        match self {
            Self::Auto => None,
            Self::Tcx => Some(Way::Tcx),
            Self::Clsact => Some(Way::Clsact),
        }
    }
}

/// What to do with existing limits.
#[derive(Debug, Subcommand)]
pub enum LimitAction {
    /// List all limits on this machine
    List,
    /// Change the rate of a limit
    Set(SetArgs),
    /// End limits
    Clear(ClearArgs),
}

/// Options of `limit set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Which limit: `limit list` shows the numbers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub id: u8,
    /// New rate for each direction that is limited
    #[arg(value_name = "RATE", value_parser = rate)]
    #[arg(conflicts_with_all = ["up", "down"], required_unless_present_any = ["up", "down"])]
    pub rate: Option<ByteRate>,
    /// New upload limit
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub up: Option<ByteRate>,
    /// New download limit
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub down: Option<ByteRate>,
}

/// Options of `limit clear`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ClearArgs {
    /// This limit: `limit list` shows the numbers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub id: Option<u8>,
    /// Every limit on this process
    #[arg(short, long, value_name = "PID")]
    pub pid: Option<u32>,
    /// All limits of this machine
    #[arg(long)]
    pub all: bool,
}

/// Usage line of `limit`.
pub(in crate::cmd) const USAGE: &str = "\
netperf-trace limit [--pid PID]... [--name REGEX] RATE
       netperf-trace limit --unit NAME|--cgroup PATH|--container ID [--up RATE] [--down RATE]
       netperf-trace limit RATE -- CMD [ARG]...
       netperf-trace limit list
       netperf-trace limit set --id N RATE
       netperf-trace limit clear --id N|--pid PID|--all";

/// Description of `limit`.
pub(in crate::cmd) const ABOUT: &str = "\
Holds a running process to a rate, without restarting it and without loss: what it sends and receives
over TCP and UDP, IPv4 and IPv6, on connections that are open already and on those to come. The
processes that it has started and will start are included. Several processes share one limit. No other
process is slowed: the interface keeps its queue and its filters as they are.

The rate is payload, as top shows it, with a unit: 20MB is 20 000 000 bytes a second, 160Mbit the same in
bits. It may be 10kB to 10GB. RATE is for each direction; --up and --down set one and leave the other
free. Traffic within this host is not limited unless --loopback is given.

It holds as long as this command runs: q or Ctrl-C lifts it, + and - change it by a tenth. When it ends,
however it ends, kill -9 included, the process is at full speed again and nothing is left behind. (Before
Linux 6.6 a second process waits to clean up after one that is killed.)
--detach holds it in the background; list shows all limits, set changes one, clear ends one.

A socket that a limited process passes to another one stays limited, until the limit ends. Of several limits on
one process the tightest holds. What the process moves over loopback, or another process moves for it (a proxy,
a database, the kernel's NFS), is not its own traffic and is not limited.

Limiting needs root.";

/// Examples of `limit`.
pub(in crate::cmd) const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace limit --pid 9821 20MB               both ways, until Ctrl-C
  sudo netperf-trace limit --pid 9821 --up 5MB --for 10m only what it sends, for ten minutes
  sudo netperf-trace limit --pid 9821 20MB --dry-run     what would be done, and what would suffer?
  sudo netperf-trace limit --name '^rsync$' 20MB --detach
  sudo netperf-trace limit --unit backup 160Mbit         a service of systemd, all its processes
  sudo netperf-trace limit 1MB -- curl -O https://example.org/big
  sudo netperf-trace limit --pid 9821 20MB --check       does it reach the rate? Status 5 if not
  sudo netperf-trace limit --pid 9821 20MB --check='off<2%'
  sudo netperf-trace limit list                          all limits of this machine
  sudo netperf-trace limit set --id 1 5MB                another rate, at once
  sudo netperf-trace limit clear --all                   everything at full speed

The line while it holds: rate/limit of each direction, the total, the delay that the queue adds, packets
that found no room in it, processes and sockets, the time left.

Exit status: 0 lifted, also if the process has ended; 2 wrong usage; 3 not allowed; 4 this kernel lacks
something, and nothing was changed; 5 --check missed the rate. With a command: its own status.";
