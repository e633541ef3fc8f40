//! What does this machine say? The readers: eBPF programs, netlink, `/proc`, and the capabilities of
//! this process. They deliver samples and know nothing of what is made of them.

pub mod bpf;
pub mod capture;
pub mod netlink;
pub mod preflight;
pub mod procfs;
pub mod rights;
