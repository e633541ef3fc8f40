//! What does it mean that `connect` fails with an error, and what is to be done?

use std::net::SocketAddr;

/// An error of `connect`, in words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errno {
    number: u8,
    name: &'static str,
    /// As programs print it.
    message: &'static str,
    meaning: &'static str,
}

/// Kernel: `include/uapi/asm-generic/errno-base.h` and `errno.h`.
const KNOWN: &[Errno] = &[
    errno(
        1,
        "EPERM",
        "Operation not permitted",
        "a firewall of this host forbids it",
    ),
    errno(
        12,
        "ENOMEM",
        "Cannot allocate memory",
        "this host has no memory for it",
    ),
    errno(
        13,
        "EACCES",
        "Permission denied",
        "a rule or a route (`prohibit`) of this host forbids it",
    ),
    errno(
        22,
        "EINVAL",
        "Invalid argument",
        "a route (`blackhole`) of this host leads nowhere",
    ),
    errno(
        71,
        "EPROTO",
        "Protocol error",
        "a router can't read its packets",
    ),
    errno(
        92,
        "ENOPROTOOPT",
        "Protocol not available",
        "that host does not support TCP, or a firewall rejects it",
    ),
    errno(
        98,
        "EADDRINUSE",
        "Address already in use",
        "another connection has these addresses and ports",
    ),
    errno(
        99,
        "EADDRNOTAVAIL",
        "Cannot assign requested address",
        "no port is left for this destination, or the own address is not one of this host",
    ),
    errno(
        100,
        "ENETDOWN",
        "Network is down",
        "the interface that the route names is down",
    ),
    errno(
        101,
        "ENETUNREACH",
        "Network is unreachable",
        "no route leads there",
    ),
    errno(
        103,
        "ECONNABORTED",
        "Software caused connection abort",
        "this host has ended it",
    ),
    errno(
        104,
        "ECONNRESET",
        "Connection reset by peer",
        "the other end has ended it",
    ),
    errno(
        105,
        "ENOBUFS",
        "No buffer space available",
        "this host has no room for its packets",
    ),
    errno(
        110,
        "ETIMEDOUT",
        "Connection timed out",
        "no answer came until the kernel gave up",
    ),
    errno(
        111,
        "ECONNREFUSED",
        "Connection refused",
        "nothing listens there, or a firewall rejects it",
    ),
    errno(
        112,
        "EHOSTDOWN",
        "Host is down",
        "that host does not answer on its own network",
    ),
    errno(
        113,
        "EHOSTUNREACH",
        "No route to host",
        "that host does not answer on its own network (ARP, NDP), or a router or firewall rejects it",
    ),
];

pub(super) const ECONNREFUSED: u8 = 111;
pub(super) const ETIMEDOUT: u8 = 110;
pub(super) const EHOSTUNREACH: u8 = 113;
pub(super) const ENETUNREACH: u8 = 101;
pub(super) const EADDRNOTAVAIL: u8 = 99;
pub(super) const EADDRINUSE: u8 = 98;

const fn errno(
    number: u8,
    name: &'static str,
    message: &'static str,
    meaning: &'static str,
) -> Errno {
    Errno {
        number,
        name,
        message,
        meaning,
    }
}

/// `ECONNREFUSED`; `errno 200` of one that is not known.
pub(super) fn name(number: u8) -> String {
    known(number).map_or_else(|| format!("errno {number}"), |known| known.name.to_owned())
}

/// What it means; nothing of one that is not known.
pub(super) fn meaning(number: u8) -> Option<&'static str> {
    known(number).map(|known| known.meaning)
}

/// ``ECONNREFUSED (`Connection refused`)``.
pub(super) fn spelled(number: u8) -> String {
    match known(number) {
        Some(known) => format!("{} (`{}`)", known.name, known.message),
        None => name(number),
    }
}

/// What happened to `who`.
pub(super) fn what(number: u8, who: &str, remote: SocketAddr) -> String {
    let meaning = meaning(number).unwrap_or("look the number up in errno(3)");
    match number {
        ECONNREFUSED => format!("{who} is refused by {remote}: {meaning}"),
        ETIMEDOUT => format!("{who} gets no answer from {remote}: {meaning}"),
        ENETUNREACH | EHOSTUNREACH => format!("{who} can't reach {remote}: {meaning}"),
        _ => format!("{who} can't connect to {remote}: {meaning}"),
    }
}

/// What to do about it.
pub(super) fn advice(number: u8, who: &str, remote: SocketAddr) -> Vec<String> {
    let (host, port) = (remote.ip(), remote.port());
    let configuration =
        format!("is {remote} the address that {who} is meant to call? Look at its configuration");
    match number {
        ECONNREFUSED => vec![
            format!(
                "is the service up there, and does it listen on port {port}, and not on 127.0.0.1 only? \
                 There: `netperf-trace sockets -tl sport = :{port}`"
            ),
            configuration,
        ],
        ETIMEDOUT => vec![
            format!("does {host} answer at all? `netperf-trace path {host}`"),
            "a firewall that drops without a word looks like this, and so does a server whose queue of \
             clients is full"
                .to_owned(),
        ],
        EHOSTUNREACH => vec![
            format!(
                "on the own network: is {host} up, and does `ip neigh show {host}` say FAILED? Else see \
                 which router reports it: `netperf-trace path {host}`"
            ),
            configuration,
        ],
        ENETUNREACH => {
            let mut advice = vec![format!(
                "look at the routes: `ip route get {host}`; is the default route missing?"
            )];
            if remote.is_ipv6() {
                advice.push(
                    "a host without IPv6 loses nothing if the program then takes IPv4; to be rid of it, look \
                     why names get IPv6 addresses here"
                        .to_owned(),
                );
            }
            advice
        }
        _ => vec![
            format!(
                "look at the route and at the firewall of this host: `ip route get {host}`, `nft list ruleset`"
            ),
            configuration,
        ],
    }
}

fn known(number: u8) -> Option<&'static Errno> {
    KNOWN.iter().find(|known| known.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_messages_are_those_of_this_system() {
        for known in KNOWN {
            let error = std::io::Error::from_raw_os_error(known.number.into());
            let message = format!("{} (os error {})", known.message, known.number);
            assert_eq!(error.to_string(), message, "{}", known.name);
        }
        assert!(KNOWN.is_sorted_by_key(|known| known.number));
    }

    #[test]
    fn an_error_that_nobody_knows_has_its_number() {
        assert_eq!((name(200), meaning(200)), ("errno 200".to_owned(), None));
        assert!(what(200, "curl (PID 7)", ([10, 0, 0, 1], 80).into()).contains("errno(3)"));
    }
}
