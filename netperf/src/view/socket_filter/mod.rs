//! Socket filters in the syntax of `ss`.

mod error;
mod parse;
mod states;
mod token;

use std::net::SocketAddr;

use ipnet::IpNet;
use netperf_core::sample::socket::{Ends, InetEnds};
use netperf_core::sample::state_set::StateSet;

pub use self::error::FilterError;
pub use self::parse::parse;
pub use self::states::{STATE_NAMES, states_named};

/// A parsed filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketFilter {
    /// States named in front of the expression; `None` if there are none.
    pub states: Option<StateSet>,
    /// Condition on the addresses; `None` matches all.
    pub ends: Option<Expression>,
}

/// A condition on the addresses of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Evaluated from left to right: `and` binds no closer than `or`, as in `ss`.
    Chain(Box<Self>, Vec<(Joint, Self)>),
    /// The condition does not hold.
    Not(Box<Self>),
    /// One end has this address.
    Host(End, Host),
    /// The port of one end compares like this.
    Port(End, Comparison, u16),
}

/// How a condition is joined to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `and`, `&`, `&&`, or nothing at all.
    And,
    /// `or`, `|`, `||`.
    Or,
}

/// One end of a socket, in the words of `ss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `src` and `sport`.
    Local,
    /// `dst` and `dport`.
    Remote,
}

/// An address with or without a port; `None` matches anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// The network that it is in.
    pub network: Option<IpNet>,
    /// Port of that end.
    pub port: Option<u16>,
}

/// How numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`, `==`, `eq`.
    Equal,
    /// `!=`, `ne`, `neq`.
    NotEqual,
    /// Less than: `<`, `lt`.
    Less,
    /// `<=`, `le`, `leq`.
    LessOrEqual,
    /// Greater than: `>`, `gt`.
    Greater,
    /// `>=`, `ge`, `geq`.
    GreaterOrEqual,
}

impl SocketFilter {
    /// Whether the filter matches every socket.
    pub fn is_empty(&self) -> bool {
        self.states.is_none() && self.ends.is_none()
    }

    /// Whether the filter matches a socket with these ends.
    pub fn takes(&self, ends: &Ends) -> bool {
        self.ends
            .as_ref()
            .is_none_or(|expression| expression.holds_for(ends))
    }
}

impl Expression {
    /// Whether the condition holds; Unix sockets have neither address nor port.
    pub fn holds_for(&self, ends: &Ends) -> bool {
        match self {
            Self::Chain(first, rest) => {
                rest.iter()
                    .fold(first.holds_for(ends), |holds, (joint, term)| match joint {
                        Joint::And => holds && term.holds_for(ends),
                        Joint::Or => holds || term.holds_for(ends),
                    })
            }
            Self::Not(inner) => !inner.holds_for(ends),
            Self::Host(end, host) => inet(ends).is_some_and(|inet| host.is(end.of(inet))),
            Self::Port(end, comparison, port) => {
                inet(ends).is_some_and(|inet| comparison.holds(end.of(inet).port(), *port))
            }
        }
    }
}

impl End {
    fn of(self, ends: &InetEnds) -> SocketAddr {
        match self {
            Self::Local => ends.local,
            Self::Remote => ends.remote,
        }
    }
}

impl Host {
    fn is(&self, address: SocketAddr) -> bool {
        self.network
            .is_none_or(|network| network.contains(&address.ip()))
            && self.port.is_none_or(|port| port == address.port())
    }
}

impl Comparison {
    fn holds(self, left: u16, right: u16) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

fn inet(ends: &Ends) -> Option<&InetEnds> {
    match ends {
        Ends::Inet(ends) => Some(ends),
        Ends::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::sample::socket::UnixEnds;

    fn ends(local: &str, remote: &str) -> Ends {
        Ends::Inet(InetEnds {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            interface: 0,
            is_ipv6: false,
            ipv6_only: false,
        })
    }

    fn takes(filter: &str, local: &str, remote: &str) -> bool {
        parse(filter).unwrap().takes(&ends(local, remote))
    }

    #[test]
    fn each_term_is_held_against_its_end() {
        for (filter, taken) in [
            ("dst 192.0.2.7", true),
            ("dst 192.0.2.0/24", true),
            ("dst 192.0.2.7:443", true),
            ("dst 192.0.2.7:444", false),
            ("dst :443", true),
            ("dst = *:443", true),
            ("dst != 192.0.2.7", false),
            ("src 192.0.2.7", false),
            ("src 10.0.0.0/8", true),
            ("sport = :40000", true),
            ("sport = 40000", true),
            ("sport gt :40000", false),
            ("sport >= :40000", true),
            ("dport lt :443", false),
            ("dport <= :443", true),
            ("dport != :443", false),
            ("dport :443", true),
            ("not dst 192.0.2.7", false),
            ("! sport = :1", true),
            ("sport = :1 or dport = :443", true),
            ("sport = :1 | dport = :443", true),
            ("sport = :1 and dport = :443", false),
            ("sport = :40000 dport = :443", true),
            ("sport = :40000 && ! ( dport = :443 || dport = :80 )", false),
            ("dst [::1]", false),
            ("", true),
        ] {
            assert_eq!(
                takes(filter, "10.0.0.5:40000", "192.0.2.7:443"),
                taken,
                "{filter}"
            );
        }
    }

    #[test]
    fn conditions_are_joined_from_left_to_right_as_ss_does() {
        for filter in [
            "sport = :1 or sport = :2 dport = :3",
            "sport = :1 or sport = :2 and dport = :3",
            "(sport = :1 or sport = :2) and dport = :3",
        ] {
            assert!(takes(filter, "10.0.0.5:1", "192.0.2.7:3"), "{filter}");
            assert!(!takes(filter, "10.0.0.5:1", "192.0.2.7:9"), "{filter}");
        }
        let bracketed = "sport = :1 or (sport = :2 and dport = :3)";
        assert!(takes(bracketed, "10.0.0.5:1", "192.0.2.7:9"));
        let negated = "not sport = :1 and dport = :3";
        assert!(!takes(negated, "10.0.0.5:2", "192.0.2.7:9"));
    }

    #[test]
    fn addresses_of_both_families_are_understood() {
        for filter in [
            "dst 2001:db8::7",
            "dst [2001:db8::7]",
            "dst [2001:db8::7]:443",
            "dst 2001:db8::/32",
            "dst [2001:db8::]/32",
            "dst [2001:db8::]/32:443",
        ] {
            assert!(takes(filter, "[::1]:1", "[2001:db8::7]:443"), "{filter}");
            assert!(!takes(filter, "[::1]:1", "[2001:db9::7]:443"), "{filter}");
        }
        assert!(takes("dst ::ffff:10.0.0.0/104", "10.0.0.1:1", "10.9.9.9:2"));
        assert!(takes("dst [::ffff:10.9.9.9]:2", "10.0.0.1:1", "10.9.9.9:2"));
    }

    #[test]
    fn a_socket_within_the_machine_has_no_address_to_match() {
        let unix = Ends::Unix(UnixEnds {
            path: None,
            peer: None,
        });
        assert!(!parse("dst 0.0.0.0/0").unwrap().takes(&unix));
        assert!(!parse("sport = :0").unwrap().takes(&unix));
        assert!(parse("not sport = :0").unwrap().takes(&unix));
    }
}
