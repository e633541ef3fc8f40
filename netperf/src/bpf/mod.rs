//! What does the kernel count? The only user of aya: loads, attaches, reads.

mod attach;
mod board;
mod btf;
mod counters;
mod events;
mod hooks;
mod ledger;
mod mapped;
mod missed;
mod offsets;
mod open;
mod slots;
mod starts;
mod tcx;
mod trial;

pub use btf::BtfError;
pub use counters::Counters;
pub use ledger::{FlowTotals, Ledger, Tally};
pub use open::{OpenError, Request};
pub use tcx::try_tcx;
pub use trial::{feature_trials, verdicts};
