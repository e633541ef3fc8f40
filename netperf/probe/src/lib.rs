//! What does the network answer when it is asked? The only room that sends something to find out.

pub mod dns;
pub mod http;
pub mod path;
pub mod reverse;
