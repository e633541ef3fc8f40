//! What do the options of several commands have in common? Those that they share, and how values are read.

pub mod common;
pub(super) mod existing;
pub mod filters;
pub mod naming;
pub(super) mod span;
pub(super) mod values;
