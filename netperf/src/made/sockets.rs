//! Sockets made by hand.

use std::sync::Arc;

use super::{EPOCH_NS, NETNS, process};
use crate::clock::WallNs;
use crate::sample::socket::{
    Ends, InetEnds, SocketOwner, SocketOwners, SocketProto, SocketReading, SocketSample, TcpInfo,
    Timer, TimerKind, UnixEnds,
};
use crate::sample::state_set::StateSet;
use crate::sample::{Process, TcpState};
use crate::view::query::ProcessQuery;
use crate::view::socket_filter::SocketFilter;
use crate::view::sockets::SocketsOptions;

/// A TCP socket of IPv4 without anything waiting in it.
pub(crate) fn socket(state: TcpState, inode: u32, local: &str, remote: &str) -> SocketReading {
    SocketReading {
        proto: SocketProto::Tcp,
        state,
        ends: Ends::Inet(InetEnds {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            interface: 0,
            is_ipv6: false,
            ipv6_only: false,
        }),
        netns: NETNS,
        inode: Some(inode).filter(|&inode| inode != 0),
        cookie: 1,
        uid: Some(34),
        recv_q: 0,
        send_q: 0,
        timer: None,
        cgroup_id: Some(77),
        shutdown: None,
        memory: None,
        tcp: None,
    }
}

/// Sockets with another end.
fn connected() -> Vec<SocketReading> {
    let stuck = SocketReading {
        send_q: 2_000_000,
        tcp: Some(Box::new(TcpInfo {
            congestion: Some("cubic".to_owned()),
            srtt_us: Some(25_120),
            rttvar_us: Some(3_400),
            cwnd: Some(10),
            mss: Some(1_448),
            retrans: Some(3),
            retrans_out: Some(0),
            busy_us: Some(10_000_000),
            rwnd_limited_us: Some(9_000_000),
            ..TcpInfo::default()
        })),
        timer: Some(Timer {
            kind: TimerKind::Persist,
            expires_ms: 4_200,
            retransmits: 2,
        }),
        ..socket(
            TcpState::Established,
            2,
            "10.0.0.5:44321",
            "192.168.100.200:54321",
        )
    };
    let slow = SocketReading {
        recv_q: 70_000,
        ..socket(TcpState::CloseWait, 3, "10.0.0.5:443", "192.0.2.7:1024")
    };
    let over = SocketReading {
        uid: None,
        cgroup_id: None,
        ..socket(TcpState::TimeWait, 0, "10.0.0.5:40000", "10.0.0.10:5432")
    };
    let waiting = socket(TcpState::Established, 0, "10.0.0.5:443", "192.0.2.8:1025");
    vec![stuck, slow, over, waiting]
}

/// Sockets without one.
fn unconnected() -> Vec<SocketReading> {
    let nobody = "0.0.0.0:0";
    let full = SocketReading {
        recv_q: 12,
        send_q: 11,
        ..socket(TcpState::Listen, 1, "0.0.0.0:443", nobody)
    };
    let evil = SocketReading {
        proto: SocketProto::UnixStream,
        ends: Ends::Unix(UnixEnds {
            path: Some("/run/\x1b[2Jevil".to_owned()),
            peer: None,
        }),
        ..socket(TcpState::Listen, 4, nobody, nobody)
    };
    let unseen = SocketReading {
        proto: SocketProto::Udp,
        ..socket(TcpState::Close, 9, "0.0.0.0:53", nobody)
    };
    vec![full, evil, unseen]
}

/// Options that leave no socket out.
pub(crate) fn every_socket() -> SocketsOptions {
    SocketsOptions {
        states: StateSet::ALL,
        filter: SocketFilter::default(),
        processes: ProcessQuery::default(),
        summary_only: false,
        explain: false,
    }
}

/// A look at a few sockets of every kind.
pub(crate) fn sockets() -> SocketSample {
    let nginx = process(412, "nginx");
    let owner = |inode, process: &Arc<Process>| SocketOwner {
        inode,
        fd: 6,
        process: Arc::clone(process),
    };
    let workers = [process(413, "nginx"), process(414, "nginx")];
    SocketSample {
        sockets: {
            let mut all = unconnected();
            let rest = all.split_off(1);
            all.extend(connected());
            all.extend(rest);
            all
        },
        owners: SocketOwners::new(vec![
            owner(1, &nginx),
            owner(1, &workers[0]),
            owner(1, &workers[1]),
            owner(2, &process(8821, "rsync")),
            owner(3, &nginx),
            owner(4, &process(9000, "\x1b[2Jevil")),
        ]),
        users: [(34, "backup".to_owned())].into(),
        cgroups: [(77, "/system.slice/named.service".to_owned())].into(),
        namespaces: vec![NETNS],
        wall: WallNs(EPOCH_NS),
        ..SocketSample::default()
    }
}
