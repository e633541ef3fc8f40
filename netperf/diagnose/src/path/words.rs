//! How are the figures of a path written in a sentence?

use std::net::IpAddr;

use netperf_core::model::path::Hop;
use netperf_core::sample::path::{Method, PathTarget, Unreachable};

/// `none was lost without a word`, `3 were lost without a word`.
pub(super) fn lost_without_a_word(number: u64) -> String {
    match number {
        0 => "none was lost without a word".to_owned(),
        1 => "1 was lost without a word".to_owned(),
        many => format!("{many} were lost without a word"),
    }
}

/// `MTU 1400`.
pub(super) fn mtu(known: Option<u32>) -> String {
    known.map_or("an MTU it does not name".to_owned(), |mtu| {
        format!("MTU {mtu}")
    })
}

/// `10.0.0.1`, `10.0.0.1 and 10.0.0.2`.
pub(super) fn addresses(all: &[IpAddr]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    match all.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `hop 3 (10.0.3.1)`; the distance alone where nobody has answered.
pub fn hop(ttl: usize, hop: &Hop) -> String {
    match hop.hosts.first() {
        Some((address, _)) => at(ttl, *address),
        None => format!("hop {ttl}"),
    }
}

/// The same for an address.
pub fn at(ttl: usize, address: IpAddr) -> String {
    format!("hop {ttl} ({address})")
}

/// `hop 2`, `hops 2 and 5`, `hops 2, 3 and 5`.
pub fn hops(ttls: &[usize]) -> String {
    match ttls {
        [] => "no hop".to_owned(),
        [one] => format!("hop {one}"),
        [rest @ .., last] => {
            let rest: Vec<_> = rest.iter().map(ToString::to_string).collect();
            format!("hops {} and {last}", rest.join(", "))
        }
    }
}

/// `example.org (192.0.2.1)`, or the address alone. May hold untrusted text.
pub fn target(target: &PathTarget) -> String {
    let address = target.address.to_string();
    if target.host == address {
        address
    } else {
        format!("{} ({address})", target.host)
    }
}

/// `1 probe`, `10 probes`.
pub fn probes(number: u64) -> String {
    if number == 1 {
        "1 probe".to_owned()
    } else {
        format!("{number} probes")
    }
}

/// The kind of probes, in words.
pub fn method(method: Method) -> String {
    match method {
        Method::Icmp => "ICMP echo".to_owned(),
        Method::Udp(port) => format!("UDP to port {port}"),
        Method::Tcp(port) => format!("TCP SYN to port {port}"),
    }
}

/// Why a router goes no further.
pub fn unreachable(why: Unreachable) -> String {
    match why {
        Unreachable::Network => "it has no route there".to_owned(),
        Unreachable::Host => "the host does not answer on its link".to_owned(),
        Unreachable::Prohibited => "a filter forbids it".to_owned(),
        Unreachable::Other(kind, code) => format!("ICMP type {kind}, code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_matter() {
        assert_eq!(hops(&[2]), "hop 2");
        assert_eq!(hops(&[2, 3, 5]), "hops 2, 3 and 5");
    }
}
