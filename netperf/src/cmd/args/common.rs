//! Options of all commands.

use std::env;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use std::time::Duration;

use clap::{ArgAction, Args};
use netperf_core::collect::HookPreference;
use netperf_core::host_names::{HostNames, Numeric};
use netperf_core::units::Units;
use netperf_probe::reverse::Resolver;
use netperf_sys::procfs::Procfs;

use super::naming::Naming;
use super::values::{duration, interval};
use crate::cmd::session::Timing;
use crate::render::output::{Format, Style};
use crate::render::width;

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
    /// Stop after this many ticks
    #[arg(short = 'n', long, global = true, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Stop after this many seconds
    #[arg(long, global = true, value_name = "SECS", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Print plain text tables on stdout, one block a tick, without escape codes
    #[arg(short, long, global = true)]
    pub batch: bool,
    /// Print one JSON object a line on stdout, in bytes and bytes per second; wins over --batch
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
    /// Units of rates and sizes
    #[arg(
        long,
        global = true,
        value_name = "UNIT",
        default_value = "auto",
        hide_default_value = true
    )]
    pub units: Units,
    /// Kind of kernel hooks to use
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
    /// Whether the options want more than one report.
    pub(in crate::cmd) fn repeats(&self) -> bool {
        self.interval.is_some() || self.count.is_some() || self.duration.is_some()
    }

    /// Length of the session and of its ticks.
    pub(in crate::cmd) fn timing(&self) -> Timing {
        Timing {
            interval: self.interval.unwrap_or(Duration::from_secs(1)),
            count: self.count,
            duration: self.duration,
        }
    }

    /// The timing, for commands that report once by default; `None` for one report.
    pub(in crate::cmd) fn repeated(&self) -> Option<Timing> {
        self.repeats().then(|| self.timing())
    }

    /// The form of reports; `on_terminal` chooses it if no option does.
    pub(in crate::cmd) fn format(&self, on_terminal: impl FnOnce(Style) -> Format) -> Format {
        self.format_for(io::stdout().is_terminal(), on_terminal)
    }

    fn format_for(
        &self,
        stdout_is_terminal: bool,
        on_terminal: impl FnOnce(Style) -> Format,
    ) -> Format {
        let style = Style {
            units: self.units,
            width: width::of_stdout(),
        };
        match (self.json, self.batch || !stdout_is_terminal) {
            (true, _) => Format::Json,
            (false, true) => Format::Text(style),
            (false, false) => on_terminal(style),
        }
    }

    /// Units of text output. JSON does not depend on them.
    pub(in crate::cmd) fn text_units(&self) -> Units {
        if self.json { Units::Auto } else { self.units }
    }

    /// Resolves host names with `--resolve`; otherwise addresses stay numbers.
    pub(in crate::cmd) fn host_names(&self) -> Rc<dyn HostNames> {
        if self.resolve.is_empty() || self.numeric {
            Rc::new(Numeric)
        } else {
            Rc::new(Resolver::open(Procfs::new("/").name_service()))
        }
    }

    /// Whether colours may be used.
    pub(in crate::cmd) fn has_color(&self) -> bool {
        !self.no_color && !is_set("NO_COLOR")
    }
}

/// Whether a variable is set and not empty, as no-color.org defines it.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::cli::Cli;

    fn format(options: &str, stdout_is_terminal: bool) -> Format {
        let line = format!("netperf-trace top {options}");
        let cli = Cli::read(line.split_whitespace().map(Into::into)).unwrap();
        cli.common
            .format_for(stdout_is_terminal, |_| Format::Nothing)
    }

    #[test]
    fn a_view_fills_the_screen_of_a_terminal_unless_an_option_says_otherwise() {
        assert_eq!(format("", true), Format::Nothing);
        assert!(matches!(format("", false), Format::Text(_)));
        assert!(matches!(format("-b", true), Format::Text(_)));
        assert_eq!(format("--json", true), Format::Json);
        assert_eq!(format("--json -b", false), Format::Json);
    }
}
