//! One workload and its expected output each, shared by the integration tests and the guest.

pub mod failed_connects;
pub mod latencies;
pub mod lifecycle;
pub mod lookups;
pub mod rate_limit;
pub mod refused_calls;
pub mod route;
