//! What is the largest packet that passes, and where do larger ones vanish? ICMP echo that must not be cut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use netperf_core::clock;
use netperf_core::sample::path::{Method, MtuReading, Said};

use super::packet::Token;
use super::wire::{Arrival, Fragments, Wire};

/// How often a size is tried before it is taken for one that does not pass.
const TRIES: u8 = 3;

/// How long an answer is waited for: several times what a small packet takes, within these.
const PATIENCE_MIN: Duration = Duration::from_millis(200);
const PATIENCE_MAX: Duration = Duration::from_secs(1);

/// Larger packets are not tried: they are not those of any network.
const LARGEST: u16 = u16::MAX - 1;

/// A size that nearly every link carries.
const ETHERNET: u16 = 1_500;

/// Every link must carry this (RFC 791, RFC 8200).
fn smallest(target: SocketAddr) -> u16 {
    if target.is_ipv4() { 68 } else { 1_280 }
}

/// What became of a packet of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered(Duration),
    TooBig(Arrived),
    /// Larger than the interface.
    TooBigHere,
    Silence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrived {
    from: std::net::IpAddr,
    mtu: Option<u32>,
}

/// Looks for the largest packet that `target` answers; `distance` is where it is.
///
/// # Errors
/// When the sockets are refused.
pub(super) fn search(target: SocketAddr, distance: u8) -> io::Result<MtuReading> {
    let mut search = Search {
        wire: Wire::open(target, Method::Icmp, Fragments::Never)?,
        token: Token(0),
        patience: PATIENCE_MAX,
    };
    search.run(target, distance)
}

struct Search {
    wire: Wire,
    token: Token,
    patience: Duration,
}

impl Search {
    fn run(&mut self, target: SocketAddr, distance: u8) -> io::Result<MtuReading> {
        let mut found = MtuReading {
            passes: None,
            fails: None,
            link: None,
            told_by: None,
            lost_at: None,
        };
        let link = self.link(target)?;
        found.link = Some(link).filter(|&link| link < LARGEST).map(u32::from);
        let small = smallest(target);
        let Fate::Answered(rtt) = self.fate(small, u8::MAX)? else {
            return Ok(found);
        };
        self.patience = (rtt * 4).clamp(PATIENCE_MIN, PATIENCE_MAX);
        let (mut passes, mut fails) = (small, link.saturating_add(1));
        let mut next = link;
        let mut was_silent = false;
        while passes + 1 < fails {
            match self.fate(next, u8::MAX)? {
                Fate::Answered(_) => passes = next,
                Fate::TooBig(told) => {
                    fails = next;
                    was_silent = false;
                    found.told_by = Some((told.from, told.mtu));
                    let mtu = told.mtu.and_then(|mtu| u16::try_from(mtu).ok());
                    if let Some(mtu) = mtu.filter(|&mtu| mtu > passes && mtu < fails) {
                        next = mtu;
                        continue;
                    }
                }
                Fate::TooBigHere => fails = next,
                Fate::Silence => {
                    fails = next;
                    was_silent = true;
                }
            }
            next = passes.midpoint(fails);
            // What a router named is the answer if one more is too much.
            if found
                .told_by
                .is_some_and(|(_, mtu)| mtu == Some(passes.into()))
            {
                next = passes + 1;
            }
        }
        found.passes = Some(passes.into());
        found.fails = Some(fails.into());
        if was_silent {
            found.told_by = None;
            found.lost_at = self.lost_at(small, fails, distance)?;
        }
        Ok(found)
    }

    /// The MTU of the interface: the kernel refuses larger packets at once.
    fn link(&mut self, target: SocketAddr) -> io::Result<u16> {
        if self.is_taken(ETHERNET)? && !self.is_taken(ETHERNET + 1)? {
            return Ok(ETHERNET);
        }
        let (mut taken, mut refused) = (smallest(target), LARGEST + 1);
        while taken + 1 < refused {
            let middle = taken.midpoint(refused);
            if self.is_taken(middle)? {
                taken = middle;
            } else {
                refused = middle;
            }
        }
        Ok(taken)
    }

    /// Whether this machine sends packets of this size, seen with one that goes no further than a hop.
    fn is_taken(&mut self, size: u16) -> io::Result<bool> {
        self.token = self.token.next();
        match self.wire.send(self.token, 1, size) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The first hop that answers small packets and no large ones.
    fn lost_at(&mut self, small: u16, large: u16, distance: u8) -> io::Result<Option<u8>> {
        for ttl in 1..=distance {
            let answers_large = self.hop_answers(large, ttl)?;
            if !answers_large && self.hop_answers(small, ttl)? {
                return Ok(Some(ttl));
            }
        }
        Ok(None)
    }

    fn hop_answers(&mut self, size: u16, ttl: u8) -> io::Result<bool> {
        Ok(self.fate(size, ttl)? != Fate::Silence)
    }

    fn fate(&mut self, size: u16, ttl: u8) -> io::Result<Fate> {
        for _ in 0..TRIES {
            let fate = self.attempt(size, ttl)?;
            if fate != Fate::Silence {
                return Ok(fate);
            }
        }
        Ok(Fate::Silence)
    }

    fn attempt(&mut self, size: u16, ttl: u8) -> io::Result<Fate> {
        self.token = self.token.next();
        let sent = match self.wire.send(self.token, ttl, size) {
            Ok(sent) => sent,
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                return Ok(Fate::TooBigHere);
            }
            Err(error) => return Err(error),
        };
        loop {
            while let Some(Arrival { heard, from, at }) = self.wire.receive() {
                if heard.token != self.token {
                    continue;
                }
                return Ok(match heard.said {
                    Said::TooBig(mtu) => Fate::TooBig(Arrived { from, mtu }),
                    Said::Unreachable(_) => Fate::Silence,
                    Said::Reached | Said::Refused | Said::Expired => {
                        Fate::Answered(at.since(sent).unwrap_or_default())
                    }
                });
            }
            let waited = clock::now().0.since(sent).unwrap_or_default();
            let Some(left) = self
                .patience
                .checked_sub(waited)
                .filter(|left| !left.is_zero())
            else {
                return Ok(Fate::Silence);
            };
            self.wire.wait(left)?;
        }
    }
}
