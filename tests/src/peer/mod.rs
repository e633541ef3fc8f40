//! Other programs: servers that the tests connect to, and tools that print the same figures.

pub mod dns_server;
pub mod dnsmasq;
pub mod nginx;
pub mod reference;
