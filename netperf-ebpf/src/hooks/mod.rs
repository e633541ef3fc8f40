//! Entry points: where the kernel calls in. Each reads its arguments and hands on to a topic.
//!
//! User space chooses, for each thing to count, the first entry point that this kernel accepts.

mod cgroup;
mod fentry;
mod iter;
mod kprobe;
mod tracepoint;
