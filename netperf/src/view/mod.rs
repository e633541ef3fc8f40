//! Views: typed rows of one moment, made from the model. Pure, and without any knowledge of terminals.
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
pub mod without_filter;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
