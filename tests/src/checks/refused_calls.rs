//! Calls that fail on purpose for lack of a port or an address, and what `states` reports of them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process;

use anyhow::{Context as _, Result, ensure};
use nix::errno::Errno;
use serde_json::Value;

use crate::sys::calls::socket;
use crate::sys::ring::{Flavour, Ring};
use crate::sys::sysctl::Sysctl;
use crate::tracer::{Session, Tracer, integer, text};

/// Ports that connections may have.
const RANGE: &str = "40000\t40009";
const PORTS: usize = 10;
/// Connections that find none.
const WITHOUT_PORT: u64 = 7;
/// The same through `io_uring`, each in another way.
const BY_RING: [Flavour; 2] = [Flavour::Plain, Flavour::Worker];
/// Where servers listen.
const SERVER: u16 = 4_100;
/// A closed port.
const CLOSED: u16 = 4_101;
/// An address that this host does not have.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 0);

const LOOPBACKS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Call, error, transport and address.
type Refusal = (String, String, String, String);

/// Connections that hold every port of a narrow range.
#[derive(Debug)]
pub struct Full {
    _range: Sysctl,
    _held: Vec<(TcpListener, Vec<TcpStream>)>,
}

/// Takes every port of a narrow range in the network namespace of this thread, and makes calls that find none;
/// also through `io_uring` if `by_ring`.
///
/// # Errors
/// When a call fails that must succeed, or succeeds that must fail.
pub fn run(by_ring: bool) -> Result<Full> {
    let range = Sysctl::set("net/ipv4/ip_local_port_range", RANGE)?;
    let held = LOOPBACKS.iter().map(|&loopback| {
        let server = SocketAddr::new(loopback, SERVER);
        let listener = TcpListener::bind(server)?;
        let open = (0..PORTS).map(|_| TcpStream::connect(server));
        let open: Vec<_> = open.collect::<Result<_, _>>()?;
        for _ in 0..WITHOUT_PORT {
            fails(TcpStream::connect(server), ErrorKind::AddrNotAvailable)?;
        }
        for flavour in BY_RING.into_iter().filter(|_| by_ring) {
            let outcome = connect_by_ring(server, flavour)?;
            ensure!(outcome == Err(Errno::EADDRNOTAVAIL), "{outcome:?}");
        }
        fails(TcpListener::bind(server), ErrorKind::AddrInUse)?;
        let closed = SocketAddr::new(loopback, CLOSED);
        fails(TcpStream::connect(closed), ErrorKind::ConnectionRefused)?;
        let datagrams = UdpSocket::bind(server)?;
        fails(UdpSocket::bind(server), ErrorKind::AddrInUse)?;
        drop(datagrams);
        Ok((listener, open))
    });
    let held = held.collect::<Result<_>>()?;
    fails(TcpListener::bind(ELSEWHERE), ErrorKind::AddrNotAvailable)?;
    Ok(Full {
        _range: range,
        _held: held,
    })
}

fn connect_by_ring(server: SocketAddr, flavour: Flavour) -> Result<nix::Result<()>> {
    let domain = match server {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let socket = socket(domain, libc::SOCK_STREAM, 0)?;
    Ok(Ring::new(&socket, flavour, 16)?.connect(server))
}

fn fails<T>(outcome: std::io::Result<T>, expected: ErrorKind) -> Result<()> {
    let error = outcome.err().context("it did not fail")?;
    ensure!(error.kind() == expected, "{error} instead of {expected}");
    Ok(())
}

/// Waits for two ticks, of which the second includes all calls.
///
/// # Errors
/// When the tracer ends.
pub fn await_two_ticks(tracer: &mut Tracer) -> Result<()> {
    tracer.await_tick()?;
    tracer.await_tick()
}

/// Fails unless `states` reports each failed call of this process exactly once, and no other; with those through
/// `io_uring` if `by_ring`.
///
/// # Errors
/// What is wrong.
pub fn check(session: &Session, by_ring: bool) -> Result<()> {
    let rings = if by_ring { BY_RING.len() } else { 0 };
    let expected = expected(WITHOUT_PORT + u64::try_from(rings)?);
    let in_ticks = reported(session.ticks.iter(), "count")?;
    ensure!(in_ticks == expected, "in the ticks: {in_ticks:#?}");
    let totals = reported(session.ticks.last().into_iter(), "total")?;
    ensure!(totals == expected, "totals: {totals:#?}");
    for tick in &session.ticks {
        let lost = integer(&tick["loss"], "map_full")?;
        ensure!(lost == 0, "{lost} lost");
    }
    Ok(())
}

fn expected(without_port: u64) -> BTreeMap<Refusal, u64> {
    let one = |call: &str, error: &str, proto: &str, address: SocketAddr, count: u64| {
        let words = [call, error, proto].map(str::to_owned);
        let [call, error, proto] = words;
        ((call, error, proto, address.to_string()), count)
    };
    let on_loopback = LOOPBACKS.iter().flat_map(|&loopback| {
        let server = SocketAddr::new(loopback, SERVER);
        [
            one("connect", "EADDRNOTAVAIL", "tcp", server, without_port),
            one("bind", "EADDRINUSE", "tcp", server, 1),
            one("bind", "EADDRINUSE", "udp", server, 1),
        ]
    });
    let elsewhere = one("bind", "EADDRNOTAVAIL", "tcp", ELSEWHERE, 1);
    on_loopback.chain([elsewhere]).collect()
}

fn reported<'t>(
    ticks: impl Iterator<Item = &'t Value>,
    figure: &str,
) -> Result<BTreeMap<Refusal, u64>> {
    let rows = ticks
        .filter_map(|tick| tick["refused"].as_array())
        .flatten();
    let mut reported = BTreeMap::new();
    for row in rows.filter(|row| row["pid"] == process::id()) {
        let [call, error, proto, address] =
            ["call", "error", "proto", "address"].map(|name| text(row, name));
        let refusal = (call?, error?, proto?, address?);
        *reported.entry(refusal).or_default() += integer(row, figure)?;
    }
    Ok(reported)
}
