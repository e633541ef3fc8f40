//! Entry points: where the kernel calls in. Each reads its arguments and hands on to a topic.
//!
//! User space chooses, for each thing to count, the first entry point that this kernel accepts.

/// One program twice, for both ways to hold the socket that is its first argument: before 5.11 a
/// traced function's socket has no storage and no cookie.
macro_rules! held {
    ($kind:ident, $context:ident: $trusted:ident, $probed:ident, |$sk:ident, $ctx:ident| $body:expr) => {
        #[$kind]
        pub(super) fn $trusted($ctx: $context) -> i32 {
            let $sk = crate::sock::Trusted($ctx.arg(0));
            $body;
            0
        }

        #[$kind]
        pub(super) fn $probed($ctx: $context) -> i32 {
            let $sk = crate::sock::Probed($ctx.arg(0));
            $body;
            0
        }
    };
}

mod cgroup;
mod fentry;
mod iter;
mod kprobe;
mod latency;
mod no_btf;
mod record;
mod refused;
mod run;
mod tracepoint;
