//! How many bytes went through each network interface? By `RTM_GETLINK` dumps.
//!
//! Attributes are taken out of the raw messages: a decoder of whole link messages fails on one
//! attribute that it does not know or a name that is no UTF-8, and would lose the interface.

use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN,
    NetlinkBuffer, NlasIterator,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::sample::LinkReading;

/// Larger than the 32 KiB that the kernel puts into one message of a dump.
const BUFFER_BYTES: usize = 64 * 1024;

/// Dumps that are begun anew because interfaces came or went in between. After the last one the
/// list is taken as it is: it may lack an interface of this very moment.
const ATTEMPTS: u32 = 4;

const NETLINK_HEADER_BYTES: usize = 16;
/// `sizeof(struct ifinfomsg)`.
const LINK_HEADER_BYTES: usize = 16;

/// Why the interfaces could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A system call failed, or the kernel answered with an error.
    #[error("the kernel refused to list the network interfaces")]
    Refused(#[from] io::Error),
    /// The answer breaks the rules of netlink.
    #[error("the kernel's list of network interfaces is cut or malformed")]
    Malformed,
}

/// Reader of the interfaces of the network namespace that the calling thread is in at the first
/// read. Needs no privilege.
#[derive(Debug, Default)]
pub struct Links {
    socket: Option<Socket>,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Links {
    /// Reads every interface, with speeds from `speed_mbit`, in the kernel's order. An interface
    /// whose counters the kernel does not tell is left out.
    ///
    /// # Errors
    /// When netlink fails; the next call begins with a new socket.
    pub fn read(
        &mut self,
        speed_mbit: impl Fn(&str) -> Option<u32>,
    ) -> Result<Vec<LinkReading>, LinkError> {
        let mut links = self
            .dump_consistently()
            .inspect_err(|_| self.socket = None)?;
        for link in &mut links {
            link.speed_mbit = speed_mbit(&link.name);
        }
        Ok(links)
    }

    fn dump_consistently(&mut self) -> Result<Vec<LinkReading>, LinkError> {
        let mut attempt = 1;
        loop {
            let dump = self.dump()?;
            if !dump.interrupted || attempt == ATTEMPTS {
                return Ok(dump.links);
            }
            attempt += 1;
        }
    }

    fn dump(&mut self) -> Result<Dump, LinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = request(self.sequence);
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(Socket::new(NETLINK_ROUTE)?),
        };
        socket.send_to(&request, &SocketAddr::new(0, 0), 0)?;
        let mut dump = Dump {
            sequence: self.sequence,
            ..Dump::default()
        };
        while !dump.done {
            receive(socket, &mut self.buffer)?;
            dump.take(&self.buffer)?;
        }
        Ok(dump)
    }
}

/// Takes the next message from the kernel. It has been queued by the time that the request, or the
/// message before, has been handed over, so waiting would be waiting forever.
fn receive(socket: &Socket, buffer: &mut Vec<u8>) -> Result<(), LinkError> {
    loop {
        buffer.clear();
        buffer.reserve(BUFFER_BYTES);
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        let (bytes, sender) = match socket.recv_from(buffer, flags) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        if bytes > buffer.len() {
            return Err(LinkError::Malformed);
        }
        // Port 0 is the kernel: other processes may send here as well.
        if sender.port_number() == 0 {
            return Ok(());
        }
    }
}

fn request(sequence: u32) -> [u8; NETLINK_HEADER_BYTES + LINK_HEADER_BYTES] {
    let mut bytes = [0; NETLINK_HEADER_BYTES + LINK_HEADER_BYTES];
    let mut message = NetlinkBuffer::new(&mut bytes[..]);
    message.set_length(32);
    message.set_message_type(libc::RTM_GETLINK);
    message.set_flags(NLM_F_REQUEST | NLM_F_DUMP);
    message.set_sequence_number(sequence);
    bytes
}

/// The answer to one request.
#[derive(Debug, Default)]
struct Dump {
    sequence: u32,
    links: Vec<LinkReading>,
    interrupted: bool,
    done: bool,
}

impl Dump {
    /// Takes one datagram, which holds one or more messages.
    fn take(&mut self, mut datagram: &[u8]) -> Result<(), LinkError> {
        while !datagram.is_empty() && !self.done {
            let Ok(message) = NetlinkBuffer::new_checked(datagram) else {
                return Err(LinkError::Malformed);
            };
            if message.sequence_number() == self.sequence {
                self.message(&message)?;
            }
            let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
            datagram = datagram
                .get(length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        Ok(())
    }

    fn message(&mut self, message: &NetlinkBuffer<&[u8]>) -> Result<(), LinkError> {
        self.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
        match message.message_type() {
            libc::RTM_NEWLINK => self.links.extend(link(message.payload())),
            // Both carry an error code: negative, or 0 for none.
            NLMSG_DONE | NLMSG_ERROR => {
                let code = first_i32(message.payload()).ok_or(LinkError::Malformed)?;
                if code != 0 {
                    return Err(io::Error::from_raw_os_error(code.wrapping_neg()).into());
                }
                self.done = true;
            }
            NLMSG_OVERRUN => return Err(LinkError::Malformed),
            _ => {}
        }
        Ok(())
    }
}

/// Decodes `struct ifinfomsg` (`linux/rtnetlink.h`) and the attributes behind it.
fn link(payload: &[u8]) -> Option<LinkReading> {
    let (header, attributes) = payload.split_at_checked(LINK_HEADER_BYTES)?;
    let (mut name, mut counters) = (None, None);
    for attribute in NlasIterator::new(attributes).map_while(Result::ok) {
        match attribute.kind() {
            libc::IFLA_IFNAME => name = Some(text(attribute.value())),
            libc::IFLA_STATS64 => counters = byte_counters(attribute.value()),
            _ => {}
        }
    }
    let (rx_bytes, tx_bytes) = counters?;
    let flags = first_i32(&header[8..])?;
    Some(LinkReading {
        name: name?,
        index: first_i32(&header[4..])?.try_into().ok()?,
        tx_bytes,
        rx_bytes,
        speed_mbit: None,
        up: flags & libc::IFF_UP != 0,
        addresses: Vec::new(),
    })
}

/// `rx_bytes` and `tx_bytes` of `struct rtnl_link_stats64` (`linux/if_link.h`), not aligned.
fn byte_counters(stats: &[u8]) -> Option<(u64, u64)> {
    let (counters, _) = stats.as_chunks::<8>();
    Some((
        u64::from_ne_bytes(*counters.get(2)?),
        u64::from_ne_bytes(*counters.get(3)?),
    ))
}

/// Interface names are up to 15 bytes of nearly anything, ended by a zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn first_i32(bytes: &[u8]) -> Option<i32> {
    bytes.first_chunk().copied().map(i32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + NETLINK_HEADER_BYTES).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link_payload(name: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; LINK_HEADER_BYTES];
        payload[4..8].copy_from_slice(&7i32.to_ne_bytes());
        payload[8..12].copy_from_slice(&libc::IFF_UP.to_ne_bytes());
        payload.extend(attribute(999, b"from a later kernel"));
        payload.extend(attribute(libc::IFLA_IFNAME, name));
        let stats: Vec<u8> = (10u64..34).flat_map(u64::to_ne_bytes).collect();
        payload.extend(attribute(libc::IFLA_STATS64, &stats));
        payload
    }

    fn taken(datagrams: &[Vec<u8>]) -> Result<Dump, LinkError> {
        let mut dump = Dump {
            sequence: 5,
            ..Dump::default()
        };
        for datagram in datagrams {
            dump.take(datagram)?;
        }
        Ok(dump)
    }

    #[test]
    fn names_of_odd_bytes_and_unknown_attributes_do_not_hide_a_link() {
        let link = link(&link_payload(b"a\x1b\xff:\0")).unwrap();
        assert_eq!((link.name.as_str(), link.index), ("a\u{1b}\u{fffd}:", 7));
        assert_eq!((link.rx_bytes, link.tx_bytes, link.up), (12, 13, true));
    }

    #[test]
    fn a_link_that_was_cut_anywhere_is_left_out() {
        let whole = link_payload(b"eth0\0");
        let stats = whole.len() - 24 * 8;
        for length in 0..stats + 4 * 8 {
            assert_eq!(link(&whole[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_dump_ends_with_done_and_takes_only_its_own_messages() {
        let link = |sequence, flags, name| {
            message(libc::RTM_NEWLINK, flags, sequence, &link_payload(name))
        };
        let first = [link(5, 0, b"eth0\0"), link(4, 0, b"stale\0")].concat();
        let second = [link(5, 0, b"lo\0"), message(NLMSG_DONE, 0, 5, &[0; 4])].concat();
        let dump = taken(&[first, second]).unwrap();
        let names: Vec<_> = dump.links.iter().map(|link| link.name.as_str()).collect();
        assert_eq!(
            (names, dump.done, dump.interrupted),
            (vec!["eth0", "lo"], true, false)
        );
        assert!(
            taken(&[link(5, NLM_F_DUMP_INTR, b"lo\0")])
                .unwrap()
                .interrupted
        );
    }

    #[test]
    fn errors_of_the_kernel_and_cut_datagrams_are_told() {
        let refused = message(NLMSG_ERROR, 0, 5, &(-libc::EPERM).to_ne_bytes());
        assert!(matches!(taken(&[refused]), Err(LinkError::Refused(_))));
        let mut cut = message(libc::RTM_NEWLINK, 0, 5, &link_payload(b"lo\0"));
        cut.truncate(cut.len() - 1);
        assert!(matches!(taken(&[cut]), Err(LinkError::Malformed)));
        assert!(matches!(taken(&[vec![1, 2, 3]]), Err(LinkError::Malformed)));
        assert!(matches!(taken(&[vec![0; 16]]), Err(LinkError::Malformed)));
        assert!(matches!(
            taken(&[message(NLMSG_DONE, 0, 5, b"")]),
            Err(LinkError::Malformed)
        ));
    }

    #[test]
    fn loopback_counts_what_is_sent_over_it() {
        let mut links = Links::default();
        let mut loopback = || {
            let all = links.read(|name| (name == "lo").then_some(10)).unwrap();
            all.into_iter().find(|link| link.name == "lo").unwrap()
        };
        let before = loopback();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            socket
                .send_to(&[0; 1000], socket.local_addr().unwrap())
                .unwrap();
        }
        let after = loopback();
        assert_eq!(
            (before.index, before.up, before.speed_mbit),
            (1, true, Some(10))
        );
        assert!(after.tx_bytes >= before.tx_bytes + 10_000);
        assert!(after.rx_bytes >= before.rx_bytes + 10_000);
    }

    #[test]
    fn an_answer_left_over_by_a_failed_read_does_not_disturb_the_next() {
        let mut links = Links::default();
        let expected = links.read(|_| None).unwrap().len();
        let socket = links.socket.as_ref().unwrap();
        socket
            .send_to(&request(99), &SocketAddr::new(0, 0), 0)
            .unwrap();
        assert!(matches!(
            links.read(|_| None),
            Err(LinkError::Refused(_)) | Ok(_)
        ));
        assert_eq!(links.read(|_| None).unwrap().len(), expected);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, at: usize, byte: u8) {
            let _ = taken(&[message(libc::RTM_NEWLINK, 0, 5, &bytes)]);
            let mut payload = link_payload(b"eth0\0");
            let at = at % payload.len();
            payload[at] = byte;
            let _ = link(&payload);
            let _ = taken(&[bytes]);
        }
    }
}
