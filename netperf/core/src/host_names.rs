//! Names of hosts, by address.

use std::net::IpAddr;
use std::sync::Arc;

/// Looks up names of hosts. A call never waits: a name that is not known yet is `None`.
pub trait HostNames {
    /// The name of `address`, if it is known by now. Untrusted text.
    fn name_of(&self, address: IpAddr) -> Option<Arc<str>>;
}

/// No names: addresses stay numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numeric;

impl HostNames for Numeric {
    fn name_of(&self, _: IpAddr) -> Option<Arc<str>> {
        None
    }
}
