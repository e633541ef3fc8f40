//! The command line: its commands and common options.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::args::common::Common;
use super::dns::args::DnsArgs;
use super::doctor::args::DoctorArgs;
use super::http::args::HttpArgs;
use super::limit::args::LimitArgs;
use super::live::flows::FlowsArgs;
use super::live::latency::LatencyArgs;
use super::live::retrans::RetransArgs;
use super::live::top::TopArgs;
use super::nic::args::NicArgs;
use super::path::args::PathArgs;
use super::sockets::args::SocketsArgs;
use super::states::args::StatesArgs;
use super::{dns, doctor, http, limit, live, nic, path, sockets, states};

/// Shows which process moves how many bytes over the network
#[derive(Debug, Parser)]
#[command(name = "netperf-trace", version, long_about = ABOUT, after_long_help = EXAMPLES)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Options of all commands.
    #[command(flatten)]
    pub common: Common,
}

impl Cli {
    /// Parses a command line, which begins with the program's name.
    ///
    /// # Errors
    ///
    /// The command line is wrong, or asks for help.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(with_negative_rates(words))
    }
}

/// Replaces the sign of negative rates. Such a rate looks like an unknown option; with a typographic
/// minus sign it reaches the rate parser, which reports that it is negative.
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

/// A command and its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bandwidth by process: who uses the network?
    #[command(long_about = live::top::ABOUT, after_long_help = live::top::EXAMPLES)]
    Top(TopArgs),
    /// Bandwidth by connection: with whom?
    #[command(long_about = live::flows::ABOUT, after_long_help = live::flows::EXAMPLES)]
    Flows(FlowsArgs),
    /// Retransmissions, resets and drops: what is lost, whose is it, and why?
    #[command(long_about = live::retrans::ABOUT, after_long_help = live::retrans::EXAMPLES)]
    Retrans(RetransArgs),
    /// How long does it take: to connect, to get an answer, to be accepted?
    #[command(long_about = live::latency::ABOUT, after_long_help = live::latency::EXAMPLES)]
    Latency(LatencyArgs),
    /// Sockets and their owners: who talks, who waits, who does not read?
    #[command(long_about = sockets::args::ABOUT, after_long_help = sockets::args::EXAMPLES)]
    Sockets(SocketsArgs),
    /// TCP states: what piles up, who does it, and what to do about it
    #[command(long_about = states::args::ABOUT, after_long_help = states::args::EXAMPLES)]
    States(StatesArgs),
    /// Interfaces: is the link, the card or its queue the trouble?
    #[command(long_about = nic::args::ABOUT, after_long_help = nic::args::EXAMPLES)]
    Nic(NicArgs),
    /// Throttle a running process, both ways
    #[command(long_about = limit::args::ABOUT, after_long_help = limit::args::EXAMPLES)]
    Limit(Box<LimitArgs>),
    /// The path to a host: each hop, its loss and its delay
    #[command(long_about = path::args::ABOUT, after_long_help = path::args::EXAMPLES)]
    Path(Box<PathArgs>),
    /// DNS resolvers: how fast do they answer, what, and what does one lookup cost?
    #[command(long_about = dns::args::ABOUT, after_long_help = dns::args::EXAMPLES)]
    #[command(override_usage = dns::args::USAGE)]
    Dns(DnsArgs),
    /// HTTP requests: where does their time go?
    #[command(long_about = http::args::ABOUT, after_long_help = http::args::EXAMPLES)]
    Http(Box<HttpArgs>),
    /// Is it the network, and where? The most likely cause, in a sentence
    #[command(long_about = doctor::args::ABOUT, after_long_help = doctor::args::EXAMPLES)]
    Doctor(DoctorArgs),
}

/// Description of the program.
const ABOUT: &str = "\
Shows which process moves how many bytes over the network: TCP and UDP, IPv4 and IPv6, every network
namespace, loopback included. The kernel counts at the sockets, so the figures are the payload that
processes really sent and received, exact to the byte, also for processes that live only for
milliseconds.

On a terminal, a view fills the screen: q ends it, ? shows the keys. In a pipe it becomes plain text;
--json makes it one JSON object a line. It needs root or the capabilities CAP_BPF, CAP_PERFMON and
CAP_NET_ADMIN.";

/// Examples of the program.
const EXAMPLES: &str = "\
Examples:
  sudo netperf-trace top                    who uses the bandwidth, live
  sudo netperf-trace flows                  with whom: every connection
  sudo netperf-trace retrans                what is lost, whose it is, and why
  sudo netperf-trace latency                how long it takes to connect and to get an answer
  sudo netperf-trace sockets -tl            who listens, and who waits to be accepted
  sudo netperf-trace states                 TIME_WAIT, CLOSE_WAIT, full queues: is it bad?
  sudo netperf-trace limit --pid 8821 20MB  throttle this process, now, both ways
  sudo netperf-trace path example.org       the path there: loss, delay and jitter, by hop
  sudo netperf-trace top -b -n 1 -d 10      one table of the next ten seconds
  sudo netperf-trace top --json | jq .      for programs
  netperf-trace dns example.org             how fast do the resolvers answer?
  netperf-trace http https://example.org/   where does the time of a request go?
  sudo netperf-trace doctor --kernel        will it run on this machine?

Exit status:
  0 fine, 1 failed, 2 wrong usage, 3 not allowed, 4 this kernel lacks something, 5 a check failed";

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
