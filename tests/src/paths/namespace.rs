//! Network and pid namespaces.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{Gid, Uid, setgid, setuid};

use super::datagram::{self, by_sendto, receive};
use super::sharing::connection;
use super::stream::{LOOPBACK, connect, pair, read_all, write_all};
use super::{Path, Topic};
use crate::load::workload::{Gate, Moved, Workload};

pub(super) const TOPIC: Topic = Topic {
    name: "namespace",
    paths: &[
        Path::even("netns_loopback", |workload| {
            Namespace::new()?.run(|| pair(workload, write_all, read_all))
        }),
        Path::even("netns_udp", |workload| {
            Namespace::new()?.run(|| datagram::pair_at(workload, LOOPBACK, by_sendto, receive))
        }),
        Path::even("netns_veth_tcp_v4", |workload| {
            veth_tcp(workload, "10.71.0.2:0")
        }),
        Path::even("netns_veth_tcp_v6", |workload| {
            veth_tcp(workload, "[fd71::2]:0")
        }),
        Path::even("netns_veth_udp", veth_udp),
        Path::even("netns_socket_taken_out", taken_out),
        Path::even("pid_namespace", pid_namespace),
        Path::even("other_user", other_user),
    ],
};

/// A network namespace with loopback. The kernel removes it with its last process, socket and
/// descriptor, however those end.
pub(super) struct Namespace(File);

impl Namespace {
    /// A new one.
    pub(super) fn new() -> Result<Self> {
        let home = here()?;
        unshare(CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
        let made = here().and_then(|made| ip("link set lo up").map(|()| made));
        setns(home, CloneFlags::CLONE_NEWNET)?;
        made.map(Self)
    }

    /// Runs `act` inside; what it opens and forks stays there.
    pub(super) fn run<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let home = here()?;
        setns(&self.0, CloneFlags::CLONE_NEWNET)?;
        let done = act();
        setns(home, CloneFlags::CLONE_NEWNET)?;
        done
    }

    /// Its path in `/proc`, while this process lives.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

fn here() -> Result<File> {
    Ok(File::open("/proc/self/ns/net")?)
}

/// Runs `ip` in the current network namespace.
fn ip(args: &str) -> Result<()> {
    let status = Command::new("ip")
        .args(args.split(' '))
        .status()
        .context("`ip` can't run")?;
    ensure!(status.success(), "`ip {args}` failed");
    Ok(())
}

/// Two namespaces with a cable between them: `10.71.0.1` and `fd71::1` to
/// `10.71.0.2` and `fd71::2`.
fn cable() -> Result<(Namespace, Namespace)> {
    let (near, far) = (Namespace::new()?, Namespace::new()?);
    let far_netns = far.path();
    near.run(|| {
        ip(&format!(
            "link add cable type veth peer name cable netns {far_netns}"
        ))
    })?;
    near.run(|| plug(1))?;
    far.run(|| plug(2))?;
    Ok((near, far))
}

fn plug(host: u8) -> Result<()> {
    ip(&format!("addr add 10.71.0.{host}/24 dev cable"))?;
    ip(&format!("addr add fd71::{host}/64 dev cable nodad"))?;
    ip("link set cable mtu 65535 up")
}

fn veth_tcp(workload: &mut Workload, address: &str) -> Result<()> {
    let (near, far) = cable()?;
    let listener = far.run(|| Ok(TcpListener::bind(address)?))?;
    let to = listener.local_addr()?;
    far.run(|| {
        workload.spawn("receiver", move || {
            Ok(Moved::received(read_all(&listener.accept()?.0)?))
        })
    })?;
    near.run(|| workload.spawn("sender", || Ok(Moved::sent(write_all(&connect(to)?)?))))
}

/// The cable drops packets until the kernel has seen both ends up. TCP repeats its handshake until then, so the
/// datagrams follow one.
fn veth_udp(workload: &mut Workload) -> Result<()> {
    let (near, far) = cable()?;
    let socket = far.run(|| datagram::roomy("10.71.0.2:0"))?;
    let listener = far.run(|| Ok(TcpListener::bind("10.71.0.2:0")?))?;
    let (to, greeter) = (socket.local_addr()?, listener.local_addr()?);
    far.run(|| workload.spawn("receiver", move || Ok(Moved::received(receive(&socket)?))))?;
    near.run(|| {
        workload.spawn("sender", || {
            drop(connect(greeter)?);
            Ok(Moved::sent(by_sendto(&UdpSocket::bind("0.0.0.0:0")?, to)?))
        })
    })
}

/// The sockets belong to a namespace in which no process is.
fn taken_out(workload: &mut Workload) -> Result<()> {
    let (near, far) = Namespace::new()?.run(connection)?;
    workload.spawn("sender", move || Ok(Moved::sent(write_all(&near)?)))?;
    workload.spawn("receiver", move || Ok(Moved::received(read_all(&far)?)))
}

/// The sender has pid 1 in a pid namespace of its own; the tracer shows the pid that it sees.
fn pid_namespace(workload: &mut Workload) -> Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let to = listener.local_addr()?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_all(&listener.accept()?.0)?))
    })?;
    workload.spawn_parent("outside", move || {
        unshare(CloneFlags::CLONE_NEWPID).context("a pid namespace needs root")?;
        let mut inner = Workload::new(Gate::Open);
        inner.spawn("inside", || {
            ensure!(std::process::id() == 1, "not in a pid namespace");
            Ok(Moved::sent(write_all(&connect(to)?)?))
        })?;
        inner.finish()
    })
}

fn other_user(workload: &mut Workload) -> Result<()> {
    pair(
        workload,
        |stream| {
            setgid(Gid::from_raw(65_534))?;
            setuid(Uid::from_raw(65_534))?;
            write_all(stream)
        },
        read_all,
    )
}
