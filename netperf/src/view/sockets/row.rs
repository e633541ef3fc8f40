//! A row of `sockets`.

use netperf_core::sample::socket::{
    Ends, InetEnds, SocketMemory, SocketOwner, SocketProto, SocketReading, SocketSample, TcpInfo,
    Timer,
};
use netperf_core::sample::{Container, TcpState};
use netperf_core::units::Units;
use netperf_diagnose::sockets::explanation;
use serde::Serialize;

/// A socket and its owners.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SocketRow<'s> {
    /// Protocol, in the words of `ss`.
    pub proto: &'static str,
    /// State; `UNCONN` for sockets without a connection.
    pub state: &'static str,
    /// Bytes received and not read; of a listening socket, connections to be accepted.
    pub recv_q: u32,
    /// Bytes sent and not acknowledged; of a listening socket, the limit of `recv_q`.
    pub send_q: u32,
    /// Local address and port.
    pub local: String,
    /// Remote address and port; unspecified where the socket is not connected.
    pub remote: String,
    /// Index of the interface that it is bound to.
    pub interface: Option<u32>,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The process that holds it: the first, if there are several.
    pub pid: Option<u32>,
    /// Its name. Untrusted text.
    pub name: Option<&'s str>,
    /// File descriptor in that process.
    pub fd: Option<u32>,
    /// Every process that holds it.
    pub owners: Vec<OwnerRow<'s>>,
    /// User that made it.
    pub uid: Option<u32>,
    /// Name of that user. Untrusted text.
    pub user: Option<&'s str>,
    /// Cgroup of the process, or else the one that the socket was made in. Untrusted text.
    pub cgroup: Option<&'s str>,
    /// systemd unit of the process, if any.
    pub unit: Option<&'s str>,
    /// Container of the process, if any.
    pub container: Option<&'s Container>,
    /// Inode number; `None` where the socket has no file.
    pub inode: Option<u32>,
    /// Its running timer.
    pub timer: Option<Timer>,
    /// Which directions have been shut down: 1 receive, 2 send.
    pub shutdown: Option<u8>,
    /// Memory of its buffers, and their limits.
    pub memory: Option<SocketMemory>,
    /// Figures of the TCP connection.
    pub tcp_info: Option<&'s TcpInfo>,
    /// What its queues mean, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The socket in the sample.
    #[serde(skip)]
    pub socket: &'s SocketReading,
}

/// One process that holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerRow<'s> {
    /// Pid in the tracer's pid namespace.
    pub pid: u32,
    /// Its name. Untrusted text.
    pub name: &'s str,
    /// File descriptor in that process.
    pub fd: u32,
}

impl<'s> SocketRow<'s> {
    /// The row of one socket of `sample`.
    pub fn new(
        sample: &'s SocketSample,
        socket: &'s SocketReading,
        explain: Option<Units>,
    ) -> Self {
        let held = socket
            .inode
            .map_or(&[][..], |inode| sample.owners.of(inode));
        let first = held.first();
        let process = first.map(|owner| owner.process.as_ref());
        let made_in = || sample.cgroups.get(&socket.cgroup_id?).map(String::as_str);
        let user_of = |uid| sample.users.get(&uid).map(String::as_str);
        let (local, remote, interface) = ends(socket);
        Self {
            proto: socket.proto.name(),
            state: state_name(socket),
            recv_q: socket.recv_q,
            send_q: socket.send_q,
            local,
            remote,
            interface,
            netns: socket.netns,
            pid: process.map(|process| process.id.tgid),
            name: process.map(|process| process.name.as_str()),
            fd: first.map(|owner| owner.fd),
            owners: held.iter().map(OwnerRow::of).collect(),
            uid: socket.uid,
            user: socket.uid.and_then(user_of),
            cgroup: process
                .and_then(|process| process.cgroup.as_deref())
                .or_else(made_in),
            unit: process.and_then(|process| process.unit.as_deref()),
            container: process.and_then(|process| process.container.as_ref()),
            inode: socket.inode,
            timer: socket.timer,
            shutdown: socket.shutdown,
            memory: socket.memory,
            tcp_info: socket.tcp.as_deref(),
            explanation: explain.and_then(|units| {
                explanation(socket, process.map(|process| process.name.as_str()), units)
            }),
            socket,
        }
    }
}

impl<'s> OwnerRow<'s> {
    fn of(owner: &'s SocketOwner) -> Self {
        Self {
            pid: owner.process.id.tgid,
            name: &owner.process.name,
            fd: owner.fd,
        }
    }
}

/// Why a socket has no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fileless {
    /// It waits in the queue of a listening socket.
    Unaccepted,
    /// Its process has closed it or ended, and the connection is not yet over.
    Orphan,
    /// It never had one: TIME_WAIT, SYN_RECV.
    Kernel,
}

impl Fileless {
    /// The reason; `None` if the socket has a file.
    pub(super) fn of(socket: &SocketReading) -> Option<Self> {
        if socket.inode.is_some() {
            return None;
        }
        Some(match socket.state {
            TcpState::Established | TcpState::CloseWait => Self::Unaccepted,
            TcpState::FinWait1 | TcpState::FinWait2 | TcpState::LastAck | TcpState::Closing => {
                Self::Orphan
            }
            TcpState::SynSent
            | TcpState::SynRecv
            | TcpState::TimeWait
            | TcpState::Close
            | TcpState::Listen => Self::Kernel,
        })
    }

    /// The reason as in the table.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unaccepted => "(not accepted)",
            Self::Orphan => "(orphan)",
            Self::Kernel => "",
        }
    }
}

/// TCP states named as in the JSON output; `UNCONN` for other protocols, instead of `CLOSE`.
pub(super) fn state_name(socket: &SocketReading) -> &'static str {
    if socket.state == TcpState::Close && socket.proto != SocketProto::Tcp {
        return "UNCONN";
    }
    socket.state.name()
}

fn ends(socket: &SocketReading) -> (String, String, Option<u32>) {
    match &socket.ends {
        &Ends::Inet(InetEnds {
            local,
            remote,
            interface,
            ..
        }) => (
            local.to_string(),
            remote.to_string(),
            Some(interface).filter(|&index| index != 0),
        ),
        Ends::Unix(unix) => {
            let peer = unix
                .peer
                .map_or(String::new(), |peer| format!("inode {peer}"));
            (unix.path.clone().unwrap_or_default(), peer, None)
        }
    }
}
