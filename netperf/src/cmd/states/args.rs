//! Which options does `states` have?

use std::num::NonZeroU32;

use clap::Args;
use ipnet::IpNet;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::Scope;
use regex::Regex;

use crate::cmd::args::{network, scope, states};

/// Options of `states`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct StatesArgs {
    /// Only this process; may be given several times
    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// Only processes whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only these states: TIME_WAIT, CLOSE_WAIT, …, or groups of them as in ss
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states)]
    pub state: Vec<StateSet>,
    /// Only connections with this port on either end
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Only connections with a remote host in this network
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub remote: Option<IpNet>,
    /// In which network namespaces: all that have processes, the own one, or that of a process
    #[arg(
        long,
        value_name = "all|self|PID",
        default_value = "all",
        hide_default_value = true
    )]
    #[arg(value_parser = scope)]
    pub netns: Scope,
    /// Each transition as it happens, on a line of its own, and their number once a tick
    #[arg(long, help_heading = "Watching")]
    pub watch: bool,
    /// Watch one connection in N only; what is shown per second still stands for all
    #[arg(
        long,
        value_name = "1/N",
        default_value = "1/1",
        hide_default_value = true
    )]
    #[arg(requires = "watch", value_parser = share, help_heading = "Watching")]
    pub sample: NonZeroU32,
}

fn share(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_prefix("1/").unwrap_or(text).parse().ok();
    number.ok_or_else(|| "not a share such as 1/10".to_owned())
}
