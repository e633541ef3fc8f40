//! How is a long way made? Two network namespaces, and between them this process, which lets every packet
//! wait.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};

use crate::deadline::Deadline;
use crate::netns::{Named, ip};

/// Largest packet of such an interface.
const PACKET: usize = 1500;

/// Both ends of the way; they go with this value, and the relays with them.
#[derive(Debug)]
pub struct Delayed {
    near: Named,
    far: Named,
}

impl Delayed {
    /// Address of the near end.
    pub const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 73, 0, 1));
    /// Address of the far end.
    pub const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 73, 0, 2));

    /// A way on which a packet takes `one_way`.
    ///
    /// # Errors
    /// When the kernel refuses the interfaces.
    pub fn new(one_way: Duration) -> Result<Self> {
        let (near, far) = (Named::new()?, Named::new()?);
        let ends = [(&near, Self::NEAR), (&far, Self::FAR)].map(|(end, address)| -> Result<File> {
            let device = in_namespace(end, open)?;
            let name = &end.0;
            ip(&format!("-n {name} addr add {address}/24 dev way0"))?;
            ip(&format!("-n {name} link set way0 up"))?;
            Ok(device)
        });
        let [near_device, far_device] = ends;
        let (near_device, far_device) = (near_device?, far_device?);
        relay(near_device.try_clone()?, far_device.try_clone()?, one_way);
        relay(far_device, near_device, one_way);
        Ok(Self { near, far })
    }

    /// Runs `act` in a thread at the near end.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn near<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_namespace(&self.near, act)
    }

    /// The same at the far end.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn far<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_namespace(&self.far, act)
    }
}

fn in_namespace<T: Send>(namespace: &Named, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let home = File::open(format!("/run/netns/{}", namespace.0))?;
    let moved = || -> Result<T> {
        setns(home, CloneFlags::CLONE_NEWNET)?;
        act()
    };
    thread::scope(|scope| match scope.spawn(moved).join() {
        Ok(outcome) => outcome,
        Err(_) => bail!("a thread of the test panicked"),
    })
}

/// An interface of the calling thread's namespace, whose packets are read and written here.
fn open() -> Result<File> {
    #![expect(unsafe_code, reason = "a request that makes an interface")]
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .context("no /dev/net/tun")?;
    // SAFETY: a struct of integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"way0") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI)?;
    // SAFETY: this request takes a pointer to an `ifreq`, which outlives the call.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    Errno::result(status).context("cannot make an interface")?;
    Ok(device)
}

/// Hands packets on, each so much later. Both threads end when their interface has gone.
fn relay(mut from: File, to: File, one_way: Duration) {
    let (sender, waiting) = channel();
    thread::spawn(move || deliver(&waiting, to));
    thread::spawn(move || {
        let mut packet = [0; PACKET];
        while let Ok(length) = from.read(&mut packet) {
            let one = (Deadline::after(one_way), packet[..length].to_vec());
            if sender.send(one).is_err() {
                break;
            }
        }
    });
}

fn deliver(waiting: &Receiver<(Deadline, Vec<u8>)>, mut to: File) {
    for (due, packet) in waiting {
        thread::sleep(due.left());
        // An interface that is down or gone takes nothing.
        if to.write_all(&packet).is_err() {
            break;
        }
    }
}
