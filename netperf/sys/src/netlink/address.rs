//! Which addresses does each network interface have?

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// Addresses by interface name, in the network namespace of the calling thread.
///
/// # Errors
/// When the C library can't read them from the kernel (it asks by netlink).
pub fn addresses() -> io::Result<HashMap<String, Vec<IpAddr>>> {
    let mut found: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for interface in getifaddrs()? {
        if let Some(address) = interface.address.as_ref().and_then(ip) {
            found
                .entry(interface.interface_name)
                .or_default()
                .push(address);
        }
    }
    Ok(found)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address() {
        let found = addresses().unwrap();
        assert!(found["lo"].contains(&IpAddr::from([127, 0, 0, 1])));
    }
}
