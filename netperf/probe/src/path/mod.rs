//! Which way do packets take to a host, and what happens to them on it?
//!
//! `packet` makes probes and `answer` reads what comes back, both pure. `course` knows which probe is
//! due, and what became of each; `wire` has the sockets. A thread for each target joins them.

mod answer;
mod checksum;
mod course;
mod filter;
mod mtu;
mod packet;
mod refusal;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use netperf_core::clock::{self, MonoNs};
use netperf_core::sample::path::{Method, MtuReading, Outcome, PathCycle, Said, Unreachable};

#[cfg(fuzzing)]
pub use self::answer::fuzz;
pub use self::course::Plan;
use self::course::{Course, Next, Settled};
use self::packet::Flow;
pub use self::refusal::Unopened;
use self::wire::{Arrival, Fragments, Wire};

/// How long it takes at the most to notice that nobody listens any more.
const NOTICE: Duration = Duration::from_millis(200);

/// What a prober says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A cycle is over.
    Cycle(PathCycle),
    /// The largest packet that passes has been looked for.
    Mtu(Result<MtuReading, String>),
    /// It can't go on.
    Failed(String),
    /// All cycles are over.
    Over,
}

/// A path that can be probed: its sockets are open.
#[derive(Debug)]
pub struct Prober {
    wire: Wire,
    target: SocketAddr,
    size: u16,
    looks_for_mtu: bool,
}

impl Prober {
    /// Opens the sockets in the network namespace of the calling thread. `CAP_NET_RAW` is needed.
    ///
    /// # Errors
    /// When the kernel refuses them, or has no route to the target.
    pub fn open(target: SocketAddr, method: Method, size: u16) -> Result<Self, Unopened> {
        let wire = Wire::open(target, method, Fragments::Allowed)
            .map_err(|error| Unopened::of(error, target))?;
        Ok(Self {
            wire,
            target,
            size,
            looks_for_mtu: false,
        })
    }

    /// Looks for the largest packet that passes as well.
    #[must_use]
    pub fn with_mtu(self) -> Self {
        Self {
            looks_for_mtu: true,
            ..self
        }
    }

    /// Probes in a thread of its own, which ends with the plan or when nobody listens any more. What it
    /// says begins with `number`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(
        self,
        number: usize,
        plan: Plan,
        news: UnboundedSender<(usize, News)>,
    ) -> io::Result<()> {
        let name = format!("path-{number}");
        let session = Session {
            prober: self,
            number,
            news,
        };
        thread::Builder::new()
            .name(name)
            .spawn(move || session.run(plan))?;
        Ok(())
    }
}

struct Session {
    prober: Prober,
    number: usize,
    news: UnboundedSender<(usize, News)>,
}

impl Session {
    fn run(mut self, plan: Plan) {
        let last = match self.probe(plan) {
            Ok(()) => News::Over,
            Err(error) => News::Failed(error.to_string()),
        };
        self.say(last);
    }

    fn probe(&mut self, plan: Plan) -> io::Result<()> {
        let mut course = Course::new(plan, clock::now().0);
        while !self.news.is_closed() {
            match course.next(clock::now().0) {
                Next::Send(token, ttl) => {
                    match self.prober.wire.send(token, ttl, self.prober.size) {
                        Ok(at) => course.sent(token, at),
                        Err(error) => {
                            let why = refusal::unsent(&error, self.prober.target.ip());
                            course.not_sent(token, why);
                        }
                    }
                }
                Next::Wait(until) => self.prober.wire.wait(until_then(until))?,
                Next::Over => break,
            }
            while let Some(arrival) = self.prober.wire.receive() {
                match refused_here(&arrival, self.prober.wire.flow) {
                    Some(why) => course.not_sent(arrival.heard.token, why.to_owned()),
                    None => course.heard(arrival.heard, arrival.from, arrival.at),
                }
            }
            while let Some(settled) = course.settled(clock::now().0) {
                self.over(settled, course.distance())?;
            }
        }
        Ok(())
    }

    fn over(&mut self, settled: Settled, distance: Option<u8>) -> io::Result<()> {
        let Settled {
            number,
            probes,
            is_exhausted,
        } = settled;
        let is_reached = probes.last().is_some_and(
            |last| matches!(last, Outcome::Answered(reply) if reply.said.is_destination()),
        );
        let (at, wall) = clock::now();
        self.say(News::Cycle(PathCycle {
            cycle: number,
            at,
            wall,
            probes,
            is_exhausted,
        }));
        match distance {
            Some(distance) if is_reached && self.prober.looks_for_mtu => {
                self.prober.looks_for_mtu = false;
                self.look_for_mtu(distance)
            }
            _ => Ok(()),
        }
    }

    /// Beside the cycles, in this network namespace.
    fn look_for_mtu(&self, distance: u8) -> io::Result<()> {
        let (target, number, news) = (self.prober.target, self.number, self.news.clone());
        let search = move || {
            let found = mtu::search(target, distance).map_err(|error| error.to_string());
            // Whoever asked may have gone.
            let _ = news.send((number, News::Mtu(found)));
        };
        thread::Builder::new()
            .name(format!("mtu-{number}"))
            .spawn(search)?;
        Ok(())
    }

    fn say(&self, news: News) {
        // Whoever listened may have gone: then the loop ends.
        let _ = self.news.send((self.number, news));
    }
}

/// Why this machine says itself that a probe goes no further, if it was this machine.
fn refused_here(arrival: &Arrival, flow: Flow) -> Option<&'static str> {
    let is_own = arrival.from == flow.from && flow.from != flow.to;
    match arrival.heard.said {
        Said::Unreachable(Unreachable::Host) if is_own => Some(
            "neither the host nor a gateway to it answers on the local link (ARP or neighbour discovery)",
        ),
        Said::Unreachable(_) if is_own => Some("a filter or route of its own refuses them"),
        Said::Reached | Said::Refused | Said::Expired | Said::Unreachable(_) | Said::TooBig(_) => {
            None
        }
    }
}

fn until_then(time: MonoNs) -> Duration {
    time.since(clock::now().0).unwrap_or_default().min(NOTICE)
}
