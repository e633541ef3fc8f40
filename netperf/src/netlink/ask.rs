//! How is the kernel asked to do something, and what does it answer? One message, one verdict.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN, NetlinkBuffer,
};
use netlink_sys::{Socket, SocketAddr};

const HEADER_BYTES: usize = 16;
/// Larger than what one datagram holds of a dump.
const BUFFER_BYTES: usize = 64 * 1024;

/// A request: its type, its flags besides those of every request, and what follows the header.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) payload: Vec<u8>,
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        let length = HEADER_BYTES + self.payload.len();
        let mut bytes = vec![0; HEADER_BYTES];
        let mut message = NetlinkBuffer::new(&mut bytes[..]);
        message.set_length(u32::try_from(length).unwrap_or(u32::MAX));
        message.set_message_type(self.kind);
        message.set_flags(NLM_F_REQUEST | NLM_F_ACK | self.flags);
        message.set_sequence_number(1);
        bytes.extend(&self.payload);
        bytes
    }
}

/// Asks in the network namespace of the calling thread, over a socket of its own.
///
/// # Errors
/// What the kernel answered, or that it could not be asked.
pub(super) fn ask(protocol: isize, request: &Request) -> io::Result<()> {
    let socket = Socket::new(protocol)?;
    socket.send_to(&request.bytes(), &SocketAddr::new(0, 0), 0)?;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    // The kernel has answered by the time that it has taken the request.
    socket.recv_from(&mut buffer, libc::MSG_DONTWAIT)?;
    verdict(&buffer)
}

/// What the first message of an answer says; the first row of a dump is success.
fn verdict(answer: &[u8]) -> io::Result<()> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let Ok(message) = NetlinkBuffer::new_checked(answer) else {
        return Err(malformed());
    };
    match message.message_type() {
        // Both begin with an error code: negative, or 0 for none.
        NLMSG_ERROR | NLMSG_DONE => {
            let code = message.payload().first_chunk().copied();
            match code.map(i32::from_ne_bytes).ok_or_else(malformed)? {
                0 => Ok(()),
                code => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
            }
        }
        NLMSG_OVERRUN => Err(malformed()),
        _ => Ok(()),
    }
}

/// An attribute, padded as the next one needs it.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A text as an attribute.
pub(super) fn text(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

/// Words in the byte order of this machine, one after the other.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_ne_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u16, payload: &[u8]) -> Vec<u8> {
        let request = Request {
            kind,
            flags: 0,
            payload: payload.to_vec(),
        };
        request.bytes()
    }

    #[test]
    fn an_answer_is_a_verdict() {
        let verdict = |kind, code: i32| verdict(&answer(kind, &code.to_ne_bytes()));
        assert!(verdict(NLMSG_ERROR, 0).is_ok());
        assert!(verdict(NLMSG_DONE, 0).is_ok());
        assert!(verdict(20, 7).is_ok(), "a row of a dump");
        let refused = verdict(NLMSG_ERROR, -libc::ENOENT).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOENT));
        assert!(verdict(NLMSG_OVERRUN, 0).is_err());
    }

    #[test]
    fn a_cut_answer_is_no_verdict() {
        assert!(verdict(b"").is_err());
        assert!(verdict(&answer(NLMSG_ERROR, b"")).is_err());
    }

    #[test]
    fn attributes_are_padded_but_say_their_length() {
        assert_eq!(text(1, "fq"), [7, 0, 1, 0, b'f', b'q', 0, 0]);
        assert_eq!(words(&[1, 2]).len(), 8);
    }
}
