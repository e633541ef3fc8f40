//! How is the kernel asked to do something, and what does it answer? One message, one verdict.

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;

use super::dump::Conversation;

/// A request: its type, its flags besides those of every request, and what follows the header.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) payload: Vec<u8>,
}

/// Asks in the network namespace of the calling thread, over a socket of its own.
///
/// # Errors
/// What the kernel answered, or that it could not be asked.
pub(super) fn ask(protocol: isize, request: &Request) -> io::Result<()> {
    let mut conversation = Conversation::open(protocol)?;
    Ok(conversation.order(request.kind, request.flags, &request.payload)?)
}

/// Has `rtnetlink` do something.
///
/// # Errors
/// As for [`ask`].
pub(super) fn order(kind: u16, flags: u16, payload: Vec<u8>) -> io::Result<()> {
    ask(
        NETLINK_ROUTE,
        &Request {
            kind,
            flags,
            payload,
        },
    )
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

    #[test]
    fn attributes_are_padded_but_say_their_length() {
        assert_eq!(text(1, "fq"), [7, 0, 1, 0, b'f', b'q', 0, 0]);
        assert_eq!(words(&[1, 2]).len(), 8);
    }
}
