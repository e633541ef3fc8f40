//! Which options does the command line have? Parsed once, into [`super::Config`].

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use netperf_core::collect::HookPreference;
use netperf_core::sample::Proto;
use netperf_core::sample::state_set::StateSet;
use netperf_core::units::Units;
use netperf_sys::capture::Scope;
use regex::Regex;

use super::dns::args::DnsArgs;
use super::doctor::args::DoctorArgs;
use super::help;
use super::http::args::HttpArgs;
use super::http::naming::Naming;
use super::limit::args::LimitArgs;
use super::nic::args::NicArgs;
use super::path::args::PathArgs;
use super::sockets::args::SocketsArgs;
use super::states::args::StatesArgs;
use crate::view::socket_filter::{STATE_NAMES, states_named};
use crate::view::sort::SortKey;
use netperf_core::model::query::CgroupPath;

/// Shows which process moves how many bytes over the network
#[derive(Debug, Parser)]
#[command(name = "netperf-trace", version, long_about = help::ABOUT, after_long_help = help::MAIN)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to show.
    #[command(subcommand)]
    pub command: Command,
    /// Options of all commands.
    #[command(flatten)]
    pub common: Common,
}

impl Cli {
    /// Reads a command line, the program's name included.
    ///
    /// # Errors
    /// When it is wrong, or asks for help.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(with_negative_rates(words))
    }
}

/// A rate below zero begins like an option, and would be called an unknown one. With the sign that
/// typesetters use it reaches whoever can say that it is negative.
fn with_negative_rates(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let options = words.iter().take_while(|word| *word != "--").count();
    let limit = words.iter().take(options).position(|word| word == "limit");
    let Some(limit) = limit else { return words };
    for word in &mut words[limit..options] {
        let text = word.to_str().and_then(|word| word.strip_prefix('-'));
        if let Some(text) = text.filter(|text| text.starts_with(|c: char| c.is_ascii_digit())) {
            *word = format!("−{text}").into();
        }
    }
    words
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bandwidth by process: who uses the network?
    #[command(long_about = help::TOP_ABOUT, after_long_help = help::TOP)]
    Top(TopArgs),
    /// Bandwidth by connection: with whom?
    #[command(long_about = help::FLOWS_ABOUT, after_long_help = help::FLOWS)]
    Flows(FlowsArgs),
    /// Retransmissions, resets and drops: what is lost, whose is it, and why?
    #[command(long_about = help::RETRANS_ABOUT, after_long_help = help::RETRANS)]
    Retrans(RetransArgs),
    /// How long does it take: to connect, to get an answer, to be accepted?
    #[command(long_about = help::LATENCY_ABOUT, after_long_help = help::LATENCY)]
    Latency(LatencyArgs),
    /// Sockets and their owners: who talks, who waits, who does not read?
    #[command(long_about = help::SOCKETS_ABOUT, after_long_help = help::SOCKETS)]
    Sockets(SocketsArgs),
    /// TCP states: what piles up, who does it, and what to do about it
    #[command(long_about = help::STATES_ABOUT, after_long_help = help::STATES)]
    States(StatesArgs),
    /// Interfaces: is the link, the card or its queue the trouble?
    #[command(long_about = help::NIC_ABOUT, after_long_help = help::NIC)]
    Nic(NicArgs),
    /// Throttle a running process, both ways
    #[command(long_about = help::LIMIT_ABOUT, after_long_help = help::LIMIT)]
    Limit(Box<LimitArgs>),
    /// The way to a host: who is on it, what is lost where, and how long it takes
    #[command(long_about = help::PATH_ABOUT, after_long_help = help::PATH)]
    Path(Box<PathArgs>),
    /// Resolvers: how fast do they answer, what, and what does one lookup cost?
    #[command(long_about = help::DNS_ABOUT, after_long_help = help::DNS)]
    #[command(override_usage = help::DNS_USAGE)]
    Dns(DnsArgs),
    /// A request: where does its time go?
    #[command(long_about = help::HTTP_ABOUT, after_long_help = help::HTTP)]
    Http(Box<HttpArgs>),
    /// Is it the network, and where? The most likely cause, in a sentence
    #[command(long_about = help::DOCTOR_ABOUT, after_long_help = help::DOCTOR)]
    Doctor(DoctorArgs),
}

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Common {
    /// Length of a tick in seconds, 0.1 to 3600; fractions are allowed [default: 1]
    #[arg(short = 'd', long, global = true, value_name = "SECS", value_parser = interval)]
    pub interval: Option<Duration>,
    /// Stop after so many ticks
    #[arg(short = 'n', long, global = true, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Stop after so many seconds
    #[arg(long, global = true, value_name = "SECS", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Plain text tables on stdout, one block a tick, without escape codes
    #[arg(short, long, global = true)]
    pub batch: bool,
    /// One JSON object a line on stdout, in bytes and bytes per second; wins over --batch
    #[arg(long, global = true)]
    pub json: bool,
    /// No colours; the variable `NO_COLOR` does the same
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Show addresses as numbers (the default)
    #[arg(long, global = true, overrides_with = "resolve")]
    pub numeric: bool,
    /// Show addresses as host names, looked up in the background
    #[arg(long, global = true, num_args = 0, default_missing_value = "")]
    pub resolve: Vec<Naming>,
    /// How speeds and sizes are shown
    #[arg(
        long,
        global = true,
        value_name = "UNIT",
        default_value = "auto",
        hide_default_value = true
    )]
    pub units: Units,
    /// Which kind of kernel hook to use
    #[arg(
        long,
        global = true,
        value_name = "KIND",
        default_value = "auto",
        hide_default_value = true
    )]
    pub hooks: HookPreference,
    /// More diagnostics on stderr: -v, -vv
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

impl Common {
    /// The units of text; JSON is the same whatever the user chose.
    pub(super) fn text_units(&self) -> Units {
        if self.json { Units::Auto } else { self.units }
    }

    /// Whether addresses are to be shown as names.
    pub(super) fn resolves(&self) -> bool {
        !self.resolve.is_empty() && !self.numeric
    }
}

/// Which processes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct ProcessFilters {
    /// Only this process; may be given several times
    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// Only processes whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only processes of this user (name or number)
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Only processes in this cgroup or below it
    #[arg(long, value_name = "PATH", value_parser = cgroup)]
    pub cgroup: Option<CgroupPath>,
}

/// In which order, and how many.
#[derive(Debug, Args)]
#[command(next_help_heading = "Order")]
pub struct Arrangement {
    /// What to sort by
    #[arg(
        long,
        value_name = "KEY",
        default_value = "total",
        hide_default_value = true
    )]
    pub sort: SortKey,
    /// Show so many rows at most
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
}

/// Options of `top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    /// Which processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// In which order.
    #[command(flatten)]
    pub arrangement: Arrangement,
    /// Each process's connections below it
    #[arg(long)]
    pub connections: bool,
}

/// Which connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct FlowFilters {
    /// Only connections with this port on either end
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Only connections with a remote host in this network
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub remote: Option<IpNet>,
    /// Only connections that use an address of this interface
    #[arg(long, value_name = "NAME")]
    pub iface: Option<String>,
}

/// Options of `retrans`.
#[derive(Debug, Args)]
pub struct RetransArgs {
    /// Which processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Which connections.
    #[command(flatten)]
    pub flows: FlowFilters,
    /// Show so many rows of each kind at most
    #[arg(long, value_name = "N", help_heading = "Order")]
    pub rows: Option<usize>,
    /// Each retransmission as it happens, on a line of its own
    #[arg(long)]
    pub watch: bool,
}

/// Options of `latency`.
#[derive(Debug, Args)]
pub struct LatencyArgs {
    /// Which processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Only with hosts in this network
    #[arg(long, value_name = "CIDR", help_heading = "Filters", value_parser = network)]
    pub remote: Option<IpNet>,
    /// Show so many rows at most
    #[arg(long, value_name = "N", help_heading = "Order")]
    pub rows: Option<usize>,
    /// Print a latency histogram below each row
    #[arg(long)]
    pub histogram: bool,
}

/// Options of `flows`.
#[derive(Debug, Args)]
pub struct FlowsArgs {
    /// Which processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Which connections.
    #[command(flatten)]
    pub flows: FlowFilters,
    /// Only this transport
    #[arg(long, value_name = "tcp|udp", help_heading = "Filters")]
    pub proto: Option<Proto>,
    /// In which order.
    #[command(flatten)]
    pub arrangement: Arrangement,
    /// Put connections together
    #[arg(long, value_name = "WHAT")]
    pub by: Option<GroupBy>,
}

/// What connections can be put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// The remote host
    Remote,
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    seconds(text, 0.1..=3600.0).ok_or_else(|| "a tick lasts 0.1 to 3600 seconds".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    const CENTURY: f64 = 3.2e9;
    seconds(text, 0.001..=CENTURY).ok_or_else(|| "not a number of seconds above 0".to_owned())
}

pub(super) fn seconds(text: &str, allowed: std::ops::RangeInclusive<f64>) -> Option<Duration> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| allowed.contains(seconds))?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let host = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(host).ok_or_else(|| {
        "not a network such as `10.0.0.0/8` or `2001:db8::/32`, nor an address".to_owned()
    })
}

pub(super) fn states(text: &str) -> Result<StateSet, String> {
    states_named(text).ok_or_else(|| format!("the states are: {STATE_NAMES}"))
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "all" => Ok(Scope::All),
        "self" => Ok(Scope::Own),
        pid => {
            let tgid = pid.parse().map(Scope::Of).ok();
            tgid.ok_or_else(|| "neither `all`, nor `self`, nor the number of a process".to_owned())
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that clap asks of a parser"
)]
fn cgroup(text: &str) -> Result<CgroupPath, std::convert::Infallible> {
    Ok(CgroupPath::new(text))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_all_commands_stand_before_or_after_the_command() {
        for line in ["netperf-trace -d 0.5 top", "netperf-trace top -d 0.5"] {
            assert_eq!(
                parse(line).unwrap().common.interval,
                Some(Duration::from_millis(500))
            );
        }
    }

    #[test]
    fn wrong_usage_is_exit_status_2() {
        for options in [
            "",
            "nonsense",
            "top -d 0",
            "top -d 0.05",
            "top -d 3601",
            "top -d nan",
            "top -d -1",
            "top -n 0",
            "top --duration 0",
            "top --name (",
            "top --units Mb",
            "top --hooks lsm",
            "top --sort bytes",
            "top --port 80",
            "retrans --proto udp",
            "flows --port 70000",
            "flows --remote 10.0.0.0/33",
            "flows --proto sctp",
            "flows --by local",
            "top -p x",
            "sockets --state estabished",
            "sockets --netns other",
            "sockets --yes",
            "states --state estabished",
            "states --netns other",
            "states --remote nowhere",
            "dns",
            "http",
            "http http://x --resolve x",
            "dns a -c 0",
            "dns a --watch",
            "dns a --timeout never",
            "doctor --for 0s",
            "doctor --for 5x",
            "doctor --kernel --pid 7",
            "nic --fail-if errors",
            "nic --fail-if loss>1",
            "nic --fail-if util>-1",
            "nic --netns other",
        ] {
            let error = parse(&format!("netperf-trace {options}")).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{options}");
        }
    }

    #[test]
    fn a_network_may_be_a_single_address() {
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("10.0.0.5").unwrap().to_string(), "10.0.0.5/32");
        assert_eq!(
            network("2001:db8::1").unwrap().to_string(),
            "2001:db8::1/128"
        );
    }

    #[test]
    fn the_later_of_numeric_and_resolve_wins() {
        let resolves = |line| {
            let common = parse(line).unwrap().common;
            !common.resolve.is_empty() && !common.numeric
        };
        assert!(resolves("netperf-trace flows --resolve"));
        assert!(!resolves("netperf-trace flows --resolve --numeric"));
        assert!(resolves("netperf-trace flows --numeric --resolve"));
    }
}
