//! How is a long way made, or one that loses packets? Two network namespaces, and between them this process,
//! which lets every packet wait, and some vanish. `mover way` does it between two that are there.

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

/// Largest packet of such an interface, in one piece or of many segments.
const PACKET: usize = 65_536;

/// `struct virtio_net_hdr`, which tells the segments of a packet that passes as it is.
const SEGMENTS_HEADER: usize = 10;

/// `TUNSETOFFLOAD`, and `TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6` (`linux/if_tun.h`).
const TUNSETOFFLOAD: libc::Ioctl = 0x4004_54d0;
const SEGMENTS_OF_TCP: libc::c_ulong = 1 | 2 | 4;

/// How long packets wait at the most where a way is narrow.
const ROOM: Duration = Duration::from_millis(50);

/// What happens on a way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impairment {
    /// How long a packet takes, each way.
    pub delay: Duration,
    /// It lets through so many bytes per second, each way.
    pub bytes_per_s: Option<u32>,
    /// Packets of many segments pass as they are, which takes less time.
    pub passes_gso: bool,
    /// One in so many packets from the near end is lost, of each version of IP and hop limit.
    pub drop_one_in: Option<u32>,
    /// Packets from the near end that are longer are lost, and nobody is told.
    pub max_packet: Option<usize>,
    /// Every second ICMP error of the far end comes from another address, as of a router with two faces.
    pub alternates_source: bool,
}

/// Both ends of the way; they go with this value, and the relays with them.
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

    /// A way on which a packet takes `delay`.
    ///
    /// # Errors
    /// When the kernel refuses the interfaces.
    pub fn new(delay: Duration) -> Result<Self> {
        let (near, far) = (Netns::new()?, Netns::new()?);
        let way = Impairment {
            delay,
            ..Impairment::default()
        };
        join((&near.0, "way0"), (&far.0, "way0"), way)?;
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

    /// The same at the far end.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn far<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_netns(&self.far.0, act)
    }
}

/// Makes a way until stdin ends: namespaces of both ends, the interface in either, milliseconds each way, and
/// bytes per second.
///
/// # Errors
/// When the kernel refuses the interfaces.
pub fn run(words: &[String]) -> Result<()> {
    let [near, far, interface, delay, bytes_per_s] = words else {
        bail!("usage: mover way NEAR FAR INTERFACE MILLISECONDS BYTES_PER_S");
    };
    let way = Impairment {
        delay: Duration::from_millis(delay.parse()?),
        bytes_per_s: Some(bytes_per_s.parse()?),
        passes_gso: true,
        ..Impairment::default()
    };
    join((near, interface), (far, interface), way)?;
    print_line(READY)?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A way between new interfaces of these names in two namespaces; both are still down and have no address.
pub(crate) fn join(near: (&str, &str), far: (&str, &str), way: Impairment) -> Result<()> {
    let near = in_netns(near.0, || open(near.1, way.passes_gso))?;
    let far = in_netns(far.0, || open(far.1, way.passes_gso))?;
    let back = Impairment {
        drop_one_in: None,
        max_packet: None,
        ..way
    };
    let way = Impairment {
        alternates_source: false,
        ..way
    };
    relay(near.try_clone()?, far.try_clone()?, way);
    relay(far, near, back);
    Ok(())
}

/// An interface of the calling thread's namespace, whose packets are read and written here.
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
    Errno::result(status).context("cannot make an interface")?;
    if passes_gso {
        // SAFETY: this request takes a number.
        let status = unsafe { libc::ioctl(device.as_raw_fd(), TUNSETOFFLOAD, SEGMENTS_OF_TCP) };
        Errno::result(status).context("it takes no packets of many segments")?;
    }
    Ok(device)
}

impl Impairment {
    /// How long a packet takes to begin its way, after the one before.
    fn takes(self, bytes: usize) -> Duration {
        let rate = self.bytes_per_s.filter(|&rate| rate > 0).map(f64::from);
        let bytes = u32::try_from(bytes).map_or(0.0, f64::from);
        rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes / rate))
    }
}

/// Hands packets on, each so much later. Both threads end when their interface has gone.
fn relay(mut from: File, to: File, way: Impairment) {
    let (sender, waiting) = channel();
    thread::spawn(move || deliver(&waiting, to));
    thread::spawn(move || {
        let header = if way.passes_gso { SEGMENTS_HEADER } else { 0 };
        let mut buffer = vec![0; header + PACKET];
        let (mut alike, mut errors) = (BTreeMap::new(), [0_u32; 16]);
        let mut free = Deadline::after(Duration::ZERO);
        while let Ok(length) = from.read(&mut buffer) {
            let packet = &mut buffer[header..length];
            let count: &mut u32 = alike.entry(hops_left(packet)).or_default();
            *count += 1;
            let is_unlucky = way
                .drop_one_in
                .is_some_and(|share| count.is_multiple_of(share));
            if is_unlucky || way.max_packet.is_some_and(|max_packet| length > max_packet) {
                continue;
            }
            if way.alternates_source && is_time_exceeded(packet) {
                // Each family by itself.
                let errors = &mut errors[usize::from(packet[0] >> 4)];
                *errors += 1;
                if errors.is_multiple_of(2) {
                    turn_face(packet);
                }
            }
            if free.left() > ROOM {
                continue;
            }
            if free.passed() {
                free = Deadline::after(Duration::ZERO);
            }
            free = free.later(way.takes(packet.len()));
            let one = (free.later(way.delay), buffer[..length].to_vec());
            if sender.send(one).is_err() {
                break;
            }
        }
    });
}

/// The version of IP, and what is left of the time to live or the hop limit: probes that are alike.
fn hops_left(packet: &[u8]) -> (u8, Option<u8>) {
    let version = packet.first().map_or(0, |first| first >> 4);
    let left = if version == 4 { 8 } else { 7 };
    (version, packet.get(left).copied())
}

/// Whether a router that `path` looks for sends this packet.
fn is_time_exceeded(packet: &[u8]) -> bool {
    match packet {
        [0x45, ..] if packet.get(9) == Some(&1) => packet.get(20) == Some(&11),
        [first, ..] if first >> 4 == 6 && packet.get(6) == Some(&58) => packet.get(40) == Some(&3),
        _ => false,
    }
}

/// Gives a packet [`other_face`] of its sender. Two words of the address change by one, so that no checksum does.
fn turn_face(packet: &mut [u8]) {
    let last = if packet[0] >> 4 == 4 { 15 } else { 23 };
    let second = if last == 15 { 13 } else { 11 };
    packet[last] += 1;
    packet[second] -= 1;
}

/// The second address of a router with two faces.
pub fn other_face(address: IpAddr) -> IpAddr {
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
        // An interface that is still down takes nothing; when it is gone, nothing more comes.
        let _ = to.write_all(&packet);
    }
}
