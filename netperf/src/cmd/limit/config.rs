//! Reads the options of `limit`.

use std::ffi::OsString;
use std::time::Duration;

use netperf_core::clock::MonoNs;
use netperf_core::failure::Failure;
use netperf_core::sample::limit::Rates;
use netperf_core::units::ByteRate;

use super::args::{LimitAction, LimitArgs, SetArgs};
use super::{Action, Clear, Hold, Selector, Set};
use crate::cmd::args::common::Common;
use crate::cmd::session::Timing;
use crate::render::output::Format;

/// Reads the options.
///
/// # Errors
///
/// They do not go together.
pub(super) fn action(args: LimitArgs, common: &Common) -> Result<Action, Failure> {
    if args.action.is_some() && asks_for_a_limit(&args) {
        return Err(usage(
            "`list`, `set` and `clear` are about limits that are held: nothing else goes with \
             them but their own options, which stand behind the word",
        ));
    }
    Ok(match args.action {
        Some(LimitAction::List) => Action::List,
        Some(LimitAction::Set(set)) => Action::Set(new_rates(&set)),
        Some(LimitAction::Clear(clear)) => Action::Clear(match (clear.id, clear.pid) {
            (Some(id), _) => Clear::Id(id),
            (None, Some(pid)) => Clear::Pid(pid),
            (None, None) => Clear::All,
        }),
        None if args.gate => Action::Gate(args.command),
        None if let Some(id) = args.clean_up => Action::CleanUp(id),
        None => Action::Hold(Box::new(hold(args, common)?)),
    })
}

fn asks_for_a_limit(args: &LimitArgs) -> bool {
    args.rate.is_some()
        || args.up.is_some()
        || args.down.is_some()
        || !args.pid.is_empty()
        || args.name.is_some()
        || args.cgroup.is_some()
        || args.unit.is_some()
        || args.container.is_some()
        || !args.command.is_empty()
        || !args.except_iface.is_empty()
        || args.lasting.is_some()
        || [
            args.no_children,
            args.loopback,
            args.detach,
            args.dry_run,
            args.check.is_some(),
        ]
        .contains(&true)
}

fn new_rates(args: &SetArgs) -> Set {
    Set {
        id: args.id,
        each: args.rate,
        rates: Rates {
            up: args.up,
            down: args.down,
        },
    }
}

fn hold(args: LimitArgs, common: &Common) -> Result<Hold, Failure> {
    let rates = Rates {
        up: args.up.or(args.rate),
        down: args.down.or(args.rate),
    };
    let selector = selector(&args)?;
    if rates == Rates::default() {
        return Err(usage(
            "no rate is given: `20MB` for both directions, or --up RATE, or --down RATE",
        ));
    }
    let Timing {
        interval,
        count,
        duration,
    } = common.timing();
    let lasting = [args.lasting, duration].into_iter().flatten().min();
    Ok(Hold {
        format: format(common, !args.command.is_empty()),
        selector,
        rates,
        children: !args.no_children,
        loopback: args.loopback,
        except: args.except_iface,
        way: args.mechanism.way(),
        timing: Timing {
            interval,
            count,
            duration: None,
        },
        lasting,
        detach: args.detach,
        dry_run: args.dry_run,
        check: args.check,
    })
}

fn selector(args: &LimitArgs) -> Result<Selector, Failure> {
    Ok(if !args.command.is_empty() {
        Selector::Command(args.command.clone())
    } else if let Some(path) = &args.cgroup {
        Selector::Cgroup(path.clone())
    } else if let Some(unit) = &args.unit {
        Selector::Unit(unit.clone())
    } else if let Some(container) = &args.container {
        Selector::Container(container.clone())
    } else if args.pid.is_empty() && args.name.is_none() {
        return Err(usage(
            "no target given: --pid PID, --name REGEX, --unit NAME, --cgroup PATH, --container ID, or a \
             command behind `--`",
        ));
    } else if args.started.is_some() && (args.pid.len() != 1 || args.name.is_some()) {
        return Err(usage("--started is of one process"));
    } else {
        Selector::Processes {
            pids: args.pid.clone(),
            started: args.started.map(MonoNs),
            name: args.name.clone(),
        }
    })
}

/// The form of reports. A command under a limit keeps the terminal for itself.
fn format(common: &Common, runs_command: bool) -> Format {
    if runs_command && !common.json && !common.batch {
        Format::Nothing
    } else {
        common.format(Format::Live)
    }
}

fn usage(text: &str) -> Failure {
    Failure::Usage(text.to_owned())
}

/// The selection, in the words of the command line. Untrusted text.
pub(super) fn chosen_by(selector: &Selector) -> String {
    match selector {
        Selector::Processes { pids, name, .. } => {
            let pids = pids.iter().map(|pid| format!("--pid {pid}"));
            let name = name.iter().map(|name| format!("--name {name}"));
            pids.chain(name).collect::<Vec<_>>().join(" ")
        }
        Selector::Cgroup(path) => format!("--cgroup {}", path.display()),
        Selector::Unit(name) => format!("--unit {name}"),
        Selector::Container(id) => format!("--container {id}"),
        Selector::Command(words) => {
            format!("-- {}", words.join(&OsString::from(" ")).to_string_lossy())
        }
    }
}

impl Set {
    /// New rates for a limit of these directions; `None` keeps a rate.
    pub(super) fn for_directions(
        &self,
        up: bool,
        down: bool,
    ) -> (Option<ByteRate>, Option<ByteRate>) {
        match self.each {
            Some(rate) => (up.then_some(rate), down.then_some(rate)),
            None => (self.rates.up, self.rates.down),
        }
    }
}

/// Length of a check.
pub(super) const CHECK: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use netperf_diagnose::condition::Condition;
    use netperf_diagnose::limit::LimitMetric;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(options: &[&str]) -> Result<Result<Action, Failure>, clap::Error> {
        let line = ["netperf-trace", "limit"].iter().chain(options);
        let cli = Cli::read(line.map(Into::into))?;
        let Command::Limit(args) = cli.command else {
            panic!("another command");
        };
        Ok(action(*args, &cli.common))
    }

    fn parsed_action(options: &str) -> Action {
        let words: Vec<_> = options.split_whitespace().collect();
        parsed(&words).unwrap().unwrap()
    }

    fn held(options: &str) -> Hold {
        let Action::Hold(hold) = parsed_action(options) else {
            panic!("{options}: another action");
        };
        *hold
    }

    /// The message for options that do not go together.
    fn refused(options: &str) -> String {
        let words: Vec<_> = options.split_whitespace().collect();
        match parsed(&words) {
            Err(error) => {
                assert_eq!(error.exit_code(), 2, "{options}");
                error.to_string()
            }
            Ok(Err(failure @ Failure::Usage(_))) => failure.to_string(),
            Ok(other) => panic!("{options}: {other:?}"),
        }
    }

    #[test]
    fn one_rate_is_for_both_directions_and_each_can_be_set_alone() {
        let rate = Some(ByteRate(20_000_000));
        let rates = |up, down| Rates { up, down };
        assert_eq!(held("--pid 9821 20MB").rates, rates(rate, rate));
        assert_eq!(held("20MB --pid 9821").rates, rates(rate, rate));
        assert_eq!(held("--pid 9821 --up 160Mbit").rates, rates(rate, None));
        assert_eq!(held("--pid 9821 --down 20MB/s").rates, rates(None, rate));
    }

    #[test]
    fn a_check_has_a_condition_of_its_own_or_the_usual_one() {
        let check = |options: &str| held(&format!("--pid 9821 20MB {options}")).check;
        let read = |text: &str| Some(text.parse::<Condition<LimitMetric>>().unwrap());
        assert_eq!(check(""), None);
        assert_eq!(check("--check"), read("off<=5%"));
        assert_eq!(check("--check=off<2"), read("off<2%"));
        assert_eq!(check("--check=up>=19MB/s"), read("up>=19MB"));
        for (wrong, words) in [
            ("--check=on>1", "`on` is no metric: write off, up, down"),
            ("--check=off", "write for example `off<=5%`"),
            ("--check=up>19", "can be read in two ways"),
        ] {
            let error = refused(&format!("--pid 9821 20MB {wrong}"));
            assert!(error.contains(words), "{wrong}: {error}");
        }
    }

    #[test]
    fn ambiguous_and_impossible_rates_are_refused_with_the_reason() {
        for (rate, reason) in [
            (
                "20Mb",
                "write `20MB` for 20 000 000 bytes per second, or `20Mbit`",
            ),
            ("20mbps", "can be read in two ways"),
            ("20", "can be read in two ways"),
            ("-5MB", "5MB` is negative"),
            ("0", "less than one byte"),
            ("20XB", "unknown unit"),
            ("1kB", "less than one packet a second"),
            ("5kB", "below seven packets a second"),
            ("11GB", "the highest limit"),
        ] {
            for options in [
                format!("--pid 9821 {rate}"),
                format!("{rate} --pid 9821"),
                format!("--pid 9821 --up {rate}"),
                format!("--pid 9821 --down {rate}"),
                format!("set --id 3 {rate}"),
                format!("set --id 3 --up {rate}"),
            ] {
                let message = refused(&options);
                assert!(message.contains(reason), "{options}: {message}");
            }
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        for (options, named) in [
            ("--pid 9821", "no rate"),
            ("20MB", "no target given"),
            ("--pid 9821 20MB --up 5MB", "--up"),
            ("--pid 9821 --pdi 7 20MB", "unexpected argument '--pdi'"),
            ("--unit ssh --pid 7 20MB", "--pid"),
            ("--cgroup /a --unit b 20MB", "--unit"),
            ("--pid 7 20MB -- rsync", "cannot be used with"),
            ("--detach 20MB -- rsync", "cannot be used with"),
            ("--detach --dry-run --pid 7 20MB", "cannot be used with"),
            ("--pid 7 20MB --for 10", "10m"),
            ("--pid 7 20MB list", "are about limits that are held"),
            ("--detach list", "are about limits that are held"),
            ("clear", "--id"),
            ("clear --id 1 --all", "cannot be used with"),
            ("clear --id 17", "17"),
            ("set 20MB", "--id"),
            ("set --id 3", "RATE"),
            ("--name ( 20MB", "regex"),
        ] {
            let message = refused(options);
            assert!(message.contains(named), "{options}: {message}");
        }
    }

    #[test]
    fn subcommands_list_change_and_end_limits() {
        assert!(matches!(parsed_action("list"), Action::List));
        assert!(matches!(parsed_action("list --json"), Action::List));
        assert!(matches!(parsed_action("--json list"), Action::List));
        assert!(matches!(
            parsed_action("clear --all"),
            Action::Clear(Clear::All)
        ));
        assert!(matches!(
            parsed_action("clear -p 7"),
            Action::Clear(Clear::Pid(7))
        ));
        assert!(matches!(
            parsed_action("clear --id 2"),
            Action::Clear(Clear::Id(2))
        ));
        let Action::Set(set) = parsed_action("set --id 3 5MB") else {
            panic!("another action");
        };
        let rate = Some(ByteRate(5_000_000));
        assert_eq!(set.for_directions(true, false), (rate, None));
        assert_eq!(set.for_directions(true, true), (rate, rate));
    }

    #[test]
    fn a_command_may_have_options_and_words_of_ours() {
        let hold = held("20MB -- rsync --pid 7 list");
        let Selector::Command(words) = &hold.selector else {
            panic!("{:?}", hold.selector);
        };
        assert_eq!(words.len(), 4);
        assert_eq!(chosen_by(&hold.selector), "-- rsync --pid 7 list");
        assert_eq!(hold.format, Format::Nothing);
    }

    #[test]
    fn the_shorter_of_two_times_is_the_end() {
        let lasting = |options| held(options).lasting;
        assert_eq!(lasting("--pid 7 20MB"), None);
        let both = "--pid 7 20MB --for 10m --duration 5";
        assert_eq!(lasting(both), Some(Duration::from_secs(5)));
    }
}
