//! What does the kernel count? The only user of aya: loads, attaches, reads.

mod attach;
mod board;
mod btf;
mod counters;
mod drops;
mod error;
mod events;
mod hooks;
mod latencies;
mod ledger;
mod limit;
mod load;
mod mapped;
mod missed;
mod names;
mod offsets;
mod open;
mod refusals;
mod request;
mod slots;
mod starts;
mod tcx;
mod trial;

pub use btf::BtfError;
pub use counters::{AT_ONCE, Counters};
pub use drops::Dropped;
pub use error::OpenError;
pub use events::{Happened, Told};
pub use latencies::Grown;
pub use ledger::{FlowTotals, Ledger, Tally, process_id};
pub use limit::{LimitLoader, LimitOrder, LimitPrograms, LimitSeen, Point, Waiting};
pub use names::NamePackets;
pub use refusals::{Refusals, Refused};
pub use request::Request;
pub use tcx::try_tcx;
pub use trial::{feature_trials, verdicts};
