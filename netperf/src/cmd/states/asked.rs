//! What do the options of `states` ask for?

use netperf_core::failure::Failure;
use netperf_core::model::states::ages::Ages;
use netperf_core::sample::TcpState;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::{self, Detail, Listed, Scope, SocketRequest};

use super::StatesRun;
use super::args::StatesArgs;
use crate::cmd::args::Common;
use crate::cmd::config::timing;
use crate::cmd::looks::{failure, repeats};
use crate::render::states::{Text, Written};
use crate::render::width;
use crate::view::churn::ChurnOptions;
use crate::view::states::StatesOptions;
use netperf_core::model::query::ProcessQuery;

impl StatesRun {
    /// Reads the options.
    pub(in crate::cmd) fn new(args: StatesArgs, common: &Common) -> Self {
        Self {
            request: every_tcp_socket(args.netns),
            options: options(args),
            written: if common.json {
                Written::Json
            } else {
                Written::Text(Text::new(common.units, width::of_stdout()))
            },
            timing: repeats(common).then(|| timing(common)),
            hooks: common.hooks,
            verbosity: common.verbose,
        }
    }
}

/// What `--watch` asks for.
///
/// # Errors
/// When the network namespace is that of no process.
pub(in crate::cmd) fn churn(args: StatesArgs) -> Result<ChurnOptions, Failure> {
    Ok(ChurnOptions {
        netns: capture::network_namespace(args.netns).map_err(failure)?,
        sample: args.sample,
        states: options(args),
    })
}

fn options(args: StatesArgs) -> StatesOptions {
    let states = args.state.iter().copied().reduce(StateSet::or);
    StatesOptions {
        states: states.unwrap_or(StateSet::ALL),
        port: args.port,
        remote: args.remote,
        processes: ProcessQuery {
            pids: args.pid,
            name: args.name,
            ..ProcessQuery::default()
        },
    }
}

/// Every TCP socket, since ports and queues are those of all, whatever is shown. Times are wanted of
/// those that end slowly, and of those that listen how many they turned away.
pub(in crate::cmd) fn every_tcp_socket(namespaces: Scope) -> SocketRequest {
    SocketRequest {
        listed: vec![Listed::Tcp],
        states: StateSet::ALL,
        detail: Detail::Basic,
        in_full: Ages::slow().or(StateSet::of([TcpState::Listen])),
        networks: true,
        namespaces,
        owners: Vec::new(),
    }
}

/// What waits for packets of connections that are closed: no hook tells its end.
pub(in crate::cmd) fn sockets_that_wait() -> SocketRequest {
    SocketRequest {
        listed: vec![Listed::Tcp],
        states: StateSet::of([TcpState::TimeWait, TcpState::FinWait2]),
        detail: Detail::Basic,
        in_full: StateSet::NONE,
        networks: false,
        namespaces: Scope::All,
        owners: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::args::{Cli, Command};

    fn asked(options: &str) -> StatesRun {
        let line = format!("netperf-trace states {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::States(args) = cli.command else {
            panic!("another command");
        };
        StatesRun::new(args, &cli.common)
    }

    #[test]
    fn all_is_looked_at_whatever_is_shown() {
        let run = asked("--state TIME_WAIT,close-wait --pid 7 --port 443");
        let shown = StateSet::of([TcpState::TimeWait, TcpState::CloseWait]);
        assert_eq!(run.options.states, shown);
        assert_eq!(
            (run.options.port, run.options.processes.pids),
            (Some(443), vec![7])
        );
        assert_eq!(run.request.states, StateSet::ALL);
        assert_eq!(run.request.owners, [0; 0]);
        assert_eq!(asked("").options.states, StateSet::ALL);
    }

    #[test]
    fn one_look_is_taken_unless_ticks_are_asked_for() {
        assert!(asked("").timing.is_none());
        for repeated in ["-d 2", "-n 3", "--duration 5"] {
            assert!(asked(repeated).timing.is_some(), "{repeated}");
        }
    }
}
