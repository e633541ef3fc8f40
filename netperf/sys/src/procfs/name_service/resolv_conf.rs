//! How does the C library read `/etc/resolv.conf`? glibc: `res_vinit_1` and `res_setoptions` in
//! `resolv/res_init.c`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use netperf_core::sample::name_service::{NameService, ResolverOptions, UnreadLine, UnreadWhy};

/// As many resolvers as the C library asks.
const SERVERS: usize = 3;
const PORT: u16 = 53;
const KEYWORDS: [&str; 4] = ["nameserver", "search", "domain", "options"];

pub(super) fn resolv_conf(text: &str) -> NameService {
    let mut service = NameService {
        servers: Vec::new(),
        search: Vec::new(),
        options: ResolverOptions::default(),
        sources: Vec::new(),
        hosts: Vec::new(),
        unread: Vec::new(),
    };
    // A carriage return is part of its line.
    for (line, number) in text.split('\n').zip(1..) {
        if line.starts_with([';', '#']) {
            continue;
        }
        let taken = taken(line, &mut service);
        if let Err(why) = taken {
            let text = line.trim().to_owned();
            service.unread.push(UnreadLine { number, text, why });
        }
    }
    if service.servers.is_empty() {
        service.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
    }
    service
}

/// Takes a line in; why not, if it looks as if it should be.
fn taken(line: &str, service: &mut NameService) -> Result<(), UnreadWhy> {
    let Some((keyword, rest)) = keyword(line) else {
        let looks_so = line.starts_with(char::is_whitespace) && keyword(line.trim()).is_some();
        return if looks_so {
            Err(UnreadWhy::Indented)
        } else {
            Ok(())
        };
    };
    let words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    match keyword {
        "nameserver" => return nameserver(rest, service),
        // A line without a domain changes nothing.
        "search" if words.clone().next().is_some() => {
            service.search = words.map(str::to_owned).collect();
        }
        "domain" if words.clone().next().is_some() => {
            service.search = words.take(1).map(str::to_owned).collect();
        }
        "options" => {
            words.for_each(|word| option(word, &mut service.options));
            // Options are known by how they begin, and numbers end where their digits do.
            return Ok(());
        }
        _ => return Ok(()),
    }
    if rest.ends_with('\r') {
        return Err(UnreadWhy::CarriageReturn);
    }
    Ok(())
}

/// The keyword that begins a line, and what stands behind the blank that must follow it.
fn keyword(line: &str) -> Option<(&'static str, &str)> {
    KEYWORDS.into_iter().find_map(|keyword| {
        let rest = line.strip_prefix(keyword)?.strip_prefix([' ', '\t'])?;
        Some((keyword, rest))
    })
}

fn nameserver(rest: &str, service: &mut NameService) -> Result<(), UnreadWhy> {
    let rest = rest.trim_start_matches([' ', '\t']);
    let word = rest.split([';', '#', ' ', '\t']).next().unwrap_or_default();
    if service.servers.len() == SERVERS {
        return Err(UnreadWhy::FourthServer);
    }
    match server(word) {
        Some(server) => service.servers.push(server),
        None if word.ends_with('\r') => return Err(UnreadWhy::CarriageReturn),
        None => return Err(UnreadWhy::NoAddress),
    }
    Ok(())
}

fn server(text: &str) -> Option<SocketAddr> {
    if let Some(address) = aton(text) {
        return Some((address, PORT).into());
    }
    let Some((address, interface)) = text.split_once('%') else {
        return text
            .parse::<Ipv6Addr>()
            .ok()
            .map(|it| (IpAddr::V6(it), PORT).into());
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let scope = interface.parse().ok();
    let scope = scope.or_else(|| nix::net::if_::if_nametoindex(interface).ok());
    // An interface that is not there is none.
    Some(SocketAddrV6::new(address, PORT, 0, scope.unwrap_or(0)).into())
}

/// As `inet_aton` has it: one to four numbers, the last of which fills the rest; hexadecimal behind `0x`,
/// octal behind `0`.
fn aton(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let (digits, radix) = match part {
            "0" => (part, 10),
            _ => match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
                Some(digits) => (digits, 16),
                None => part
                    .strip_prefix('0')
                    .map_or((part, 10), |digits| (digits, 8)),
            },
        };
        let is_bare = digits.starts_with(|first: char| first.is_ascii_hexdigit());
        u32::from_str_radix(digits, radix).ok().filter(|_| is_bare)
    };
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (&last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    let rest = 32 - 8 * u32::try_from(first.len()).ok()?;
    let fits = first.iter().all(|&part| part < 256) && u64::from(last) < 1 << rest;
    let upper = first
        .iter()
        .zip([24_u32, 16, 8])
        .map(|(part, shift)| part << shift);
    fits.then(|| Ipv4Addr::from(upper.sum::<u32>() | last))
}

/// Options are told by their beginning, and a number ends where its digits do.
fn option(word: &str, options: &mut ResolverOptions) {
    let number = |name: &str, most: u8| {
        let text = word.strip_prefix(name)?.strip_prefix(':')?;
        let digits = text.split(|it: char| !it.is_ascii_digit()).next()?;
        let number = digits.parse::<u32>().unwrap_or(0).min(u32::from(most));
        Some(u8::try_from(number).unwrap_or(most))
    };
    if let Some(ndots) = number("ndots", 15) {
        options.ndots = ndots;
    } else if let Some(seconds) = number("timeout", 30) {
        options.timeout = Duration::from_secs(u64::from(seconds.max(1)));
    } else if let Some(attempts) = number("attempts", 5) {
        options.attempts = attempts.max(1);
    }
    // The longer name first: both begin alike.
    let flags: [(&str, &mut bool); 6] = [
        ("rotate", &mut options.rotate),
        ("single-request-reopen", &mut options.single_request_reopen),
        ("single-request", &mut options.single_request),
        ("use-vc", &mut options.use_vc),
        ("no-aaaa", &mut options.no_aaaa),
        ("edns0", &mut options.edns0),
    ];
    if let Some((_, flag)) = flags.into_iter().find(|(name, _)| word.starts_with(name)) {
        *flag = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Vec<String> {
        let service = resolv_conf(text);
        service
            .servers
            .iter()
            .map(|it| it.ip().to_string())
            .collect()
    }

    fn unread(text: &str) -> Vec<(usize, UnreadWhy)> {
        let lines = resolv_conf(text).unread.into_iter();
        lines.map(|line| (line.number, line.why)).collect()
    }

    #[test]
    fn resolvers_search_list_and_options_are_read_as_the_c_library_does() {
        let service = resolv_conf(
            "# c\n; c\nsearch a b\ndomain x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver bad\n\
             nameserver fe80::1%1\nnameserver 10.0.0.2\noptions ndots:5 timeout:0 attempts:99\n\
             options rotate single-request edns0 unknown\nsearch\n",
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
        assert_eq!(servers(""), ["127.0.0.1"]);
    }

    #[test]
    fn lines_that_do_not_begin_with_their_keyword_are_not_read() {
        let text = "  nameserver 127.0.0.2\n\toptions ndots:5\n nothing\nnameserver:1.1.1.1\n";
        assert_eq!(servers(text), ["127.0.0.1"]);
        assert_eq!(resolv_conf(text).options.ndots, 1);
        assert_eq!(
            unread(text),
            [(1, UnreadWhy::Indented), (2, UnreadWhy::Indented)]
        );
    }

    #[test]
    fn a_carriage_return_belongs_to_the_last_word() {
        let text = "search a b\r\nnameserver 127.0.0.2\r\noptions ndots:2 edns0\r\n\r\n";
        assert_eq!(servers(text), ["127.0.0.1"]);
        let service = resolv_conf(text);
        assert_eq!(service.search, ["a", "b\r"]);
        assert!(service.options.ndots == 2 && service.options.edns0);
        let carriage = UnreadWhy::CarriageReturn;
        assert_eq!(unread(text), [(1, carriage), (2, carriage)]);
        // A comment behind the address takes it away.
        assert_eq!(servers("nameserver 127.0.0.2 # x\r\n"), ["127.0.0.2"]);
    }

    #[test]
    fn a_fourth_resolver_and_what_is_no_address_are_told() {
        let text = "nameserver 10.0.0.1\nnameserver x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n\
                    nameserver 10.0.0.4\n";
        assert_eq!(servers(text), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(
            unread(text),
            [(2, UnreadWhy::NoAddress), (5, UnreadWhy::FourthServer)]
        );
    }

    #[test]
    fn addresses_are_read_as_inet_aton_reads_them() {
        for (text, address) in [
            ("127.2", Some("127.0.0.2")),
            ("0x7f.1", Some("127.0.0.1")),
            ("010.0.0.1", Some("8.0.0.1")),
            ("10.0.258", Some("10.0.1.2")),
            ("2130706433", Some("127.0.0.1")),
            ("256.0.0.1", None),
            ("1.2.3.4.5", None),
            ("10.0.0.+1", None),
            ("10.0.0.", None),
            ("", None),
        ] {
            let read = aton(text).map(|it| it.to_string());
            assert_eq!(read.as_deref(), address, "{text}");
        }
    }

    #[test]
    fn an_option_without_a_number_has_zero_as_atoi_says() {
        assert_eq!(resolv_conf("options ndots:5 ndots:x\n").options.ndots, 0);
        assert!(
            !resolv_conf("options single-request-reopen\n")
                .options
                .single_request
        );
    }
}
