//! Reads the arguments of `dns`.

use std::net::{IpAddr, SocketAddr};

use netperf_core::failure::Failure;
use netperf_probe::dns::{DnsRequest, Kind, name_fault};

use super::args::DnsArgs;
use crate::cmd::pointing::pointing_at;

const PORT: u16 = 53;

/// Reads the arguments.
///
/// # Errors
///
/// They are not a name, a record type or a server.
pub(super) fn request(args: &DnsArgs) -> Result<DnsRequest, Failure> {
    // The parser does not ask for --watch where a name is given, which --watch does not go with.
    if !args.pid.is_empty() {
        let why = "--pid selects queries for --watch: this program itself looks a NAME up";
        return Err(Failure::Usage(why.to_owned()));
    }
    let mut request = DnsRequest {
        name: String::new(),
        kind: None,
        servers: Vec::new(),
        only: args.only,
        count: args.queries,
        tcp: args.tcp,
        patience: args.timeout,
    };
    let mut plain = Vec::new();
    for word in &args.words {
        match word.strip_prefix('@') {
            Some(text) => request.servers.push(server(word, text)?),
            None => plain.push(word.as_str()),
        }
    }
    match plain.as_slice() {
        [] => {
            let why = "which name? For example: dns example.org";
            return Err(Failure::Usage(why.to_owned()));
        }
        [name] => request.name = checked(name)?,
        [name, kind] => {
            request.name = checked(name)?;
            request.kind = Some(named(kind)?);
        }
        [_, _, other, ..] => {
            let why = "a name and a type were given before; more resolvers begin with @";
            return Err(pointing_at(other, 0, why));
        }
    }
    if request.only && request.servers.is_empty() {
        let why = "--only needs a resolver to ask, for example @192.0.2.1";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(request)
}

fn checked(name: &str) -> Result<String, Failure> {
    if name.parse::<IpAddr>().is_ok() {
        return Ok(name.to_owned());
    }
    match name_fault(name) {
        None => Ok(name.to_owned()),
        Some(fault) => Err(pointing_at(name, fault.at, &fault.why)),
    }
}

fn named(kind: &str) -> Result<Kind, Failure> {
    Kind::named(kind).ok_or_else(|| {
        let why = format!("no type of record: they are {}", Kind::names());
        pointing_at(kind, 0, &why)
    })
}

fn server(word: &str, text: &str) -> Result<SocketAddr, Failure> {
    let alone = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    let address = alone.map(|address| (address, PORT).into());
    let address = address.or_else(|_| text.parse::<SocketAddr>());
    match address {
        Ok(address) if address.port() != 0 => Ok(address),
        Ok(_) | Err(_) => Err(pointing_at(
            word,
            1,
            "a resolver is an address, with or without a port: @192.0.2.1, @192.0.2.1:5353, \
             @2001:db8::1, @[2001:db8::1]:5353",
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(words: &str) -> Result<DnsRequest, String> {
        let line = format!("netperf-trace dns {words}");
        let cli = Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        let Command::Dns(args) = cli.command else {
            panic!("another command");
        };
        request(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn words_may_stand_in_the_order_of_dig() {
        let request = parsed("@192.0.2.1 example.org mx @[2001:db8::1]:5353 -c 3").unwrap();
        assert_eq!(request.name, "example.org");
        assert_eq!(request.kind, Kind::named("MX"));
        let servers: Vec<_> = request.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:5353"]);
        assert_eq!((request.count, request.only), (3, false));
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_place() {
        for (words, place) in [
            ("a..b", "  a..b\n    ^"),
            ("a NS b", "  b\n  ^"),
            ("a axfr", "  axfr\n  ^"),
            ("a @nowhere", "  @nowhere\n   ^"),
            ("a @192.0.2.1:0", "  @192.0.2.1:0\n   ^"),
        ] {
            let error = parsed(words).unwrap_err();
            assert!(error.ends_with(place), "{words}: {error}");
        }
        for words in [
            "@192.0.2.1",
            "a --only",
            "a --pid 1",
            "a -c 0",
            "a --timeout 0",
            "a --timeout x",
        ] {
            assert!(parsed(words).is_err(), "{words}");
        }
    }
}
