//! What do the integration tests stand on? Workloads with a known truth, and a harness that holds
//! the tracer against it.
//!
//! [`paths`] are the workloads: each moves an exact number of bytes over one I/O path between real
//! processes ([`cast`]). The binary `mover` plays them and prints what each process moved. The
//! harness ([`tracer`], [`mover`], [`expect`], [`terminal`]) is used by the tests only.

pub mod asked;
pub mod batch;
pub mod calls;
pub mod cast;
pub mod cgroup;
pub mod chain;
pub mod churn;
pub mod cue;
pub mod deadline;
pub mod delay;
pub mod dns_server;
pub mod dnsmasq;
pub mod expect;
pub mod failing;
pub mod flood;
pub mod guest;
pub mod held;
pub mod life;
pub mod limit_folder;
pub mod lookups;
pub mod lossy;
pub mod mover;
pub mod multipath;
pub mod netns;
pub mod nginx;
pub mod others;
pub mod paths;
pub mod place;
pub mod played;
pub mod program;
pub mod public;
pub mod refused;
pub mod ring;
pub mod role;
pub mod shape;
pub mod slow;
pub mod socket_crowd;
pub mod socket_list;
pub mod state_looks;
pub mod state_scene;
pub mod steady;
pub mod stream;
pub mod sysctl;
pub mod terminal;
pub mod tracer;
pub mod tun;
pub mod wait;
pub mod way;
pub mod within;
