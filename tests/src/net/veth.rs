//! Two network namespaces joined by a cable.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::netns::{Netns, in_netns, ip};

/// A network namespace with loopback and one end of a cable to a second namespace, for programs that
/// a test starts. Both are removed when it is dropped, also when the test panics.
///
/// The near end is `cable0`, 10.72.0.1 and `fd72::1`; the far end 10.72.0.2 and `fd72::2`.
#[derive(Debug)]
pub struct VethPair {
    near: Netns,
    far: Netns,
}

impl VethPair {
    /// Two new namespaces with a cable between them, both ends up.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn new() -> Result<Self> {
        let (near, far) = (Netns::new()?, Netns::new()?);
        let (a, b) = (&near.0, &far.0);
        ip(&format!(
            "-n {a} link add cable0 type veth peer name cable0 netns {b}"
        ))?;
        for (host, name) in [(1, a), (2, b)] {
            ip(&format!("-n {name} addr add 10.72.0.{host}/24 dev cable0"))?;
            ip(&format!(
                "-n {name} addr add fd72::{host}/64 dev cable0 nodad"
            ))?;
            ip(&format!("-n {name} link set cable0 up"))?;
        }
        let veth = Self { near, far };
        veth.exchange_packets()?;
        Ok(veth)
    }

    /// A second cable between them, `cable1`: near 10.73.0.1, far 10.73.0.2.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn second_cable(&self) -> Result<()> {
        let (a, b) = (&self.near.0, &self.far.0);
        ip(&format!(
            "-n {a} link add cable1 type veth peer name cable1 netns {b}"
        ))?;
        for (host, name) in [(1, a), (2, b)] {
            ip(&format!("-n {name} addr add 10.73.0.{host}/24 dev cable1"))?;
            ip(&format!("-n {name} link set cable1 up"))?;
        }
        Ok(())
    }

    /// Makes the near end a port of the bridge `bridge0`, which takes over its IPv4 address.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn bridge(&self) -> Result<()> {
        let near = &self.near.0;
        ip(&format!("-n {near} addr flush dev cable0"))?;
        ip(&format!("-n {near} link add bridge0 type bridge"))?;
        ip(&format!("-n {near} link set cable0 master bridge0"))?;
        ip(&format!("-n {near} addr add 10.72.0.1/24 dev bridge0"))?;
        ip(&format!("-n {near} link set bridge0 up"))?;
        self.exchange_packets()
    }

    /// Exchanges some packets over the cable: a connection to a closed port. A new cable drops packets
    /// for a while, so TCP repeats the first one until it is answered.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn exchange_packets(&self) -> Result<()> {
        let answer = in_netns(&self.near.0, || {
            let far = SocketAddr::from(([10, 72, 0, 2], 9));
            let answer = TcpStream::connect_timeout(&far, Duration::from_secs(10));
            Ok(answer.err().context("port 9 is open")?.kind())
        })?;
        ensure!(
            answer == std::io::ErrorKind::ConnectionRefused,
            "no packets over the cable: {answer}"
        );
        Ok(())
    }

    /// `program`, to run in the near namespace.
    pub fn near(&self, program: &str) -> Command {
        self.near.command(program)
    }

    /// `program`, to run in the far namespace.
    pub fn far(&self, program: &str) -> Command {
        self.far.command(program)
    }
}
