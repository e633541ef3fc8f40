//! A chain of routers between two hosts: a network namespace for each, with IPv4 and IPv6.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::netns::{Netns, in_netns, ip};
use crate::net::relay::{Impairment, join};

/// Numbers of the links to and from a router beside another one.
const IN: usize = 98;
const OUT: usize = 99;

/// The link between a host or router and the next one.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// A direct cable, without delay or loss.
    Cable,
    /// A link with delay or loss.
    Impaired(Impairment),
}

/// A host, routers, and a host at the far end; all are removed when it is dropped.
///
/// The link behind host or router `n` has the addresses `10.90.n.1` and `fd90:n::1` at its near end, and
/// `10.90.n.2` and `fd90:n::2` at its far end.
#[derive(Debug)]
pub struct Chain {
    nodes: Vec<Netns>,
    twins: Vec<Netns>,
}

impl Chain {
    /// Joins `links.len() - 1` routers and two hosts. The routers answer every probe.
    ///
    /// # Errors
    /// When the kernel refuses a part of it, or no packet arrives.
    pub fn new(links: &[Link]) -> Result<Self> {
        let nodes = (0..=links.len())
            .map(|_| Netns::new())
            .collect::<Result<_>>()?;
        let chain = Self {
            nodes,
            twins: Vec::new(),
        };
        for node in &chain.nodes {
            forward(node)?;
        }
        for (number, link) in links.iter().enumerate() {
            chain.link(number, *link)?;
        }
        for node in 0..chain.nodes.len() {
            chain.route(node)?;
        }
        await_route(&chain.nodes[0], chain.far())?;
        await_route(&chain.nodes[0], chain.far_v6())?;
        Ok(chain)
    }

    /// Address of the far host.
    pub fn far(&self) -> IpAddr {
        v4(self.last_link(), 2).into()
    }

    /// IPv6 address of the far host.
    pub fn far_v6(&self) -> IpAddr {
        v6(self.last_link(), 2).into()
    }

    /// Address with which the router at this distance answers the near host.
    pub fn router(&self, distance: usize) -> IpAddr {
        v4(distance - 1, 2).into()
    }

    /// IPv6 address with which that router answers.
    pub fn router_v6(&self, distance: usize) -> IpAddr {
        v6(distance - 1, 2).into()
    }

    /// `program`, to run at the near host.
    pub fn near(&self, program: &str) -> Command {
        self.nodes[0].command(program)
    }

    /// Puts a qdisc in front of the link behind the router at this distance.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn add_qdisc(&self, distance: usize, queue: &str) -> Result<()> {
        let mut tc = self.nodes[distance].command("tc");
        tc.args(["qdisc", "add", "dev", &format!("right{distance}"), "root"]);
        let status = tc.args(queue.split(' ')).status()?;
        ensure!(status.success(), "no {queue}");
        Ok(())
    }

    /// Limits the router at this distance to one answer in `ms` milliseconds. Its budget starts 60 seconds
    /// before the first probe: with more than that, it never answers.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn limit_answers(&self, distance: usize, ms: u32) -> Result<()> {
        let ms = ms.to_string();
        self.set(
            distance,
            &[
                ("net/ipv4/icmp_ratelimit", &ms),
                ("net/ipv6/icmp/ratelimit", &ms),
            ],
        )
    }

    /// Adds a router beside the second one; the first router balances flows over both. Packets come back through
    /// the old one. Returns the addresses of the new one, IPv4 and IPv6.
    ///
    /// # Errors
    /// When the kernel refuses a part of it.
    pub fn add_twin_of_second(&mut self) -> Result<[IpAddr; 2]> {
        let twin = Netns::new()?;
        forward(&twin)?;
        for (from, to, link) in [(&self.nodes[1], &twin, IN), (&twin, &self.nodes[3], OUT)] {
            let (from, to) = ((from, "twin"), (to, if link == IN { "in" } else { "twin" }));
            ip(&format!(
                "-n {} link add {} type veth peer name {} netns {}",
                from.0.0, from.1, to.1, to.0.0
            ))?;
            give_addresses(link, from, to)?;
        }
        for link in [0, 1] {
            route(&twin, link, IN, 1)?;
        }
        for link in 2..=self.last_link() {
            let one = &self.nodes[1].0;
            route(&twin, link, OUT, 2)?;
            for (net, old, new) in [
                (
                    format!("{}/24", v4(link, 0)),
                    v4(1, 2).to_string(),
                    v4(IN, 2).to_string(),
                ),
                (
                    format!("{}/64", v6(link, 0)),
                    v6(1, 2).to_string(),
                    v6(IN, 2).to_string(),
                ),
            ] {
                ip(&format!(
                    "-n {one} route replace {net} nexthop via {old} nexthop via {new}"
                ))?;
            }
        }
        for (node, new) in [
            (1, [v4(IN, 2).into(), v6(IN, 2).into()]),
            (3, [v4(OUT, 1).into(), v6(OUT, 1).into()]),
        ] {
            for address in new {
                await_route(&self.nodes[node], address)?;
            }
        }
        // The hash takes ports as well.
        self.set(
            1,
            &[
                ("net/ipv4/fib_multipath_hash_policy", "1"),
                ("net/ipv6/fib_multipath_hash_policy", "1"),
            ],
        )?;
        self.twins.push(twin);
        Ok([v4(IN, 2).into(), v6(IN, 2).into()])
    }

    /// Lets the far host ignore ICMP echo requests.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn ignore_echo(&self) -> Result<()> {
        self.set(
            self.nodes.len() - 1,
            &[("net/ipv4/icmp_echo_ignore_all", "1")],
        )
    }

    /// Takes the route to the far host from the router at this distance.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn drop_route_to_far(&self, distance: usize) -> Result<()> {
        let name = &self.nodes[distance].0;
        ip(&format!(
            "-n {name} route replace unreachable {}",
            self.far()
        ))
    }

    /// Sets the MTU of a link, at both ends.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn set_mtu(&self, link: usize, mtu: u32) -> Result<()> {
        for (node, device) in [
            (link, format!("right{link}")),
            (link + 1, format!("left{link}")),
        ] {
            let name = &self.nodes[node].0;
            ip(&format!("-n {name} link set {device} mtu {mtu}"))?;
        }
        Ok(())
    }

    /// Runs `act` in a thread at the near host.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn in_near<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.nodes[0].0, act)
    }

    /// Runs `act` in a thread at the far host.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn in_far<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.nodes[self.nodes.len() - 1].0, act)
    }

    fn last_link(&self) -> usize {
        self.nodes.len() - 2
    }

    fn set(&self, node: usize, settings: &[(&str, &str)]) -> Result<()> {
        set(&self.nodes[node], settings)
    }

    fn link(&self, number: usize, link: Link) -> Result<()> {
        let (near, far) = (&self.nodes[number], &self.nodes[number + 1]);
        let (right, left) = (format!("right{number}"), format!("left{number}"));
        match link {
            Link::Cable => ip(&format!(
                "-n {} link add {right} type veth peer name {left} netns {}",
                near.0, far.0
            ))?,
            Link::Impaired(impairment) => join((&near.0, &right), (&far.0, &left), impairment)?,
        }
        give_addresses(number, (near, &right), (far, &left))
    }

    /// Adds the routes to all links that are not its own.
    fn route(&self, node: usize) -> Result<()> {
        let name = &self.nodes[node];
        for link in 0..=self.last_link() {
            let (via, end) = if link + 1 < node {
                (node - 1, 1)
            } else if link > node {
                (node, 2)
            } else {
                continue;
            };
            route(name, link, via, end)?;
        }
        Ok(())
    }
}

/// Waits until packets get through: a new cable drops them for a while. A connection to a closed port is tried
/// until it is refused.
fn await_route(near: &Netns, far: IpAddr) -> Result<()> {
    let answer = in_netns(&near.0, || {
        let to = SocketAddr::new(far, 9);
        let answer = TcpStream::connect_timeout(&to, Duration::from_secs(10));
        Ok(answer.err().context("port 9 is open")?.kind())
    })?;
    ensure!(
        answer == std::io::ErrorKind::ConnectionRefused,
        "no answer from {far}: {answer}"
    );
    Ok(())
}

/// Changes settings of a namespace, given as paths below `/proc/sys`.
fn set(node: &Netns, settings: &[(&str, &str)]) -> Result<()> {
    in_netns(&node.0, || {
        for (path, value) in settings {
            let path = format!("/proc/sys/{path}");
            fs::write(&path, value).with_context(|| format!("no {path} = {value}"))?;
        }
        Ok(())
    })
}

/// Makes a namespace a router that answers every probe and accepts asymmetric routes.
fn forward(node: &Netns) -> Result<()> {
    set(
        node,
        &[
            ("net/ipv4/icmp_ratelimit", "0"),
            ("net/ipv6/icmp/ratelimit", "0"),
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv6/conf/all/forwarding", "1"),
            ("net/ipv4/conf/all/rp_filter", "0"),
            ("net/ipv4/conf/default/rp_filter", "0"),
        ],
    )
}

/// Gives both ends of a link their addresses, and sets them up.
fn give_addresses(link: usize, near: (&Netns, &str), far: (&Netns, &str)) -> Result<()> {
    for ((node, device), end) in [(near, 1), (far, 2)] {
        let name = &node.0;
        let (v4, v6) = (v4(link, end), v6(link, end));
        ip(&format!("-n {name} addr add {v4}/24 dev {device}"))?;
        ip(&format!("-n {name} addr add {v6}/64 dev {device} nodad"))?;
        ip(&format!("-n {name} link set {device} up"))?;
    }
    Ok(())
}

/// Adds a route to `link` through this end of the link `via`.
fn route(node: &Netns, link: usize, via: usize, end: u8) -> Result<()> {
    let name = &node.0;
    for (net, via) in [
        (format!("{}/24", v4(link, 0)), v4(via, end).to_string()),
        (format!("{}/64", v6(link, 0)), v6(via, end).to_string()),
    ] {
        ip(&format!("-n {name} route add {net} via {via}"))?;
    }
    Ok(())
}

fn v4(link: usize, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 90, u8::try_from(link).unwrap_or(u8::MAX), host)
}

fn v6(link: usize, host: u8) -> Ipv6Addr {
    let link = u16::try_from(link).unwrap_or(u16::MAX);
    Ipv6Addr::new(0xfd90, link, 0, 0, 0, 0, 0, host.into())
}
