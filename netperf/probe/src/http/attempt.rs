//! How does one request go its way? Every mark is set when it is reached, so that what failed or
//! took too long is known up to there.

use std::net::SocketAddr;
use std::time::Duration;

use netperf_core::clock::{self, MonoNs};
use netperf_core::sample::dns::{Lookup, LookupEnd, Outcome};
use netperf_core::sample::http::{Connection, RequestReading, Tls};
use netperf_core::sample::name_service::NameService;
use netperf_core::units::format_duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dial::dial;
use super::exchange::{Channel, count_body, reply};
use super::request::{HttpRequest, Version};
use super::tcp_info;
use super::tls::Agreement;
use crate::dns::{Network, lookup};

/// Makes requests of one kind, and keeps what the next one can use again.
pub(super) struct Client<'r> {
    request: &'r HttpRequest,
    service: &'r NameService,
    address: Option<SocketAddr>,
    agreement: Option<Agreement>,
    open: Option<Open>,
}

/// A connection that may be used again.
struct Open {
    channel: Channel,
    connection: Connection,
    tls: Option<Tls>,
}

impl<'r> Client<'r> {
    pub(super) fn new(
        request: &'r HttpRequest,
        service: &'r NameService,
        address: Option<SocketAddr>,
    ) -> Result<Self, String> {
        let agreement = request.is_secure().then(|| Agreement::new(request));
        Ok(Self {
            request,
            service,
            address,
            agreement: agreement.transpose()?,
            open: None,
        })
    }

    /// Makes one request, from the name to the last byte.
    pub(super) async fn request(&mut self) -> RequestReading {
        let begun = clock::now().0;
        let mut reading = RequestReading::default();
        let patience = self.request.patience;
        let ended = timeout(patience, self.run(begun, &mut reading)).await;
        reading.marks.total = since(begun);
        reading.timed_out = ended.is_err();
        reading.failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why),
            Err(_) => Some(format!("not finished within {}", format_duration(patience))),
        };
        let agreement = self.agreement.as_ref();
        reading.certificate_wanted = agreement.is_some_and(Agreement::is_certificate_wanted);
        let is_usable = self.request.keep_alive && reading.failure.is_none();
        if !is_usable {
            let sent = self.open.as_ref().and_then(|open| open.channel.sent());
            let sent = sent.and_then(|sent| sent.since(begun));
            reading.marks.posttransfer = reading.marks.posttransfer.or(sent);
            self.open = None;
        }
        reading
    }

    async fn run(&mut self, begun: MonoNs, reading: &mut RequestReading) -> Result<(), String> {
        self.connect(begun, reading).await?;
        let Some(open) = &mut self.open else {
            return Err("the connection is gone".to_owned());
        };
        let message = self.request.message(open.channel.is_http2())?;
        reading.marks.pretransfer = Some(since(begun));
        let sent = open.channel.send(message).await;
        let (moments, mut response) = sent.map_err(|unanswered| {
            let first_byte = unanswered.first_byte.and_then(|it| it.since(begun));
            let sent = unanswered.sent.and_then(|it| it.since(begun));
            reading.marks.posttransfer = sent.or(first_byte);
            reading.marks.starttransfer = first_byte;
            unanswered.why
        })?;
        let first_byte = moments.first_byte.since(begun);
        reading.marks.posttransfer = moments.sent.and_then(|it| it.since(begun)).or(first_byte);
        reading.marks.starttransfer = first_byte;
        let reply = reading.reply.insert(reply(&response));
        count_body(response.body_mut(), &mut reply.body_bytes).await
    }

    /// Connects, or reuses an open connection.
    async fn connect(&mut self, begun: MonoNs, reading: &mut RequestReading) -> Result<(), String> {
        if let Some(open) = &mut self.open
            && open.channel.is_open().await
        {
            let marks = &mut reading.marks;
            for mark in [
                &mut marks.namelookup,
                &mut marks.connect,
                &mut marks.appconnect,
            ] {
                *mark = Some(Duration::ZERO);
            }
            reading.connection = Some(Connection {
                reused: true,
                ..open.connection
            });
            reading.tls.clone_from(&open.tls);
            return Ok(());
        }
        let addresses = self.addresses(reading).await?;
        let needs_name = reading.lookup.is_some();
        reading.marks.namelookup = Some(if needs_name {
            since(begun)
        } else {
            Duration::ZERO
        });
        let dialled = dial(&addresses).await;
        (reading.refused, reading.overtaken) = (dialled.refused, dialled.overtaken);
        let Some(stream) = dialled.stream else {
            return Err(in_words(&reading.refused));
        };
        reading.marks.connect = Some(since(begun));
        let connection = about(&stream)?;
        reading.connection = Some(connection);
        let channel = self.channel(stream, begun, reading).await?;
        self.open = Some(Open {
            channel,
            connection,
            tls: reading.tls.clone(),
        });
        Ok(())
    }

    /// Agrees on what is spoken over a connection.
    async fn channel(
        &self,
        stream: TcpStream,
        begun: MonoNs,
        reading: &mut RequestReading,
    ) -> Result<Channel, String> {
        let version = self.request.version;
        let Some(agreement) = &self.agreement else {
            reading.marks.appconnect = Some(Duration::ZERO);
            return Channel::open(stream, version == Version::Two).await;
        };
        let (stream, tls) = agreement.secure(self.request.host(), stream).await?;
        reading.marks.appconnect = Some(since(begun));
        let over_two = tls.alpn.as_deref() == Some("h2");
        reading.tls = Some(tls);
        if version == Version::Two && !over_two {
            return Err("the server does not speak HTTP/2".to_owned());
        }
        Channel::open(stream, over_two).await
    }

    /// Where the host is.
    async fn addresses(&self, reading: &mut RequestReading) -> Result<Vec<SocketAddr>, String> {
        let pinned = self.address.map(|address| vec![address]);
        if let Some(addresses) = pinned.or_else(|| self.request.pinned()) {
            return Ok(addresses);
        }
        let looked_up = lookup(&Network, self.service, &self.request.host()).await;
        let addresses = looked_up.addresses();
        let why_not = why_not(&looked_up);
        let is_literal = matches!(looked_up.end, LookupEnd::Literal(_));
        reading.lookup = Some(looked_up).filter(|_| !is_literal);
        if addresses.is_empty() {
            return Err(why_not);
        }
        let port = self.request.port();
        Ok(addresses.into_iter().map(|it| (it, port).into()).collect())
    }
}

fn since(begun: MonoNs) -> Duration {
    clock::now().0.since(begun).unwrap_or_default()
}

fn about(stream: &TcpStream) -> Result<Connection, String> {
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    let remote = stream.peer_addr().map_err(|error| error.to_string())?;
    let info = tcp_info::of(stream);
    Ok(Connection {
        remote,
        reused: false,
        rtt: info.map(|(rtt, _)| rtt),
        syn_retrans: info.map(|(_, again)| again),
    })
}

fn in_words(refused: &[(SocketAddr, String)]) -> String {
    let each = refused
        .iter()
        .map(|(address, why)| format!("{address}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}

/// Why a lookup found nothing.
fn why_not(lookup: &Lookup) -> String {
    let last = lookup
        .queries
        .last()
        .map(|query| match &query.reading.outcome {
            Outcome::Answered(answer) => format!("{} from {}", answer.rcode.name(), query.server),
            Outcome::TimedOut => format!("no answer from {}", query.server),
            Outcome::Failed(why) => format!("{}: {why}", query.server),
        });
    let last = last.unwrap_or_else(|| "no resolver was queried".to_owned());
    if lookup.end == LookupEnd::NoAddress {
        format!("the name has no address ({last})")
    } else {
        format!("the name could not be resolved ({last})")
    }
}
