//! The two meanings of `--resolve`. Without a value, addresses are shown as names; with one, `http`
//! uses these addresses for a host. The parser sees one option, so they share a type.

use std::net::IpAddr;
use std::str::FromStr;

use netperf_probe::http::Pin;

/// A value of `--resolve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Show addresses as names.
    Names,
    /// Use these addresses for a host.
    At(Pin),
}

impl FromStr for Naming {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not HOST:PORT:ADDRESS, such as example.org:443:192.0.2.1";
        if text.is_empty() {
            return Ok(Self::Names);
        }
        let (host, rest) = text.split_once(':').ok_or(WRONG)?;
        let (port, addresses) = rest.split_once(':').ok_or(WRONG)?;
        let port = port.parse().ok().filter(|&port: &u16| port > 0);
        let addresses: Option<Vec<IpAddr>> = addresses
            .split(',')
            .map(|text| {
                text.trim_start_matches('[')
                    .trim_end_matches(']')
                    .parse()
                    .ok()
            })
            .collect();
        match (host.is_empty(), port, addresses) {
            (false, Some(port), Some(addresses)) => Ok(Self::At(Pin {
                host: host.to_owned(),
                port,
                addresses,
            })),
            _ => Err(WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_host_a_port_and_addresses() {
        let Ok(Naming::At(pin)) = "x.y:443:192.0.2.1,[2001:db8::1]".parse() else {
            panic!("no place");
        };
        assert_eq!(
            (pin.host.as_str(), pin.port, pin.addresses.len()),
            ("x.y", 443, 2)
        );
        for wrong in [
            "x",
            "x:443",
            "x:0:192.0.2.1",
            "x:443:",
            "x:443:y",
            ":443:192.0.2.1",
        ] {
            assert!(wrong.parse::<Naming>().is_err(), "{wrong}");
        }
    }
}
