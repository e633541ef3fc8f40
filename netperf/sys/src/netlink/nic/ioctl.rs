//! What does a driver say that ethtool's netlink family does not pass on? Its name, and counters of
//! its own: these are only to be had by `SIOCETHTOOL`, which needs no right.

#![expect(unsafe_code, reason = "a system call that takes a pointer")]

use std::io;
use std::os::fd::AsRawFd;

use netlink_sys::{Socket, protocols::NETLINK_GENERIC};
use netperf_core::sample::nic::Driver;

use crate::netlink::attributes::text;

/// Commands, and the set of names that belongs to the counters (`linux/ethtool.h`).
const GET_DRIVER: u32 = 0x03;
const GET_NAMES: u32 = 0x1b;
const GET_COUNTERS: u32 = 0x1d;
const GET_SET_SIZES: u32 = 0x37;
const COUNTER_NAMES: u32 = 1;

/// `SIOCETHTOOL` (`linux/sockios.h`).
const SIOCETHTOOL: libc::Ioctl = 0x8946;

/// `sizeof(struct ethtool_drvinfo)`, and where its texts are.
const DRIVER_BYTES: usize = 196;
const DRIVER_NAME: usize = 4;
const DRIVER_FIRMWARE: usize = 68;
const DRIVER_BUS: usize = 100;
const DRIVER_TEXT: usize = 32;

/// `ETH_GSTRING_LEN`.
const NAME_BYTES: usize = 32;

/// More counters than this no driver has.
const COUNTERS_MAX: usize = 16_384;
/// Room for counters that come with queues which are opened between the question how many there are
/// and the question for them: the kernel writes all that there are by then.
const SPARE: usize = 1_024;

/// Asks the drivers of the network namespace that it was opened in.
pub(super) struct Control(Socket);

impl Control {
    pub(super) fn open() -> io::Result<Self> {
        // A socket of any family does; this one takes up no port.
        Socket::new(NETLINK_GENERIC).map(Self)
    }

    /// Who drives an interface.
    pub(super) fn driver(&self, name: &str) -> Option<Driver> {
        let mut answer = vec![0; DRIVER_BYTES];
        answer[..4].copy_from_slice(&GET_DRIVER.to_ne_bytes());
        self.ask(name, &mut answer).ok()?;
        let field = |at: usize| {
            let text = text(&answer[at..at + DRIVER_TEXT]);
            Some(text).filter(|text| !text.is_empty() && text != "N/A")
        };
        Some(Driver {
            name: field(DRIVER_NAME)?,
            firmware: field(DRIVER_FIRMWARE),
            bus: field(DRIVER_BUS),
        })
    }

    /// The counters of the driver's own, by name; none where it has none.
    pub(super) fn statistics(&self, name: &str) -> Vec<(String, u64)> {
        self.counters(name).unwrap_or_default()
    }

    fn counters(&self, name: &str) -> io::Result<Vec<(String, u64)>> {
        let count = self.count(name)?;
        let room = (count * 2).saturating_add(SPARE);
        let mut names = words(&[GET_NAMES, COUNTER_NAMES, number(count)]);
        names.resize(names.len() + room * NAME_BYTES, 0);
        self.ask(name, &mut names)?;
        let mut counters = words(&[GET_COUNTERS, number(count)]);
        counters.resize(counters.len() + room * 8, 0);
        self.ask(name, &mut counters)?;
        // There may be more or fewer by now; the names must be those of the counters.
        let found = usize::try_from(read(&counters, 4)).unwrap_or(0);
        if usize::try_from(read(&names, 8)) != Ok(found) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let names = names[12..].chunks(NAME_BYTES).map(text);
        let (values, _) = counters[8..].as_chunks::<8>();
        let values = values.iter().copied().map(u64::from_ne_bytes);
        Ok(names.zip(values).take(found.min(room)).collect())
    }

    /// How many counters there are: `struct ethtool_sset_info` with one bit set.
    fn count(&self, name: &str) -> io::Result<usize> {
        let mut answer = words(&[GET_SET_SIZES, 0]);
        answer.extend((1_u64 << COUNTER_NAMES).to_ne_bytes());
        answer.extend([0; 4]);
        self.ask(name, &mut answer)?;
        let count = usize::try_from(read(&answer, 16)).unwrap_or(0);
        if count == 0 || count > COUNTERS_MAX {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(count)
    }

    /// Has the kernel answer in the buffer that the question is in.
    fn ask(&self, name: &str, buffer: &mut [u8]) -> io::Result<()> {
        let mut request = libc::ifreq {
            ifr_name: interface_name(name)?,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: buffer.as_mut_ptr().cast(),
            },
        };
        // SAFETY: the request names a buffer that is larger than what this command makes the kernel
        // write, and both live until the call returns.
        let status = unsafe { libc::ioctl(self.0.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
        if status < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

fn interface_name(name: &str) -> io::Result<[libc::c_char; libc::IFNAMSIZ]> {
    let mut field = [0; libc::IFNAMSIZ];
    if name.len() >= field.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (place, byte) in field.iter_mut().zip(name.bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    Ok(field)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_ne_bytes).collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn read(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    word.copied().map_or(0, u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_has_no_driver_and_no_counters() {
        let control = Control::open().unwrap();
        for name in ["none", "a-name-that-is-too-long-for-an-interface"] {
            assert_eq!(control.driver(name), None);
            assert_eq!(control.statistics(name), []);
        }
    }
}
