//! Which raw sockets are there, on a kernel without `raw_diag`? From `/proc/PID/net/raw` and `raw6`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, InetEnds, SocketProto, SocketReading};

use super::Procfs;

const TABLE_MAX_BYTES: u64 = 16 * 1024 * 1024;

impl Procfs {
    /// The raw sockets of the network namespace that a process is in, or of the reader's own. The
    /// number of their namespace is left open.
    pub fn raw_sockets(&self, tgid: Option<u32>) -> Vec<SocketReading> {
        let process = tgid.map_or_else(|| "self".to_owned(), |tgid| tgid.to_string());
        let tables = [("raw", false), ("raw6", true)];
        let mut found = Vec::new();
        for (table, is_ipv6) in tables {
            let path = format!("proc/{process}/net/{table}");
            let bytes = self.read(&path, TABLE_MAX_BYTES).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            found.extend(text.lines().skip(1).filter_map(|line| raw(line, is_ipv6)));
        }
        found
    }
}

/// Columns of `raw_sock_seq_show` (`net/ipv4/raw.c`): number, local, remote, state, queues, timer,
/// retransmissions, user, timeout, inode.
fn raw(line: &str, is_ipv6: bool) -> Option<SocketReading> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (end(fields.next()?)?, end(fields.next()?)?);
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let (send_q, recv_q) = fields.next()?.split_once(':')?;
    let mut fields = fields.skip(2);
    let uid = fields.next()?.parse().ok()?;
    let inode: u32 = fields.nth(1)?.parse().ok()?;
    Some(SocketReading {
        proto: SocketProto::Raw,
        state: TcpState::from_kernel(state)?,
        ends: Ends::Inet(InetEnds {
            local,
            remote,
            interface: 0,
            is_ipv6,
            ipv6_only: false,
        }),
        netns: 0,
        inode: Some(inode).filter(|&inode| inode != 0),
        cookie: 0,
        uid: Some(uid),
        recv_q: u32::from_str_radix(recv_q, 16).ok()?,
        send_q: u32::from_str_radix(send_q, 16).ok()?,
        timer: None,
        cgroup_id: None,
        shutdown: None,
        memory: None,
        tcp: None,
    })
}

/// Words of 32 bits as the processor has them, in hexadecimal, then the port.
fn end(field: &str) -> Option<SocketAddr> {
    let (address, port) = field.split_once(':')?;
    let word = |at: usize| {
        let digits = address.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let address = if address.len() == 8 {
        IpAddr::V4(Ipv4Addr::from(word(0)?))
    } else {
        let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
        IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?))
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";

    #[test]
    fn lines_of_both_families_are_read() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("proc/7/net");
        std::fs::create_dir_all(&dir).unwrap();
        let v4 = "   1: 0100007F:0001 00000000:0000 07 00000010:00000200 00:00000000 00000000 \
                  1000        0 48211 2 0000000000000000 0\n";
        let v6 = "  58: 00000000000000000000000001000000:003A 00000000000000000000000000000000:0000 \
                  07 00000000:00000000 00:00000000 00000000     0        0 48300 2 0000 0\n";
        std::fs::write(dir.join("raw"), format!("{HEAD}{v4}cut 0100007F\n")).unwrap();
        std::fs::write(dir.join("raw6"), format!("{HEAD}{v6}")).unwrap();
        let found = Procfs::new(root.path()).raw_sockets(Some(7));
        let seen: Vec<_> = found
            .iter()
            .map(|socket| {
                let Ends::Inet(ends) = &socket.ends else {
                    panic!("no internet socket");
                };
                let queues = (socket.recv_q, socket.send_q);
                (ends.local.to_string(), queues, socket.uid, socket.inode)
            })
            .collect();
        let expected = [
            ("127.0.0.1:1".to_owned(), (512, 16), Some(1000), Some(48211)),
            ("[::1]:58".to_owned(), (0, 0), Some(0), Some(48300)),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn no_table_is_no_sockets() {
        assert_eq!(Procfs::new("/nonexistent").raw_sockets(None), []);
    }
}
