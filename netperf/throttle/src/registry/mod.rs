//! Which limits are held on this machine, and by whom? Files below `/run/netperf-trace` that their
//! holders keep locked, each with a socket beside it that takes orders.
//!
//! A file that nobody holds is what a killed holder left: the next run that looks removes it.

mod control;
mod folder;
mod seat;

pub use self::control::{Answer, Order, Orders, ask};
pub use self::folder::{Folder, Held, LimitsError};
pub use self::seat::Seat;

/// How many limits there can be at a time.
pub const LIMITS_MAX: u8 = 16;
