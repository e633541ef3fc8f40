//! What the lists of sockets of all families have in common: the commands of `sock_diag`, and the memory of a socket.

use netperf_core::sample::socket::SocketMemory;

use super::attributes::u32_at;

/// `linux/sock_diag.h`.
pub(super) const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `linux/sock_diag.h`. Since Linux 4.5.
pub(super) const SOCK_DESTROY: u16 = 21;

/// `SK_MEMINFO_*` of `linux/sock_diag.h`: an array that newer kernels make longer.
pub(super) fn memory(value: &[u8]) -> Option<SocketMemory> {
    let number = |at: usize| u32_at(value, at * 4);
    Some(SocketMemory {
        rmem: number(0)?,
        rcvbuf: number(1)?,
        wmem: number(2)?,
        sndbuf: number(3)?,
        drops: number(8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_an_old_kernel_has_no_drops() {
        let bytes: Vec<u8> = (1..=4u32).flat_map(u32::to_ne_bytes).collect();
        let memory = memory(&bytes).unwrap();
        assert_eq!((memory.rmem, memory.rcvbuf, memory.sndbuf), (1, 2, 4));
        assert_eq!(memory.drops, None);
        assert_eq!(super::memory(&bytes[..15]), None);
    }
}
