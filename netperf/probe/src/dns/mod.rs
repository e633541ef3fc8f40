//! How fast do resolvers answer, what, and how often do they have to be asked?

mod lookup;
mod name;
mod question;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;

pub(crate) use self::lookup::lookup;
pub use self::name::{NameFault, name_fault};
pub use self::question::Kind;
pub(crate) use self::question::Question;
#[cfg(fuzzing)]
pub use self::question::fuzz;
pub(crate) use self::wire::{Network, Wire};
use netperf_core::clock;
use netperf_core::sample::dns::{
    DnsSample, Lookup, LookupEnd, Outcome, Reading, ResolverReading, Transport,
};
use netperf_core::sample::name_service::NameService;

/// A resolver that is silent so many times at first is not asked further.
const SILENT_ROUNDS: u32 = 3;

/// What is to be asked, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRequest {
    /// The name, or an address of which the name is wanted. [`name_fault`] is `None` for it.
    pub name: String,
    /// Which records; none for what programs want, the addresses.
    pub kind: Option<Kind>,
    /// Resolvers beside those of resolv.conf.
    pub servers: Vec<SocketAddr>,
    /// Those of resolv.conf are left out, and so are its search domains.
    pub only: bool,
    /// How often each is asked.
    pub count: u32,
    /// Query over TCP.
    pub tcp: bool,
    /// How long each answer may take; `None` for what resolv.conf says.
    pub patience: Option<Duration>,
}

/// Asks everybody. Resolvers are asked at the same time, each of them one query after the other, but
/// for A and AAAA, which go out together as the C library sends them.
pub async fn measure(request: &DnsRequest, mut service: NameService) -> DnsSample {
    let wall = clock::now().1;
    if let Some(patience) = request.patience {
        service.options.timeout = patience;
    }
    let (kinds, name) = wanted(request);
    let looks_up = !request.only && kinds.contains(&Kind::A);
    let lookup = if looks_up {
        Some(lookup(&Network, &service, &name).await)
    } else {
        None
    };
    let asked = asked(&name, lookup.as_ref());
    let configured = service.servers.iter().enumerate();
    let configured = configured.filter(|_| !request.only);
    let mut resolvers: Vec<_> = configured.map(|(at, &server)| (server, Some(at))).collect();
    resolvers.extend(request.servers.iter().map(|&server| (server, None)));
    let asking = resolvers.into_iter().map(|(server, place)| {
        let kinds = &kinds;
        let (asked, service) = (&asked, &service);
        async move {
            ResolverReading {
                server,
                place,
                readings: each(&Network, request, service, (server, asked, kinds)).await,
            }
        }
    });
    let resolvers = join_all(asking).await;
    DnsSample {
        wall,
        name: request.name.clone(),
        asked,
        lookup,
        resolvers,
        service,
    }
}

/// What is asked for which name: an address has a name of its own.
fn wanted(request: &DnsRequest) -> (Vec<Kind>, String) {
    let address = request.name.parse().ok();
    match (address, request.kind) {
        (Some(address), None | Some(Kind::PTR)) => (vec![Kind::PTR], reverse_name(address)),
        (_, Some(kind)) => (vec![kind], request.name.clone()),
        (None, None) => (vec![Kind::A, Kind::AAAA], request.name.clone()),
    }
}

/// The name under which the name of an address is asked for.
pub(crate) fn reverse_name(address: std::net::IpAddr) -> String {
    let name = hickory_proto::rr::Name::from(address).to_ascii();
    name.trim_end_matches('.').to_owned()
}

/// The name with the search domain that was needed.
fn asked(name: &str, lookup: Option<&Lookup>) -> String {
    match lookup.map(|lookup| &lookup.end) {
        Some(LookupEnd::Found { name, .. }) => name.clone(),
        _ => name.strip_suffix('.').unwrap_or(name).to_owned(),
    }
}

async fn each(
    wire: &impl Wire,
    request: &DnsRequest,
    service: &NameService,
    (server, name, kinds): (SocketAddr, &str, &[Kind]),
) -> Vec<Reading> {
    let transport = if request.tcp || service.options.use_vc {
        Transport::Tcp
    } else {
        Transport::Udp
    };
    let edns = service.options.edns0;
    let mut readings: Vec<Reading> = Vec::new();
    for round in 0..request.count {
        let questions = kinds.iter().map(|&kind| Question::new(name, kind, edns));
        let Ok(questions) = questions.collect::<Result<Vec<_>, _>>() else {
            break;
        };
        let is_silent = readings.iter().all(|it| it.outcome == Outcome::TimedOut);
        if round >= SILENT_ROUNDS && is_silent {
            break;
        }
        let patience = service.options.timeout;
        readings.extend(ask(wire, server, transport, &questions, patience).await);
    }
    readings
}

/// Asks once, and what was cut off once more over TCP.
async fn ask(
    wire: &impl Wire,
    server: SocketAddr,
    transport: Transport,
    questions: &[Question],
    patience: Duration,
) -> Vec<Reading> {
    let mut readings = wire.exchange(server, transport, questions, patience).await;
    for (question, reading) in questions.iter().zip(&mut readings) {
        let is_cut = |answer: &netperf_core::sample::dns::Answer| answer.truncated;
        if transport == Transport::Tcp || !reading.outcome.answer().is_some_and(is_cut) {
            continue;
        }
        let question = std::slice::from_ref(question);
        let whole = wire
            .exchange(server, Transport::Tcp, question, patience)
            .await;
        for whole in whole {
            reading.took += whole.took;
            reading.outcome = whole.outcome;
            reading.transport = Transport::UdpThenTcp;
        }
    }
    readings
}
