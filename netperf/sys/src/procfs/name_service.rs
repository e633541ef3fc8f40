//! What do `/etc/resolv.conf`, `/etc/nsswitch.conf` and `/etc/hosts` say? Read as the C library does:
//! what it does not understand it leaves out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use netperf_core::sample::name_service::{NameService, ResolverOptions};

use super::{Procfs, lossy};

/// No sane configuration is longer.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// As many resolvers as the C library asks.
const SERVERS: usize = 3;
const PORT: u16 = 53;

impl Procfs {
    /// How this machine looks names up.
    pub fn name_service(&self) -> NameService {
        let text = |path| {
            let bytes = self.read(path, FILE_MAX_BYTES);
            bytes.map(|bytes| lossy(&bytes)).unwrap_or_default()
        };
        let mut service = resolv_conf(&text("etc/resolv.conf"));
        if service.search.is_empty() {
            let host = text("proc/sys/kernel/hostname");
            let domain = host.trim().split_once('.').map(|(_, domain)| domain);
            service.search.extend(domain.map(str::to_owned));
        }
        service.sources = sources(&text("etc/nsswitch.conf"));
        service.hosts = hosts(&text("etc/hosts"));
        service
    }
}

fn resolv_conf(text: &str) -> NameService {
    let mut service = NameService {
        servers: Vec::new(),
        search: Vec::new(),
        options: ResolverOptions::default(),
        sources: Vec::new(),
        hosts: Vec::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with([';', '#'])) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => service.servers.extend(words.next().and_then(server)),
            Some("search") => service.search = words.map(str::to_owned).collect(),
            Some("domain") => service.search = words.take(1).map(str::to_owned).collect(),
            Some("options") => words.for_each(|word| option(word, &mut service.options)),
            _ => {}
        }
    }
    service.servers.truncate(SERVERS);
    if service.servers.is_empty() {
        service.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
    }
    service
}

fn server(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, PORT).into());
    }
    let (address, interface) = text.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    let scope = interface.parse().ok();
    let scope = scope.or_else(|| nix::net::if_::if_nametoindex(interface).ok())?;
    Some(SocketAddrV6::new(address, PORT, 0, scope).into())
}

fn option(word: &str, options: &mut ResolverOptions) {
    let number = |name: &str, most: u8| {
        let digits = word.strip_prefix(name)?.strip_prefix(':')?;
        digits.parse::<u32>().ok().map(|number| {
            let number = number.min(u32::from(most));
            u8::try_from(number).unwrap_or(most)
        })
    };
    if let Some(ndots) = number("ndots", 15) {
        options.ndots = ndots;
    } else if let Some(seconds) = number("timeout", 30) {
        options.timeout = Duration::from_secs(u64::from(seconds.max(1)));
    } else if let Some(attempts) = number("attempts", 5) {
        options.attempts = attempts.max(1);
    }
    match word {
        "rotate" => options.rotate = true,
        "single-request" => options.single_request = true,
        "single-request-reopen" => options.single_request_reopen = true,
        "use-vc" => options.use_vc = true,
        "no-aaaa" => options.no_aaaa = true,
        "edns0" => options.edns0 = true,
        _ => {}
    }
}

/// The sources of host names, without what to do about their results. Without a line: glibc's own.
fn sources(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let mut found = lines.filter_map(|line| line.trim().strip_prefix("hosts:"));
    let line = found.next().unwrap_or("files dns");
    let mut in_brackets = false;
    let words = line.split_whitespace().filter(|word| {
        let was_in = in_brackets || word.starts_with('[');
        in_brackets = was_in && !word.ends_with(']');
        !was_in
    });
    words.map(str::to_owned).collect()
}

fn hosts(text: &str) -> Vec<(IpAddr, Vec<String>)> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let named = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        Some((address, words.map(str::to_owned).collect()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_search_list_and_options_are_read_as_the_c_library_does() {
        let service = resolv_conf(
            "# c\n; c\nsearch a b\ndomain x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver bad\n\
             nameserver fe80::1%1\nnameserver 10.0.0.2\noptions ndots:5 timeout:0 attempts:99\n\
             options rotate single-request ndots:x edns0 unknown\n",
        );
        let servers: Vec<_> = service.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.53:53", "[::1]:53", "[fe80::1%1]:53"]);
        assert_eq!(service.search, ["x"]);
        let options = service.options;
        assert_eq!((options.ndots, options.attempts), (5, 5));
        assert_eq!(options.timeout, Duration::from_secs(1));
        assert!(options.rotate && options.single_request && options.edns0);
        assert!(!options.use_vc && !options.no_aaaa);
    }

    #[test]
    fn without_a_resolver_the_own_machine_is_asked() {
        assert_eq!(resolv_conf("").servers, [([127, 0, 0, 1], 53).into()]);
    }

    #[test]
    fn sources_are_words_without_their_actions() {
        assert_eq!(
            sources(
                "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns [ !UNAVAIL=return ] x # y\n"
            ),
            ["files", "mdns4_minimal", "dns", "x"]
        );
        assert_eq!(sources(""), ["files", "dns"]);
    }

    #[test]
    fn hosts_have_all_their_names() {
        let read = hosts("127.0.0.1 localhost me # no\nx y\n::1 six\n10.0.0.2\n");
        let read: Vec<_> = read
            .iter()
            .map(|(address, names)| format!("{address} {}", names.join(" ")))
            .collect();
        assert_eq!(read, ["127.0.0.1 localhost me", "::1 six", "10.0.0.2 "]);
    }
}
