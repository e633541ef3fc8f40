//! Which sockets are there within this machine? By `SOCK_DIAG_BY_FAMILY` dumps of `unix_diag`.

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, SocketProto, SocketReading, UnixEnds};
use netperf_core::sample::state_set::StateSet;

use super::attributes::{self, u32_at};
use super::dump::{Conversation, DumpError};
use super::sock_diag::{self, SOCK_DIAG_BY_FAMILY};

/// `sizeof(struct unix_diag_msg)` (`linux/unix_diag.h`).
const MESSAGE_BYTES: usize = 16;

const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_RQLEN: u16 = 4;
const UNIX_DIAG_MEMINFO: u16 = 5;
const UNIX_DIAG_SHUTDOWN: u16 = 6;
/// Since Linux 5.3.
const UNIX_DIAG_UID: u16 = 7;

/// `UDIAG_SHOW_NAME`, `_PEER`, `_RQLEN`, `_MEMINFO` and `_UID`.
const SHOW: u32 = 0x1 | 0x4 | 0x10 | 0x20 | 0x40;

/// Lists the sockets into `found`.
pub(super) fn list(
    conversation: &mut Conversation,
    states: StateSet,
    found: &mut Vec<SocketReading>,
) -> Result<(), DumpError> {
    let mut request = [0; 24];
    request[0] = 1;
    request[4..8].copy_from_slice(&states.kernel_bits().to_ne_bytes());
    request[12..16].copy_from_slice(&SHOW.to_ne_bytes());
    let kind = SOCK_DIAG_BY_FAMILY;
    conversation.dump(kind, kind, &request, |payload| {
        found.extend(socket(payload));
    })?;
    Ok(())
}

/// Decodes `struct unix_diag_msg` and the attributes behind it. The namespace is left open.
fn socket(payload: &[u8]) -> Option<SocketReading> {
    let (header, attributes) = payload.split_at_checked(MESSAGE_BYTES)?;
    let proto = match header[1] {
        1 => SocketProto::UnixStream,
        2 => SocketProto::UnixDgram,
        5 => SocketProto::UnixSeqpacket,
        _ => return None,
    };
    let mut ends = UnixEnds {
        path: None,
        peer: None,
    };
    let mut socket = SocketReading {
        proto,
        state: TcpState::from_kernel(header[2])?,
        ends: Ends::Unix(ends.clone()),
        netns: 0,
        inode: u32_at(header, 4).filter(|&inode| inode != 0),
        cookie: u64::from(u32_at(header, 8)?) | u64::from(u32_at(header, 12)?) << 32,
        uid: None,
        recv_q: 0,
        send_q: 0,
        timer: None,
        cgroup_id: None,
        shutdown: None,
        memory: None,
        tcp: None,
    };
    for attribute in attributes::each(attributes) {
        let value = attribute.value();
        match attribute.kind() {
            UNIX_DIAG_NAME => ends.path = name(value),
            UNIX_DIAG_PEER => ends.peer = u32_at(value, 0).filter(|&peer| peer != 0),
            UNIX_DIAG_RQLEN => {
                socket.recv_q = u32_at(value, 0).unwrap_or(0);
                socket.send_q = u32_at(value, 4).unwrap_or(0);
            }
            UNIX_DIAG_MEMINFO => socket.memory = sock_diag::memory(value),
            UNIX_DIAG_SHUTDOWN => socket.shutdown = value.first().copied(),
            UNIX_DIAG_UID => socket.uid = u32_at(value, 0),
            _ => {}
        }
    }
    socket.ends = Ends::Unix(ends);
    Some(socket)
}

/// A name that is no path begins with a zero, and may hold more of them.
fn name(bytes: &[u8]) -> Option<String> {
    match bytes {
        [] => None,
        [0, name @ ..] => Some(format!("@{}", String::from_utf8_lossy(name))),
        path => Some(attributes::text(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    fn message(name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 1, 10, 0];
        bytes.extend(4321u32.to_ne_bytes());
        bytes.extend(0x1_0000_0002u64.to_ne_bytes());
        bytes.extend(attribute(UNIX_DIAG_NAME, name));
        bytes.extend(attribute(UNIX_DIAG_RQLEN, &[3, 0, 0, 0, 128, 0, 0, 0]));
        bytes.extend(attribute(99, b"from a later kernel"));
        bytes
    }

    #[test]
    fn a_listening_socket_has_its_path_and_backlog() {
        let socket = socket(&message(b"/run/x.sock\0")).unwrap();
        assert_eq!(socket.state, TcpState::Listen);
        assert_eq!((socket.inode, socket.cookie), (Some(4321), 0x1_0000_0002));
        assert_eq!((socket.recv_q, socket.send_q), (3, 128));
        let Ends::Unix(ends) = socket.ends else {
            panic!("no unix socket");
        };
        assert_eq!(ends.path.as_deref(), Some("/run/x.sock"));
    }

    #[test]
    fn a_name_that_is_no_path_is_marked() {
        assert_eq!(name(b"\0dbus\0x").as_deref(), Some("@dbus\0x"));
        assert_eq!(name(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, at: usize, byte: u8) {
            let _ = socket(&bytes);
            let mut payload = message(b"/run/x.sock\0");
            let at = at % payload.len();
            payload[at] = byte;
            let _ = socket(&payload);
        }
    }
}
