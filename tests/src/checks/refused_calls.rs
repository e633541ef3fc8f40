//! What is refused for want of a port or an address? Calls that fail on purpose, and what the tracer told
//! of them.

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
/// Where nobody does.
const NOBODY: u16 = 4_101;
/// An address of nobody here.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 0);

const HOMES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Call, error, transport and address.
type Refusal = (String, String, String, String);

/// Connections that hold every port of a narrow range; their ends.
#[derive(Debug)]
pub struct Full {
    _range: Sysctl,
    _held: Vec<(TcpListener, Vec<TcpStream>)>,
}

/// Takes every port of a narrow range in the network namespace of this thread, and calls more often
/// than there are; also through `io_uring` if asked to.
///
/// # Errors
/// When a call that must not fail does, or one that must fail does not.
pub fn play(by_ring: bool) -> Result<Full> {
    let range = Sysctl::set("net/ipv4/ip_local_port_range", RANGE)?;
    let held = HOMES.iter().map(|&home| {
        let server = SocketAddr::new(home, SERVER);
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
        let nobody = SocketAddr::new(home, NOBODY);
        fails(TcpStream::connect(nobody), ErrorKind::ConnectionRefused)?;
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

/// Waits for looks that can't have missed what was played.
///
/// # Errors
/// When none comes.
pub fn await_looks(tracer: &mut Tracer) -> Result<()> {
    tracer.await_tick()?;
    tracer.await_tick()
}

/// Whether `states` told every call of this process that failed, as often as it did, and no other; those
/// through `io_uring` too if `by_ring`.
///
/// # Errors
/// What is wrong.
pub fn check(session: &Session, by_ring: bool) -> Result<()> {
    let rings = if by_ring { BY_RING.len() } else { 0 };
    let expected = expected(WITHOUT_PORT + u64::try_from(rings)?);
    let in_ticks = told(session.ticks.iter(), "count")?;
    ensure!(in_ticks == expected, "in the ticks: {in_ticks:#?}");
    let totals = told(session.ticks.last().into_iter(), "total")?;
    ensure!(totals == expected, "in all: {totals:#?}");
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
    let at_home = HOMES.iter().flat_map(|&home| {
        let server = SocketAddr::new(home, SERVER);
        [
            one("connect", "EADDRNOTAVAIL", "tcp", server, without_port),
            one("bind", "EADDRINUSE", "tcp", server, 1),
            one("bind", "EADDRINUSE", "udp", server, 1),
        ]
    });
    let elsewhere = one("bind", "EADDRNOTAVAIL", "tcp", ELSEWHERE, 1);
    at_home.chain([elsewhere]).collect()
}

fn told<'t>(
    ticks: impl Iterator<Item = &'t Value>,
    figure: &str,
) -> Result<BTreeMap<Refusal, u64>> {
    let rows = ticks
        .filter_map(|tick| tick["refused"].as_array())
        .flatten();
    let mut told = BTreeMap::new();
    for row in rows.filter(|row| row["pid"] == process::id()) {
        let [call, error, proto, address] =
            ["call", "error", "proto", "address"].map(|name| text(row, name));
        let refusal = (call?, error?, proto?, address?);
        *told.entry(refusal).or_default() += integer(row, figure)?;
    }
    Ok(told)
}
