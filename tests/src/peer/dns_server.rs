//! A DNS server of the tests: what it answers, and how late, is written by the test.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::net::netns::ip;

/// Record types that it knows.
pub const A: u16 = 1;
/// IPv6 addresses.
pub const AAAA: u16 = 28;
/// Text.
pub const TXT: u16 = 16;

/// What is answered to one question.
#[derive(Clone, Debug)]
pub enum Script {
    /// Nothing, ever.
    Silence,
    /// An answer, late.
    Answer {
        /// How late.
        after: Duration,
        /// Result code.
        rcode: u8,
        /// Values of its records.
        values: Vec<Vec<u8>>,
        /// Over UDP, cut off and without records.
        cut: bool,
    },
}

/// A question that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name, without a dot at its end.
    pub name: String,
    /// The type of record.
    pub kind: u16,
    /// Over TCP.
    pub tcp: bool,
}

/// A running server. Its threads end with the test's process.
#[derive(Debug)]
pub struct DnsServer {
    /// Where it listens, over UDP and TCP.
    pub address: SocketAddr,
    asked: Receiver<Asked>,
}

type Scripts = BTreeMap<(String, u16), Script>;

impl Script {
    /// Addresses or other values after some milliseconds.
    pub fn values(after_ms: u64, values: &[&[u8]]) -> Self {
        Self::Answer {
            after: Duration::from_millis(after_ms),
            rcode: 0,
            values: values.iter().map(|value| value.to_vec()).collect(),
            cut: false,
        }
    }

    /// A result code and nothing else, at once.
    pub fn rcode(rcode: u8) -> Self {
        Self::Answer {
            after: Duration::ZERO,
            rcode,
            values: Vec::new(),
            cut: false,
        }
    }

    /// The same, too long for a datagram.
    #[must_use]
    pub fn cut_off(self) -> Self {
        match self {
            Self::Silence => Self::Silence,
            Self::Answer {
                after,
                rcode,
                values,
                ..
            } => Self::Answer {
                after,
                rcode,
                values,
                cut: true,
            },
        }
    }
}

impl DnsServer {
    /// Listens at `address`. Names that `scripts` lacks do not exist.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(address: SocketAddr, scripts: &[(&str, u16, Script)]) -> Result<Self> {
        let scripts: Scripts = scripts
            .iter()
            .map(|(name, kind, script)| (((*name).to_owned(), *kind), script.clone()))
            .collect();
        let socket = UdpSocket::bind(address).context("no UDP port for the DNS server")?;
        let address = socket.local_addr()?;
        let listener = TcpListener::bind(address).context("no TCP port for the DNS server")?;
        let (sender, asked) = channel();
        let (told, known) = (sender.clone(), scripts.clone());
        thread::spawn(move || {
            let mut packet = [0; 4_096];
            while let Ok((length, client)) = socket.recv_from(&mut packet) {
                let Some((question, asked)) = read(&packet[..length], false) else {
                    continue;
                };
                let reply = reply(&question, &asked, &known);
                let _ = told.send(asked);
                if let (Some((after, reply)), Ok(socket)) = (reply, socket.try_clone()) {
                    thread::spawn(move || {
                        thread::sleep(after);
                        let _ = socket.send_to(&reply, client);
                    });
                }
            }
        });
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (told, known) = (sender.clone(), scripts.clone());
                thread::spawn(move || {
                    serve(stream, &known, |asked| {
                        let _ = told.send(asked);
                    })
                });
            }
        });
        Ok(Self { address, asked })
    }

    /// Listens at port 53 of an address of this host.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn at(host: [u8; 4], scripts: &[(&str, u16, Script)]) -> Result<Self> {
        Self::start((Ipv4Addr::from(host), 53).into(), scripts)
    }

    /// All questions so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

/// Gives the network namespace of this thread an address that is not one of loopback: where there is
/// none, the C library looks no names up.
///
/// # Errors
/// When `ip` fails.
pub fn let_names_be_found() -> Result<()> {
    ip("addr add 10.9.9.9/32 dev lo")
}

fn serve(mut stream: TcpStream, scripts: &Scripts, told: impl Fn(Asked)) -> Option<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet).ok()?;
        let (question, asked) = read(&packet, true)?;
        if let Some((after, reply)) = reply(&question, &asked, scripts) {
            thread::sleep(after);
            let length = u16::try_from(reply.len()).ok()?.to_be_bytes();
            stream
                .write_all(&[&length, reply.as_slice()].concat())
                .ok()?;
        }
        told(asked);
    }
}

/// The header and question of a packet, and what is asked.
fn read(packet: &[u8], tcp: bool) -> Option<(Vec<u8>, Asked)> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).into_owned());
        at += length;
    }
    let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
    let question = packet.get(..at + 4)?.to_vec();
    Some((
        question,
        Asked {
            name: labels.join("."),
            kind,
            tcp,
        },
    ))
}

/// When, and with what, the question is answered.
fn reply(question: &[u8], asked: &Asked, scripts: &Scripts) -> Option<(Duration, Vec<u8>)> {
    const NXDOMAIN: u8 = 3;
    let known_name = scripts.keys().any(|(name, _)| *name == asked.name);
    let missing = Script::rcode(if known_name { 0 } else { NXDOMAIN });
    let script = scripts.get(&(asked.name.clone(), asked.kind));
    match script.unwrap_or(&missing) {
        Script::Silence => None,
        Script::Answer {
            after,
            rcode,
            values,
            cut,
        } => {
            let is_cut = *cut && !asked.tcp;
            let values: &[Vec<u8>] = if is_cut { &[] } else { values };
            let mut reply = question.to_vec();
            reply[2] |= 0x80 | if is_cut { 2 } else { 0 };
            reply[3] = 0x80 | rcode;
            reply[7] = u8::try_from(values.len()).ok()?;
            // Whatever else the question had (EDNS) is not repeated.
            reply[11] = 0;
            for value in values {
                reply.extend([0xc0, 12]);
                reply.extend(asked.kind.to_be_bytes());
                reply.extend([0, 1, 0, 0, 0, 60]);
                reply.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
                reply.extend(value);
            }
            Some((*after, reply))
        }
    }
}
