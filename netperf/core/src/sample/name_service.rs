//! How this machine resolves names, by its configuration.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The configuration of the C library's resolver: resolv.conf(5), nsswitch.conf(5), hosts(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameService {
    /// Resolvers in the order of use: three at most.
    pub servers: Vec<SocketAddr>,
    /// Domains that are appended to names. Untrusted text.
    pub search: Vec<String>,
    /// Options of resolv.conf.
    pub options: ResolverOptions,
    /// Where host names are looked up, in order: `files`, `dns` and others. Untrusted text.
    pub sources: Vec<String>,
    /// Addresses with their names, in the order of the file. Untrusted text.
    pub hosts: Vec<(IpAddr, Vec<String>)>,
    /// Lines of resolv.conf that look like settings and are not taken as such.
    pub unread: Vec<UnreadLine>,
}

/// A line of resolv.conf that the C library reads otherwise than it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLine {
    /// Its number, from 1.
    pub number: usize,
    /// What it says, without blanks around it. Untrusted text.
    pub text: String,
    /// What is wrong with it.
    pub why: UnreadWhy,
}

/// Why the C library does not read a line of resolv.conf as it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadWhy {
    /// The keyword does not begin the line.
    Indented,
    /// It ends in a carriage return, which belongs to its last word.
    CarriageReturn,
    /// Three resolvers stand before it.
    FourthServer,
    /// What stands there is no address.
    NoAddress,
}

/// Options of resolv.conf(5) that change which queries are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of resolv.conf"
)]
pub struct ResolverOptions {
    /// A name with at least this many dots is first tried as it is.
    pub ndots: u8,
    /// How long to wait for the first resolver.
    pub timeout: Duration,
    /// How many rounds through the list of resolvers.
    pub attempts: u8,
    /// Each lookup starts with another resolver.
    pub rotate: bool,
    /// AAAA is queried after the answer for A, not at the same time.
    pub single_request: bool,
    /// Like `single_request`, with a new socket for the second query.
    pub single_request_reopen: bool,
    /// Queries go over TCP from the start.
    pub use_vc: bool,
    /// AAAA is not queried.
    pub no_aaaa: bool,
    /// Queries announce room for larger UDP answers (EDNS0).
    pub edns0: bool,
}

impl Default for ResolverOptions {
    fn default() -> Self {
        Self {
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            single_request: false,
            single_request_reopen: false,
            use_vc: false,
            no_aaaa: false,
            edns0: false,
        }
    }
}

impl NameService {
    /// Addresses that the hosts file has for `name`, in the order of the file.
    pub fn in_hosts(&self, name: &str) -> Vec<IpAddr> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let has = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let lines = self.hosts.iter().filter(|(_, names)| has(names));
        lines.map(|&(address, _)| address).collect()
    }

    /// Whether the hosts file has precedence over resolvers.
    pub fn hosts_come_first(&self) -> bool {
        let place = |source| self.sources.iter().position(|it| it == source);
        match (place("files"), place("dns")) {
            (Some(files), Some(dns)) => files < dns,
            (files, _) => files.is_some(),
        }
    }

    /// The names that the C library tries for `name`, in order (glibc: `__res_context_search`).
    pub fn tried_for(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let dots = name.bytes().filter(|&byte| byte == b'.').count();
        let appended = self.search.iter().map(|domain| match domain.as_str() {
            "." => name.to_owned(),
            domain => format!("{name}.{}", domain.trim_end_matches('.')),
        });
        let mut names: Vec<String> = appended.collect();
        let as_it_is = name.to_owned();
        if dots >= usize::from(self.options.ndots) {
            names.insert(0, as_it_is);
        } else if !names.contains(&as_it_is) {
            names.push(as_it_is);
        }
        names
    }

    /// How long to wait for the resolver at `place` in the list (glibc: `send_dg`).
    pub fn patience(&self, place: usize) -> Duration {
        let base = self.options.timeout;
        if place == 0 {
            return base;
        }
        let doubled = base * (1 << place.min(3));
        let count = u64::try_from(self.servers.len().max(1)).unwrap_or(1);
        Duration::from_secs((doubled.as_secs() / count).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(search: &[&str], ndots: u8, servers: usize) -> NameService {
        let server = SocketAddr::from(([10, 0, 0, 1], 53));
        NameService {
            servers: vec![server; servers],
            search: search.iter().map(|&domain| domain.to_owned()).collect(),
            options: ResolverOptions {
                ndots,
                ..ResolverOptions::default()
            },
            sources: vec!["files".to_owned(), "dns".to_owned()],
            hosts: vec![(
                IpAddr::from([10, 0, 0, 7]),
                vec!["db".to_owned(), "DB.example".to_owned()],
            )],
            unread: Vec::new(),
        }
    }

    #[test]
    fn names_are_tried_in_the_order_of_the_c_library() {
        let cluster = service(&["ns.svc.local", "svc.local"], 5, 1);
        assert_eq!(
            cluster.tried_for("db.example"),
            [
                "db.example.ns.svc.local",
                "db.example.svc.local",
                "db.example"
            ]
        );
        assert_eq!(cluster.tried_for("db.example."), ["db.example"]);
        let plain = service(&["example"], 1, 1);
        assert_eq!(plain.tried_for("db"), ["db.example", "db"]);
        assert_eq!(plain.tried_for("db.x"), ["db.x", "db.x.example"]);
        assert_eq!(service(&[], 1, 1).tried_for("db"), ["db"]);
    }

    #[test]
    fn later_resolvers_have_the_time_that_the_c_library_gives_them() {
        let seconds = |servers| {
            let service = service(&[], 1, servers);
            (0..servers)
                .map(|place| service.patience(place).as_secs())
                .collect::<Vec<_>>()
        };
        assert_eq!(seconds(1), [5]);
        assert_eq!(seconds(2), [5, 5]);
        assert_eq!(seconds(3), [5, 3, 6]);
    }

    #[test]
    fn the_hosts_file_knows_names_in_any_case() {
        let service = service(&[], 1, 1);
        assert_eq!(
            service.in_hosts("db.EXAMPLE."),
            [IpAddr::from([10, 0, 0, 7])]
        );
        assert!(service.in_hosts("other").is_empty());
        assert!(service.hosts_come_first());
    }
}
