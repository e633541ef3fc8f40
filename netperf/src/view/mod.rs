//! What does the user look at? Typed rows of one moment, made from the model; pure, and without any
//! knowledge of terminals.
//!
//! The rows are the objects of the JSON output, in base units. Tables for people are made of the
//! same rows, so no figure is computed twice.

pub mod churn;
pub mod dns;
pub mod dns_watch;
pub mod doctor;
pub mod envelope;
pub mod event_row;
pub mod flow_row;
pub mod flows;
pub mod flows_table;
pub mod http;
pub mod latency;
pub mod limit;
pub mod link_row;
pub mod nic;
mod owner_cells;
pub mod path;
pub mod preflight;
pub mod process_row;
pub mod retrans;
pub mod socket_filter;
pub mod sockets;
pub mod sort;
pub mod states;
pub mod table;
pub mod tick;
pub mod time;
pub mod top;
pub mod top_table;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use netperf_core::collect::Wanted;
use netperf_core::model::Model;
use netperf_core::sample::event::ConnectionEvent;

use self::churn::ChurnOptions;
use self::flows::FlowsOptions;
use self::latency::LatencyOptions;
use self::retrans::RetransOptions;
use self::top::TopOptions;

/// What a session shows.
#[derive(Clone, Debug)]
pub enum View {
    /// Processes.
    Top(TopOptions),
    /// Connections.
    Flows(FlowsOptions),
    /// What connections lose.
    Retrans(RetransOptions),
    /// How long it takes.
    Latency(LatencyOptions),
    /// Which states connections go through.
    Churn(ChurnOptions),
}

impl View {
    /// Name of the command that shows it.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Top(_) => "top",
            Self::Flows(_) => "flows",
            Self::Retrans(_) => "retrans",
            Self::Latency(_) => "latency",
            Self::Churn(_) => "states",
        }
    }

    /// What has to be collected for it.
    pub fn wanted(&self) -> Wanted {
        match self {
            Self::Top(options) => Wanted {
                flows: options.connections,
                ..Wanted::default()
            },
            Self::Flows(_) => Wanted {
                flows: true,
                ..Wanted::default()
            },
            Self::Retrans(options) => Wanted {
                flows: true,
                losses: true,
                one_by_one: options.watch,
                ..Wanted::default()
            },
            Self::Latency(_) => Wanted {
                latency: true,
                ..Wanted::default()
            },
            Self::Churn(options) => Wanted {
                one_by_one: true,
                transitions: Some(options.sample),
                ..Wanted::default()
            },
        }
    }

    /// Whether something that happened is to be shown.
    pub fn takes(&self, event: &ConnectionEvent, model: &Model) -> bool {
        match self {
            Self::Top(_) | Self::Flows(_) | Self::Latency(_) => false,
            Self::Retrans(options) => options.takes(event, model),
            Self::Churn(options) => options.takes(event),
        }
    }

    /// The interface that it is limited to.
    pub fn iface(&self) -> Option<&str> {
        match self {
            Self::Top(_) | Self::Latency(_) | Self::Churn(_) => None,
            Self::Flows(options) => options.flows.iface.as_deref(),
            Self::Retrans(options) => options.flows.iface.as_deref(),
        }
    }
}
