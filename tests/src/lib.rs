//! Workloads with a known truth, and a harness that compares the tracer's output with it.
//!
//! | module | holds |
//! | --- | --- |
//! | [`paths`] | small workloads, each an exact number of bytes over one I/O path between real processes |
//! | [`load`] | the processes of a workload, how they wait for each other, and longer workloads; the binary `mover` runs them |
//! | [`net`] | network namespaces, cables, routers, slow and lossy links |
//! | [`peer`] | other programs: servers to connect to, and tools to compare with |
//! | [`tracer`] | starts, reads and stops `netperf-trace` in every surrounding, and checks what it prints |
//! | [`checks`] | one workload and its expected output each, for the tests here and in virtual machines |
//! | [`guest`] | PID 1 of a virtual machine |
//! | [`sys`] | system calls, clocks and kernel settings |

pub mod checks;
pub mod guest;
pub mod load;
pub mod net;
pub mod paths;
pub mod peer;
pub mod sys;
pub mod tracer;
