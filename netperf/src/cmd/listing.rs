//! Lists sockets for several commands.

use std::io;

use netperf_core::failure::Failure;
use netperf_core::model::states::ages::Ages;
use netperf_core::sample::TcpState;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::{Detail, Listed, Scope, SocketRequest, SocketsError};

/// Every TCP socket, because ports and queues count all of them, whatever is shown. With details for
/// those that end slowly (times) and those that listen (overflows).
pub(super) fn every_tcp_socket(namespaces: Scope) -> SocketRequest {
    SocketRequest {
        listed: vec![Listed::Tcp],
        states: StateSet::ALL,
        detail: Detail::Basic,
        in_full: Ages::slow().or(StateSet::of([TcpState::Listen])),
        networks: true,
        namespaces,
        owners: Vec::new(),
    }
}

/// Sockets in states that end without any hook.
pub(super) fn sockets_that_wait() -> SocketRequest {
    SocketRequest {
        listed: vec![Listed::Tcp],
        states: StateSet::of([TcpState::TimeWait, TcpState::FinWait2]),
        detail: Detail::Basic,
        in_full: StateSet::NONE,
        networks: false,
        namespaces: Scope::All,
        owners: Vec::new(),
    }
}

/// The error with its exit status.
pub(super) fn failure(error: SocketsError) -> Failure {
    let (is_lack, is_forbidden) = match &error {
        SocketsError::NoList { .. } => (true, false),
        SocketsError::Namespace { source, .. } => {
            (false, source.kind() == io::ErrorKind::PermissionDenied)
        }
    };
    let text = format!("{:#}", anyhow::Error::new(error));
    match (is_lack, is_forbidden) {
        (true, _) => Failure::Lacking(text),
        (false, true) => Failure::NotAllowed(format!("{text}: run it as root")),
        (false, false) => Failure::Usage(text),
    }
}
