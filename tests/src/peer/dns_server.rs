//! A DNS server whose answers, and their delay, a test writes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::net::netns::ip;

/// Type of IPv4 addresses.
pub const A: u16 = 1;
/// Type of IPv6 addresses.
pub const AAAA: u16 = 28;
/// Type of text records.
pub const TXT: u16 = 16;

/// The answer to one question.
#[derive(Clone, Debug)]
pub enum Script {
    /// It does not answer.
    Silence,
    /// An answer after a delay.
    Answer {
        /// Delay before the answer.
        after: Duration,
        /// Result code of the answer.
        rcode: u8,
        /// Values of its records.
        values: Vec<Vec<u8>>,
        /// Over UDP, the answer is truncated and has no records.
        truncated: bool,
    },
}

/// A question that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name, without a dot at its end.
    pub name: String,
    /// The type of record.
    pub kind: u16,
    /// Whether the query came over TCP.
    pub tcp: bool,
}

/// A running server. Its threads end with the test's process.
#[derive(Debug)]
pub struct DnsServer {
    /// Where it listens, over UDP and TCP.
    pub address: SocketAddr,
    question_asked: Receiver<Question>,
}

type Scripts = BTreeMap<(String, u16), Script>;

impl Script {
    /// Addresses or other values after some milliseconds.
    pub fn values(after_ms: u64, values: &[&[u8]]) -> Self {
        Self::Answer {
            after: Duration::from_millis(after_ms),
            rcode: 0,
            values: values.iter().map(|value| value.to_vec()).collect(),
            truncated: false,
        }
    }

    /// A result code and no records, at once.
    pub fn rcode(rcode: u8) -> Self {
        Self::Answer {
            after: Duration::ZERO,
            rcode,
            values: Vec::new(),
            truncated: false,
        }
    }

    /// The same answer, but truncated over UDP.
    #[must_use]
    pub fn truncated(self) -> Self {
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
                truncated: true,
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
        let (sender, question_asked) = channel();
        let (received, known) = (sender.clone(), scripts.clone());
        thread::spawn(move || {
            let mut packet = [0; 4_096];
            while let Ok((length, client)) = socket.recv_from(&mut packet) {
                let Some((question, question_asked)) = read(&packet[..length], false) else {
                    continue;
                };
                let reply = reply(&question, &question_asked, &known);
                let _ = received.send(question_asked);
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
                let (received, known) = (sender.clone(), scripts.clone());
                thread::spawn(move || {
                    serve(stream, &known, |question_asked| {
                        let _ = received.send(question_asked);
                    })
                });
            }
        });
        Ok(Self {
            address,
            question_asked,
        })
    }

    /// Listens at port 53 of an address of this host.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn at(host: [u8; 4], scripts: &[(&str, u16, Script)]) -> Result<Self> {
        Self::start((Ipv4Addr::from(host), 53).into(), scripts)
    }

    /// All questions since the last call.
    pub fn questions(&self) -> Vec<Question> {
        self.question_asked.try_iter().collect()
    }
}

/// Gives the network namespace of this thread an address outside loopback: without one, the C library does not
/// look up names.
///
/// # Errors
/// When `ip` fails.
pub fn enable_lookups() -> Result<()> {
    ip("addr add 10.9.9.9/32 dev lo")
}

fn serve(mut stream: TcpStream, scripts: &Scripts, received: impl Fn(Question)) -> Option<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet).ok()?;
        let (question, question_asked) = read(&packet, true)?;
        if let Some((after, reply)) = reply(&question, &question_asked, scripts) {
            thread::sleep(after);
            let length = u16::try_from(reply.len()).ok()?.to_be_bytes();
            stream
                .write_all(&[&length, reply.as_slice()].concat())
                .ok()?;
        }
        received(question_asked);
    }
}

/// The header and question section of a packet, and the question.
fn read(packet: &[u8], tcp: bool) -> Option<(Vec<u8>, Question)> {
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
        Question {
            name: labels.join("."),
            kind,
            tcp,
        },
    ))
}

/// Delay and bytes of the answer to a question.
fn reply(
    question: &[u8],
    question_asked: &Question,
    scripts: &Scripts,
) -> Option<(Duration, Vec<u8>)> {
    const NXDOMAIN: u8 = 3;
    let known_name = scripts.keys().any(|(name, _)| *name == question_asked.name);
    let missing = Script::rcode(if known_name { 0 } else { NXDOMAIN });
    let script = scripts.get(&(question_asked.name.clone(), question_asked.kind));
    match script.unwrap_or(&missing) {
        Script::Silence => None,
        Script::Answer {
            after,
            rcode,
            values,
            truncated,
        } => {
            let is_truncated = *truncated && !question_asked.tcp;
            let values: &[Vec<u8>] = if is_truncated { &[] } else { values };
            let mut reply = question.to_vec();
            reply[2] |= 0x80 | if is_truncated { 2 } else { 0 };
            reply[3] = 0x80 | rcode;
            reply[7] = u8::try_from(values.len()).ok()?;
            // Other sections of the question (EDNS) are not repeated.
            reply[11] = 0;
            for value in values {
                reply.extend([0xc0, 12]);
                reply.extend(question_asked.kind.to_be_bytes());
                reply.extend([0, 1, 0, 0, 0, 60]);
                reply.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
                reply.extend(value);
            }
            Some((*after, reply))
        }
    }
}
