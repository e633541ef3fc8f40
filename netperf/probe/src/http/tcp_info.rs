//! What does TCP know of a connection that was just opened?

use std::os::fd::AsRawFd;
use std::time::Duration;

use tokio::net::TcpStream;

/// Round-trip time, and SYNs that had to be sent again; `None` where the kernel does not say.
pub(super) fn of(stream: &TcpStream) -> Option<(Duration, u32)> {
    #![expect(unsafe_code, reason = "std has no way to ask for TCP_INFO")]
    let mut info = std::mem::MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
    // SAFETY: `info` is valid and writable for the `length` bytes that are announced.
    let status = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if status != 0 {
        return None;
    }
    // SAFETY: every field is an integer, and zero where the kernel wrote nothing.
    let info = unsafe { info.assume_init() };
    let rtt = Duration::from_micros(u64::from(info.tcpi_rtt));
    (info.tcpi_rtt > 0).then_some((rtt, info.tcpi_total_retrans))
}
