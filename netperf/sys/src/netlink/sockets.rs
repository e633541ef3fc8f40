//! Which sockets does a network namespace have, and how is one of them closed?
//!
//! A netlink socket stays in the namespace that it was opened in, so others are entered for the
//! opening only.

use std::fs::File;
use std::io;

use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};
use netperf_core::sample::socket::{Ends, SocketProto, SocketReading};
use netperf_core::sample::state_set::StateSet;

use super::dump::{Conversation, DumpError};
use super::enter::inside;
use super::{inet_diag, unix_diag};
use crate::netlink::Detail;

/// What can be listed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// TCP sockets.
    Tcp,
    /// UDP sockets.
    Udp,
    /// Raw sockets. Since Linux 4.10, where the kernel has `raw_diag`.
    Raw,
    /// Sockets within this machine.
    Unix,
}

/// The sockets of one network namespace.
pub struct Sockets(Conversation);

impl Sockets {
    /// Those of the namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel opens no netlink socket.
    pub fn here() -> io::Result<Self> {
        Conversation::open(NETLINK_SOCK_DIAG).map(Self)
    }

    /// Those of another namespace. Needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// When the namespace can't be entered.
    pub fn inside(namespace: &File) -> io::Result<Self> {
        let socket = inside(namespace, || Socket::new(NETLINK_SOCK_DIAG))?;
        Ok(Self(Conversation::over(socket)))
    }

    /// Lists what is in one of these states into `found`; their namespace is left open.
    ///
    /// # Errors
    /// When netlink fails: with `ENOENT` where the kernel can't list this protocol.
    pub fn list(
        &mut self,
        listed: Listed,
        states: StateSet,
        detail: Detail,
        found: &mut Vec<SocketReading>,
    ) -> Result<(), DumpError> {
        let proto = match listed {
            Listed::Tcp => SocketProto::Tcp,
            Listed::Udp => SocketProto::Udp,
            Listed::Raw => SocketProto::Raw,
            Listed::Unix => return unix_diag::list(&mut self.0, states, found),
        };
        inet_diag::list(&mut self.0, proto, states, detail, found)
    }

    /// Closes this very socket, as if its connection had been aborted. Needs `CAP_NET_ADMIN`, and a
    /// kernel with `CONFIG_INET_DIAG_DESTROY`.
    ///
    /// # Errors
    /// `ENOENT` if it is gone, `EPERM` without the right, `EOPNOTSUPP` where the kernel can't.
    pub fn destroy(&mut self, socket: &SocketReading) -> io::Result<()> {
        let Ends::Inet(ends) = &socket.ends else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        Ok(inet_diag::destroy(&mut self.0, socket, ends)?)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;
    use netperf_core::sample::TcpState;

    fn listed(listed: Listed) -> Vec<SocketReading> {
        let mut found = Vec::new();
        let mut sockets = Sockets::here().unwrap();
        sockets
            .list(listed, StateSet::ALL, Detail::Full, &mut found)
            .unwrap();
        found
    }

    fn local(socket: &SocketReading) -> String {
        match &socket.ends {
            Ends::Inet(ends) => ends.local.to_string(),
            Ends::Unix(_) => String::new(),
        }
    }

    #[test]
    fn sockets_of_this_test_are_listed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let found = listed(Listed::Tcp);
        let own = found.iter().find(|it| local(it) == address).unwrap();
        assert_eq!(own.state, TcpState::Listen);
        assert_eq!((own.recv_q, own.tcp.is_none()), (0, true));
        assert!(own.inode.is_some() && own.cookie != 0);

        let socket = UdpSocket::bind("[::1]:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let found = listed(Listed::Udp);
        let own = found.iter().find(|it| local(it) == address).unwrap();
        assert_eq!(own.state, TcpState::Close);
        assert!(own.memory.unwrap().rcvbuf > 0);
    }

    #[test]
    fn a_listing_of_no_state_is_empty() {
        let _listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut found = Vec::new();
        let mut sockets = Sockets::here().unwrap();
        sockets
            .list(Listed::Tcp, StateSet::NONE, Detail::Basic, &mut found)
            .unwrap();
        assert_eq!(found, []);
    }
}
