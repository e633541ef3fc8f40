//! Which options does `doctor` have?

use std::time::Duration;

use clap::Args;
use netperf_sys::capture::Scope;

use crate::cmd::args::scope;
use crate::cmd::limit::span::span;

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Look at the kernel: what can be counted here, what can be limited, and what is missing
    #[arg(long, conflicts_with_all = ["pid", "length", "netns"])]
    pub kernel: bool,
    /// How long to measure: a number with `s`, `m` or `h` [default: 10s]
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub length: Option<Duration>,
    /// What does this process wait for?
    #[arg(short, long, value_name = "PID")]
    pub pid: Option<u32>,
    /// In which network namespaces: all that have processes, the own one, or that of a process;
    /// with --pid that of the process
    #[arg(long, value_name = "all|self|PID", value_parser = scope)]
    pub netns: Option<Scope>,
}
