//! Layouts that the kernel side and user space share. Each lives here once, and nowhere else.
#![no_std]
#![doc = "Layouts are `repr(C)`, in native byte order, and their sizes are asserted at compile time."]

pub mod event;
pub mod flow;
pub mod kernel;
pub mod latency;
pub mod limit;
pub mod names;
pub mod refusal;
