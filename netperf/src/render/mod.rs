//! Output of reports: JSON, plain text, or the full screen.

pub mod batch;
pub mod cell;
mod churn;
mod dns;
pub mod dns_watch;
mod doctor;
mod event;
pub mod hangup;
mod http;
mod json;
pub mod keys;
pub mod latency;
pub mod limit;
mod nic;
pub mod output;
pub mod path;
mod preflight;
pub mod prose;
pub mod retrans;
pub mod sink;
pub mod sockets;
pub mod states;
mod text_table;
pub mod tui;
pub mod width;

#[cfg(test)]
mod tests;
