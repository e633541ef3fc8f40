//! Which systemd unit and which container does a cgroup path name?
//!
//! Pure text. Paths are untrusted: an unprivileged user may name a cgroup of their own after any
//! unit or container.

use netperf_core::sample::{Container, Runtime};

/// The innermost service or scope of systemd, and the innermost container.
pub fn unit_and_container(path: &str) -> (Option<String>, Option<Container>) {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let unit = names.iter().rev().find_map(|name| unit(name));
    let container = (0..names.len())
        .rev()
        .find_map(|at| container(&names[..at], names[at]));
    (unit, container)
}

/// Slices hold units, not processes, so they are not told.
fn unit(name: &str) -> Option<String> {
    let stem = name
        .strip_suffix(".service")
        .or_else(|| name.strip_suffix(".scope"))?;
    if stem.is_empty() {
        return None;
    }
    // systemd puts `_` before names that would clash with the kernel's files (`cg_escape`). The
    // escapes of `systemd-escape` (`\x2d`) are part of the unit's name: without them it is another.
    Some(name.strip_prefix('_').unwrap_or(name).to_owned())
}

fn container(above: &[&str], name: &str) -> Option<Container> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    // `docker-ID.scope`, or `SLICE:docker:ID` where the runtime does not know of systemd.
    let (prefix, id) = name.rsplit_once(['-', ':']).unwrap_or(("", name));
    if !is_id(id) {
        return None;
    }
    let runtime = if prefix.is_empty() {
        runtime_above(above)?
    } else {
        runtime_of_prefix(prefix.rsplit(':').next()?)?
    };
    Some(Container {
        runtime,
        id: id.to_owned(),
    })
}

/// Monitors (`libpod-conmon-ID`, `crio-conmon-ID`) are none: they move the container's bytes to no
/// network.
fn runtime_of_prefix(prefix: &str) -> Option<Runtime> {
    match prefix {
        "docker" => Some(Runtime::Docker),
        "cri-containerd" | "containerd" | "nerdctl" => Some(Runtime::Containerd),
        "libpod" | "libpod-payload" => Some(Runtime::Podman),
        "crio" => Some(Runtime::CriO),
        _ => None,
    }
}

/// For a name that is an identifier and nothing else, the cgroups above it tell.
fn runtime_above(above: &[&str]) -> Option<Runtime> {
    match *above.last()? {
        "docker" | "moby" => Some(Runtime::Docker),
        // `default` and `k8s.io` are containerd's own namespaces: `/default/ID`.
        "containerd" | "nerdctl" | "default" | "k8s.io" => Some(Runtime::Containerd),
        "libpod_parent" => Some(Runtime::Podman),
        _ => above
            .iter()
            .any(|name| is_kubepods(name))
            .then_some(Runtime::Kubepods),
    }
}

fn is_kubepods(name: &str) -> bool {
    name == "kubepods" || name == "kubepods.slice" || name.starts_with("kubepods-")
}

fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f1c0de5b7a94c21f6e8d0a1b2c3d4e5f60718293a4b5c6d7e8f9012a3b4c5d6";
    const OUTER: &str = "aa1c0de5b7a94c21f6e8d0a1b2c3d4e5f60718293a4b5c6d7e8f9012a3b4c5d6";

    fn read(pattern: &str) -> (Option<String>, Option<Container>) {
        unit_and_container(&pattern.replace("ID", ID).replace("OUTER", OUTER))
    }

    #[test]
    fn the_unit_is_the_innermost_service_or_scope() {
        for (path, unit) in [
            ("/system.slice/ssh.service", "ssh.service"),
            (
                "/system.slice/system-getty.slice/getty@tty1.service",
                "getty@tty1.service",
            ),
            (
                "/user.slice/user-1000.slice/session-4.scope",
                "session-4.scope",
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service",
                "foo.service",
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/init.scope",
                "init.scope",
            ),
            ("/init.scope", "init.scope"),
            ("/system.slice/mysql.service/payload", "mysql.service"),
            (r"/system.slice/my\x2djob.service", r"my\x2djob.service"),
            ("/system.slice/my-job.service", "my-job.service"),
            (
                r"/machine.slice/machine-qemu\x2d1\x2dvm.scope",
                r"machine-qemu\x2d1\x2dvm.scope",
            ),
            (r"/system.slice/odd\x2.service", r"odd\x2.service"),
            (r"/system.slice/odd\x+f.service", r"odd\x+f.service"),
            ("/a/__own.service", "_own.service"),
            ("/system.slice/_cpu.service", "cpu.service"),
        ] {
            assert_eq!(read(path).0.as_deref(), Some(unit), "{path}");
        }
    }

    #[test]
    fn where_no_unit_is_named_there_is_none() {
        for path in [
            "",
            "/",
            "//",
            "/system.slice",
            "/a.service.d/b",
            "/.service",
            "/é.scop",
            "\\x",
        ] {
            assert_eq!(read(path).0, None, "{path}");
        }
    }

    #[test]
    fn each_runtime_is_known_by_its_paths() {
        use Runtime::{Containerd, CriO, Docker, Kubepods, Podman};
        const POD: &str = "kubepods-burstable-pod0e7a_1.slice";
        for (path, runtime) in [
            ("/system.slice/docker-ID.scope", Docker),
            ("/docker/ID", Docker),
            ("/docker/ID/init.scope", Docker),
            (
                "/system.slice/docker-ID.scope/system.slice/nginx.service",
                Docker,
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
                Docker,
            ),
            ("/system.slice:docker:ID", Docker),
            ("/system.slice/cri-containerd-ID.scope", Containerd),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-ID.scope",
                Containerd,
            ),
            ("/default/ID", Containerd),
            (
                "/system.slice/containerd.service/POD:cri-containerd:ID",
                Containerd,
            ),
            (
                "/kubepods.slice/kubepods-burstable.slice/POD/cri-containerd-ID.scope",
                Containerd,
            ),
            ("/machine.slice/libpod-ID.scope", Podman),
            ("/machine.slice/libpod-ID.scope/container", Podman),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
                Podman,
            ),
            ("/system.slice/web.service/libpod-payload-ID", Podman),
            ("/libpod_parent/libpod-ID", Podman),
            ("/kubepods.slice/POD/crio-ID.scope", CriO),
            ("/kubepods/besteffort/pod0e7a/crio-ID", CriO),
            ("/kubepods.slice/POD/docker-ID.scope", Docker),
            ("/kubepods/burstable/pod0e7a-4c1d/ID", Kubepods),
            ("/kubepods/pod0e7a-4c1d/ID", Kubepods),
            ("/kubepods.slice/kubepods-besteffort.slice/POD/ID", Kubepods),
        ] {
            let (_, container) = read(&path.replace("POD", POD));
            assert_eq!(
                container,
                Some(Container {
                    runtime,
                    id: ID.to_owned()
                }),
                "{path}"
            );
        }
    }

    #[test]
    fn a_container_within_a_container_is_told() {
        let kind = "/docker/OUTER/kubelet.slice/kubelet-kubepods.slice/cri-containerd-ID.scope";
        let container = read(kind).1.unwrap();
        assert_eq!(
            (container.runtime, container.id.as_str()),
            (Runtime::Containerd, ID)
        );
    }

    #[test]
    fn what_looks_like_a_container_is_none() {
        let upper = format!("/docker/{}", ID.to_uppercase());
        let short = format!("/docker/{}", &ID[1..]);
        let long = format!("/docker-{ID}0.scope");
        for path in [
            &upper,
            &short,
            &long,
            "/machine.slice/libpod-conmon-ID.scope",
            "/kubepods.slice/crio-conmon-ID.scope",
            "/system.slice/web.service/runtime",
            "/system.slice/docker.service",
            "/docker",
            "/docker/",
            "/docker/buildkit/ID",
            "/ID",
            "/-ID",
            "/:ID",
            "/docker-.scope",
            "/evil-ID.scope",
            "/docker-\u{202e}ID.scope\u{1b}[2J",
        ] {
            assert_eq!(read(path).1, None, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_makes_it_panic(path in r"(/|-|:|_|\\x?|[0-9a-f]{0,64}|docker|kubepods|\.scope|\.service|\PC){0,12}") {
            let (unit, container) = unit_and_container(&path);
            proptest::prop_assert!(unit.is_none_or(|unit| !unit.is_empty()));
            proptest::prop_assert!(container.is_none_or(|container| container.id.len() == 64));
        }
    }
}
