//! Workloads: processes that move known bytes, open sockets or lose packets on purpose.

pub mod churn;
pub mod flood;
pub mod lossy;
pub mod mover;
pub mod program;
pub mod result;
pub mod sockets;
pub mod states;
pub mod steady;
pub mod stream;
pub mod sync;
pub mod worker;
pub mod workload;
