//! Reads the options of `sockets`.

use netperf_core::failure::Failure;
use netperf_core::sample::TcpState;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::{Detail, Listed, SocketRequest};

use super::SocketsRun;
use super::args::SocketsArgs;
use crate::cmd::args::common::Common;
use crate::render::output::Format;
use crate::render::sockets::Show;
use crate::view::socket_filter::{self, SocketFilter};
use crate::view::sockets::SocketsOptions;

impl SocketsRun {
    /// Reads the options.
    ///
    /// # Errors
    ///
    /// The filter is not valid, or nothing says what to close.
    pub(super) fn new(args: SocketsArgs, common: &Common) -> Result<Self, Failure> {
        let filter = socket_filter::parse(&args.filter.join(" "));
        let filter = filter.map_err(|error| Failure::Usage(error.to_string()))?;
        if args.kill {
            check_kill(&args, &filter)?;
        }
        let states = states(&args, &filter);
        let wants_detail = common.json || args.info || args.explain;
        Ok(Self {
            request: SocketRequest {
                listed: listed(&args),
                states,
                detail: if wants_detail {
                    Detail::Full
                } else {
                    Detail::Basic
                },
                in_full: StateSet::NONE,
                networks: false,
                namespaces: args.netns,
                owners: args.processes.pid.clone(),
            },
            show: if args.summary {
                Show::Summary
            } else {
                Show::Rows {
                    info: args.info,
                    explain: args.explain,
                }
            },
            format: common.format(Format::Text),
            timing: common.repeated(),
            options: SocketsOptions {
                states,
                filter,
                summary_only: args.summary,
                explain: args.explain.then_some(common.text_units()),
                processes: args.processes.query(),
            },
        })
    }
}

fn check_kill(args: &SocketsArgs, filter: &SocketFilter) -> Result<(), Failure> {
    let processes = &args.processes;
    let names_processes = !processes.pid.is_empty()
        || processes.name.is_some()
        || processes.user.is_some()
        || processes.cgroup.is_some();
    let names_states = !args.state.is_empty() || !args.exclude.is_empty();
    if filter.is_empty() && !names_processes && !names_states {
        return Err(Failure::Usage(
            "--kill needs a filter that says which sockets to close, for example `dst 10.0.0.7` \
             or `--pid 8821`; `state all` is every one"
                .to_owned(),
        ));
    }
    if args.unix {
        return Err(Failure::Usage(
            "sockets within this machine (-x) can't be closed from outside: the kernel offers no way"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The states to list, as `ss` combines the options: named states win over `-a` and `-l`; without any
/// option, connections only.
fn states(args: &SocketsArgs, filter: &SocketFilter) -> StateSet {
    let named = args.state.iter().copied().reduce(StateSet::or);
    let excluded = args.exclude.iter().copied().reduce(StateSet::or);
    let states = match filter.states.or(named) {
        Some(named) => named,
        None if args.all || args.summary || excluded.is_some() => StateSet::ALL,
        None if args.listening => StateSet::of([TcpState::Listen, TcpState::Close]),
        None => connections(),
    };
    states.without(excluded.unwrap_or(StateSet::NONE))
}

fn listed(args: &SocketsArgs) -> Vec<Listed> {
    let all = [
        (args.tcp, Listed::Tcp),
        (args.udp, Listed::Udp),
        (args.raw, Listed::Raw),
        (args.unix, Listed::Unix),
    ];
    let named = all.into_iter().filter(|(is_named, _)| *is_named);
    let named: Vec<_> = named.map(|(_, listed)| listed).collect();
    if named.is_empty() {
        return vec![Listed::Tcp, Listed::Udp, Listed::Raw];
    }
    named
}

/// The states that `ss` lists without any option.
fn connections() -> StateSet {
    StateSet::ALL.without(StateSet::of([
        TcpState::Listen,
        TcpState::Close,
        TcpState::TimeWait,
        TcpState::SynRecv,
    ]))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(options: &str) -> Result<SocketsRun, Failure> {
        let line = format!("netperf-trace sockets {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Sockets(args) = cli.command else {
            panic!("another command");
        };
        SocketsRun::new(args, &cli.common)
    }

    fn states(options: &str) -> StateSet {
        parsed(options).unwrap().request.states
    }

    #[test]
    fn named_states_win_over_the_groups_of_ss() {
        let listening = StateSet::of([TcpState::Listen]);
        assert!(!states("").contains(TcpState::Listen));
        assert!(states("").contains(TcpState::CloseWait));
        assert_eq!(
            states("-l").without(listening),
            StateSet::of([TcpState::Close])
        );
        assert_eq!(states("-a"), StateSet::ALL);
        assert_eq!(states("-a --state listening"), listening);
        assert_eq!(states("-a state listening"), listening);
        assert_eq!(
            states("--exclude listening"),
            StateSet::ALL.without(listening)
        );
        let two = StateSet::of([TcpState::Listen, TcpState::TimeWait]);
        assert_eq!(states("--state listening,TIME_WAIT"), two);
    }

    #[test]
    fn everything_but_unix_is_listed_unless_something_is_named() {
        let listed = |options| parsed(options).unwrap().request.listed;
        assert_eq!(listed(""), [Listed::Tcp, Listed::Udp, Listed::Raw]);
        assert_eq!(listed("-tul"), [Listed::Tcp, Listed::Udp]);
        assert_eq!(listed("-x"), [Listed::Unix]);
    }

    #[test]
    fn nothing_is_closed_without_saying_what() {
        for refused in ["--kill", "--kill -t -a --yes", "--kill --yes -x state all"] {
            assert!(
                matches!(parsed(refused), Err(Failure::Usage(_))),
                "{refused}"
            );
        }
        for understood in [
            "--kill dst 10.0.0.7",
            "--kill --pid 7",
            "--kill --state listening",
        ] {
            assert!(parsed(understood).is_ok(), "{understood}");
        }
    }

    #[test]
    fn one_snapshot_is_taken_unless_options_set_ticks() {
        assert!(parsed("-t").unwrap().timing.is_none());
        for repeated in ["-d 2", "-n 3", "--duration 5"] {
            assert!(parsed(repeated).unwrap().timing.is_some(), "{repeated}");
        }
    }
}
