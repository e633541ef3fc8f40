//! Reads the options of `states`.

use netperf_core::failure::Failure;
use netperf_core::model::query::ProcessQuery;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture;

use super::args::StatesArgs;
use crate::cmd::listing::failure;
use crate::view::churn::ChurnOptions;
use crate::view::states::StatesOptions;

/// The options of `--watch`.
///
/// # Errors
///
/// The network namespace is that of no process.
pub(super) fn churn(args: StatesArgs) -> Result<ChurnOptions, Failure> {
    Ok(ChurnOptions {
        netns: capture::network_namespace(args.netns).map_err(failure)?,
        sample: args.sample,
        states: options(args),
    })
}

pub(super) fn options(args: StatesArgs) -> StatesOptions {
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

#[cfg(test)]
mod tests {
    use clap::Parser;
    use netperf_core::sample::TcpState;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(options: &str) -> (StatesOptions, bool) {
        let line = format!("netperf-trace states {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::States(args) = cli.command else {
            panic!("another command");
        };
        (super::options(args), cli.common.repeated().is_some())
    }

    #[test]
    fn states_and_filters_say_what_is_shown() {
        let (options, _) = parsed("--state TIME_WAIT,close-wait --pid 7 --port 443");
        let shown = StateSet::of([TcpState::TimeWait, TcpState::CloseWait]);
        assert_eq!(options.states, shown);
        assert_eq!((options.port, options.processes.pids), (Some(443), vec![7]));
        assert_eq!(parsed("").0.states, StateSet::ALL);
    }

    #[test]
    fn one_snapshot_is_taken_unless_options_set_ticks() {
        assert!(!parsed("").1);
        for repeated in ["-d 2", "-n 3", "--duration 5"] {
            assert!(parsed(repeated).1, "{repeated}");
        }
    }
}
