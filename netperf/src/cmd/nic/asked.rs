//! What do the options of `nic` ask for?

use std::io::{self, IsTerminal};
use std::time::Duration;

use netperf_sys::capture::NicRequest;

use super::NicRun;
use super::args::NicArgs;
use crate::cmd::args::Common;
use crate::cmd::config::timing;
use crate::cmd::looks::repeats;
use crate::cmd::timer::Timing;
use crate::render::nic::{Look, Written};
use crate::render::width;
use crate::view::nic::NicOptions;

impl NicRun {
    /// Reads the options.
    pub(in crate::cmd) fn new(args: NicArgs, common: &Common) -> Self {
        let look = Look {
            units: common.units,
            width: width::of_stdout(),
        };
        let written = match (common.json, common.batch || !io::stdout().is_terminal()) {
            (true, _) => Written::Json,
            (false, true) => Written::Text(look),
            (false, false) => Written::Live(look),
        };
        Self {
            request: NicRequest {
                namespaces: args.netns,
                driver_counters: args.driver,
            },
            options: NicOptions {
                units: common.text_units(),
                names: args.iface,
                fail_if: args.fail_if,
            },
            timing: ticks(common, matches!(written, Written::Live(_))),
            written,
            hooks: common.hooks,
            verbosity: common.verbose,
        }
    }
}

/// One tick, unless more are asked for or somebody watches.
fn ticks(common: &Common, is_live: bool) -> Timing {
    if repeats(common) || is_live {
        return timing(common);
    }
    Timing {
        interval: Duration::from_secs(1),
        count: Some(1),
        duration: None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::args::{Cli, Command};
    use netperf_sys::capture::Scope;

    fn asked(options: &str) -> NicRun {
        let line = format!("netperf-trace nic {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Nic(args) = cli.command else {
            panic!("another command");
        };
        NicRun::new(args, &cli.common)
    }

    #[test]
    fn one_tick_is_measured_unless_more_are_asked_for() {
        assert_eq!(asked("-b").timing.count, Some(1));
        assert_eq!(asked("--json --fail-if errors>0").timing.count, Some(1));
        assert_eq!(asked("-b -d 2").timing.count, None);
        assert_eq!(asked("-b -n 3").timing.count, Some(3));
    }

    #[test]
    fn the_own_namespace_is_looked_at_unless_others_are_named() {
        let run = asked("-b -i eth0 -i lo --driver --fail-if errors>0,util>=90%");
        assert_eq!(run.request.namespaces, Scope::Own);
        assert!(run.request.driver_counters);
        assert_eq!(run.options.names, ["eth0", "lo"]);
        assert_eq!(run.options.fail_if.len(), 2);
        assert_eq!(asked("-b --netns all").request.namespaces, Scope::All);
        assert_eq!(asked("-b --netns 7").request.namespaces, Scope::Of(7));
    }
}
