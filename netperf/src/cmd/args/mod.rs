//! Options that several commands share, and parsers of their values.

pub mod common;
pub(super) mod existing;
pub mod filters;
pub mod naming;
pub(super) mod span;
pub(super) mod values;
