//! A tun device, whose speed and duplex a test can set.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::thread;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::net::netns::ip;

/// `TUNSETIFF`, `SIOCETHTOOL` and its two commands (`linux/if_tun.h`, `linux/ethtool.h`).
const TUNSETIFF: libc::Ioctl = 0x4004_54ca;
const SIOCETHTOOL: libc::Ioctl = 0x8946;
const GET_SETTINGS: u32 = 1;
const SET_SETTINGS: u32 = 2;
/// `sizeof(struct ethtool_cmd)`, and where its speed and duplex are.
const SETTINGS_BYTES: usize = 44;
const SPEED: usize = 12;
const DUPLEX: usize = 14;

/// Creates the interface `tun9`, 10.79.0.1/24, in the network namespace of this thread. A thread discards
/// what is sent over it, as long as the program runs.
///
/// # Errors
/// When the kernel refuses.
pub fn tun(mbit: u16, is_full: bool) -> Result<()> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    let mut request = named();
    let flags = libc::IFF_TUN | libc::IFF_NO_PI;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags)?;
    control(&device, TUNSETIFF, &mut request).context("no tun device")?;
    set_speed(mbit, is_full).context("its speed can't be set")?;
    ip("addr add 10.79.0.1/24 dev tun9")?;
    ip("link set tun9 up")?;
    thread::spawn(move || drain(device));
    Ok(())
}

fn drain(mut device: File) {
    let mut packet = vec![0; 65_536];
    while device.read(&mut packet).is_ok() {}
}

fn set_speed(mbit: u16, is_full: bool) -> Result<()> {
    let any = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let mut settings = [0_u8; SETTINGS_BYTES];
    for command in [GET_SETTINGS, SET_SETTINGS] {
        settings[..4].copy_from_slice(&command.to_ne_bytes());
        if command == SET_SETTINGS {
            settings[SPEED..SPEED + 2].copy_from_slice(&mbit.to_ne_bytes());
            settings[DUPLEX] = u8::from(is_full);
        }
        let mut request = named();
        request.ifr_ifru.ifru_data = settings.as_mut_ptr().cast();
        control(&any, SIOCETHTOOL, &mut request)?;
    }
    Ok(())
}

fn named() -> libc::ifreq {
    let mut name = [0; libc::IFNAMSIZ];
    for (place, byte) in name.iter_mut().zip(*b"tun9") {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: 0 },
    }
}

fn control(fd: &impl AsRawFd, what: libc::Ioctl, request: &mut libc::ifreq) -> nix::Result<()> {
    #![expect(unsafe_code, reason = "a request that names an interface")]
    // SAFETY: the request lives until the call returns, and what it points to is as large as this
    // command makes the kernel read and write.
    let status = unsafe { libc::ioctl(fd.as_raw_fd(), what, request) };
    Errno::result(status).map(drop)
}
