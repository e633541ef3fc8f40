//! Which names do processes look up? Packets that the kernel side has seen, read and joined with the
//! names of their senders.

#[cfg(any(test, fuzzing))]
mod claims;
mod message;
mod stream;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netperf_common::flow::{IPPROTO_TCP, Owner};
use netperf_common::names::{LEAVES, NamePacket};

use netperf_core::clock::MonoNs;
use netperf_core::collect::AttachedHook;
use netperf_core::failure::Failure;
use netperf_core::sample::Proto;
use netperf_core::sample::dns_watch::{DnsPacket, DnsPacketKind, DnsUnread};

#[cfg(fuzzing)]
pub use self::claims::{fuzz_message, fuzz_stream};
use self::message::Beginning;
use self::stream::{Segment, Stream};
use super::names::Names;
use super::valid_rights;
use crate::bpf::{NamePackets, Tally, process_id};
use crate::procfs::Procfs;
use crate::rights;

const PORT: u16 = 53;

/// Most TCP connections that are followed at a time; when there are more, all are forgotten.
const STREAMS_MAX: usize = 4_096;

/// The names that processes look up, from now on.
pub struct DnsFeed {
    packets: NamePackets,
    names: Names,
    streams: HashMap<(u64, u8), Followed>,
    unread: u64,
}

/// One direction of a TCP connection.
#[derive(Debug)]
struct Followed {
    stream: Stream,
    /// Who sent its first segment, which leaves in the call that sends it. Later ones may leave when the
    /// other end makes room, while anybody runs.
    owner: Owner,
}

impl DnsFeed {
    /// Begins to look.
    ///
    /// # Errors
    /// When it is not allowed, or this kernel can't.
    pub fn open() -> Result<Self, Failure> {
        let procfs = Procfs::new("/");
        rights::check(valid_rights(&procfs))?;
        if !procfs.is_in_initial_pid_namespace() {
            let why = "the kernel numbers processes as outside of this pid namespace: run it there";
            return Err(Failure::Lacking(why.to_owned()));
        }
        let packets = NamePackets::open(&procfs);
        let packets = packets.map_err(|error| Failure::Lacking(format!("{error:#}")))?;
        let cgroups = procfs.cgroups();
        Ok(Self {
            packets,
            names: Names::new(procfs, cgroups),
            streams: HashMap::new(),
            unread: 0,
        })
    }

    /// What it is attached to.
    pub fn hooks(&self) -> Vec<AttachedHook> {
        let attachments = NamePackets::attachments().into_iter();
        let hook = |(name, attach): (&'static str, &str)| AttachedHook {
            name,
            attach: attach.to_owned(),
        };
        ["dns_sent", "dns_received"]
            .into_iter()
            .zip(attachments)
            .map(hook)
            .collect()
    }

    /// What has come since the last call, in its order.
    pub fn take(&mut self) -> Vec<DnsPacket> {
        let mut taken = Vec::new();
        while let Some(packet) = self.packets.take() {
            let (messages, owner) = self.messages(&packet);
            for beginning in messages {
                taken.extend(self.packet(&packet, owner, beginning));
            }
        }
        taken
    }

    /// What could not be seen since the start.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn unread(&self) -> anyhow::Result<DnsUnread> {
        Ok(DnsUnread {
            lost: self.packets.lost()?,
            unread: self.unread,
        })
    }

    /// The messages that end with a packet, and who sent them.
    fn messages(&mut self, packet: &NamePacket) -> (Vec<Beginning>, Owner) {
        let mut owner = packet.owner;
        let copied = usize::try_from(packet.copied).unwrap_or(0);
        let here = packet.payload.get(..copied).unwrap_or_default();
        let (messages, is_whole) = if u16::from(packet.protocol) == IPPROTO_TCP {
            if self.streams.len() >= STREAMS_MAX {
                self.streams.clear();
            }
            let followed = self.streams.entry((packet.socket, packet.direction));
            let followed = followed.or_insert_with(|| Followed {
                stream: Stream::default(),
                owner,
            });
            owner = followed.owner;
            followed.stream.take(Segment {
                sequence: packet.sequence,
                length: packet.length,
                here,
            })
        } else {
            (vec![here.to_vec()], true)
        };
        let read: Vec<_> = messages.iter().filter_map(|it| message::read(it)).collect();
        let unread = messages.len() - read.len() + usize::from(!is_whole);
        self.unread += u64::try_from(unread).unwrap_or(0);
        (read, owner)
    }

    fn packet(&mut self, packet: &NamePacket, owner: Owner, read: Beginning) -> Option<DnsPacket> {
        let leaves = packet.direction == LEAVES;
        let at = MonoNs(packet.at_ns);
        let what = match (leaves, read.is_answer) {
            (true, false) => {
                let tally = Tally {
                    owner,
                    ..Tally::default()
                };
                let id = process_id(&owner);
                DnsPacketKind::Question(self.names.describe(id, &tally, at))
            }
            (false, true) => DnsPacketKind::Answer {
                rcode: read.rcode,
                truncated: read.truncated,
            },
            // A resolver that asks from port 53 has both ends there.
            _ => return None,
        };
        Some(DnsPacket {
            at,
            socket: packet.socket,
            local_port: packet.local_port,
            netns: Some(packet.netns).filter(|&inode| inode != 0),
            resolver: SocketAddr::new(address(packet), PORT),
            proto: if u16::from(packet.protocol) == IPPROTO_TCP {
                Proto::Tcp
            } else {
                Proto::Udp
            },
            number: read.number,
            name: read.name,
            kind: read.kind,
            what,
        })
    }
}

fn address(packet: &NamePacket) -> IpAddr {
    let [a, b, c, d, ..] = packet.resolver;
    if packet.version == 4 {
        Ipv4Addr::new(a, b, c, d).into()
    } else {
        Ipv6Addr::from(packet.resolver).into()
    }
}
