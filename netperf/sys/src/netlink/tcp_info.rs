//! What does `struct tcp_info` say? Each kernel appends fields to it and none are ever moved.

use netperf_core::sample::socket::TcpInfo;

use super::attributes::u32_at;

/// The kernel's word for a threshold that was never set (`TCP_INFINITE_SSTHRESH`).
const INFINITE: u32 = 0x7fff_ffff;

/// Reads what is there. Offsets are those of `linux/tcp.h`.
pub(super) fn decode(info: &[u8]) -> TcpInfo {
    let number = |at| u32_at(info, at);
    let long = |at: usize| -> Option<u64> {
        let rest = info.get(at..)?;
        rest.first_chunk().copied().map(u64::from_ne_bytes)
    };
    // 0 is what was not measured yet; a smallest time of all ones as well.
    let measured = |at| number(at).filter(|&us| us != 0 && us != u32::MAX);
    TcpInfo {
        congestion: None,
        rto_us: measured(8),
        mss: number(16),
        unacked: number(24),
        lost: number(32),
        retrans_out: number(36),
        last_sent_ms: number(44),
        last_received_ms: number(52),
        last_acked_ms: number(56),
        pmtu: measured(60),
        srtt_us: measured(68),
        rttvar_us: measured(68).and(number(72)),
        ssthresh: number(76).filter(|&segments| segments < INFINITE),
        cwnd: number(80),
        retrans: number(100),
        bytes_acked: long(120),
        bytes_received: long(128),
        notsent_bytes: number(144),
        min_rtt_us: measured(148),
        delivery_rate: long(160),
        busy_us: long(168),
        rwnd_limited_us: long(176),
        sndbuf_limited_us: long(184),
        bytes_sent: long(200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_tcp_info_of_an_old_kernel_lacks_the_later_fields_only() {
        let mut bytes = vec![0; 104];
        bytes[68..72].copy_from_slice(&25_000u32.to_ne_bytes());
        bytes[80..84].copy_from_slice(&10u32.to_ne_bytes());
        bytes[100..104].copy_from_slice(&3u32.to_ne_bytes());
        let info = decode(&bytes);
        assert_eq!((info.srtt_us, info.rttvar_us), (Some(25_000), Some(0)));
        assert_eq!((info.cwnd, info.retrans), (Some(10), Some(3)));
        assert_eq!((info.bytes_acked, info.busy_us), (None, None));
        assert_eq!(decode(&[]), TcpInfo::default());
    }

    #[test]
    fn what_was_not_measured_yet_is_not_known() {
        let mut bytes = vec![0; 232];
        bytes[76..80].copy_from_slice(&INFINITE.to_ne_bytes());
        bytes[148..152].copy_from_slice(&u32::MAX.to_ne_bytes());
        let info = decode(&bytes);
        assert_eq!((info.srtt_us, info.rttvar_us), (None, None));
        assert_eq!((info.min_rtt_us, info.ssthresh), (None, None));
        assert_eq!(info.bytes_acked, Some(0));
    }

    proptest::proptest! {
        #[test]
        fn no_length_makes_the_decoder_panic(bytes: Vec<u8>) {
            decode(&bytes);
        }
    }
}
