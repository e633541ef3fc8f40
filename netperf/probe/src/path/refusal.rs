//! Why does this machine itself not send a packet to an address?

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Why a path can't be probed.
#[derive(Debug)]
pub enum Unopened {
    /// The kernel refused a raw socket: a capability is missing.
    Rights(io::Error),
    /// This machine sends nothing there, for this reason.
    NoWay(String),
    /// Something else.
    Other(io::Error),
}

impl Unopened {
    pub(super) fn of(error: io::Error, to: SocketAddr) -> Self {
        match error.raw_os_error() {
            Some(libc::EPERM) => Self::Rights(error),
            // `connect` says EACCES of both; only a socket that may broadcast gets past the address.
            Some(libc::EACCES) if is_broadcast(to) => Self::NoWay(format!(
                "{} is the broadcast address of a link, not the address of a host",
                to.ip()
            )),
            Some(number) => match words(number, to.ip()) {
                Some(why) => Self::NoWay(why),
                None => Self::Other(error),
            },
            None => Self::Other(error),
        }
    }
}

/// What an error means that came of sending a packet there.
pub(super) fn unsent(error: &io::Error, to: IpAddr) -> String {
    match error.raw_os_error() {
        // The capability was there when the socket was opened.
        Some(libc::EPERM) => {
            "a filter of this machine drops them on their way out (nftables, iptables or BPF)"
                .to_owned()
        }
        Some(number) => words(number, to).unwrap_or_else(|| error.to_string()),
        None => error.to_string(),
    }
}

/// What the kernel's look-up of the route means (`fib_props` in `net/ipv4/fib_semantics.c`).
fn words(number: i32, to: IpAddr) -> Option<String> {
    let text = match number {
        libc::EACCES => {
            "a route of this machine forbids it (type `prohibit`), or a security policy does"
        }
        libc::EINVAL if is_link_local(to) => {
            "a link-local address needs its interface: write ADDRESS%INTERFACE"
        }
        libc::EINVAL => {
            "a route of this machine throws such packets away (type `blackhole`), or the address \
                         is not one to send to"
        }
        libc::ENETUNREACH => "it has no route there",
        libc::EHOSTUNREACH => {
            "a route of this machine says that the host can't be reached (type `unreachable`), or no \
             neighbour answers"
        }
        libc::ENETDOWN => "the interface is down",
        libc::EADDRNOTAVAIL => "it has no address of its own to send from",
        libc::EAFNOSUPPORT => "it does not speak this address family",
        _ => return None,
    };
    Some(text.to_owned())
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

fn is_broadcast(to: SocketAddr) -> bool {
    let IpAddr::V4(_) = to.ip() else {
        return false;
    };
    // Nothing is sent: `connect` only looks the route up.
    let connects = |may_broadcast| {
        let to = SocketAddr::new(to.ip(), 33_434);
        UdpSocket::bind("0.0.0.0:0").is_ok_and(|socket| {
            socket.set_broadcast(may_broadcast).is_ok() && socket.connect(to).is_ok()
        })
    };
    !connects(false) && connects(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unopened(number: i32, to: &str) -> String {
        let to = SocketAddr::new(to.parse().unwrap(), 0);
        match Unopened::of(io::Error::from_raw_os_error(number), to) {
            Unopened::Rights(_) => "rights".to_owned(),
            Unopened::NoWay(why) => why,
            Unopened::Other(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_route_that_forbids_is_no_missing_capability() {
        assert_eq!(unopened(libc::EPERM, "192.0.2.1"), "rights");
        for (number, to, word) in [
            (libc::EACCES, "192.0.2.1", "`prohibit`"),
            (libc::EACCES, "2001:db8::1", "`prohibit`"),
            (libc::EINVAL, "192.0.2.1", "`blackhole`"),
            (libc::EINVAL, "fe80::1", "ADDRESS%INTERFACE"),
            (libc::EHOSTUNREACH, "192.0.2.1", "`unreachable`"),
            (libc::ENETUNREACH, "192.0.2.1", "no route"),
        ] {
            let why = unopened(number, to);
            assert!(why.contains(word), "{number} {to}: {why}");
        }
    }

    #[test]
    fn a_packet_that_an_own_filter_drops_is_said_to_be_dropped_by_it() {
        let error = io::Error::from_raw_os_error(libc::EPERM);
        let why = unsent(&error, IpAddr::from([192, 0, 2, 1]));
        assert!(why.contains("a filter of this machine"), "{why}");
    }
}
