//! Options that select and sort processes and connections.

use clap::Args;
use ipnet::IpNet;
use netperf_core::model::query::{CgroupPath, FlowQuery, ProcessQuery};
use regex::Regex;

use super::values::network;
use crate::view::sort::{Figures, Sort, SortKey};

/// Options that select processes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct ProcessFilters {
    /// Only this process; may be given several times
    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// Only processes whose name matches
    #[arg(long, value_name = "REGEX")]
    pub name: Option<Regex>,
    /// Only processes of this user (name or number)
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Only processes in this cgroup or below it
    #[arg(long, value_name = "PATH", value_parser = cgroup)]
    pub cgroup: Option<CgroupPath>,
}

impl ProcessFilters {
    /// The query of these options.
    pub(in crate::cmd) fn query(self) -> ProcessQuery {
        ProcessQuery {
            pids: self.pid,
            name: self.name,
            user: self.user,
            cgroup: self.cgroup,
            anything: None,
        }
    }
}

/// Options that select connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct FlowFilters {
    /// Only connections with this port on either end
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Only connections with a remote host in this network
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub remote: Option<IpNet>,
    /// Only connections that use an address of this interface
    #[arg(long, value_name = "NAME")]
    pub iface: Option<String>,
}

impl FlowFilters {
    /// The query of these options.
    pub(in crate::cmd) fn query(self) -> FlowQuery {
        FlowQuery {
            port: self.port,
            remote: self.remote,
            iface: self.iface,
            proto: None,
        }
    }
}

/// Options that sort rows and limit their number.
#[derive(Debug, Args)]
#[command(next_help_heading = "Order")]
pub struct Arrangement {
    /// What to sort by
    #[arg(
        long,
        value_name = "KEY",
        default_value = "total",
        hide_default_value = true
    )]
    pub sort: SortKey,
    /// Show at most this many rows
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
}

impl Arrangement {
    /// The order of the rows.
    pub(in crate::cmd) fn order(&self) -> Sort {
        Sort {
            key: self.sort,
            figures: Figures::Rates,
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that clap asks of a parser"
)]
fn cgroup(text: &str) -> Result<CgroupPath, std::convert::Infallible> {
    Ok(CgroupPath::new(text))
}
