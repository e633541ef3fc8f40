//! What is wrong, how is that known, and what would a careful administrator do? The rules of an expert.
//!
//! Figures of the model come in, findings go out. Nothing is read, written or changed here, and the
//! clock is never asked: the same figures always give the same findings.

pub mod condition;
pub mod dns;
pub mod doctor;
mod finding;
pub mod http;
pub mod limit;
pub mod nic;
pub mod path;
mod period;
pub mod preflight;
pub mod sockets;
pub mod states;
pub mod words;

pub use self::finding::{Finding, Level};
pub use self::period::Period;
