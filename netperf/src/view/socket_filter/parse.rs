//! Parses socket filters. The grammar is that of `ss`; names of hosts and services are not resolved.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use netperf_core::sample::state_set::StateSet;

use super::states::{STATE_NAMES, states_named};
use super::token::{Token, tokens};
use super::{Comparison, End, Expression, FilterError, Host, Joint, SocketFilter};

/// Nested brackets and negations; each level takes space on the stack.
const DEPTH_MAX: usize = 64;

const A_TERM: &str = "`src`, `dst`, `sport`, `dport`, `not` or `(`; processes, users and cgroups \
have options: --pid, --name, --user, --cgroup";
const A_HOST: &str = "an address such as `10.0.0.0/8`, `10.0.0.1:443`, `[2001:db8::1]:443` or \
`:443`; names of hosts and services are not looked up";
const A_PORT: &str = "a port as a number, such as `:443`; names of services are not looked up";

/// Parses a filter: `state` and `exclude` with their states in front, then an expression.
///
/// # Errors
///
/// The filter is not valid; the error shows where.
pub fn parse(filter: &str) -> Result<SocketFilter, FilterError> {
    let mut parser = Parser {
        filter,
        tokens: tokens(filter),
        next: 0,
        depth: 0,
    };
    let states = parser.states()?;
    let ends = match parser.peek() {
        None => None,
        Some(_) => Some(parser.chain()?),
    };
    match parser.peek() {
        None => Ok(SocketFilter { states, ends }),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

struct Parser<'t> {
    filter: &'t str,
    tokens: Vec<(usize, Token<'t>)>,
    next: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).map(|&(_, token)| token)
    }

    fn skip(&mut self, token: Token<'_>) -> bool {
        let is_there = self.peek() == Some(token);
        self.next += usize::from(is_there);
        is_there
    }

    fn word(&mut self) -> Option<&'t str> {
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        self.next += 1;
        Some(word)
    }

    /// An error at the current position: something else was expected.
    fn expected(&self, what: &'static str) -> FilterError {
        let end = self.filter.trim_end().len();
        let at = self.tokens.get(self.next).map_or(end, |&(at, _)| at);
        FilterError::new(self.filter, at, what)
    }

    /// An error at the word before: something else was expected there.
    fn misread(&mut self, what: &'static str) -> FilterError {
        self.next = self.next.saturating_sub(1);
        self.expected(what)
    }

    /// States add up, as in `ss`; without any before it, `exclude` takes from all.
    fn states(&mut self) -> Result<Option<StateSet>, FilterError> {
        let mut states = None;
        loop {
            if self.skip(Token::Word("state")) {
                let named = self.state()?;
                states = Some(states.unwrap_or(StateSet::NONE).or(named));
            } else if self.skip(Token::Word("exclude")) {
                let named = self.state()?;
                states = Some(states.unwrap_or(StateSet::ALL).without(named));
            } else {
                return Ok(states);
            }
        }
    }

    fn state(&mut self) -> Result<StateSet, FilterError> {
        let Some(word) = self.word() else {
            return Err(self.expected(STATE_NAMES));
        };
        states_named(word).ok_or_else(|| self.misread(STATE_NAMES))
    }

    fn chain(&mut self) -> Result<Expression, FilterError> {
        let first = self.term()?;
        let mut rest = Vec::new();
        while let Some(joint) = self.joint() {
            rest.push((joint, self.term()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression::Chain(Box::new(first), rest))
    }

    /// The operator before the next term, if there is one.
    fn joint(&mut self) -> Option<Joint> {
        let (joint, is_written) = match self.peek()? {
            Token::Or => (Joint::Or, true),
            Token::And => (Joint::And, true),
            Token::Word(_) | Token::Open | Token::Not => (Joint::And, false),
            Token::Close | Token::Compare(_) => return None,
        };
        self.next += usize::from(is_written);
        Some(joint)
    }

    fn term(&mut self) -> Result<Expression, FilterError> {
        if self.depth == DEPTH_MAX {
            return Err(self.expected("fewer brackets and negations within each other"));
        }
        self.depth += 1;
        let term = self.nested();
        self.depth -= 1;
        term
    }

    fn nested(&mut self) -> Result<Expression, FilterError> {
        if self.skip(Token::Not) {
            return Ok(Expression::Not(Box::new(self.term()?)));
        }
        if self.skip(Token::Open) {
            let inner = self.chain()?;
            return if self.skip(Token::Close) {
                Ok(inner)
            } else {
                Err(self.expected("`and`, `or` or `)`"))
            };
        }
        match self.word() {
            Some("src") => self.host(End::Local),
            Some("dst") => self.host(End::Remote),
            Some("sport") => self.port(End::Local),
            Some("dport") => self.port(End::Remote),
            Some("state" | "exclude") => {
                Err(self.misread("`state` and `exclude` in front of the expression only"))
            }
            Some(_) => Err(self.misread(A_TERM)),
            None => Err(self.expected(A_TERM)),
        }
    }

    fn comparison(&mut self) -> Comparison {
        let Some(Token::Compare(comparison)) = self.peek() else {
            return Comparison::Equal;
        };
        self.next += 1;
        comparison
    }

    fn host(&mut self, end: End) -> Result<Expression, FilterError> {
        let is = match self.comparison() {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => {
                return Err(self.misread("`=` or `!=`: addresses have no order"));
            }
        };
        let Some(word) = self.word() else {
            return Err(self.expected(A_HOST));
        };
        let host = host(word).ok_or_else(|| self.misread(A_HOST))?;
        let term = Expression::Host(end, host);
        Ok(if is {
            term
        } else {
            Expression::Not(Box::new(term))
        })
    }

    fn port(&mut self, end: End) -> Result<Expression, FilterError> {
        let comparison = self.comparison();
        let Some(word) = self.word() else {
            return Err(self.expected(A_PORT));
        };
        let port = word.strip_prefix(':').unwrap_or(word).parse().ok();
        let port = port.ok_or_else(|| self.misread(A_PORT))?;
        Ok(Expression::Port(end, comparison, port))
    }
}

/// Parses `ADDRESS`, `ADDRESS/BITS`, either with `:PORT`, or a port alone; `*` is anything.
fn host(word: &str) -> Option<Host> {
    if let Some(network) = network(word) {
        return Some(Host {
            network: Some(network),
            port: None,
        });
    }
    // Only behind a bracket is a colon of IPv6 told from that of a port.
    let (address, port) = match word.rsplit_once(':') {
        Some((address, port)) if !address.contains(':') || address.contains(']') => {
            (address, Some(port))
        }
        _ => (word, None),
    };
    let network = match address {
        "" if port.is_some() => None,
        "*" => None,
        address => Some(network(address)?),
    };
    let port = match port {
        None | Some("*") => None,
        Some(port) => Some(port.parse().ok()?),
    };
    Some(Host { network, port })
}

fn network(text: &str) -> Option<IpNet> {
    let text = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, bits) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            // What else may stand here is a port.
            if !bits.is_empty() && !bits.starts_with('/') {
                return None;
            }
            format!("{address}{bits}")
        }
        None => text.to_owned(),
    };
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse().or_else(|_| alone()).ok()?;
    Some(unmapped(network))
}

/// A network of IPv4 within IPv6 as the IPv4 that sockets are listed with.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let v4 = v6.addr().to_ipv4_mapped();
    let bits = v6.prefix_len().checked_sub(96);
    let mapped = v4
        .zip(bits)
        .and_then(|(v4, bits)| Ipv4Net::new(v4, bits).ok());
    mapped.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use netperf_core::sample::TcpState;

    fn position(filter: &str) -> usize {
        let error = parse(filter).unwrap_err();
        assert!(!error.to_string().is_empty());
        error.position()
    }

    #[test]
    fn an_error_points_at_the_word_that_is_wrong() {
        for (filter, at) in [
            ("dst foo", 4),
            ("dst", 3),
            ("dst >= 10.0.0.1", 4),
            ("sport = :https", 8),
            ("sport = :70000", 8),
            ("foo", 0),
            ("sport = :1 foo", 11),
            ("sport = :1 and", 14),
            ("sport = :1 )", 11),
            ("( sport = :1", 12),
            ("dst 10.0.0.0/33", 4),
            ("dst 10.0.0.1:x", 4),
            ("dst ::1:443:x", 4),
            ("dst [::1", 4),
            ("dst [10.0.0.1]", 4),
            ("or sport = :1", 0),
            ("not", 3),
            ("= :1", 0),
            ("state foo", 6),
            ("state", 5),
            ("sport = :1 state listening", 11),
            ("dst é", 4),
        ] {
            assert_eq!(position(filter), at, "{filter}");
        }
    }

    #[test]
    fn the_message_shows_the_place_and_what_was_expected() {
        let message = parse("dst example.org or dport = :1")
            .unwrap_err()
            .to_string();
        let lines: Vec<_> = message.lines().collect();
        assert!(
            lines[0].contains("at `example.org` (character 5)"),
            "{message}"
        );
        assert!(lines[0].contains("names of hosts"), "{message}");
        assert_eq!(lines[1], "  dst example.org or dport = :1");
        assert_eq!(lines[2], "      ^");
    }

    #[test]
    fn states_in_front_add_up_and_exclusions_take_away() {
        let states = |filter| parse(filter).unwrap().states.unwrap();
        let two = StateSet::of([TcpState::TimeWait, TcpState::Listen]);
        assert_eq!(states("state time-wait state LISTEN"), two);
        let without = StateSet::ALL.without(StateSet::of([TcpState::TimeWait]));
        assert_eq!(states("exclude time-wait sport = :1"), without);
        assert_eq!(parse("sport = :1").unwrap().states, None);
        assert_eq!(parse("  ").unwrap(), SocketFilter::default());
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_is_full() {
        for opening in ["(", "!", "not ", "!("] {
            let filter = opening.repeat(100_000);
            assert!(parse(&filter).is_err());
        }
        let deep = format!("{}sport = :1{}", "(".repeat(60), ")".repeat(60));
        assert!(parse(&deep).is_ok());
        let long = vec!["sport = :1"; 10_000].join(" or ");
        assert!(parse(&long).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            if let Err(error) = parse(&text) {
                let _ = error.to_string();
            }
        }

        #[test]
        fn no_order_of_words_makes_it_panic(words in proptest::collection::vec(
            proptest::sample::select(vec![
                "src", "dst", "sport", "dport", "=", "!=", "ge", "(", ")", "and", "or", "not", "!",
                ":443", "10.0.0.0/8", "[::1]:2", "*", "state", "exclude", "listening", "é",
            ]), 0..16,
        )) {
            if let Err(error) = parse(&words.join(" ")) {
                let _ = error.to_string();
            }
        }
    }
}
