//! Links with delay or loss: this process relays packets between tun devices of two network namespaces, each
//! packet later, and drops some. `mover way` does it between two existing namespaces.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write, stdin};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;

use crate::net::netns::{Netns, in_netns, ip};
use crate::sys::deadline::Deadline;
use crate::sys::stdout::{READY, print_line};

/// Largest packet of such an interface, with segmentation offload or without.
const PACKET: usize = 65_536;

/// Size of `struct virtio_net_hdr`, which describes the segments of a packet that is not split.
const SEGMENTS_HEADER: usize = 10;

/// `TUNSETOFFLOAD`, and `TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6` (`linux/if_tun.h`).
const TUNSETOFFLOAD: libc::Ioctl = 0x4004_54d0;
const TCP_SEGMENTS: libc::c_ulong = 1 | 2 | 4;

/// Longest time in the queue in front of a slow link.
const QUEUE: Duration = Duration::from_millis(50);

/// What a link does to its packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impairment {
    /// Delay in each direction.
    pub delay: Duration,
    /// Bytes per second in each direction.
    pub bytes_per_s: Option<u32>,
    /// Packets of many segments are not split, which takes less time.
    pub passes_gso: bool,
    /// One in so many packets from the near end is dropped, for each IP version and hop limit.
    pub drop_one_in: Option<u32>,
    /// Longer packets from the near end are dropped silently.
    pub max_packet: Option<usize>,
    /// Every second ICMP error of the far end comes from another address, as from a router with two interfaces.
    pub alternates_source: bool,
}

/// Both ends of a link with delay; removed when it is dropped, and the relays end.
#[derive(Debug)]
pub struct DelayedLink {
    near: Netns,
    far: Netns,
}

impl DelayedLink {
    /// Address of the near end.
    pub const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 73, 0, 1));
    /// Address of the far end.
    pub const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 73, 0, 2));

    /// A link with this delay in each direction.
    ///
    /// # Errors
    /// When the kernel refuses the interfaces.
    pub fn new(delay: Duration) -> Result<Self> {
        let (near, far) = (Netns::new()?, Netns::new()?);
        let impairment = Impairment {
            delay,
            ..Impairment::default()
        };
        join((&near.0, "way0"), (&far.0, "way0"), impairment)?;
        for (end, address) in [(&near, Self::NEAR), (&far, Self::FAR)] {
            let name = &end.0;
            ip(&format!("-n {name} addr add {address}/24 dev way0"))?;
            ip(&format!("-n {name} link set way0 up"))?;
        }
        Ok(Self { near, far })
    }

    /// Runs `act` in a thread at the near end.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn near<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.near.0, act)
    }

    /// Runs `act` in a thread at the far end.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn far<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.far.0, act)
    }
}

/// Relays until stdin ends. The arguments are the namespaces of both ends, the name of the interface in both, the
/// delay in milliseconds, and bytes per second.
///
/// # Errors
/// When the kernel refuses the interfaces.
pub fn run(words: &[String]) -> Result<()> {
    let [near, far, interface, delay, bytes_per_s] = words else {
        bail!("usage: mover way NEAR FAR INTERFACE MILLISECONDS BYTES_PER_S");
    };
    let impairment = Impairment {
        delay: Duration::from_millis(delay.parse()?),
        bytes_per_s: Some(bytes_per_s.parse()?),
        passes_gso: true,
        ..Impairment::default()
    };
    join((near, interface), (far, interface), impairment)?;
    print_line(READY)?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Joins new interfaces of these names in two namespaces; both are still down and have no address.
pub(crate) fn join(near: (&str, &str), far: (&str, &str), impairment: Impairment) -> Result<()> {
    let near = in_netns(near.0, || open(near.1, impairment.passes_gso))?;
    let far = in_netns(far.0, || open(far.1, impairment.passes_gso))?;
    let back = Impairment {
        drop_one_in: None,
        max_packet: None,
        ..impairment
    };
    let impairment = Impairment {
        alternates_source: false,
        ..impairment
    };
    relay(near.try_clone()?, far.try_clone()?, impairment);
    relay(far, near, back);
    Ok(())
}

/// Opens a tun device in the network namespace of this thread.
fn open(name: &str, passes_gso: bool) -> Result<File> {
    #![expect(unsafe_code, reason = "requests that make an interface")]
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .context("no /dev/net/tun")?;
    // SAFETY: a struct of integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::try_from(from)?;
    }
    let header = if passes_gso { libc::IFF_VNET_HDR } else { 0 };
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI | header)?;
    // SAFETY: this request takes a pointer to an `ifreq`, which outlives the call.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    Errno::result(status).context("can't create a tun device")?;
    if passes_gso {
        // SAFETY: this request takes a number.
        let status = unsafe { libc::ioctl(device.as_raw_fd(), TUNSETOFFLOAD, TCP_SEGMENTS) };
        Errno::result(status).context("no segmentation offload")?;
    }
    Ok(device)
}

impl Impairment {
    /// Time to send a packet of this size.
    fn transmission_time(self, bytes: usize) -> Duration {
        let rate = self.bytes_per_s.filter(|&rate| rate > 0).map(f64::from);
        let bytes = u32::try_from(bytes).map_or(0.0, f64::from);
        rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes / rate))
    }
}

/// Forwards packets with delay. Both threads end when their interface is removed.
fn relay(mut from: File, to: File, impairment: Impairment) {
    let (sender, waiting) = channel();
    thread::spawn(move || deliver(&waiting, to));
    thread::spawn(move || {
        let header = if impairment.passes_gso {
            SEGMENTS_HEADER
        } else {
            0
        };
        let mut buffer = vec![0; header + PACKET];
        let (mut packets, mut errors) = (BTreeMap::new(), [0_u32; 16]);
        let mut free = Deadline::after(Duration::ZERO);
        while let Ok(length) = from.read(&mut buffer) {
            let packet = &mut buffer[header..length];
            let count: &mut u32 = packets.entry(hop_limit(packet)).or_default();
            *count += 1;
            let is_unlucky = impairment
                .drop_one_in
                .is_some_and(|share| count.is_multiple_of(share));
            if is_unlucky
                || impairment
                    .max_packet
                    .is_some_and(|max_packet| length > max_packet)
            {
                continue;
            }
            if impairment.alternates_source && is_time_exceeded(packet) {
                // IPv4 and IPv6 are counted separately.
                let errors = &mut errors[usize::from(packet[0] >> 4)];
                *errors += 1;
                if errors.is_multiple_of(2) {
                    change_source(packet);
                }
            }
            if free.left() > QUEUE {
                continue;
            }
            if free.passed() {
                free = Deadline::after(Duration::ZERO);
            }
            free = free.later(impairment.transmission_time(packet.len()));
            let one = (free.later(impairment.delay), buffer[..length].to_vec());
            if sender.send(one).is_err() {
                break;
            }
        }
    });
}

/// IP version, and time to live or hop limit: probes to the same hop are equal in both.
fn hop_limit(packet: &[u8]) -> (u8, Option<u8>) {
    let version = packet.first().map_or(0, |first| first >> 4);
    let left = if version == 4 { 8 } else { 7 };
    (version, packet.get(left).copied())
}

/// Whether this is an ICMP error "time exceeded".
fn is_time_exceeded(packet: &[u8]) -> bool {
    match packet {
        [0x45, ..] if packet.get(9) == Some(&1) => packet.get(20) == Some(&11),
        [first, ..] if first >> 4 == 6 && packet.get(6) == Some(&58) => packet.get(40) == Some(&3),
        _ => false,
    }
}

/// Replaces the source address by its [`second_address`]. Two words change by one each, so no checksum changes.
fn change_source(packet: &mut [u8]) {
    let last = if packet[0] >> 4 == 4 { 15 } else { 23 };
    let second = if last == 15 { 13 } else { 11 };
    packet[last] += 1;
    packet[second] -= 1;
}

/// The second address of a router whose errors alternate between two.
pub fn second_address(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(it) => {
            let [a, b, c, d] = it.octets();
            [a, b - 1, c, d + 1].into()
        }
        IpAddr::V6(it) => {
            let mut words = it.segments();
            words[1] -= 1;
            words[7] += 1;
            words.into()
        }
    }
}

fn deliver(waiting: &Receiver<(Deadline, Vec<u8>)>, mut to: File) {
    for (due, packet) in waiting {
        thread::sleep(due.left());
        // An interface that is still down takes no packets; when it is removed, no more arrive.
        let _ = to.write_all(&packet);
    }
}
