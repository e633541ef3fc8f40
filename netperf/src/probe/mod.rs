//! What does the network answer when it is asked? Packets of our own, sent to measure; nobody else's are
//! touched.

pub mod dns;
pub mod http;
pub mod path;
