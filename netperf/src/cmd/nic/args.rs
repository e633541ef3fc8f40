//! Which options does `nic` have?

use clap::Args;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::nic::condition::NicMetric;
use netperf_sys::capture::Scope;

use crate::cmd::args::scope;

/// Options of `nic`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct NicArgs {
    /// Only this interface; may be given several times
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    pub iface: Vec<String>,
    /// In which network namespaces: the own one, all that have processes, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "self",
        hide_default_value = true
    )]
    #[arg(value_parser = scope)]
    pub netns: Scope,
    /// Counters of the drivers' own as well
    #[arg(long, help_heading = "Presentation")]
    pub driver: bool,
    /// End with status 5 if one of these holds for an interface in a tick: `errors>0,drops>0,util>=90%`
    /// (`errors`, `drops`, `util`; `<`, `<=`, `>`, `>=`)
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Check"
    )]
    pub fail_if: Vec<Condition<NicMetric>>,
}
