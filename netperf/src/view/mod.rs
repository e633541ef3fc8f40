//! What does the user look at? Typed rows of one moment, made from the model; pure, and without any
//! knowledge of terminals.
//!
//! The rows are the objects of the JSON output, in base units. Tables for people are made of the
//! same rows, so no figure is computed twice.

pub mod envelope;
pub mod flow_row;
pub mod flows;
pub mod flows_table;
pub mod host_names;
pub mod link_row;
pub mod process_row;
pub mod query;
pub mod sort;
pub mod table;
pub mod tick;
pub mod time;
pub mod top;
pub mod top_table;
