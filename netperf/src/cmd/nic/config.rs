//! Reads the options of `nic`.

use std::time::Duration;

use netperf_core::units::Units;
use netperf_sys::capture::NicRequest;

use super::args::NicArgs;
use crate::cmd::args::common::Common;
use crate::cmd::session::Timing;
use crate::view::nic::NicOptions;

/// One tick, unless options want more or the terminal shows it live.
pub(super) fn timing(common: &Common, is_live: bool) -> Timing {
    if common.repeats() || is_live {
        return common.timing();
    }
    Timing {
        interval: Duration::from_secs(1),
        count: Some(1),
        duration: None,
    }
}

/// What to read.
pub(super) fn request(args: &NicArgs) -> NicRequest {
    NicRequest {
        namespaces: args.netns,
        driver_counters: args.driver,
    }
}

/// What to show.
pub(super) fn options(args: NicArgs, units: Units) -> NicOptions {
    NicOptions {
        names: args.iface,
        fail_if: args.fail_if,
        units,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::cli::{Cli, Command};
    use netperf_sys::capture::Scope;

    fn parsed(options: &str) -> (NicArgs, Common) {
        let line = format!("netperf-trace nic {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Nic(args) = cli.command else {
            panic!("another command");
        };
        (args, cli.common)
    }

    #[test]
    fn one_tick_is_measured_unless_options_set_more() {
        let count = |options, is_live| timing(&parsed(options).1, is_live).count;
        assert_eq!(count("-b", false), Some(1));
        assert_eq!(count("--json --fail-if errors>0", false), Some(1));
        assert_eq!(count("-b -d 2", false), None);
        assert_eq!(count("-b -n 3", false), Some(3));
        assert_eq!(count("", true), None);
    }

    #[test]
    fn the_own_namespace_is_read_unless_others_are_named() {
        let (args, _) = parsed("-b -i eth0 -i lo --driver --fail-if errors>0,util>=90%");
        assert_eq!(request(&args).namespaces, Scope::Own);
        assert!(request(&args).driver_counters);
        let options = options(args, Units::Auto);
        assert_eq!(options.names, ["eth0", "lo"]);
        assert_eq!(options.fail_if.len(), 2);
        let namespaces = |options| request(&parsed(options).0).namespaces;
        assert_eq!(namespaces("-b --netns all"), Scope::All);
        assert_eq!(namespaces("-b --netns 7"), Scope::Of(7));
    }
}
