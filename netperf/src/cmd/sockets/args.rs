//! Which options does `sockets` have?

use clap::Args;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::Scope;

use crate::cmd::args::{ProcessFilters, scope, states};

/// Options of `sockets`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct SocketsArgs {
    /// Filter in the words of ss: `dst 10.0.0.0/8 and not sport = :22`
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// TCP
    #[arg(short, long, help_heading = "What is listed")]
    pub tcp: bool,
    /// UDP
    #[arg(short, long, help_heading = "What is listed")]
    pub udp: bool,
    /// Raw
    #[arg(short = 'w', long, help_heading = "What is listed")]
    pub raw: bool,
    /// Within this machine
    #[arg(short = 'x', long, help_heading = "What is listed")]
    pub unix: bool,
    /// Listening, and without a connection
    #[arg(short, long, help_heading = "What is listed")]
    pub listening: bool,
    /// In every state
    #[arg(short, long, help_heading = "What is listed")]
    pub all: bool,
    /// In these states, or groups of them: established, time-wait, connected, synchronized, bucket, …
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    #[arg(help_heading = "What is listed")]
    pub state: Vec<StateSet>,
    /// Not in these states
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    #[arg(help_heading = "What is listed")]
    pub exclude: Vec<StateSet>,
    /// In which network namespaces: all that have processes, the own one, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "all",
        hide_default_value = true
    )]
    #[arg(value_parser = scope, help_heading = "What is listed")]
    pub netns: Scope,
    /// Which processes.
    #[command(flatten)]
    pub processes: ProcessFilters,
    /// Only how many there are
    #[arg(short, long, help_heading = "Presentation")]
    pub summary: bool,
    /// What TCP knows of each connection
    #[arg(short, long, help_heading = "Presentation")]
    pub info: bool,
    /// What long queues mean, below each socket that has one
    #[arg(long, help_heading = "Presentation")]
    pub explain: bool,
    /// Close the sockets that match, after confirmation; needs a filter
    #[arg(long, help_heading = "Action")]
    pub kill: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "kill", help_heading = "Action")]
    pub yes: bool,
}
