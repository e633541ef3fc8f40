//! What was asked for, in types? No logic after this sees a raw option.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use netperf_core::collect::{FeedConfig, Wanted};
use netperf_core::units::Units;

use super::args::{
    Arrangement, Cli, Command, Common, FlowFilters, FlowsArgs, LatencyArgs, ProcessFilters,
    RetransArgs, TopArgs,
};
use super::dns::DnsJob;
use super::doctor::DoctorRun;
use super::doctor::args::DoctorArgs;
use super::http::HttpRun;
use super::limit::LimitRun;
use super::nic::NicRun;
use super::path::PathRun;
use super::preflight::Preflight;
use super::sockets::SocketsRun;
use super::states::{StatesRun, churn};
use super::timer::Timing;
use crate::view::View;
use crate::view::flows::FlowsOptions;
use crate::view::latency::LatencyOptions;
use crate::view::retrans::RetransOptions;
use crate::view::sort::{Figures, Sort, SortKey};
use crate::view::top::TopOptions;
use netperf_core::failure::Failure;
use netperf_core::model::query::{FlowQuery, ProcessQuery};

/// What to do.
#[derive(Clone, Debug)]
pub enum Job {
    /// Show what happens.
    Watch(Box<Config>),
    /// Look at this machine.
    Preflight(Preflight),
    /// Look for a trouble.
    Doctor(Box<DoctorRun>),
    /// Show or close sockets.
    Sockets(Box<SocketsRun>),
    /// Show the states of TCP.
    States(Box<StatesRun>),
    /// Ask resolvers, or see what processes ask.
    Dns(Box<DnsJob>),
    /// Make requests.
    Http(Box<HttpRun>),
    /// Show the interfaces.
    Nic(Box<NicRun>),
    /// Limit processes.
    Limit(Box<LimitRun>),
    /// Probe the way to a host.
    Path(Box<PathRun>),
}

impl Job {
    /// Reads the options, and from the environment what they leave open.
    ///
    /// # Errors
    /// When they are wrong in a way that their parser could not see.
    pub fn new(cli: Cli) -> Result<Self, Failure> {
        let view = match cli.command {
            Command::Top(args) => View::Top(top(args)),
            Command::Flows(args) => View::Flows(flows(args)),
            Command::Retrans(args) => View::Retrans(retrans(args)),
            Command::Latency(args) => View::Latency(latency(args)),
            Command::Sockets(args) => {
                let run = SocketsRun::new(args, &cli.common)?;
                return Ok(Self::Sockets(Box::new(run)));
            }
            Command::States(args) if args.watch => View::Churn(churn(args)?),
            Command::States(args) => {
                return Ok(Self::States(Box::new(StatesRun::new(args, &cli.common))));
            }
            Command::Dns(args) => {
                let job = DnsJob::new(&args, &cli.common)?;
                return Ok(Self::Dns(Box::new(job)));
            }
            Command::Http(args) => {
                let run = HttpRun::new(*args, &cli.common)?;
                return Ok(Self::Http(Box::new(run)));
            }
            Command::Nic(args) => {
                return Ok(Self::Nic(Box::new(NicRun::new(args, &cli.common))));
            }
            Command::Limit(args) => {
                let run = LimitRun::new(*args, &cli.common)?;
                return Ok(Self::Limit(Box::new(run)));
            }
            Command::Path(args) => {
                let run = PathRun::new(*args, &cli.common)?;
                return Ok(Self::Path(Box::new(run)));
            }
            Command::Doctor(args @ DoctorArgs { kernel: false, .. }) => {
                return Ok(Self::Doctor(Box::new(DoctorRun::new(&args, &cli.common))));
            }
            Command::Doctor(_) => {
                return Ok(Self::Preflight(Preflight {
                    json: cli.common.json,
                    hooks: cli.common.hooks,
                    verbosity: cli.common.verbose,
                }));
            }
        };
        Ok(Self::Watch(Box::new(Config::new(view, &cli.common))))
    }
}

/// A run of a live view.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) view: View,
    pub(super) output: Output,
    pub(super) timing: Timing,
    pub(super) units: Units,
    pub(super) color: bool,
    pub(super) resolve: bool,
    pub(super) feed: FeedConfig,
    pub(super) verbosity: u8,
}

/// Where the view goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// NDJSON on stdout.
    Json,
    /// Text on stdout.
    Batch,
    /// The whole terminal.
    Screen,
}

impl Config {
    fn new(view: View, common: &Common) -> Self {
        let &Common {
            units,
            hooks,
            verbose,
            ..
        } = common;
        let color = !common.no_color && !is_set("NO_COLOR");
        let output = match (Output::of(common, io::stdout().is_terminal()), &view) {
            // Its blocks are for reading one after the other.
            (Output::Screen, View::Retrans(_) | View::Latency(_) | View::Churn(_)) => Output::Batch,
            (output, _) => output,
        };
        let wanted = match output {
            Output::Screen => Wanted {
                flows: true,
                ..Wanted::default()
            },
            Output::Json | Output::Batch => view.wanted(),
        };
        Self {
            view,
            output,
            timing: timing(common),
            units,
            color,
            resolve: common.resolves(),
            feed: FeedConfig { hooks, wanted },
            verbosity: verbose,
        }
    }
}

impl Output {
    pub(super) fn of(common: &Common, stdout_is_terminal: bool) -> Self {
        match (common.json, common.batch || !stdout_is_terminal) {
            (true, _) => Self::Json,
            (false, true) => Self::Batch,
            (false, false) => Self::Screen,
        }
    }
}

pub(super) fn timing(common: &Common) -> Timing {
    Timing {
        interval: common.interval.unwrap_or(Duration::from_secs(1)),
        count: common.count,
        duration: common.duration,
    }
}

fn top(args: TopArgs) -> TopOptions {
    TopOptions {
        processes: processes(args.processes),
        sort: sort(&args.arrangement),
        rows: args.arrangement.rows,
        connections: args.connections,
        idle: false,
    }
}

fn flows(args: FlowsArgs) -> FlowsOptions {
    FlowsOptions {
        processes: processes(args.processes),
        flows: FlowQuery {
            proto: args.proto,
            ..connections(args.flows)
        },
        sort: sort(&args.arrangement),
        rows: args.arrangement.rows,
        by_remote: args.by.is_some(),
    }
}

fn retrans(args: RetransArgs) -> RetransOptions {
    RetransOptions {
        processes: processes(args.processes),
        flows: connections(args.flows),
        sort: Sort {
            key: SortKey::Retrans,
            figures: Figures::Rates,
        },
        rows: args.rows,
        watch: args.watch,
    }
}

fn latency(args: LatencyArgs) -> LatencyOptions {
    LatencyOptions {
        processes: processes(args.processes),
        remote: args.remote,
        rows: args.rows,
        histogram: args.histogram,
    }
}

fn connections(filters: FlowFilters) -> FlowQuery {
    FlowQuery {
        port: filters.port,
        remote: filters.remote,
        iface: filters.iface,
        proto: None,
    }
}

pub(super) fn processes(filters: ProcessFilters) -> ProcessQuery {
    let ProcessFilters {
        pid,
        name,
        user,
        cgroup,
    } = filters;
    ProcessQuery {
        pids: pid,
        name,
        user,
        cgroup,
        anything: None,
    }
}

fn sort(arrangement: &Arrangement) -> Sort {
    Sort {
        key: arrangement.sort,
        figures: Figures::Rates,
    }
}

/// As no-color.org has it: set, and not empty.
pub(super) fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn output(options: &str, stdout_is_terminal: bool) -> Output {
        let line = format!("netperf-trace top {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        Output::of(&cli.common, stdout_is_terminal)
    }

    #[test]
    fn a_view_fills_the_screen_only_where_there_is_one_and_nobody_asked_otherwise() {
        assert_eq!(output("", true), Output::Screen);
        assert_eq!(output("", false), Output::Batch);
        assert_eq!(output("-b", true), Output::Batch);
        assert_eq!(output("--json", true), Output::Json);
        assert_eq!(output("--json -b", false), Output::Json);
    }
}
