//! How is a way over several routers made? A namespace for each, in a row, with IPv4 and IPv6.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::netns::{Netns, in_netns, ip};
use crate::net::relay::{Impairment, join};

/// Numbers of the links to and from a router that stands beside another.
const IN: usize = 98;
const OUT: usize = 99;

/// What joins a host or router to the next.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// A cable.
    Cable,
    /// A way that lets packets wait, or loses some.
    Impaired(Impairment),
}

/// A host, routers, and a host at the far end; all go with this value.
///
/// The link behind host or router `n` has the addresses `10.90.n.1` and `fd90:n::1` at its near end, and those
/// that end in 2 at the far one.
#[derive(Debug)]
pub struct Chain {
    places: Vec<Netns>,
    twins: Vec<Netns>,
}

impl Chain {
    /// One place more than links: `links.len() - 1` routers. They answer every probe.
    ///
    /// # Errors
    /// When the kernel refuses a part of it, or nothing passes.
    pub fn new(links: &[Link]) -> Result<Self> {
        let places = (0..=links.len())
            .map(|_| Netns::new())
            .collect::<Result<_>>()?;
        let chain = Self {
            places,
            twins: Vec::new(),
        };
        for place in &chain.places {
            forward(place)?;
        }
        for (number, link) in links.iter().enumerate() {
            chain.link(number, *link)?;
        }
        for place in 0..chain.places.len() {
            chain.route(place)?;
        }
        knock(&chain.places[0], chain.far())?;
        knock(&chain.places[0], chain.far_v6())?;
        Ok(chain)
    }

    /// Address of the far host.
    pub fn far(&self) -> IpAddr {
        v4(self.last_link(), 2).into()
    }

    /// The same for IPv6.
    pub fn far_v6(&self) -> IpAddr {
        v6(self.last_link(), 2).into()
    }

    /// Address with which the router at this distance answers the near host.
    pub fn router(&self, distance: usize) -> IpAddr {
        v4(distance - 1, 2).into()
    }

    /// The same over IPv6.
    pub fn router_v6(&self, distance: usize) -> IpAddr {
        v6(distance - 1, 2).into()
    }

    /// `program`, to run at the near host.
    pub fn near(&self, program: &str) -> Command {
        self.places[0].command(program)
    }

    /// What the router at this distance sends on goes through a queue of this kind first.
    ///
    /// # Errors
    /// When the kernel does not take it.
    pub fn shape(&self, distance: usize, queue: &str) -> Result<()> {
        let mut tc = self.places[distance].command("tc");
        tc.args(["qdisc", "add", "dev", &format!("right{distance}"), "root"]);
        let status = tc.args(queue.split(' ')).status()?;
        ensure!(status.success(), "no {queue}");
        Ok(())
    }

    /// The router at this distance answers no probe any more, or one each `ms` milliseconds at the most.
    /// It counts from 60 seconds before the first, so that one in more than that is none.
    ///
    /// # Errors
    /// When the kernel does not take it.
    pub fn answer_rarely(&self, distance: usize, ms: u32) -> Result<()> {
        let ms = ms.to_string();
        self.set(
            distance,
            &[
                ("net/ipv4/icmp_ratelimit", &ms),
                ("net/ipv6/icmp/ratelimit", &ms),
            ],
        )
    }

    /// A second router stands beside the second one, and the first one sends packets through either, flow by
    /// flow. What comes back goes through the old one. Gives the address of the new one, over IPv4 and IPv6.
    ///
    /// # Errors
    /// When the kernel refuses a part of it.
    pub fn add_twin_of_second(&mut self) -> Result<[IpAddr; 2]> {
        let twin = Netns::new()?;
        forward(&twin)?;
        for (from, to, link) in [(&self.places[1], &twin, IN), (&twin, &self.places[3], OUT)] {
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
            let one = &self.places[1].0;
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
        for (place, new) in [
            (1, [v4(IN, 2).into(), v6(IN, 2).into()]),
            (3, [v4(OUT, 1).into(), v6(OUT, 1).into()]),
        ] {
            for address in new {
                knock(&self.places[place], address)?;
            }
        }
        // By ports as well.
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

    /// The far host answers no echo any more.
    ///
    /// # Errors
    /// When the kernel does not take it.
    pub fn ignore_echo(&self) -> Result<()> {
        self.set(
            self.places.len() - 1,
            &[("net/ipv4/icmp_echo_ignore_all", "1")],
        )
    }

    /// What the router at this distance has no route for any more.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn forget_far(&self, distance: usize) -> Result<()> {
        let name = &self.places[distance].0;
        ip(&format!(
            "-n {name} route replace unreachable {}",
            self.far()
        ))
    }

    /// The largest packet of a link, at both ends.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn set_mtu(&self, link: usize, mtu: u32) -> Result<()> {
        for (place, device) in [
            (link, format!("right{link}")),
            (link + 1, format!("left{link}")),
        ] {
            let name = &self.places[place].0;
            ip(&format!("-n {name} link set {device} mtu {mtu}"))?;
        }
        Ok(())
    }

    /// Does something in a thread at the near host.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn in_near<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.places[0].0, act)
    }

    /// The same at the far host.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn in_far<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.places[self.places.len() - 1].0, act)
    }

    fn last_link(&self) -> usize {
        self.places.len() - 2
    }

    fn set(&self, place: usize, settings: &[(&str, &str)]) -> Result<()> {
        set(&self.places[place], settings)
    }

    fn link(&self, number: usize, link: Link) -> Result<()> {
        let (near, far) = (&self.places[number], &self.places[number + 1]);
        let (right, left) = (format!("right{number}"), format!("left{number}"));
        match link {
            Link::Cable => ip(&format!(
                "-n {} link add {right} type veth peer name {left} netns {}",
                near.0, far.0
            ))?,
            Link::Impaired(way) => join((&near.0, &right), (&far.0, &left), way)?,
        }
        give_addresses(number, (near, &right), (far, &left))
    }

    /// To what is left and right of a place, and no link of its own.
    fn route(&self, place: usize) -> Result<()> {
        let name = &self.places[place];
        for link in 0..=self.last_link() {
            let (via, end) = if link + 1 < place {
                (place - 1, 1)
            } else if link > place {
                (place, 2)
            } else {
                continue;
            };
            route(name, link, via, end)?;
        }
        Ok(())
    }
}

/// A new cable passes nothing for a while: a connection to a port that nobody listens on is tried until
/// it is refused.
fn knock(near: &Netns, far: IpAddr) -> Result<()> {
    let answer = in_netns(&near.0, || {
        let to = SocketAddr::new(far, 9);
        let answer = TcpStream::connect_timeout(&to, Duration::from_secs(10));
        Ok(answer.err().context("somebody listens on port 9")?.kind())
    })?;
    ensure!(
        answer == std::io::ErrorKind::ConnectionRefused,
        "no way to {far}: {answer}"
    );
    Ok(())
}

/// Settings of a namespace, paths below `/proc/sys`.
fn set(place: &Netns, settings: &[(&str, &str)]) -> Result<()> {
    in_netns(&place.0, || {
        for (path, value) in settings {
            let path = format!("/proc/sys/{path}");
            fs::write(&path, value).with_context(|| format!("no {path} = {value}"))?;
        }
        Ok(())
    })
}

/// A router that answers every probe, and that what comes back need not pass.
fn forward(place: &Netns) -> Result<()> {
    set(
        place,
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

/// Both ends of a link get their addresses, and are up.
fn give_addresses(link: usize, near: (&Netns, &str), far: (&Netns, &str)) -> Result<()> {
    for ((place, device), end) in [(near, 1), (far, 2)] {
        let name = &place.0;
        let (v4, v6) = (v4(link, end), v6(link, end));
        ip(&format!("-n {name} addr add {v4}/24 dev {device}"))?;
        ip(&format!("-n {name} addr add {v6}/64 dev {device} nodad"))?;
        ip(&format!("-n {name} link set {device} up"))?;
    }
    Ok(())
}

/// What is at `link` is behind this end of the link `via`.
fn route(place: &Netns, link: usize, via: usize, end: u8) -> Result<()> {
    let name = &place.0;
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
