//! How is a list asked from the kernel over netlink, and how does its answer come in?

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN,
    NetlinkBuffer,
};
use netlink_sys::{Socket, SocketAddr};

/// Larger than the 32 KiB that the kernel puts into one message of a dump.
const BUFFER_BYTES: usize = 64 * 1024;

const NETLINK_HEADER_BYTES: usize = 16;

/// Why the kernel gave no list.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A system call failed, or the kernel answered with an error.
    #[error("the kernel refused")]
    Refused(#[from] io::Error),
    /// The answer breaks the rules of netlink.
    #[error("the kernel's answer is cut or malformed")]
    Malformed,
}

impl From<DumpError> for io::Error {
    fn from(error: DumpError) -> Self {
        match error {
            DumpError::Refused(error) => error,
            DumpError::Malformed => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// A netlink socket that asks, one request after the other. It stays in the network namespace that
/// it was opened in.
pub(super) struct Conversation {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Conversation {
    /// Opens a socket in the network namespace of the calling thread.
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        Socket::new(protocol).map(Self::over)
    }

    /// Speaks over a socket that is open already.
    pub(super) fn over(socket: Socket) -> Self {
        Self {
            socket,
            sequence: 0,
            buffer: Vec::new(),
        }
    }

    /// Asks for a list and hands the payload of each message of the kind `answer` to `take`. True if
    /// the kernel says that the list changed meanwhile: it may lack something, or hold it twice.
    pub(super) fn dump(
        &mut self,
        kind: u16,
        answer: u16,
        request: &[u8],
        take: impl FnMut(&[u8]),
    ) -> Result<bool, DumpError> {
        self.ask(kind, NLM_F_DUMP, request)?;
        self.listen(answer, take)
    }

    /// Asks the kernel to do something; `flags` are those besides the ones of every request.
    pub(super) fn order(&mut self, kind: u16, flags: u16, request: &[u8]) -> Result<(), DumpError> {
        self.ask(kind, NLM_F_ACK | flags, request)?;
        self.listen(kind, |_| ()).map(|_| ())
    }

    /// Asks for one thing and hands the payload of each message of the kind `answer` to `take`.
    pub(super) fn question(
        &mut self,
        kind: u16,
        answer: u16,
        request: &[u8],
        take: impl FnMut(&[u8]),
    ) -> Result<(), DumpError> {
        self.ask(kind, NLM_F_ACK, request)?;
        self.listen(answer, take).map(|_| ())
    }

    fn ask(&mut self, kind: u16, flags: u16, request: &[u8]) -> Result<(), DumpError> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = message(kind, flags | NLM_F_REQUEST, self.sequence, request)?;
        self.socket.send_to(&message, &SocketAddr::new(0, 0), 0)?;
        Ok(())
    }

    fn listen(&mut self, kind: u16, mut take: impl FnMut(&[u8])) -> Result<bool, DumpError> {
        let mut answer = Answer {
            kind,
            sequence: self.sequence,
            interrupted: false,
            done: false,
        };
        while !answer.done {
            receive(&self.socket, &mut self.buffer)?;
            answer.read(&self.buffer, &mut take)?;
        }
        Ok(answer.interrupted)
    }
}

/// Takes the next message from the kernel. It has been queued by the time that the request, or the
/// message before, has been handed over, so waiting would be waiting forever.
fn receive(socket: &Socket, buffer: &mut Vec<u8>) -> Result<(), DumpError> {
    loop {
        buffer.clear();
        buffer.reserve(BUFFER_BYTES);
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        let (bytes, sender) = match socket.recv_from(buffer, flags) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        if bytes > buffer.len() {
            return Err(DumpError::Malformed);
        }
        // Port 0 is the kernel: other processes may send here as well.
        if sender.port_number() == 0 {
            return Ok(());
        }
    }
}

fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Result<Vec<u8>, DumpError> {
    let bytes = NETLINK_HEADER_BYTES + payload.len();
    let mut whole = vec![0; NETLINK_HEADER_BYTES];
    let mut header = NetlinkBuffer::new(&mut whole[..]);
    header.set_length(u32::try_from(bytes).map_err(io::Error::other)?);
    header.set_message_type(kind);
    header.set_flags(flags);
    header.set_sequence_number(sequence);
    whole.extend(payload);
    Ok(whole)
}

/// The answer to one request, as far as it has come in.
struct Answer {
    kind: u16,
    sequence: u32,
    interrupted: bool,
    done: bool,
}

impl Answer {
    /// Reads one datagram, which holds one or more messages.
    fn read(&mut self, mut datagram: &[u8], take: &mut impl FnMut(&[u8])) -> Result<(), DumpError> {
        while !datagram.is_empty() && !self.done {
            let Ok(message) = NetlinkBuffer::new_checked(datagram) else {
                return Err(DumpError::Malformed);
            };
            if message.sequence_number() == self.sequence {
                self.message(&message, take)?;
            }
            let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
            datagram = datagram
                .get(length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: &NetlinkBuffer<&[u8]>,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<(), DumpError> {
        self.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
        match message.message_type() {
            // Both carry an error code: negative, or 0 for none.
            NLMSG_DONE | NLMSG_ERROR => {
                let code = message.payload().first_chunk().copied();
                let code = code.map(i32::from_ne_bytes).ok_or(DumpError::Malformed)?;
                if code != 0 {
                    return Err(io::Error::from_raw_os_error(code.wrapping_neg()).into());
                }
                self.done = true;
            }
            NLMSG_OVERRUN => return Err(DumpError::Malformed),
            kind if kind == self.kind => take(message.payload()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use netlink_sys::protocols::NETLINK_ROUTE;

    use super::*;

    /// Of the messages that are wanted here.
    const KIND: u16 = 77;

    fn part(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = message(kind, flags, sequence, payload).unwrap();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn read(datagrams: &[Vec<u8>]) -> Result<(Vec<Vec<u8>>, Answer), DumpError> {
        let mut taken = Vec::new();
        let mut answer = Answer {
            kind: KIND,
            sequence: 5,
            interrupted: false,
            done: false,
        };
        for datagram in datagrams {
            answer.read(datagram, &mut |payload: &[u8]| taken.push(payload.to_vec()))?;
        }
        Ok((taken, answer))
    }

    #[test]
    fn a_dump_ends_with_done_and_takes_only_its_own_messages() {
        let first = [part(KIND, 0, 5, b"one"), part(KIND, 0, 4, b"stale")].concat();
        let second = [
            part(KIND + 1, 0, 5, b"other"),
            part(KIND, 0, 5, b"two"),
            part(NLMSG_DONE, 0, 5, &[0; 4]),
        ]
        .concat();
        let (taken, answer) = read(&[first, second]).unwrap();
        assert_eq!(taken, [b"one".to_vec(), b"two".to_vec()]);
        assert!(answer.done && !answer.interrupted);
        let (_, answer) = read(&[part(KIND, NLM_F_DUMP_INTR, 5, b"one")]).unwrap();
        assert!(answer.interrupted && !answer.done);
    }

    #[test]
    fn errors_of_the_kernel_and_cut_datagrams_are_told() {
        let refused = part(NLMSG_ERROR, 0, 5, &(-libc::EPERM).to_ne_bytes());
        assert!(matches!(read(&[refused]), Err(DumpError::Refused(_))));
        let mut cut = part(KIND, 0, 5, b"payload!");
        cut.truncate(cut.len() - 1);
        assert!(matches!(read(&[cut]), Err(DumpError::Malformed)));
        assert!(matches!(read(&[vec![1, 2, 3]]), Err(DumpError::Malformed)));
        assert!(matches!(read(&[vec![0; 16]]), Err(DumpError::Malformed)));
        assert!(matches!(
            read(&[part(NLMSG_DONE, 0, 5, b"")]),
            Err(DumpError::Malformed)
        ));
    }

    #[test]
    fn an_answer_that_is_still_queued_does_not_disturb_the_next() {
        let mut conversation = Conversation::open(NETLINK_ROUTE).unwrap();
        let count = |conversation: &mut Conversation| {
            let mut links = 0;
            let (kind, answer) = (libc::RTM_GETLINK, libc::RTM_NEWLINK);
            let dumped = conversation.dump(kind, answer, &[0; 16], |_| links += 1);
            dumped.map(|_| links)
        };
        let expected = count(&mut conversation).unwrap();
        assert!(expected > 0);
        let sequence = conversation.sequence;
        conversation.sequence = 99;
        conversation
            .ask(libc::RTM_GETLINK, NLM_F_DUMP, &[0; 16])
            .unwrap();
        conversation.sequence = sequence;
        // The kernel may refuse to begin a second dump before the first is read.
        let disturbed = count(&mut conversation);
        assert!(matches!(disturbed, Err(DumpError::Refused(_))) || disturbed.unwrap() == expected);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(std::slice::from_ref(&bytes));
            let _ = read(&[part(KIND, 0, 5, &bytes), part(NLMSG_DONE, 0, 5, &bytes)]);
        }
    }
}
