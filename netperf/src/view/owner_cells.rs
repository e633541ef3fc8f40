//! Cells that name an owner: its user, and its unit, container or cgroup.

use netperf_core::sample::{Container, Runtime};

use super::table::Cell;

/// A user by name, or else by number.
pub(super) fn user(name: Option<&str>, uid: Option<u32>) -> Cell<'_> {
    match (name, uid) {
        (Some(user), _) => user.into(),
        (None, Some(uid)) => uid.to_string().into(),
        (None, None) => Cell::Unknown,
    }
}

/// A container, else a unit, else the end of a cgroup path.
pub(super) fn home<'m>(
    container: Option<&Container>,
    unit: Option<&'m str>,
    cgroup: Option<&'m str>,
) -> Cell<'m> {
    if let Some(container) = container {
        let id: String = container.id.chars().take(12).collect();
        return format!("{}:{id}", runtime(container.runtime)).into();
    }
    let last = |path: &'m str| path.rsplit('/').find(|part| !part.is_empty());
    let place = unit.or_else(|| cgroup.and_then(last));
    place.map_or(Cell::Blank, Cell::from)
}

fn runtime(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Docker => "docker",
        Runtime::Containerd => "containerd",
        Runtime::Podman => "podman",
        Runtime::CriO => "cri-o",
        Runtime::Kubepods => "pod",
    }
}
